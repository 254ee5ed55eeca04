/* Writing XML by pieces onto a struct rf_writer. Whatever is handed in as text or as the value of an attribute is
 * escaped, and made well formed first: what is not UTF-8, and characters that XML 1.0 does not have (most controls,
 * U+FFFE, U+FFFF), become U+FFFD. So no value can begin or end an element, and a strict reader takes what we write. */
#ifndef RF_BASE_XML_H
#define RF_BASE_XML_H

#include "base/writer.h"

/* Text between tags. */
void rf_xml_text(struct rf_writer *w, struct rf_view v);
/* " name=\"value\"" with a space before it; name is a literal of ours. */
void rf_xml_attr(struct rf_writer *w, const char *name, struct rf_view value);
void rf_xml_attr_u64(struct rf_writer *w, const char *name, uint64_t value);
/* <name>text</name> */
void rf_xml_element(struct rf_writer *w, const char *name, struct rf_view text);

#endif
