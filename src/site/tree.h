/* A YAML document as a small tree with places (private to this room).
 *
 * libyaml splits the bytes into events; what a site file has no use for is refused here, so that no two readers can
 * differ about it: anchors, aliases, tags, several documents, duplicate keys, keys that are not plain texts, tabs in
 * front of a line, control characters, bytes that are not UTF-8; and whatever is over the bounds of site.h. */
#ifndef RF_SITE_TREE_H
#define RF_SITE_TREE_H

#include "base/arena.h"
#include "site/finding.h"

enum rf_tree_kind { RF_TREE_TEXT, RF_TREE_LIST, RF_TREE_MAP };

struct rf_tree {
	enum rf_tree_kind kind;
	bool plain;              /* a text without quotes */
	uint32_t line, column;
	struct rf_view text;     /* of a text; NUL behind it */
	size_t count;            /* children; of a map: keys */
	struct rf_tree *first;   /* first child of a list; first key of a map */
	struct rf_tree *next;    /* next in the same list or map */
	struct rf_tree *value;   /* of a key in a map */
};

/* 0 and the root (NULL for an empty document), RF_E_INVALID with findings, -ENOMEM. Everything lies in arena. */
int rf_tree_parse(struct rf_view bytes, const char *file, struct rf_arena *arena, struct rf_findings *findings,
		  struct rf_tree **ret_root);
/* UTF-8, no control characters but newline, return and tab, no tab that indents: RF_E_INVALID with a finding. */
int rf_tree_check_bytes(struct rf_view bytes, const char *file, bool tabs_indent, struct rf_findings *findings);

#endif
