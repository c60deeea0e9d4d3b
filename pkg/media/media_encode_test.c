#include "media/media_encode.h"

#include <dlfcn.h>
#include <lame/lame.h>
#include <math.h>
#include <opus/opus_multistream.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

#include "media/media_record.h"
#include "media/media_ulaw.h"
#include "net/net_env.h"

#define PI 3.14159265358979323846
#define RATE 48000
#define FORMATS MEDIA_ENCODE_COUNT

static struct env *env;
static char dir[64];
static char ul2[96];
static char made[96];

static int
set_up(void **state)
{
	struct err err;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/media_encode_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(ul2, sizeof(ul2), "%s/1-1.ul2", dir);
	(void)snprintf(made, sizeof(made), "%s/1.out", dir);
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(ul2);
	(void)unlink(made);
	net_env_close(&env);
	return rmdir(dir); /* fails when a temporary file was left */
}

/* --- Recordings ------------------------------------------------------------
 */

typedef int16_t sound_fn(int channel, size_t i);

static int16_t
sine(double hz, double amplitude, size_t i)
{
	return (int16_t)lrint(
	    amplitude * sin(2 * PI * hz * (double)i / MEDIA_RATE));
}

/* Something like a voice: a few tones that come and go. */
static int16_t
voice(size_t i)
{
	double swell = 0.5 - 0.5 * cos(2 * PI * (double)i / 2400);

	return (
	    int16_t)(swell * (sine(220, 6000, i) + sine(660, 4000, i) +
				 sine(1730, 3000, i) + sine(2900, 1500, i)));
}

static int16_t
callee_only(int channel, size_t i)
{
	return channel == 0 ? voice(i) : 0;
}

static int16_t
agent_only(int channel, size_t i)
{
	return channel == 1 ? voice(i) : 0;
}

static int16_t
callee_tone(int channel, size_t i)
{
	return channel == 0 ? sine(1000, 10000, i) : 0;
}

static int16_t
agent_tone(int channel, size_t i)
{
	return channel == 1 ? sine(1000, 10000, i) : 0;
}

static int16_t
both(int channel, size_t i)
{
	return channel == 0 ? voice(i) : voice(i + 1200);
}

static void
record(size_t frames, size_t torn, sound_fn *sound)
{
	size_t len = frames * MEDIA_RECORD_BYTES + torn;
	uint8_t *bytes = mem_zalloc(len + 1, 1);
	struct err err = {0};

	for (size_t at = 0; at < len; at++) {
		size_t in = at % MEDIA_RECORD_BYTES;
		size_t i =
		    at / MEDIA_RECORD_BYTES * MEDIA_FRAME + in % MEDIA_FRAME;

		bytes[at] = media_ulaw_of(sound(in >= MEDIA_FRAME, i));
	}
	assert_int_equal(env_write_whole(env, ul2, bytes, len, &err), ERR_NONE);
	mem_free(&bytes);
}

/* --- What was made, decoded ------------------------------------------------
 */

struct sound {
	int16_t *pcm; /* interleaved, 48 kHz */
	size_t samples;
	size_t room;
};

static void
sound_add(struct sound *s, const int16_t *pcm, size_t samples)
{
	while (s->samples + samples > s->room) {
		s->room = 2 * s->room + RATE;
		s->pcm = mem_realloc(s->pcm, s->room, 4);
	}
	memcpy(s->pcm + 2 * s->samples, pcm, samples * 4);
	s->samples += samples;
}

/* Keep samples from `from` on, at most n. */
static void
sound_cut(struct sound *s, size_t from, size_t n)
{
	assert_true(from + n <= s->samples);
	memmove(s->pcm, s->pcm + 2 * from, 4 * n);
	s->samples = n;
}

static uint64_t
le(const void *bytes, int n)
{
	const uint8_t *at = bytes;
	uint64_t v = 0;

	for (int i = n - 1; i >= 0; i--)
		v = v << 8 | at[i];
	return v;
}

static void *
symbol(const char *library, const char *name)
{
	void *l = dlopen(library, RTLD_NOW);
	void *at = l == NULL ? NULL : dlsym(l, name);

	if (at == NULL)
		fail_msg("no %s in %s", name, library);
	return at;
}

static void
decode_wav(const char *file, size_t len, struct sound *out)
{
	assert_true(len >= 44);
	assert_memory_equal(file, "RIFF", 4);
	assert_int_equal(le(file + 4, 4), len - 8);
	assert_memory_equal(file + 8, "WAVEfmt \x10\0\0\0\x01\0\x02\0", 16);
	assert_int_equal(le(file + 24, 4), RATE);
	assert_int_equal(le(file + 28, 4), RATE * 4);
	assert_int_equal(le(file + 32, 4), 4 | 16 << 16);
	assert_memory_equal(file + 36, "data", 4);
	assert_int_equal(le(file + 40, 4), len - 44);
	assert_int_equal((len - 44) % 4, 0);
	for (size_t at = 44; at < len; at += 4) {
		int16_t two[2] = {
		    (int16_t)le(file + at, 2), (int16_t)le(file + at + 2, 2)};

		sound_add(out, two, 1);
	}
}

/* Every frame's header; the first is LAME's tag. */
static void
decode_mp3(const char *file, size_t len, struct sound *out)
{
	const uint8_t *f = (const uint8_t *)file;
	__typeof__(hip_decode_init) *init;
	__typeof__(hip_decode1) *decode1;
	__typeof__(hip_decode_exit) *finish;
	void *at;
	size_t frame = 192; /* 64 kb/s at 48 kHz: never padded */
	size_t frames = len / frame - 1;

	assert_int_equal(len % frame, 0);
	for (size_t i = 0; i < len; i += frame) {
		assert_int_equal(f[i], 0xFF);
		assert_int_equal(f[i + 1], 0xFB); /* MPEG-1 layer III, no CRC */
		assert_int_equal(f[i + 2], 0x54); /* 64 kb/s, 48 kHz */
		assert_int_equal(f[i + 3] & 0xF0, 0); /* stereo, not joint */
	}
	const uint8_t *tag = f + 36;

	assert_memory_equal(tag, "Info", 4);
	assert_int_equal(tag[7], 15); /* frames, bytes, table, quality */
	assert_int_equal((size_t)tag[8] << 24 | (size_t)tag[9] << 16 |
			     (size_t)tag[10] << 8 | tag[11],
	    frames);
	assert_int_equal((size_t)tag[12] << 24 | (size_t)tag[13] << 16 |
			     (size_t)tag[14] << 8 | tag[15],
	    len);
	assert_memory_equal(tag + 120, "LAME", 4);
	size_t delay = (size_t)tag[141] << 4 | tag[142] >> 4;
	size_t padding = (size_t)(tag[142] & 15) << 8 | tag[143];

	at = symbol("libmp3lame.so.0", "hip_decode_init");
	memcpy(&init, &at, sizeof(at));
	at = symbol("libmp3lame.so.0", "hip_decode1");
	memcpy(&decode1, &at, sizeof(at));
	at = symbol("libmp3lame.so.0", "hip_decode_exit");
	memcpy(&finish, &at, sizeof(at));
	hip_t hip = init();
	int16_t left[1152], right[1152], pcm[2 * 1152];

	for (size_t i = frame; i <= len; i += frame) {
		uint8_t none[1] = {0}, bytes[192];
		size_t n = i < len ? frame : 0;
		int got = 0;

		memcpy(bytes, i < len ? f + i : none, n == 0 ? 1 : n);
		for (;;) {
			got = decode1(hip, bytes, n, left, right);
			n = 0;
			if (got <= 0)
				break;
			for (int k = 0; k < got; k++) {
				pcm[2 * k] = left[k];
				pcm[2 * k + 1] = right[k];
			}
			sound_add(out, pcm, (size_t)got);
		}
		assert_int_equal(got, 0);
	}
	(void)finish(hip);
	/* 529: how late every decoder is.  Padding may reach beyond what a
	 * decoder without look-ahead gives. */
	static const int16_t silence[2 * 1152];

	sound_add(out, silence, 1152);
	sound_cut(out, delay + 529, frames * 1152 - delay - padding);
}

/* Ogg's CRC: polynomial 0x04C11DB7, nothing reflected, begins with 0. */
static uint32_t
ogg_crc(const uint8_t *page, size_t len)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint32_t)(i >= 22 && i < 26 ? 0 : page[i]) << 24;
		for (int b = 0; b < 8; b++)
			crc = crc << 1 ^ (crc >> 31) * 0x04C11DB7U;
	}
	return crc;
}

struct ogg {
	OpusMSDecoder *decoder;
	size_t packets;
	size_t pages;
	size_t skip;
	uint64_t granule; /* of the last page */
	uint64_t in_page; /* samples that ended in this one */
};

static void
check_head(struct ogg *o, const uint8_t *p, size_t len)
{
	__typeof__(opus_multistream_decoder_create) *create;
	void *at = symbol("libopus.so.0", "opus_multistream_decoder_create");
	int status = 0;

	memcpy(&create, &at, sizeof(at));
	assert_int_equal(len, 23);
	assert_memory_equal(p, "OpusHead\x01\x02", 10);
	o->skip = le(p + 10, 2);
	assert_int_equal(le(p + 12, 4), 8000);
	assert_int_equal(le(p + 16, 2), 0);
	/* family 1, two streams, none coupled, left and right */
	assert_memory_equal(p + 18, "\x01\x02\x00\x00\x01", 5);
	o->decoder = create(RATE, 2, p[19], p[20], p + 21, &status);
	assert_non_null(o->decoder);
}

static void
check_tags(const uint8_t *p, size_t len)
{
	assert_true(len >= 16);
	assert_memory_equal(p, "OpusTags", 8);
	size_t vendor = le(p + 8, 4);

	assert_memory_equal(p + 12, "libopus", 7);
	assert_int_equal(len, 16 + vendor);
	assert_int_equal(le(p + 12 + vendor, 4), 0);
}

static void
take_packet(struct ogg *o, const uint8_t *p, size_t len, struct sound *out)
{
	__typeof__(opus_multistream_decode) *decode;
	void *at = symbol("libopus.so.0", "opus_multistream_decode");
	int16_t pcm[2 * 5760];

	memcpy(&decode, &at, sizeof(at));
	o->packets++;
	if (o->packets == 1) {
		check_head(o, p, len);
	} else if (o->packets == 2) {
		check_tags(p, len);
	} else {
		int got = decode(o->decoder, p, (int)len, pcm, 5760, 0);

		assert_int_equal(got, 960);
		o->in_page += 960;
		sound_add(out, pcm, (size_t)got);
	}
}

/* The page at p; its length. */
static size_t
take_page(struct ogg *o, const uint8_t *p, size_t left, uint32_t serial,
    struct sound *out)
{
	assert_true(left >= 27);
	assert_memory_equal(p, "OggS", 5);
	size_t segments = p[26], len = 27 + segments, packet = 0;

	for (size_t i = 0; i < segments; i++)
		len += p[27 + i];
	assert_true(len <= left);
	assert_int_equal(le(p + 22, 4), ogg_crc(p, len));
	assert_int_equal(le(p + 14, 4), serial);
	assert_int_equal(le(p + 18, 4), o->pages);
	assert_int_equal(p[5], (o->pages == 0 ? 2 : 0) | (len == left ? 4 : 0));
	o->in_page = 0;
	const uint8_t *at = p + 27 + segments;

	for (size_t i = 0; i < segments; i++) {
		packet += p[27 + i];
		if (p[27 + i] == 255)
			continue;
		take_packet(o, at, packet, out);
		at += packet;
		packet = 0;
	}
	assert_int_equal(packet, 0); /* none goes on in the next page */
	o->pages++;
	/* Each header alone; a second at most in the others. */
	if (o->pages <= 2)
		assert_int_equal(o->packets, o->pages);
	assert_true(o->in_page <= RATE);
	if (len == left)
		assert_true(le(p + 6, 8) <= o->granule + o->in_page);
	else
		assert_int_equal(le(p + 6, 8), o->granule + o->in_page);
	o->granule = le(p + 6, 8);
	return len;
}

static void
decode_opus(const char *file, size_t len, struct sound *out)
{
	const uint8_t *p = (const uint8_t *)file;
	__typeof__(opus_multistream_decoder_destroy) *destroy;
	void *at = symbol("libopus.so.0", "opus_multistream_decoder_destroy");
	struct ogg o = {0};
	uint32_t serial = 0;

	assert_true(len > 27);
	serial = (uint32_t)le(p + 14, 4);
	memcpy(&destroy, &at, sizeof(at));
	for (size_t i = 0; i < len;)
		i += take_page(&o, p + i, len - i, serial, out);
	destroy(o.decoder);
	sound_cut(out, o.skip, o.granule - o.skip);
}

static void (*const decode[FORMATS])(const char *, size_t, struct sound *) = {
    [MEDIA_ENCODE_WAV] = decode_wav,
    [MEDIA_ENCODE_MP3] = decode_mp3,
    [MEDIA_ENCODE_OPUS] = decode_opus,
};

/* Encode ul2 and read it back; the file's bytes stay in *file (mem_free). */
static struct sound
round_trip(enum media_encode_format f, char **file, size_t *len)
{
	struct media_encode_info info;
	struct sound s = {0};
	struct err err = {0};
	struct env_stat st;
	uint8_t sum[SHA256_BYTES];

	if (media_encode_file(
		env, ul2, f, NULL, made, NULL, NULL, &info, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	assert_int_equal(
	    env_read_whole(env, made, 1 << 28, file, len, &err), ERR_NONE);
	assert_int_equal(info.bytes, *len);
	sha256_once(*file, *len, sum);
	assert_memory_equal(sum, info.sha256, sizeof(sum));
	decode[f](*file, *len, &s);
	assert_int_equal(env_stat(env, ul2, &st, &err), ERR_NONE);
	assert_int_equal(s.samples, st.size_bytes / 320 * 960);
	assert_int_equal(info.samples, s.samples);
	assert_int_equal(info.duration_ms, s.samples / 48);
	assert_int_equal(info.channels, 2);
	assert_int_equal(info.rate, RATE);
	return s;
}

static double
rms(const struct sound *s, int channel)
{
	double sum = 0;

	for (size_t i = 0; i < s->samples; i++) {
		double v = s->pcm[2 * i + (size_t)channel];

		sum += v * v;
	}
	return sqrt(sum / (double)s->samples);
}

static double
db(double ratio)
{
	return 20 * log10(ratio + 1e-12);
}

/* --- Tests -----------------------------------------------------------------
 */

static void
neither_channel_is_heard_in_the_other(void **state)
{
	static sound_fn *const sounds[] = {
	    callee_tone, agent_tone, callee_only, agent_only};

	(void)state;
	for (int f = 0; f < FORMATS; f++)
		for (size_t k = 0; k < ARRAY_LEN(sounds); k++) {
			char *file = NULL;
			size_t len = 0;
			int loud = k % 2 == 0 ? 0 : 1;

			record(250, 0, sounds[k]);
			struct sound s = round_trip(
			    (enum media_encode_format)f, &file, &len);
			double apart =
			    db(rms(&s, loud) / (rms(&s, !loud) + 1e-3));

			if (apart < 80)
				fail_msg("%s: %.1f dB between the channels",
				    media_encode_name(
					(enum media_encode_format)f),
				    apart);
			mem_free(&s.pcm);
			mem_free(&file);
		}
}

/* The lag at which a and b fit best, and how well (1 = the same). */
static int
best_lag(
    const struct sound *a, const struct sound *b, int channel, double *likeness)
{
	int best = 0;

	*likeness = -1;
	for (int lag = -300; lag <= 300; lag++) {
		double ab = 0, aa = 0, bb = 0;

		for (size_t i = 1000; i + 1000 < a->samples; i++) {
			double x = a->pcm[2 * i + (size_t)channel];
			double y = b->pcm[2 * (size_t)((long)i + lag) +
					  (size_t)channel];

			ab += x * y;
			aa += x * x;
			bb += y * y;
		}
		double fit = ab / sqrt(aa * bb + 1);

		if (fit > *likeness) {
			*likeness = fit;
			best = lag;
		}
	}
	return best;
}

static void
sound_keeps_its_level_and_its_place(void **state)
{
	char *file = NULL;
	size_t len = 0;

	(void)state;
	record(100, 0, both);
	struct sound wav = round_trip(MEDIA_ENCODE_WAV, &file, &len);

	mem_free(&file);
	for (int f = MEDIA_ENCODE_MP3; f < FORMATS; f++) {
		struct sound s =
		    round_trip((enum media_encode_format)f, &file, &len);

		for (int c = 0; c < 2; c++) {
			double likeness = 0;
			int lag = best_lag(&wav, &s, c, &likeness);
			double softer = db(rms(&wav, c) / rms(&s, c));

			/* A sample at 8 kHz. */
			assert_true(abs(lag) <= 6);
			assert_true(likeness > 0.98);
			/* LAME takes off 0.4 dB. */
			assert_true(fabs(softer) < 0.6);
		}
		mem_free(&s.pcm);
		mem_free(&file);
	}
	mem_free(&wav.pcm);
}

static void
a_wav_holds_every_sample_of_the_recording(void **state)
{
	char *file = NULL;
	size_t len = 0;

	(void)state;
	record(101, 0, both);
	struct sound s = round_trip(MEDIA_ENCODE_WAV, &file, &len);

	for (int c = 0; c < 2; c++)
		for (size_t i = 0; i < s.samples / 6; i++)
			assert_int_equal(s.pcm[12 * i + (size_t)c],
			    media_ulaw_linear[media_ulaw_of(both(c, i))]);
	mem_free(&s.pcm);
	mem_free(&file);
}

static void
every_length_gives_as_much_sound(void **state)
{
	static const size_t frames[] = {0, 1, 2, 3, 49, 50, 51, 100, 149};

	(void)state;
	for (int f = 0; f < FORMATS; f++)
		for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
			char *file = NULL;
			size_t len = 0;

			/* A torn record, and one of odd length. */
			record(frames[i], i % 3 == 1 ? 319 : i % 3, both);
			struct sound s = round_trip(
			    (enum media_encode_format)f, &file, &len);

			assert_int_equal(s.samples, frames[i] * 960);
			mem_free(&s.pcm);
			mem_free(&file);
		}
}

static void
the_same_recording_gives_the_same_bytes(void **state)
{
	(void)state;
	record(333, 17, both);
	for (int f = 0; f < FORMATS; f++) {
		char *first = NULL, *again = NULL;
		size_t len = 0, len_again = 0;
		struct sound s =
		    round_trip((enum media_encode_format)f, &first, &len);

		mem_free(&s.pcm);
		s = round_trip((enum media_encode_format)f, &again, &len_again);
		assert_int_equal(len, len_again);
		assert_memory_equal(first, again, len);
		mem_free(&s.pcm);
		mem_free(&first);
		mem_free(&again);
	}
}

static void
other_recordings_have_other_serial_numbers(void **state)
{
	char *one = NULL, *two = NULL;
	size_t len = 0;

	(void)state;
	record(60, 0, both);
	struct sound s = round_trip(MEDIA_ENCODE_OPUS, &one, &len);

	mem_free(&s.pcm);
	record(60, 0, callee_only);
	s = round_trip(MEDIA_ENCODE_OPUS, &two, &len);
	assert_memory_not_equal(one + 14, two + 14, 4);
	mem_free(&s.pcm);
	mem_free(&one);
	mem_free(&two);
}

static void
what_is_not_the_journalled_recording_is_refused(void **state)
{
	struct media_encode_info info;
	struct err err = {0};
	char *bytes = NULL;
	size_t len = 0;
	uint8_t sum[SHA256_BYTES];

	(void)state;
	record(120, 5, both);
	assert_int_equal(
	    env_read_whole(env, ul2, 1 << 20, &bytes, &len, &err), ERR_NONE);
	sha256_once(bytes, len, sum);
	for (int f = 0; f < FORMATS; f++) {
		assert_int_equal(
		    media_encode_file(env, ul2, (enum media_encode_format)f,
			sum, made, NULL, NULL, &info, &err),
		    ERR_NONE);
		assert_int_equal(unlink(made), 0);
		sum[7] ^= 1;
		assert_int_equal(
		    media_encode_file(env, ul2, (enum media_encode_format)f,
			sum, made, NULL, NULL, &info, &err),
		    ERR_DAMAGED);
		sum[7] ^= 1;
		assert_non_null(strstr(err.text, "1-1.ul2"));
		assert_int_equal(access(made, F_OK), -1);
	}
	mem_free(&bytes);
}

static bool
at_zero(void *arg)
{
	int *left = arg;

	return --*left == 0;
}

static void
it_can_be_stopped_between_pieces(void **state)
{
	(void)state;
	record(200, 0, both);
	for (int f = 0; f < FORMATS; f++)
		for (int n = 1;; n++) {
			struct media_encode_info info;
			struct err err = {0};
			int left = n;
			enum err_code code = media_encode_file(env, ul2,
			    (enum media_encode_format)f, NULL, made, at_zero,
			    &left, &info, &err);

			if (code == ERR_NONE) {
				/* four pieces, and the end */
				assert_int_equal(n, 6);
				assert_int_equal(unlink(made), 0);
				break;
			}
			assert_int_equal(code, ERR_CANCELLED);
			assert_int_equal(access(made, F_OK), -1);
		}
}

static void
without_a_recording_nothing_is_written(void **state)
{
	struct media_encode_info info;
	struct err err = {0};

	(void)state;
	for (int f = 0; f < FORMATS; f++)
		assert_int_equal(
		    media_encode_file(env, ul2, (enum media_encode_format)f,
			NULL, made, NULL, NULL, &info, &err),
		    ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "1-1.ul2"));
	assert_int_equal(access(made, F_OK), -1);
	record(1, 0, both);
	assert_int_equal(media_encode_file(env, ul2, MEDIA_ENCODE_WAV, NULL,
			     "/nonexistent/x.wav", NULL, NULL, &info, &err),
	    ERR_NOT_FOUND);
}

static void
a_recording_longer_than_a_wav_is_refused_before_it_is_read(void **state)
{
	struct media_encode_info info;
	struct env_file *f = NULL;
	struct err err = {0};

	(void)state;
	record(0, 0, both);
	assert_int_equal(
	    env_open(env, ul2, ENV_READ | ENV_WRITE, &f, &err), ERR_NONE);
	/* Sparse: four hours. */
	assert_int_equal(
	    env_truncate(env, f, 4 * 3600 * 50 * (int64_t)320, &err), ERR_NONE);
	env_close(env, &f);
	assert_int_equal(media_encode_file(env, ul2, MEDIA_ENCODE_WAV, NULL,
			     made, NULL, NULL, &info, &err),
	    ERR_MALFORMED);
	assert_non_null(strstr(err.text, "14400 s"));
}

/* A disk that fails at the n-th write, sync or rename. */
static const struct env_ops *real;
static int countdown;

static enum err_code
maybe_fail(struct err *err)
{
	return --countdown == 0 ? err_set(err, ERR_SPACE, 28, "disk full")
				: ERR_NONE;
}

static enum err_code
bad_pwrite(struct env_file *f, const void *bytes, size_t len, int64_t offset,
    struct err *err)
{
	return maybe_fail(err) != ERR_NONE
		   ? err->code
		   : real->pwrite(f, bytes, len, offset, err);
}

static enum err_code
bad_sync(struct env_file *f, struct err *err)
{
	return maybe_fail(err) != ERR_NONE ? err->code : real->sync(f, err);
}

static enum err_code
bad_rename(struct env *e, const char *from, const char *to, struct err *err)
{
	return maybe_fail(err) != ERR_NONE ? err->code
					   : real->rename(e, from, to, err);
}

static void
a_failing_disk_leaves_the_old_file_whole(void **state)
{
	struct env_ops faulty = *env->ops;

	(void)state;
	real = env->ops;
	faulty.pwrite = bad_pwrite;
	faulty.sync = bad_sync;
	faulty.rename = bad_rename;
	record(60, 0, both);
	for (int f = 0; f < FORMATS; f++) {
		int failures = 0;

		for (int n = 1;; n++, failures++) {
			struct media_encode_info info;
			struct err err = {0};
			char *out = NULL;
			size_t len = 0;

			assert_int_equal(
			    env_write_whole(env, made, "old", 3, &err),
			    ERR_NONE);
			env->ops = &faulty;
			countdown = n;
			enum err_code code = media_encode_file(env, ul2,
			    (enum media_encode_format)f, NULL, made, NULL, NULL,
			    &info, &err);

			env->ops = real;
			if (code == ERR_NONE)
				break;
			assert_int_equal(code, ERR_SPACE);
			assert_int_equal(
			    env_read_whole(env, made, 64, &out, &len, &err),
			    ERR_NONE);
			assert_string_equal(out, "old");
			mem_free(&out);
		}
		assert_true(failures >= 5);
	}
}

/* --- In pieces -------------------------------------------------------------
 */

struct tally {
	int64_t at;
	int64_t first_again; /* bytes put a second time at 0 */
	size_t largest;
};

static enum err_code
count(void *arg, int64_t offset, const void *bytes, size_t len, struct err *err)
{
	struct tally *t = arg;

	(void)bytes;
	(void)err;
	if (offset == 0 && t->at > 0) {
		t->first_again += (int64_t)len;
		return ERR_NONE;
	}
	assert_int_equal(offset, t->at);
	t->at += (int64_t)len;
	t->largest = len > t->largest ? len : t->largest;
	return ERR_NONE;
}

static long
resident_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size = 0, resident = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
	(void)fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
minutes_take_no_more_memory_than_seconds(void **state)
{
	(void)state;
	record(3000, 0, both);
	for (int f = 0; f < FORMATS; f++) {
		struct tally t = {0};
		const struct media_encode_to to = {count, &t};
		struct media_encode_info info;
		struct media_encode *e = NULL;
		struct err err = {0};
		bool more = true;
		long before = 0, most = 0;

		assert_int_equal(
		    media_encode_open(env, ul2, (enum media_encode_format)f,
			NULL, &to, &e, &err),
		    ERR_NONE);
		for (int n = 0; more; n++) {
			assert_int_equal(
			    media_encode_step(e, &more, &err), ERR_NONE);
			if (n == 5)
				before = resident_kb();
			most = resident_kb() > most ? resident_kb() : most;
		}
		media_encode_info(e, &info);
		assert_int_equal(info.bytes, t.at);
		/* A second of WAV and no more. */
		assert_true(t.largest <= 192000);
		assert_int_equal(
		    t.first_again, f == MEDIA_ENCODE_MP3 ? 192 : 0);
#ifndef __SANITIZE_ADDRESS__
		/* It keeps what was freed. */
		assert_true(most - before < 512);
#else
		(void)before;
#endif
		media_encode_close(&e);
	}
}

static enum err_code
refuse(
    void *arg, int64_t offset, const void *bytes, size_t len, struct err *err)
{
	int *left = arg;

	(void)offset;
	(void)bytes;
	(void)len;
	return --*left == 0
		   ? err_set(err, ERR_UNREACHABLE, 0, "the line is cut")
		   : ERR_NONE;
}

static void
an_error_of_the_taker_ends_it(void **state)
{
	(void)state;
	record(100, 0, both);
	for (int f = 0; f < FORMATS; f++)
		for (int n = 1;; n++) {
			int left = n;
			const struct media_encode_to to = {refuse, &left};
			struct media_encode *e = NULL;
			struct err err = {0};
			bool more = true;
			enum err_code code = ERR_NONE;

			assert_int_equal(media_encode_open(env, ul2,
					     (enum media_encode_format)f, NULL,
					     &to, &e, &err),
			    ERR_NONE);
			while (more)
				code = media_encode_step(e, &more, &err);
			media_encode_close(&e);
			if (code == ERR_NONE)
				break;
			assert_int_equal(code, ERR_UNREACHABLE);
			assert_non_null(strstr(err.text, "the line is cut"));
		}
}

static void
names_and_types_are_known(void **state)
{
	enum media_encode_format f = MEDIA_ENCODE_COUNT;
	struct err err = {0};

	(void)state;
	for (int i = 0; i < FORMATS; i++) {
		const char *name =
		    media_encode_name((enum media_encode_format)i);

		assert_true(media_encode_parse(name, &f));
		assert_int_equal(f, i);
		assert_int_equal(
		    media_encode_check((enum media_encode_format)i, &err),
		    ERR_NONE);
	}
	assert_string_equal(media_encode_type(MEDIA_ENCODE_MP3), "audio/mpeg");
	assert_false(media_encode_parse("flac", &f));
	assert_false(media_encode_parse("", &f));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(neither_channel_is_heard_in_the_other),
	    T(sound_keeps_its_level_and_its_place),
	    T(a_wav_holds_every_sample_of_the_recording),
	    T(every_length_gives_as_much_sound),
	    T(the_same_recording_gives_the_same_bytes),
	    T(other_recordings_have_other_serial_numbers),
	    T(what_is_not_the_journalled_recording_is_refused),
	    T(it_can_be_stopped_between_pieces),
	    T(without_a_recording_nothing_is_written),
	    T(a_recording_longer_than_a_wav_is_refused_before_it_is_read),
	    T(a_failing_disk_leaves_the_old_file_whole),
	    T(minutes_take_no_more_memory_than_seconds),
	    T(an_error_of_the_taker_ends_it),
	    T(names_and_types_are_known),
	};

	return cmocka_run_group_tests_name("media_encode", tests, NULL, NULL);
}
