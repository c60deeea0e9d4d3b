#ifndef DSRUN_MEDIA_ENCODE_PRIV_H
#define DSRUN_MEDIA_ENCODE_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

#include "media/media_encode.h"
#include "media/media_record.h"
#include "media/media_ulaw.h"
#include "media/media_up.h"

/* One piece: a second. */
#define ENCODE_RECORDS 50
#define ENCODE_SAMPLES (ENCODE_RECORDS * MEDIA_FRAME)
/* 48 kHz samples that come of one piece, or of the end. */
#define ENCODE_UP_SAMPLES (MEDIA_UP_FACTOR * ENCODE_SAMPLES)

/* What was put, and its hash. */
struct encode_out {
	struct media_encode_to to;
	int64_t at;
	struct sha256 hash;
	bool rewritten;
};

/* The next bytes. */
enum err_code media_encode_put(
    struct encode_out *o, const void *bytes, size_t len, struct err *err);
/* The first len bytes, once more. */
enum err_code media_encode_put_first(
    struct encode_out *o, const void *bytes, size_t len, struct err *err);

/* Of the recording, whole records only. */
struct encode_facts {
	int64_t samples; /* at 8 kHz */
	uint32_t serial; /* made from the recording */
};

/* One format.  open loads what it needs and puts nothing; *impl is released
 * by close, which accepts NULL and what open left half-made. */
struct encode_codec {
	enum err_code (*open)(
	    const struct encode_facts *facts, void **impl, struct err *err);
	/* Before the first add, and without one for an empty recording. */
	enum err_code (*begin)(
	    void *impl, struct encode_out *o, struct err *err);
	/* n is at most ENCODE_SAMPLES and a multiple of MEDIA_FRAME. */
	enum err_code (*add)(void *impl, const int16_t *callee,
	    const int16_t *agent, size_t n, struct encode_out *o,
	    struct err *err);
	enum err_code (*end)(void *impl, struct encode_out *o, struct err *err);
	void (*close)(void *impl);
};

extern const struct encode_codec media_encode_wav;
extern const struct encode_codec media_encode_mp3;
extern const struct encode_codec media_encode_opus;

/* Both channels to 48 kHz. */
struct encode_up {
	struct media_up up[2];
	int16_t pcm[2][ENCODE_UP_SAMPLES];
};

void media_encode_up_init(struct encode_up *u);
/* How many samples stand in each of pcm now. */
size_t media_encode_up_add(
    struct encode_up *u, const int16_t *callee, const int16_t *agent, size_t n);
size_t media_encode_up_end(struct encode_up *u);

#endif
