#include "talk/talk_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#include "talk/talk_transcript.h"

#define HEAD                                                               \
	"{\"schema\":1,\"talk\":\"17-1\",\"kind\":\"k\",\"script\":\""     \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"\",\"answeredAtMs\":1767603600000,\"values\":{\"data.a\":\"x\"}}\n"

static enum err_code
open_text(const char *text, struct talk_reader **r, struct err *err)
{
	return talk_reader_open(text, strlen(text), r, err);
}

/* The error of reading HEAD and line to the end. */
static void
expect_refused(const char *line, const char *part)
{
	char *text = mem_printf("%s%s\n", HEAD, line);
	struct talk_reader *r = NULL;
	struct talk_record rec;
	bool more = true;
	struct err err = {0};

	assert_int_equal(open_text(text, &r, &err), ERR_NONE);
	assert_int_equal(talk_reader_next(r, &rec, &more, &err), ERR_MALFORMED);
	if (strstr(err.text, part) == NULL ||
	    strstr(err.text, "line 2") == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, err.text);
	talk_reader_close(&r);
	mem_free(&text);
}

static void
what_is_written_is_read_again(void **state)
{
	const struct talk_event event = {.kind = TALK_EV_CAPTION,
	    .at_ms = 2310,
	    .start_ms = 500,
	    .end_ms = 1700,
	    .text = "\"Hello\",\n\xc3\xa4"};
	const struct talk_effect effects[] = {
	    {.kind = TALK_DO_SAY, .id = 3, .text = "a \\ b"},
	    {.kind = TALK_DO_SET_TIMER, .id = TALK_TIMER_AWAY, .at_ms = 9},
	    {.kind = TALK_DO_CANCEL_TIMER, .id = TALK_TIMER_TURN},
	    {.kind = TALK_DO_FLUSH},
	};
	struct talk_values values;
	struct talk_header head = {
	    .talk = "17-1", .kind = "k", .answered_ms = 7, .values = &values};
	struct buf text = BUF_INIT(1 << 16);
	struct talk_reader *r = NULL;
	struct talk_record rec;
	bool more = false;
	struct err err = {0};

	(void)state;
	talk_values_init(&values);
	assert_int_equal(
	    talk_values_add(&values, "data.q", "a\"b", &err), ERR_NONE);
	memset(head.script, 0xab, sizeof(head.script));
	talk_file_put_header(&head, &text);
	talk_file_put_event(&event, effects, ARRAY_LEN(effects), &text);

	assert_int_equal(
	    talk_reader_open(text.bytes, text.len, &r, &err), ERR_NONE);
	assert_string_equal(talk_reader_header(r)->talk, "17-1");
	assert_int_equal(talk_reader_header(r)->answered_ms, 7);
	assert_memory_equal(
	    talk_reader_header(r)->script, head.script, SHA256_BYTES);
	assert_string_equal(
	    talk_values_get(talk_reader_header(r)->values, "data.q"), "a\"b");
	assert_int_equal(talk_reader_next(r, &rec, &more, &err), ERR_NONE);
	assert_true(more);
	assert_int_equal(rec.number, 2);
	assert_int_equal(rec.event.kind, TALK_EV_CAPTION);
	assert_int_equal(rec.event.at_ms, 2310);
	assert_int_equal(rec.event.start_ms, 500);
	assert_int_equal(rec.event.end_ms, 1700);
	assert_string_equal(rec.event.text, event.text);
	assert_int_equal(rec.effects, 4);
	assert_int_equal(rec.effect[0].id, 3);
	assert_string_equal(rec.effect[0].text, "a \\ b");
	assert_int_equal(rec.effect[1].id, TALK_TIMER_AWAY);
	assert_int_equal(rec.effect[1].at_ms, 9);
	assert_int_equal(rec.effect[2].kind, TALK_DO_CANCEL_TIMER);
	assert_int_equal(rec.effect[3].kind, TALK_DO_FLUSH);
	assert_int_equal(talk_reader_next(r, &rec, &more, &err), ERR_NONE);
	assert_false(more);
	talk_reader_close(&r);
	talk_values_fini(&values);
	buf_free(&text);
}

/* Every kind of event and timer has a name that leads back to it. */
static void
every_kind_of_event_comes_back(void **state)
{
	(void)state;
	for (int k = 0; k < TALK_EVENT_COUNT + TALK_TIMER_COUNT; k++) {
		bool timer = k >= TALK_EVENT_COUNT;
		struct talk_event e = {
		    .kind = timer ? TALK_EV_TIMER : (enum talk_event_kind)k,
		    .id = timer ? k - TALK_EVENT_COUNT : 0,
		    .ok = k % 2 == 0,
		    .played_ms = k,
		    .digit = k % 3 == 0 ? '#' : '\0'};
		struct buf text = BUF_INIT(1 << 16);
		struct talk_reader *r = NULL;
		struct talk_record rec;
		bool more;
		struct err err = {0};

		buf_puts(&text, HEAD);
		talk_file_put_event(&e, NULL, 0, &text);
		assert_int_equal(
		    talk_reader_open(text.bytes, text.len, &r, &err), ERR_NONE);
		assert_int_equal(
		    talk_reader_next(r, &rec, &more, &err), ERR_NONE);
		assert_int_equal(rec.event.kind, e.kind);
		assert_int_equal(rec.event.id, e.id);
		assert_int_equal(rec.event.ok, e.ok);
		assert_int_equal(rec.event.played_ms, e.played_ms);
		assert_int_equal(rec.event.digit, e.digit);
		talk_reader_close(&r);
		buf_free(&text);
	}
}

static void
a_torn_last_line_is_left_out(void **state)
{
	static const char whole[] =
	    HEAD "{\"at\":0,\"ev\":\"start\",\"fx\":[]}\n";
	struct talk_reader *r = NULL;
	struct talk_record rec;
	bool more = true;
	size_t offset = 0;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    open_text(HEAD
		"{\"at\":0,\"ev\":\"start\",\"fx\":[]}\n{\"at\":5,\"ev",
		&r, &err),
	    ERR_NONE);
	assert_int_equal(talk_reader_next(r, &rec, &more, &err), ERR_NONE);
	assert_true(more);
	assert_int_equal(talk_reader_next(r, &rec, &more, &err), ERR_NONE);
	assert_false(more);
	assert_true(talk_reader_torn(r, &offset));
	assert_int_equal(offset, sizeof(whole) - 1);
	talk_reader_close(&r);
	assert_int_equal(open_text("", &r, &err), ERR_NOT_FOUND);
	assert_int_equal(open_text("{\"schema\":1", &r, &err), ERR_NOT_FOUND);
	assert_null(r);
}

static void
a_strange_line_is_refused_with_its_number(void **state)
{
	(void)state;
	expect_refused("", "line 2");
	expect_refused("[]", "expected an object");
	expect_refused("{\"at\":1,\"ev\":\"start\"}", "fx");
	expect_refused("{\"ev\":\"start\",\"fx\":[]}", "at");
	expect_refused("{\"at\":-1,\"ev\":\"start\",\"fx\":[]}", "at");
	expect_refused("{\"at\":1,\"ev\":\"sing\",\"fx\":[]}", "\"sing\"");
	expect_refused("{\"at\":1,\"ev\":\"timer\",\"fx\":[]}", "timer");
	expect_refused(
	    "{\"at\":1,\"ev\":\"timer\",\"timer\":\"tea\",\"fx\":[]}",
	    "\"tea\"");
	expect_refused(
	    "{\"at\":1,\"ev\":\"dtmf\",\"digit\":\"12\",\"fx\":[]}", "one key");
	expect_refused(
	    "{\"at\":1,\"ev\":\"start\",\"more\":1,\"fx\":[]}", "more");
	expect_refused(
	    "{\"at\":1,\"ev\":\"start\",\"fx\":[{\"do\":\"dance\"}]}",
	    "\"dance\"");
	expect_refused("{\"at\":1,\"ev\":\"start\",\"fx\":[1]}", "object");
}

static void
limits_are_kept(void **state)
{
	char *big = mem_zalloc(TALK_LINE_MAX + 1, 1);
	char *line;
	struct buf many = BUF_INIT(1 << 16);

	(void)state;
	memset(big, 'a', TALK_EVENT_TEXT_MAX + 1);
	line = mem_printf(
	    "{\"at\":1,\"ev\":\"caption\",\"text\":\"%s\",\"fx\":[]}", big);
	expect_refused(line, "text");
	mem_free(&line);
	memset(big, ' ', TALK_LINE_MAX);
	line = mem_printf("{\"at\":1,\"ev\":\"start\",\"fx\":[]%s}", big);
	expect_refused(line, "line 2");
	mem_free(&line);
	buf_puts(&many, "{\"at\":1,\"ev\":\"start\",\"fx\":[");
	for (int i = 0; i <= TALK_EFFECTS_MAX; i++)
		buf_puts(&many,
		    i == 0 ? "{\"do\":\"flush\"}" : ",{\"do\":\"flush\"}");
	buf_puts(&many, "]}");
	expect_refused(many.bytes, "effects");
	buf_free(&many);
	mem_free(&big);
}

static void
a_strange_header_is_refused(void **state)
{
	static const char *const heads[] = {"x\n", "[]\n",
	    "{\"schema\":2,\"talk\":\"a\",\"kind\":\"k\",\"script\":\"00\","
	    "\"answeredAtMs\":1,\"values\":{}}\n",
	    "{\"schema\":1,\"talk\":\"a\",\"kind\":\"k\",\"script\":\"00\","
	    "\"answeredAtMs\":1,\"values\":{}}\n"};
	struct talk_reader *r = NULL;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		assert_int_equal(open_text(heads[i], &r, &err), ERR_MALFORMED);
		assert_non_null(strstr(err.text, "line 1"));
		assert_null(r);
	}
	assert_int_equal(
	    talk_reader_open(HEAD, TALK_FILE_MAX + 1, &r, &err), ERR_MALFORMED);
}

/* ---- the transcript that is made from it ---- */

static const char talk[] = HEAD
    "{\"at\":0,\"ev\":\"answered\",\"text\":\"\",\"fx\":[{\"do\":"
    "\"listen\"}]}\n"
    "{\"at\":1700,\"ev\":\"caption\",\"start\":500,\"end\":1700,\"text\":"
    "\"Hello?\",\"fx\":[{\"do\":\"say\",\"id\":1,\"text\":\"Hello, this is "
    "Sarah.\"}]}\n"
    "{\"at\":2700,\"ev\":\"spoken\",\"id\":1,\"played\":900,\"text\":"
    "\"Hello, this\",\"fx\":[]}\n"
    "{\"at\":3000,\"ev\":\"caption\",\"start\":2000,\"end\":3000,\"text\":"
    "\"Who?\",\"fx\":[{\"do\":\"press\",\"text\":\"2\"},{\"do\":\"say\","
    "\"id\":2,\"text\":\"Sarah.\"}]}\n"
    "{\"at\":3900,\"ev\":\"spoken\",\"id\":2,\"played\":800,\"ok\":true,"
    "\"text\":\"Sarah.\",\"fx\":[{\"do\":\"book\",\"id\":3,\"text\":\"{}\"}]}\n"
    "{\"at\":4000,\"ev\":\"tool_result\",\"id\":3,\"ok\":true,\"text\":"
    "\"{\\\"a\\\":1}\",\"fx\":[]}\n"
    "{\"at\":4100,\"ev\":\"dtmf\",\"digit\":\"7\",\"fx\":[{\"do\":\"say\","
    "\"id\":4,\"text\":\"Unfinished words\"}]}\n";

static const char transcript_json[] =
    "{\"schema\":1,\"call\":\"17-1\",\"kind\":\"k\",\"answeredAtMs\":"
    "1767603600000,\"durationMs\":5000,\"entries\":["
    "{\"role\":\"callee\",\"startMs\":500,\"endMs\":1700,\"text\":\"Hello?\"},"
    "{\"role\":\"agent\",\"startMs\":1800,\"endMs\":2700,\"text\":\"Hello, "
    "this\",\"interruptedAtMs\":2700},"
    "{\"role\":\"callee\",\"startMs\":2000,\"endMs\":3000,\"text\":\"Who?\"},"
    "{\"role\":\"dtmf\",\"startMs\":3000,\"endMs\":3000,\"text\":\"2\","
    "\"by\":\"agent\"},"
    "{\"role\":\"agent\",\"startMs\":3100,\"endMs\":3900,\"text\":\"Sarah.\"},"
    "{\"role\":\"tool\",\"startMs\":3900,\"endMs\":4000,\"text\":"
    "\"{\\\"a\\\":1}\"},"
    "{\"role\":\"dtmf\",\"startMs\":4100,\"endMs\":4100,\"text\":\"7\","
    "\"by\":\"callee\"},"
    "{\"role\":\"agent\",\"startMs\":4100,\"endMs\":5000,\"text\":\"Unfinished "
    "words\",\"interruptedAtMs\":5000}]}\n";

static const char transcript_text[] =
    "Call 17-1 (k), answered 2026-01-05T09:00:00.000Z, 5.0 s\n\n"
    "00:00.5  callee  Hello?\n"
    "00:01.8  agent   Hello, this -- [interrupted]\n"
    "00:02.0  callee  Who?\n"
    "00:03.0  agent   [presses 2]\n"
    "00:03.1  agent   Sarah.\n"
    "00:03.9  tool    {\"a\":1}\n"
    "00:04.1  callee  [presses 7]\n"
    "00:04.1  agent   Unfinished words -- [interrupted]\n";

static void
a_transcript_stands_on_the_recordings_clock(void **state)
{
	struct talk_transcript *t = NULL;
	struct buf out = BUF_INIT(1 << 16);
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    talk_transcript_build(talk, sizeof(talk) - 1, 5000, &t, &err),
	    ERR_NONE);
	talk_transcript_json(t, &out);
	assert_string_equal(out.bytes, transcript_json);
	buf_clear(&out);
	talk_transcript_text(t, &out);
	assert_string_equal(out.bytes, transcript_text);
	talk_transcript_free(&t);
	buf_free(&out);
}

static void
a_transcript_reads_its_own_json(void **state)
{
	struct talk_transcript *t = NULL;
	struct buf out = BUF_INIT(1 << 16);
	struct err err = {0};

	(void)state;
	assert_int_equal(talk_transcript_parse(transcript_json,
			     sizeof(transcript_json) - 1, &t, &err),
	    ERR_NONE);
	talk_transcript_json(t, &out);
	assert_string_equal(out.bytes, transcript_json);
	talk_transcript_free(&t);
	buf_free(&out);
}

static void
without_a_recording_the_last_event_is_the_end(void **state)
{
	struct talk_transcript *t = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    talk_transcript_build(talk, sizeof(talk) - 1, 0, &t, &err),
	    ERR_NONE);
	assert_int_equal(t->duration_ms, 4100);
	talk_transcript_free(&t);
}

static void
a_strange_transcript_is_refused(void **state)
{
	static const char *const texts[] = {"", "[]", "{\"schema\":2}",
	    "{\"schema\":1,\"call\":\"a\",\"kind\":\"k\",\"answeredAtMs\":1,"
	    "\"durationMs\":1,\"entries\":[{\"role\":\"ghost\",\"startMs\":0,"
	    "\"endMs\":0,\"text\":\"\"}]}",
	    "{\"schema\":1,\"call\":\"a\",\"kind\":\"k\",\"answeredAtMs\":1,"
	    "\"durationMs\":1,\"entries\":[{\"role\":\"agent\",\"startMs\":-1,"
	    "\"endMs\":0,\"text\":\"\"}]}"};
	struct talk_transcript *t = NULL;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(
		    talk_transcript_parse(texts[i], strlen(texts[i]), &t, &err),
		    ERR_MALFORMED);
		assert_null(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read_again),
	    cmocka_unit_test(every_kind_of_event_comes_back),
	    cmocka_unit_test(a_torn_last_line_is_left_out),
	    cmocka_unit_test(a_strange_line_is_refused_with_its_number),
	    cmocka_unit_test(limits_are_kept),
	    cmocka_unit_test(a_strange_header_is_refused),
	    cmocka_unit_test(a_transcript_stands_on_the_recordings_clock),
	    cmocka_unit_test(a_transcript_reads_its_own_json),
	    cmocka_unit_test(without_a_recording_the_last_event_is_the_end),
	    cmocka_unit_test(a_strange_transcript_is_refused),
	};

	return cmocka_run_group_tests_name("talk_file", tests, NULL, NULL);
}
