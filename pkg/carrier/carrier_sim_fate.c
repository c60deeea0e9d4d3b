#include "carrier/carrier_sim_fate.h"

#include <string.h>

#include "base/sha256.h"

/* The output function of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t
mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
	z = (z ^ z >> 27) * 0x94D049BB133111EBU;
	return z ^ z >> 31;
}

static uint64_t
nth_of(uint64_t base, uint64_t n)
{
	return mix(base + (n + 1) * 0x9E3779B97F4A7C15U);
}

void
carrier_sim_fate_of_key(
    int64_t seed, const char *key, struct carrier_sim_key_fate *out)
{
	static const char tag[] = "dsrun sim 1";
	uint8_t digest[SHA256_BYTES];
	struct sha256 s;

	sha256_init(&s);
	sha256_field(&s, tag, sizeof(tag) - 1);
	sha256_i64(&s, seed);
	sha256_field(&s, key, strlen(key));
	sha256_end(&s, digest);
	memcpy(out->id, digest, sizeof(out->id));
	out->base = 0;
	for (size_t i = 0; i < 8; i++)
		out->base = out->base << 8 | digest[sizeof(out->id) + i];
}

uint64_t
carrier_sim_fate_call(const struct carrier_sim_key_fate *key, unsigned nth)
{
	return nth_of(key->base, 2 * (uint64_t)nth);
}

uint64_t
carrier_sim_fate_draws(const struct carrier_sim_key_fate *key, unsigned nth)
{
	return nth_of(key->base, 2 * (uint64_t)nth + 1);
}

double
carrier_sim_draw(uint64_t draws, unsigned what)
{
	/* 53 bits: all that a double keeps. */
	return (double)(nth_of(draws, what) >> 11) / 9007199254740992.0;
}

int64_t
carrier_sim_draw_range(uint64_t draws, unsigned what, int64_t lo, int64_t hi)
{
	if (hi <= lo)
		return lo;
	return lo +
	       (int64_t)(carrier_sim_draw(draws, what) * (double)(hi - lo + 1));
}
