#ifndef DSRUN_TALK_TEXT_H
#define DSRUN_TALK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"

/*
 * Templates of a script: {{contact.first_name}}, {{data.plan|basic}}.
 *
 * A placeholder is a dotted path that begins with contact, data or agent, and
 * may carry a default after "|" that is used when the value is missing, empty
 * or not a text, number or boolean.  Without a value and without a default
 * nothing is put there, and the blank that would be left over goes too ("Hello
 * {{contact.first_name}}, ..." becomes "Hello, ...").
 *
 * Values are read once, only those that a script names: they are personal
 * data and stand in the call's talk file so that it can be replayed alone.
 * Pure; whoever calls owns what it makes.
 */

#define TALK_TEMPLATE_MAX 4000 /* bytes, before and after */
#define TALK_VALUE_MAX 256     /* bytes of one value; more is cut */
#define TALK_VALUES_MAX 64     /* different placeholders in a script */
#define TALK_NAME_MAX 96       /* bytes of a placeholder's path */

/* Caller's memory; talk_values_init, then talk_values_fini. */
struct talk_values {
	struct list list; /* of struct talk_value, in order of first use */
	size_t count;
};

struct talk_value {
	struct list node;
	char *name; /* "contact.first_name" */
	char *text; /* valid UTF-8, no control characters */
};

void talk_values_init(struct talk_values *v);
void talk_values_fini(struct talk_values *v);

/*
 * Set a value; one that is there stays.  Control characters become blanks.
 * ERR_MALFORMED: more than TALK_VALUES_MAX, name too long, not UTF-8.
 */
enum err_code talk_values_add(
    struct talk_values *v, const char *name, const char *text, struct err *err);

/* NULL when it is not there. */
const char *talk_values_get(const struct talk_values *v, const char *name);

/*
 * Is template well formed?  ERR_MALFORMED with the byte where it is not, what
 * was expected, and the nearest right word.  For `dsrun config check`, so that
 * no call finds out.
 */
enum err_code talk_text_check(const char *template, struct err *err);

/*
 * Read from contact and data (texts of JSON objects) what template names and
 * values has not yet.  ERR_MALFORMED: the template, or the JSON.
 */
enum err_code talk_text_gather(const char *template, const char *contact_json,
    const char *data_json, struct talk_values *values, struct err *err);

/*
 * Append template with its values to out.  ERR_MALFORMED: the template, or
 * the result passes out's max.
 */
enum err_code talk_text_render(const char *template,
    const struct talk_values *values, struct buf *out, struct err *err);

#endif
