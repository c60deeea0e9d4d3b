/*
 * A recording encoded, as sync does it.
 *
 *   bench_encode DIR SECONDS FORMAT
 *
 * Two people take turns for so long; what is made is thrown away.  After count
 * and times stands by how many kilobytes the process grew beyond what it had
 * after ten seconds' worth.
 */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "media/media_encode.h"
#include "media/media_record.h"
#include "net/net_env.h"

#define WARM_S 10

static enum err_code
throw_away(
    void *arg, int64_t offset, const void *bytes, size_t len, struct err *err)
{
	(void)arg;
	(void)offset;
	(void)bytes;
	(void)len;
	(void)err;
	return ERR_NONE;
}

static long
resident_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size = 0, resident = 0;

	MUST(f != NULL && fscanf(f, "%ld %ld", &size, &resident) == 2);
	(void)fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Syllables of changing pitch, four seconds each of them in turn, over noise.
 */
static uint8_t
sample(int64_t i, int who, uint32_t *noise)
{
	double t = (double)i / MEDIA_RATE;
	double pitch = 110 + 90 * who + 30 * sin(t * 2.1);
	double swell = sin(t * 11) > 0 ? sin(t * 11) : 0;
	double sum = 0;

	*noise = *noise * 1664525U + 1013904223U;
	if ((i / (4 * MEDIA_RATE)) % 2 == who)
		for (int k = 1; k < 16; k++)
			sum += sin(6.283185 * pitch * k * t) *
			       (k % 5 == 2 ? 1800 : 500);
	return media_ulaw_of(
	    (int16_t)(swell * sum + (double)(*noise >> 24) * 0.4));
}

static void
record(struct env *env, const char *path, int64_t seconds)
{
	static uint8_t block[MEDIA_RECORD_BUFFER];
	struct env_file *f = NULL;
	struct err err;
	uint32_t noise = 1;

	MUST(env_open(env, path, ENV_WRITE | ENV_CREATE | ENV_APPEND, &f,
		 &err) == ERR_NONE);
	for (int64_t s = 0; s < seconds; s++) {
		for (int64_t at = 0; at < MEDIA_RECORD_BUFFER; at++) {
			int64_t in = at % MEDIA_RECORD_BYTES;
			int64_t i = s * MEDIA_RATE +
				    at / MEDIA_RECORD_BYTES * MEDIA_FRAME +
				    in % MEDIA_FRAME;

			block[at] = sample(i, in >= MEDIA_FRAME, &noise);
		}
		MUST(
		    env_append(env, f, block, sizeof(block), &err) == ERR_NONE);
	}
	env_close(env, &f);
}

int
main(int argc, char **argv)
{
	const struct media_encode_to to = {throw_away, NULL};
	struct media_encode *e = NULL;
	struct env *env = NULL;
	struct bench_span span = {0};
	enum media_encode_format format;
	struct err err;
	char path[BENCH_PATH];
	long began = 0, most = 0;
	bool more = true;

	MUST(argc == 4 && media_encode_parse(argv[3], &format));
	int64_t seconds = bench_count(argv[2]);

	MUST(snprintf(path, sizeof(path), "%s/%s.ul2", argv[1], argv[3]) <
	     BENCH_PATH);
	MUST(net_env_open(&env, &err) == ERR_NONE);
	record(env, path, seconds);
	bench_begin(&span);
	MUST(media_encode_open(env, path, format, NULL, &to, &e, &err) ==
	     ERR_NONE);
	for (int64_t n = 0; more; n++) {
		MUST(media_encode_step(e, &more, &err) == ERR_NONE);
		if (n == WARM_S)
			began = resident_kb();
		most = resident_kb() > most ? resident_kb() : most;
	}
	bench_end(&span);
	media_encode_close(&e);
	MUST(unlink(path) == 0);
	net_env_close(&env);
	(void)printf("%lld %.6f %.6f %ld\n", (long long)seconds, span.wall_s,
	    span.cpu_s, seconds > WARM_S ? most - began : 0);
	return 0;
}
