#include "sink/sink_file.h"

#include "base/text.h"

#include "media/media_wav.h"
#include "sink/sink_test.h"

#define TRANSCRIPT                                                         \
	"{\"schema\":1,\"call\":\"17-1\",\"kind\":\"intro-call\","         \
	"\"answeredAtMs\":1767603605000,\"durationMs\":4000,\"entries\":[" \
	"{\"role\":\"callee\",\"startMs\":500,\"endMs\":1700,\"text\":"    \
	"\"Hello?\"},{\"role\":\"agent\",\"startMs\":2000,\"endMs\":3100," \
	"\"text\":\"Hello, this is Sarah.\"}]}\n"

#define PLACE "out/c-1/a%2F1/"

/* A completed call, as the specification's example has it. */
static struct sink_result
completed(void)
{
	return (struct sink_result){
	    .job = 17,
	    .id = "a/1",
	    .source = "file",
	    .campaign = "c-1",
	    .kind = "intro-call",
	    .step = 2,
	    .final_step = true,
	    .state = JOB_DONE,
	    .outcome = JOB_OUTCOME_COMPLETED,
	    .reason = "",
	    .attempts = 2,
	    .revision = 1,
	    .attempt = 2,
	    .carrier = "sim",
	    .call_id = "sim-7",
	    .to = "+15125550100",
	    .placed_ms = INT64_C(1767603600000),
	    .answered_ms = INT64_C(1767603605000),
	    .ended_ms = INT64_C(1767603609021),
	    .answered_by = "human",
	    .decline_reason = "",
	    .meeting_json = "",
	    .cost_micros = 1250,
	    .recording_path = "",
	    .transcript_path = "",
	    .recording_url = "",
	    .transcript_url = "",
	};
}

static void
expect_line(const struct sink_result *r, const struct sink_json_files *made,
    const char *want)
{
	struct buf line = BUF_INIT(SINK_JSON_LINE_MAX);
	struct err err;

	assert_int_equal(sink_json_render(r, made, &line, &err), ERR_NONE);
	assert_string_equal(line.bytes, want);
	buf_free(&line);
}

static void
a_result_is_the_line_that_was_promised(void **state)
{
	struct sink_result r = completed();
	struct sink_json_files made = {
	    .recording = mem_strdup("/d/out/c-1/a%2F1/2.wav"),
	    .duration_ms = 4000,
	    .channels = 2,
	    .sample_rate = 8000,
	    .transcript = mem_strdup("/d/out/c-1/a%2F1/2.json"),
	};

	(void)state;
	memset(made.recording_sha256, 0xab, SHA256_BYTES);
	r.meeting_json = "{ \"at\": \"2026-01-09T15:00:00Z\",\n \"id\":\"m\"}";
	expect_line(&r, &made,
	    "{\"schema\":1,\"job\":{\"id\":\"a/1\",\"source\":\"file\","
	    "\"campaignId\":\"c-1\",\"step\":2,\"finalStep\":true,\"kind\":"
	    "\"intro-call\"},\"state\":\"DONE\",\"outcome\":\"completed\","
	    "\"attempts\":2,\"call\":{\"attempt\":2,\"carrier\":\"sim\","
	    "\"carrierCallId\":\"sim-7\",\"to\":\"+15125550100\","
	    "\"placedAt\":\"2026-01-05T09:00:00.000Z\",\"answeredAt\":"
	    "\"2026-01-05T09:00:05.000Z\",\"endedAt\":"
	    "\"2026-01-05T09:00:09.021Z\",\"durationMs\":4021,"
	    "\"answeredBy\":\"human\",\"declineReason\":null},"
	    "\"recording\":{\"path\":\"/d/out/c-1/a%2F1/2.wav\",\"sha256\":"
	    "\"abababababababababababababababababababababababababababababababab"
	    "\",\"durationMs\":4000,\"channels\":2,\"sampleRate\":8000},"
	    "\"transcript\":{\"path\":\"/d/out/c-1/a%2F1/2.json\"},"
	    "\"meeting\":{\"at\":\"2026-01-09T15:00:00Z\",\"id\":\"m\"},"
	    "\"costMicros\":1250,\"revision\":1}\n");
	sink_json_files_fini(&made);
	sink_json_files_fini(&made);
}

static void
a_job_never_called_has_a_line_too(void **state)
{
	struct sink_result r = completed();
	struct sink_json_files made = {0};

	(void)state;
	r.campaign = "";
	r.state = JOB_EXPIRED;
	r.outcome = JOB_OUTCOME_NONE;
	r.attempts = 0;
	r.attempt = 0;
	r.placed_ms = 0;
	r.answered_ms = 0;
	r.ended_ms = 0;
	r.final_step = false;
	expect_line(&r, &made,
	    "{\"schema\":1,\"job\":{\"id\":\"a/1\",\"source\":\"file\","
	    "\"campaignId\":null,\"step\":2,\"finalStep\":false,\"kind\":"
	    "\"intro-call\"},\"state\":\"EXPIRED\",\"outcome\":null,"
	    "\"attempts\":0,\"call\":null,\"recording\":null,\"transcript\":"
	    "null,\"meeting\":null,\"costMicros\":1250,\"revision\":1}\n");
}

static void
what_never_came_is_null(void **state)
{
	struct sink_result r = completed();
	struct sink_json_files made = {0};
	struct buf line = BUF_INIT(SINK_JSON_LINE_MAX);
	struct err err;

	(void)state;
	r.outcome = JOB_OUTCOME_NO_ANSWER;
	r.answered_ms = 0;
	r.answered_by = "";
	r.call_id = "";
	r.decline_reason = "line\nbreak";
	assert_int_equal(sink_json_render(&r, &made, &line, &err), ERR_NONE);
	assert_non_null(strstr(line.bytes,
	    "\"carrierCallId\":null,\"to\":\"+15125550100\",\"placedAt\":"
	    "\"2026-01-05T09:00:00.000Z\",\"answeredAt\":null,\"endedAt\":"
	    "\"2026-01-05T09:00:09.021Z\",\"durationMs\":0,\"answeredBy\":"
	    "null,\"declineReason\":\"line\\nbreak\"}"));
	assert_ptr_equal(strchr(line.bytes, '\n'), line.bytes + line.len - 1);
	buf_free(&line);
}

static void
a_meeting_that_is_no_object_adds_nothing(void **state)
{
	static const struct {
		const char *meeting;
		const char *error;
	} rows[] = {
	    {"[1]", "meeting: expected a JSON object of at most 262144 bytes"},
	    {"{\"a\":", "meeting: "},
	};
	struct sink_result r = completed();
	struct sink_json_files made = {0};
	struct buf line = BUF_INIT(SINK_JSON_LINE_MAX);
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		r.meeting_json = rows[i].meeting;
		assert_int_equal(
		    sink_json_render(&r, &made, &line, &err), ERR_MALFORMED);
		assert_true(text_starts(err.text, rows[i].error));
		assert_int_equal(line.len, 0);
	}
	buf_free(&line);
}

/* Files to export, and the result that names them. */
struct sent {
	struct sink_result r;
	char out[96];
	char ul2[96];
	char json[96];
};

static void
send_off(struct world *w, struct sent *s, size_t frames)
{
	size_t len = frames * 320;
	uint8_t *ul2 = mem_zalloc(len + 1, 1);

	for (size_t i = 0; i < len; i++)
		ul2[i] = (uint8_t)(i * 7 + i / 320);
	s->r = completed();
	put_file(w, "17-1.ul2", ul2, len);
	put_file(w, "17-1.json", TRANSCRIPT, strlen(TRANSCRIPT));
	(void)snprintf(s->out, sizeof(s->out), "%s/out", w->dir);
	(void)snprintf(s->ul2, sizeof(s->ul2), "%s/17-1.ul2", w->dir);
	(void)snprintf(s->json, sizeof(s->json), "%s/17-1.json", w->dir);
	sha256_once(ul2, len, s->r.recording_sha256);
	sha256_once(TRANSCRIPT, strlen(TRANSCRIPT), s->r.transcript_sha256);
	s->r.recording_path = s->ul2;
	s->r.transcript_path = s->json;
	mem_free(&ul2);
}

/* Export, and check that what stands there is right. */
static bool
export_all(struct world *w, void *arg)
{
	struct sent *s = arg;
	struct sink_json_files made;
	bool ok =
	    sink_file_export(w->env, s->out, &s->r, &made, &w->err) == ERR_NONE;

	sink_json_files_fini(&made);
	return ok;
}

static void
expect_exported(struct world *w, int64_t duration_ms)
{
	char *path = mem_printf("%s/%s2.wav", w->dir, PLACE);
	struct media_wav_info info;

	expect_file(w, PLACE "2.json", TRANSCRIPT);
	assert_int_equal(
	    media_wav_read(w->env, path, &info, &w->err), ERR_NONE);
	assert_int_equal(info.channels, 2);
	assert_int_equal(info.rate, 8000);
	assert_int_equal(info.duration_ms, duration_ms);
	mem_free(&path);

	char *text = get_file(w, PLACE "2.txt");

	assert_non_null(strstr(text, "Hello?"));
	assert_non_null(strstr(text, "Hello, this is Sarah."));
	mem_free(&text);
}

static void
an_attempt_leaves_sound_transcript_and_text(void **state)
{
	struct world *w = *state;
	struct sent s;
	struct sink_json_files made;
	char want[200];
	uint8_t hash[SHA256_BYTES];
	size_t len = 0;
	char *wav = NULL;

	send_off(w, &s, 210);
	assert_int_equal(
	    sink_file_export(w->env, s.out, &s.r, &made, &w->err), ERR_NONE);
	(void)snprintf(want, sizeof(want), "%s/%s2.wav", w->dir, PLACE);
	assert_string_equal(made.recording, want);
	assert_int_equal(made.duration_ms, 4200);
	assert_int_equal(made.channels, 2);
	assert_int_equal(made.sample_rate, 8000);
	assert_int_equal(
	    env_read_whole(w->env, want, 1 << 20, &wav, &len, &w->err),
	    ERR_NONE);
	sha256_once(wav, len, hash);
	assert_memory_equal(made.recording_sha256, hash, SHA256_BYTES);
	(void)snprintf(want, sizeof(want), "%s/%s2.json", w->dir, PLACE);
	assert_string_equal(made.transcript, want);
	expect_exported(w, 4200);
	mem_free(&wav);
	sink_json_files_fini(&made);
}

static void
making_them_again_gives_the_same_bytes(void **state)
{
	struct world *w = *state;
	struct sent s;
	struct sink_json_files a;
	struct sink_json_files b;

	send_off(w, &s, 3);
	assert_int_equal(
	    sink_file_export(w->env, s.out, &s.r, &a, &w->err), ERR_NONE);
	char *first = get_file(w, PLACE "2.txt");

	assert_int_equal(
	    sink_file_export(w->env, s.out, &s.r, &b, &w->err), ERR_NONE);
	assert_memory_equal(
	    a.recording_sha256, b.recording_sha256, SHA256_BYTES);
	expect_file(w, PLACE "2.txt", first);
	expect_exported(w, 60);
	mem_free(&first);
	sink_json_files_fini(&a);
	sink_json_files_fini(&b);
}

static void
without_files_nothing_is_made(void **state)
{
	struct world *w = *state;
	struct sink_result r = completed();
	struct sink_json_files made;
	char *out = mem_printf("%s/out", w->dir);
	struct env_stat st;

	assert_int_equal(
	    sink_file_export(w->env, out, &r, &made, &w->err), ERR_NONE);
	assert_null(made.recording);
	assert_null(made.transcript);
	assert_int_equal(env_stat(w->env, out, &st, &w->err), ERR_NOT_FOUND);
	mem_free(&out);
}

static void
a_job_without_campaign_lies_under_a_dash(void **state)
{
	struct world *w = *state;
	struct sent s;

	send_off(w, &s, 1);
	s.r.campaign = "";
	s.r.id = "x";
	s.r.recording_path = "";
	assert_true(export_all(w, &s));
	expect_file(w, "out/-/x/2.json", TRANSCRIPT);
	expect_file(w, "out/-/x/2.wav", NULL);
}

static void
what_differs_from_the_journal_is_never_exported(void **state)
{
	struct world *w = *state;
	struct sink_json_files made;
	struct sent s;
	char want[250];

	send_off(w, &s, 2);
	s.r.recording_sha256[31] ^= 1;
	assert_int_equal(
	    sink_file_export(w->env, s.out, &s.r, &made, &w->err), ERR_DAMAGED);
	(void)snprintf(want, sizeof(want),
	    "%s: this recording is not the one that was journalled (its "
	    "SHA-256 differs); it was not exported",
	    s.ul2);
	assert_string_equal(w->err.text, want);
	assert_null(made.recording);
	expect_file(w, PLACE "2.wav", NULL);
	sink_json_files_fini(&made);

	send_off(w, &s, 2);
	put_file(w, "17-1.json", TRANSCRIPT " ", strlen(TRANSCRIPT) + 1);
	assert_int_equal(
	    sink_file_export(w->env, s.out, &s.r, &made, &w->err), ERR_DAMAGED);
	(void)snprintf(want, sizeof(want),
	    "%s: this transcript is not the one that was journalled (its "
	    "SHA-256 differs); it was not exported",
	    s.json);
	assert_string_equal(w->err.text, want);
	assert_null(made.transcript);
	expect_file(w, PLACE "2.json", NULL);
	sink_json_files_fini(&made);
}

static void
what_is_gone_or_unreadable_is_said(void **state)
{
	struct world *w = *state;
	struct sink_json_files made;
	struct sent s;

	send_off(w, &s, 2);
	assert_int_equal(unlink(s.ul2), 0);
	assert_int_equal(sink_file_export(w->env, s.out, &s.r, &made, &w->err),
	    ERR_NOT_FOUND);
	assert_non_null(strstr(w->err.text, s.ul2));
	sink_json_files_fini(&made);

	send_off(w, &s, 2);
	put_file(w, "17-1.json", "{}", 2);
	sha256_once("{}", 2, s.r.transcript_sha256);
	assert_int_equal(sink_file_export(w->env, s.out, &s.r, &made, &w->err),
	    ERR_MALFORMED);
	expect_file(w, PLACE "2.json", NULL);
	sink_json_files_fini(&made);
}

static void
count_tmp(void *arg, const char *name)
{
	*(int *)arg += strstr(name, ".tmp") != NULL;
}

static void
wherever_it_dies_files_are_whole_and_doing_it_again_ends_it(void **state)
{
	struct world *w = *state;
	char *place = mem_printf("%s/%s", w->dir, PLACE);
	struct sent s;
	int n = 1;

	send_off(w, &s, 100);
	for (;; n++) {
		struct sweep all = {w->env, place};
		int tmp = 0;
		bool died;

		(void)env_list_dir(w->env, place, sweep_one, &all, &w->err);
		died = killed_at(n, export_all, w, &s);
		assert_true(export_all(w, &s));
		expect_exported(w, 2000);
		assert_int_equal(
		    env_list_dir(w->env, place, count_tmp, &tmp, &w->err),
		    ERR_NONE);
		assert_int_equal(tmp, 0);
		if (!died)
			break;
	}
	/* folders, sound, text, transcript, and each file's own steps */
	assert_true(n > 4 + 6);
	mem_free(&place);
}

static void
the_port_does_the_same(void **state)
{
	struct world *w = *state;
	struct buf line = BUF_INIT(SINK_JSON_LINE_MAX);
	struct sink_append_place next = SINK_APPEND_FIRST;
	enum sink_append_found found = SINK_APPEND_FOUND_COUNT;
	struct sent s;
	struct sink *sink;
	struct sink *other;

	send_off(w, &s, 50);
	sink = sink_file_new(w->env, s.out);
	other = sink_file_new(w->env, s.out);
	assert_int_equal(sink->ops->lock(sink->impl, &w->err), ERR_NONE);
	assert_int_equal(other->ops->lock(other->impl, &w->err), ERR_BUSY);
	assert_int_equal(
	    sink->ops->render(sink->impl, &s.r, &line, &w->err), ERR_NONE);
	expect_exported(w, 1000);
	assert_int_equal(sink->ops->plan(sink->impl, &SINK_APPEND_FIRST, &next,
			     &found, &w->err),
	    ERR_NONE);
	assert_int_equal(found, SINK_APPEND_FITS);
	assert_int_equal(sink->ops->verify(sink->impl, &next, line.bytes,
			     line.len, &next, &found, &w->err),
	    ERR_NONE);
	assert_int_equal(found, SINK_APPEND_FITS);
	assert_int_equal(
	    sink->ops->apply(sink->impl, &next, line.bytes, line.len, &w->err),
	    ERR_NONE);
	expect_file(w, "out/results.jsonl", line.bytes);
	sink->ops->unlock(sink->impl);
	assert_int_equal(other->ops->lock(other->impl, &w->err), ERR_NONE);

	/* what cannot be exported has no line */
	buf_clear(&line);
	s.r.recording_sha256[0] ^= 1;
	assert_int_equal(
	    sink->ops->render(sink->impl, &s.r, &line, &w->err), ERR_DAMAGED);
	assert_int_equal(line.len, 0);
	sink->ops->free(sink->impl);
	other->ops->free(other->impl);
	buf_free(&line);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_result_is_the_line_that_was_promised),
	    T(a_job_never_called_has_a_line_too),
	    T(what_never_came_is_null),
	    T(a_meeting_that_is_no_object_adds_nothing),
	    T(an_attempt_leaves_sound_transcript_and_text),
	    T(making_them_again_gives_the_same_bytes),
	    T(without_files_nothing_is_made),
	    T(a_job_without_campaign_lies_under_a_dash),
	    T(what_differs_from_the_journal_is_never_exported),
	    T(what_is_gone_or_unreadable_is_said),
	    T(wherever_it_dies_files_are_whole_and_doing_it_again_ends_it),
	    T(the_port_does_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
