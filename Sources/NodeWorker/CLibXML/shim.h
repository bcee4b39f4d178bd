#pragma once
#include <libxml/xmlversion.h>
// Debian's declares its converters with ICU's types, and Foundation has an ICU of its own: who sees both through modules
// does not compile. Only a converter's inner fields differ by it, which nobody here looks at.
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

static void clibxml_stop(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system) {
  (void)name, (void)external, (void)system;
  xmlStopParser((xmlParserCtxtPtr)context);
}

// Ends the parse at a DOCTYPE with XML_ERR_USER_STOP, before a single declaration in it is read.
static inline void clibxml_refuse_doctype(xmlParserCtxtPtr parser) { parser->sax->internalSubset = clibxml_stop; }
