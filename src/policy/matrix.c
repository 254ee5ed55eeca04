#include "policy/matrix_int.h"

/* What is not in the data: nothing may be opened. */
static const struct rf_cell absent = {
	.from = RF_ZONE_KINDS,
	.to = RF_ZONE_KINDS,
	.reason = "The matrix has no such cell; what is not in it is denied.",
	.mitigations = (const char *const[]){ NULL },
};

const struct rf_cell *rf_matrix_cell(enum rf_zone_kind from, enum rf_zone_kind to)
{
	for (size_t i = 0; i < rf_matrix_cell_count; i++)
		if (rf_matrix_cells[i].from == from && rf_matrix_cells[i].to == to)
			return &rf_matrix_cells[i];
	return &absent;
}

const char *rf_category_name(enum rf_category category)
{
	static const char *const names[RF_CATEGORIES] = {
		[RF_CAT_SIGNALING] = "signaling", [RF_CAT_MEDIA] = "media", [RF_CAT_ADMIN] = "admin",
		[RF_CAT_SERVICES] = "network-services", [RF_CAT_DATA] = "data",
	};

	return (unsigned)category < RF_CATEGORIES ? names[category] : "?";
}

const char *rf_zone_kind_name(enum rf_zone_kind kind)
{
	static const char *const names[RF_ZONE_KINDS] = {
		[RF_ZONE_SERVER] = "server", [RF_ZONE_PHONE] = "phone", [RF_ZONE_SOFTPHONE] = "softphone",
		[RF_ZONE_GATEWAY] = "gateway", [RF_ZONE_BORDER] = "border", [RF_ZONE_ADMIN] = "admin",
		[RF_ZONE_CONVERGED] = "converged", [RF_ZONE_DATA] = "data", [RF_ZONE_WAN] = "wan",
		[RF_ZONE_INTERNET] = "internet", [RF_ZONE_PSTN] = "pstn",
	};

	return (unsigned)kind < RF_ZONE_KINDS ? names[kind] : "?";
}

const char *rf_inspection_name(enum rf_inspection inspection)
{
	static const char *const names[] = {
		[RF_INSPECT_DENY] = "deny", [RF_INSPECT_INTRA_ZONE] = "intra-zone",
		[RF_INSPECT_STATELESS] = "stateless", [RF_INSPECT_STATEFUL] = "stateful",
		[RF_INSPECT_APPLICATION] = "application", [RF_INSPECT_SBC] = "sbc", [RF_INSPECT_VPN] = "vpn",
		[RF_INSPECT_CIRCUIT] = "circuit",
	};

	return (size_t)inspection < sizeof names / sizeof *names ? names[inspection] : "?";
}
