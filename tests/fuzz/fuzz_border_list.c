/* A message from a trunk, held against the border's list and a trunk's own. The first bytes say what that trunk takes; what is
 * left of the message is read again as it is: a second look takes nothing more away. */
#include "call/border.h"

#include "call/trunk.h"
#include "site/accept.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { HEAD = 8 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void take_list(const uint8_t head[static HEAD], struct rf_site_trunk *t)
{
	t->name = RF_V("carrier");
	t->trusted = head[0] & 1;
	t->trust_precedence = head[0] & 2;
	t->accept = (struct rf_site_accept){
		.methods = head[1] & ((1u << RF_ACCEPT_METHODS) - 1), .bodies = head[1] >> 4 & ((1u << RF_ACCEPT_BODIES) - 1),
		.headers = (head[2] | head[3] << 8 | (unsigned)head[0] << 14) & ((1u << RF_ACCEPT_HEADERS) - 1),
		.parameters = (head[4] | head[5] << 8 | (unsigned)head[6] << 16 | (unsigned)head[7] << 24) & ((1u << RF_ACCEPT_PARAMETERS) - 1),
		.refuse = head[7], .message_bytes = RF_ACCEPT_MESSAGE_BYTES, .header_fields = RF_ACCEPT_HEADER_FIELDS,
	};
}

static uint64_t dropped(const struct rf_call_core *core)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < RF_LIST_RULES; i++)
		all += rf_border_listed(core, (enum rf_list_rule)i);
	return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_call_core *core = calloc(1, sizeof *core);
	struct rf_site_trunk t = { .name = RF_V("") };
	struct rf_sip_msg *came = malloc(sizeof *came), *left = malloc(sizeof *left);
	uint8_t *bytes = malloc(n);

	if (n > HEAD && core && came && left && bytes) {
		const struct rf_sip_msg *msg = came;

		take_list(data, &t);
		core->looked = rf_looked_new();
		core->trunks = rf_trunks_new();
		memcpy(bytes, data + HEAD, n - HEAD);
		bool is_message = core->looked && core->trunks &&
				  rf_sip_msg_parse(came, rf_view_of(bytes, n - HEAD), RF_SIP_DATAGRAM, NULL) == 0;
		unsigned code = is_message ? rf_border_look(core, &t, &msg) : 0;

		must(!is_message || came->is_request || code == 0); /* an answer is always read by the list */
		if (is_message && code == 0 && msg != came) {
			size_t size = msg->bytes.n;
			uint8_t *copy = malloc(size);

			must(copy && size <= n + 512);
			memcpy(copy, msg->bytes.p, size);
			must(msg->method == came->method && rf_view_eq(msg->call_id, came->call_id) && msg->cseq == came->cseq);
			bool again = rf_sip_msg_parse(left, rf_view_of(copy, size), RF_SIP_DATAGRAM, NULL) == 0;
			uint64_t before = dropped(core);

			must(again || size > n); /* it may have grown past a bound: nobody writes it on */
			msg = again ? left : msg;
			t.accept.refuse = 0;
			code = again ? rf_border_look(core, &t, &msg) : 0;
			must(code == 0 || (code == 513 && size > RF_ACCEPT_MESSAGE_BYTES));
			/* credentials stay, for a login, and are counted each time; nothing else is met again, but a blank
			 * that stood before a parameter and stands last now */
			must(msg->bytes.n == size ? rf_view_eq(msg->bytes, rf_view_of(copy, size)) || dropped(core) > before :
						    msg->bytes.n < size);
			free(copy);
		}
		rf_looked_free(core->looked);
		rf_trunks_put(core->trunks);
	}
	free(bytes);
	free(left);
	free(came);
	free(core);
	return 0;
}
