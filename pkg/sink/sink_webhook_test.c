#include "sink/sink_webhook.h"

#include "base/hmac.h"
#include "base/text.h"

#include "sink/sink_http_test.h"
#include "sink/sink_json.h"

static const char *const secrets[] = {"whsec_new", "whsec_old", NULL};

static void
open_hook(struct bench *b)
{
	const struct sink_webhook_options o = {.env = b->w->env,
	    .http = b->http,
	    .url = b->url,
	    .secrets = secrets,
	    .origin = "journal-1",
	    .total_ms = 3000};
	struct err err;

	assert_int_equal(sink_webhook_new(&o, &b->sink, &err), ERR_NONE);
	assert_string_equal(b->sink->service, "webhook");
	assert_true(b->sink->at_once >= 1);
}

static void
header(struct bench *b, size_t i, const char *name, char out[400])
{
	assert_true(
	    net_peer_header(net_peer_request(b->peer, i), name, out, 400));
}

static void
a_result_is_posted_as_its_line_of_results(void **state)
{
	struct bench *b = *state;
	const struct sink_json_files nothing = {0};
	struct buf line = BUF_INIT(SINK_JSON_LINE_MAX);
	char value[400], id[SINK_EVENT_MAX];
	struct err err;

	open_hook(b);
	struct tried *t = push(b, "7");

	assert_int_equal(t->p.code, ERR_NONE);
	assert_int_equal(t->p.retry_after_ms, -1);
	const struct net_peer_got *got = net_peer_request(b->peer, 0);

	assert_string_equal(got->method, "POST");
	assert_string_equal(got->target, "/hook");
	assert_int_equal(
	    sink_json_render(&t->r, &nothing, &line, &err), ERR_NONE);
	line.bytes[line.len - 1] = '\0';
	assert_string_equal(got->body, line.bytes);
	assert_non_null(strstr(got->body,
	    "\"recording\":{\"url\":\"https://s3.example/c-1/7/2.opus\"},"
	    "\"transcript\":null"));
	assert_null(strstr(got->body, "/secret/place"));
	header(b, 0, "Content-Type", value);
	assert_string_equal(value, "application/json");
	header(b, 0, "DSRun-Event-Id", value);
	assert_string_equal(value, sink_event_id("journal-1", &t->r, id));
	buf_free(&line);
}

/* As a receiver does it, without a line of the sink's code. */
static void
expect_signed(struct bench *b, size_t i)
{
	const struct net_peer_got *got = net_peer_request(b->peer, i);
	char value[400], want[400];
	long long t = 0;
	int n = 0;

	header(b, i, "DSRun-Signature", value);
	assert_int_equal(sscanf(value, "t=%lld,%n", &t, &n), 1);
	assert_true(t > 1700000000 && llabs(t - (long long)time(NULL)) < 60);
	want[0] = '\0';
	for (size_t k = 0; secrets[k] != NULL; k++) {
		char *text = mem_printf("%lld.%s", t, got->body);
		uint8_t sum[SHA256_BYTES];
		char hex[2 * SHA256_BYTES + 1];

		hmac_once(
		    secrets[k], strlen(secrets[k]), text, strlen(text), sum);
		(void)snprintf(want + strlen(want), sizeof(want) - strlen(want),
		    "%sv1=%s", k > 0 ? "," : "", text_hex(sum, 32, hex));
		mem_free(&text);
	}
	assert_string_equal(value + n, want);
}

static void
every_secret_signs_time_and_body(void **state)
{
	struct bench *b = *state;

	open_hook(b);
	(void)push(b, "7");
	expect_signed(b, 0);
}

static void
a_try_more_is_the_same_event(void **state)
{
	struct bench *b = *state;
	char one[400], two[400], other[SINK_EVENT_MAX], id[SINK_EVENT_MAX];

	open_hook(b);
	script(b, (struct net_peer_reply){.status = 500});
	struct tried *t = push(b, "7");

	assert_int_equal(t->p.code, ERR_UNREACHABLE);
	t = push(b, "7");
	assert_int_equal(t->p.code, ERR_NONE);
	header(b, 0, "DSRun-Event-Id", one);
	header(b, 1, "DSRun-Event-Id", two);
	assert_string_equal(one, two);
	assert_string_equal(net_peer_request(b->peer, 0)->body,
	    net_peer_request(b->peer, 1)->body);
	expect_signed(b, 1);
	/* Another revision, job, name, source or journal is another event. */
	(void)sink_event_id("journal-1", &t->r, id);
	assert_string_not_equal(id, sink_event_id("journal-2", &t->r, other));
	t->r.revision++;
	assert_string_not_equal(id, sink_event_id("journal-1", &t->r, other));
	t->r.revision--;
	t->r.job++;
	assert_string_not_equal(id, sink_event_id("journal-1", &t->r, other));
	t->r.job--;
	t->r.id = "8";
	assert_string_not_equal(id, sink_event_id("journal-1", &t->r, other));
	t->r.id = "7";
	t->r.source = "file";
	assert_string_not_equal(id, sink_event_id("journal-1", &t->r, other));
}

static void
an_answer_says_done_later_or_never(void **state)
{
	static const struct verdict_row rows[] = {
	    {{.status = 200}, ERR_NONE, -1, false, ""},
	    {{.status = 204}, ERR_NONE, -1, false, ""},
	    {{.status = 299}, ERR_NONE, -1, false, ""},
	    {{.status = 301, .headers = "Location: /x\r\n"}, ERR_REJECTED, -1,
		false, "redirects (301)"},
	    {{.status = 308, .headers = "Location: /x\r\n"}, ERR_REJECTED, -1,
		false, "redirects (308)"},
	    {{.status = 400, .body = "no such field"}, ERR_REJECTED, -1, false,
		"no such field"},
	    {{.status = 404}, ERR_REJECTED, -1, false, "404"},
	    {{.status = 409, .headers = "Retry-After: 5\r\n"}, ERR_REJECTED, -1,
		false, "409"},
	    {{.status = 410}, ERR_REJECTED, -1, false, "gone"},
	    {{.status = 408}, ERR_TIMEOUT, -1, true, "408"},
	    {{.status = 425}, ERR_UNREACHABLE, -1, true, "425"},
	    {{.status = 429, .headers = "Retry-After: 7\r\n"}, ERR_THROTTLED,
		7000, true, "429"},
	    {{.status = 500}, ERR_UNREACHABLE, -1, true, "500"},
	    {{.status = 503, .headers = "Retry-After: 120\r\n"}, ERR_THROTTLED,
		120000, true, "503"},
	    {{.raw = "SSH-2.0-x\r\n\r\n", .then = NET_PEER_CLOSE},
		ERR_UNREACHABLE, -1, true, ""},
	    {{.cut = true, .cut_at = 0, .then = NET_PEER_RESET},
		ERR_UNREACHABLE, -1, true, ""},
	};
	struct bench *b = *state;

	open_hook(b);
	expect_verdicts(b, rows, ARRAY_LEN(rows));
	assert_int_equal(net_peer_count(b->peer), ARRAY_LEN(rows));
}

static void
an_answer_that_is_too_long_counts_by_its_status(void **state)
{
	struct bench *b = *state;
	char *much = mem_zalloc(100000, 1);

	memset(much, 'x', 99999);
	open_hook(b);
	script(b, (struct net_peer_reply){.status = 200, .body = much});
	assert_int_equal(push(b, "7")->p.code, ERR_NONE);
	script(b, (struct net_peer_reply){.status = 404, .body = much});
	assert_int_equal(push(b, "7")->p.code, ERR_REJECTED);
	script(b, (struct net_peer_reply){.status = 502, .body = much});
	assert_int_equal(push(b, "7")->p.code, ERR_UNREACHABLE);
	/* The peer may be writing still. */
	b->sink->ops->free(b->sink->impl);
	b->sink = NULL;
	net_http_close(&b->http);
	net_peer_close(&b->peer);
	mem_free(&much);
}

static void
silence_is_no_answer(void **state)
{
	struct bench *b = *state;

	open_hook(b);
	b->sink->ops->free(b->sink->impl);
	const struct sink_webhook_options o = {.env = b->w->env,
	    .http = b->http,
	    .url = b->url,
	    .secrets = secrets,
	    .origin = "journal-1",
	    .total_ms = 200};

	assert_int_equal(sink_webhook_new(&o, &b->sink, &b->w->err), ERR_NONE);
	script(
	    b, (struct net_peer_reply){.wait_ms = 3000, .then = NET_PEER_HANG});
	struct tried *t = push(b, "7");

	assert_int_equal(t->p.code, ERR_TIMEOUT);
	assert_true(t->p.blame);
}

static void
a_certificate_nobody_trusts_stops_the_sink_and_keeps_the_row(void **state)
{
	struct bench *b = *state;
	struct net_peer_ca *ca = net_peer_ca_new("nobody");

	net_peer_close(&b->peer);
	b->peer = net_peer_open(&(struct net_peer_options){.ca = ca});
	net_peer_url(b->peer, "/hook", b->url, sizeof(b->url));
	open_hook(b);
	struct tried *t = push(b, "7");

	assert_int_equal(err_class(t->p.code), ERR_CLASS_FATAL);
	assert_false(t->p.blame);
	assert_int_equal(net_peer_count(b->peer), 0);
	net_peer_close(&b->peer);
	net_peer_ca_free(&ca);
}

static void
what_cannot_be_rendered_is_final_and_sends_nothing(void **state)
{
	struct bench *b = *state;
	struct tried *t = try_one(b, 0, "7");

	open_hook(b);
	t->r.meeting_json = "[1]";
	begin(t);
	net_env_run(b->w->env);
	assert_int_equal(t->dones, 1);
	assert_int_equal(t->p.code, ERR_MALFORMED);
	assert_false(t->p.blame);
	assert_int_equal(net_peer_count(b->peer), 0);
	/* And one that is cancelled before it says so. */
	t = try_one(b, 0, "7");
	t->r.meeting_json = "[1]";
	begin(t);
	b->sink->ops->cancel(b->sink->impl, &t->p);
	net_env_run(b->w->env);
	assert_int_equal(t->dones, 0);
}

static void
stop_loop(struct env_timer *t)
{
	(void)t;
}

static void
several_go_at_once_and_one_cancelled_never_calls_back(void **state)
{
	struct bench *b = *state;
	struct env_timer later = {.fn = stop_loop};

	open_hook(b);
	for (size_t i = 0; i < 4; i++)
		script(b, (struct net_peer_reply){.wait_ms = 50});
	for (size_t i = 0; i < 4; i++)
		begin(try_one(b, i, "7"));
	b->sink->ops->cancel(b->sink->impl, &b->tried[1].p);
	b->sink->ops->cancel(b->sink->impl, &b->tried[1].p);
	net_env_run(b->w->env);
	env_timer_start_real(b->w->env, &later, 50);
	net_env_run(b->w->env);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(b->tried[i].dones, i != 1);
	b->sink->ops->cancel(b->sink->impl, &b->tried[0].p);
}

static void
a_sink_freed_with_pushes_under_way_calls_nobody(void **state)
{
	struct bench *b = *state;

	open_hook(b);
	script(b, (struct net_peer_reply){.wait_ms = 100});
	begin(try_one(b, 0, "7"));
	struct tried *t = try_one(b, 1, "8");

	t->r.meeting_json = "x";
	begin(t);
	b->sink->ops->free(b->sink->impl);
	b->sink = NULL;
	net_env_run(b->w->env);
	assert_int_equal(b->tried[0].dones + b->tried[1].dones, 0);
}

static void
settings_that_are_none_are_refused(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const empty[] = {"a", "", NULL};
	static const char *const five[] = {"a", "b", "c", "d", "e", NULL};
	static const struct {
		const char *url;
		const char *const *secrets;
		const char *says;
	} rows[] = {
	    {"ftp://x/", secrets, "https://"},
	    {"https://", secrets, "https://"},
	    {"https:///x", secrets, "https://"},
	    {"", secrets, "https://"},
	    {"https://x/", none, "0 secrets"},
	    {"https://x/", empty, "empty secret"},
	    {"https://x/", five, "5 secrets"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sink_webhook_options o = {.env = b->w->env,
		    .http = b->http,
		    .url = rows[i].url,
		    .secrets = rows[i].secrets,
		    .origin = ""};
		struct err err;

		assert_int_equal(
		    sink_webhook_new(&o, &b->sink, &err), ERR_CONFIG);
		assert_null(b->sink);
		assert_non_null(strstr(err.text, rows[i].says));
	}
}

#define T(name) \
	cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_result_is_posted_as_its_line_of_results),
	    T(every_secret_signs_time_and_body),
	    T(a_try_more_is_the_same_event),
	    T(an_answer_says_done_later_or_never),
	    T(an_answer_that_is_too_long_counts_by_its_status),
	    T(silence_is_no_answer),
	    T(a_certificate_nobody_trusts_stops_the_sink_and_keeps_the_row),
	    T(what_cannot_be_rendered_is_final_and_sends_nothing),
	    T(several_go_at_once_and_one_cancelled_never_calls_back),
	    T(a_sink_freed_with_pushes_under_way_calls_nobody),
	    T(settings_that_are_none_are_refused),
	};

	return cmocka_run_group_tests_name("sink_webhook", tests, NULL, NULL);
}
