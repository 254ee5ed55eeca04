/* JSON of nftables; what is understood also sends a set through. */
#include "prove/device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_way way = { .kind = RF_WAY_FORWARD, .in = "vlan30", .out = "vlan20" };
	struct rf_ruleset rs;
	struct rf_device *d;
	struct rf_sets *s;

	if (rf_read_nft_json(rf_view_of(data, n), "fuzz", &rs, NULL))
		return 0;
	rf_hull_whole(&way.src);
	rf_hull_whole(&way.dst);
	if (rs.rule_count < 50 && rf_sets_open(rf_space_variables(), 20000, &s) == 0) {
		if (rf_device_new(s, &rs, &d) == 0) {
			rf_device_pass(d, &way, rf_sets_all(), rf_sets_all(), NULL);
			rf_device_free(d);
		}
		rf_sets_close(s);
	}
	rf_ruleset_fini(&rs);
	return 0;
}
