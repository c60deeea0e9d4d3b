#include "media/media_wav.h"

#include <string.h>

#include "base/crash.h"
#include "base/mem.h"

#include "media/media_record.h"
#include "media/media_ulaw.h"

#include "media/media_riff_priv.h"

#define HEADER 44
#define CHANNELS 2
#define BITS 16
#define SAMPLE_BYTES (CHANNELS * BITS / 8)
/* Many players hold the size of a WAV in a signed 32-bit number. */
#define MAX_DATA (INT32_MAX - HEADER)
#define RECORDS 25 /* in a block: 16 kB of WAV */

static uint32_t
get16(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t
get32(const uint8_t *at)
{
	return get16(at) | get16(at + 2) << 16;
}

static void
make_header(uint8_t h[HEADER], uint32_t data)
{
	memcpy(h, "RIFF", 4);
	riff_put32(h + 4, data + HEADER - 8);
	memcpy(h + 8, "WAVEfmt ", 8);
	riff_put32(h + 16, 16);
	riff_put16(h + 20, 1); /* linear PCM */
	riff_put16(h + 22, CHANNELS);
	riff_put32(h + 24, MEDIA_RATE);
	riff_put32(h + 28, MEDIA_RATE * SAMPLE_BYTES);
	riff_put16(h + 32, SAMPLE_BYTES);
	riff_put16(h + 34, BITS);
	memcpy(h + 36, "data", 4);
	riff_put32(h + 40, data);
}

/* Records of two mu-law frames become interleaved samples. */
static size_t
convert(const uint8_t *ulaw, size_t records, uint8_t *wav)
{
	uint8_t *at = wav;

	for (size_t r = 0; r < records; r++, ulaw += MEDIA_RECORD_BYTES)
		for (size_t i = 0; i < MEDIA_FRAME; i++) {
			int16_t left = media_ulaw_linear[ulaw[i]];
			int16_t right =
			    media_ulaw_linear[ulaw[MEDIA_FRAME + i]];

			riff_put16(at, (uint16_t)left);
			riff_put16(at + 2, (uint16_t)right);
			at += SAMPLE_BYTES;
		}
	return (size_t)(at - wav);
}

/* The file being written, and the hash of what is in it. */
struct writer {
	struct env *env;
	struct env_file *file;
	int64_t at;
	struct sha256 hash;
};

static enum err_code
write_bytes(struct writer *w, const uint8_t *bytes, size_t len, struct err *err)
{
	if (env_pwrite(w->env, w->file, bytes, len, w->at, err) != ERR_NONE)
		return err->code;
	sha256_add(&w->hash, bytes, len);
	w->at += (int64_t)len;
	return ERR_NONE;
}

static enum err_code
write_sound(
    struct writer *w, struct env_file *from, int64_t records, struct err *err)
{
	uint8_t ulaw[RECORDS * MEDIA_RECORD_BYTES];
	uint8_t wav[RECORDS * MEDIA_FRAME * SAMPLE_BYTES];

	for (int64_t done = 0; done < records;) {
		size_t n = records - done < RECORDS ? (size_t)(records - done)
						    : RECORDS;
		size_t got = 0;

		if (env_pread(w->env, from, ulaw, n * MEDIA_RECORD_BYTES,
			done * MEDIA_RECORD_BYTES, &got, err) != ERR_NONE)
			return err->code;
		if (got != n * MEDIA_RECORD_BYTES)
			return err_set(err, ERR_IO, 0,
			    "recording became shorter while it was read");
		if (write_bytes(w, wav, convert(ulaw, n, wav), err) != ERR_NONE)
			return err->code;
		done += (int64_t)n;
	}
	return ERR_NONE;
}

/* Write tmp whole and sync it. */
static enum err_code
write_file(struct env *env, struct env_file *from, int64_t records,
    const char *tmp, struct media_wav_info *out, struct err *err)
{
	struct writer w = {env, NULL, 0, {{0}, 0, {0}}};
	uint8_t header[HEADER];
	enum err_code code = env_open(
	    env, tmp, ENV_WRITE | ENV_CREATE | ENV_TRUNCATE, &w.file, err);

	sha256_init(&w.hash);
	make_header(header, (uint32_t)(records * MEDIA_FRAME * SAMPLE_BYTES));
	if (code == ERR_NONE)
		code = write_bytes(&w, header, sizeof(header), err);
	if (code == ERR_NONE)
		code = write_sound(&w, from, records, err);
	CRASH_POINT("media.wav.written");
	if (code == ERR_NONE)
		code = env_sync(env, w.file, err);
	env_close(env, &w.file);
	CRASH_POINT("media.wav.synced");
	out->bytes = w.at;
	sha256_end(&w.hash, out->sha256);
	return code;
}

enum err_code
media_wav_export(struct env *env, const char *from, const char *to,
    struct media_wav_info *out, struct err *err)
{
	struct env_file *f = NULL;
	struct env_stat st = {0};
	char *tmp = mem_printf("%s.%lld.tmp", to, (long long)env->pid);
	enum err_code code = env_open(env, from, ENV_READ, &f, err);

	memset(out, 0, sizeof(*out));
	if (code == ERR_NONE)
		code = env_fstat(env, f, &st, err);

	int64_t records = st.size_bytes / MEDIA_RECORD_BYTES;

	if (code == ERR_NONE &&
	    records > MAX_DATA / (MEDIA_FRAME * SAMPLE_BYTES))
		code = err_set(err, ERR_MALFORMED, 0,
		    "recording is longer than a WAV can be: %lld s",
		    (long long)records * MEDIA_FRAME_MS / 1000);
	if (code == ERR_NONE) {
		out->rate = MEDIA_RATE;
		out->channels = CHANNELS;
		out->bits = BITS;
		out->duration_ms = records * MEDIA_FRAME_MS;
		code = write_file(env, f, records, tmp, out, err);
		if (code == ERR_NONE)
			code = env_replace(env, tmp, to, err);
		if (code != ERR_NONE) {
			struct err ignored;

			(void)env_remove(env, tmp, &ignored);
		}
	}
	if (code != ERR_NONE)
		code = err_wrap(err, "export %s as %s", from, to);
	env_close(env, &f);
	mem_free(&tmp);
	return code;
}

static enum err_code
check_header(
    const uint8_t h[HEADER], size_t got, int64_t bytes, struct err *err)
{
	if (got < HEADER || memcmp(h, "RIFF", 4) != 0 ||
	    memcmp(h + 8, "WAVEfmt ", 8) != 0 || get32(h + 16) != 16 ||
	    memcmp(h + 36, "data", 4) != 0)
		return err_set(
		    err, ERR_MALFORMED, 0, "no WAV header of %d bytes", HEADER);
	if (get16(h + 20) != 1)
		return err_set(err, ERR_MALFORMED, 0,
		    "WAV format %u, expected 1 (linear)",
		    (unsigned)get16(h + 20));
	if (get32(h + 24) == 0 || get16(h + 22) == 0 || get16(h + 34) < 8 ||
	    get16(h + 32) != get16(h + 22) * get16(h + 34) / 8)
		return err_set(err, ERR_MALFORMED, 0,
		    "WAV header contradicts itself (rate, channels, bits)");
	if (get32(h + 40) != bytes - HEADER || get32(h + 4) != bytes - 8)
		return err_set(err, ERR_MALFORMED, 0,
		    "WAV header tells %lld bytes of sound, the file holds %lld",
		    (long long)get32(h + 40), (long long)bytes - HEADER);
	return ERR_NONE;
}

enum err_code
media_wav_read(struct env *env, const char *path, struct media_wav_info *out,
    struct err *err)
{
	struct env_file *f = NULL;
	struct env_stat st = {0};
	uint8_t h[HEADER] = {0};
	size_t got = 0;
	enum err_code code = env_open(env, path, ENV_READ, &f, err);

	memset(out, 0, sizeof(*out));
	if (code == ERR_NONE)
		code = env_fstat(env, f, &st, err);
	if (code == ERR_NONE)
		code = env_pread(env, f, h, sizeof(h), 0, &got, err);
	if (code == ERR_NONE)
		code = check_header(h, got, st.size_bytes, err);
	if (code == ERR_NONE) {
		out->rate = get32(h + 24);
		out->channels = get16(h + 22);
		out->bits = get16(h + 34);
		out->bytes = st.size_bytes;
		out->duration_ms =
		    (int64_t)get32(h + 40) / get16(h + 32) * 1000 / out->rate;
	} else {
		code = err_wrap(err, "%s", path);
	}
	env_close(env, &f);
	return code;
}
