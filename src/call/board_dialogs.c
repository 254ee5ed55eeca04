/* The dialogs of a line, for who watches it. */
#include "call/board_int.h"

#include <stdlib.h>

enum { ENDED_KEPT = 4 }; /* dialogs of a line that are over, so that a watcher hears it by name */

struct rf_board_kept {
	TAILQ_ENTRY(rf_board_kept) list; /* oldest first */
	struct rf_board_dialog d;
	uint8_t text[];
};

static void drop_dialog(struct rf_board_entry *line, struct rf_board_kept *d)
{
	TAILQ_REMOVE(&line->dialogs, d, list);
	line->dialogs_n--;
	free(d);
}

void rf_board_drop_dialogs(struct rf_board_entry *line)
{
	while (!TAILQ_EMPTY(&line->dialogs))
		drop_dialog(line, TAILQ_FIRST(&line->dialogs));
}

static struct rf_view keep(uint8_t **at, struct rf_view v)
{
	struct rf_view kept = rf_view_of(*at, v.n);

	if (v.n)
		memcpy(*at, v.p, v.n);
	*at += v.n;
	return kept;
}

static struct rf_board_kept *copy_dialog(const struct rf_board_dialog *d)
{
	struct rf_board_kept *x = malloc(sizeof *x + d->call_id.n + d->local_tag.n + d->remote_tag.n +
					 d->remote_number.n + d->remote_display.n);

	if (!x)
		return NULL;
	uint8_t *at = x->text;

	x->d = *d;
	x->d.call_id = keep(&at, d->call_id);
	x->d.local_tag = keep(&at, d->local_tag);
	x->d.remote_tag = keep(&at, d->remote_tag);
	x->d.remote_number = keep(&at, d->remote_number);
	x->d.remote_display = keep(&at, d->remote_display);
	return x;
}

static struct rf_board_kept *find_dialog(struct rf_board_entry *line, const struct rf_id *id)
{
	struct rf_board_kept *d;

	TAILQ_FOREACH(d, &line->dialogs, list)
		if (memcmp(&d->d.id, id, sizeof *id) == 0)
			return d;
	return NULL;
}

/* Room for one more: the oldest that is over leaves first. */
static void forget_ended(struct rf_board_entry *line, unsigned keep_n)
{
	struct rf_board_kept *d, *next;
	unsigned ended = 0;

	TAILQ_FOREACH(d, &line->dialogs, list)
		ended += d->d.state == RF_LINE_TERMINATED;
	for (d = TAILQ_FIRST(&line->dialogs); d && ended > keep_n; d = next) {
		next = TAILQ_NEXT(d, list);
		if (d->d.state != RF_LINE_TERMINATED)
			continue;
		if (d->d.changed > line->gone)
			line->gone = d->d.changed;
		drop_dialog(line, d);
		ended--;
	}
}

static bool same(const struct rf_board_dialog *a, const struct rf_board_dialog *b)
{
	return a->state == b->state && a->initiator == b->initiator && rf_view_eq(a->call_id, b->call_id) &&
	       rf_view_eq(a->local_tag, b->local_tag) && rf_view_eq(a->remote_tag, b->remote_tag) &&
	       rf_view_eq(a->remote_number, b->remote_number) && rf_view_eq(a->remote_display, b->remote_display);
}

/* A dialog that has ended keeps what was known of it. */
static rf_workers end_dialog(struct rf_board_entry *line, struct rf_board_kept *d)
{
	if (d->d.state == RF_LINE_TERMINATED)
		return 0;
	rf_workers tell = rf_board_changed(line);

	d->d.state = RF_LINE_TERMINATED;
	d->d.changed = line->version;
	TAILQ_REMOVE(&line->dialogs, d, list);
	TAILQ_INSERT_TAIL(&line->dialogs, d, list);
	forget_ended(line, ENDED_KEPT);
	return tell;
}

static rf_workers put_dialog(struct rf_board *b, struct rf_board_entry *line, const struct rf_board_dialog *d)
{
	struct rf_board_kept *old = find_dialog(line, &d->id), *x;

	if (d->state == RF_LINE_TERMINATED)
		return old ? end_dialog(line, old) : 0;
	if (old && same(&old->d, d))
		return 0;
	if (!old && line->dialogs_n >= RF_BOARD_DIALOGS)
		forget_ended(line, 0);
	if (!old && line->dialogs_n >= RF_BOARD_DIALOGS) {
		rf_board_refused(&b->dialogs_refused);
		return 0;
	}
	x = copy_dialog(d);
	if (old)
		drop_dialog(line, old);
	rf_workers tell = rf_board_changed(line);

	if (!x) {
		line->gone = line->version;
		return tell;
	}
	x->d.changed = line->version;
	TAILQ_INSERT_TAIL(&line->dialogs, x, list);
	line->dialogs_n++;
	return tell;
}

rf_workers rf_board_dialog(struct rf_board *b, struct rf_view number, const struct rf_board_dialog *d)
{
	uint64_t hash;
	struct rf_board_shard *s = rf_board_lock(b, number, &hash);
	struct rf_board_entry *line = rf_board_find(s, number, hash);
	rf_workers tell = line && line->watching ? put_dialog(b, line, d) : 0;

	pthread_mutex_unlock(&s->lock);
	return tell;
}

static int copy_out(struct rf_arena *arena, const struct rf_board_dialog *from, struct rf_board_dialog *to)
{
	*to = *from;
	if (rf_view_dup(arena, from->call_id, &to->call_id) || rf_view_dup(arena, from->local_tag, &to->local_tag) ||
	    rf_view_dup(arena, from->remote_tag, &to->remote_tag) ||
	    rf_view_dup(arena, from->remote_number, &to->remote_number) ||
	    rf_view_dup(arena, from->remote_display, &to->remote_display))
		return -ENOMEM;
	return 0;
}

int rf_board_read_dialogs(const struct rf_board_entry *line, struct rf_arena *arena, struct rf_board_line *ret)
{
	const struct rf_board_kept *d;

	ret->dialog = rf_arena_array(arena, line->dialogs_n + 1u, sizeof *ret->dialog);
	if (!ret->dialog)
		return -ENOMEM;
	TAILQ_FOREACH(d, &line->dialogs, list)
		if (copy_out(arena, &d->d, &ret->dialog[ret->dialogs++]))
			return -ENOMEM;
	return 0;
}
