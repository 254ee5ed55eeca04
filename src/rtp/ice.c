#include "rtp/ice.h"

#include "base/secret.h"

/* --- credentials and candidates */

static bool is_ice_char(uint8_t c)
{
	return (unsigned)rf_lower(c) - 'a' < 26u || (unsigned)c - '0' < 10u || c == '+' || c == '/';
}

static bool ice_chars(struct rf_view v, size_t least, size_t most)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_ice_char(v.p[i]))
			return false;
	return v.n >= least && v.n <= most;
}

bool rf_ice_ufrag_ok(struct rf_view ufrag)
{
	return ice_chars(ufrag, 4, RF_ICE_UFRAG_MAX);
}

bool rf_ice_pwd_ok(struct rf_view pwd)
{
	return ice_chars(pwd, 22, RF_ICE_PWD_MAX);
}

/* Sixty-four characters: six bits of each byte. */
static void fill_chars(struct rf_random *r, char *dst, size_t n)
{
	static const char chars[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	rf_random_fill(r, dst, n);
	for (size_t i = 0; i < n; i++)
		dst[i] = chars[dst[i] & 63];
	dst[n] = 0;
}

void rf_ice_cred_make(struct rf_random *r, struct rf_ice_cred *ret_cred)
{
	fill_chars(r, ret_cred->ufrag, RF_ICE_UFRAG_BYTES);
	fill_chars(r, ret_cred->pwd, RF_ICE_PWD_BYTES);
}

uint32_t rf_ice_priority(uint16_t local, unsigned component)
{
	return 126u << 24 | (uint32_t)local << 8 | (256 - component);
}

void rf_ice_put_candidate(struct rf_writer *w, unsigned foundation, unsigned component, uint16_t local,
			  struct rf_view address, uint16_t port)
{
	rf_put_u64(w, foundation);
	rf_put_byte(w, ' ');
	rf_put_u64(w, component);
	rf_put_lit(w, " UDP ");
	rf_put_u64(w, rf_ice_priority(local, component));
	rf_put_byte(w, ' ');
	rf_put(w, address);
	rf_put_byte(w, ' ');
	rf_put_u64(w, port);
	rf_put_lit(w, " typ host");
}

/* --- the agent */

static void forget_seen(struct rf_ice *ice, struct rf_random *r)
{
	memset(ice->seen, 0, sizeof ice->seen);
	ice->salt.k0 = rf_random_u64(r);
	ice->salt.k1 = rf_random_u64(r);
}

void rf_ice_init(struct rf_ice *ice, const struct rf_ice_cred *ours, struct rf_random *r)
{
	*ice = (struct rf_ice){ .ours = *ours };
	forget_seen(ice, r);
}

void rf_ice_fini(struct rf_ice *ice)
{
	rf_secret_wipe(ice, sizeof *ice);
}

int rf_ice_set_remote(struct rf_ice *ice, struct rf_view ufrag)
{
	if (!rf_ice_ufrag_ok(ufrag))
		return RF_E_INVALID;
	if (ice->theirs_n && !rf_view_eq(ufrag, rf_view_of(ice->theirs, ice->theirs_n)))
		ice->outdated = true;
	memcpy(ice->theirs, ufrag.p, ufrag.n);
	ice->theirs_n = (uint16_t)ufrag.n;
	return 0;
}

void rf_ice_restart(struct rf_ice *ice, const struct rf_ice_cred *ours, struct rf_random *r, struct rf_mono now)
{
	ice->before = ice->ours;
	ice->before_until = rf_mono_add_ms(now, RF_ICE_GRACE_MS);
	ice->ours = *ours;
	/* What the other side said belonged to the credentials before; its answer comes with new ones. */
	ice->theirs_n = 0;
	ice->outdated = true;
	forget_seen(ice, r);
}

/* Four places in the filter from one keyed hash. True: this transaction was (or, seldom, seems to have been) here. */
static bool seen_before(struct rf_ice *ice, const uint8_t id[static 12])
{
	uint64_t h = rf_hash(&ice->salt, rf_view_of(id, 12));
	bool all = true;

	for (unsigned i = 0; i < 4; i++, h >>= 16) {
		uint8_t *byte = &ice->seen[(h >> 3) % RF_ICE_SEEN_BYTES], bit = (uint8_t)(1u << (h & 7));

		all &= (*byte & bit) != 0;
		*byte |= bit;
	}
	return all;
}

/* The credentials that a check names: "ours:theirs" (RFC 8445 7.2.2). */
static bool names(const struct rf_ice *ice, const struct rf_stun *m, struct rf_mono now, bool *ret_old)
{
	size_t colon = rf_view_find(m->username, ':');
	struct rf_view named = rf_view_sub(m->username, 0, colon), from = rf_view_from(m->username, colon + 1);
	bool old = false;

	if (!rf_view_eq(named, rf_view_str(ice->ours.ufrag))) {
		old = ice->before.ufrag[0] && now.us < ice->before_until.us &&
		      rf_view_eq(named, rf_view_str(ice->before.ufrag));
		if (!old)
			return false;
	}
	if (!old && ice->theirs_n && !rf_view_eq(from, rf_view_of(ice->theirs, ice->theirs_n)))
		return false;
	*ret_old = old;
	return true;
}

/* A check that names credentials of ours, and which; whether it proves them is not known yet. */
static int read_check(const struct rf_ice *ice, struct rf_view datagram, struct rf_mono now, struct rf_stun *m,
		      bool *ret_old)
{
	int rc = rf_stun_parse(datagram, m);

	if (rc)
		return rc;
	if (m->class != RF_STUN_REQUEST || m->method != RF_STUN_BINDING)
		return RF_E_UNSUPPORTED;
	return names(ice, m, now, ret_old) ? 0 : RF_E_AUTH;
}

bool rf_ice_means(const struct rf_ice *ice, struct rf_view datagram, struct rf_mono now)
{
	struct rf_stun m;
	bool old;

	return read_check(ice, datagram, now, &m, &old) == 0;
}

static void build_reply(const struct rf_stun *m, uint16_t error, const struct rf_stun_addr *from, struct rf_view pwd,
			struct rf_writer *w)
{
	rf_stun_begin(w, error ? RF_STUN_ERROR : RF_STUN_SUCCESS, RF_STUN_BINDING, m->id);
	if (error)
		rf_stun_put_error(w, error);
	else
		rf_stun_put_mapped(w, from);
	if (error == 420)
		rf_stun_put_unknown(w, m);
	rf_stun_put_integrity(w, pwd);
	rf_stun_put_fingerprint(w);
}

/* A nomination moves the address when nothing current stands against it: there is none, or the new one is worth at
 * least as much (agents that nominate many, RFC 5245 8.1.1.2: the highest wins), or the old one is silent. */
static bool may_move(const struct rf_ice *ice, const struct rf_stun *m, struct rf_mono now)
{
	return !ice->selected || ice->outdated || m->priority >= ice->priority ||
	       now.us - ice->nominated.us >= RF_ICE_YIELD_MS * 1000ull;
}

/* Walls and handshakes follow each move. */
static bool move_in_time(struct rf_ice *ice, struct rf_mono now)
{
	uint64_t from_us = ice->moves_us > now.us ? ice->moves_us : now.us;

	if (from_us - now.us > (RF_ICE_MOVES_AHEAD - 1) * RF_ICE_MOVE_MS * 1000ull)
		return false;
	ice->moves_us = from_us + RF_ICE_MOVE_MS * 1000ull;
	return true;
}

static void nominate(struct rf_ice *ice, const struct rf_stun *m, const struct rf_stun_addr *from, bool repeated,
		     struct rf_mono now, struct rf_ice_result *ret)
{
	bool same = ice->selected && rf_stun_addr_eq(&ice->remote, from);

	if (!same && (repeated || !may_move(ice, m, now) || !move_in_time(ice, now)))
		return;
	ret->moved = !same;
	ice->selected = true;
	ice->outdated = false;
	ice->remote = *from;
	ice->priority = m->priority;
	ice->nominated = now;
	rf_secret_wipe(&ice->before, sizeof ice->before); /* the restart is done */
}

/* What is wrong with a check that is proven; 0: nothing. The other side is full, so it controls; one that thinks
 * otherwise is told to change (RFC 8445 6.1.1, 7.3.1.1). */
static uint16_t fault_of(const struct rf_stun *m)
{
	if (m->unknown_count)
		return 420;
	return m->controlled ? 487 : 0;
}

int rf_ice_receive(struct rf_ice *ice, struct rf_view datagram, const struct rf_stun_addr *from, struct rf_mono now,
		   uint8_t buf[static RF_ICE_REPLY_MAX], struct rf_ice_result *ret)
{
	struct rf_ice_result result = { .reply = { buf, 0 } };
	struct rf_writer w;
	struct rf_stun m;
	bool old = false, repeated;
	int rc = read_check(ice, datagram, now, &m, &old);

	if (!rc)
		rc = rf_stun_check(&m, rf_view_str(old ? ice->before.pwd : ice->ours.pwd));
	if (rc)
		return rc;
	rf_writer_init(&w, buf, RF_ICE_REPLY_MAX);
	result.error = fault_of(&m);
	build_reply(&m, result.error, from, rf_view_str(old ? ice->before.pwd : ice->ours.pwd), &w);
	rc = rf_writer_done(&w, &result.reply);
	if (rc)
		return rc;
	repeated = seen_before(ice, m.id);
	if (!result.error && m.use_candidate && !old)
		nominate(ice, &m, from, repeated, now, &result);
	if (!result.error && ice->selected && rf_stun_addr_eq(&ice->remote, from)) {
		ice->checked = now;
		result.fresh = true;
	}
	*ret = result;
	return 0;
}

bool rf_ice_waits(const struct rf_ice *ice)
{
	return !ice->selected || ice->outdated;
}

bool rf_ice_remote(const struct rf_ice *ice, struct rf_stun_addr *ret_addr)
{
	if (ice->selected)
		*ret_addr = ice->remote;
	return ice->selected;
}

bool rf_ice_consent(const struct rf_ice *ice, struct rf_mono now)
{
	return ice->selected && now.us - ice->checked.us < RF_ICE_CONSENT_MS * 1000ull;
}
