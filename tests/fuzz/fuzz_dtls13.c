/* Messages and records of DTLS 1.3 from strangers, each by its reader. The first byte says which: (0) ClientHello,
 * (1) ServerHello, (2) EncryptedExtensions, (3) CertificateRequest, (4) Certificate, (5) CertificateVerify,
 * (6) an acknowledgement, (7) records in a datagram, (8) fragments, one record of them after the other.
 *
 * What is read lies within what came; what was made of fragments is as long as they said. */
#include "rtp/dtls13_int.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

static bool within(struct rf_view part, struct rf_view whole)
{
	return !part.n || (part.p >= whole.p && part.n <= whole.n && (size_t)(part.p - whole.p) <= whole.n - part.n);
}

static void read_hellos(struct rf_view v, bool client)
{
	struct rf_dtls13_answer a;
	struct rf_dtls13_offer o;

	if (!client && rf_dtls13_server_hello_read(v, &a) == 0) {
		MUST(a.suite < RF_DTLS13_SUITES && a.group < RF_DTLS13_GROUPS);
		MUST(within(a.share, v) && within(a.cookie, v));
	}
	if (!client || rf_dtls13_client_hello_read(v, &o))
		return;
	MUST(within(o.profiles, v) && within(o.cookie, v) && o.profiles.n % 2 == 0);
	MUST(o.suites < 1u << RF_DTLS13_SUITES && o.groups < 1u << RF_DTLS13_GROUPS);
	for (unsigned i = 0; i < RF_DTLS13_GROUPS; i++)
		MUST(within(o.shares[i], v));
}

static void read_proofs(struct rf_view v, unsigned which)
{
	static struct rf_dtls d = { .suites = { RF_SRTP_AEAD_AES_256_GCM }, .suite_count = 1 };
	static EVP_PKEY *key; /* costs more than all that is tried with it */
	struct rf_dtls13_keys keys;
	EVP_PKEY *theirs = NULL;
	enum rf_srtp_suite suite;

	if (!key)
		key = EVP_EC_gen("P-256");
	d.why = RF_DTLS_WHY_NONE;
	if (which == 2) {
		MUST(rf_dtls13_extensions_read(&d, v, &suite).why || suite == RF_SRTP_AEAD_AES_256_GCM);
	} else if (which == 3) {
		rf_dtls13_request_read(v);
	} else if (which == 4) {
		MUST(!!rf_dtls13_certificate_read(&d, v, &theirs).why == !theirs);
		EVP_PKEY_free(theirs);
	} else {
		MUST(rf_dtls13_keys_begin(&keys, 0x1301) == 0);
		MUST(rf_dtls13_verify_read(&keys, key, true, v).why); /* nobody signed it */
		rf_dtls13_keys_end(&keys);
	}
}

static void read_records(struct rf_view v)
{
	struct rf_dtls13_sealed s;
	struct rf_view rest = v;
	bool named;

	rf_dtls13_ack_names(v, 2, 5, &named);
	while (rf_dtls13_sealed_next(&rest, &s)) {
		static uint8_t plain[65536];
		struct rf_dtls13_seal seal = { .key_n = 16, .key = { 1 }, .next = v.n };
		struct rf_dtls13_opened o;

		MUST(within(s.head, v) && within(s.body, v) && s.epoch < 4 && s.head.n <= 5 && s.body.n <= sizeof plain);
		MUST(rf_dtls13_open(&seal, &s, plain, &o) == RF_E_AUTH);
	}
}

/* Each record behind two bytes of length. */
static void read_fragments(struct rf_view v)
{
	struct rf_dtls13 *h = rf_dtls13_new();

	MUST(h);
	for (unsigned count = 0; v.n >= 2 && count < 64; count++) {
		struct rf_view record = rf_view_sub(v, 2, (size_t)(v.p[0] << 8 | v.p[1]));
		struct rf_reader r = rf_reader_of(record);

		while (!r.err && rf_left(&r)) {
			const struct rf_dtls13_message *m = rf_dtls13_fragment(h, &r);

			if (!m)
				continue;
			MUST(m->n <= RF_DTLS13_MESSAGE_MAX && m->have == m->n);
			rf_dtls13_message_drop(h);
			h->next_in++;
		}
		rf_dtls13_hold(h, record);
		MUST(h->held_count <= RF_DTLS13_HELD_MAX && h->held_bytes <= RF_DTLS13_HELD_BYTES);
		v = rf_view_from(v, 2 + record.n);
	}
	rf_dtls13_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view v = rf_view_of(data + 1, n ? n - 1 : 0);

	if (!n)
		return 0;
	switch (data[0]) {
	case 0:
	case 1:
		read_hellos(v, data[0] == 0);
		break;
	case 6:
	case 7:
		read_records(v);
		break;
	case 8:
		read_fragments(v);
		break;
	default:
		if (data[0] < 6)
			read_proofs(v, data[0]);
	}
	return 0;
}
