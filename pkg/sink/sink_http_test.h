#ifndef DSRUN_SINK_HTTP_TEST_H
#define DSRUN_SINK_HTTP_TEST_H

/* What the tests of sinks over HTTP share: a loop, a client, a scripted peer,
 * and pushes that remember what came of them. */

#include "base/check.h"

#include "net/net_http.h"
#include "net/net_peer_test.h"
#include "sink/sink_push.h"
#include "sink/sink_test.h"

#define HTTP_FN static __attribute__((unused))
#define MANY 128

struct bench; /* what one test has */

struct tried {
	struct sink_push p;
	struct sink_result r;
	struct bench *bench;
	int dones;
};

struct bench {
	struct world *w;
	struct net_http *http;
	struct net_peer *peer;
	struct sink_pusher *sink;
	struct tried tried[MANY];
	char url[128];
	char dir[128];
	int attentions;
	char attention[512];
	void (*then)(struct tried *t);
};

HTTP_FN int
bench_setup(void **state)
{
	struct bench *b = mem_zalloc(1, sizeof(*b));
	void *w = NULL;
	struct err err;

	(void)world_setup(&w);
	b->w = w;
	assert_int_equal(
	    net_http_open(
		&(struct net_http_options){.env = b->w->env}, &b->http, &err),
	    ERR_NONE);
	b->peer = net_peer_open(&(struct net_peer_options){0});
	net_peer_url(b->peer, "/hook", b->url, sizeof(b->url));
	(void)snprintf(b->dir, sizeof(b->dir), "%s/logs", b->w->dir);
	*state = b;
	return 0;
}

HTTP_FN int
bench_teardown(void **state)
{
	struct bench *b = *state;
	void *w = b->w;

	if (b->sink != NULL)
		b->sink->ops->free(b->sink->impl);
	net_http_close(&b->http);
	net_peer_close(&b->peer);
	mem_free(&b);
	return world_teardown(&w);
}

HTTP_FN void
tried_done(struct sink_push *p)
{
	struct tried *t = CONTAINER_OF(p, struct tried, p);

	t->dones++;
	assert_null(p->impl);
	if (t->bench->then != NULL)
		t->bench->then(t);
}

/* The i-th result, of a job of that name. */
HTTP_FN struct tried *
try_one(struct bench *b, size_t i, const char *id)
{
	struct tried *t = &b->tried[i];

	CHECK(i < MANY);
	t->bench = b;
	t->dones = 0;
	t->r = (struct sink_result){
	    .job = 17,
	    .id = id,
	    .source = "bull",
	    .campaign = "c-1",
	    .kind = "intro-call",
	    .step = 2,
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
	    .meeting_json = "{\"with\":\"Dr Müller\"}",
	    .cost_micros = 1250,
	    .recording_path = "/secret/place/2.ul2",
	    .transcript_path = "",
	    .recording_url = "https://s3.example/c-1/7/2.opus",
	    .transcript_url = "",
	};
	t->p = (struct sink_push){
	    .result = &t->r, .row = (int64_t)i, .kept = "", .done = tried_done};
	return t;
}

HTTP_FN void
begin(struct tried *t)
{
	struct sink_pusher *s = t->bench->sink;

	s->ops->start(s->impl, &t->p);
	assert_int_equal(t->dones, 0);
}

HTTP_FN void
flush(struct bench *b)
{
	if (b->sink->ops->flush != NULL)
		b->sink->ops->flush(b->sink->impl);
}

HTTP_FN void
script(struct bench *b, struct net_peer_reply reply)
{
	net_peer_script(b->peer, &reply);
}

/* One push alone, to its end. */
HTTP_FN struct tried *
push(struct bench *b, const char *id)
{
	struct tried *t = try_one(b, 0, id);

	begin(t);
	flush(b);
	net_env_run(b->w->env);
	assert_int_equal(t->dones, 1);
	assert_int_equal(t->p.code, t->p.err.code);
	return t;
}

/* What a status, or none, must make of a push. */
struct verdict_row {
	struct net_peer_reply reply;
	enum err_code code;
	int64_t retry_after_ms;
	bool blame;
	const char *says;
};

HTTP_FN void
expect_verdicts(struct bench *b, const struct verdict_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct tried *t;

		script(b, rows[i].reply);
		t = push(b, "7");
		if (t->p.code != rows[i].code ||
		    t->p.retry_after_ms != rows[i].retry_after_ms ||
		    t->p.blame != rows[i].blame ||
		    strstr(t->p.err.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s, after %lld, blame %d: %s", i,
			    err_name(t->p.code), (long long)t->p.retry_after_ms,
			    t->p.blame, t->p.err.text);
	}
}

#endif
