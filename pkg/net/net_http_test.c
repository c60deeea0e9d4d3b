#include "net/net_http.h"

#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>

#include "net/net_http_test.h"

/* --- One good exchange -----------------------------------------------------
 */

static void
a_get_brings_status_headers_and_body(void **state)
{
	struct world *w = *state;
	struct ask a = {0};
	const char *value;
	size_t len;

	script(w, (struct net_peer_reply){.status = 203,
		      .headers = "X-One:  1 \r\nx-two:\r\n",
		      .body = "hello"});
	ask(w, &a, "GET");
	assert_int_equal(a.r.code, ERR_NONE);
	assert_true(a.r.sent);
	assert_int_equal(a.r.status, 203);
	assert_string_equal(buf_text(&a.r.body_in), "hello");
	assert_true(net_http_header(&a.r, "x-one", &value, &len));
	assert_int_equal(len, 1);
	assert_memory_equal(value, "1", 1);
	assert_true(net_http_header(&a.r, "X-Two", &value, &len));
	assert_int_equal(len, 0);
	assert_false(
	    net_http_header(&a.r, "HTTP/1.1 203 Scripted", &value, &len));
	assert_string_equal(buf_text(&a.r.headers_in),
	    "X-One:  1 \r\nx-two:\r\nContent-Length: 5\r\n");
	net_http_request_fini(&a.r);
	net_http_request_fini(&a.r);
	assert_null(a.r.body_in.bytes);

	const struct net_peer_got *g = net_peer_request(w->peer, 0);
	char host[64];
	char expected[64];

	assert_string_equal(g->method, "GET");
	assert_true(net_peer_header(g, "Host", host, sizeof(host)));
	(void)snprintf(
	    expected, sizeof(expected), "127.0.0.1:%d", net_peer_port(w->peer));
	assert_string_equal(host, expected);
	assert_true(net_peer_header(g, "User-Agent", host, sizeof(host)));
	assert_string_equal(host, "dsrun");
	assert_false(net_peer_header(g, "Content-Length", host, sizeof(host)));
	assert_false(net_peer_header(g, "Connection", host, sizeof(host)));
	assert_non_null(strstr(g->head, " HTTP/1.1\r\n"));
}

static void
path_and_query_are_sent_as_they_are(void **state)
{
	static const char *const targets[] = {
	    "/a/../b/./c//d/%2f%2F%7e%41~?x=%C3%BC&&y=a+b&z=..%2e",
	    "/path%20a%20b%2Bc/%C3%BC.wav", "/?uploads",
	    "/?uploads=", "/a:b@c;d=e,f!$'()*[]{}|\"<>^`\\"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct ask a = {0};
		char url[256];

		net_peer_url(w->peer, targets[i], url, sizeof(url));
		a.r.url = url;
		ask(w, &a, "GET");
		if (a.r.code != ERR_NONE)
			fail_msg("%s: %s", targets[i], a.r.err.text);
		assert_string_equal(
		    net_peer_request(w->peer, i)->target, targets[i]);
		net_http_request_fini(&a.r);
	}
}

static void
headers_go_out_as_they_are_and_no_expect(void **state)
{
	static const char *const lines[] = {"Content-Type: audio/wav",
	    "x-amz-meta-a:b:c", "X-Empty:", "X-Blank: ", "User-Agent: other",
	    "X-Utf8: \xc3\xbc", NULL};
	static char body[2 << 20];
	struct world *w = *state;
	struct ask a = {
	    .r = {.headers = lines, .body = body, .body_len = sizeof(body)}};
	char value[64];

	ask(w, &a, "PUT");
	assert_int_equal(a.r.code, ERR_NONE);
	net_http_request_fini(&a.r);

	const struct net_peer_got *g = net_peer_request(w->peer, 0);
	static const char *const expected[][2] = {{"Content-Type", "audio/wav"},
	    {"X-Amz-Meta-A", "b:c"}, {"X-Empty", ""}, {"X-Blank", ""},
	    {"User-Agent", "other"}, {"X-Utf8", "\xc3\xbc"},
	    {"Content-Length", "2097152"}};

	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_true(
		    net_peer_header(g, expected[i][0], value, sizeof(value)));
		assert_string_equal(value, expected[i][1]);
	}
	assert_false(net_peer_header(g, "Expect", value, sizeof(value)));
	assert_false(
	    net_peer_header(g, "Transfer-Encoding", value, sizeof(value)));
	assert_int_equal(g->body_len, sizeof(body));
}

static void
every_method_has_the_body_it_should(void **state)
{
	static const struct {
		const char *method, *body, *length;
	} cases[] = {{"GET", NULL, NULL}, {"DELETE", NULL, NULL},
	    {"OPTIONS", NULL, NULL}, {"POST", NULL, "0"}, {"PUT", NULL, "0"},
	    {"PATCH", NULL, "0"}, {"POST", "p=1", "3"}, {"DELETE", "d", "1"},
	    {"PUT", "put", "3"}, {"HEAD", NULL, NULL}};
	struct world *w = *state;
	char value[32];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ask a = {0};

		a.r.body = cases[i].body;
		a.r.body_len =
		    cases[i].body != NULL ? strlen(cases[i].body) : 0;
		script(w, (struct net_peer_reply){.body = "answer"});
		ask(w, &a, cases[i].method);
		assert_int_equal(a.r.code, ERR_NONE);
		assert_string_equal(buf_text(&a.r.body_in),
		    strcmp(cases[i].method, "HEAD") == 0 ? "" : "answer");
		net_http_request_fini(&a.r);

		const struct net_peer_got *g = net_peer_request(w->peer, i);
		bool has =
		    net_peer_header(g, "Content-Length", value, sizeof(value));

		assert_string_equal(g->method, cases[i].method);
		assert_int_equal(has, cases[i].length != NULL);
		if (has)
			assert_string_equal(value, cases[i].length);
		assert_string_equal(g->body != NULL ? g->body : "",
		    cases[i].body != NULL ? cases[i].body : "");
	}
	assert_int_equal(net_peer_accepted(w->peer), 1);
}

static void
chunks_interim_answers_and_trailers_are_understood(void **state)
{
	struct world *w = *state;
	struct ask a = {0};
	const char *value;
	size_t len;

	script(
	    w, (struct net_peer_reply){
		   .before = "HTTP/1.1 100 Continue\r\n\r\n"
			     "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n",
		   .headers = "X-Late: 1\r\n",
		   .body = "in seven chunks",
		   .chunk = 2,
		   .trailers = "X-Trailer: 1\r\n",
		   .drip = 3,
		   .drip_ms = 1});
	ask(w, &a, "GET");
	assert_int_equal(a.r.code, ERR_NONE);
	assert_int_equal(a.r.status, 200);
	assert_string_equal(buf_text(&a.r.body_in), "in seven chunks");
	assert_true(net_http_header(&a.r, "X-Late", &value, &len));
	assert_false(net_http_header(&a.r, "X-Early", &value, &len));
	assert_false(net_http_header(&a.r, "X-Trailer", &value, &len));
	net_http_request_fini(&a.r);
	ask_well(w, "GET", 200);
	assert_int_equal(net_peer_accepted(w->peer), 1);
}

static void
the_end_of_the_connection_may_end_a_body(void **state)
{
	struct world *w = *state;
	struct ask a = {0};

	script(
	    w, (struct net_peer_reply){
		   .body = "all", .no_length = true, .then = NET_PEER_CLOSE});
	ask(w, &a, "GET");
	assert_int_equal(a.r.code, ERR_NONE);
	assert_string_equal(buf_text(&a.r.body_in), "all");
	net_http_request_fini(&a.r);
}

static void
a_redirect_is_not_followed(void **state)
{
	struct world *w = *state;
	struct ask a = {0};

	script(w, (struct net_peer_reply){
		      .status = 307, .headers = "Location: /other\r\n"});
	ask(w, &a, "PUT");
	assert_int_equal(a.r.code, ERR_NONE);
	assert_int_equal(a.r.status, 307);
	net_http_request_fini(&a.r);
	assert_int_equal(net_peer_count(w->peer), 1);
}

static void
a_challenge_is_not_answered(void **state)
{
	struct world *w = *state;

	script(w, (struct net_peer_reply){.status = 401,
		      .headers = "WWW-Authenticate: Basic realm=\"x\"\r\n"
				 "Set-Cookie: a=b\r\n"});
	ask_well(w, "GET", 401);
	ask_well(w, "GET", 200);
	char value[32];
	const struct net_peer_got *g = net_peer_request(w->peer, 1);

	assert_int_equal(net_peer_count(w->peer), 2);
	assert_false(net_peer_header(g, "Cookie", value, sizeof(value)));
	assert_false(net_peer_header(g, "Authorization", value, sizeof(value)));
}

static void
the_environment_names_no_proxy_and_no_netrc(void **state)
{
	struct world *w = *state;
	char dir[] = "/tmp/net_http_test.XXXXXX";
	char path[64];
	char value[32];

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/.netrc", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs("default login a password b\n", f);
	(void)fclose(f);
	char *home = mem_strdup(getenv("HOME"));
	(void)setenv("HOME", dir, 1);
	(void)setenv("http_proxy", "http://127.0.0.1:1", 1);
	(void)setenv("all_proxy", "http://127.0.0.1:1", 1);
	ask_well(w, "GET", 200);
	(void)unsetenv("http_proxy");
	(void)unsetenv("all_proxy");
	if (home != NULL)
		(void)setenv("HOME", home, 1);
	mem_free(&home);
	(void)unlink(path);
	(void)rmdir(dir);
	assert_false(net_peer_header(net_peer_request(w->peer, 0),
	    "Authorization", value, sizeof(value)));
	assert_string_equal(net_peer_request(w->peer, 0)->target, "/");
}

/* --- Bodies that are read as they go ----------------------------------------
 */

struct stream {
	struct ask a;
	size_t at;
	size_t most;    /* bytes a call */
	size_t fail_at; /* 0 = never */
	bool cancel, close, empty;
};

static char
pattern(size_t i)
{
	return (char)(i * 2654435761u >> 24);
}

static enum err_code
give_pattern(struct net_http_request *r, void *bytes, size_t max, size_t *got,
    struct err *err)
{
	struct stream *s = CONTAINER_OF(r, struct stream, a.r);
	size_t n = max < s->most ? max : s->most;
	bool now = s->fail_at > 0 && s->at >= s->fail_at;

	if (now && s->cancel)
		net_http_cancel(r);
	else if (now && s->close)
		net_http_close(&s->a.w->http);
	else if (now && s->empty)
		n = 0;
	else if (now)
		return err_set(err, ERR_DAMAGED, 0, "another hash");
	for (size_t i = 0; i < n; i++)
		((char *)bytes)[i] = pattern(s->at + i);
	s->at += n;
	*got = n;
	return ERR_NONE;
}

static void
a_streamed_body_arrives_whole_and_each_byte_is_asked_for_once(void **state)
{
	struct world *w = *state;
	struct stream s = {.most = 7001};
	const size_t len = 3000017;

	s.a.r.read = give_pattern;
	s.a.r.body_len = len;
	ask(w, &s.a, "PUT");
	assert_int_equal(s.a.r.code, ERR_NONE);
	assert_int_equal(s.at, len);
	net_http_request_fini(&s.a.r);

	const struct net_peer_got *g = net_peer_request(w->peer, 0);

	assert_true(g->whole);
	assert_int_equal(g->body_len, len);
	for (size_t i = 0; i < len; i++)
		if (g->body[i] != pattern(i))
			fail_msg("byte %zu", i);
}

static void
what_the_reader_says_is_what_comes_of_it(void **state)
{
	struct world *w = *state;
	struct stream s = {.most = 1000, .fail_at = 500000};

	s.a.r.read = give_pattern;
	s.a.r.body_len = 1000000;
	ask(w, &s.a, "PUT");
	assert_int_equal(s.a.r.code, ERR_DAMAGED);
	assert_true(s.a.r.sent);
	assert_non_null(strstr(s.a.r.err.text, "another hash"));
	net_http_request_fini(&s.a.r);
	ask_well(w, "GET", 200);
}

static void
a_body_that_is_too_short_is_not_sent_as_whole(void **state)
{
	struct world *w = *state;
	struct stream s = {.most = 1000, .fail_at = 500000, .empty = true};

	s.a.r.read = give_pattern;
	s.a.r.body_len = 1000000;
	ask_ill(w, &s.a, "PUT", ERR_MALFORMED, true);
	assert_true(net_peer_wait(w->peer, 1, 5000));
	assert_false(net_peer_request(w->peer, 0)->whole);
}

static void
a_reader_may_cancel_its_own_request(void **state)
{
	struct world *w = *state;
	struct stream s = {.most = 1000, .fail_at = 5000, .cancel = true};

	s.a.r.read = give_pattern;
	s.a.r.body_len = 1000000;
	start(w, &s.a, "PUT");
	net_env_run(w->env);
	assert_int_equal(s.a.dones, 0);
	net_http_request_fini(&s.a.r);
	ask_well(w, "GET", 200);
}

static void
a_reader_may_close_the_client(void **state)
{
	struct world *w = *state;
	struct stream s = {.most = 1000, .fail_at = 5000, .close = true};
	struct ask other = {0};

	s.a.r.read = give_pattern;
	s.a.r.body_len = 1000000;
	start(w, &s.a, "PUT");
	start(w, &other, "GET");
	net_env_run(w->env);
	assert_null(w->http);
	assert_int_equal(s.a.dones, 0);
	net_http_request_fini(&s.a.r);
	net_http_request_fini(&other.r);
}

/* --- Many ------------------------------------------------------------------
 */

static size_t
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

/* Starts itself again until none is left. */
struct loop {
	struct ask a;
	int *left;
};

static void
again(struct ask *a)
{
	struct loop *l = CONTAINER_OF(a, struct loop, a);

	assert_int_equal(a->r.code, ERR_NONE);
	net_http_request_fini(&a->r);
	if (*l->left > 0) {
		(*l->left)--;
		start(a->w, a, "PUT");
	}
}

static void
run_many(struct world *w, int count, bool fresh)
{
	static const char *const headers[] = {"X-A: b", "X-C: d", NULL};
	static char body[2000];
	struct loop l[8];
	int left = count - 8;

	memset(l, 0, sizeof(l));
	for (size_t i = 0; i < ARRAY_LEN(l); i++) {
		l[i].left = &left;
		l[i].a.then = again;
		l[i].a.r.headers = headers;
		l[i].a.r.body = body;
		l[i].a.r.body_len = sizeof(body);
		l[i].a.r.fresh = fresh;
		start(w, &l[i].a, "PUT");
	}
	w->dones = 0;
	net_env_run(w->env);
	assert_int_equal(w->dones, count);
}

static void
say_nothing(
    void *arg, const struct net_peer_got *got, struct net_peer_reply *out)
{
	(void)arg;
	(void)got;
	out->body = "answer";
}

static void
thousands_of_requests_leave_nothing_behind(void **state)
{
	struct world *w = *state;

	net_peer_close(&w->peer);
	open_peer(w, &(struct net_peer_options){
			 .forgetful = true, .answer = say_nothing});
	run_many(w, 500, false);
	size_t files = open_files();
	size_t accepted = net_peer_accepted(w->peer);
	size_t bytes = mallinfo2().uordblks;

	run_many(w, 4000, false);
	assert_int_equal(net_peer_accepted(w->peer), accepted);
	assert_true(accepted <= 8);
	assert_true(open_files() <= files);
	/* A growth of 16 bytes a request would be seen. */
	assert_true(mallinfo2().uordblks < bytes + 64000);
	run_many(w, 500, true);
	assert_int_equal(net_peer_accepted(w->peer), accepted + 500);
	/* Both ends of each are files of this process. */
	for (int i = 0; i < 100 && open_files() > files; i++)
		env_pause(w->env, 10000);
	assert_true(open_files() <= files);
}

static void
a_host_gets_sixteen_connections_and_others_wait_in_order(void **state)
{
	struct world *w = *state;
	struct ask a[50];

	memset(a, 0, sizeof(a));
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		script(w, (struct net_peer_reply){.wait_ms = 20});
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		start(w, &a[i], "GET");
	net_env_run(w->env);
	assert_int_equal(net_peer_accepted(w->peer), 16);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		assert_int_equal(a[i].r.code, ERR_NONE);
		/* Sixteen at a time: within a batch any order. */
		assert_true(a[i].order > (int)i - 16);
		assert_true(a[i].order <= (int)i + 17);
		net_http_request_fini(&a[i].r);
	}
}

static void
a_limit_of_one_makes_a_queue(void **state)
{
	struct world *w = *state;
	struct ask a[10];

	net_http_close(&w->http);
	open_http(w, NULL, 1);
	memset(a, 0, sizeof(a));
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		start(w, &a[i], "GET");
	net_env_run(w->env);
	assert_int_equal(net_peer_accepted(w->peer), 1);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		assert_int_equal(a[i].r.code, ERR_NONE);
		assert_int_equal(a[i].order, i + 1);
		net_http_request_fini(&a[i].r);
	}
}

static void
two_hosts_do_not_wait_for_each_other(void **state)
{
	struct world *w = *state;
	struct net_peer *slow = net_peer_open(&(struct net_peer_options){0});
	struct ask a[3] = {0};
	char url[64];

	net_http_close(&w->http);
	open_http(w, NULL, 1);
	net_peer_script(slow, &(struct net_peer_reply){.wait_ms = 300});
	net_peer_url(slow, "/", url, sizeof(url));
	a[0].r.url = url;
	a[1].r.url = url;
	start(w, &a[0], "GET");
	start(w, &a[1], "GET");
	start(w, &a[2], "GET");
	net_env_run(w->env);
	assert_int_equal(a[2].order, 1);
	assert_int_equal(a[0].order, 2);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(a[i].r.code, ERR_NONE);
		net_http_request_fini(&a[i].r);
	}
	net_peer_close(&slow);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_get_brings_status_headers_and_body),
	    TEST(path_and_query_are_sent_as_they_are),
	    TEST(headers_go_out_as_they_are_and_no_expect),
	    TEST(every_method_has_the_body_it_should),
	    TEST(chunks_interim_answers_and_trailers_are_understood),
	    TEST(the_end_of_the_connection_may_end_a_body),
	    TEST(a_redirect_is_not_followed),
	    TEST(a_challenge_is_not_answered),
	    TEST(the_environment_names_no_proxy_and_no_netrc),
	    TEST(a_streamed_body_arrives_whole_and_each_byte_is_asked_for_once),
	    TEST(what_the_reader_says_is_what_comes_of_it),
	    TEST(a_body_that_is_too_short_is_not_sent_as_whole),
	    TEST(a_reader_may_cancel_its_own_request),
	    TEST(a_reader_may_close_the_client),
	    TEST(thousands_of_requests_leave_nothing_behind),
	    TEST(a_host_gets_sixteen_connections_and_others_wait_in_order),
	    TEST(a_limit_of_one_makes_a_queue),
	    TEST(two_hosts_do_not_wait_for_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
