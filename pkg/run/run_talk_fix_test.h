#ifndef DSRUN_RUN_TALK_FIX_TEST_H
#define DSRUN_RUN_TALK_FIX_TEST_H

#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crash.h"
#include "base/mem.h"
#include "base/text.h"

#include "journal/journal_fault_test.h"
#include "media/media_speech.h"
#include "media/media_tone.h"
#include "media/media_ulaw.h"
#include "media/media_vad.h"
#include "model/model_scripted.h"
#include "net/net_env.h"
#include "run/run_talk.h"
#include "talk/talk_transcript.h"

/*
 * For the tests of run_talk: conversations with a carrier of the test's own: a
 * callee that says its lines one by one, each after we have spoken and fallen
 * silent.
 */

#define START_MS INT64_C(1767603600000)

static const struct conf_kind kind = {
    .name = (char *)(uintptr_t) "intro-call",
    .max_call_ms = 120000,
    .script =
	{
	    .greeting = (char *)(uintptr_t) "Hello {{contact.first_name}}, "
					    "an automated call.",
	    .intro = (char *)(uintptr_t) "We help.",
	    .meeting = (char *)(uintptr_t) "May we meet?",
	    .voicemail = (char *)(uintptr_t) "Call us back.",
	    .goodbye = (char *)(uintptr_t) "Bye.",
	    .goal = (char *)(uintptr_t) "administrator",
	},
};

struct world {
	struct env *env;
	struct model model;
	struct media_speech *speech;
	struct carrier carrier;
	struct run_talk *talk;
	char dir[64];
	/* the callee */
	const char *const *lines; /* ended by NULL; "BEEP", "HANGUP" */
	bool media;
	bool ignores_hangup;
	bool ended;
	int64_t frames;
	struct buf sound;
	size_t at;
	int64_t from;
	struct media_vad vad;
	bool spoken; /* we have, since its last line */
	struct media_tone tone;
	bool beeping;
	char pressed[32];
	int hangups;
	/* the end */
	bool done;
	enum err_code code;
	struct err err;
	struct run_talk_result result; /* borrowed */
};

static inline void
on_done(void *arg, enum err_code code, const struct run_talk_result *result,
    const struct err *err)
{
	struct world *w = arg;

	w->done = true;
	w->code = code;
	w->err = *err;
	w->result = *result;
}

static inline void
end_call(struct world *w, const char *by)
{
	if (w->ended)
		return;
	w->ended = true;
	run_talk_end(w->talk, START_MS + w->frames * 20, by, on_done, w);
}

static inline void
next_line(struct world *w)
{
	struct err err = {0};
	const char *line = *w->lines;

	if (line == NULL)
		return;
	w->spoken = false;
	if (strcmp(line, "HANGUP") == 0) {
		end_call(w, "callee");
	} else if (strcmp(line, "BEEP") == 0) {
		media_tone_beep(&w->tone, 1000, 400);
		w->beeping = true;
		w->lines++;
	} else {
		buf_clear(&w->sound);
		assert_int_equal(media_speech_say(w->speech, MEDIA_VOICE_CALLEE,
				     line, &w->sound, &err),
		    ERR_NONE);
		w->at = 0;
		w->from = w->frames;
	}
}

/* One frame of the callee's line; the words come with its end. */
static inline void
speak(struct world *w, uint8_t callee[CARRIER_FRAME])
{
	size_t left = w->sound.len - w->at;
	size_t n = left < CARRIER_FRAME ? left : CARRIER_FRAME;

	memcpy(callee, w->sound.bytes + w->at, n);
	w->at += n;
	if (w->at < w->sound.len)
		return;
	buf_clear(&w->sound);
	run_talk_caption(
	    w->talk, *w->lines++, w->from * 20, w->frames * 20 + 20);
	/* what follows without a turn of ours */
	if (*w->lines != NULL && strcmp(*w->lines, "BEEP") == 0)
		next_line(w);
}

static inline bool
fake_frame(void *c, const char *call_id, int64_t frame,
    const uint8_t agent[CARRIER_FRAME], uint8_t callee[CARRIER_FRAME])
{
	struct world *w = c;
	enum media_vad_event event;

	assert_string_equal(call_id, "call-1");
	if (!w->media || w->ended)
		return false;
	assert_int_equal(frame, w->frames);
	media_ulaw_silence(callee, CARRIER_FRAME);
	event = media_vad_frame(&w->vad, agent, NULL);
	w->spoken = w->spoken || event == MEDIA_VAD_STOP;
	if (w->beeping)
		w->beeping = media_tone_frame(&w->tone, callee);
	else if (w->sound.len > 0)
		speak(w, callee);
	else if (frame == 20 || w->spoken || w->pressed[0] != '\0')
		next_line(w);
	w->frames++;
	return !w->ended;
}

static inline void
fake_press(void *c, const char *call_id, const char *digits)
{
	struct world *w = c;
	size_t len = strlen(w->pressed);

	(void)call_id;
	(void)snprintf(
	    w->pressed + len, sizeof(w->pressed) - len, "%s", digits);
}

static inline void
on_hangup(void *arg)
{
	struct world *w = arg;

	w->hangups++;
	if (!w->ignores_hangup)
		end_call(w, "agent");
}

static const struct carrier_ops fake_ops = {.frame = fake_frame,
    .press = fake_press};

static inline void
open_world(struct world *w, const char *dir)
{
	const struct media_vad_options vad = MEDIA_VAD_DEFAULTS;

	memset(w, 0, sizeof(*w));
	assert_int_equal(net_env_open(&w->env, &w->err), ERR_NONE);
	assert_int_equal(
	    model_scripted_new(w->env, NULL, &w->model, &w->err), ERR_NONE);
	assert_int_equal(
	    media_speech_open(w->env, NULL, &w->speech, &w->err), ERR_NONE);
	w->carrier = (struct carrier){.ops = &fake_ops, .impl = w};
	w->sound = BUF_INIT(MEDIA_SPEECH_MAX);
	w->media = true;
	media_vad_init(&w->vad, &vad);
	if (dir != NULL) {
		(void)snprintf(w->dir, sizeof(w->dir), "%s", dir);
		return;
	}
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/run_talk.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
}

static inline void
close_world(struct world *w, bool remove)
{
	char command[128];

	run_talk_free(&w->talk);
	buf_free(&w->sound);
	media_speech_free(&w->speech);
	w->model.ops->free(w->model.impl);
	net_env_close(&w->env);
	if (!remove)
		return;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
	assert_int_equal(system(command), 0);
}

static inline enum err_code
start_as(struct world *w, const struct conf_kind *k, const char *const *lines)
{
	const struct run_talk_options o = {
	    .env = w->env,
	    .carrier = &w->carrier,
	    .kind = k,
	    .model = &w->model,
	    .recordings_dir = w->dir,
	    .name = "17-1",
	    .call_id = "call-1",
	    .to = "+15125550100",
	    .contact_json = "{\"first_name\":\"Anna\",\"ssn\":\"secret\"}",
	    .data_json = "{}",
	    .hangup = on_hangup,
	    .arg = w,
	};

	w->lines = lines;
	return run_talk_start(&o, START_MS, &w->talk, &w->err);
}

static inline enum err_code
start(struct world *w, const char *const *lines)
{
	return start_as(w, &kind, lines);
}

/* Tick by tick of real time, or faster, until the call is over and saved. */
static inline void
run(struct world *w, int64_t tick_ms)
{
	int64_t now = START_MS;

	for (int i = 0; i < 20000 && !w->ended; i++) {
		now += tick_ms;
		while (run_talk_tick(w->talk, now) && !w->ended)
			;
	}
	assert_true(w->ended);
	net_env_run(w->env);
	assert_true(w->done);
}

static inline char *
read_file(const struct world *w, const char *name, size_t *len)
{
	char path[256];
	char *text = NULL;
	struct err err = {0};

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	if (env_read_whole(w->env, path, 64 << 20, &text, len, &err) !=
	    ERR_NONE)
		fail_msg("%s", err.text);
	return text;
}

static inline bool
there_is(const struct world *w, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	return access(path, F_OK) == 0;
}

/* The file of an artifact has its size and its hash. */
static inline void
expect_artifact(const struct world *w, const struct run_artifact *a)
{
	uint8_t hash[SHA256_BYTES];
	size_t len;
	char *bytes = read_file(w, a->file, &len);

	assert_int_equal(len, a->bytes);
	sha256_once(bytes, len, hash);
	assert_memory_equal(hash, a->sha256, sizeof(hash));
	mem_free(&bytes);
}

static inline void
expect_replay(const struct world *w)
{
	char path[256];
	bool same = false;
	char *difference = NULL;
	int64_t events = 0;
	struct err err = {0};

	(void)snprintf(path, sizeof(path), "%s/17-1.talk.jsonl", w->dir);
	if (run_talk_replay(w->env, path, &kind, &same, &difference, &events,
		&err) != ERR_NONE)
		fail_msg("%s", err.text);
	if (!same)
		fail_msg("%s", difference);
	assert_true(events > 2);
}

/* The transcript as text, to be looked at. */
static inline char *
transcript(const struct world *w)
{
	size_t len;
	char *json = read_file(w, "17-1.transcript.json", &len);
	struct talk_transcript *t = NULL;
	struct buf text = BUF_INIT(1 << 20);
	struct err err = {0};
	char *copy;

	if (talk_transcript_parse(json, len, &t, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	talk_transcript_text(t, &text);
	copy = mem_strdup(buf_text(&text));
	talk_transcript_free(&t);
	buf_free(&text);
	mem_free(&json);
	return copy;
}

static inline void
expect_in_transcript(const struct world *w, const char *part)
{
	char *text = transcript(w);

	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, text);
	mem_free(&text);
}

static inline size_t
sounding(const char *bytes, size_t len, size_t channel)
{
	size_t n = 0;

	for (size_t i = channel * 160; i + 160 <= len; i += 320)
		for (size_t k = 0; k < 160; k++)
			n += (unsigned char)bytes[i + k] != MEDIA_SILENCE;
	return n;
}

#endif
