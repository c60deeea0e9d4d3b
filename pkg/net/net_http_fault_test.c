#include <netdb.h>
#include <stdatomic.h>

#include "net/net_http.h"
#include "net/net_http_test.h"

static atomic_bool dns_hangs;
static atomic_int dns_asked;

/*
 * In place of the C library's, for libcurl's thread: names that end in
 * ".hang" are looked up until dns_hangs is over, others are nobody's.
 */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **res)
{
	static const struct timespec tick = {0, 5000000};

	(void)service;
	(void)hints;
	*res = NULL;
	(void)atomic_fetch_add(&dns_asked, 1);
	while (strstr(node, ".hang") != NULL && atomic_load(&dns_hangs))
		(void)nanosleep(&tick, NULL);
	return EAI_NONAME;
}

/* --- Never twice ------------------------------------------------------------
 */

static void
keep_connections(struct world *w, size_t count)
{
	struct ask a[4];

	memset(a, 0, sizeof(a));
	for (size_t i = 0; i < count; i++)
		script(w, (struct net_peer_reply){.wait_ms = 10});
	for (size_t i = 0; i < count; i++)
		start(w, &a[i], "GET");
	net_env_run(w->env);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(a[i].r.code, ERR_NONE);
		net_http_request_fini(&a[i].r);
	}
	assert_int_equal(net_peer_accepted(w->peer), count);
}

/*
 * libcurl would send it again, on another connection that was kept or on a
 * new one: it takes an end without an answer for a connection that had died.
 */
static void
a_request_on_a_kept_connection_that_dies_is_not_repeated(void **state)
{
	static const enum net_peer_then ends[] = {
	    NET_PEER_CUT, NET_PEER_CLOSE, NET_PEER_RESET};
	static const enum net_peer_when whens[] = {
	    NET_PEER_AFTER_BODY, NET_PEER_AFTER_HEAD, NET_PEER_AT_ONCE};
	static const size_t sizes[] = {0, 10, 3 << 20};
	static char body[3 << 20];
	struct world *w = *state;

	for (size_t i = 0; i < 3 * 3 * 3 * 2; i++) {
		size_t kept = 1 + i % 2;
		struct ask a = {0};

		a.r.body = body;
		a.r.body_len = sizes[i / 2 % 3];
		keep_connections(w, kept);
		script(w, (struct net_peer_reply){.when = whens[i / 6 % 3],
			      .cut = true,
			      .then = ends[i / 18]});
		ask_ill(w, &a, a.r.body_len > 0 ? "PUT" : "DELETE",
		    ERR_UNREACHABLE, true);
		assert_true(net_peer_wait(w->peer, kept + 1, 5000));
		env_pause(w->env, 2000);
		assert_true(net_peer_count(w->peer) <= kept + 1);
		assert_int_equal(net_peer_accepted(w->peer), kept);
		net_http_close(&w->http);
		net_peer_close(&w->peer);
		open_http(w, NULL, 0);
		open_peer(w, &(struct net_peer_options){0});
	}
}

static void
a_first_request_that_dies_is_not_repeated(void **state)
{
	struct world *w = *state;
	struct ask a = {0};

	script(w, (struct net_peer_reply){.cut = true, .then = NET_PEER_CUT});
	ask_ill(w, &a, "PUT", ERR_UNREACHABLE, true);
	assert_int_equal(net_peer_count(w->peer), 1);
	assert_int_equal(net_peer_accepted(w->peer), 1);
}

static void
a_kept_connection_that_ended_meanwhile_is_not_used(void **state)
{
	struct world *w = *state;

	ask_well(w, "GET", 200);
	wait_until_idle_ends(w, NET_PEER_CLOSE);
	ask_well(w, "PUT", 200);
	wait_until_idle_ends(w, NET_PEER_RESET);
	ask_well(w, "PUT", 200);
	assert_int_equal(net_peer_accepted(w->peer), 3);
	assert_int_equal(net_peer_count(w->peer), 3);
}

static void
a_fresh_request_shares_no_connection(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.fresh = true}};

	ask_well(w, "GET", 200);
	ask(w, &a, "POST");
	assert_int_equal(a.r.code, ERR_NONE);
	net_http_request_fini(&a.r);
	ask_well(w, "GET", 200);
	assert_int_equal(net_peer_request(w->peer, 0)->connection, 1);
	assert_int_equal(net_peer_request(w->peer, 1)->connection, 2);
	assert_int_equal(net_peer_request(w->peer, 2)->connection, 1);
}

/* --- Answers that break off --------------------------------------------------
 */

static enum err_code
give_zeros(struct net_http_request *r, void *bytes, size_t max, size_t *got,
    struct err *err)
{
	(void)r;
	(void)err;
	memset(bytes, 0, max);
	*got = max;
	return ERR_NONE;
}

/* What the kernel had taken for the peer is thrown away with it. */
static void
a_fresh_request_that_is_cancelled_sends_nothing_more(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.fresh = true,
			    .read = give_zeros,
			    .body_len = (size_t)8 << 30}};

	net_peer_close(&w->peer);
	open_peer(w, &(struct net_peer_options){.keep_body = 1});
	start(w, &a, "PUT");
	run_until_sent(w, 1);
	net_http_request_fini(&a.r);
	for (int i = 0; i < 1000 && net_peer_resets(w->peer) < 1; i++)
		env_pause(w->env, 1000);
	assert_int_equal(net_peer_resets(w->peer), 1);
	ask_well(w, "GET", 200);
	assert_int_equal(net_peer_resets(w->peer), 1);
}

static void
an_answer_that_breaks_off_is_no_answer(void **state)
{
	static const enum net_peer_then ends[] = {
	    NET_PEER_CUT, NET_PEER_CLOSE, NET_PEER_RESET};
	struct net_peer_reply whole = {
	    .headers = "X-A: b\r\n", .body = "0123456789"};
	struct world *w = *state;

	/* Each length of it, with a length and in chunks. */
	for (size_t chunk = 0; chunk <= 4; chunk += 4) {
		struct buf all = BUF_INIT(4096);

		whole.chunk = chunk;
		peer_render(&whole, "GET", &all);
		/* The last line feed after the last chunk is not missed. */
		for (size_t cut = 1; cut < all.len - (chunk > 0); cut++) {
			struct net_peer_reply r = whole;
			struct ask a = {0};

			r.cut = true;
			r.cut_at = cut;
			r.then = ends[cut % 3];
			script(w, r);
			ask(w, &a, "GET");
			if (a.r.code == ERR_NONE || !a.r.sent)
				fail_msg("%zu of %zu bytes: %s", cut, all.len,
				    buf_text(&a.r.body_in));
			/* A piece of a status line is no HTTP. */
			assert_true(a.r.code == ERR_UNREACHABLE ||
				    (a.r.code == ERR_MALFORMED && cut < 20));
			net_http_request_fini(&a.r);
		}
		buf_free(&all);
	}
}

static void
what_came_of_a_broken_answer_can_be_looked_at(void **state)
{
	struct world *w = *state;
	struct ask a = {0};

	script(w, (struct net_peer_reply){.status = 500,
		      .body = "0123456789",
		      .cut = true,
		      .cut_at = 50,
		      .then = NET_PEER_CUT});
	ask(w, &a, "GET");
	assert_int_equal(a.r.code, ERR_UNREACHABLE);
	assert_int_equal(a.r.status, 500);
	assert_int_equal(
	    strncmp(buf_text(&a.r.body_in), "0123456789", a.r.body_in.len), 0);
	assert_true(a.r.body_in.len < 10);
	net_http_request_fini(&a.r);
}

static void
what_is_no_http_is_malformed(void **state)
{
	static const struct {
		const char *raw;
		enum err_code code;
	} cases[] = {{"SSH-2.0-OpenSSH_9.2\r\n", ERR_MALFORMED},
	    {"<html>hello</html>", ERR_MALFORMED},
	    {"HTTP/3.7 200 OK\r\n\r\n", ERR_MALFORMED},
	    {"HTTP/1.1 2000 OK\r\n\r\n", ERR_MALFORMED},
	    {"HTTP/1.1 abc\r\n\r\n", ERR_MALFORMED},
	    {"\xff\xfe\x01\x02\x03\x04\x05\x06", ERR_MALFORMED},
	    {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", ERR_MALFORMED},
	    {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", ERR_MALFORMED}};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ask a = {0};

		script(w, (struct net_peer_reply){
			      .raw = cases[i].raw, .then = NET_PEER_CLOSE});
		ask(w, &a, "GET");
		if (a.r.code != cases[i].code)
			fail_msg("%s: %s: %s", cases[i].raw, err_name(a.r.code),
			    a.r.err.text);
		net_http_request_fini(&a.r);
	}
}

/* --- Limits ------------------------------------------------------------------
 */

static void
a_body_above_the_limit_is_refused_and_one_at_the_limit_is_not(void **state)
{
	static char body[70001];
	struct world *w = *state;

	memset(body, 'x', sizeof(body) - 1);
	for (size_t i = 0; i < 6; i++) {
		struct ask a = {.r = {.response_max = 70000 - i % 2}};

		script(w,
		    (struct net_peer_reply){.body = body,
			.chunk = i / 2 == 1 ? 999 : 0,
			.no_length = i / 2 == 2,
			.then = i / 2 == 2 ? NET_PEER_CLOSE : NET_PEER_KEEP});
		ask(w, &a, "GET");
		assert_int_equal(
		    a.r.code, i % 2 == 0 ? ERR_NONE : ERR_MALFORMED);
		assert_true(a.r.body_in.len <= a.r.response_max);
		net_http_request_fini(&a.r);
	}
}

static void
headers_above_the_limit_are_refused(void **state)
{
	static const int counts[] = {1200, 1300, 20000};
	struct world *w = *state;
	struct buf lines[3];
	struct buf line = BUF_INIT(1 << 20);

	for (size_t i = 0; i < 3; i++) {
		lines[i] = BUF_INIT(2 << 20);
		for (int n = 0; n < counts[i]; n++)
			buf_puts(&lines[i], "X-Header: 0123456789012345678901"
					    "2345678901234567890\r\n");
		script(w, (struct net_peer_reply){.headers = lines[i].bytes});
	}
	buf_puts(&line, "X-Long: ");
	for (int i = 0; i < 20000; i++)
		buf_puts(&line, "0123456789");
	buf_puts(&line, "\r\n");
	script(w, (struct net_peer_reply){.headers = line.bytes});
	ask_well(w, "GET", 200);
	for (size_t i = 0; i < 3; i++) {
		struct ask a = {0};

		ask_ill(w, &a, "GET", ERR_MALFORMED, true);
	}
	ask_well(w, "GET", 200);
	net_peer_close(&w->peer);
	for (size_t i = 0; i < 3; i++)
		buf_free(&lines[i]);
	buf_free(&line);
}

static void
a_refusal_before_the_body_went_out_is_an_answer(void **state)
{
	static char body[64 << 20];
	struct world *w = *state;
	struct ask a = {.r = {.body = body, .body_len = sizeof(body)}};

	script(w, (struct net_peer_reply){.status = 413,
		      .headers = "Connection: close\r\n",
		      .body = "too large",
		      .when = NET_PEER_AFTER_HEAD,
		      .then = NET_PEER_CLOSE});
	ask(w, &a, "PUT");
	if (a.r.code != ERR_NONE)
		fail_msg("%s", a.r.err.text);
	assert_int_equal(a.r.status, 413);
	assert_string_equal(buf_text(&a.r.body_in), "too large");
	net_http_request_fini(&a.r);
}

/*
 * Whether send() or recv() is told of the reset first is the kernel's affair,
 * and libcurl, told by send(), reads no more.  So about every second time; one
 * in forty when the poll's error alone is passed on.
 */
static void
a_refusal_whose_sender_resets_the_connection_can_be_read(void **state)
{
	static char body[8 << 20];
	struct world *w = *state;
	int answers = 0;

	for (int i = 0; i < 40; i++) {
		struct ask a = {.r = {.body = body, .body_len = sizeof(body)}};

		script(w, (struct net_peer_reply){.status = 412,
			      .body = "it is there",
			      .when = NET_PEER_AFTER_HEAD,
			      .then = NET_PEER_RESET});
		ask(w, &a, "PUT");
		if (a.r.code == ERR_NONE) {
			answers++;
			assert_int_equal(a.r.status, 412);
			assert_string_equal(
			    buf_text(&a.r.body_in), "it is there");
		} else {
			assert_int_equal(a.r.code, ERR_UNREACHABLE);
			assert_true(a.r.sent);
		}
		net_http_request_fini(&a.r);
	}
	print_message("%d of 40 were read\n", answers);
	assert_true(answers >= 8);
}

/* --- Deadlines ---------------------------------------------------------------
 */

static void
an_answer_that_never_comes_ends_with_the_total_deadline(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.total_ms = 120}};

	script(w, (struct net_peer_reply){.cut = true, .then = NET_PEER_HANG});
	ask_ill(w, &a, "GET", ERR_TIMEOUT, true);
	assert_true(a.took_ms >= 120 && a.took_ms < 2000);
	ask_well(w, "GET", 200);
}

static void
half_an_answer_ends_with_the_stall_deadline(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.stall_ms = 100}};

	script(w, (struct net_peer_reply){.body = "0123456789",
		      .cut = true,
		      .cut_at = 50,
		      .then = NET_PEER_HANG});
	ask_ill(w, &a, "GET", ERR_TIMEOUT, true);
	assert_non_null(strstr(a.r.err.text, "no byte moved"));
	assert_true(a.took_ms >= 100 && a.took_ms < 2000);
}

static void
an_upload_that_nobody_reads_ends_with_the_stall_deadline(void **state)
{
	static char body[64 << 20];
	struct world *w = *state;
	struct ask a = {
	    .r = {.body = body, .body_len = sizeof(body), .stall_ms = 200}};

	script(w, (struct net_peer_reply){.when = NET_PEER_AFTER_HEAD,
		      .cut = true,
		      .then = NET_PEER_HANG});
	ask_ill(w, &a, "PUT", ERR_TIMEOUT, true);
	assert_true(a.took_ms >= 200 && a.took_ms < 5000);
}

static void
a_slow_drip_is_no_stall_but_has_its_total_deadline(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.stall_ms = 300}};
	struct ask b = {.r = {.stall_ms = 300, .total_ms = 150}};
	struct net_peer_reply slow = {.body = "0123456789012345678901234567890",
	    .drip = 2,
	    .drip_ms = 15};

	script(w, slow);
	script(w, slow);
	ask(w, &a, "GET");
	if (a.r.code != ERR_NONE)
		fail_msg("%s", a.r.err.text);
	assert_true(a.took_ms > 300);
	net_http_request_fini(&a.r);
	ask_ill(w, &b, "GET", ERR_TIMEOUT, true);
}

static void
a_connection_that_is_not_made_ends_with_the_connect_deadline(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.connect_ms = 150}};
	struct ask b = {.r = {.total_ms = 150}};

	net_peer_close(&w->peer);
	open_peer(w, &(struct net_peer_options){.black_hole = true});
	ask_ill(w, &a, "PUT", ERR_TIMEOUT, false);
	assert_true(a.took_ms >= 150 && a.took_ms < 2000);
	ask_ill(w, &b, "PUT", ERR_TIMEOUT, false);
	assert_true(b.took_ms >= 150 && b.took_ms < 2000);
}

static void
a_peer_that_never_accepts_may_have_got_it(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.total_ms = 100}};

	net_peer_close(&w->peer);
	open_peer(w, &(struct net_peer_options){.never_accept = true});
	ask_ill(w, &a, "PUT", ERR_TIMEOUT, true);
}

static void
a_closed_port_has_got_nothing(void **state)
{
	struct world *w = *state;
	struct ask a = {0};
	char url[64];

	net_peer_url(w->peer, "/secret?token=x", url, sizeof(url));
	net_peer_close(&w->peer);
	a.r.url = url;
	ask(w, &a, "PUT");
	assert_int_equal(a.r.code, ERR_UNREACHABLE);
	assert_false(a.r.sent);
	assert_non_null(strstr(a.r.err.text, "PUT http://127.0.0.1:"));
	assert_null(strstr(a.r.err.text, "secret"));
	assert_null(strstr(a.r.err.text, "token"));
	net_http_request_fini(&a.r);
}

static void
waiting_for_a_place_counts_as_total_and_not_as_connect_time(void **state)
{
	struct world *w = *state;
	struct ask a[3] = {{.r = {.total_ms = 5000}}, {.r = {.total_ms = 100}},
	    {.r = {.total_ms = 5000, .connect_ms = 100}}};

	net_http_close(&w->http);
	open_http(w, NULL, 1);
	script(w, (struct net_peer_reply){.wait_ms = 300});
	for (size_t i = 0; i < 3; i++)
		start(w, &a[i], "PUT");
	net_env_run(w->env);
	assert_int_equal(a[0].r.code, ERR_NONE);
	assert_int_equal(a[1].r.code, ERR_TIMEOUT);
	assert_false(a[1].r.sent);
	assert_true(a[1].took_ms < 300);
	assert_int_equal(a[2].r.code, ERR_NONE);
	for (size_t i = 0; i < 3; i++)
		net_http_request_fini(&a[i].r);
	assert_int_equal(net_peer_count(w->peer), 2);
}

static void
a_name_that_nobody_has_is_unreachable(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.url = "http://nobody.test/"}};

	ask_ill(w, &a, "GET", ERR_UNREACHABLE, false);
	assert_true(atomic_load(&dns_asked) > 0);
}

/* The look-up goes on in its thread; nobody waits for it. */
static void
a_look_up_that_hangs_holds_nobody_up(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.url = "http://a.hang/", .connect_ms = 100}};
	struct ask b = {.r = {.url = "http://b.hang/", .total_ms = 100}};
	struct ask c = {.r = {.url = "http://c.hang/"}};
	struct ask d = {.r = {.url = "http://d.hang/"}};

	atomic_store(&dns_hangs, true);
	ask_ill(w, &a, "GET", ERR_TIMEOUT, false);
	ask_ill(w, &b, "GET", ERR_TIMEOUT, false);
	assert_true(a.took_ms < 1000 && b.took_ms < 1000);
	start(w, &c, "GET");
	start(w, &d, "GET");
	for (int asked = 0; asked < 4; asked = atomic_load(&dns_asked))
		net_env_drain(w->env);
	int64_t begun_ms = env_real_boot_ms(w->env);
	net_http_cancel(&c.r);
	net_http_close(&w->http);
	assert_true(env_real_boot_ms(w->env) - begun_ms < 1000);
	net_http_request_fini(&c.r);
	net_http_request_fini(&d.r);
	atomic_store(&dns_hangs, false);
	/* The threads free what is theirs. */
	env_pause(w->env, 50000);
}

/* --- Cancelled and closed
 * ----------------------------------------------------- */

static void
a_cancelled_request_never_calls_back(void **state)
{
	struct world *w = *state;
	struct ask a[3] = {0};

	net_http_close(&w->http);
	open_http(w, NULL, 1);
	net_http_cancel(&a[0].r);
	for (size_t i = 0; i < 3; i++)
		start(w, &a[i], "GET");
	net_http_cancel(&a[0].r);
	net_http_cancel(&a[0].r);
	net_env_drain(w->env); /* the second is begun by now */
	net_http_cancel(&a[1].r);
	net_env_run(w->env);
	assert_int_equal(a[0].dones, 0);
	assert_int_equal(a[1].dones, 0);
	assert_int_equal(a[2].dones, 1);
	assert_int_equal(a[2].r.code, ERR_NONE);
	net_http_cancel(&a[2].r);
	for (size_t i = 0; i < 3; i++)
		net_http_request_fini(&a[i].r);
}

/* Cancels the next in line, or closes the client. */
struct chain {
	struct ask a;
	struct chain *victim;
};

static void
cancel_victim(struct ask *a)
{
	struct chain *c = CONTAINER_OF(a, struct chain, a);

	net_http_request_fini(&a->r);
	if (c->victim != NULL)
		net_http_request_fini(&c->victim->a.r);
}

static void
a_done_may_cancel_any_other(void **state)
{
	struct world *w = *state;
	struct chain c[8];

	memset(c, 0, sizeof(c));
	for (size_t i = 0; i < 8; i++) {
		c[i].victim = &c[i ^ 1];
		c[i].a.then = cancel_victim;
		/* Two that end in the same round: they have no URL. */
		if (i < 2)
			c[i].a.r.url = "nonsense";
		start(w, &c[i].a, "GET");
	}
	net_env_run(w->env);
	for (size_t i = 0; i < 8; i += 2)
		assert_int_equal(c[i].a.dones + c[i + 1].a.dones, 1);
}

static void
close_client(struct ask *a)
{
	net_http_close(&a->w->http);
}

static void
a_done_may_close_the_client(void **state)
{
	struct world *w = *state;
	struct ask a[40];

	memset(a, 0, sizeof(a));
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		a[i].then = close_client;
		start(w, &a[i], "GET");
	}
	net_env_run(w->env);
	assert_null(w->http);
	assert_int_equal(w->dones, 1);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		net_http_request_fini(&a[i].r);
}

static void
a_client_is_closed_with_requests_under_way(void **state)
{
	struct world *w = *state;
	struct ask a[40];

	memset(a, 0, sizeof(a));
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		script(w, (struct net_peer_reply){.wait_ms = 10000});
		start(w, &a[i], "GET");
	}
	/* All that have a place. */
	run_until_sent(w, 16);
	net_http_close(&w->http);
	net_env_run(w->env);
	assert_int_equal(w->dones, 0);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		net_http_request_fini(&a[i].r);
}

static void
what_is_no_request_is_refused_unsent(void **state)
{
	static const char *const bad_lines[][2] = {{"Host: other", NULL},
	    {"content-length: 5", NULL}, {"Expect: 100-continue", NULL},
	    {"Transfer-Encoding: chunked", NULL}, {"Connection: close", NULL},
	    {"No colon", NULL}, {": empty", NULL}, {"A b: c", NULL},
	    {"X-Split: a\r\nX-Other: b", NULL}, {"X-Nul:\x01", NULL}};
	static const char *const bad_urls[] = {"", "127.0.0.1/", "ftp://h/",
	    "file:///etc/passwd", "http://", "http:///x", "http://u:p@h/",
	    "http://h/a b", "http://h/\xc3\xbc", "http://h:99999/",
	    "http://h/\r\nX: y", NULL};
	static const char *const bad_methods[] = {
	    "", "GET /", "G\r\nX: y", NULL};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad_lines); i++) {
		struct ask a = {.r = {.headers = bad_lines[i]}};

		ask_ill(w, &a, "GET", ERR_CONFIG, false);
	}
	for (size_t i = 0; bad_urls[i] != NULL; i++) {
		struct ask a = {.r = {.url = bad_urls[i]}};

		ask_ill(w, &a, "GET", ERR_CONFIG, false);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad_methods); i++) {
		struct ask a = {0};

		ask_ill(w, &a, bad_methods[i], ERR_CONFIG, false);
	}
	assert_int_equal(net_peer_accepted(w->peer), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_request_on_a_kept_connection_that_dies_is_not_repeated),
	    TEST(a_first_request_that_dies_is_not_repeated),
	    TEST(a_kept_connection_that_ended_meanwhile_is_not_used),
	    TEST(a_fresh_request_shares_no_connection),
	    TEST(a_fresh_request_that_is_cancelled_sends_nothing_more),
	    TEST(an_answer_that_breaks_off_is_no_answer),
	    TEST(what_came_of_a_broken_answer_can_be_looked_at),
	    TEST(what_is_no_http_is_malformed),
	    TEST(a_body_above_the_limit_is_refused_and_one_at_the_limit_is_not),
	    TEST(headers_above_the_limit_are_refused),
	    TEST(a_refusal_before_the_body_went_out_is_an_answer),
	    TEST(a_refusal_whose_sender_resets_the_connection_can_be_read),
	    TEST(an_answer_that_never_comes_ends_with_the_total_deadline),
	    TEST(half_an_answer_ends_with_the_stall_deadline),
	    TEST(an_upload_that_nobody_reads_ends_with_the_stall_deadline),
	    TEST(a_slow_drip_is_no_stall_but_has_its_total_deadline),
	    TEST(a_connection_that_is_not_made_ends_with_the_connect_deadline),
	    TEST(a_peer_that_never_accepts_may_have_got_it),
	    TEST(a_closed_port_has_got_nothing),
	    TEST(waiting_for_a_place_counts_as_total_and_not_as_connect_time),
	    TEST(a_name_that_nobody_has_is_unreachable),
	    TEST(a_look_up_that_hangs_holds_nobody_up),
	    TEST(a_cancelled_request_never_calls_back),
	    TEST(a_done_may_cancel_any_other),
	    TEST(a_done_may_close_the_client),
	    TEST(a_client_is_closed_with_requests_under_way),
	    TEST(what_is_no_request_is_refused_unsent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
