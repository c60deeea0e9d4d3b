#include "carrier/carrier.h"

#include <string.h>

static const char *const names[CARRIER_CLASS_COUNT] = {
    [CARRIER_KEYED] = "keyed",
    [CARRIER_NAMED] = "named",
    [CARRIER_QUERYABLE] = "queryable",
    [CARRIER_CALLBACK] = "callback",
    [CARRIER_BLIND] = "blind",
};

const char *
carrier_class_name(enum carrier_class cls)
{
	return cls < CARRIER_CLASS_COUNT ? names[cls] : "?";
}

enum err_code
carrier_class_parse(const char *name, enum carrier_class *out, struct err *err)
{
	for (enum carrier_class c = 0; c < CARRIER_CLASS_COUNT; c++)
		if (name != NULL && strcmp(name, names[c]) == 0) {
			*out = c;
			return ERR_NONE;
		}
	return err_set(err, ERR_MALFORMED, 0,
	    "%s: no class of carrier; expected keyed, named, queryable, "
	    "callback or blind",
	    name != NULL ? name : "(nothing)");
}
