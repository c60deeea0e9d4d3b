#ifndef DSRUN_MEDIA_ENCODE_H
#define DSRUN_MEDIA_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/sha256.h"

/*
 * A finished recording (media_record.h) as a file for the world, two channels:
 * left callee, right agent.
 *
 *   wav   48 kHz, 16 bit, linear; 691 MB an hour; no library
 *   mp3   48 kHz, 64 kb/s, each channel coded by itself; 29 MB an hour; LAME
 *         (whose own scaling at this rate makes it 0.4 dB softer)
 *   opus  Ogg Opus (RFC 7845), two streams that are not coupled, about 32 kb/s
 *         for both (variable); some 14 MB an hour; libopus and libogg
 *
 * Neither channel is heard in the other: 80 dB and more lie between them.
 * (Coupled stereo at these rates would leak all of it.)
 *
 * Gapless: each format says how many samples are sound, and a player that
 * heeds it gets six for each sample of the recording: wav by its length, mp3 by
 * delay and padding in LAME's tag, opus by pre-skip and the last page's granule
 * position.  A torn last record is left out; an empty recording gives a valid
 * file without sound.
 *
 * The same recording gives the same bytes: no clock, nothing random; Ogg's
 * serial number is made from the recording.  For mp3 and opus that holds for
 * one version of the library on one kind of processor (they name their version
 * and choose instructions by the machine); wav is the same everywhere.
 *
 * The recording is read in pieces of a second and never held whole: an encoder
 * takes less than 1 MB.  Only files of env are used, so all of it may run on a
 * thread of env_work or of a pool, each encoder on one thread at a time.
 * Libraries are loaded when first used.
 *
 * CPU for an hour of call: wav about 2 s, mp3 16 s, opus 25 s (bench_encode).
 */
enum media_encode_format {
	MEDIA_ENCODE_WAV,
	MEDIA_ENCODE_MP3,
	MEDIA_ENCODE_OPUS,
	MEDIA_ENCODE_COUNT
};

/* "wav", "mp3", "opus": in the configuration, and a file's ending. */
const char *media_encode_name(enum media_encode_format format);
bool media_encode_parse(const char *name, enum media_encode_format *out);
/* "audio/wav", "audio/mpeg", "audio/ogg; codecs=opus". */
const char *media_encode_type(enum media_encode_format format);

/* Could it be encoded here?  ERR_CONFIG: a library is missing; the text names
 * its Debian package. */
enum err_code media_encode_check(
    enum media_encode_format format, struct err *err);

/*
 * Where the bytes go, in order and without gap, from offset 0.  One exception:
 * mp3 ends by putting its first frame again, at offset 0 and as long as
 * before, because LAME's tag tells what is known only then.  An error stops
 * the encoder and is its error.
 */
struct media_encode_to {
	enum err_code (*put)(void *arg, int64_t offset, const void *bytes,
	    size_t len, struct err *err);
	void *arg;
};

struct media_encode_info {
	int64_t bytes; /* of what was made */
	uint8_t sha256[SHA256_BYTES];
	int64_t duration_ms;
	int64_t samples; /* of sound in each channel */
	int64_t channels;
	int64_t rate; /* 48000: of samples */
};

struct media_encode;

/*
 * Begin with the .ul2 file from.  env, to and what it points at are borrowed;
 * sha256, when not NULL, is what the journal says of the file, compared at the
 * end with what was read.  Nothing is put yet.  ERR_NOT_FOUND: no recording.
 * ERR_CONFIG: as media_encode_check.  ERR_MALFORMED: longer than a WAV can be
 * (3 hours).  ERR_IO.
 */
enum err_code media_encode_open(struct env *env, const char *from,
    enum media_encode_format format, const uint8_t sha256[SHA256_BYTES],
    const struct media_encode_to *to, struct media_encode **out,
    struct err *err);

/*
 * The next second of sound, or the end.  *more: call again.  After an error
 * only close is left.  ERR_DAMAGED: all was read, and its hash is not sha256
 * (what was put must not be used); ERR_IO, what put() said.
 */
enum err_code media_encode_step(
    struct media_encode *e, bool *more, struct err *err);

/*
 * After the step that left *more false.  sha256 of an mp3 is all zero: its
 * first frame came last; whoever kept the bytes can hash them.
 */
void media_encode_info(
    const struct media_encode *e, struct media_encode_info *out);

/* At any time, also half-way; NULL-safe, sets the caller's pointer to NULL. */
void media_encode_close(struct media_encode **e);

/*
 * All of it, from file to file: a temporary file beside to, fsync, rename,
 * fsync of the directory: after a crash to is whole, or absent, or the old one
 * (a temporary file, to.PID.tmp, may lie there).  stop, when not NULL, is
 * asked between pieces, on this thread: ERR_CANCELLED.  After any error to is
 * as it was (whole and new, if only the directory's fsync failed), and may be
 * made again.  out->sha256 is right for every format.
 */
enum err_code media_encode_file(struct env *env, const char *from,
    enum media_encode_format format, const uint8_t sha256[SHA256_BYTES],
    const char *to, bool (*stop)(void *arg), void *stop_arg,
    struct media_encode_info *out, struct err *err);

#endif
