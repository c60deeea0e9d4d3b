#ifndef DSRUN_JSON_PRIV_H
#define DSRUN_JSON_PRIV_H

#include "json/json.h"

/* What pkg/json's own files share. */

#define JSON_DEPTH_MAX 256

/*
 * Is this one JSON value within limits?  *values counts what it holds.
 * Nothing is copied.
 */
enum err_code json_scan(const char *text, size_t len,
    const struct json_limits *limits, size_t *values, struct err *err);

/* text within quotes, escaped as RFC 8785 says; U+FFFD for what is no UTF-8 */
void json_quote(struct buf *out, const char *text, size_t len);

/* The code point at text and its length; 0 = no UTF-8 here. */
size_t json_utf8(const char *text, size_t len, uint32_t *point);

#endif
