#include "call/overload.h"

enum { UNIT = 1000, MOST = 4 * UNIT };

/* Datagrams come and go in less than a sample, so what waits says only whether too much is let in; how much may be is
 * found by steps, large ones up and small ones down. At twice its bound all is put off that may be. */
enum { UDP_UP = 100, UDP_DOWN = 20, UDP_MOST = 2 * UNIT };

/* Where a class begins to be refused, where it is refused wholly, and by which measure. With a bound of 90 percent a
 * processor that does nothing else is at 1111. */
static const struct ramp {
	const char *name;
	uint32_t begin, end;
	bool by_pressure;
	uint32_t retry_s, spread_s;
} ramps[RF_LOAD_CLASSES] = {
	[RF_LOAD_EMERGENCY] = { "emergency", UINT32_MAX, UINT32_MAX, false, 0, 0 },
	[RF_LOAD_PRECEDENCE] = { "precedence", 1500, 2500, false, 2, 4 },
	[RF_LOAD_INTERNAL] = { "internal", 1000, 2000, false, 2, 6 },
	[RF_LOAD_REGISTER] = { "register", 1000, 1800, false, 5, 25 },
	[RF_LOAD_EXTERNAL] = { "external", 950, 1100, true, 5, 10 },
	[RF_LOAD_OTHER] = { "other", 900, 1050, true, 10, 20 },
};

const char *rf_load_class_name(enum rf_load_class c)
{
	return ramps[c].name;
}

void rf_overload_set(struct rf_overload *o, const struct rf_overload_conf *conf)
{
	o->conf = *conf;
	if (!o->conf.cpu_percent)
		o->conf.cpu_percent = 90;
	if (!o->conf.lag_ms)
		o->conf.lag_ms = 500;
	if (!o->conf.queue_bytes)
		o->conf.queue_bytes = 4 * 1024 * 1024;
}

void rf_overload_init(struct rf_overload *o, const struct rf_overload_conf *conf)
{
	*o = (struct rf_overload){ .cpu = 0 };
	rf_overload_set(o, conf);
}

/* x as a share of its bound. */
static uint32_t per_mille(uint64_t x, uint64_t bound)
{
	if (bound == 0)
		return 0;
	return x / bound >= MOST / UNIT ? MOST : (uint32_t)(x * UNIT / bound);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Half of the new, half of what was: one sample that stands out is no overload, five are. */
static uint32_t smooth(uint32_t was, uint32_t now)
{
	return (was + now) / 2;
}

static uint32_t datagrams(uint32_t was, const struct rf_load_sample *s)
{
	if (s->udp_dropped || s->udp_bytes > s->udp_room / 2)
		return was < UNIT ? UNIT : was + UDP_UP > UDP_MOST ? UDP_MOST : was + UDP_UP;
	if (s->udp_bytes > s->udp_room / 4)
		return was;
	return was > UDP_DOWN ? was - UDP_DOWN : 0;
}

void rf_overload_sample(struct rf_overload *o, const struct rf_load_sample *s)
{
	o->cpu = smooth(o->cpu, per_mille(s->cpu_us * 100, s->passed_us * o->conf.cpu_percent));
	o->lag = smooth(o->lag, per_mille(s->late_us, (uint64_t)o->conf.lag_ms * 1000));
	o->queue = smooth(o->queue, per_mille(s->queue_bytes, o->conf.queue_bytes));
	o->udp = datagrams(o->udp, s);
	/* Memory does not come back in a moment, so nothing is smoothed: near its bound the new is refused. */
	o->memory = per_mille(s->memory_bytes, o->conf.memory_bytes);
}

uint32_t rf_overload_strain(const struct rf_overload *o, bool udp)
{
	uint32_t felt = larger(larger(o->lag, o->queue), udp ? o->udp : 0), near = UNIT * 9 / 10;

	/* The last tenth of memory is the whole ramp. */
	return o->memory < near ? felt : larger(felt, UNIT + (o->memory - near) * 10);
}

uint32_t rf_overload_pressure(const struct rf_overload *o, bool udp)
{
	return larger(o->cpu, rf_overload_strain(o, udp));
}

unsigned rf_overload_loss(const struct rf_overload *o, enum rf_load_class c, bool udp)
{
	const struct ramp *r = &ramps[c];
	uint32_t at = r->by_pressure ? rf_overload_pressure(o, udp) : rf_overload_strain(o, udp);

	if (at <= r->begin)
		return 0;
	return at >= r->end ? 100 : (at - r->begin) * 100 / (r->end - r->begin);
}

bool rf_overload_admit(struct rf_overload *o, enum rf_load_class c, bool udp, uint32_t random)
{
	if ((uint64_t)random * 100 >> 32 >= rf_overload_loss(o, c, udp))
		return true;
	o->refused[c]++;
	return false;
}

uint32_t rf_overload_retry_s(enum rf_load_class c, uint32_t random)
{
	return ramps[c].retry_s + (uint32_t)((uint64_t)random * (ramps[c].spread_s + 1) >> 32);
}
