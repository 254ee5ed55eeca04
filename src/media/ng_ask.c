#include "media/ng_server_int.h"

#include <stdlib.h>

#include "base/secret.h"
#include "media/ng_reply.h"

enum { SPARES = 16, SPARE_BYTES = 2048, SPARE_ARENA_BYTES = 16384 };

static struct rf_view message_of(struct rf_ng_server *s, struct rf_view cookie, struct rf_view reply)
{
	struct rf_writer w;

	rf_writer_init(&w, s->out, sizeof s->out);
	rf_put(&w, cookie);
	rf_put_byte(&w, ' ');
	rf_put(&w, reply);
	return rf_view_of(s->out, w.err ? 0 : w.n);
}

static void send_message(struct rf_ng_server *s, const struct rf_ng_way *way, struct rf_view message)
{
	s->stats.replies++;
	if (way->udp)
		rf_udp_send(way->udp, message, &way->from, &way->to);
	else if (way->conn)
		rf_stream_send(way->conn->stream, message);
}

/* An error for a request that goes to nobody. Without a cookie nobody waits for it. */
static void send_error(struct rf_ng_server *s, const struct rf_ng_way *way, const struct rf_ng_request *req,
		       const char *why)
{
	char text[1024];
	struct rf_writer w;

	if (!req->cookie.n)
		return;
	rf_writer_init(&w, text, sizeof text);
	rf_ng_reply_error(&w, req, "%s", why);
	send_message(s, way, message_of(s, req->cookie, rf_view_of(text, w.n)));
}

/* ---- a request comes */

/* Is it one that came before? Then it is dealt with here. *ret_kept: a place to remember the reply in. */
static bool repeated(struct rf_ng_server *s, const struct rf_ng_way *way, const struct rf_ng_request *req,
		     struct rf_view message, struct rf_ng_kept **ret_kept)
{
	uint64_t body, hash;
	struct rf_ng_kept *k;

	if (!way->udp)
		return false;
	body = rf_hash(&s->conf.hash_key, message);
	hash = rf_ng_cache_hash(&s->cache, &way->from, req->cookie);
	k = rf_ng_cache_find(&s->cache, hash, &way->from, req->cookie);
	if (!k) {
		*ret_kept = rf_ng_cache_begin(&s->cache, hash, &way->from, req->cookie, body);
		return false;
	}
	if (k->body != body) {
		s->stats.malformed++;
		send_error(s, way, req, "this cookie was another request's");
		return true;
	}
	s->stats.repeated++;
	if (k->reply.n)
		send_message(s, way, k->reply);
	return true;
}

/* Most are short and over at once: those go round, with the memory that they were read into. */
static struct rf_ng_ask *new_ask(struct rf_ng_server *s, const struct rf_ng_way *way, struct rf_view message)
{
	struct rf_ng_ask *ask = message.n <= SPARE_BYTES ? s->spare : NULL;
	struct rf_arena arena;

	if (ask) {
		s->spare = ask->next;
		s->n_spare--;
		arena = ask->arena;
	} else {
		ask = malloc(sizeof(*ask) + (message.n > SPARE_BYTES ? message.n : SPARE_BYTES));
		if (!ask)
			return NULL;
		rf_arena_init(&arena, RF_NG_ARENA_BYTES);
	}
	*ask = (struct rf_ng_ask){ .server = s, .home = pthread_self(), .way = *way, .n = message.n, .arena = arena };
	memcpy(ask->bytes, message.p, message.n);
	return ask;
}

static void free_ask(struct rf_ng_ask *ask)
{
	struct rf_ng_server *s = ask->server;

	rf_arena_wipe(&ask->arena);
	if (ask->reply)
		rf_secret_wipe(ask->reply, ask->reply_n); /* SDES: keys, here and in the request */
	rf_secret_wipe(ask->bytes, ask->n);
	free(ask->reply);
	if (ask->n <= SPARE_BYTES && s->n_spare < SPARES && ask->arena.used <= SPARE_ARENA_BYTES) {
		ask->next = s->spare;
		s->spare = ask;
		s->n_spare++;
		return;
	}
	rf_arena_fini(&ask->arena);
	free(ask);
}

void rf_ng_server_free_spares(struct rf_ng_server *s)
{
	struct rf_ng_ask *ask;

	while ((ask = s->spare)) {
		s->spare = ask->next;
		rf_arena_fini(&ask->arena);
		free(ask);
	}
}

static const char *counted(struct rf_ng_server *s, int err, uint64_t **ret_count)
{
	*ret_count = err == RF_E_UNSUPPORTED || err == RF_E_INVALID ? &s->stats.refused : &s->stats.malformed;
	switch (err) {
	case RF_E_UNSUPPORTED:
		return "a request that is refused";
	case RF_E_INVALID:
		return "a request that is not whole";
	case RF_E_LIMIT:
		return "a request over a bound";
	case -ENOMEM:
		return "out of memory";
	default:
		return "bytes that are no request";
	}
}

void rf_ng_server_receive(struct rf_ng_server *s, const struct rf_ng_way *way, struct rf_view message)
{
	struct rf_ng_ask *ask = new_ask(s, way, message);
	struct rf_diag d;

	if (!ask)
		return;
	int err = rf_ng_request_parse(rf_view_of(ask->bytes, message.n), &ask->arena, &ask->req, &d);
	ask->req.asker = way->from;
	ask->req.stream = way->conn ? way->conn->number : 0;
	ask->req.by = way->conn ? way->conn->by : 0;
	if (err < 0) {
		uint64_t *count;
		const char *why = counted(s, err, &count);

		rf_ng_server_refused(s, &way->from, why, count);
		send_error(s, way, &ask->req, d.text);
	} else if (repeated(s, way, &ask->req, message, &ask->kept)) {
		err = RF_E_EXISTS;
	} else if (s->stats.asks >= s->conf.asks_max) {
		s->stats.full++;
		send_error(s, way, &ask->req, "too many requests wait for an answer: later");
		if (ask->kept)
			rf_ng_cache_finish(&s->cache, ask->kept, (struct rf_view){ NULL, 0 }, rf_loop_now(s->loop));
		err = RF_E_LIMIT;
	}
	if (err < 0) {
		free_ask(ask);
		return;
	}
	s->stats.requests++;
	s->stats.commands[ask->req.command]++;
	s->stats.asks++;
	if (way->conn)
		LIST_INSERT_HEAD(&way->conn->asks, ask, link);
	s->conf.ops->on_request(s->conf.arg, ask);
}

struct rf_ng_request *rf_ng_ask_request(struct rf_ng_ask *ask)
{
	return &ask->req;
}

/* ---- and is answered */

static void finish(struct rf_ng_ask *ask, struct rf_view reply)
{
	struct rf_ng_server *s = ask->server;
	struct rf_view message = { NULL, 0 };
	char text[256];

	if (reply.n && !s->closed) {
		message = message_of(s, ask->req.cookie, reply);
		if (!message.n) {
			struct rf_writer w;

			rf_writer_init(&w, text, sizeof text);
			rf_ng_reply_error(&w, &ask->req, "the reply is longer than a message may be");
			message = message_of(s, ask->req.cookie, rf_view_of(text, w.n));
		}
		send_message(s, &ask->way, message);
	}
	if (ask->kept)
		rf_ng_cache_finish(&s->cache, ask->kept, message, rf_loop_now(s->loop));
	rf_secret_wipe(s->out, message.n);
	if (ask->way.conn)
		LIST_REMOVE(ask, link);
	s->stats.asks--;
	free_ask(ask);
	rf_ng_server_settle(s);
}

static void arrived(struct rf_mail *mail, int status)
{
	struct rf_ng_ask *ask = rf_container(mail, struct rf_ng_ask, mail);

	(void)status; /* RF_E_CLOSED: the server is closed by then, and nothing is sent */
	finish(ask, rf_view_of(ask->reply, ask->reply_n));
}

/* From another thread: what the mailbox does not take is found by the server's tick. */
static void go_home(struct rf_ng_ask *ask)
{
	struct rf_ng_server *s = ask->server;

	ask->mail.deliver = arrived;
	if (rf_mail_post(s->loop, &ask->mail) == 0)
		return;
	ask->next = atomic_load(&s->lost);
	while (!atomic_compare_exchange_weak(&s->lost, &ask->next, ask))
		;
}

void rf_ng_server_find_lost(struct rf_ng_server *s)
{
	struct rf_ng_ask *ask = atomic_exchange(&s->lost, NULL), *next;

	s->stats.asks++; /* so that s outlives the last of them */
	for (; ask; ask = next) {
		next = ask->next;
		finish(ask, rf_view_of(ask->reply, ask->reply_n));
	}
	s->stats.asks--;
	rf_ng_server_settle(s);
}

void rf_ng_ask_answer(struct rf_ng_ask *ask, struct rf_view reply)
{
	if (pthread_equal(ask->home, pthread_self())) {
		finish(ask, reply);
		return;
	}
	/* Without memory nobody is answered; whoever asked repeats it. */
	ask->reply = reply.n ? malloc(reply.n) : NULL;
	if (ask->reply) {
		memcpy(ask->reply, reply.p, reply.n);
		ask->reply_n = reply.n;
	}
	go_home(ask);
}

void rf_ng_ask_drop(struct rf_ng_ask *ask)
{
	rf_ng_ask_answer(ask, (struct rf_view){ NULL, 0 });
}
