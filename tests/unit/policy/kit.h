/* Sites for the tests of this room. */
#ifndef KIT_H
#define KIT_H

#include "policy/rules.h"

#include <stdio.h>

/* 2026-11-22. */
static const struct rf_wall kit_day = { 1795305600000000 };

/* A house and a branch with every kind of zone that the level has; more is appended to the file. */
struct rf_site *kit_full(enum rf_level level, const char *more, struct rf_findings *findings);
/* The file as it is. NULL with findings. */
struct rf_site *kit_site(const char *yaml, struct rf_findings *findings);
/* From a folder; ends the test when it cannot. */
struct rf_site *kit_load(const char *dir);
/* The flows of a site; ends the test when there are none. */
struct rf_flows kit_flows(const struct rf_site *site);
const struct rf_flow *kit_flow(const struct rf_flows *flows, const char *id);

#endif
