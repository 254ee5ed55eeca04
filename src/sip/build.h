/* Writing messages onto a struct rf_writer. Errors are sticky in the writer (RF_E_SPACE, RF_E_MALFORMED): write the
 * whole message, look once with rf_writer_done().
 *
 * Whatever is handed in as a value is checked: a CR, LF, NUL or other control character in it sets RF_E_MALFORMED and
 * nothing more is written, so that no value can begin a header or end the head. Values taken from a parsed message
 * may contain folds and quoted pairs; rf_sip_put_value() writes these safely.
 *
 *	rf_sip_put_request(w, RF_V("INVITE"), uri);
 *	rf_sip_put_hdr(w, RF_SIP_H_MAX_FORWARDS, RF_V("70"));
 *	...
 *	rf_sip_put_body(w, RF_V("application/sdp"), sdp);    // always the last: Content-Length and the empty line
 */
#ifndef RF_SIP_BUILD_H
#define RF_SIP_BUILD_H

#include "base/writer.h"
#include "sip/msg.h"

/* "INVITE sip:x SIP/2.0": method must be a token, uri without white space. */
void rf_sip_put_request(struct rf_writer *w, struct rf_view method, struct rf_view uri);
/* "SIP/2.0 200 OK": reason empty writes the default phrase. */
void rf_sip_put_status(struct rf_writer *w, unsigned code, struct rf_view reason);

/* A whole header line. */
void rf_sip_put_hdr(struct rf_writer *w, enum rf_sip_hid id, struct rf_view value);
void rf_sip_put_hdr_named(struct rf_writer *w, struct rf_view name, struct rf_view value);
void rf_sip_put_hdr_u64(struct rf_writer *w, enum rf_sip_hid id, uint64_t value);
/* Copy a field of a received message. */
void rf_sip_put_hdr_copy(struct rf_writer *w, const struct rf_sip_hdr *h);
void rf_sip_put_cseq(struct rf_writer *w, uint32_t cseq, struct rf_view method);
/* Begin a header line to be finished by pieces: "Name: ". Close it with rf_sip_put_crlf(). */
void rf_sip_put_hdr_name(struct rf_writer *w, enum rf_sip_hid id);
static inline void rf_sip_put_crlf(struct rf_writer *w)
{
	rf_put_lit(w, "\r\n");
}

/* Pieces. */
/* A checked value; folds are written as spaces. */
void rf_sip_put_value(struct rf_writer *w, struct rf_view value);
/* "text" with quotes; '"' and '\' are escaped, control characters refused (a tab is let through). */
void rf_sip_put_quoted(struct rf_writer *w, struct rf_view text);
/* "Display" <uri>; without a display name <uri>. display is plain text, not yet quoted. */
void rf_sip_put_name_addr(struct rf_writer *w, struct rf_view display, struct rf_view uri);
/* ;name=value -- ;name when value.p is NULL; value is a token or refused. */
void rf_sip_put_param(struct rf_writer *w, struct rf_view name, struct rf_view value);
void rf_sip_put_param_u64(struct rf_writer *w, struct rf_view name, uint64_t value);
/* host with brackets when it is an IPv6 address, ":port" unless 0 */
void rf_sip_put_hostport(struct rf_writer *w, struct rf_view host, uint16_t port);

struct rf_sip_new_via {
	enum rf_sip_transport transport;
	struct rf_view host;    /* ours, without brackets */
	uint16_t port;          /* 0: none */
	struct rf_view branch;  /* with the cookie */
	bool rport, alias, keep;
	bool oc;                /* we understand overload control (RFC 7339) */
};
/* A whole Via line. */
void rf_sip_put_via(struct rf_writer *w, const struct rf_sip_new_via *via);

/* The end of the head: Content-Type when type is not empty, Content-Length, the empty line, the body. */
void rf_sip_put_body(struct rf_writer *w, struct rf_view type, struct rf_view body);
/* Content-Length: 0 and the empty line. */
static inline void rf_sip_put_end(struct rf_writer *w)
{
	rf_sip_put_body(w, (struct rf_view){ NULL, 0 }, (struct rf_view){ NULL, 0 });
}

/* ---- Responses -----------------------------------------------------------------------------------------------
 * What a response repeats from its request (RFC 3261 8.2.6.2), as finished header lines in a buffer of the caller:
 * all Vias (the topmost with received and rport), From, To, Call-ID, CSeq, then Record-Route. It lives as long as
 * that buffer, not the request's, so a server transaction keeps it for all its responses. From a refused message
 * what is there is echoed; a To that was not understood gets no tag. */
struct rf_sip_echo {
	struct rf_view lines;    /* all lines */
	uint32_t to_end;         /* offset in lines where ";tag=" goes */
	uint32_t routes_at;      /* offset in lines where Record-Route begins */
	bool to_tagged;          /* the request's To had a tag, or a tag cannot be added */
};

struct rf_sip_oc;

/* The source of the request, for the top Via. */
struct rf_sip_source {
	struct rf_view ip;  /* text, without brackets */
	uint16_t port;
	const struct rf_sip_oc *oc; /* told to a client that asked for it (RFC 7339); NULL: nothing is */
};

/* received is added when sent-by is not that address or rport was asked for, rport when it was asked for (RFC 3261
 * 18.2.1, RFC 3581 4); what the sender itself claimed in these two is dropped. RF_E_SPACE, RF_E_STATE when there is
 * no usable Via. src NULL: the Via is repeated as it stands. */
int rf_sip_echo_make(const struct rf_sip_msg *req, const struct rf_sip_source *src, void *buf, size_t cap,
		     struct rf_sip_echo *ret_echo);
/* Status line and echo. to_tag empty adds none; Record-Route only when routes (1xx with tag and 2xx to dialog-forming
 * requests). Write more headers, then rf_sip_put_body(). */
void rf_sip_put_response(struct rf_writer *w, const struct rf_sip_echo *echo, unsigned code, struct rf_view reason,
			 struct rf_view to_tag, bool routes);

/* The whole answer to a refused request (m->answer must not be 0) in one go: status, echo, 420/416/... need no more;
 * Content-Length: 0. scratch is used while writing (the head of the request always fits in head bytes + 128). */
int rf_sip_put_refusal(struct rf_writer *w, const struct rf_sip_msg *m, const struct rf_sip_source *src,
		       struct rf_view to_tag, void *scratch, size_t scratch_cap);

/* Where a response goes, from the top Via of a request or response (RFC 3261 18.2.2, RFC 3581 4): maddr, or received
 * with rport, or sent-by. *ret_port is 0 when the transport's default is meant. */
void rf_sip_via_target(const struct rf_sip_via *via, struct rf_view *ret_host, uint16_t *ret_port);

#endif
