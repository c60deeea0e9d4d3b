#ifndef DSRUN_JSON_H
#define DSRUN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Reading JSON (RFC 8259) that others wrote: checked against limits before
 * anything is copied, then a tree that is only read.
 *
 * Refused, though many parsers take it: a key given twice in one object, NUL
 * (also as \u0000), invalid UTF-8 and lone surrogates, numbers too large for a
 * double, and whole numbers beyond 2^53 - 1: a double would change them
 * silently, so their writer must send them as strings.  Such a number is one
 * without point and exponent, and any below 1e21, which json_write.h would
 * write so; what was read and is written again can always be read.  Also
 * refused: numbers of more than 63 characters, comments, trailing commas,
 * anything after the value.
 *
 * Every error is ERR_MALFORMED and names a place: "line 2 column 7: ..." for
 * what is no JSON, a path such as "contact.first_name: expected a string, got
 * a number" for the rest.  No globals: may be called from any thread.
 */

struct json; /* one value of a document; the document is its root */

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* A whole number that a double keeps and that no other text rounds to. */
#define JSON_I64_MAX INT64_C(9007199254740991)

struct json_limits {
	size_t bytes;   /* of the text */
	size_t depth;   /* arrays and objects within each other, at most 256 */
	size_t members; /* values in the whole document */
};

/* A job, an answer of a service: what fits in 1 MB. */
#define JSON_LIMITS_DEFAULT ((struct json_limits){1 << 20, 32, 100000})

/*
 * Read text, which need not end in NUL.  *out owns everything that the
 * functions below return, until json_free; NULL after an error.
 */
enum err_code json_parse(const char *text, size_t len,
    const struct json_limits *limits, struct json **out, struct err *err);

/* Only the document (what json_parse gave); NULL-safe; sets NULL. */
void json_free(struct json **doc);

enum json_kind json_kind(const struct json *j);
/* "a string", "an object" ...: for messages. */
const char *json_kind_name(enum json_kind kind);

/*
 * Walking.  get: NULL when there is no such member or obj is NULL or no
 * object.  count and at: members of an object or items of an array in the
 * order written; 0 and NULL for everything else.  key: of a member, "" for
 * others.
 */
const struct json *json_get(const struct json *obj, const char *key);
size_t json_count(const struct json *j);
const struct json *json_at(const struct json *j, size_t index);
const char *json_key(const struct json *j);

/* "contact.first_name", "calls[2].to"; "" for the document; appended. */
void json_path(const struct json *j, struct buf *out);

/*
 * A member that must be there.  Missing, null or of another kind:
 * ERR_MALFORMED with its path, *out untouched.  Strings live as long as the
 * document.  i64 takes 5, 5.0 and 5e0; min and max within JSON_I64_MAX.
 */
enum err_code json_str(
    const struct json *obj, const char *key, const char **out, struct err *err);
enum err_code json_i64(const struct json *obj, const char *key, int64_t min,
    int64_t max, int64_t *out, struct err *err);
enum err_code json_double(
    const struct json *obj, const char *key, double *out, struct err *err);
enum err_code json_bool(
    const struct json *obj, const char *key, bool *out, struct err *err);
enum err_code json_obj(const struct json *obj, const char *key,
    const struct json **out, struct err *err);
enum err_code json_arr(const struct json *obj, const char *key,
    const struct json **out, struct err *err);

/*
 * A member that may be missing or null: then ERR_NONE, and *out keeps what the
 * caller put there as default.
 */
enum err_code json_opt_str(
    const struct json *obj, const char *key, const char **out, struct err *err);
enum err_code json_opt_i64(const struct json *obj, const char *key, int64_t min,
    int64_t max, int64_t *out, struct err *err);
enum err_code json_opt_double(
    const struct json *obj, const char *key, double *out, struct err *err);
enum err_code json_opt_bool(
    const struct json *obj, const char *key, bool *out, struct err *err);
enum err_code json_opt_obj(const struct json *obj, const char *key,
    const struct json **out, struct err *err);
enum err_code json_opt_arr(const struct json *obj, const char *key,
    const struct json **out, struct err *err);

/* A value itself: items of arrays, or the document. */
enum err_code json_to_str(
    const struct json *j, const char **out, struct err *err);
enum err_code json_to_i64(const struct json *j, int64_t min, int64_t max,
    int64_t *out, struct err *err);
enum err_code json_to_double(
    const struct json *j, double *out, struct err *err);
enum err_code json_to_bool(const struct json *j, bool *out, struct err *err);

/* ERR_MALFORMED unless j is of that kind. */
enum err_code json_expect(
    const struct json *j, enum json_kind kind, struct err *err);

/*
 * ERR_MALFORMED when obj has a member that is not in keys (ended by NULL);
 * the text names it and the nearest key.
 */
enum err_code json_only(
    const struct json *obj, const char *const *keys, struct err *err);

/*
 * ERR_MALFORMED with "PATH: " before the caller's own words.  key may be NULL:
 * then obj itself is meant.
 */
enum err_code json_refuse(const struct json *obj, const char *key,
    struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
