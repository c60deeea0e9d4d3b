#ifndef DSRUN_MEDIA_WAV_H
#define DSRUN_MEDIA_WAV_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/sha256.h"

/*
 * A recording as people and their players want it: WAV, linear 16 bit,
 * 8 kHz, two channels (left callee, right agent).  No sample is lost: mu-law
 * decodes exactly.
 */
struct media_wav_info {
	uint32_t rate;
	uint32_t channels;
	uint32_t bits;
	int64_t bytes; /* of the file */
	int64_t duration_ms;
	uint8_t sha256[SHA256_BYTES]; /* of the file; export only */
};

/*
 * Write the .ul2 journal at from as WAV to to: a temporary file, fsync,
 * rename, fsync of the directory, so after a crash to is whole or absent (or
 * the old one).  A torn last record is left out.  Streams in blocks of 16 kB;
 * may run on the writer's thread.  ERR_NOT_FOUND: no journal.
 * ERR_MALFORMED: it is longer than a WAV can be (18 hours).
 */
enum err_code media_wav_export(struct env *env, const char *from,
    const char *to, struct media_wav_info *out, struct err *err);

/* Read a file's header; ERR_MALFORMED says what is wrong with it. */
enum err_code media_wav_read(struct env *env, const char *path,
    struct media_wav_info *out, struct err *err);

#endif
