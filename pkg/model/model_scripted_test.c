#include "model/model_scripted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#include "media/media_speech.h"
#include "media/media_ulaw.h"
#include "net/net_env.h"

struct world {
	struct env *env;
	struct model model;
	struct model_call *call;
	struct model_ear ear;
	int spoken;
	struct model_spoken last;
	char heard[MODEL_TEXT_MAX + 1];
	int64_t frames;
	char dir[64];
};

static void
on_spoken(struct model_ear *e, const struct model_spoken *s)
{
	struct world *w = CONTAINER_OF(e, struct world, ear);

	w->spoken++;
	w->last = *s;
	(void)snprintf(w->heard, sizeof(w->heard), "%s", s->heard);
}

static void
put_file(const struct world *w, const char *name, const void *bytes, size_t len)
{
	char path[128];
	struct err err = {0};

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	assert_int_equal(
	    env_write_whole(w->env, path, bytes, len, &err), ERR_NONE);
}

/* A library of two phrases: 800 samples of code 1, 400 of code 2. */
static void
make_library(struct world *w)
{
	static const char index[] =
	    "one.ul\t800\thello there friend\ntwo.ul\t400\tgoodbye\n";
	char path[128];
	uint8_t sound[800];
	struct err err = {0};

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/model_test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", w->dir,
		    i == 0 ? "agent" : "callee");
		assert_int_equal(env_make_dir(w->env, path, &err), ERR_NONE);
	}
	put_file(w, "callee/index.tsv", "", 0);
	put_file(w, "agent/index.tsv", index, sizeof(index) - 1);
	memset(sound, 1, sizeof(sound));
	put_file(w, "agent/one.ul", sound, 800);
	memset(sound, 2, sizeof(sound));
	put_file(w, "agent/two.ul", sound, 400);
}

static void
open_world(struct world *w, bool library)
{
	struct err err = {0};
	struct model_session session = {.name = "1-1", .ear = &w->ear};

	memset(w, 0, sizeof(*w));
	w->ear.spoken = on_spoken;
	assert_int_equal(net_env_open(&w->env, &err), ERR_NONE);
	if (library)
		make_library(w);
	if (model_scripted_new(
		w->env, library ? w->dir : NULL, &w->model, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	assert_int_equal(
	    w->model.ops->start(w->model.impl, &session, &w->call, &err),
	    ERR_NONE);
}

static void
close_world(struct world *w)
{
	char command[128];

	w->model.ops->stop(&w->call);
	assert_null(w->call);
	w->model.ops->stop(&w->call);
	w->model.ops->free(w->model.impl);
	net_env_close(&w->env);
	if (w->dir[0] == '\0')
		return;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
	assert_int_equal(system(command), 0);
}

static void
say(struct world *w, int64_t id, const char *text)
{
	struct err err = {0};

	assert_int_equal(w->model.ops->say(w->call, id, text, &err), ERR_NONE);
}

/* Pull until something ended, at most limit frames; the samples go to out. */
static size_t
pull(struct world *w, uint8_t *out, size_t limit)
{
	int before = w->spoken;
	size_t n = 0;

	while (n < limit && w->spoken == before) {
		(void)w->model.ops->frame(w->call, out + n * MODEL_FRAME);
		n++;
	}
	w->frames += (int64_t)n;
	return n;
}

#define LIMIT 3000

static uint8_t sound[LIMIT * MODEL_FRAME];

static size_t
count(const uint8_t *bytes, size_t len, uint8_t code)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += bytes[i] == code;
	return n;
}

static void
without_words_there_is_silence(void **state)
{
	struct world w;
	struct model_spoken s;

	(void)state;
	open_world(&w, false);
	assert_false(w.model.ops->frame(w.call, sound));
	assert_int_equal(count(sound, MODEL_FRAME, MEDIA_SILENCE), MODEL_FRAME);
	assert_false(w.model.ops->flush(w.call, &s));
	assert_int_equal(w.spoken, 0);
	close_world(&w);
}

static void
recorded_phrases_are_played_as_they_are(void **state)
{
	struct world w;
	size_t n;

	(void)state;
	open_world(&w, true);
	say(&w, 7, "Hello there, friend. Goodbye!");
	assert_int_equal(w.spoken, 0);
	n = pull(&w, sound, LIMIT);
	assert_int_equal(w.spoken, 1);
	assert_int_equal(w.last.id, 7);
	assert_true(w.last.whole);
	/* 800 + a sentence's pause of 2400 + 400 samples */
	assert_int_equal(w.last.played_ms, 450);
	assert_string_equal(w.heard, "Hello there, friend. Goodbye!");
	assert_int_equal(n, 23);
	assert_int_equal(sound[0], 1);
	assert_int_equal(count(sound, n * MODEL_FRAME, 1), 800);
	assert_int_equal(count(sound, n * MODEL_FRAME, 2), 400);
	assert_int_equal(sound[3200], 2);
	close_world(&w);
}

static void
unknown_words_are_synthesised(void **state)
{
	struct world w;
	size_t n;

	(void)state;
	open_world(&w, true);
	say(&w, 1, "Hello there friend Zebedee, goodbye");
	n = pull(&w, sound, LIMIT);
	assert_int_equal(count(sound, n * MODEL_FRAME, 1) >= 800, 1);
	assert_true(n > 8 + 3 + 10);
	assert_int_equal(w.last.played_ms / 20, (int64_t)n - 1);
	close_world(&w);
}

static void
a_flush_tells_what_was_heard(void **state)
{
	struct world w;
	struct model_spoken s = {0};

	(void)state;
	open_world(&w, true);
	say(&w, 3, "Hello there friend. Goodbye. Hello there friend.");
	say(&w, 4, "Goodbye.");
	(void)pull(&w, sound, 4);
	assert_true(w.model.ops->flush(w.call, &s));
	assert_int_equal(s.id, 3);
	assert_false(s.whole);
	assert_int_equal(s.played_ms, 80);
	assert_string_equal(s.heard, "Hello there");
	assert_false(w.model.ops->frame(w.call, sound));
	assert_int_equal(w.spoken, 0);
	say(&w, 5, "Hello there friend. Goodbye. Hello there friend.");
	(void)pull(&w, sound, 24);
	assert_true(w.model.ops->flush(w.call, &s));
	assert_string_equal(s.heard, "Hello there friend. Goodbye.");
	close_world(&w);
}

static void
a_flush_before_the_first_frame_heard_nothing(void **state)
{
	struct world w;
	struct model_spoken s = {0};

	(void)state;
	open_world(&w, true);
	say(&w, 3, "Goodbye.");
	assert_true(w.model.ops->flush(w.call, &s));
	assert_int_equal(s.played_ms, 0);
	assert_string_equal(s.heard, "");
	close_world(&w);
}

static void
texts_are_said_one_after_the_other(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, true);
	say(&w, 1, "Goodbye.");
	say(&w, 2, "Hello there friend.");
	(void)pull(&w, sound, LIMIT);
	assert_int_equal(w.last.id, 1);
	(void)pull(&w, sound, LIMIT);
	assert_int_equal(w.last.id, 2);
	assert_int_equal(w.spoken, 2);
	close_world(&w);
}

static void
the_queue_is_bounded(void **state)
{
	struct world w;
	struct err err = {0};
	char *text = mem_zalloc(MODEL_TEXT_MAX + 2, 1);

	(void)state;
	open_world(&w, false);
	memset(text, 'a', MODEL_TEXT_MAX + 1);
	assert_int_equal(
	    w.model.ops->say(w.call, 1, text, &err), ERR_MALFORMED);
	for (int64_t i = 1; i <= MODEL_SCRIPTED_QUEUE; i++)
		say(&w, i, "x");
	assert_int_equal(w.model.ops->say(w.call, 9, "x", &err), ERR_STATE);
	mem_free(&text);
	close_world(&w);
}

static void
odd_texts_end(void **state)
{
	static const char *const texts[] = {"", " ", "...", "? !", "a",
	    "\xc3\xa4\xc3\xb6 \xc3\xbc", " a  b ", "3.5 percent",
	    "Supercalifragilistic\xc3\xa4xpialidociousandmuchlongerstill"};
	struct world w;

	(void)state;
	open_world(&w, false);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		say(&w, (int64_t)i + 1, texts[i]);
		assert_true(pull(&w, sound, LIMIT) < LIMIT);
		assert_int_equal(w.last.id, (int64_t)i + 1);
	}
	close_world(&w);
}

static void
a_missing_library_is_named(void **state)
{
	struct env *env = NULL;
	struct err err = {0};
	struct model m;

	(void)state;
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	assert_int_equal(
	    model_scripted_new(env, "/tmp/no such place", &m, &err),
	    ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "model scripted"));
	net_env_close(&env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_words_there_is_silence),
	    cmocka_unit_test(recorded_phrases_are_played_as_they_are),
	    cmocka_unit_test(unknown_words_are_synthesised),
	    cmocka_unit_test(a_flush_tells_what_was_heard),
	    cmocka_unit_test(a_flush_before_the_first_frame_heard_nothing),
	    cmocka_unit_test(texts_are_said_one_after_the_other),
	    cmocka_unit_test(the_queue_is_bounded),
	    cmocka_unit_test(odd_texts_end),
	    cmocka_unit_test(a_missing_library_is_named),
	};

	return cmocka_run_group_tests_name("model_scripted", tests, NULL, NULL);
}
