#ifndef DSRUN_BASE_SHA256_H
#define DSRUN_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * SHA-256 (FIPS 180-4).  Our own, so that the layers below net need no
 * OpenSSL; it uses the CPU's SHA instructions where there are any.  Tested
 * against the NIST vectors.
 */
#define SHA256_BYTES 32

struct sha256 {
	uint32_t h[8];
	uint64_t total;
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t len);

/* A length first (8 bytes, little endian), then the bytes: no two lists of
 * fields give one stream. */
void sha256_field(struct sha256 *s, const void *bytes, size_t len);
void sha256_i64(struct sha256 *s, int64_t value);
void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES]);

/*
 * Use the CPU's SHA instructions where there are any (the default), or the
 * plain code; true when they are in use now.  For tests of both: not while
 * another thread hashes.
 */
bool sha256_accelerate(bool on);

void sha256_once(const void *bytes, size_t len, uint8_t out[SHA256_BYTES]);

#endif
