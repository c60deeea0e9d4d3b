#ifndef DSRUN_BASE_HMAC_H
#define DSRUN_BASE_HMAC_H

#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

/*
 * HMAC-SHA-256 (RFC 2104, FIPS 198-1): the whole result, never cut.  Tested
 * against the vectors of RFC 4231.
 *
 * struct hmac holds what was made of the key: whoever stops before hmac_end
 * wipes it (mem_wipe).
 */
struct hmac {
	struct sha256 inner;
	uint8_t outer[64]; /* the key's block, for the second hash */
};

/* A key longer than 64 bytes is hashed first, as the RFC says. */
void hmac_init(struct hmac *m, const void *key, size_t key_len);
void hmac_add(struct hmac *m, const void *bytes, size_t len);
/* Wipes m. */
void hmac_end(struct hmac *m, uint8_t out[SHA256_BYTES]);

/* out may be where key or bytes lie. */
void hmac_once(const void *key, size_t key_len, const void *bytes, size_t len,
    uint8_t out[SHA256_BYTES]);

#endif
