#include "base/mem.h"
#include "base/sha256.h"

#include "fuzz.h"
#include "media/media_record.h"
#include "media/media_wav.h"
#include "mem_env.h"

/*
 * Recordings.  An even first byte: the rest is a file after a crash, which is
 * repaired, repaired again and exported.  An odd one: the rest tells which
 * frames arrive and when the disk is full, and the file must be what a plain
 * array would hold.
 */

#define PATH "/data/recordings/1.ul2"
#define WAV "/data/1.wav"
#define FRAMES_MAX 120 /* the buffer of a recording holds 50 */

static void
hash_of(const void *bytes, size_t len, uint8_t out[SHA256_BYTES])
{
	sha256_once(bytes, len, out);
}

/* What PATH holds is a whole recording of these bytes, however often asked. */
static void
check_repaired(struct env *env, const uint8_t *bytes, size_t len)
{
	struct media_record_info info;
	uint8_t hash[SHA256_BYTES];
	struct err err = {0};
	size_t whole = len - len % MEDIA_RECORD_BYTES;

	hash_of(bytes, whole, hash);
	for (int again = 0; again < 2; again++) {
		const struct buf *b;

		CHECK(media_record_repair(env, PATH, &info, &err) == ERR_NONE);
		b = mem_env_get(env, PATH);
		CHECK(b->len == whole && info.bytes == (int64_t)whole);
		CHECK(info.duration_ms ==
		      (int64_t)(whole / MEDIA_RECORD_BYTES * MEDIA_FRAME_MS));
		CHECK(memcmp(buf_text(b), bytes, whole) == 0);
		CHECK(memcmp(info.sha256, hash, sizeof(hash)) == 0);
	}
}

static void
check_export(struct env *env, const uint8_t *bytes, size_t len)
{
	struct media_wav_info info, read;
	uint8_t hash[SHA256_BYTES];
	struct err err = {0};
	size_t whole = len - len % MEDIA_RECORD_BYTES;
	const struct buf *b;

	CHECK(media_wav_export(env, PATH, WAV, &info, &err) == ERR_NONE);
	b = mem_env_get(env, WAV);
	CHECK(b != NULL && b->len == 44 + 2 * whole);
	CHECK(info.bytes == (int64_t)b->len && mem_env_count(env) == 2);
	hash_of(b->bytes, b->len, hash);
	CHECK(memcmp(info.sha256, hash, sizeof(hash)) == 0);
	/* A sample of each frame, left and right. */
	for (size_t at = 0; at < whole; at += MEDIA_RECORD_BYTES)
		for (size_t side = 0; side < 2; side++) {
			const char *s = b->bytes + 44 + 2 * at + 2 * side;
			int16_t want =
			    media_ulaw_linear[bytes[at + side * MEDIA_FRAME]];

			CHECK((uint8_t)s[0] == (uint8_t)want &&
			      (uint8_t)s[1] == (uint8_t)((uint16_t)want >> 8));
		}
	CHECK(media_wav_read(env, WAV, &read, &err) == ERR_NONE);
	CHECK(read.rate == info.rate && read.bits == info.bits);
	CHECK(read.channels == info.channels && read.bytes == info.bytes);
	CHECK(read.duration_ms == info.duration_ms);
}

static void
after_a_crash(struct env *env, const uint8_t *bytes, size_t len)
{
	struct media_wav_info info;
	struct err err = {0};

	CHECK(media_record_repair(env, PATH, &(struct media_record_info){0},
		  &err) == ERR_NOT_FOUND);
	fuzz_refused(ERR_NOT_FOUND, &err);
	mem_env_put(env, PATH, bytes, len);
	check_export(env, bytes, len);
	check_repaired(env, bytes, len);
	check_export(env, bytes, len);
	/* The same bytes where a WAV is expected. */
	mem_env_put(env, WAV, bytes, len);
	if (media_wav_read(env, WAV, &info, &err) != ERR_NONE)
		fuzz_refused(ERR_MALFORMED, &err);
	else
		CHECK(info.rate > 0 && info.channels > 0 && info.bits >= 8 &&
		      info.duration_ms >= 0 && info.bytes == (int64_t)len);
}

/* The recording as it should be. */
struct model {
	uint8_t bytes[FRAMES_MAX * MEDIA_RECORD_BYTES];
	int64_t frames;
};

static void
model_put(struct model *m, const uint8_t *callee, const uint8_t *agent)
{
	uint8_t *at = m->bytes + m->frames * MEDIA_RECORD_BYTES;

	media_ulaw_silence(at, MEDIA_RECORD_BYTES);
	if (callee != NULL)
		memcpy(at, callee, MEDIA_FRAME);
	if (agent != NULL)
		memcpy(at + MEDIA_FRAME, agent, MEDIA_FRAME);
	m->frames++;
}

static void
one_frame(struct model *m, struct media_record *r, struct fuzz_in *in)
{
	uint8_t callee[MEDIA_FRAME], agent[MEDIA_FRAME];
	uint8_t how = fuzz_u8(in);
	int64_t frame = m->frames + (int8_t)fuzz_u8(in);
	struct err err = {0};
	enum err_code code;

	memset(callee, how, sizeof(callee));
	memset(agent, 255 - how, sizeof(agent));
	code = media_record_frame(r, frame, (how & 1) != 0 ? callee : NULL,
	    (how & 2) != 0 ? agent : NULL, &err);
	if (frame < m->frames || frame >= FRAMES_MAX) {
		CHECK(code == ERR_STATE);
		fuzz_refused(code, &err);
		return;
	}
	if (code != ERR_NONE) {
		CHECK(code == ERR_SPACE);
		fuzz_refused(code, &err);
		/* What was filled up to here stays filled. */
		while (m->frames < media_record_frames(r))
			model_put(m, NULL, NULL);
		CHECK(m->frames <= frame);
		return;
	}
	while (m->frames < frame)
		model_put(m, NULL, NULL);
	model_put(
	    m, (how & 1) != 0 ? callee : NULL, (how & 2) != 0 ? agent : NULL);
}

static void
flush_and_look(struct env *env, const struct model *m, struct media_record *r)
{
	size_t len = (size_t)m->frames * MEDIA_RECORD_BYTES;
	struct media_record_info info;
	struct err err = {0};
	uint8_t hash[SHA256_BYTES];
	const struct buf *b;

	if (media_record_flush(r, &err) != ERR_NONE) {
		fuzz_refused(ERR_SPACE, &err);
		return;
	}
	b = mem_env_get(env, PATH);
	CHECK(b->len == len && memcmp(buf_text(b), m->bytes, len) == 0);
	media_record_info(r, &info);
	hash_of(m->bytes, len, hash);
	CHECK(info.bytes == (int64_t)len);
	CHECK(memcmp(info.sha256, hash, sizeof(hash)) == 0);
}

static void
while_it_is_made(struct env *env, struct fuzz_in *in)
{
	static struct model m;
	struct media_record *r = NULL;
	struct err err = {0};
	const struct buf *b;

	m.frames = 0;
	CHECK(media_record_open(env, PATH, (int64_t)FRAMES_MAX * MEDIA_FRAME_MS,
		  &r, &err) == ERR_NONE);
	for (int steps = 0; in->left > 0 && steps < 100; steps++) {
		uint8_t op = fuzz_u8(in);

		if (op < 16)
			flush_and_look(env, &m, r);
		else if (op < 32)
			mem_env_room(env, fuzz_u16(in));
		else if (op < 48)
			mem_env_room(env, SIZE_MAX);
		else
			one_frame(&m, r, in);
		CHECK(media_record_frames(r) == m.frames);
		CHECK(media_record_ms(r) == m.frames * MEDIA_FRAME_MS);
	}
	media_record_close(&r);
	/* Killed here: a beginning of it is there, torn at most in its end. */
	b = mem_env_get(env, PATH);
	CHECK(b->len <= (size_t)m.frames * MEDIA_RECORD_BYTES);
	CHECK(b->len == 0 || memcmp(b->bytes, m.bytes, b->len) == 0);
	check_repaired(env, m.bytes, b->len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_in in = {bytes, len};
	struct env *env = mem_env_new();

	if ((fuzz_u8(&in) & 1) == 0)
		after_a_crash(env, in.at, in.left);
	else
		while_it_is_made(env, &in);
	mem_env_free(&env);
	return 0;
}
