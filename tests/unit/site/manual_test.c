/* Every key of the tables is in ringfort-site(5): its name, and on one line with it the bounds of a count, its default
 * where the table has one, and every word that may be chosen. */
#include "site/schema.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PARAGRAPH = 16 }; /* lines behind a key's own in which the words that may be chosen stand */

static char *page[4096];
static size_t lines;
static int missing;

/* A line as people read it: without macros, fonts and quotes. */
static char *plain(const char *raw)
{
	char *out = calloc(1, strlen(raw) + 2), *w = out;
	bool macro = *raw == '.';

	assert_non_null(out);
	while (macro && *raw && *raw != ' ')
		raw++;
	while (*raw && *raw != '\n') {
		if (!strncmp(raw, "\\f", 2)) {
			raw += 3;
		} else if (!strncmp(raw, "\\(en", 4)) {
			*w++ = '-';
			raw += 4;
		} else if (!strncmp(raw, "\\(dq", 4)) {
			raw += 4;
		} else if (*raw == '\\' || (macro && *raw == '"')) {
			raw++;
		} else {
			*w++ = *raw++;
		}
	}
	return out;
}

static void read_page(const char *path)
{
	char raw[1024];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(raw, sizeof raw, f) && lines < sizeof page / sizeof *page)
		page[lines++] = plain(raw);
	fclose(f);
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool has_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = line; (at = strstr(at, word)); at++)
		if ((at == line || !in_word(at[-1])) && !in_word(at[n]))
			return true;
	return false;
}

static bool has_words(size_t at, const struct rf_choice *c)
{
	for (; c->name; c++) {
		size_t i = at;

		while (i < lines && i < at + PARAGRAPH && !has_word(page[i], c->name))
			i++;
		if (i == lines || i == at + PARAGRAPH)
			return false;
	}
	return true;
}

static bool has_bounds(const char *line, const struct rf_key *key, uint32_t normal)
{
	char to[64], dash[64], says[64], column[64];

	snprintf(to, sizeof to, "%u to %u", key->min, key->max);
	snprintf(dash, sizeof dash, "|%u-%u|", key->min, key->max);
	snprintf(says, sizeof says, "default %u", normal);
	snprintf(column, sizeof column, "|%u|", normal);
	return (strstr(line, to) || strstr(line, dash)) && (!normal || strstr(line, says) || strstr(line, column));
}

static bool described(const struct rf_keys *keys, const struct rf_key *key)
{
	uint32_t normal = 0;

	if (keys->defaults && key->type == RF_KEY_COUNT)
		memcpy(&normal, (const char *)keys->defaults + key->at, sizeof normal);
	for (size_t i = 0; i < lines; i++)
		if (has_word(page[i], key->name) && (key->type != RF_KEY_COUNT || has_bounds(page[i], key, normal)) &&
		    (!key->choices || has_words(i, key->choices)))
			return true;
	return false;
}

static void look(const struct rf_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		const struct rf_key *key = &keys->v[i];

		if (!described(keys, key)) {
			print_error("ringfort-site(5) does not describe %s of %s (%u to %u)\n", key->name, keys->what,
				    key->min, key->max);
			missing++;
		}
		if (key->sub && key->type != RF_KEY_PAIRS)
			look(key->sub);
	}
}

static void every_key(void **state)
{
	(void)state;
	look(&rf_site_keys);
	look(rf_attestations_key.sub);
	assert_int_equal(missing, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_key) };

	if (argc < 2)
		return 2;
	read_page(argv[1]);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	for (size_t i = 0; i < lines; i++)
		free(page[i]);
	return rc;
}
