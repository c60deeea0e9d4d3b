#include <lame/lame.h>

#include "base/dynlib.h"
#include "base/mem.h"

#include "media/media_encode_priv.h"

#define KBPS 64
/* Nothing of a telephone's sound lies above 4.4 kHz. */
#define LOWPASS_HZ 5000
/* Bit rates are plenty for two voices: below 7 costs time, and is not heard. */
#define QUALITY 7
/* LAME's own bound for what one call may give. */
#define OUT_BYTES (5 * ENCODE_UP_SAMPLES / 4 + 7200)
#define TAG_MAX 2880 /* the longest frame there is */

struct lame_api {
	__typeof__(lame_init) *init;
	__typeof__(lame_close) *close;
	__typeof__(lame_set_in_samplerate) *set_in_samplerate;
	__typeof__(lame_set_out_samplerate) *set_out_samplerate;
	__typeof__(lame_set_num_channels) *set_num_channels;
	__typeof__(lame_set_mode) *set_mode;
	__typeof__(lame_set_brate) *set_brate;
	__typeof__(lame_set_quality) *set_quality;
	__typeof__(lame_set_lowpassfreq) *set_lowpassfreq;
	__typeof__(lame_set_bWriteVbrTag) *set_tag;
	__typeof__(lame_set_write_id3tag_automatic) *set_id3;
	__typeof__(lame_init_params) *init_params;
	__typeof__(lame_encode_buffer) *encode;
	__typeof__(lame_encode_flush) *flush;
	__typeof__(lame_get_lametag_frame) *tag;
};

struct mp3 {
	struct lame_api lame;
	lame_t gf;
	struct encode_up up;
	uint8_t bytes[OUT_BYTES];
};

static enum err_code
load(struct lame_api *l, struct err *err)
{
	static const char *const names[] = {"libmp3lame.so.0", NULL};
	const struct dynlib_symbol table[] = {
	    {"lame_init", &l->init},
	    {"lame_close", &l->close},
	    {"lame_set_in_samplerate", &l->set_in_samplerate},
	    {"lame_set_out_samplerate", &l->set_out_samplerate},
	    {"lame_set_num_channels", &l->set_num_channels},
	    {"lame_set_mode", &l->set_mode},
	    {"lame_set_brate", &l->set_brate},
	    {"lame_set_quality", &l->set_quality},
	    {"lame_set_lowpassfreq", &l->set_lowpassfreq},
	    {"lame_set_bWriteVbrTag", &l->set_tag},
	    {"lame_set_write_id3tag_automatic", &l->set_id3},
	    {"lame_init_params", &l->init_params},
	    {"lame_encode_buffer", &l->encode},
	    {"lame_encode_flush", &l->flush},
	    {"lame_get_lametag_frame", &l->tag},
	    {NULL, NULL},
	};

	return dynlib_open(names, "libmp3lame0", table, err);
}

static enum err_code
mp3_open(const struct encode_facts *facts, void **impl, struct err *err)
{
	struct mp3 *m = mem_zalloc(1, sizeof(*m));
	struct lame_api *l = &m->lame;

	(void)facts;
	*impl = m;
	if (load(l, err) != ERR_NONE)
		return err->code;
	m->gf = l->init();
	if (m->gf == NULL)
		return err_set(err, ERR_CONFIG, 0, "LAME does not begin");
	l->set_id3(m->gf, 0);
	/* STEREO and not JOINT_STEREO: no frame mixes the channels. */
	if (l->set_in_samplerate(m->gf, MEDIA_UP_RATE) != 0 ||
	    l->set_out_samplerate(m->gf, MEDIA_UP_RATE) != 0 ||
	    l->set_num_channels(m->gf, 2) != 0 ||
	    l->set_mode(m->gf, STEREO) != 0 || l->set_brate(m->gf, KBPS) != 0 ||
	    l->set_quality(m->gf, QUALITY) != 0 ||
	    l->set_lowpassfreq(m->gf, LOWPASS_HZ) != 0 ||
	    l->set_tag(m->gf, 1) != 0 || l->init_params(m->gf) < 0)
		return err_set(
		    err, ERR_CONFIG, 0, "LAME refuses its parameters");
	media_encode_up_init(&m->up);
	return ERR_NONE;
}

static enum err_code
mp3_begin(void *impl, struct encode_out *o, struct err *err)
{
	/* An empty frame, for the tag, comes with LAME's first bytes. */
	(void)impl;
	(void)o;
	(void)err;
	return ERR_NONE;
}

static enum err_code
put(struct mp3 *m, int n, struct encode_out *o, struct err *err)
{
	if (n < 0)
		return err_set(err, ERR_IO, n, "LAME failed (%d)", n);
	return media_encode_put(o, m->bytes, (size_t)n, err);
}

static enum err_code
encode(struct mp3 *m, size_t n, struct encode_out *o, struct err *err)
{
	if (n == 0)
		return ERR_NONE;
	return put(m,
	    m->lame.encode(
		m->gf, m->up.pcm[0], m->up.pcm[1], (int)n, m->bytes, OUT_BYTES),
	    o, err);
}

static enum err_code
mp3_add(void *impl, const int16_t *callee, const int16_t *agent, size_t n,
    struct encode_out *o, struct err *err)
{
	struct mp3 *m = impl;

	return encode(m, media_encode_up_add(&m->up, callee, agent, n), o, err);
}

static enum err_code
mp3_end(void *impl, struct encode_out *o, struct err *err)
{
	struct mp3 *m = impl;
	uint8_t tag[TAG_MAX];

	if (encode(m, media_encode_up_end(&m->up), o, err) != ERR_NONE)
		return err->code;
	if (put(m, m->lame.flush(m->gf, m->bytes, OUT_BYTES), o, err) !=
	    ERR_NONE)
		return err->code;
	size_t len = m->lame.tag(m->gf, tag, sizeof(tag));

	if (len == 0 || len > sizeof(tag) || (int64_t)len > o->at)
		return err_set(
		    err, ERR_IO, 0, "LAME makes no tag for this sound");
	return media_encode_put_first(o, tag, len, err);
}

static void
mp3_close(void *impl)
{
	struct mp3 *m = impl;

	if (m != NULL && m->gf != NULL)
		(void)m->lame.close(m->gf);
	mem_drop(m);
}

const struct encode_codec media_encode_mp3 = {
    .open = mp3_open,
    .begin = mp3_begin,
    .add = mp3_add,
    .end = mp3_end,
    .close = mp3_close,
};
