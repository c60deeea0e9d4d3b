#ifndef DSRUN_AWS_S3_TEST_H
#define DSRUN_AWS_S3_TEST_H

/* What the tests of aws share: a loop, a client, a scripted server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"

#include "aws/aws_s3.h"
#include "aws/aws_s3_bucket.h"
#include "aws/aws_s3_upload.h"
#include "net/net_env.h"
#include "net/net_http.h"
#include "net/net_peer_test.h"

#define AWS_FN static __attribute__((unused))

struct world {
	struct env *env;
	struct net_http *http;
	struct aws_credentials *credentials;
	struct aws_s3 *s3;
	struct net_peer *peer;
	struct aws_s3_options options;
	char endpoint[64];
	int dones;
	struct err err;
};

AWS_FN const char *
no_variable(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

/* Anew, as w->options say. */
AWS_FN void
open_client(struct world *w)
{
	aws_s3_close(&w->s3);
	if (aws_s3_open(&w->options, &w->s3, &w->err) != ERR_NONE)
		fail_msg("%s", w->err.text);
}

AWS_FN int
set_up(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));
	struct net_http_options http = {0};
	struct aws_credentials_options keys = {
	    .access_key = "AK", .secret_key = "SK", .lookup = no_variable};

	assert_int_equal(net_env_open(&w->env, &w->err), ERR_NONE);
	http.env = keys.env = w->env;
	if (net_http_open(&http, &w->http, &w->err) != ERR_NONE)
		fail_msg("%s", w->err.text);
	keys.http = w->http;
	assert_int_equal(
	    aws_credentials_open(&keys, &w->credentials, &w->err), ERR_NONE);
	w->peer = net_peer_open(&(struct net_peer_options){0});
	net_peer_url(w->peer, "", w->endpoint, sizeof(w->endpoint));
	w->options = (struct aws_s3_options){.env = w->env,
	    .http = w->http,
	    .credentials = w->credentials,
	    .endpoint = w->endpoint,
	    .region = "us-east-1",
	    .bucket = "bkt"};
	open_client(w);
	*state = w;
	return 0;
}

AWS_FN int
tear_down(void **state)
{
	struct world *w = *state;

	aws_s3_close(&w->s3);
	aws_credentials_close(&w->credentials);
	net_http_close(&w->http);
	net_peer_close(&w->peer);
	net_env_close(&w->env);
	mem_free(state);
	return 0;
}

AWS_FN void
script(struct world *w, struct net_peer_reply reply)
{
	net_peer_script(w->peer, &reply);
}

#define ANSWER(w, ...) script(w, (struct net_peer_reply){__VA_ARGS__})

/* "<Error><Code>...", kept for as long as the tests run. */
#define S3_ERROR(code)                                                   \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" code \
	"</Code><Message>what a server says</Message>"                   \
	"<RequestId>R1</RequestId></Error>"

AWS_FN int
asked(struct world *w)
{
	return (int)net_peer_count(w->peer);
}

AWS_FN void
expect_target(struct world *w, int i, const char *method, const char *target)
{
	const struct net_peer_got *got;

	assert_true(asked(w) > i);
	got = net_peer_request(w->peer, (size_t)i);
	assert_string_equal(got->method, method);
	assert_string_equal(got->target, target);
}

/* NULL: it must not be there. */
AWS_FN void
expect_header(struct world *w, int i, const char *name, const char *want)
{
	char value[2048];
	bool is = net_peer_header(
	    net_peer_request(w->peer, (size_t)i), name, value, sizeof(value));

	if (want == NULL) {
		assert_false(is);
		return;
	}
	if (!is)
		fail_msg("no header %s", name);
	assert_string_equal(value, want);
}

AWS_FN void
expect_code(const struct aws_s3_op *op, enum err_code code, bool blame)
{
	if (op->code != code || op->blame != blame)
		fail_msg("%s, blame %d: %s", err_name(op->code), op->blame,
		    op->err.text);
}

/* One of each kind of operation, run to its end. */

static int ended;

AWS_FN void
on_done(struct aws_s3_op *op)
{
	(void)op;
	ended++;
}

AWS_FN void
run(struct world *w)
{
	ended = 0;
	net_env_run(w->env);
	assert_int_equal(ended, 1);
}

struct put {
	struct aws_s3_put p;
	struct aws_s3_object o;
};

AWS_FN void
put_begin(struct world *w, struct put *x, const char *key, const char *body)
{
	memset(x, 0, sizeof(*x));
	x->o = (struct aws_s3_object){.key = key,
	    .content_type = "text/plain",
	    .storage_class = "",
	    .len = (int64_t)strlen(body),
	    .composite = ""};
	sha256_once(body, strlen(body), x->o.sha256);
	x->p.op.done = on_done;
	x->p.object = &x->o;
	x->p.body.bytes = body;
	x->p.body.len = strlen(body);
	memcpy(x->p.body.sha256, x->o.sha256, SHA256_BYTES);
	aws_s3_put(w->s3, &x->p);
}

AWS_FN void
put(struct world *w, struct put *x, const char *key, const char *body)
{
	put_begin(w, x, key, body);
	run(w);
}

/* A put of "hello" that must come out so. */
AWS_FN void
put_expect(struct world *w, enum err_code code, bool blame)
{
	struct put x;

	put(w, &x, "k", "hello");
	expect_code(&x.p.op, code, blame);
	aws_s3_end(&x.p.op);
}

/* An HTTP date, so many seconds from now. */
AWS_FN const char *
date_line(char out[64], int64_t in_s)
{
	time_t t = time(NULL) + (time_t)in_s;
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	(void)strftime(out, 64, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	return out;
}

#endif
