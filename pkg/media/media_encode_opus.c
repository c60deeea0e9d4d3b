#include <ogg/ogg.h>
#include <opus/opus_multistream.h>
#include <string.h>

#include "base/dynlib.h"
#include "base/mem.h"

#include "media/media_encode_priv.h"

/*
 * The encoder takes 8 kHz as it is: the decoder gives 48 kHz whatever went in,
 * and up-sampling before would cost more than twice the time for nothing.
 * AUDIO, though it is speech: VOIP filters and re-shapes what it gets, so that
 * of telephone speech 8 dB remain above the error, instead of 24 dB.
 */
#define BITRATE 32000 /* of both streams together */
#define COMPLEXITY 5
#define PACKET_MAX 4000
#define PAGE_PACKETS 50 /* a page a second, as RFC 7845 advises at most */
#define HEAD_BYTES 23

struct opus_api {
	__typeof__(opus_multistream_encoder_create) *create;
	__typeof__(opus_multistream_encoder_destroy) *destroy;
	__typeof__(opus_multistream_encoder_ctl) *ctl;
	__typeof__(opus_multistream_encode) *encode;
	__typeof__(opus_get_version_string) *version;
};

struct ogg_api {
	__typeof__(ogg_stream_init) *init;
	__typeof__(ogg_stream_clear) *clear;
	__typeof__(ogg_stream_packetin) *packetin;
	__typeof__(ogg_stream_flush) *flush;
};

struct opus {
	struct opus_api opus;
	struct ogg_api ogg;
	OpusMSEncoder *encoder;
	ogg_stream_state stream;
	bool streaming;
	int64_t samples;   /* at 8 kHz, in the whole recording */
	int64_t encoded;   /* the same, so far, silence at the end included */
	int64_t packet;    /* the number of the next one */
	int64_t unflushed; /* packets that stand in no page yet */
	opus_int32 ahead;  /* samples at 8 kHz by which the decoder is late */
};

static const unsigned char mapping[2] = {0, 1};

static enum err_code
load(struct opus *p, struct err *err)
{
	static const char *const opus_names[] = {"libopus.so.0", NULL};
	static const char *const ogg_names[] = {"libogg.so.0", NULL};
	const struct dynlib_symbol opus[] = {
	    {"opus_multistream_encoder_create", &p->opus.create},
	    {"opus_multistream_encoder_destroy", &p->opus.destroy},
	    {"opus_multistream_encoder_ctl", &p->opus.ctl},
	    {"opus_multistream_encode", &p->opus.encode},
	    {"opus_get_version_string", &p->opus.version},
	    {NULL, NULL},
	};
	const struct dynlib_symbol ogg[] = {
	    {"ogg_stream_init", &p->ogg.init},
	    {"ogg_stream_clear", &p->ogg.clear},
	    {"ogg_stream_packetin", &p->ogg.packetin},
	    {"ogg_stream_flush", &p->ogg.flush},
	    {NULL, NULL},
	};

	if (dynlib_open(opus_names, "libopus0", opus, err) != ERR_NONE)
		return err->code;
	return dynlib_open(ogg_names, "libogg0", ogg, err);
}

static enum err_code
opus_failed(int status, struct err *err)
{
	return err_set(err, ERR_IO, status, "libopus failed (%d)", status);
}

static enum err_code
opus_open(const struct encode_facts *facts, void **impl, struct err *err)
{
	struct opus *p = mem_zalloc(1, sizeof(*p));
	int status = 0;

	*impl = p;
	p->samples = facts->samples;
	if (load(p, err) != ERR_NONE)
		return err->code;
	/* Two streams of one channel each; none coupled. */
	p->encoder = p->opus.create(
	    MEDIA_RATE, 2, 2, 0, mapping, OPUS_APPLICATION_AUDIO, &status);
	if (p->encoder == NULL)
		return opus_failed(status, err);
	status = p->opus.ctl(p->encoder, OPUS_SET_BITRATE(BITRATE));
	if (status == OPUS_OK)
		status =
		    p->opus.ctl(p->encoder, OPUS_SET_COMPLEXITY(COMPLEXITY));
	if (status == OPUS_OK)
		status = p->opus.ctl(p->encoder, OPUS_GET_LOOKAHEAD(&p->ahead));
	if (status != OPUS_OK)
		return opus_failed(status, err);
	if (p->ogg.init(&p->stream, (int)facts->serial) != 0)
		return err_set(err, ERR_IO, 0, "libogg does not begin");
	p->streaming = true;
	return ERR_NONE;
}

/* Put what was gathered as a page. */
static enum err_code
flush(struct opus *p, struct encode_out *o, struct err *err)
{
	ogg_page page;

	while (p->ogg.flush(&p->stream, &page) != 0) {
		if (media_encode_put(o, page.header, (size_t)page.header_len,
			err) != ERR_NONE ||
		    media_encode_put(
			o, page.body, (size_t)page.body_len, err) != ERR_NONE)
			return err->code;
	}
	p->unflushed = 0;
	return ERR_NONE;
}

/* granule: samples at 48 kHz up to the end of this packet. */
static enum err_code
add_packet(struct opus *p, uint8_t *bytes, size_t len, int64_t granule,
    bool last, struct err *err)
{
	ogg_packet packet = {0};

	packet.packet = bytes;
	packet.bytes = (long)len;
	packet.b_o_s = p->packet == 0;
	packet.e_o_s = last;
	packet.granulepos = granule;
	packet.packetno = p->packet;

	int status = p->ogg.packetin(&p->stream, &packet);

	p->packet++;
	p->unflushed++;
	return status == 0 ? ERR_NONE
			   : err_set(err, ERR_IO, 0, "libogg failed");
}

static void
put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static enum err_code
add_head(struct opus *p, struct err *err)
{
	int ahead = p->ahead * MEDIA_UP_FACTOR;
	uint8_t head[HEAD_BYTES] = "OpusHead";

	head[8] = 1; /* version */
	head[9] = 2; /* channels */
	head[10] = (uint8_t)ahead;
	head[11] = (uint8_t)(ahead >> 8);
	put32(head + 12, MEDIA_RATE); /* what went in; for information */
	/* gain 0 */
	head[18] = 1; /* mapping family: channels are left and right */
	head[19] = 2; /* streams */
	head[20] = 0; /* of them coupled */
	memcpy(head + 21, mapping, sizeof(mapping));
	return add_packet(p, head, sizeof(head), 0, false, err);
}

/* Who made it: the library's version, no date, no comment. */
static enum err_code
add_tags(struct opus *p, struct err *err)
{
	const char *vendor = p->opus.version();
	uint8_t tags[256] = "OpusTags";
	size_t len = strnlen(vendor, sizeof(tags) - 16);

	put32(tags + 8, (uint32_t)len);
	memcpy(tags + 12, vendor, len);
	put32(tags + 12 + len, 0);
	return add_packet(p, tags, 16 + len, 0, false, err);
}

/* Each header has a page of its own (RFC 7845 section 3). */
static enum err_code
opus_begin(void *impl, struct encode_out *o, struct err *err)
{
	struct opus *p = impl;

	if (add_head(p, err) != ERR_NONE || flush(p, o, err) != ERR_NONE ||
	    add_tags(p, err) != ERR_NONE)
		return err->code;
	return flush(p, o, err);
}

static enum err_code
encode_frame(struct opus *p, const int16_t *callee, const int16_t *agent,
    struct encode_out *o, struct err *err)
{
	opus_int16 both[2 * MEDIA_FRAME];
	uint8_t bytes[PACKET_MAX];
	int64_t end = p->samples + p->ahead;

	for (size_t i = 0; i < MEDIA_FRAME; i++) {
		both[2 * i] = callee[i];
		both[2 * i + 1] = agent[i];
	}
	int len =
	    p->opus.encode(p->encoder, both, MEDIA_FRAME, bytes, sizeof(bytes));

	if (len < 0)
		return opus_failed(len, err);
	p->encoded += MEDIA_FRAME;

	/* The last page's granule cuts off the silence at the end. */
	bool last = p->encoded >= end;

	if (add_packet(p, bytes, (size_t)len,
		MEDIA_UP_FACTOR * (last ? end : p->encoded), last,
		err) != ERR_NONE)
		return err->code;
	return last || p->unflushed == PAGE_PACKETS ? flush(p, o, err)
						    : ERR_NONE;
}

static enum err_code
opus_add(void *impl, const int16_t *callee, const int16_t *agent, size_t n,
    struct encode_out *o, struct err *err)
{
	struct opus *p = impl;

	for (size_t at = 0; at < n; at += MEDIA_FRAME)
		if (encode_frame(p, callee + at, agent + at, o, err) !=
		    ERR_NONE)
			return err->code;
	return ERR_NONE;
}

/* Silence behind it, until all that was said has come out of the encoder. */
static enum err_code
opus_end(void *impl, struct encode_out *o, struct err *err)
{
	static const int16_t silence[MEDIA_FRAME];
	struct opus *p = impl;

	while (p->encoded < p->samples + p->ahead)
		if (encode_frame(p, silence, silence, o, err) != ERR_NONE)
			return err->code;
	return ERR_NONE;
}

static void
opus_close(void *impl)
{
	struct opus *p = impl;

	if (p != NULL && p->encoder != NULL)
		p->opus.destroy(p->encoder);
	if (p != NULL && p->streaming)
		(void)p->ogg.clear(&p->stream);
	mem_drop(p);
}

const struct encode_codec media_encode_opus = {
    .open = opus_open,
    .begin = opus_begin,
    .add = opus_add,
    .end = opus_end,
    .close = opus_close,
};
