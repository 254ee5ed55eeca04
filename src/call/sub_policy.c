/* Who may watch whom. Presence and what a phone is doing tell about people, so by default only those see it who may
 * answer each other's calls; a mailbox is its owner's alone. */
#include "call/park.h"
#include "call/sub_int.h"

/* Has a phone of this number that pickup group? */
static bool in_group(const struct rf_call_core *core, struct rf_view number, struct rf_view group)
{
	const struct rf_dir_phone *const *phones;
	size_t n = rf_directory_phones_of(core->directory, number, &phones);

	for (size_t i = 0; i < n; i++)
		if (phones[i]->site && rf_view_eq(phones[i]->site->pickup_group, group))
			return true;
	return false;
}

bool rf_sub_may_pick_up(const struct rf_call_core *core, struct rf_view watcher, struct rf_view number)
{
	const struct rf_dir_phone *const *phones;
	size_t n;

	if (rf_view_eq(watcher, number))
		return true;
	n = rf_directory_phones_of(core->directory, watcher, &phones);
	for (size_t i = 0; i < n; i++)
		if (phones[i]->site && phones[i]->site->pickup_group.n &&
		    in_group(core, number, phones[i]->site->pickup_group))
			return true;
	return false;
}

const char *rf_sub_refusal(const struct rf_call_core *core, struct rf_view watcher, struct rf_view number,
			   const struct rf_sub_package *package)
{
	int watch = rf_core_site(core)->tel.watch;

	if (rf_view_eq(watcher, number) || (package->others && rf_park_is_slot(core, number)))
		return NULL;
	if (!package->others)
		return "own-mailbox-only";
	if (watch == RF_WATCH_ALL || (watch == RF_WATCH_PICKUP_GROUP && rf_sub_may_pick_up(core, watcher, number)))
		return NULL;
	return "watch-policy";
}

bool rf_sub_is_voicemail(const struct rf_call_core *core, struct rf_view number)
{
	struct rf_view pilot = rf_core_site(core)->tel.voicemail.number;

	return pilot.n && rf_view_eq(pilot, number);
}
