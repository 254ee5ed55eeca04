/* TNAuthList (RFC 8226 9): which numbers a certificate may speak for.
 *
 *	TNAuthorizationList ::= SEQUENCE SIZE (1..MAX) OF TNEntry
 *	TNEntry ::= CHOICE { spc [0] IA5String, range [1] { start, count }, one [2] TelephoneNumber }   explicit tags */
#include "pki/stir_int.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>

#define OID_AUTH "1.3.6.1.5.5.7.1.26"
#define OID_CONSTRAINTS "1.3.6.1.5.5.7.1.27"
#define OID_ENHANCED "1.3.6.1.5.5.7.1.33"

typedef struct {
	ASN1_IA5STRING *start;
	ASN1_INTEGER *count;
} TN_RANGE;

typedef struct {
	int type;
	union {
		ASN1_IA5STRING *spc, *one;
		TN_RANGE *range;
	} d;
} TN_ENTRY;

ASN1_SEQUENCE(TN_RANGE) = {
	ASN1_SIMPLE(TN_RANGE, start, ASN1_IA5STRING),
	ASN1_SIMPLE(TN_RANGE, count, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END(TN_RANGE)

ASN1_CHOICE(TN_ENTRY) = {
	ASN1_EXP(TN_ENTRY, d.spc, ASN1_IA5STRING, 0),
	ASN1_EXP(TN_ENTRY, d.range, TN_RANGE, 1),
	ASN1_EXP(TN_ENTRY, d.one, ASN1_IA5STRING, 2),
} static_ASN1_CHOICE_END(TN_ENTRY)

ASN1_ITEM_TEMPLATE(TN_LIST) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, entries, TN_ENTRY)
static_ASN1_ITEM_TEMPLATE_END(TN_LIST)

DEFINE_STACK_OF(TN_ENTRY)

static bool has(X509 *cert, const char *oid, X509_EXTENSION **ret_ext)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	int at = o ? X509_get_ext_by_OBJ(cert, o, -1) : -1;

	*ret_ext = at < 0 ? NULL : X509_get_ext(cert, at);
	ASN1_OBJECT_free(o);
	return at >= 0;
}

static int copy_text(const ASN1_IA5STRING *s, bool number, size_t most, char dst[static 20])
{
	const uint8_t *p = ASN1_STRING_get0_data(s);
	size_t n = (size_t)ASN1_STRING_length(s);

	if (n < 1 || n > most)
		return RF_E_MALFORMED;
	for (size_t i = 0; i < n; i++) {
		bool digit = (p[i] >= '0' && p[i] <= '9') || p[i] == '#' || p[i] == '*';

		if (number ? !digit : p[i] <= ' ' || p[i] >= 0x7f)
			return RF_E_MALFORMED;
		dst[i] = (char)p[i];
	}
	dst[n] = '\0';
	return 0;
}

static int copy_entry(const TN_ENTRY *e, struct rf_stir_entry *to)
{
	switch (e->type) {
	case 0:
		to->kind = RF_STIR_SPC;
		return copy_text(e->d.spc, false, sizeof to->text - 1, to->text);
	case 1:
		to->kind = RF_STIR_RANGE;
		if (ASN1_INTEGER_get_uint64(&to->count, e->d.range->count) != 1 || to->count < 2 ||
		    to->count > 1000000000000000)
			return RF_E_MALFORMED;
		return copy_text(e->d.range->start, true, 15, to->text);
	default:
		to->kind = RF_STIR_ONE;
		return copy_text(e->d.one, true, 15, to->text);
	}
}

int rf_stir_auth_read(X509 *cert, struct rf_stir_auth *ret_auth)
{
	X509_EXTENSION *ext, *other;

	ret_auth->n = 0;
	if (has(cert, OID_CONSTRAINTS, &other) || has(cert, OID_ENHANCED, &other) || !has(cert, OID_AUTH, &ext))
		return RF_E_UNSUPPORTED;
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
	const uint8_t *p = ASN1_STRING_get0_data(value), *end = p + ASN1_STRING_length(value);
	STACK_OF(TN_ENTRY) *list = (STACK_OF(TN_ENTRY) *)ASN1_item_d2i(NULL, &p, end - p, ASN1_ITEM_rptr(TN_LIST));
	int n = list ? sk_TN_ENTRY_num(list) : 0;
	int rc = !list || p != end || n < 1 ? RF_E_MALFORMED : n > RF_STIR_ENTRIES_MAX ? RF_E_LIMIT : 0;

	for (int i = 0; i < n && !rc; i++)
		rc = copy_entry(sk_TN_ENTRY_value(list, i), &ret_auth->entry[i]);
	ret_auth->n = rc ? 0 : (unsigned)n;
	ASN1_item_free((ASN1_VALUE *)list, ASN1_ITEM_rptr(TN_LIST));
	ERR_clear_error();
	return rc;
}
