#ifndef DSRUN_BASE_BASE64_H
#define DSRUN_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Base 64 with '+', '/' and padding (RFC 4648 section 4). */

#define BASE64_MAX(len) (((len) + 2) / 3 * 4 + 1)

/* out has room for BASE64_MAX(len); returned, NUL-terminated. */
const char *base64_put(const void *bytes, size_t len, char *out);

/* The whole text must be the one encoding of exactly len bytes: padded, no
 * blanks, no bits left over. */
bool base64_get(const char *text, void *bytes, size_t len);

#endif
