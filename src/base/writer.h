/* Build bytes into a caller's buffer. The error is sticky: write on, look once at the end with rf_writer_done().
 * At the first piece that does not fit nothing more is written. */
#ifndef RF_BASE_WRITER_H
#define RF_BASE_WRITER_H

#include "base/err.h"
#include "base/view.h"

struct rf_writer {
	uint8_t *buf;
	size_t cap, n;
	int err; /* 0, RF_E_SPACE, or what a writer of a higher room set */
};

static inline void rf_writer_init(struct rf_writer *w, void *buf, size_t cap)
{
	*w = (struct rf_writer){ .buf = (uint8_t *)buf, .cap = cap };
}

/* Space for n bytes, to be filled by the caller; NULL when they do not fit. */
static inline uint8_t *rf_put_space(struct rf_writer *w, size_t n)
{
	if (w->err || n > w->cap - w->n) {
		w->err = w->err ? w->err : RF_E_SPACE;
		return NULL;
	}
	uint8_t *p = w->buf + w->n;
	w->n += n;
	return p;
}

static inline void rf_put(struct rf_writer *w, struct rf_view v)
{
	uint8_t *p = rf_put_space(w, v.n);

	if (p && v.n)
		memcpy(p, v.p, v.n);
}

/* A string literal. */
#define rf_put_lit(w, lit) rf_put((w), RF_V(lit))

static inline void rf_put_byte(struct rf_writer *w, uint8_t c)
{
	uint8_t *p = rf_put_space(w, 1);

	if (p)
		*p = c;
}

void rf_put_u64(struct rf_writer *w, uint64_t x);                 /* decimal */
void rf_put_hex(struct rf_writer *w, const void *p, size_t n);    /* lower case */
void rf_put_hex64(struct rf_writer *w, uint64_t x);               /* 16 digits */
/* v as the inside of a JSON string: quotes, backslashes, control characters and all that rf_clean_is_hidden() escaped,
 * bytes that are not UTF-8 replaced by U+FFFD. Without the quotes around it. */
void rf_put_json(struct rf_writer *w, struct rf_view v);
/* For cold paths only (logs, errors). */
void rf_put_fmt(struct rf_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* 0 and the bytes written, or RF_E_SPACE. */
static inline int rf_writer_done(const struct rf_writer *w, struct rf_view *ret_v)
{
	if (w->err)
		return w->err;
	*ret_v = (struct rf_view){ w->buf, w->n };
	return 0;
}

#endif
