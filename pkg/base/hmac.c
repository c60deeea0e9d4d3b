#include "base/hmac.h"

#include <string.h>

#include "base/mem.h"

void
hmac_init(struct hmac *m, const void *key, size_t key_len)
{
	uint8_t inner[64];

	memset(m->outer, 0, sizeof(m->outer));
	if (key_len > sizeof(m->outer))
		sha256_once(key, key_len, m->outer);
	else if (key_len > 0)
		memcpy(m->outer, key, key_len);
	for (size_t i = 0; i < sizeof(inner); i++) {
		inner[i] = m->outer[i] ^ 0x36;
		m->outer[i] ^= 0x5c;
	}
	sha256_init(&m->inner);
	sha256_add(&m->inner, inner, sizeof(inner));
	mem_wipe(inner, sizeof(inner));
}

void
hmac_add(struct hmac *m, const void *bytes, size_t len)
{
	sha256_add(&m->inner, bytes, len);
}

void
hmac_end(struct hmac *m, uint8_t out[SHA256_BYTES])
{
	struct sha256 outer;
	uint8_t hash[SHA256_BYTES];

	sha256_end(&m->inner, hash);
	sha256_init(&outer);
	sha256_add(&outer, m->outer, sizeof(m->outer));
	sha256_add(&outer, hash, sizeof(hash));
	sha256_end(&outer, out);
	mem_wipe(&outer, sizeof(outer));
	mem_wipe(m, sizeof(*m));
}

void
hmac_once(const void *key, size_t key_len, const void *bytes, size_t len,
    uint8_t out[SHA256_BYTES])
{
	struct hmac m;

	hmac_init(&m, key, key_len);
	hmac_add(&m, bytes, len);
	hmac_end(&m, out);
}
