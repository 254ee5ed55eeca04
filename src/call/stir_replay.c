/* Tokens that were seen: a token proves one call. Who intercepts one and uses it for a call of his own, within the
 * minute that it is fresh, is refused here. Told by what was signed, not by the signature: one of those can be
 * rewritten into another that verifies as well. Shared by the cores under a lock that is held for a few compares. */
#include "call/stir_int.h"

#include <pthread.h>
#include <stdlib.h>

enum { PROBES = 16 };

struct seen {
	uint8_t digest[16];
	uint64_t call;
	int64_t until_s; /* 0: free */
};

struct rf_stir_replay {
	pthread_mutex_t lock;
	struct rf_hash_key key[2];
	struct seen seen[RF_STIR_REPLAY_MAX];
};

struct rf_stir_replay *rf_stir_replay_new(struct rf_random *random)
{
	struct rf_stir_replay *r = calloc(1, sizeof *r); /* memory that is never touched costs nothing */

	if (r) {
		pthread_mutex_init(&r->lock, NULL);
		rf_random_fill(random, r->key, sizeof r->key);
	}
	return r;
}

void rf_stir_replay_free(struct rf_stir_replay *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

uint64_t rf_stir_replay_call(const struct rf_stir_replay *r, const struct rf_sip_msg *msg)
{
	return rf_hash(&r->key[0], msg->call_id) ^ rf_hash(&r->key[1], msg->from.tag);
}

int rf_stir_replay_take(struct rf_stir_replay *r, const uint8_t digest[static RF_STIR_DIGEST], uint64_t call,
			int64_t now_s, int64_t until_s)
{
	struct seen *free_one = NULL;
	uint32_t at;
	int rc = RF_E_LIMIT;

	memcpy(&at, digest + 16, sizeof at);
	pthread_mutex_lock(&r->lock);
	for (unsigned i = 0; i < PROBES; i++) {
		struct seen *s = &r->seen[(at + i) % RF_STIR_REPLAY_MAX];

		if (s->until_s < now_s) {
			free_one = free_one ? free_one : s;
		} else if (memcmp(s->digest, digest, sizeof s->digest) == 0) {
			free_one = NULL;
			rc = s->call == call ? 0 : RF_E_EXISTS;
			break;
		}
	}
	if (free_one) {
		*free_one = (struct seen){ .call = call, .until_s = until_s };
		memcpy(free_one->digest, digest, sizeof free_one->digest);
		rc = 0;
	}
	pthread_mutex_unlock(&r->lock);
	return rc;
}
