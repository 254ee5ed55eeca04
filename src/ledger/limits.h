/* The bounds of the ledger, one table. */
#ifndef RF_LEDGER_LIMITS_H
#define RF_LEDGER_LIMITS_H

enum {
	RF_EVENT_BYTES = 3072,       /* the fields of one event as JSON; what does not fit is left out and said so */
	RF_EVENT_STR = 256,          /* bytes of one string; longer ones are cut and end in an ellipsis */
	RF_LEDGER_LINE = 8192,       /* a whole line; a longer one is not ours */
	RF_LEDGER_QUEUE = 65536,     /* events waiting for the disk */
	RF_LEDGER_QUEUE_BYTES = 32 << 20,
	RF_LEDGER_BATCH = 256 << 10, /* bytes hashed and written at once */
	RF_LEDGER_SEGMENT = 64 << 20,/* a file is closed and the next begun past this size */
};

#endif
