#ifndef DSRUN_BASE_CRC32_H
#define DSRUN_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 of ISO 3309 (as in zlib); start with crc 0, or go on from a result. */
uint32_t crc32_add(uint32_t crc, const void *bytes, size_t len);

#endif
