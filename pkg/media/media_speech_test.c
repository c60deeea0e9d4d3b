#include "media/media_speech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#include "media/media_ulaw.h"
#include "net/net_env.h"

#define JOINT 320
#define COMMA 960
#define SENTENCE 2400

static struct env *env;
static char dir[64];

static void
put_file(const char *name, const void *bytes, size_t len)
{
	char path[192];
	struct err err = {0};

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(
	    env_write_whole(env, path, bytes, len, &err), ERR_NONE);
}

static void
put_text(const char *name, const char *text)
{
	put_file(name, text, strlen(text));
}

/* A phrase of n equal bytes. */
static void
put_clip(const char *name, int byte, size_t n)
{
	char bytes[1024];

	memset(bytes, byte, n);
	put_file(name, bytes, n);
}

static int
set_up(void **state)
{
	char path[96];
	struct err err;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/media_speech_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir,
		    i == 0 ? "agent" : "callee");
		assert_int_equal(env_make_dir(env, path, &err), ERR_NONE);
	}
	put_clip("agent/hello.ul", 1, 100);
	put_clip("agent/hello-doctor.ul", 2, 200);
	put_clip("agent/doctor.ul", 3, 300);
	put_clip("agent/long.ul", 4, 400);
	put_text("agent/index.tsv", "# a comment\n"
				    "hello.ul\t100\tHello!\n"
				    "hello-doctor.ul\t200\tHello, doctor\n"
				    "doctor.ul\t300\tDoctor\n"
				    "\n"
				    "long.ul\t400\tHello doctor, I'm here.\n");
	put_clip("callee/hello.ul", 9, 90);
	put_text("callee/index.tsv", "hello.ul\t90\thello\n");
	return 0;
}

static void
remove_one(void *arg, const char *name)
{
	char path[512];

	(void)snprintf(
	    path, sizeof(path), "%s/%s/%s", dir, (const char *)arg, name);
	(void)unlink(path);
}

static int
tear_down(void **state)
{
	char voices[2][8] = {"agent", "callee"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		char path[96];
		struct err err = {0};

		(void)snprintf(path, sizeof(path), "%s/%s", dir, voices[i]);
		(void)env_list_dir(env, path, remove_one, voices[i], &err);
		(void)rmdir(path);
	}
	net_env_close(&env);
	return rmdir(dir);
}

static struct media_speech *
open_speech(void)
{
	struct media_speech *s = NULL;
	struct err err = {0};

	if (media_speech_open(env, dir, &s, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	return s;
}

/* What is said, as runs of "byte*count " (a synthesised word is "~N "). */
static const char *
said(struct media_speech *s, enum media_voice voice, const char *text)
{
	static char line[512];
	struct buf out = BUF_INIT(MEDIA_SPEECH_MAX);
	struct err err = {0};
	size_t len = 0, other = 0;

	if (media_speech_say(s, voice, text, &out, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	line[0] = '\0';
	for (size_t i = 0, n; i < out.len; i += n) {
		for (n = 1;
		     i + n < out.len && out.bytes[i + n] == out.bytes[i];)
			n++;
		uint8_t byte = (uint8_t)out.bytes[i];
		bool known = n >= 90 && (byte < 10 || byte == 0xFF);

		other += known ? 0 : n;
		if (other > 0 && (known || i + n == out.len)) {
			len += (size_t)snprintf(
			    line + len, sizeof(line) - len, "~ ");
			other = 0;
		}
		if (known)
			len += (size_t)snprintf(line + len, sizeof(line) - len,
			    "%s%d*%zu ", byte == 0xFF ? "-" : "",
			    byte == 0xFF ? 0 : byte, n);
	}
	buf_free(&out);
	return line;
}

static void
the_longest_recorded_phrase_wins(void **state)
{
	struct media_speech *s = open_speech();

	(void)state;
	assert_string_equal(said(s, MEDIA_VOICE_AGENT, "hello"), "1*100 ");
	assert_string_equal(
	    said(s, MEDIA_VOICE_AGENT, "Hello doctor"), "2*200 ");
	assert_string_equal(
	    said(s, MEDIA_VOICE_AGENT, "HELLO -- doctor! I\xE2\x80\x99m here"),
	    "4*400 ");
	/* The long one breaks off: the best that was complete is taken. */
	assert_string_equal(
	    said(s, MEDIA_VOICE_AGENT, "doctor doctor"), "3*300 -0*320 3*300 ");
	assert_string_equal(said(s, MEDIA_VOICE_CALLEE, "hello"), "9*90 ");
	media_speech_free(&s);
	assert_null(s);
}

static void
punctuation_becomes_pauses(void **state)
{
	struct media_speech *s = open_speech();

	(void)state;
	assert_string_equal(said(s, MEDIA_VOICE_AGENT, "Doctor, hello."),
	    "3*300 -0*960 1*100 ");
	assert_string_equal(said(s, MEDIA_VOICE_AGENT, "Doctor. Hello?!"),
	    "3*300 -0*2400 1*100 ");
	assert_string_equal(said(s, MEDIA_VOICE_AGENT, " \"Doctor\" hello"),
	    "3*300 -0*320 1*100 ");
	assert_string_equal(
	    said(s, MEDIA_VOICE_AGENT, "doctor.hello"), "3*300 -0*320 1*100 ");
	assert_string_equal(
	    said(s, MEDIA_VOICE_AGENT, "doctor \xE2\x80\x94 hello"),
	    "3*300 -0*960 1*100 ");
	assert_string_equal(said(s, MEDIA_VOICE_AGENT, "...  ,!"), "");
	assert_string_equal(said(s, MEDIA_VOICE_AGENT, ""), "");
	media_speech_free(&s);
}

static void
a_title_ends_no_sentence(void **state)
{
	struct media_speech *s;

	(void)state;
	put_text("agent/index.tsv", "hello.ul\t100\tDr\ndoctor.ul\t300\tNo\n");
	s = open_speech();
	assert_string_equal(said(s, MEDIA_VOICE_AGENT, "Dr. no. Dr. no"),
	    "1*100 -0*320 3*300 -0*2400 1*100 -0*320 3*300 ");
	media_speech_free(&s);
}

static void
what_is_not_recorded_is_synthesised(void **state)
{
	struct media_speech *s = open_speech();
	struct buf out = BUF_INIT(MEDIA_SPEECH_MAX);
	struct err err = {0};
	size_t at = 100 + COMMA;

	(void)state;
	assert_int_equal(media_speech_say(s, MEDIA_VOICE_AGENT,
			     "Hello, Bartholomew. Doctor", &out, &err),
	    ERR_NONE);
	/* 11 letters of 65 ms. */
	assert_int_equal(out.len, at + 11 * 520 + SENTENCE + 300);
	assert_int_equal(out.bytes[99], 1);
	assert_int_equal((uint8_t)out.bytes[at - 1], MEDIA_SILENCE);
	assert_int_equal(out.bytes[out.len - 300], 3);
	/* It is loud, and begins and ends softly. */
	int peak = 0;

	for (size_t i = at; i < at + 11 * 520; i++) {
		int x = abs(media_ulaw_linear[(uint8_t)out.bytes[i]]);

		peak = x > peak ? x : peak;
	}
	assert_in_range(peak, 8000, 10000);
	assert_int_equal(
	    media_ulaw_linear[(uint8_t)out.bytes[at + 11 * 520 - 1]], 0);
	buf_free(&out);
	media_speech_free(&s);
}

static void
an_empty_library_still_speaks(void **state)
{
	struct media_speech *s = NULL;
	struct buf a = BUF_INIT(MEDIA_SPEECH_MAX);
	struct buf b = BUF_INIT(MEDIA_SPEECH_MAX);
	struct err err = {0};
	double power = 0;

	(void)state;
	assert_int_equal(media_speech_open(env, NULL, &s, &err), ERR_NONE);
	assert_int_equal(media_speech_say(s, MEDIA_VOICE_AGENT,
			     "Room 7 for Jos\xC3\xA9", &a, &err),
	    ERR_NONE);
	/* room seven for jose' */
	assert_int_equal(a.len, (4 + 5 + 3 + 4) * 520 + 3 * JOINT);
	for (size_t i = 0; i < a.len; i++)
		power += (double)media_ulaw_linear[(uint8_t)a.bytes[i]] *
			 media_ulaw_linear[(uint8_t)a.bytes[i]];
	assert_true(power / (double)a.len > 500.0 * 500);
	/* The same text gives the same bytes, another voice others. */
	assert_int_equal(media_speech_say(s, MEDIA_VOICE_AGENT,
			     "room 7 for jos\xC3\xA9", &b, &err),
	    ERR_NONE);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.bytes, b.bytes, a.len);
	buf_clear(&b);
	assert_int_equal(media_speech_say(s, MEDIA_VOICE_CALLEE,
			     "room 7 for jos\xC3\xA9", &b, &err),
	    ERR_NONE);
	assert_int_equal(a.len, b.len);
	assert_int_not_equal(memcmp(a.bytes, b.bytes, a.len), 0);
	buf_free(&a);
	buf_free(&b);
	media_speech_free(&s);
}

static void
find_wants_the_whole_phrase(void **state)
{
	struct media_speech *s = open_speech();
	struct media_clip clip;
	struct err err = {0};

	(void)state;
	assert_int_equal(media_speech_find(s, MEDIA_VOICE_AGENT,
			     "  hello,   DOCTOR ", &clip, &err),
	    ERR_NONE);
	assert_int_equal(clip.samples, 200);
	assert_int_equal(clip.ulaw[199], 2);
	static const char *const absent[] = {
	    "hello doctor i'm", "hell", "hello doctor im here now", "", "?"};

	for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
		assert_int_equal(media_speech_find(s, MEDIA_VOICE_AGENT,
				     absent[i], &clip, &err),
		    ERR_NONE);
		assert_int_equal(clip.samples, 0);
	}
	media_speech_free(&s);
}

static void
cover_counts_words(void **state)
{
	struct media_speech *s = open_speech();
	size_t found = 99, missing = 99;

	(void)state;
	media_speech_cover(s, MEDIA_VOICE_AGENT,
	    "Hello doctor Who, hello there.", &found, &missing);
	assert_int_equal(found, 3);
	assert_int_equal(missing, 2);
	media_speech_free(&s);
}

static void
too_much_text_or_sound_is_refused_and_changes_nothing(void **state)
{
	struct media_speech *s = open_speech();
	struct buf out = BUF_INIT(1000);
	struct err err = {0};
	char text[MEDIA_SPEECH_TEXT_MAX + 2];

	(void)state;
	buf_puts(&out, "before");
	assert_int_equal(media_speech_say(s, MEDIA_VOICE_AGENT,
			     "hello, doctor. doctor. doctor", &out, &err),
	    ERR_MALFORMED);
	assert_string_equal(buf_text(&out), "before");
	assert_int_equal(
	    media_speech_say(s, MEDIA_VOICE_AGENT, "ab", &out, &err),
	    ERR_MALFORMED);
	assert_string_equal(buf_text(&out), "before");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(
	    media_speech_say(s, MEDIA_VOICE_AGENT, text, &out, &err),
	    ERR_MALFORMED);
	assert_non_null(strstr(err.text, "4096"));
	/* 4,096 letters are 266 s, which fits. */
	struct buf large = BUF_INIT(MEDIA_SPEECH_MAX);

	text[MEDIA_SPEECH_TEXT_MAX] = '\0';
	assert_int_equal(
	    media_speech_say(s, MEDIA_VOICE_AGENT, text, &large, &err),
	    ERR_NONE);
	assert_int_equal(large.len, MEDIA_SPEECH_TEXT_MAX * 520);
	buf_free(&large);
	buf_free(&out);
	media_speech_free(&s);
}

static void
a_bad_index_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *index, *says;
	} rows[] = {
	    {"a.ul 100 text\n", "line 1: expected FILE"},
	    {"#\na.ul\t100\n", "line 2: expected FILE"},
	    {"../a.ul\t100\ttext\n", "line 1: '../a.ul' is no plain"},
	    {".a\t100\ttext\n", "no plain file name"},
	    {"\t100\ttext\n", "no plain file name"},
	    {"a.ul\t0\ttext\n", "line 1: samples"},
	    {"a.ul\t480001\ttext\n", "line 1: samples"},
	    {"a.ul\tx\ttext\n", "line 1: samples"},
	    {"a.ul\t1\t?!\n", "line 1: text without a word"},
	    {"a.ul\t1\tOne.\n\nb.ul\t1\tone\n", "lines 1 and 3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct media_speech *s = NULL;
		struct err err = {0};

		put_text("agent/index.tsv", rows[i].index);
		assert_int_equal(
		    media_speech_open(env, dir, &s, &err), ERR_MALFORMED);
		assert_null(s);
		if (strstr(err.text, rows[i].says) == NULL &&
		    !(strstr(rows[i].says, "lines 1") != NULL &&
			strstr(err.text, "lines 3 and 1") != NULL))
			fail_msg("row %zu: %s", i, err.text);
		assert_non_null(strstr(err.text, "agent/index.tsv"));
	}
	put_file("agent/index.tsv", "a\0b", 3);
	struct media_speech *s = NULL;
	struct err err = {0};

	assert_int_equal(media_speech_open(env, dir, &s, &err), ERR_MALFORMED);
}

static void
missing_and_wrong_files_are_named(void **state)
{
	struct media_speech *s = NULL;
	struct buf out = BUF_INIT(MEDIA_SPEECH_MAX);
	struct media_clip clip;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    media_speech_open(env, "/nonexistent", &s, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "/nonexistent/agent/index.tsv"));
	put_text("agent/index.tsv", "gone.ul\t10\tgone\nhello.ul\t101\thi\n"
				    "doctor.ul\t299\tdoctor\n");
	s = open_speech();
	assert_int_equal(
	    media_speech_say(s, MEDIA_VOICE_AGENT, "hm gone", &out, &err),
	    ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "gone.ul"));
	assert_int_equal(out.len, 0);
	assert_int_equal(
	    media_speech_find(s, MEDIA_VOICE_AGENT, "hi", &clip, &err),
	    ERR_MALFORMED);
	assert_non_null(strstr(err.text, "100 samples, its index says 101"));
	assert_int_equal(clip.samples, 0);
	assert_int_equal(
	    media_speech_find(s, MEDIA_VOICE_AGENT, "doctor", &clip, &err),
	    ERR_MALFORMED);
	buf_free(&out);
	media_speech_free(&s);
}

/* The committed library: every phrase of its index is there and is sound. */
static void
the_committed_library_is_whole(void **state)
{
	static const char *const folders[] = {"agent", "callee"};
	struct media_speech *s = NULL;
	struct err err = {0};

	(void)state;
	if (media_speech_open(env, "fixtures/speech", &s, &err) != ERR_NONE)
		fail_msg("%s (run in the project's root)", err.text);
	for (int v = 0; v < 2; v++) {
		char path[64], *index = NULL, *save = NULL;
		size_t len = 0, phrases = 0;

		(void)snprintf(path, sizeof(path),
		    "fixtures/speech/%s/index.tsv", folders[v]);
		assert_int_equal(
		    env_read_whole(env, path, 1 << 20, &index, &len, &err),
		    ERR_NONE);
		for (char *line = strtok_r(index, "\n", &save); line != NULL;
		     line = strtok_r(NULL, "\n", &save)) {
			struct media_clip clip;
			double power = 0;

			if (*line == '#')
				continue;
			if (media_speech_find(s, (enum media_voice)v,
				strrchr(line, '\t') + 1, &clip,
				&err) != ERR_NONE)
				fail_msg("%s", err.text);
			assert_true(clip.samples > 800);
			for (size_t i = 0; i < clip.samples; i++)
				power +=
				    (double)media_ulaw_linear[clip.ulaw[i]] *
				    media_ulaw_linear[clip.ulaw[i]];
			if (power / (double)clip.samples < 800.0 * 800)
				fail_msg("too quiet: %s", line);
			phrases++;
		}
		assert_true(phrases >= 50);
		mem_free(&index);
	}
	media_speech_free(&s);
}

/* Whoever the sample jobs call, the agent has a recording of the name. */
static void
every_sample_name_and_sentence_is_recorded(void **state)
{
	static const struct {
		enum media_voice voice;
		const char *text;
	} rows[] = {
	    {MEDIA_VOICE_AGENT, "Thank you for your time, Maria. Goodbye."},
	    {MEDIA_VOICE_AGENT,
		"Am I speaking with the practice administrator?"},
	    {MEDIA_VOICE_AGENT, "Thursday at ten thirty"},
	    {MEDIA_VOICE_CALLEE, "No, thank you. We are not interested."},
	    {MEDIA_VOICE_CALLEE, "For billing, press 2."},
	};
	struct media_speech *s = NULL;
	struct err err = {0};
	char *names = NULL, *save = NULL;
	size_t len = 0, found, missing, n = 0;

	(void)state;
	assert_int_equal(
	    media_speech_open(env, "fixtures/speech", &s, &err), ERR_NONE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		media_speech_cover(
		    s, rows[i].voice, rows[i].text, &found, &missing);
		if (missing > 0)
			fail_msg("%s: %zu words", rows[i].text, missing);
	}
	assert_int_equal(env_read_whole(env, "fixtures/names.txt", 1 << 16,
			     &names, &len, &err),
	    ERR_NONE);
	for (char *line = strtok_r(names, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (*line == '#')
			continue;
		media_speech_cover(s, MEDIA_VOICE_AGENT, strchr(line, '\t') + 1,
		    &found, &missing);
		if (missing > 0)
			fail_msg("no recording of %s", line);
		n++;
	}
	assert_true(n > 60);
	mem_free(&names);
	media_speech_free(&s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_longest_recorded_phrase_wins),
	    T(punctuation_becomes_pauses),
	    T(a_title_ends_no_sentence),
	    T(what_is_not_recorded_is_synthesised),
	    T(an_empty_library_still_speaks),
	    T(find_wants_the_whole_phrase),
	    T(cover_counts_words),
	    T(too_much_text_or_sound_is_refused_and_changes_nothing),
	    T(a_bad_index_is_refused_with_its_line),
	    T(missing_and_wrong_files_are_named),
	    T(the_committed_library_is_whole),
	    T(every_sample_name_and_sentence_is_recorded),
	};

	return cmocka_run_group_tests_name("media_speech", tests, NULL, NULL);
}
