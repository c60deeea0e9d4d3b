#include "base/crc32.h"

#include <pthread.h>

/* What one byte does to the register, for each of its values. */
static uint32_t table[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fill(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (unsigned bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^
				   (0xedb88320U & (0U - (table[i] & 1)));
	}
}

uint32_t
crc32_add(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	(void)pthread_once(&once, fill);
	crc = ~crc;
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
	return ~crc;
}
