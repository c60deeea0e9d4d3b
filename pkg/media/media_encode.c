#include "media/media_encode.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "media/media_encode_priv.h"

static const struct {
	const char *name;
	const char *type;
	const struct encode_codec *codec;
} formats[MEDIA_ENCODE_COUNT] = {
    [MEDIA_ENCODE_WAV] = {"wav", "audio/wav", &media_encode_wav},
    [MEDIA_ENCODE_MP3] = {"mp3", "audio/mpeg", &media_encode_mp3},
    [MEDIA_ENCODE_OPUS] = {"opus", "audio/ogg; codecs=opus",
	&media_encode_opus},
};

struct media_encode {
	struct env *env;
	struct env_file *file;
	char *path;
	const struct encode_codec *codec;
	void *impl;
	struct encode_facts facts;
	struct encode_out out;
	bool begun;
	bool ended;
	int64_t size; /* of the file, a torn record included */
	int64_t at;   /* read so far */
	struct sha256 hash;
	bool compare;
	uint8_t want[SHA256_BYTES];
	uint8_t ulaw[ENCODE_RECORDS * MEDIA_RECORD_BYTES];
	int16_t callee[ENCODE_SAMPLES];
	int16_t agent[ENCODE_SAMPLES];
};

const char *
media_encode_name(enum media_encode_format format)
{
	CHECK(format < MEDIA_ENCODE_COUNT);
	return formats[format].name;
}

bool
media_encode_parse(const char *name, enum media_encode_format *out)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(name, formats[i].name) == 0) {
			*out = (enum media_encode_format)i;
			return true;
		}
	return false;
}

const char *
media_encode_type(enum media_encode_format format)
{
	CHECK(format < MEDIA_ENCODE_COUNT);
	return formats[format].type;
}

enum err_code
media_encode_check(enum media_encode_format format, struct err *err)
{
	const struct encode_facts none = {0, 0};
	void *impl = NULL;

	CHECK(format < MEDIA_ENCODE_COUNT);
	enum err_code code = formats[format].codec->open(&none, &impl, err);

	formats[format].codec->close(impl);
	return code;
}

enum err_code
media_encode_put(
    struct encode_out *o, const void *bytes, size_t len, struct err *err)
{
	if (len == 0)
		return ERR_NONE;
	if (o->to.put(o->to.arg, o->at, bytes, len, err) != ERR_NONE)
		return err->code;
	sha256_add(&o->hash, bytes, len);
	o->at += (int64_t)len;
	return ERR_NONE;
}

enum err_code
media_encode_put_first(
    struct encode_out *o, const void *bytes, size_t len, struct err *err)
{
	CHECK((int64_t)len <= o->at);
	o->rewritten = true;
	return o->to.put(o->to.arg, 0, bytes, len, err);
}

void
media_encode_up_init(struct encode_up *u)
{
	media_up_init(&u->up[0]);
	media_up_init(&u->up[1]);
}

size_t
media_encode_up_add(
    struct encode_up *u, const int16_t *callee, const int16_t *agent, size_t n)
{
	size_t given = media_up_add(&u->up[0], callee, n, u->pcm[0]);

	CHECK(media_up_add(&u->up[1], agent, n, u->pcm[1]) == given);
	return given;
}

size_t
media_encode_up_end(struct encode_up *u)
{
	size_t given = media_up_end(&u->up[0], u->pcm[0]);

	CHECK(media_up_end(&u->up[1], u->pcm[1]) == given);
	return given;
}

static enum err_code
read_exactly(struct media_encode *e, size_t want, struct err *err)
{
	size_t got = 0;

	if (env_pread(e->env, e->file, e->ulaw, want, e->at, &got, err) !=
	    ERR_NONE)
		return err->code;
	if (got != want)
		return err_set(
		    err, ERR_IO, 0, "became shorter while it was read");
	return ERR_NONE;
}

/* The same for the same recording: its length and how it begins. */
static enum err_code
make_serial(struct media_encode *e, struct err *err)
{
	size_t n = e->size < (int64_t)sizeof(e->ulaw) ? (size_t)e->size
						      : sizeof(e->ulaw);
	struct sha256 hash;
	uint8_t sum[SHA256_BYTES];

	if (read_exactly(e, n, err) != ERR_NONE)
		return err->code;
	sha256_init(&hash);
	sha256_i64(&hash, e->size);
	sha256_add(&hash, e->ulaw, n);
	sha256_end(&hash, sum);
	memcpy(&e->facts.serial, sum, sizeof(e->facts.serial));
	return ERR_NONE;
}

enum err_code
media_encode_open(struct env *env, const char *from,
    enum media_encode_format format, const uint8_t sha256[SHA256_BYTES],
    const struct media_encode_to *to, struct media_encode **out,
    struct err *err)
{
	struct media_encode *e = mem_zalloc(1, sizeof(*e));
	struct env_stat st = {0};

	CHECK(format < MEDIA_ENCODE_COUNT);
	*out = NULL;
	e->env = env;
	e->path = mem_strdup(from);
	e->codec = formats[format].codec;
	e->out.to = *to;
	sha256_init(&e->out.hash);
	sha256_init(&e->hash);
	if (sha256 != NULL) {
		e->compare = true;
		memcpy(e->want, sha256, SHA256_BYTES);
	}
	enum err_code code = env_open(env, from, ENV_READ, &e->file, err);

	if (code == ERR_NONE)
		code = env_fstat(env, e->file, &st, err);
	e->size = st.size_bytes;
	e->facts.samples = st.size_bytes / MEDIA_RECORD_BYTES * MEDIA_FRAME;
	if (code == ERR_NONE)
		code = make_serial(e, err);
	if (code == ERR_NONE)
		code = e->codec->open(&e->facts, &e->impl, err);
	if (code != ERR_NONE) {
		code = err_wrap(
		    err, "encode %s as %s", from, formats[format].name);
		media_encode_close(&e);
	}
	*out = e;
	return code;
}

/* Up to a second of whole records becomes sound. */
static enum err_code
add_piece(struct media_encode *e, size_t records, struct err *err)
{
	size_t bytes = records * MEDIA_RECORD_BYTES;

	if (read_exactly(e, bytes, err) != ERR_NONE)
		return err->code;
	sha256_add(&e->hash, e->ulaw, bytes);
	e->at += (int64_t)bytes;
	for (size_t r = 0; r < records; r++) {
		const uint8_t *from = e->ulaw + r * MEDIA_RECORD_BYTES;

		media_ulaw_decode(
		    from, e->callee + r * MEDIA_FRAME, MEDIA_FRAME);
		media_ulaw_decode(from + MEDIA_FRAME,
		    e->agent + r * MEDIA_FRAME, MEDIA_FRAME);
	}
	return e->codec->add(
	    e->impl, e->callee, e->agent, records * MEDIA_FRAME, &e->out, err);
}

/* A torn record is no sound, but part of what the journal hashed. */
static enum err_code
compare(struct media_encode *e, struct err *err)
{
	size_t torn = (size_t)(e->size - e->at);
	uint8_t sum[SHA256_BYTES];

	if (read_exactly(e, torn, err) != ERR_NONE)
		return err->code;
	sha256_add(&e->hash, e->ulaw, torn);
	e->at += (int64_t)torn;
	sha256_end(&e->hash, sum);
	if (e->compare && memcmp(sum, e->want, sizeof(sum)) != 0)
		return err_set(err, ERR_DAMAGED, 0,
		    "this recording is not the one that was journalled (its "
		    "SHA-256 differs)");
	return ERR_NONE;
}

static enum err_code
step(struct media_encode *e, struct err *err)
{
	int64_t left = (e->size - e->at) / MEDIA_RECORD_BYTES;

	if (!e->begun) {
		e->begun = true;
		if (e->codec->begin(e->impl, &e->out, err) != ERR_NONE)
			return err->code;
	}
	if (left > 0)
		return add_piece(e,
		    left < ENCODE_RECORDS ? (size_t)left : ENCODE_RECORDS, err);
	e->ended = true;
	if (compare(e, err) != ERR_NONE)
		return err->code;
	return e->codec->end(e->impl, &e->out, err);
}

enum err_code
media_encode_step(struct media_encode *e, bool *more, struct err *err)
{
	CHECK(!e->ended);
	enum err_code code = step(e, err);

	if (code != ERR_NONE) {
		e->ended = true;
		code = err_wrap(err, "encode %s", e->path);
	}
	*more = !e->ended;
	return code;
}

void
media_encode_info(const struct media_encode *e, struct media_encode_info *out)
{
	struct sha256 hash = e->out.hash;

	CHECK(e->ended);
	memset(out, 0, sizeof(*out));
	out->bytes = e->out.at;
	if (!e->out.rewritten)
		sha256_end(&hash, out->sha256);
	out->duration_ms = e->facts.samples * 1000 / MEDIA_RATE;
	out->samples = e->facts.samples * MEDIA_UP_FACTOR;
	out->channels = 2;
	out->rate = MEDIA_UP_RATE;
}

void
media_encode_close(struct media_encode **e)
{
	if (*e == NULL)
		return;
	(*e)->codec->close((*e)->impl);
	env_close((*e)->env, &(*e)->file);
	mem_free(&(*e)->path);
	mem_free(e);
}
