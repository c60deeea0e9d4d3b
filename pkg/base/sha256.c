#include "base/sha256.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static const uint32_t k[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
    0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138,
    0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
    0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
    0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f,
    0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t
rotr(uint32_t x, unsigned n)
{
	return (x >> n) | (x << (32 - n));
}

static void
blocks_plain(uint32_t h[8], const uint8_t *p, size_t count)
{
	for (; count > 0; count--, p += 64) {
		uint32_t w[64];
		uint32_t v[8];

		for (size_t i = 0; i < 16; i++)
			w[i] = (uint32_t)p[4 * i] << 24 |
			       (uint32_t)p[4 * i + 1] << 16 |
			       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
		for (size_t i = 16; i < 64; i++) {
			uint32_t a = w[i - 15];
			uint32_t b = w[i - 2];

			w[i] = w[i - 16] + w[i - 7] +
			       (rotr(a, 7) ^ rotr(a, 18) ^ (a >> 3)) +
			       (rotr(b, 17) ^ rotr(b, 19) ^ (b >> 10));
		}
		memcpy(v, h, sizeof(v));
		for (size_t i = 0; i < 64; i++) {
			uint32_t t1 =
			    v[7] +
			    (rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25)) +
			    ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
			uint32_t t2 =
			    (rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22)) +
			    ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

			memmove(v + 1, v, 7 * sizeof(v[0]));
			v[4] += t1;
			v[0] = t1 + t2;
		}
		for (size_t i = 0; i < 8; i++)
			h[i] += v[i];
	}
}

#if defined(__x86_64__)
/* The state in the order the SHA instructions want: ABEF and CDGH. */
__attribute__((target("sha,sse4.1,ssse3"))) static void
blocks_shani(uint32_t h[8], const uint8_t *p, size_t count)
{
	const __m128i swap =
	    _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
	__m128i t = _mm_shuffle_epi32(
	    _mm_loadu_si128((const __m128i *)(const void *)h), 0xb1);
	__m128i b = _mm_shuffle_epi32(
	    _mm_loadu_si128((const __m128i *)(const void *)(h + 4)), 0x1b);
	__m128i abef = _mm_alignr_epi8(t, b, 8);
	__m128i cdgh = _mm_blend_epi16(b, t, 0xf0);

	for (; count > 0; count--, p += 64) {
		__m128i abef0 = abef;
		__m128i cdgh0 = cdgh;
		__m128i m[4];

		for (size_t i = 0; i < 4; i++)
			m[i] = _mm_shuffle_epi8(
			    _mm_loadu_si128(
				(const __m128i *)(const void *)(p + 16 * i)),
			    swap);
		for (size_t i = 0; i < 16; i++) {
			__m128i *cur = &m[i % 4];

			if (i >= 4) {
				__m128i *next = &m[(i + 1) % 4];
				__m128i *last = &m[(i + 3) % 4];
				__m128i x = _mm_sha256msg1_epu32(*cur, *next);

				x = _mm_add_epi32(x,
				    _mm_alignr_epi8(*last, m[(i + 2) % 4], 4));
				*cur = _mm_sha256msg2_epu32(x, *last);
			}
			__m128i wk = _mm_add_epi32(*cur,
			    _mm_loadu_si128(
				(const __m128i *)(const void *)(k + 4 * i)));

			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
			wk = _mm_shuffle_epi32(wk, 0x0e);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, wk);
		}
		abef = _mm_add_epi32(abef, abef0);
		cdgh = _mm_add_epi32(cdgh, cdgh0);
	}
	t = _mm_shuffle_epi32(abef, 0x1b);
	b = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)(void *)h, _mm_blend_epi16(t, b, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)(h + 4), _mm_alignr_epi8(b, t, 8));
}
#endif

static void (*blocks)(uint32_t h[8], const uint8_t *p, size_t n) = blocks_plain;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
choose(void)
{
#if defined(__x86_64__)
	/* CPUID leaf 7, EBX bit 29: the SHA extensions. */
	unsigned a, b, c, d;

	if (__builtin_cpu_supports("sse4.1") &&
	    __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 29 & 1) != 0)
		blocks = blocks_shani;
#endif
}

bool
sha256_accelerate(bool on)
{
	(void)pthread_once(&once, choose);
	blocks = blocks_plain;
	if (on)
		choose();
	return blocks != blocks_plain;
}

void
sha256_init(struct sha256 *s)
{
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
	    0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	(void)pthread_once(&once, choose);
	memcpy(s->h, start, sizeof(start));
	s->total = 0;
}

void
sha256_add(struct sha256 *s, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t have = (size_t)(s->total % 64);

	s->total += len;
	if (have > 0 && len > 0) {
		size_t n = 64 - have < len ? 64 - have : len;

		memcpy(s->block + have, p, n);
		p += n;
		len -= n;
		if (have + n < 64)
			return;
		blocks(s->h, s->block, 1);
	}
	if (len >= 64) {
		blocks(s->h, p, len / 64);
		p += len - len % 64;
		len %= 64;
	}
	if (len > 0)
		memcpy(s->block, p, len);
}

void
sha256_i64(struct sha256 *s, int64_t value)
{
	uint8_t b[8];

	for (unsigned i = 0; i < 8; i++)
		b[i] = (uint8_t)((uint64_t)value >> (8 * i));
	sha256_add(s, b, sizeof(b));
}

void
sha256_field(struct sha256 *s, const void *bytes, size_t len)
{
	sha256_i64(s, (int64_t)len);
	if (len > 0)
		sha256_add(s, bytes, len);
}

void
sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES])
{
	uint64_t bits = s->total * 8;
	size_t have = (size_t)(s->total % 64);

	s->block[have++] = 0x80;
	if (have > 56) {
		memset(s->block + have, 0, 64 - have);
		blocks(s->h, s->block, 1);
		have = 0;
	}
	memset(s->block + have, 0, 56 - have);
	for (unsigned i = 0; i < 8; i++)
		s->block[56 + i] = (uint8_t)(bits >> (56 - 8 * i));
	blocks(s->h, s->block, 1);
	for (unsigned i = 0; i < 32; i++)
		out[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void
sha256_once(const void *bytes, size_t len, uint8_t out[SHA256_BYTES])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, bytes, len);
	sha256_end(&s, out);
}
