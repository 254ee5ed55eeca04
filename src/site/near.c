#include "site/near.h"

/* Optimal string alignment with three rows: enough for typing errors. */
unsigned rf_near_distance(struct rf_view a, struct rf_view b)
{
	unsigned before[RF_NEAR_MAX + 1] = { 0 }, last[RF_NEAR_MAX + 1], row[RF_NEAR_MAX + 1];

	if (a.n >= RF_NEAR_MAX || b.n >= RF_NEAR_MAX)
		return RF_NEAR_MAX;
	for (size_t j = 0; j <= b.n; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			uint8_t x = rf_lower(a.p[i - 1]), y = rf_lower(b.p[j - 1]);
			unsigned best = last[j - 1] + (x != y);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && x == rf_lower(b.p[j - 2]) && y == rf_lower(a.p[i - 2]) &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		memcpy(before, last, sizeof before);
		memcpy(last, row, sizeof last);
	}
	return last[b.n];
}

bool rf_near_enough(unsigned distance, size_t n)
{
	return distance <= (n < 4 ? 1 : n < 8 ? 2 : 3) && distance < n;
}
