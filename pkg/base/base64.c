#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const char *
base64_put(const void *bytes, size_t len, char *out)
{
	const uint8_t *p = bytes;
	char *o = out;

	for (; len >= 3; len -= 3, p += 3) {
		*o++ = digits[p[0] >> 2];
		*o++ = digits[(p[0] & 3) << 4 | p[1] >> 4];
		*o++ = digits[(p[1] & 15) << 2 | p[2] >> 6];
		*o++ = digits[p[2] & 63];
	}
	if (len > 0) {
		uint8_t second = len > 1 ? p[1] : 0;

		*o++ = digits[p[0] >> 2];
		*o++ = digits[(p[0] & 3) << 4 | second >> 4];
		*o++ = len > 1 ? digits[(second & 15) << 2] : '=';
		*o++ = '=';
	}
	*o = '\0';
	return out;
}

/* -1: no digit. */
static int
value(char c)
{
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

bool
base64_get(const char *text, void *bytes, size_t len)
{
	uint8_t *out = bytes;
	size_t full = (len + 2) / 3 * 4;
	size_t pad = (3 - len % 3) % 3;
	uint32_t word = 0;
	size_t n = 0;

	if (strlen(text) != full || strncmp(text + full - pad, "==", pad) != 0)
		return false;
	for (size_t i = 0; i < full - pad; i++) {
		int v = value(text[i]);

		if (v < 0)
			return false;
		word = word << 6 | (uint32_t)v;
		if (i % 4 == 0)
			continue;
		/* digits 1, 2, 3 of four end a byte; 4, 2, 0 bits stay */
		unsigned left = 6 - 2 * (unsigned)(i % 4);

		if (n < len)
			out[n++] = (uint8_t)(word >> left);
		word &= (1U << left) - 1;
	}
	return word == 0 && n == len;
}
