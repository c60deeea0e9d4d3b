#include "sink/sink_logtail.h"

#include <zlib.h>

#include "base/dynlib.h"
#include "base/text.h"

#include "json/json.h"
#include "sink/sink_http_test.h"
#include "sink/sink_json.h"

#define PLAIN_MAX (4 << 20)

static void
attend(void *arg, const char *what)
{
	struct bench *b = arg;

	b->attentions++;
	(void)snprintf(b->attention, sizeof(b->attention), "%s", what);
}

static void
open_tail(struct bench *b, int64_t lines)
{
	const struct sink_logtail_options o = {.env = b->w->env,
	    .http = b->http,
	    .url = b->url,
	    .token = "tok-123",
	    .origin = "journal-1",
	    .dir = b->dir,
	    .batch_lines = lines,
	    .total_ms = 3000,
	    .attention = attend,
	    .arg = b};
	struct err err;

	assert_int_equal(sink_logtail_new(&o, &b->sink, &err), ERR_NONE);
	assert_string_equal(b->sink->service, "logtail");
}

/* What a request said, unpacked; mem_free.  Also on the peer's threads. */
static char *
unpacked(const struct net_peer_got *got)
{
	static const char *const names[] = {"libz.so.1", NULL};
	struct {
		__typeof__(inflateInit2_) *init;
		__typeof__(inflate) *inflate;
		__typeof__(inflateEnd) *end;
	} z;
	const struct dynlib_symbol symbols[] = {
	    {"inflateInit2_", &z.init},
	    {"inflate", &z.inflate},
	    {"inflateEnd", &z.end},
	    {NULL, NULL},
	};
	char *text = mem_zalloc(PLAIN_MAX, 1);
	z_stream s = {0};
	struct err err;

	CHECK(dynlib_open(names, "zlib1g", symbols, &err) == ERR_NONE);
	CHECK(z.init(&s, 15 + 16, ZLIB_VERSION, (int)sizeof(s)) == Z_OK);
	s.next_in = (Bytef *)got->body;
	s.avail_in = (uInt)got->body_len;
	s.next_out = (Bytef *)text;
	s.avail_out = PLAIN_MAX - 1;
	CHECK(z.inflate(&s, Z_FINISH) == Z_STREAM_END);
	CHECK(z.end(&s) == Z_OK);
	return text;
}

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static size_t
lines_of(struct bench *b, size_t i)
{
	char *text = unpacked(net_peer_request(b->peer, i));
	size_t n = count_lines(text);

	mem_free(&text);
	return n;
}

static char ids[MANY][12];

/* n pushes, from 0 on, named after their number, started and flushed. */
static void
begin_many(struct bench *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "job-%zu", i);
		begin(try_one(b, i, ids[i]));
	}
	flush(b);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(b->tried[i].dones, 0);
}

static void
expect_all(struct bench *b, size_t n, enum err_code code)
{
	for (size_t i = 0; i < n; i++) {
		if (b->tried[i].dones != 1 || b->tried[i].p.code != code)
			fail_msg("push %zu: told %d times, %s: %s", i,
			    b->tried[i].dones, err_name(b->tried[i].p.code),
			    b->tried[i].p.err.text);
	}
}

static void
what_was_gathered_goes_as_one_batch_of_lines(void **state)
{
	struct bench *b = *state;
	char value[200], want[SINK_EVENT_MAX];

	open_tail(b, 0);
	script(b, (struct net_peer_reply){.status = 202});
	begin_many(b, 3);
	net_env_run(b->w->env);
	expect_all(b, 3, ERR_NONE);
	assert_int_equal(net_peer_count(b->peer), 1);
	const struct net_peer_got *got = net_peer_request(b->peer, 0);

	assert_string_equal(got->method, "POST");
	assert_true(net_peer_header(got, "Authorization", value, 200));
	assert_string_equal(value, "Bearer tok-123");
	assert_true(net_peer_header(got, "Content-Type", value, 200));
	assert_string_equal(value, "application/x-ndjson");
	assert_true(net_peer_header(got, "Content-Encoding", value, 200));
	assert_string_equal(value, "gzip");
	char *text = unpacked(got);

	assert_int_equal(count_lines(text), 3);
	*strchr(text, '\n') = '\0';
	(void)snprintf(value, sizeof(value), "\"eventId\":\"%s\"",
	    sink_event_id("journal-1", &b->tried[0].r, want));
	assert_non_null(strstr(text, value));
	*strstr(text, value) = '\0';
	assert_string_equal(text,
	    "{\"dt\":\"2026-01-05T09:00:09.021Z\",\"level\":\"info\","
	    "\"message\":\"call completed\",\"event\":\"job.finished\",");
	mem_free(&text);
}

static void
no_number_name_or_meeting_is_in_a_line(void **state)
{
	static const char *const never[] = {
	    "5125550100", "ller", "meeting", "/secret", "s3.example"};
	struct bench *b = *state;

	open_tail(b, 0);
	(void)push(b, "7");
	char *text = unpacked(net_peer_request(b->peer, 0));

	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		assert_null(strstr(text, never[i]));
	text[strlen(text) - 1] = '\0';
	assert_non_null(strstr(text,
	    "\"call\":{\"attempt\":2,\"carrier\":\"sim\",\"carrierCallId\":"
	    "\"sim-7\",\"answeredBy\":\"human\",\"durationMs\":4021},"
	    "\"costMicros\":1250,\"revision\":1}"));
	mem_free(&text);
}

static void
a_job_without_a_call_warns_and_has_a_time(void **state)
{
	struct bench *b = *state;
	struct tried *t = try_one(b, 0, "7");

	open_tail(b, 0);
	t->r.state = JOB_EXPIRED;
	t->r.outcome = JOB_OUTCOME_NONE;
	t->r.reason = "deadline";
	t->r.placed_ms = t->r.answered_ms = t->r.ended_ms = 0;
	begin(t);
	flush(b);
	net_env_run(b->w->env);
	char *text = unpacked(net_peer_request(b->peer, 0));

	assert_non_null(strstr(text, "{\"dt\":\"20"));
	assert_non_null(strstr(text, "\"level\":\"warn\""));
	assert_non_null(strstr(text, "\"reason\":\"deadline\""));
	assert_non_null(strstr(text, "\"outcome\":null"));
	assert_non_null(strstr(text, "\"call\":null"));
	mem_free(&text);
}

static void
a_batch_has_its_most_lines_and_its_most_bytes(void **state)
{
	static char longs[MANY][9900];
	struct bench *b = *state;

	open_tail(b, 50);
	begin_many(b, 120);
	net_env_run(b->w->env);
	expect_all(b, 120, ERR_NONE);
	assert_int_equal(net_peer_count(b->peer), 3);
	assert_int_equal(lines_of(b, 0) + lines_of(b, 1) + lines_of(b, 2), 120);
	for (size_t i = 0; i < 3; i++)
		assert_true(lines_of(b, i) <= 50);
	b->sink->ops->free(b->sink->impl);
	open_tail(b, 0);
	for (size_t i = 0; i < 120; i++) {
		memset(longs[i], 'a' + (int)(i % 26), sizeof(longs[i]) - 1);
		begin(try_one(b, i, longs[i]));
	}
	flush(b);
	net_env_run(b->w->env);
	expect_all(b, 120, ERR_NONE);
	assert_int_equal(net_peer_count(b->peer), 5);
	assert_int_equal(lines_of(b, 3) + lines_of(b, 4), 120);
	for (size_t i = 3; i < 5; i++) {
		char *text = unpacked(net_peer_request(b->peer, i));

		assert_true(strlen(text) <= SINK_LOGTAIL_BYTES);
		mem_free(&text);
	}
}

static void
a_service_that_is_away_keeps_the_rows_where_they_are(void **state)
{
	static const struct verdict_row rows[] = {
	    {{.status = 202}, ERR_NONE, -1, false, ""},
	    {{.status = 408}, ERR_TIMEOUT, -1, true, "408"},
	    {{.status = 425}, ERR_UNREACHABLE, -1, true, "425"},
	    {{.status = 429, .headers = "Retry-After: 3\r\n"}, ERR_THROTTLED,
		3000, true, "429"},
	    {{.status = 500}, ERR_UNREACHABLE, -1, true, "500"},
	    {{.status = 503}, ERR_THROTTLED, -1, true, "503"},
	    {{.cut = true, .cut_at = 0, .then = NET_PEER_RESET},
		ERR_UNREACHABLE, -1, true, ""},
	    {{.status = 406, .body = "what is this"}, ERR_REJECTED, -1, false,
		"what is this"},
	    {{.status = 413}, ERR_REJECTED, -1, false, "413"},
	};
	struct bench *b = *state;

	open_tail(b, 0);
	expect_verdicts(b, rows, ARRAY_LEN(rows));
	assert_int_equal(b->attentions, 0);
	assert_null(get_file(b->w, "logs/" SINK_LOGTAIL_FILE));
}

static void
every_line_of_a_batch_hears_the_same(void **state)
{
	struct bench *b = *state;

	open_tail(b, 0);
	script(b, (struct net_peer_reply){.status = 500});
	begin_many(b, 9);
	net_env_run(b->w->env);
	expect_all(b, 9, ERR_UNREACHABLE);
	assert_int_equal(net_peer_count(b->peer), 1);
}

static void
three_at_most(
    void *arg, const struct net_peer_got *got, struct net_peer_reply *out)
{
	char *text = unpacked(got);

	(void)arg;
	out->status = count_lines(text) > 3 ? 413 : 202;
	mem_free(&text);
}

static void
no_poison(void *arg, const struct net_peer_got *got, struct net_peer_reply *out)
{
	char *text = unpacked(got);

	(void)arg;
	out->status = strstr(text, "\"job-5\"") != NULL ? 406 : 202;
	mem_free(&text);
}

static void
answer_by(
    struct bench *b, void (*answer)(void *arg, const struct net_peer_got *got,
			 struct net_peer_reply *out))
{
	net_peer_close(&b->peer);
	b->peer = net_peer_open(&(struct net_peer_options){.answer = answer});
	net_peer_url(b->peer, "/hook", b->url, sizeof(b->url));
}

static void
a_batch_that_is_too_large_is_halved_until_it_fits(void **state)
{
	struct bench *b = *state;
	size_t taken = 0;

	answer_by(b, three_at_most);
	open_tail(b, 0);
	begin_many(b, 21);
	net_env_run(b->w->env);
	expect_all(b, 21, ERR_NONE);
	for (size_t i = 0; i < net_peer_count(b->peer); i++)
		taken += lines_of(b, i) <= 3 ? lines_of(b, i) : 0;
	assert_int_equal(taken, 21);
}

static void
a_line_it_cannot_read_dies_alone(void **state)
{
	struct bench *b = *state;

	answer_by(b, no_poison);
	open_tail(b, 0);
	begin_many(b, 11);
	net_env_run(b->w->env);
	for (size_t i = 0; i < 11; i++) {
		assert_int_equal(b->tried[i].dones, 1);
		assert_int_equal(
		    b->tried[i].p.code, i == 5 ? ERR_REJECTED : ERR_NONE);
		assert_false(b->tried[i].p.blame);
	}
	assert_int_equal(b->attentions, 0);
}

static void
who_wants_nothing_more_gets_nothing_and_a_file_gets_all(void **state)
{
	static const struct net_peer_reply rows[] = {
	    {.status = 402},
	    {.status = 403},
	    {.status = 401},
	    {.status = 404},
	    {.status = 302, .headers = "Location: /\r\n"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t before = net_peer_count(b->peer);

		open_tail(b, 0);
		b->attentions = 0;
		net_peer_script(b->peer, &rows[i]);
		begin_many(b, 3);
		net_env_run(b->w->env);
		expect_all(b, 3, ERR_NONE);
		begin_many(b, 4);
		net_env_run(b->w->env);
		expect_all(b, 4, ERR_NONE);
		assert_int_equal(net_peer_count(b->peer), before + 1);
		assert_int_equal(b->attentions, 1);
		assert_non_null(strstr(b->attention, SINK_LOGTAIL_FILE));
		char *text = get_file(b->w, "logs/" SINK_LOGTAIL_FILE);

		assert_non_null(text);
		assert_int_equal(count_lines(text), 7 * (i + 1));
		mem_free(&text);
		b->sink->ops->free(b->sink->impl);
		b->sink = NULL;
	}
}

static void
two_batches_refused_are_said_once(void **state)
{
	struct bench *b = *state;

	open_tail(b, 2);
	script(b, (struct net_peer_reply){.status = 403});
	script(b, (struct net_peer_reply){.status = 403});
	begin_many(b, 4);
	net_env_run(b->w->env);
	expect_all(b, 4, ERR_NONE);
	assert_int_equal(net_peer_count(b->peer), 2);
	assert_int_equal(b->attentions, 1);
	char *text = get_file(b->w, "logs/" SINK_LOGTAIL_FILE);

	assert_int_equal(count_lines(text), 4);
	mem_free(&text);
}

static enum err_code
bad_sync(struct env_file *f, struct err *err)
{
	(void)f;
	return err_set(err, ERR_SPACE, 28, "disk full");
}

static void
a_line_that_is_not_surely_in_the_file_is_not_done(void **state)
{
	struct bench *b = *state;
	const struct env_ops *real = b->w->env->ops;
	struct env_ops faulty = *real;

	faulty.sync = bad_sync;
	open_tail(b, 0);
	script(b, (struct net_peer_reply){.status = 402});
	b->w->env->ops = &faulty;
	assert_int_equal(push(b, "7")->p.code, ERR_SPACE);
	b->w->env->ops = real;
	assert_int_equal(push(b, "7")->p.code, ERR_NONE);
	assert_int_equal(net_peer_count(b->peer), 1);
}

static void
half_a_line_in_the_file_is_ended_first(void **state)
{
	struct bench *b = *state;
	struct err err;

	assert_int_equal(env_make_dirs(b->w->env, b->dir, &err), ERR_NONE);
	put_file(b->w, "logs/" SINK_LOGTAIL_FILE, "{\"torn", 6);
	open_tail(b, 0);
	script(b, (struct net_peer_reply){.status = 403});
	assert_int_equal(push(b, "7")->p.code, ERR_NONE);
	char *text = get_file(b->w, "logs/" SINK_LOGTAIL_FILE);

	assert_memory_equal(text, "{\"torn\n{\"dt\":", 13 - 1);
	assert_int_equal(count_lines(text), 2);
	mem_free(&text);
}

static void
without_a_place_for_the_file_the_row_stays(void **state)
{
	struct bench *b = *state;

	put_file(b->w, "logs", "no directory", 12);
	open_tail(b, 0);
	script(b, (struct net_peer_reply){.status = 402});
	struct tried *t = push(b, "7");

	assert_int_equal(err_class(t->p.code), ERR_CLASS_FATAL);
	assert_non_null(strstr(t->p.err.text, "logs"));
	assert_false(t->p.blame);
}

static void
a_line_too_long_for_one_dies_alone(void **state)
{
	static char much[20000];
	struct bench *b = *state;

	memset(much, '\x01', sizeof(much) - 1);
	open_tail(b, 0);
	begin(try_one(b, 0, "1"));
	begin(try_one(b, 1, much));
	begin(try_one(b, 2, much));
	b->sink->ops->cancel(b->sink->impl, &b->tried[2].p);
	flush(b);
	net_env_run(b->w->env);
	assert_int_equal(b->tried[0].p.code, ERR_NONE);
	assert_int_equal(b->tried[1].dones, 1);
	assert_int_equal(b->tried[1].p.code, ERR_MALFORMED);
	assert_int_equal(b->tried[2].dones, 0);
	/* The longest that is let through does fit, escaped. */
	much[10000] = '\0';
	assert_int_equal(push(b, much)->p.code, ERR_NONE);
}

static void
a_cancelled_line_never_calls_back(void **state)
{
	struct bench *b = *state;

	open_tail(b, 0);
	/* Gathered. */
	begin(try_one(b, 0, "0"));
	begin(try_one(b, 1, "1"));
	b->sink->ops->cancel(b->sink->impl, &b->tried[0].p);
	flush(b);
	/* Under way, one of two and all of two. */
	b->sink->ops->cancel(b->sink->impl, &b->tried[0].p);
	begin(try_one(b, 2, "2"));
	begin(try_one(b, 3, "3"));
	flush(b);
	begin(try_one(b, 4, "4"));
	begin(try_one(b, 5, "5"));
	flush(b);
	for (size_t i = 2; i < 5; i++)
		b->sink->ops->cancel(b->sink->impl, &b->tried[i].p);
	net_env_run(b->w->env);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(b->tried[i].dones, i == 1 || i == 5);
	/* On its way to the file. */
	script(b, (struct net_peer_reply){.status = 403});
	(void)push(b, "7");
	begin(try_one(b, 0, "0"));
	begin(try_one(b, 1, "1"));
	flush(b);
	begin(try_one(b, 2, "2"));
	flush(b);
	b->sink->ops->cancel(b->sink->impl, &b->tried[0].p);
	b->sink->ops->cancel(b->sink->impl, &b->tried[2].p);
	net_env_run(b->w->env);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(b->tried[i].dones, i == 1);
	char *text = get_file(b->w, "logs/" SINK_LOGTAIL_FILE);

	assert_int_equal(count_lines(text), 2);
	mem_free(&text);
}

/* The first that is told cancels the second and begins another. */
static void
meddle(struct tried *t)
{
	struct bench *b = t->bench;

	if (t != &b->tried[0])
		return;
	b->sink->ops->cancel(b->sink->impl, &b->tried[1].p);
	begin(try_one(b, 3, "3"));
	flush(b);
}

static void
being_told_one_may_cancel_and_begin_others(void **state)
{
	struct bench *b = *state;

	open_tail(b, 0);
	b->then = meddle;
	for (int round = 0; round < 2; round++) {
		/* The second time to the file. */
		if (round == 1)
			script(b, (struct net_peer_reply){.status = 402});
		begin_many(b, 3);
		net_env_run(b->w->env);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(b->tried[i].dones, i != 1);
	}
	/* The last of a batch, cancelled by the one before it. */
	begin_many(b, 2);
	net_env_run(b->w->env);
	assert_int_equal(b->tried[0].dones, 1);
	assert_int_equal(b->tried[1].dones, 0);
	assert_int_equal(b->tried[3].dones, 1);
}

static void
a_sink_freed_with_lines_under_way_calls_nobody(void **state)
{
	static char much[20000];
	struct bench *b = *state;

	memset(much, 'x', sizeof(much) - 1);
	open_tail(b, 0);
	begin_many(b, 3);
	begin(try_one(b, 3, "3"));
	begin(try_one(b, 4, much));
	b->sink->ops->free(b->sink->impl);
	b->sink = NULL;
	net_env_run(b->w->env);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(b->tried[i].dones, 0);
}

static void
settings_that_are_none_are_refused(void **state)
{
	static const struct {
		const char *url, *token, *says;
	} rows[] = {
	    {"logs.example", "t", "https://"},
	    {"https://x/", "", "0 bytes"},
	    {"https://x/", "a b", "character"},
	    {"https://x/", "a\r\nX-Evil: 1", "character"},
	    {"https://x/", "t\xC3\xA9", "character"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sink_logtail_options o = {.env = b->w->env,
		    .http = b->http,
		    .url = rows[i].url,
		    .token = rows[i].token,
		    .origin = "",
		    .dir = b->dir};
		struct err err;

		assert_int_equal(
		    sink_logtail_new(&o, &b->sink, &err), ERR_CONFIG);
		assert_null(b->sink);
		assert_non_null(strstr(err.text, rows[i].says));
		/* A secret is in no text. */
		assert_null(strstr(err.text, "Evil"));
	}
}

#define T(name) \
	cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_was_gathered_goes_as_one_batch_of_lines),
	    T(no_number_name_or_meeting_is_in_a_line),
	    T(a_job_without_a_call_warns_and_has_a_time),
	    T(a_batch_has_its_most_lines_and_its_most_bytes),
	    T(a_service_that_is_away_keeps_the_rows_where_they_are),
	    T(every_line_of_a_batch_hears_the_same),
	    T(a_batch_that_is_too_large_is_halved_until_it_fits),
	    T(a_line_it_cannot_read_dies_alone),
	    T(who_wants_nothing_more_gets_nothing_and_a_file_gets_all),
	    T(two_batches_refused_are_said_once),
	    T(a_line_that_is_not_surely_in_the_file_is_not_done),
	    T(half_a_line_in_the_file_is_ended_first),
	    T(without_a_place_for_the_file_the_row_stays),
	    T(a_line_too_long_for_one_dies_alone),
	    T(a_cancelled_line_never_calls_back),
	    T(being_told_one_may_cancel_and_begin_others),
	    T(a_sink_freed_with_lines_under_way_calls_nobody),
	    T(settings_that_are_none_are_refused),
	};

	return cmocka_run_group_tests_name("sink_logtail", tests, NULL, NULL);
}
