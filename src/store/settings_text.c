/* Settings as people write them: one table for commands, the control socket and the record. */
#include "store/settings.h"

#include <stdio.h>

enum form { FORWARD, SECONDS, SWITCH };

static const struct row {
	const char *name;
	enum form form;
	unsigned field;
	bool inverted;             /* on is the value that is not kept */
} rows[RF_SETTINGS_TEXTS] = {
	{ "forward_always", FORWARD, RF_SET_FORWARD << RF_FORWARD_ALWAYS, false },
	{ "forward_busy", FORWARD, RF_SET_FORWARD << RF_FORWARD_BUSY, false },
	{ "forward_no_answer", FORWARD, RF_SET_FORWARD << RF_FORWARD_NO_ANSWER, false },
	{ "forward_unreachable", FORWARD, RF_SET_FORWARD << RF_FORWARD_UNREACHABLE, false },
	{ "no_answer_seconds", SECONDS, RF_SET_NO_ANSWER_S, false },
	{ "do_not_disturb", SWITCH, RF_SET_DND, false },
	{ "call_waiting", SWITCH, RF_SET_CALL_WAITING, true },
	{ "hide_number", SWITCH, RF_SET_HIDE_NUMBER, false },
	{ "refuse_anonymous", SWITCH, RF_SET_REFUSE_ANONYMOUS, false },
};

static bool *switch_of(struct rf_settings *s, unsigned field)
{
	switch (field) {
	case RF_SET_DND:
		return &s->dnd;
	case RF_SET_CALL_WAITING:
		return &s->no_call_waiting;
	case RF_SET_HIDE_NUMBER:
		return &s->hide_number;
	default:
		return &s->refuse_anonymous;
	}
}

static char *forward_of(struct rf_settings *s, unsigned field)
{
	unsigned kind = 0;

	while ((unsigned)RF_SET_FORWARD << kind != field)
		kind++;
	return s->forward[kind];
}

const char *rf_settings_text(const struct rf_settings *s, unsigned i, char value[static RF_SETTINGS_TEXT_MAX])
{
	struct rf_settings copy = *s;
	const struct row *row = &rows[i];

	switch (row->form) {
	case FORWARD:
		snprintf(value, RF_SETTINGS_TEXT_MAX, "%s", forward_of(&copy, row->field));
		break;
	case SECONDS:
		snprintf(value, RF_SETTINGS_TEXT_MAX, "%u", s->no_answer_s ? s->no_answer_s : RF_SETTINGS_WAIT_S);
		break;
	case SWITCH:
		snprintf(value, RF_SETTINGS_TEXT_MAX, "%s",
			 *switch_of(&copy, row->field) != row->inverted ? "on" : "off");
		break;
	}
	return row->name;
}

const char *rf_settings_change_line(const struct rf_settings_change *c, const struct rf_settings *now,
				    char dst[static RF_SETTINGS_LINE_MAX])
{
	char value[RF_SETTINGS_TEXT_MAX];
	size_t n = 0;

	if (c->fields == RF_SET_ALL && rf_settings_empty(now)) {
		snprintf(dst, RF_SETTINGS_LINE_MAX, "nothing");
		return dst;
	}
	dst[0] = 0;
	for (unsigned i = 0; i < RF_SETTINGS_TEXTS; i++) {
		if (!(c->fields & rows[i].field))
			continue;
		rf_settings_text(now, i, value);
		n += (size_t)snprintf(dst + n, RF_SETTINGS_LINE_MAX - n, "%s%s=%s", n ? " " : "", rows[i].name,
				      value[0] ? value : "off");
	}
	return dst;
}

static int set_forward(const struct row *row, struct rf_settings *to, struct rf_view value, struct rf_diag *diag)
{
	char *target = forward_of(to, row->field);

	memset(target, 0, RF_SETTINGS_TARGET_MAX + 1);
	if (value.n == 0 || rf_view_eq(value, RF_V("off")))
		return 0;
	if (!rf_settings_target_ok(value))
		return rf_diag_set(diag, RF_E_INVALID, "%s: a number as it is dialled, at most %d characters, or off",
				   row->name, RF_SETTINGS_TARGET_MAX);
	memcpy(target, value.p, value.n);
	return 0;
}

static int set_seconds(const struct row *row, struct rf_settings *to, struct rf_view value, struct rf_diag *diag)
{
	uint32_t s;

	if (!rf_view_u32(value, &s) || s < RF_SETTINGS_WAIT_MIN_S || s > RF_SETTINGS_WAIT_MAX_S)
		return rf_diag_set(diag, RF_E_INVALID, "%s: %d to %d seconds", row->name, RF_SETTINGS_WAIT_MIN_S,
				   RF_SETTINGS_WAIT_MAX_S);
	to->no_answer_s = s == RF_SETTINGS_WAIT_S ? 0 : (uint16_t)s;
	return 0;
}

static int set_switch(const struct row *row, struct rf_settings *to, struct rf_view value, struct rf_diag *diag)
{
	bool on = rf_view_eq(value, RF_V("on"));

	if (!on && !rf_view_eq(value, RF_V("off")))
		return rf_diag_set(diag, RF_E_INVALID, "%s: on or off", row->name);
	*switch_of(to, row->field) = on != row->inverted;
	return 0;
}

int rf_settings_change_text(struct rf_settings_change *c, struct rf_view name, struct rf_view value,
			    struct rf_diag *diag)
{
	static int (*const set[])(const struct row *row, struct rf_settings *to, struct rf_view value,
				  struct rf_diag *diag) = { set_forward, set_seconds, set_switch };

	for (const struct row *row = rows; row < rows + RF_SETTINGS_TEXTS; row++)
		if (rf_view_eq(rf_view_str(row->name), name)) {
			c->fields |= row->field;
			return set[row->form](row, &c->to, value, diag);
		}
	return rf_diag_set(diag, RF_E_NOT_FOUND, "there is no setting of that name");
}
