#include "emit/emit.h"

#include "base/secret.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct rf_emit_out {
	struct rf_emit *e;
	const char *path;
	unsigned mode;
	char *buf;          /* malloc'd while it grows */
	size_t n, room;
};

static void fail(struct rf_emit *e, int code)
{
	if (!e->err)
		e->err = code;
}

/* --- text */

static bool reserve(struct rf_emit_out *o, size_t more)
{
	size_t room = o->room ? o->room : 4096;

	if (o->e->err)
		return false;
	if (more > RF_EMIT_FILE_MAX - o->n) {
		fail(o->e, RF_E_LIMIT);
		return false;
	}
	while (room - o->n < more)
		room *= 2;
	if (room == o->room)
		return true;
	char *buf = realloc(o->buf, room);
	if (!buf) {
		fail(o->e, -ENOMEM);
		return false;
	}
	o->buf = buf;
	o->room = room;
	return true;
}

static void __attribute__((format(printf, 2, 0))) put_v(struct rf_emit_out *o, const char *fmt, va_list ap)
{
	va_list again;

	if (!reserve(o, 256))
		return;
	va_copy(again, ap);
	int n = vsnprintf(o->buf + o->n, o->room - o->n, fmt, ap);
	if (n >= 0 && (size_t)n >= o->room - o->n && reserve(o, (size_t)n + 1))
		n = vsnprintf(o->buf + o->n, o->room - o->n, fmt, again);
	va_end(again);
	if (n < 0)
		fail(o->e, RF_E_INVALID);
	else if (!o->e->err)
		o->n += (size_t)n;
}

void rf_emit_line(struct rf_emit_out *o, const char *fmt, ...)
{
	va_list ap;

	if (!o)
		return;
	va_start(ap, fmt);
	put_v(o, fmt, ap);
	va_end(ap);
}

void rf_emit_json(struct rf_emit_out *o, struct rf_view v)
{
	struct rf_writer w;

	/* The longest spelling of a byte is \u00xx. */
	if (!o || !reserve(o, 6 * v.n + 8))
		return;
	rf_writer_init(&w, o->buf + o->n, o->room - o->n);
	rf_put_json(&w, v);
	if (w.err)
		fail(o->e, w.err);
	else
		o->n += w.n;
}

/* --- files */

static bool path_ok(const char *path)
{
	bool start = true;
	size_t n = 0;

	for (; path[n]; n++) {
		char c = path[n];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
			     c == '-';

		if (start ? !plain : !plain && c != '.' && c != '/')
			return false;
		start = c == '/';
	}
	return n && !start && n <= RF_EMIT_PATH_MAX;
}

static void put_head(struct rf_emit_out *o, const char *comment)
{
	const struct rf_site *s = o->e->site;

	rf_emit_line(o,
		     "%s%s\n%ssite %s, level %s, digest %s\n"
		     "%sWritten by `ringfort compile`; what is changed here is lost.\n",
		     comment, o->path, comment, rf_site_cstr(s->name), rf_level_name(s->level), o->e->digest_hex,
		     comment);
}

int rf_emit_begin(struct rf_emit *e, struct rf_emit_out **ret_out, unsigned mode, const char *comment,
		  const char *path_fmt, ...)
{
	char path[RF_EMIT_PATH_MAX + 2];
	va_list ap;

	*ret_out = NULL;
	va_start(ap, path_fmt);
	int n = vsnprintf(path, sizeof path, path_fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof path || !path_ok(path)) {
		rf_emit_find(e, RF_SEV_ERROR, (struct rf_site_pos){ 0 }, NULL, "shorten the name",
			     "no file can be named \"%s\"", path);
		fail(e, RF_E_INVALID);
	}
	if (e->err)
		return e->err;
	struct rf_emit_out *o = rf_arena_zalloc(e->arena, sizeof *o);
	char *kept = o ? rf_arena_cstr(e->arena, rf_view_str(path)) : NULL;
	if (!kept) {
		fail(e, -ENOMEM);
		return e->err;
	}
	*o = (struct rf_emit_out){ .e = e, .path = kept, .mode = mode };
	if (comment)
		put_head(o, comment);
	*ret_out = o;
	return 0;
}

static bool grow(struct rf_emit *e)
{
	if (e->n < e->room)
		return true;
	if (e->n >= RF_EMIT_FILES_MAX) {
		fail(e, RF_E_LIMIT);
		return false;
	}
	size_t room = e->room ? e->room * 2 : 64;
	struct rf_emit_file *files = reallocarray(e->files, room, sizeof *files);
	if (!files) {
		fail(e, -ENOMEM);
		return false;
	}
	e->files = files;
	e->room = room;
	return true;
}

void rf_emit_end(struct rf_emit_out *o)
{
	struct rf_view kept;

	if (!o)
		return;
	struct rf_emit *e = o->e;
	if (!e->err && rf_view_dup(e->arena, rf_view_of(o->buf, o->n), &kept))
		fail(e, e->arena->used + o->n > RF_EMIT_BUNDLE_MAX ? RF_E_LIMIT : -ENOMEM);
	if (!e->err && grow(e))
		e->files[e->n++] = (struct rf_emit_file){ o->path, kept, o->mode };
	free(o->buf);
	o->buf = NULL;
}

/* --- findings, addresses, names */

void rf_emit_find(struct rf_emit *e, enum rf_severity severity, struct rf_site_pos pos, const char *mitigation,
		  const char *mend, const char *fmt, ...)
{
	struct rf_view file = pos.file == 1 ? e->site->phones_file : e->site->file;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	rf_finding_add(e->findings, severity, (struct rf_place){ rf_site_cstr(file), pos.line, pos.column }, mitigation,
		       mend, "%s", text);
	if (severity == RF_SEV_ERROR)
		fail(e, RF_E_INVALID);
}

const char *rf_emit_ip(const struct rf_site_ip *ip, char dst[static RF_EMIT_IP])
{
	unsigned full = ip->family == 4 ? 32 : 128;

	dst[0] = '\0';
	if (!ip->family || !inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->b, dst, INET6_ADDRSTRLEN))
		return dst;
	if (ip->prefix < full)
		snprintf(dst + strlen(dst), 5, "/%u", ip->prefix);
	return dst;
}

const char *rf_emit_tunnel(const struct rf_site_zone *zone, char dst[static RF_EMIT_IFNAME], uint32_t *ret_if_id)
{
	uint32_t h = 2166136261u; /* FNV-1a, 32 bits */

	for (size_t i = 0; i < zone->name.n; i++)
		h = (h ^ zone->name.p[i]) * 16777619u;
	if (zone->name.n <= RF_EMIT_IFNAME - 1 - strlen("vpn-"))
		snprintf(dst, RF_EMIT_IFNAME, "vpn-%.*s", RF_VFMT(zone->name));
	else
		snprintf(dst, RF_EMIT_IFNAME, "vpn-%.6s%05x", rf_site_cstr(zone->name), h & 0xfffff);
	*ret_if_id = h ? h : 1;
	return dst;
}

bool rf_emit_ifname_ok(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		bool plain = (rf_lower(c) >= 'a' && rf_lower(c) <= 'z') || (c >= '0' && c <= '9');

		if (!plain && (i == 0 || (c != '-' && c != '_' && c != '.')))
			return false;
	}
	return v.n && v.n < RF_EMIT_IFNAME;
}

const char *rf_emit_secret(struct rf_emit *e, const char *label, char dst[static RF_EMIT_SECRET])
{
	uint8_t mac[32];
	unsigned n = 0;
	struct rf_writer w;

	static_assert(sizeof RF_EMIT_NO_SECRET <= RF_EMIT_SECRET, "the word has room where a secret has");
	if (!e->seed.n) {
		memcpy(dst, RF_EMIT_NO_SECRET, sizeof RF_EMIT_NO_SECRET);
		return dst;
	}
	dst[0] = 0;
	if (!HMAC(EVP_sha256(), e->seed.p, (int)e->seed.n, (const uint8_t *)label, strlen(label), mac, &n) ||
	    n != sizeof mac) {
		fail(e, RF_E_CRYPTO);
		return dst;
	}
	rf_writer_init(&w, dst, RF_EMIT_SECRET - 1);
	rf_put_hex(&w, mac, sizeof mac);
	dst[RF_EMIT_SECRET - 1] = 0;
	rf_secret_wipe(mac, sizeof mac);
	return dst;
}

bool rf_emit_is_router(const struct rf_emit *e, const struct rf_site_host *host)
{
	for (size_t i = 0; i < e->site->router_count; i++)
		if (e->site->routers[i].host == host && host)
			return true;
	return false;
}
