#include "call/precedence.h"

#include "sip/build.h"
#include "site/precedence.h"

static struct rf_view name_of(unsigned namespace)
{
	return rf_view_str(rf_namespaces[namespace].name);
}

static struct rf_view level_of(unsigned namespace, unsigned level)
{
	return rf_view_str(rf_namespaces[namespace].level[level]);
}

/* The higher of what the phone and the user on it were granted; the lowest level is everybody's. */
static bool may(const struct rf_grants *g, unsigned namespace, unsigned level)
{
	unsigned most;

	return level == 0 || g->believed || (rf_precedence_granted(g->phone, namespace, &most) && level <= most) ||
	       (rf_precedence_granted(g->user, namespace, &most) && level <= most);
}

unsigned rf_precedence_of(const struct rf_sip_msg *msg, const struct rf_grants *grants, struct rf_precedence *ret_p,
			  const char **ret_rule)
{
	struct rf_sip_values it = rf_sip_values_of(msg, RF_SIP_H_RESOURCE_PRIORITY);
	bool required = rf_sip_msg_has_token(msg, RF_SIP_H_REQUIRE, RF_V("resource-priority"));
	unsigned namespace, level;
	struct rf_view value;
	int rc;

	*ret_p = (struct rf_precedence){ .rank = RF_RANK_ROUTINE };
	*ret_rule = NULL;
	while ((rc = rf_sip_values_next(&it, &value)) > 0) {
		if (!rf_precedence_find(value, &namespace, &level))
			continue;
		if (!may(grants, namespace, level)) {
			*ret_rule = "precedence not granted";
			return 403;
		}
		*ret_p = (struct rf_precedence){
			.given = true, .preempts = rf_namespaces[namespace].preempts,
			.namespace = (uint8_t)namespace, .level = (uint8_t)level, .rank = (uint8_t)level,
		};
		return 0;
	}
	if (rc < 0) {
		*ret_rule = "malformed Resource-Priority";
		return 400;
	}
	if (required) {
		*ret_rule = "unknown Resource-Priority";
		return 417;
	}
	return 0;
}

void rf_precedence_put(struct rf_writer *w, const struct rf_precedence *p)
{
	if (!p->given)
		return;
	rf_sip_put_hdr_name(w, RF_SIP_H_RESOURCE_PRIORITY);
	rf_put(w, name_of(p->namespace));
	rf_put_byte(w, '.');
	rf_put(w, level_of(p->namespace, p->level));
	rf_sip_put_crlf(w);
}

void rf_precedence_put_accept(struct rf_writer *w)
{
	const char *between = "";

	rf_put_lit(w, "Accept-Resource-Priority: ");
	for (unsigned i = 0; i < rf_namespace_count; i++)
		for (unsigned j = 0; j < rf_namespaces[i].levels; j++) {
			rf_put(w, rf_view_str(between));
			rf_put(w, name_of(i));
			rf_put_byte(w, '.');
			rf_put(w, level_of(i, j));
			between = ", ";
		}
	rf_sip_put_crlf(w);
}
