/* The list of what a border takes from a trunk: its keys, its names, and how the site's and a trunk's go together. */
#include "site/accept.h"

#include "site/schema.h"
#include "site/site_int.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define AT(member) offsetof(struct rf_site_accept, member)

/* "none" is bits without any. */
static const struct rf_choice methods[] = {
	{ "OPTIONS", 1u << RF_ACCEPT_OPTIONS }, { "UPDATE", 1u << RF_ACCEPT_UPDATE },
	{ "INFO", 1u << RF_ACCEPT_INFO }, { "none", 0 }, { 0 },
};

static const struct rf_choice headers[] = {
	{ "Accept-Language", 1u << 0 }, { "Allow-Events", 1u << 1 }, { "Content-Disposition", 1u << 2 },
	{ "Date", 1u << 3 }, { "Diversion", 1u << 4 }, { "Expires", 1u << 5 }, { "History-Info", 1u << 6 },
	{ "Identity", 1u << 7 }, { "Info-Package", 1u << 8 }, { "P-Asserted-Identity", 1u << 9 },
	{ "Privacy", 1u << 10 }, { "Reason", 1u << 11 }, { "Recv-Info", 1u << 12 }, { "Resource-Priority", 1u << 13 },
	{ "Retry-After", 1u << 14 }, { "Session-Expires", 1u << 15 }, { "Min-SE", 1u << 16 }, { "Timestamp", 1u << 17 },
	{ "none", 0 }, { 0 },
};
_Static_assert(COUNT(headers) == RF_ACCEPT_HEADERS + 2, "a bit for each header");

static const struct rf_choice parameters[] = {
	{ "user", 1u << 0 }, { "phone-context", 1u << 1 }, { "isub", 1u << 2 }, { "ext", 1u << 3 },
	{ "postd", 1u << 4 }, { "cpc", 1u << 5 }, { "oli", 1u << 6 }, { "isup-oli", 1u << 7 }, { "rn", 1u << 8 },
	{ "npdi", 1u << 9 }, { "cic", 1u << 10 }, { "tgrp", 1u << 11 }, { "trunk-context", 1u << 12 },
	{ "verstat", 1u << 13 }, { "reason", 1u << 14 }, { "counter", 1u << 15 }, { "privacy", 1u << 16 },
	{ "screen", 1u << 17 }, { "limit", 1u << 18 }, { "cause", 1u << 19 }, { "text", 1u << 20 },
	{ "index", 1u << 21 }, { "mp", 1u << 22 }, { "rc", 1u << 23 }, { "np", 1u << 24 }, { "ob", 1u << 25 },
	{ "none", 0 }, { 0 },
};
_Static_assert(COUNT(parameters) == RF_ACCEPT_PARAMETERS + 2, "a bit for each parameter");

static const struct rf_choice bodies[] = {
	{ "application/dtmf-relay", 1u << RF_ACCEPT_DTMF_RELAY }, { "application/dtmf", 1u << RF_ACCEPT_DTMF },
	{ "audio/telephone-event", 1u << RF_ACCEPT_TELEPHONE_EVENT },
	{ "application/media_control+xml", 1u << RF_ACCEPT_MEDIA_CONTROL }, { "none", 0 }, { 0 },
};

static const struct rf_choice rules[] = {
	{ "body", 1u << 0 }, { "remote-control", 1u << 1 }, { "other-dialog", 1u << 2 }, { "route", 1u << 3 },
	{ "identity", 1u << 4 }, { "credentials", 1u << 5 }, { "header", 1u << 6 }, { "parameter", 1u << 7 },
	{ "none", 0 }, { 0 },
};
_Static_assert(COUNT(rules) == RF_ACCEPT_RULES + 2, "a bit for each rule");

static const struct rf_site_further further_defaults = { .bytes = 128 };

static const struct rf_key further_rows[] = {
	{ "name", RF_KEY_TEXT, offsetof(struct rf_site_further, name), .required = true,
	  .place_at = offsetof(struct rf_site_further, name_pos) },
	{ "bytes", RF_KEY_COUNT, offsetof(struct rf_site_further, bytes), .min = 1, .max = RF_ACCEPT_FURTHER_BYTES },
};

static const struct rf_keys further_keys = {
	"a further header", further_rows, COUNT(further_rows), sizeof(struct rf_site_further), &further_defaults, 0,
	true,
	offsetof(struct rf_site_further, pos),
};

static const struct rf_key rows[] = {
	{ "methods", RF_KEY_CHOICES, AT(methods), .choices = methods, .place_at = AT(methods_pos) },
	{ "headers", RF_KEY_CHOICES, AT(headers), .choices = headers, .place_at = AT(headers_pos) },
	{ "parameters", RF_KEY_CHOICES, AT(parameters), .choices = parameters, .place_at = AT(parameters_pos) },
	{ "bodies", RF_KEY_CHOICES, AT(bodies), .choices = bodies, .place_at = AT(bodies_pos) },
	{ "refuse", RF_KEY_CHOICES, AT(refuse), .choices = rules, .place_at = AT(refuse_pos) },
	{ "further", RF_KEY_ITEMS, AT(further), AT(further_count), .max = RF_ACCEPT_FURTHER, .sub = &further_keys },
	{ "message_bytes", RF_KEY_COUNT, AT(message_bytes), .min = 2048, .max = 65535, .place_at = AT(message_pos) },
	{ "header_fields", RF_KEY_COUNT, AT(header_fields), .min = 16, .max = RF_ACCEPT_HEADER_FIELDS,
	  .place_at = AT(fields_pos) },
};

const struct rf_keys rf_accept_keys = { "accept", rows, COUNT(rows), sizeof(struct rf_site_accept), NULL, 0, true, AT(pos) };

static const char *name_of(const struct rf_choice *c, size_t n, unsigned i)
{
	return i < n - 2 ? c[i].name : NULL;
}

const char *rf_accept_method_name(unsigned i)
{
	return name_of(methods, COUNT(methods), i);
}

const char *rf_accept_header_name(unsigned i)
{
	return name_of(headers, COUNT(headers), i);
}

const char *rf_accept_parameter_name(unsigned i)
{
	return name_of(parameters, COUNT(parameters), i);
}

const char *rf_accept_body_name(unsigned i)
{
	return name_of(bodies, COUNT(bodies), i);
}

const char *rf_accept_rule_name(unsigned i)
{
	return name_of(rules, COUNT(rules), i);
}

/* --- how two lists go together: what one does not say, the other does */

/* fewer: the list is wider with fewer of them. */
struct list {
	const char *key;
	size_t at, pos_at;
	unsigned own;                /* the border's */
	bool fewer;
};

static const struct list sets[] = {
	{ "methods", AT(methods), AT(methods_pos), (1u << RF_ACCEPT_METHODS) - 1, false },
	{ "headers", AT(headers), AT(headers_pos), (1u << RF_ACCEPT_HEADERS) - 1, false },
	{ "parameters", AT(parameters), AT(parameters_pos), (1u << RF_ACCEPT_PARAMETERS) - 1, false },
	{ "bodies", AT(bodies), AT(bodies_pos), (1u << RF_ACCEPT_BODIES) - 1, false },
	{ "refuse", AT(refuse), AT(refuse_pos), 0, true },
};

static const struct list sizes[] = {
	{ "message_bytes", AT(message_bytes), AT(message_pos), RF_ACCEPT_MESSAGE_BYTES, false },
	{ "header_fields", AT(header_fields), AT(fields_pos), RF_ACCEPT_HEADER_FIELDS, false },
};

static unsigned *value(struct rf_site_accept *a, const struct list *l)
{
	return (unsigned *)((char *)a + l->at);
}

static const struct rf_site_pos *pos_of(const struct rf_site_accept *a, const struct list *l)
{
	return (const struct rf_site_pos *)((const char *)a + l->pos_at);
}

static bool wider_set(unsigned a, unsigned than, bool fewer)
{
	return fewer ? (than & ~a) != 0 : (a & ~than) != 0;
}

static struct rf_site_accept own_list(void)
{
	struct rf_site_accept own = { .pos = { 0 } };

	for (size_t i = 0; i < COUNT(sets); i++)
		*value(&own, &sets[i]) = sets[i].own;
	for (size_t i = 0; i < COUNT(sizes); i++)
		*value(&own, &sizes[i]) = sizes[i].own;
	return own;
}

void rf_accept_merge(struct rf_site_accept *a, const struct rf_site_accept *base)
{
	struct rf_site_accept b = base ? *base : own_list();

	for (size_t i = 0; i < COUNT(sets); i++)
		if (!pos_of(a, &sets[i])->line)
			*value(a, &sets[i]) = *value(&b, &sets[i]);
	for (size_t i = 0; i < COUNT(sizes); i++)
		if (!pos_of(a, &sizes[i])->line)
			*value(a, &sizes[i]) = *value(&b, &sizes[i]);
}

void rf_accept_compare(const struct rf_site_accept *a, const struct rf_site_accept *base, rf_accept_wider *wider,
		       void *arg)
{
	struct rf_site_accept x = *a, b = base ? *base : own_list();

	for (size_t i = 0; i < COUNT(sets); i++)
		if (pos_of(a, &sets[i])->line && wider_set(*value(&x, &sets[i]), *value(&b, &sets[i]), sets[i].fewer))
			wider(arg, *pos_of(a, &sets[i]), sets[i].key);
	for (size_t i = 0; i < COUNT(sizes); i++)
		if (pos_of(a, &sizes[i])->line && *value(&x, &sizes[i]) > *value(&b, &sizes[i]))
			wider(arg, *pos_of(a, &sizes[i]), sizes[i].key);
	if (a->further_count)
		wider(arg, a->further[0].pos, "further");
}

/* --- headers that only one network knows */

/* What such a name may not be or hold, and why: whoever reads it at the other end would do what
 * nobody here has judged. */
static const struct {
	const char *word, *why;
} never[] = {
	{ "auto", "it makes a phone do something" }, { "answer", "it makes a phone do something" },
	{ "intercom", "it makes a phone do something" }, { "paging", "it makes a phone do something" },
	{ "alert", "it makes a phone do something" }, { "ring", "it makes a phone do something" },
	{ "remote", "it makes a phone do something" }, { "control", "it makes a phone do something" },
	{ "command", "it makes a phone do something" }, { "talk", "it makes a phone do something" },
	{ "hold", "it makes a phone do something" }, { "call-info", "it makes a phone do something" },
	{ "via", "it tells the way through somebody's house" }, { "rout", "it tells the way through somebody's house" },
	{ "path", "it tells the way through somebody's house" },
	{ "forward", "it tells the way through somebody's house" },
	{ "host", "it tells the way through somebody's house" },
	{ "server", "it tells the way through somebody's house" },
	{ "agent", "it tells the way through somebody's house" },
	{ "network", "it tells the way through somebody's house" },
	{ "-ip", "it tells the way through somebody's house" },
	{ "address", "it tells the way through somebody's house" },
	{ "identity", "it says who somebody is" }, { "called-party", "it says who somebody is" },
	{ "associated-uri", "it says who somebody is" }, { "served-user", "it says who somebody is" },
	{ "profile-key", "it says who somebody is" }, { "user-database", "it says who somebody is" },
	{ "auth", "it carries credentials" }, { "password", "it carries credentials" },
	{ "token", "it carries credentials" }, { "dialog", "it speaks of other calls" },
	{ "replaces", "it speaks of other calls" }, { "refer", "it speaks of other calls" },
	{ "call-id", "it speaks of other calls" }, { "session-id", "it speaks of other calls" },
	{ "ringfort", "it is ours" },
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool holds(struct rf_view name, const char *word)
{
	size_t n = strlen(word);

	for (size_t at = 0; at + n <= name.n; at++)
		if (rf_view_eq_nocase(rf_view_sub(name, at, n), rf_view_of(word, n)))
			return true;
	return false;
}

const char *rf_accept_further_refusal(struct rf_view name)
{
	enum { NAME_MAX_BYTES = 64 };

	if (name.n < 3 || name.n > NAME_MAX_BYTES || name.p[1] != '-' ||
	    (lower(name.p[0]) != 'p' && lower(name.p[0]) != 'x'))
		return "it is no private header: their names begin with P- or X-";
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = lower(name.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return "its name is not made of letters, digits and -";
	}
	for (size_t i = 0; i < COUNT(never); i++)
		if (holds(name, never[i].word))
			return never[i].why;
	return NULL;
}
