/* Shared by the files of this room. */
#ifndef RF_SDP_SDP_INT_H
#define RF_SDP_SDP_INT_H

#include "sdp/sdp.h"

/* Tables of names (names.c). */
enum rf_sdp_aid rf_sdp_attr_id(struct rf_view name);
enum rf_sdp_kind rf_sdp_kind_of(struct rf_view media);
enum rf_sdp_proto rf_sdp_proto_of(struct rf_view proto);

/* The address of a c= or o= line (address.c): "IN IP4 192.0.2.1". RF_E_UNSUPPORTED for multicast and broadcast when
 * media is true. */
int rf_sdp_address_parse(struct rf_view text, bool media, struct rf_sdp_conn *ret_conn);

/* The words of a list with single blanks between (group.c); takes the first off *rest, empty at the end. */
struct rf_view rf_sdp_word(struct rf_view *rest);
/* The m-line with this a=mid, NULL when there is none. */
const struct rf_sdp_media *rf_sdp_media_named(const struct rf_sdp *sdp, struct rf_view mid);

#endif
