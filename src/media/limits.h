/* Every bound of the NG protocol, in one place (docs/security.md shows them to people). A test stands at each bound and
 * one past it. */
#ifndef RF_MEDIA_LIMITS_H
#define RF_MEDIA_LIMITS_H

enum {
	RF_NG_BYTES_MAX = 65507,     /* a request or reply with its cookie: what fits a UDP datagram over IPv4 */
	RF_NG_COOKIE_MAX = 128,      /* bytes, no blank in them */
	RF_NG_DEPTH_MAX = 12,        /* dictionaries and lists in one another; a reply to query needs 7 */
	RF_NG_VALUES_MAX = 4096,     /* of one message; a query of 32 media needs 1,800 */
	RF_NG_KEYS_MAX = 256,        /* of one dictionary: each new key is compared with all before it */
	RF_NG_KEY_MAX = 256,         /* bytes of a dictionary's key: a SIP tag is one in replies */
	RF_NG_LIST_MAX = 32,         /* entries of one list of a request (flags: twice that) */
	RF_NG_CALL_ID_MAX = 512,     /* bytes, as in SIP */
	RF_NG_TAG_MAX = 256,         /* bytes, as in SIP; labels too */
	RF_NG_BRANCH_MAX = 512,      /* bytes, as in SIP */
	RF_NG_WORD_MAX = 128,        /* bytes of one flag, codec, interface name, file name */
	RF_NG_WARNING_MAX = 1024,    /* bytes of the warning of one reply; what does not fit is cut and said so */
	RF_NG_ARENA_BYTES = 768 * 1024, /* memory that one message may take while it is read: at most 4,096 values */
};

#endif
