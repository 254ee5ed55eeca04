/* The matrix in the program is the matrix of the data, which is read here with libyaml; policy/matrix.py, which made
 * the table, has another reader. */
#include "guard.h"
#include "policy/matrix_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include <cmocka.h>

static const char *path;

static yaml_node_t *get(yaml_document_t *doc, const yaml_node_t *map, const char *key)
{
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(doc, p->key);

		if (strcmp((const char *)k->data.scalar.value, key) == 0)
			return yaml_document_get_node(doc, p->value);
	}
	return NULL;
}

static yaml_node_t *must(yaml_document_t *doc, const yaml_node_t *map, const char *key)
{
	yaml_node_t *v = get(doc, map, key);

	if (!v) {
		fprintf(stderr, "no key %s\n", key);
		abort();
	}
	return v;
}

static const char *text(yaml_document_t *doc, const yaml_node_t *map, const char *key)
{
	return (const char *)must(doc, map, key)->data.scalar.value;
}

static enum rf_zone_kind kind_of(const char *name)
{
	int kind = 0;

	while (kind < RF_ZONE_KINDS && strcmp(rf_zone_kind_name((enum rf_zone_kind)kind), name) != 0)
		kind++;
	assert_true(kind < RF_ZONE_KINDS);
	return (enum rf_zone_kind)kind;
}

static unsigned categories(yaml_document_t *doc, const yaml_node_t *list)
{
	unsigned bits = 0;

	for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++) {
		const char *name = (const char *)yaml_document_get_node(doc, *i)->data.scalar.value;
		int c = 0;

		while (c < RF_CATEGORIES && strcmp(rf_category_name((enum rf_category)c), name) != 0)
			c++;
		assert_true(c < RF_CATEGORIES);
		bits |= 1u << c;
	}
	return bits;
}

static void same_cell(yaml_document_t *doc, const yaml_node_t *node)
{
	const struct rf_cell *cell = rf_matrix_cell(kind_of(text(doc, node, "from")), kind_of(text(doc, node, "to")));
	const yaml_node_t *levels = must(doc, node, "levels"), *conditions = get(doc, node, "conditions");

	assert_int_equal(cell->from, kind_of(text(doc, node, "from")));
	assert_int_equal(cell->to, kind_of(text(doc, node, "to")));
	assert_string_equal(cell->reason, text(doc, node, "reason"));
	for (int l = 0; l < RF_LEVELS; l++) {
		const yaml_node_t *at = must(doc, levels, rf_level_name((enum rf_level)l));

		assert_int_equal(cell->levels[l].allow, categories(doc, must(doc, at, "allow")));
		assert_int_equal(cell->levels[l].optional, categories(doc, must(doc, at, "optional")));
		assert_string_equal(rf_inspection_name(cell->levels[l].inspection), text(doc, at, "inspection"));
		assert_int_equal(cell->levels[l].zone_absent, get(doc, at, "zone_absent") != NULL);
	}
	for (int c = 0; c < RF_CATEGORIES; c++) {
		const char *name = rf_category_name((enum rf_category)c);

		if (conditions && get(doc, conditions, name))
			assert_string_equal(cell->conditions[c], text(doc, conditions, name));
		else
			assert_null(cell->conditions[c]);
	}
}

static void every_cell_is_there(void **state)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	FILE *f = fopen(path, "r");

	(void)state;
	assert_non_null(f);
	assert_true(yaml_parser_initialize(&parser));
	yaml_parser_set_input_file(&parser, f);
	assert_true(yaml_parser_load(&parser, &doc));
	const yaml_node_t *cells = must(&doc, yaml_document_get_root_node(&doc), "cells");
	size_t n = 0;
	for (yaml_node_item_t *i = cells->data.sequence.items.start; i < cells->data.sequence.items.top; i++, n++)
		same_cell(&doc, yaml_document_get_node(&doc, *i));
	assert_int_equal(n, rf_matrix_cell_count);
	assert_true(n > 100);
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	fclose(f);
}

static void what_is_not_there_denies(void **state)
{
	(void)state;
	for (int from = 0; from <= RF_ZONE_KINDS; from++)
		for (int to = 0; to <= RF_ZONE_KINDS; to++) {
			const struct rf_cell *cell = rf_matrix_cell((enum rf_zone_kind)from, (enum rf_zone_kind)to);
			bool known = (int)cell->from == from && (int)cell->to == to;

			assert_non_null(cell);
			assert_non_null(cell->mitigations);
			assert_true(cell->reason[0]);
			for (int l = 0; l < RF_LEVELS && (!known || from == RF_ZONE_KINDS); l++)
				assert_true(!cell->levels[l].allow && !cell->levels[l].optional &&
					    cell->levels[l].inspection == RF_INSPECT_DENY);
		}
}

/* The invariant of that name: a higher level never opens a category that a lower one keeps closed. */
static void levels_only_close(void **state)
{
	(void)state;
	for (size_t i = 0; i < rf_matrix_cell_count; i++)
		for (int l = 1; l < RF_LEVELS; l++) {
			const struct rf_cell_level *low = &rf_matrix_cells[i].levels[l - 1],
						   *high = &rf_matrix_cells[i].levels[l];

			assert_false(high->allow & ~low->allow);
			assert_false((high->allow | high->optional) & ~(low->allow | low->optional));
		}
}

static void mitigations_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < rf_matrix_cell_count; i++)
		for (const char *const *m = rf_matrix_cells[i].mitigations; *m; m++)
			assert_true(rf_mitigation_known(rf_view_str(*m), NULL));
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(rf_category_name(RF_CATEGORIES), "?");
	assert_string_equal(rf_zone_kind_name(RF_ZONE_KINDS), "?");
	assert_string_equal(rf_inspection_name((enum rf_inspection)99), "?");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_there), cmocka_unit_test(what_is_not_there_denies),
		cmocka_unit_test(levels_only_close), cmocka_unit_test(mitigations_are_known), cmocka_unit_test(names),
	};

	if (argc != 2)
		return 2;
	path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
