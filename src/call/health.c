#include "call/health.h"

#include "sip/timers.h"

const char *rf_health_name(enum rf_health_state state)
{
	static const char *const names[] = { "unknown", "up", "down" };

	return names[state];
}

static bool become(struct rf_health *h, enum rf_health_state state)
{
	bool changed = h->state != state;

	h->state = (uint8_t)state;
	return changed;
}

void rf_health_init(struct rf_health *h, struct rf_mono now)
{
	*h = (struct rf_health){ .state = RF_HEALTH_UNKNOWN, .next = now };
}

bool rf_health_due(struct rf_health *h, uint32_t interval_ms, struct rf_mono now)
{
	if (h->asking || !rf_mono_due(h->next, now))
		return false;
	if (interval_ms) {
		h->asking = true;
		return true;
	}
	h->next = rf_mono_never();
	if (h->state == RF_HEALTH_DOWN)
		rf_health_init(h, rf_mono_never());
	return false;
}

bool rf_health_answered(struct rf_health *h, uint32_t interval_ms, struct rf_mono now)
{
	h->asking = false;
	h->failed = 0;
	h->wait_ms = 0;
	h->next = interval_ms ? rf_mono_add_ms(now, interval_ms) : rf_mono_never();
	return become(h, RF_HEALTH_UP);
}

/* Twice the last wait, up to the most. */
static void back_off(struct rf_health *h, uint32_t interval_ms, struct rf_mono now)
{
	uint32_t most = interval_ms > RF_HEALTH_MOST_MS ? interval_ms : RF_HEALTH_MOST_MS;

	h->wait_ms = !h->wait_ms ? RF_HEALTH_RETRY_MS : h->wait_ms > most / 2 ? most : h->wait_ms * 2;
	h->next = rf_mono_add_ms(now, h->wait_ms);
}

bool rf_health_failed(struct rf_health *h, uint32_t interval_ms, struct rf_mono now)
{
	h->asking = false;
	if (h->failed < RF_HEALTH_FAILURES)
		h->failed++;
	if (h->state != RF_HEALTH_DOWN && h->failed < RF_HEALTH_FAILURES) {
		h->next = rf_mono_add_ms(now, RF_HEALTH_RETRY_MS);
		return false;
	}
	back_off(h, interval_ms, now);
	return become(h, RF_HEALTH_DOWN);
}

bool rf_health_hurt(struct rf_health *h, uint32_t interval_ms, struct rf_mono now)
{
	if (h->state == RF_HEALTH_DOWN)
		return false; /* its waits are running */
	h->failed = RF_HEALTH_FAILURES;
	h->wait_ms = 0;
	if (interval_ms)
		back_off(h, interval_ms, now);
	else
		h->next = rf_mono_add_ms(now, RF_HEALTH_HOLD_MS);
	return become(h, RF_HEALTH_DOWN);
}
