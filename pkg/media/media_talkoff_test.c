#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/mem.h"

#include "media/media_beep.h"
#include "media/media_dtmf.h"
#include "media/media_speech.h"
#include "media/media_vad.h"
#include "net/net_env.h"

/*
 * The detectors against the whole committed speech library: nothing anybody
 * says may be taken for a key or for a beep, and everything is speech.
 */
static struct env *env;
static struct media_speech *speech;

static int
set_up(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	if (media_speech_open(env, "fixtures/speech", &speech, &err) !=
	    ERR_NONE)
		fail_msg("%s (run in the project's root)", err.text);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	media_speech_free(&speech);
	net_env_close(&env);
	return 0;
}

struct ears {
	struct media_dtmf dtmf;
	struct media_beep beep;
	struct media_vad vad;
	int keys, beeps, starts, stops;
	size_t frames;
};

static void
hear(struct ears *e, const uint8_t *ulaw, size_t samples)
{
	for (size_t at = 0; at < samples; at += MEDIA_FRAME) {
		size_t n =
		    samples - at < MEDIA_FRAME ? samples - at : MEDIA_FRAME;
		struct media_beep_heard heard;
		uint8_t frame[MEDIA_FRAME];
		enum media_vad_event event;

		media_ulaw_silence(frame, MEDIA_FRAME);
		if (ulaw != NULL)
			memcpy(frame, ulaw + at, n);
		e->keys += media_dtmf_frame(&e->dtmf, frame) != '\0';
		e->beeps += media_beep_frame(&e->beep, frame, &heard) ==
			    MEDIA_BEEP_START;
		event = media_vad_frame(&e->vad, frame, NULL);
		e->starts += event == MEDIA_VAD_START;
		e->stops += event == MEDIA_VAD_STOP;
		e->frames++;
	}
}

static void
ears_init(struct ears *e)
{
	memset(e, 0, sizeof(*e));
	media_dtmf_init(&e->dtmf);
	media_beep_init(&e->beep);
	media_vad_init(&e->vad, &MEDIA_VAD_DEFAULTS);
}

/* All texts of a voice's index, one after the other, a second between. */
static int
hear_all(struct ears *e, enum media_voice voice, const char *index_path)
{
	struct err err = {0};
	char *index = NULL, *save = NULL;
	size_t len = 0;
	int phrases = 0;

	assert_int_equal(
	    env_read_whole(env, index_path, 1 << 20, &index, &len, &err),
	    ERR_NONE);
	hear(e, NULL, MEDIA_RATE * 2);
	for (char *line = strtok_r(index, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		struct media_clip clip;

		if (*line == '#')
			continue;
		assert_int_equal(media_speech_find(speech, voice,
				     strrchr(line, '\t') + 1, &clip, &err),
		    ERR_NONE);
		hear(e, clip.ulaw, clip.samples);
		hear(e, NULL, MEDIA_RATE);
		phrases++;
	}
	mem_free(&index);
	return phrases;
}

static void
recorded_speech_holds_no_key_and_no_beep_and_is_heard_as_speech(void **state)
{
	static const char *const paths[] = {"fixtures/speech/agent/index.tsv",
	    "fixtures/speech/callee/index.tsv"};

	(void)state;
	for (int v = 0; v < 2; v++) {
		struct ears *e = mem_zalloc(1, sizeof(*e));
		int phrases;

		ears_init(e);
		phrases = hear_all(e, (enum media_voice)v, paths[v]);
		assert_true(e->frames > 5000);
		assert_int_equal(e->keys, 0);
		assert_int_equal(e->beeps, 0);
		assert_true(e->starts >= phrases);
		/* A pause within a sentence may end and begin it again. */
		assert_true(e->starts <= phrases + phrases / 10);
		assert_int_equal(e->starts, e->stops);
		mem_free(&e);
	}
}

/* The synthesiser too: 400 made-up words in both voices. */
static void
synthetic_speech_holds_no_key_and_no_beep(void **state)
{
	(void)state;
	for (int v = 0; v < 2; v++) {
		struct ears *e = mem_zalloc(1, sizeof(*e));
		uint32_t seed = 5;

		ears_init(e);
		for (int i = 0; i < 400; i++) {
			struct buf out = BUF_INIT(MEDIA_SPEECH_MAX);
			struct err err = {0};
			char word[9] = "";

			for (int k = 0; k < 8; k++) {
				seed = seed * 1664525U + 1013904223U;
				word[k] = (char)('a' + (seed >> 16) % 26);
			}
			assert_int_equal(
			    media_speech_say(
				speech, (enum media_voice)v, word, &out, &err),
			    ERR_NONE);
			hear(e, (uint8_t *)out.bytes, out.len);
			hear(e, NULL, 4000);
			buf_free(&out);
		}
		assert_int_equal(e->keys, 0);
		assert_int_equal(e->beeps, 0);
		assert_true(e->starts > 100);
		mem_free(&e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		recorded_speech_holds_no_key_and_no_beep_and_is_heard_as_speech),
	    cmocka_unit_test(synthetic_speech_holds_no_key_and_no_beep),
	};

	return cmocka_run_group_tests_name(
	    "media_talkoff", tests, set_up, tear_down);
}
