/* What becomes of dialled numbers: spellings, plans, classes, hours, ends of grants, routes; and that no spelling of a
 * number that costs passes without its grant. */
#include "base/random.h"
#include "call/dial.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char yaml[] =
	"site: hq\ndomain: hq.example\nlevel: minimum\ntimezone: CET-1CEST,M3.5.0,M10.5.0/3\n"
	"dial_plan: berlin\n"
	"dial_plans:\n"
	"  berlin:\n"
	"    country_code: 49\n"
	"    area_code: 30\n"
	"    outside: 0\n"
	"    rules:\n"
	"      - { match: \"+49180*\", class: service }\n"
	"      - { match: \"+493019*\", class: premium }\n"
	"      - { match: \"0116117\", class: service, to: \"116117\" }\n"
	"      - { match: \"0190x\", class: service, to: \"0190x\" }\n"
	"      - { match: \"7xxx\", to: \"+33140007xxx\" }\n"
	"      - { match: \"40112\", class: service, to: \"112\" }\n"
	"      - { match: \"6xxx\", class: internal, to: \"1xxx\" }\n"
	"  new-york: { country_code: 1, area_code: 212, outside: 9 }\n"
	"  jamaica: { country_code: 1, area_code: 876 }\n"
	"  rome: { country_code: 39, national: none }\n"
	"  london: { country_code: 44, area_code: 20 }\n"
	"class: staff\n"
	"classes:\n"
	"  staff: { grants: [internal, local, national, service], deny: [\"+4930666*\"] }\n"
	"  travel: { grants: [internal, local, national, international, service], until: 2026-11-30, otherwise: staff }\n"
	"  office: { grants: [internal, local, national, international], hours: [mon-fri 08:00-18:00] }\n"
	"  lobby: { grants: internal, allow: [\"+4930555*\"] }\n"
	"  all: { grants: [internal, local, national, international, premium, service] }\n"
	"  mute: { allow: [\"+4930555*\"] }\n"
	"zones: { server: { subnet: 10.20.0.0/24 } }\n"
	"hosts: [ { name: h, zone: server, address: 10.20.0.1, roles: controller } ]\n"
	"locations:\n"
	"  lobby: { class: lobby }\n"
	"  ny: { dial_plan: new-york }\n"
	"  kingston: { dial_plan: jamaica }\n"
	"  rome: { dial_plan: rome }\n"
	"  london: { dial_plan: london }\n"
	"phones:\n"
	"  - { name: desk, number: 1001 }\n"
	"  - { name: lobby-1, number: 1002, location: lobby }\n"
	"  - { name: boss, number: 1003, class: all }\n"
	"  - { name: ny-1, number: 2001, location: ny }\n"
	"  - { name: ny-2, number: 2002, location: ny, class: all }\n"
	"  - { name: jam, number: 2003, location: kingston }\n"
	"  - { name: roma, number: 2004, location: rome }\n"
	"  - { name: traveller, number: 1004, class: travel }\n"
	"  - { name: clerk, number: 1005, class: office }\n"
	"  - { name: mute, number: 1006, class: mute }\n"
	"  - { name: two-a, number: 1007, class: all }\n"
	"  - { name: two-b, number: 1007, class: lobby }\n"
	"  - { name: ldn, number: 2005, location: london, class: travel }\n"
	"  - { name: nine, number: \"9112\" }\n"
	"trunks:\n"
	"  - { name: dear, peer: dear.example, cost: 9, numbers: { \"+493012345xx\": 10xx, \"+4930123400\": 3000 } }\n"
	"  - { name: cheap, peer: cheap.example, cost: 1 }\n"
	"  - { name: night, peer: night.example, hours: [22:00-06:00] }\n"
	"routes:\n"
	"  - { name: york, classes: [local, national], locations: [ny], trunks: [cheap] }\n"
	"  - { name: abroad, classes: [international, premium], trunks: [dear, cheap], order: cost }\n"
	"  - { name: france, numbers: [\"+33*\"], trunks: [dear] }\n"
	"  - { name: rest, classes: [local, national, service], trunks: [night, dear, cheap] }\n"
	"groups: [ { name: sales, number: 3000, members: [1001] } ]\n"
	"speed_dials: { 801: \"0030777\", \"*1\": \"00049900123456\", 802: 1001, 803: 112 }\n"
	"parking: { slots: 701-720 }\n"
	"voicemail: { number: 5000 }\n"
	"emergency: { numbers: [110], via: [cheap], test: 1199 }\n";

struct world {
	struct rf_site *site;
	struct rf_store *store;
	struct rf_directory *directory;
	char dir[32];
};

static void add_user(struct world *w, const char *name, const char *number, const char *class, int64_t until_s)
{
	struct rf_store_user u = {
		.name = rf_view_str(name), .number = rf_view_str(number), .class_name = rf_view_str(class),
		.class_until_s = until_s,
	};

	assert_int_equal(rf_store_user_add(w->store, &u, NULL), 0);
	assert_int_equal(rf_store_user_class(w->store, &u, NULL), 0);
}

static int64_t at(const char *when)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(when, "%Y-%m-%d %H:%M", &tm));
	return (int64_t)timegm(&tm);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct rf_findings f;
	char path[64];

	assert_non_null(w);
	rf_findings_init(&f);
	if (rf_site_parse(rf_view_str(yaml), (struct rf_view){ 0 }, "site.yaml",
			  (struct rf_wall){ at("2026-11-22 10:00") * 1000000 }, &f, &w->site)) {
		rf_findings_print(&f, stderr);
		fail();
	}
	rf_findings_fini(&f);
	snprintf(w->dir, sizeof w->dir, "/tmp/rf-dial-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(path, sizeof path, "%s/directory.db", w->dir);
	assert_int_equal(rf_store_open(path, true, &w->store, NULL), 0);
	add_user(w, "alice", "1001", "travel", 0);
	add_user(w, "bob", "1002", "all", at("2026-11-25 23:59"));
	add_user(w, "carol", "4001", "gone", 0);
	assert_int_equal(rf_directory_new(w->site, w->store, &w->directory, NULL), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char cmd[64];

	rf_directory_put(w->directory);
	rf_store_close(w->store);
	rf_site_put(w->site);
	snprintf(cmd, sizeof cmd, "rm -r %s", w->dir);
	assert_int_equal(system(cmd), 0);
	free(w);
	return 0;
}

/* "desk" a phone, "@alice" a user, "=1001" a number, ">dear" a trunk. */
static struct rf_dial_who who(const struct world *w, const char *from)
{
	struct rf_view name = rf_view_str(from + (strchr("@=>", from[0]) != NULL));
	const struct rf_dir_phone *p = rf_directory_phone(w->directory, name);
	const struct rf_dir_user *u = rf_directory_user(w->directory, name);

	switch (from[0]) {
	case '@':
		assert_non_null(u);
		return (struct rf_dial_who){ .number = u->number, .user = u->name };
	case '=':
		return (struct rf_dial_who){ .number = name };
	case '>':
		return (struct rf_dial_who){ .trunk = rf_site_trunk(w->site, name) };
	default:
		assert_non_null(p);
		return (struct rf_dial_who){ .number = p->number, .phone = p->name };
	}
}

static void ask(const struct world *w, const char *from, const char *dialled, const char *when, struct rf_dial *d)
{
	struct rf_view text = guard_copy(rf_view_str(dialled));
	const struct rf_dial_ask q = {
		.directory = w->directory, .who = who(w, from), .dialled = text,
		.now = { at(when ? when : "2026-11-23 10:00") * 1000000 }, .trail = true,
	};

	rf_dial(&q, d);
	guard_free(text);
}

static void outcome(const struct rf_dial *d, char *buf, size_t cap)
{
	size_t n = (size_t)snprintf(buf, cap, "%s %s", rf_dial_kind_name(d->kind), d->rule);

	if (d->kind == RF_DIAL_REFUSED) {
		snprintf(buf + n, cap - n, " %u", d->code);
		return;
	}
	if (d->call_class != RF_CLASS_INTERNAL)
		n += (size_t)snprintf(buf + n, cap - n, " %s", rf_class_name(d->call_class));
	n += (size_t)snprintf(buf + n, cap - n, " %.*s", RF_VFMT(d->number));
	if (d->kind == RF_DIAL_FEATURE)
		n += (size_t)snprintf(buf + n, cap - n, "/%s", rf_feature_name(d->feature));
	for (size_t i = 0; i < d->trunks; i++)
		n += (size_t)snprintf(buf + n, cap - n, " %s", rf_site_cstr(d->trunk[i]->name));
}

struct row {
	const char *from, *dialled, *want, *when;
};

static void check(const struct world *w, const struct row *rows, size_t n)
{
	static struct rf_dial d;
	char got[256];
	bool bad = false;

	for (size_t i = 0; i < n; i++) {
		ask(w, rows[i].from, rows[i].dialled, rows[i].when, &d);
		outcome(&d, got, sizeof got);
		if (strcmp(got, rows[i].want)) {
			print_error("%s dials %s: %s, not %s\n%.*s", rows[i].from, rows[i].dialled, got, rows[i].want,
				    RF_VFMT(d.trail));
			bad = true;
		}
		/* what is asked before rights and rates says the same */
		struct rf_dial_who by = who(w, rows[i].from);

		if (rf_dial_is_emergency(w->directory, &by, rf_view_str(rows[i].dialled)) !=
		    (d.kind == RF_DIAL_EMERGENCY)) {
			print_error("%s dials %s: an emergency, or not?\n", rows[i].from, rows[i].dialled);
			bad = true;
		}
		/* and what is asked before anybody is known misses none */
		if (d.kind == RF_DIAL_EMERGENCY &&
		    !rf_dial_may_be_emergency(w->directory, rf_view_str(rows[i].dialled))) {
			print_error("%s dials %s: an emergency that nobody could dial\n", rows[i].from,
				    rows[i].dialled);
			bad = true;
		}
	}
	assert_false(bad);
}

#define CHECK(rows) check(*state, rows, sizeof rows / sizeof *rows)

static void ours(void **state)
{
	static const struct row rows[] = {
		{ "desk", "1002", "number own-number 1002" },
		{ "desk", "10-02", "number own-number 1002" },
		{ "desk", "(10) 02", "number own-number 1002" },
		{ "desk", "1002;phone-context=hq.example", "number own-number 1002" },
		{ "desk", "1002;phone-context=+49", "refused phone-context 404" },
		{ "desk", "1002;isub=1;Phone-Context=elsewhere.example", "refused phone-context 404" },
		{ "desk", "4001", "number own-number 4001" },
		{ "desk", "3000", "group group 3000" },
		{ "desk", "705", "parked parking 705" },
		{ "desk", "0705", "outside class-granted local +4930705 dear cheap" },
		{ "desk", "721", "refused no-such-number 404" },
		{ "desk", "5000", "voicemail voicemail 5000" },
		{ "desk", "6002", "number own-number 1002" },
		{ "desk", "802", "number own-number 1001" },
		{ "desk", "+493012345 02", "number own-number 1002" },
		{ "desk", "0030 12345-02", "number own-number 1002" },
		{ "desk", "012345 02", "number own-number 1002" },
		{ "desk", "+4930123400", "group group 3000" },
		{ "desk", "+493012345 99", "outside class-granted local +493012345" "99 dear cheap" },
		{ "mute", "1002", "refused class-denied 403" },
		{ "desk", "9999", "refused no-such-number 404" },
		{ "desk", "", "refused not-a-number 404" },
		{ "desk", "+", "refused not-a-number 404" },
		{ "desk", "alice", "refused not-a-number 404" },
		{ "desk", "1002%31", "refused not-a-number 404" },
		{ "desk", "1002\xef\xbc\x91", "refused not-a-number 404" },
		{ "desk", "1+002", "refused not-a-number 404" },
		{ "desk", "000000000000000000000000000000000000000000000", "refused too-long 404" },
	};

	CHECK(rows);
}

static void emergencies(void **state)
{
	static const struct row rows[] = {
		{ "desk", "112", "emergency emergency emergency 112 cheap dear night" },
		{ "mute", "911", "emergency emergency emergency 911 cheap dear night" },
		{ "desk", "000", "emergency emergency emergency 000 cheap dear night" },
		{ "desk", "110", "emergency emergency emergency 110 cheap dear night" },
		{ "desk", "1-1-2", "emergency emergency emergency 112 cheap dear night" },
		{ "desk", "0112", "emergency emergency emergency 112 cheap dear night" },
		{ "desk", "0911", "emergency emergency emergency 911 cheap dear night" },
		{ "desk", "+49112", "emergency emergency emergency 112 cheap dear night" },
		{ "desk", "803", "emergency emergency emergency 112 cheap dear night" },
		{ "mute", "803", "emergency emergency emergency 112 cheap dear night" },
		{ "desk", "40112", "emergency emergency emergency 112 cheap dear night" }, /* a rule of the plan */
		{ "ny-1", "9911", "emergency emergency emergency 911 cheap dear night" },
		{ "ny-1", "9112", "number own-number 9112" }, /* a phone of the site has that number */
		{ "=7777", "112", "emergency emergency emergency 112 cheap dear night" },
		{ "desk", "1121", "refused no-such-number 404" },
		{ "mute", "1199", "emergency-test emergency-test  cheap dear night" },
		{ ">dear", "112", "refused not-a-trunk-number 404" },
	};

	CHECK(rows);
}

/* Before rights and rates are asked: also behind the codes that say how the caller is shown, which are dialled on. */
static void emergencies_behind_codes(void **state)
{
	static const struct {
		const char *dialled;
		bool want;
	} rows[] = {
		{ "*67112", true }, { "*82 112", true }, { "*67803", true }, { "*6740112", true }, { "*670112", true },
		{ "*67", false }, { "*671002", false }, { "*72112", false }, { "**112", false }, { "*67*67112", false },
		{ "*67802", false },
	};
	const struct world *w = *state;
	struct rf_dial_who by = who(w, "mute");

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rf_dial_is_emergency(w->directory, &by, rf_view_str(rows[i].dialled)) != rows[i].want ||
		    rf_dial_may_be_emergency(w->directory, rf_view_str(rows[i].dialled)) != rows[i].want)
			fail_msg("%s", rows[i].dialled);
}

static void codes(void **state)
{
	static const struct row rows[] = {
		{ "desk", "*72", "feature feature-code /forward_always" },
		{ "desk", "*72 0049 30", "feature feature-code 004930/forward_always" },
		{ "desk", "*73", "feature feature-code /forward_always_off" },
		{ "desk", "*731", "refused no-such-number 404" },
		{ "desk", "**1002", "feature feature-code 1002/pickup" },
		{ "desk", "*8", "feature feature-code /pickup_group" },
		{ "desk", "*88701", "feature feature-code 701/retrieve" },
		{ "desk", "*67 0030777", "feature feature-code 0030777/hide_number" },
		{ "desk", "*99", "refused no-such-number 404" },
		{ "desk", "*1", "refused class-denied 403" }, /* speed dial to premium */
		{ ">dear", "*72", "refused not-a-trunk-number 404" },
		{ ">dear", "*721001", "refused not-a-trunk-number 404" },
	};

	CHECK(rows);
}

static void plans(void **state)
{
	static const struct row rows[] = {
		{ "desk", "0777", "outside class-granted local +4930777 dear cheap" },
		{ "desk", "777", "refused no-such-number 404" }, /* no outside prefix */
		{ "desk", "0040 777", "outside class-granted national +4940777 dear cheap" },
		{ "desk", "+49 40 777", "outside class-granted national +4940777 dear cheap" },
		{ "desk", "+49 (0)40 777", "outside class-granted national +4940777 dear cheap" },
		{ "desk", "00049 40 777", "outside class-granted national +4940777 dear cheap" },
		{ "desk", "00049 040 777", "outside class-granted national +4940777 dear cheap" },
		{ "desk", "801", "outside class-granted local +4930777 dear cheap" },
		{ "desk", "0116117", "outside class-granted service 116117 dear cheap" },
		{ "desk", "01901", "refused class-denied 403" }, /* a rule cannot make premium cheaper */
		{ "desk", "00180 5", "outside class-granted service +491805 dear cheap" },
		{ "desk", "019123", "refused class-denied 403" }, /* the plan's own premium: +493019... */
		{ "desk", "7123", "refused class-denied 403" },   /* abroad by a rule */
		{ "boss", "7123", "outside class-granted international +33140007123 cheap dear" },
		{ "desk", "0666123", "refused number-denied 403" },
		{ "desk", "+49 0 30 666 1", "refused number-denied 403" },
		{ "ny-1", "9 555 1234", "outside class-granted local +12125551234 cheap" },
		{ "ny-1", "9 1 415 555 1234", "outside class-granted national +14155551234 cheap" },
		{ "ny-1", "9 415 555 1234", "outside class-granted national +14155551234 cheap" },
		{ "ny-1", "9 212 555 1234", "outside class-granted local +12125551234 cheap" },
		{ "ny-1", "9 011 44 20 7946 0000", "refused class-denied 403" },
		{ "ny-2", "9 011 44 20 7946 0000", "outside class-granted international +442079460000 cheap dear" },
		{ "ny-1", "9 1 876 555 1234", "refused class-denied 403" }, /* Jamaica, in the same country code */
		{ "ny-1", "9 1 900 555 1234", "refused class-denied 403" },
		{ "ny-1", "9 976 1234", "refused class-denied 403" },
		{ "jam", "876 555 1234", "outside class-granted local +18765551234 dear cheap" },
		{ "jam", "1 212 555 1234", "refused class-denied 403" },
		{ "roma", "06 1234", "outside class-granted national +39061234 dear cheap" },
		{ "roma", "+39 06 1234", "outside class-granted national +39061234 dear cheap" },
		{ "boss", "+0049301", "refused no-such-number 404" },
		{ "boss", "+493", "refused no-such-number 404" },
		{ "boss", "+4930123456789012", "refused no-such-number 404" }, /* 16 digits */
		{ "desk", "0777", "outside class-granted local +4930777 night dear cheap", "2026-11-23 22:00" },
	};

	CHECK(rows);
}

static void classes(void **state)
{
	static const struct row rows[] = {
		{ "desk", "00033 1 40", "refused class-denied 403" },
		{ "@alice", "00033 1 40", "outside class-granted international +33140 cheap dear" },
		{ "=1001", "00033 1 40", "outside class-granted international +33140 cheap dear" }, /* its one user */
		{ "@alice", "00033 1 40", "refused class-ended 403", "2026-12-01 10:00" },
		{ "@alice", "00033 1 40", "outside class-granted international +33140 cheap dear", "2026-11-30 23:59" },
		{ "@bob", "00033 1 40", "outside class-granted international +33140 cheap dear" },
		{ "@bob", "00033 1 40", "refused class-denied 403", "2026-11-26 10:00" }, /* back to the phone's */
		{ "@bob", "1001", "number own-number 1001", "2026-11-26 10:00" },
		{ "@carol", "0777", "refused class-missing 403" },
		{ "@carol", "1001", "number own-number 1001" },
		{ "clerk", "0777", "outside class-granted local +4930777 dear cheap" },
		{ "clerk", "0777", "refused class-hours 403", "2026-11-22 10:00" },
		{ "clerk", "1001", "number own-number 1001", "2026-11-22 10:00" },
		{ "lobby-1", "0777", "refused class-denied 403" },
		{ "lobby-1", "0555 1", "outside number-allowed local +49305551 dear cheap" },
		{ "lobby-1", "030555 1", "refused class-denied 403" },
		{ "two-a", "0777", "outside class-granted local +4930777 dear cheap" },
		{ "=1007", "0777", "refused class-denied 403" }, /* only what both phones may */
		{ "boss", "00900 1", "outside class-granted premium +499001 cheap dear" },
		{ "traveller", "00900 1", "refused class-denied 403" },
		{ "traveller", "+870 1234", "refused class-denied 403" },
		{ "=9999", "0777", "outside class-granted local +4930777 dear cheap" }, /* the site's class */
	};

	CHECK(rows);
}

static void from_outside(void **state)
{
	static const struct row rows[] = {
		{ ">dear", "+493012345" "02", "number own-number 1002" },
		{ ">dear", "+4930123400", "group group 3000" },
		{ ">dear", "+493012345" "99", "refused not-a-trunk-number 404" },
		{ ">dear", "1002", "refused not-a-trunk-number 404" },
		{ ">cheap", "+493012345" "02", "refused not-a-trunk-number 404" },
		{ ">dear", "+33140", "refused not-a-trunk-number 404" },
		{ ">dear", "801", "refused not-a-trunk-number 404" },
	};

	CHECK(rows);
}

/* --- no spelling passes */

struct spell {
	struct rf_random random;
	char text[160];
	size_t n;
};

static unsigned dice(struct spell *s, unsigned n)
{
	return (unsigned)(rf_random_u64(&s->random) % n);
}

static void put(struct spell *s, const char *digits)
{
	static const char *const gaps[] = { "-", ".", " ", "(", ")", "/", "--", "" };

	for (; *digits && s->n + 8 < sizeof s->text; digits++) {
		s->text[s->n++] = *digits;
		if (dice(s, 4) == 0)
			s->n += (size_t)snprintf(s->text + s->n, sizeof s->text - s->n, "%s", gaps[dice(s, 8)]);
	}
	s->text[s->n] = '\0';
}

static void end_spelling(struct spell *s)
{
	static const char *const ends[] = {
		"", ";isub=12", ";postd=pp22", ";phone-context=hq.example", ";npdi;rn=+4930", ";ext=1", ";",
		";user=phone",
	};

	s->n += (size_t)snprintf(s->text + s->n, sizeof s->text - s->n, "%s", ends[dice(s, 8)]);
}

/* Numbers that cost, as their parts, and the ways a phone of the plan can dial them. */
static void spellings(void **state)
{
	static const struct {
		const char *from, *prefix[6], *rest;
	} rows[] = {
		{ "desk", { "+49", "00049", "+490", "000490", "00", "+4900" }, "900123456" },
		{ "desk", { "+49", "00049", "+490", "000490", "00", "+4900" }, "1901234" },
		{ "desk", { "+49", "00049", "+490", "000490", "00", "+4900" }, "1013030777" },
		{ "desk", { "+49", "00049", "+490", "000490", "00", "00049" }, "118331" },
		{ "desk", { "+4930", "0", "0030", "000490" "30", "00049" "30", "+49030" }, "19123" },
		{ "desk", { "+44", "00044", "+44", "00044", "+44", "00044" }, "2079460000" },
		{ "desk", { "+", "000", "+", "000", "+", "000" }, "18765551234" },
		{ "desk", { "+", "000", "+", "000", "+", "000" }, "979123456" },
		{ "traveller", { "+44", "00044", "+440", "000440", "+4400", "000440" }, "9098790000" },
		{ "traveller", { "+", "000", "+", "000", "+", "000" }, "88213000000" },
		{ "traveller", { "+49", "00049", "+490", "000490", "00", "+4900" }, "9001234567" },
		{ "ny-1", { "+1", "91", "90111", "9", "+11", "901111" }, "9005551234" },
		{ "ny-1", { "+1", "91", "90111", "9", "+11", "901111" }, "8765551234" },
		{ "ny-1", { "+1212", "91212", "9", "9212", "+11212", "90111212" }, "9761234" },
		{ "ny-1", { "+", "9011", "+", "9011", "+", "9011" }, "442079460000" },
		{ "ldn", { "+44", "0044", "+440", "00440", "0", "+4400" }, "9098790000" },
	};
	static struct rf_dial d;
	struct spell s;

	rf_random_system(&s.random);
	for (size_t round = 0; round < 400; round++)
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			for (size_t j = 0; j < 6; j++) {
				s.n = 0;
				put(&s, rows[i].prefix[j]);
				put(&s, rows[i].rest);
				end_spelling(&s);
				ask(*state, rows[i].from, s.text, NULL, &d);
				if (d.kind != RF_DIAL_REFUSED)
					fail_msg("%s may dial %s:\n%.*s", rows[i].from, s.text, RF_VFMT(d.trail));
			}
}

/* Whatever is dialled: what goes outside is granted, and E.164 where it says so. */
static void anything(void **state)
{
	static const char *const from[] = { "desk", "lobby-1", "ny-1", "jam", "roma", "traveller", "clerk", "mute", "ldn" };
	static const char *const starts[] = { "", "0", "00", "000", "+", "9", "91", "9011", "+49", "+1", "*72", "011", "+0" };
	static const char chars[] = "0123456789019990+*#-. ()x%;";
	static struct rf_dial d;
	struct spell s;

	rf_random_system(&s.random);
	for (size_t round = 0; round < 60000; round++) {
		size_t len = dice(&s, 16);

		s.n = (size_t)snprintf(s.text, sizeof s.text, "%s", starts[dice(&s, 13)]);
		while (len--)
			s.text[s.n++] = chars[dice(&s, 4) ? dice(&s, 16) : dice(&s, sizeof chars - 1)];
		s.text[s.n] = '\0';
		ask(*state, from[dice(&s, 9)], s.text, NULL, &d);
		if (d.kind != RF_DIAL_OUTSIDE)
			continue;
		assert_true(d.trunks > 0);
		assert_true(strcmp(d.rule, "number-allowed") == 0 || d.cos->grants & 1u << d.call_class);
		assert_true(d.call_class != RF_CLASS_PREMIUM);
		assert_true(!d.e164 ||
			    (d.number.n >= 5 && d.number.n <= 16 && d.number.p[0] == '+' && d.number.p[1] != '0'));
	}
}

static void trails(void **state)
{
	static struct rf_dial d;

	ask(*state, "desk", "00 900 123", NULL, &d);
	assert_true(rf_view_eq(d.trail, RF_V(
		"from 1001, phone desk\n"
		"dial plan berlin (site.yaml:7)\n"
		"dialled 00900123\n"
		"in full +49900123 (national prefix)\n"
		"premium by the numbers known of the country\n"
		"class of service staff by the site (site.yaml:25)\n"
		"refused, 403 class-denied: not granted to the caller's class of service (site.yaml:25)\n")));
	assert_true(rf_view_eq(rf_dial_last_line(&d),
			       RF_V("refused, 403 class-denied: not granted to the caller's class of "
				    "service (site.yaml:25)")));
	ask(*state, "=7777", "0777", NULL, &d);
	assert_true(rf_view_ends(d.trail, RF_V("by trunk dear (dear.example)\nthen by trunk cheap (cheap.example)\n"
					       "outside class-granted: granted to the caller's class of service "
					       "(site.yaml:25)\n")));
}

static void uris(void **state)
{
	static const struct {
		const char *uri, *text;
	} rows[] = {
		{ "sip:1001@hq.example", "1001" },
		{ "sip:%2b49%20900@hq.example", "+49 900" },
		{ "tel:+49-900-1;isub=2", "+49-900-1;isub=2" },
		{ "tel:1001;phone-context=hq.example", "1001;phone-context=hq.example" },
		{ "sip:+49900;phone-context=x@hq.example;user=phone", "+49900;phone-context=x" },
		{ "sip:1001%2531@hq.example", "1001%31" },
	};
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_sip_uri uri;
	struct rf_view text;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(rf_sip_uri_parse(rf_view_str(rows[i].uri), &uri), 0);
		assert_int_equal(rf_dial_text(&uri, buf, sizeof buf, &text), 0);
		if (!rf_view_eq(text, rf_view_str(rows[i].text)))
			fail_msg("%s: %.*s", rows[i].uri, RF_VFMT(text));
	}
	assert_int_equal(rf_dial_text(&uri, buf, 3, &text), RF_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours), cmocka_unit_test(emergencies),
		cmocka_unit_test(emergencies_behind_codes), cmocka_unit_test(codes), cmocka_unit_test(plans),
		cmocka_unit_test(classes), cmocka_unit_test(from_outside), cmocka_unit_test(spellings),
		cmocka_unit_test(anything), cmocka_unit_test(trails), cmocka_unit_test(uris),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
