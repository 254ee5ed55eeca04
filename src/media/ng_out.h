/* Write values of the NG protocol, bencode or JSON, straight into a writer. Who calls gives the keys of a dictionary in
 * the order of their bytes, as bencode wants them. Integers and text are the same calls for both encodings.
 * Errors stick in the writer. Threads: any, one at a time. */
#ifndef RF_MEDIA_NG_OUT_H
#define RF_MEDIA_NG_OUT_H

#include "base/writer.h"
#include "media/limits.h"
#include "media/ng_value.h"

struct rf_ng_out {
	struct rf_writer *w;
	enum rf_ng_encoding encoding;
	unsigned depth;
	struct {
		bool list, more;
	} at[RF_NG_DEPTH_MAX + 1]; /* JSON: what is open, and whether something stands in it */
};

void rf_ng_out_init(struct rf_ng_out *o, struct rf_writer *w, enum rf_ng_encoding encoding);
void rf_ng_out_dict(struct rf_ng_out *o);
void rf_ng_out_list(struct rf_ng_out *o);
void rf_ng_out_end(struct rf_ng_out *o); /* of the dictionary or list opened last */
void rf_ng_out_key(struct rf_ng_out *o, struct rf_view key); /* a value, dictionary or list follows */
void rf_ng_out_str(struct rf_ng_out *o, struct rf_view v);   /* JSON: bytes that are not UTF-8 become U+FFFD */
void rf_ng_out_int(struct rf_ng_out *o, int64_t x);

/* A member: nothing where v is empty. Here, so that the length of a literal key is known beforehand. */
static inline void rf_ng_out_member(struct rf_ng_out *o, const char *key, struct rf_view v)
{
	if (!v.n)
		return;
	rf_ng_out_key(o, rf_view_str(key));
	rf_ng_out_str(o, v);
}

static inline void rf_ng_out_number(struct rf_ng_out *o, const char *key, int64_t x)
{
	rf_ng_out_key(o, rf_view_str(key));
	rf_ng_out_int(o, x);
}

#endif
