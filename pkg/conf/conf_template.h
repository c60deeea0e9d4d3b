#ifndef DSRUN_CONF_TEMPLATE_H
#define DSRUN_CONF_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * The shape of a script's texts, checked before any call: {{contact.NAME}},
 * {{data.NAME}}, {{agent.name}}, {{agent.company}}, each with an optional
 * default after "|" ({{contact.first_name|there}}).  talk/ fills them in; it
 * has the same grammar and limits.  Pure.
 */

#define CONF_TEMPLATE_BYTES_MAX 4000
#define CONF_TEMPLATE_NAME_MAX 95

/* What stands between {{ and }}; points into the text. */
struct conf_placeholder {
	size_t offset; /* of "{{" */
	const char *name;
	size_t name_len;
	bool has_default;
};

/*
 * The next placeholder at or after *at, and *at behind it; false in *found at
 * the end.  ERR_MALFORMED: *at is where it is wrong, err what was expected.
 */
enum err_code conf_template_next(const char *text, size_t len, size_t *at,
    struct conf_placeholder *out, bool *found, struct err *err);

#endif
