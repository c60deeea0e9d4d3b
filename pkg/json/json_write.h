#ifndef DSRUN_JSON_WRITE_H
#define DSRUN_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#include "json/json.h"

/*
 * Writing JSON: values are appended to a struct buf in the order of the calls,
 * without a tree.  What comes out is always valid UTF-8 JSON, and one line
 * unless indent is set: strings are escaped, NUL and bytes that are no UTF-8
 * become U+FFFD (json_parse and many others refuse \u0000), numbers that are
 * not finite become null (as in JavaScript).
 *
 * Calls in an impossible order (a value without its key, an end too many) are
 * bugs: CHECK.  Passing the buffer's max is one too, so the caller gives it
 * room for what it writes.
 *
 *	struct json_writer w = JSON_WRITER_INIT(&buf);
 *
 *	json_write_object(&w);
 *	json_field_i64(&w, "schema", 1);
 *	json_write_key(&w, "jobs");
 *	json_write_array(&w);
 *	json_write_str(&w, "a");
 *	json_write_end(&w);
 *	json_write_end(&w);
 */

#define JSON_WRITE_DEPTH_MAX 64

struct json_writer {
	struct buf *out; /* borrowed */
	bool indent;     /* two spaces a level, one member a line */
	/* the writer's own */
	unsigned depth;
	uint64_t in_object; /* bit d: level d is an object */
	uint64_t has_more;  /* bit d: level d has a member already */
	bool keyed;         /* a key waits for its value */
	bool done;          /* the top value is complete */
};

#define JSON_WRITER_INIT(out_) \
	((struct json_writer){(out_), false, 0, 0, 0, false, false})

void json_write_object(struct json_writer *w); /* ... json_write_end */
void json_write_array(struct json_writer *w);  /* ... json_write_end */
void json_write_end(struct json_writer *w);
void json_write_key(struct json_writer *w, const char *key);

void json_write_str(struct json_writer *w, const char *text); /* NULL: null */
void json_write_strn(struct json_writer *w, const char *text, size_t len);
void json_write_i64(struct json_writer *w, int64_t value);
void json_write_double(struct json_writer *w, double value);
void json_write_bool(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);

/* A value that was read; member order kept. */
void json_write_value(struct json_writer *w, const struct json *j);

/*
 * One value that is JSON text already (a stored contact): checked, and
 * appended without its blanks.  ERR_MALFORMED: nothing was written, a key
 * still waits for its value.
 */
enum err_code json_write_raw(
    struct json_writer *w, const char *text, size_t len, struct err *err);

/* Key and value in one. */
void json_field_str(struct json_writer *w, const char *key, const char *text);
void json_field_i64(struct json_writer *w, const char *key, int64_t value);
void json_field_double(struct json_writer *w, const char *key, double value);
void json_field_bool(struct json_writer *w, const char *key, bool value);
void json_field_null(struct json_writer *w, const char *key);
/* RFC 3339 in UTC with milliseconds; at_ms < 0: null. */
void json_field_time(struct json_writer *w, const char *key, int64_t at_ms);

/*
 * A double as ECMAScript writes it (RFC 8785 section 3.2.2.3): the shortest
 * text that reads back as the same double.  value must be finite.
 */
#define JSON_NUMBER_MAX 32
const char *json_number_text(double value, char out[JSON_NUMBER_MAX]);

/*
 * The JSON Canonicalization Scheme, RFC 8785: no blanks, members sorted by
 * the UTF-16 code units of their keys, numbers as above.  Equal documents give
 * equal bytes, so that a hash of them is an identity.  Appended to out.
 */
void json_canonical(const struct json *j, struct buf *out);

#endif
