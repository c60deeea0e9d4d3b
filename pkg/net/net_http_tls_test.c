#include <stdlib.h>

#include "net/net_http.h"
#include "net/net_http_test.h"

static struct net_peer_ca *ours;
static struct net_peer_ca *theirs;
static char dir[] = "/tmp/net_http_tls_test.XXXXXX";
static char ca_file[64];

static int
make_authorities(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", dir);
	ours = net_peer_ca_new("Ours");
	theirs = net_peer_ca_new("Theirs");
	net_peer_ca_write(ours, ca_file);
	return 0;
}

static int
drop_authorities(void **state)
{
	(void)state;
	net_peer_ca_free(&ours);
	net_peer_ca_free(&theirs);
	(void)unlink(ca_file);
	return rmdir(dir);
}

/* A client that trusts ours alone, and a peer as options say. */
static void
meet(struct world *w, struct net_peer_options options)
{
	net_http_close(&w->http);
	net_peer_close(&w->peer);
	open_http(w, ca_file, 0);
	open_peer(w, &options);
}

static void
a_private_authority_is_trusted_when_it_is_named(void **state)
{
	static char body[1 << 20];
	struct world *w = *state;
	struct ask a = {.r = {.body = body, .body_len = sizeof(body)}};

	meet(w, (struct net_peer_options){.ca = ours});
	ask(w, &a, "PUT");
	if (a.r.code != ERR_NONE)
		fail_msg("%s", a.r.err.text);
	assert_int_equal(net_peer_request(w->peer, 0)->body_len, sizeof(body));
	net_http_request_fini(&a.r);
	ask_well(w, "GET", 200);
	assert_int_equal(net_peer_accepted(w->peer), 1);
}

static void
an_address_may_be_the_name(void **state)
{
	struct world *w = *state;
	struct ask a = {0};
	char url[64];

	meet(w, (struct net_peer_options){.ca = ours, .name = "127.0.0.1"});
	(void)snprintf(
	    url, sizeof(url), "https://127.0.0.1:%d/", net_peer_port(w->peer));
	a.r.url = url;
	ask(w, &a, "GET");
	if (a.r.code != ERR_NONE)
		fail_msg("%s", a.r.err.text);
	net_http_request_fini(&a.r);
}

/* What tests of virtual hosts need: no name server is asked. */
static void
a_name_below_localhost_is_this_machine(void **state)
{
	struct world *w = *state;
	struct ask a = {0};
	char url[64];
	char host[64];

	meet(w,
	    (struct net_peer_options){.ca = ours, .name = "bucket.localhost"});
	(void)snprintf(url, sizeof(url), "https://bucket.localhost:%d/key",
	    net_peer_port(w->peer));
	a.r.url = url;
	ask(w, &a, "GET");
	if (a.r.code != ERR_NONE)
		fail_msg("%s", a.r.err.text);
	net_http_request_fini(&a.r);
	assert_true(net_peer_header(
	    net_peer_request(w->peer, 0), "Host", host, sizeof(host)));
	assert_memory_equal(host, "bucket.localhost:", 17);
}

static void
a_certificate_that_does_not_fit_is_rejected_and_nothing_is_sent(void **state)
{
	const struct net_peer_options bad[] = {
	    {.ca = theirs},
	    {.ca = ours, .name = "other.test"},
	    {.ca = ours, .name = "127.0.0.1"},
	    {.ca = ours, .from_s = -7200, .to_s = -3600},
	    {.ca = ours, .from_s = 3600, .to_s = 7200},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct ask a = {0};

		meet(w, bad[i]);
		ask_ill(w, &a, "PUT", ERR_REJECTED, false);
		assert_int_equal(net_peer_count(w->peer), 0);
	}
}

static void
the_authorities_of_the_system_do_not_know_ours(void **state)
{
	struct world *w = *state;
	struct ask a = {0};

	meet(w, (struct net_peer_options){.ca = ours});
	net_http_close(&w->http);
	open_http(w, NULL, 0);
	ask_ill(w, &a, "PUT", ERR_REJECTED, false);
	assert_int_equal(net_peer_count(w->peer), 0);
}

static void
tls_1_1_is_too_old_and_1_2_is_not(void **state)
{
	struct world *w = *state;
	struct ask a = {0};

	meet(w,
	    (struct net_peer_options){.ca = ours, .tls_max = TLS1_1_VERSION});
	ask_ill(w, &a, "PUT", ERR_UNREACHABLE, false);
	assert_int_equal(net_peer_count(w->peer), 0);
	meet(w,
	    (struct net_peer_options){.ca = ours, .tls_max = TLS1_2_VERSION});
	ask_well(w, "PUT", 200);
}

static void
a_file_that_holds_no_authority_is_a_fault_of_the_configuration(void **state)
{
	struct world *w = *state;
	struct net_http_options o = {.env = w->env};
	struct net_http *h = NULL;
	struct err err;
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/none.pem", dir);
	o.ca_file = path;
	assert_int_equal(net_http_open(&o, &h, &err), ERR_CONFIG);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_null(h);
	assert_non_null(strstr(err.text, path));
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs("hello\n", f);
	(void)fclose(f);
	assert_int_equal(net_http_open(&o, &h, &err), ERR_CONFIG);
	assert_null(h);
	assert_non_null(strstr(err.text, path));
	(void)unlink(path);
}

/* What looks like a certificate and is none is found with the first use. */
static void
a_file_of_garbage_in_pem_is_a_fault_of_the_configuration_too(void **state)
{
	struct world *w = *state;
	struct ask a = {0};
	char path[80];

	meet(w, (struct net_peer_options){.ca = ours});
	net_http_close(&w->http);
	(void)snprintf(path, sizeof(path), "%s/bad.pem", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs("-----BEGIN CERTIFICATE-----\nAAAA\n"
		    "-----END CERTIFICATE-----\n",
	    f);
	(void)fclose(f);
	open_http(w, path, 0);
	ask_ill(w, &a, "GET", ERR_CONFIG, false);
	(void)unlink(path);
}

static void
a_handshake_that_hangs_ends_with_the_connect_deadline(void **state)
{
	struct world *w = *state;
	struct ask a = {.r = {.connect_ms = 150}};

	meet(w, (struct net_peer_options){.ca = ours, .never_accept = true});
	ask_ill(w, &a, "PUT", ERR_TIMEOUT, false);
	assert_true(a.took_ms >= 150 && a.took_ms < 2000);
}

static void
a_peer_that_speaks_no_tls_has_got_nothing(void **state)
{
	struct world *w = *state;
	struct ask a = {0};
	char url[64];

	script(w, (struct net_peer_reply){.when = NET_PEER_AT_ONCE,
		      .raw = "HTTP/1.1 400 Bad Request\r\n\r\n",
		      .then = NET_PEER_CLOSE});
	(void)snprintf(url, sizeof(url), "https://localhost:%d/secret",
	    net_peer_port(w->peer));
	a.r.url = url;
	ask_ill(w, &a, "PUT", ERR_UNREACHABLE, false);
	assert_int_equal(net_peer_count(w->peer), 0);
}

static void
an_answer_cut_without_a_goodbye_is_no_answer(void **state)
{
	struct net_peer_reply r = {.body = "0123456789", .cut = true};
	struct world *w = *state;

	meet(w, (struct net_peer_options){.ca = ours});
	for (size_t i = 0; i < 12; i++) {
		struct ask a = {0};

		r.chunk = i % 2 * 4;
		r.cut_at = i / 4 * 24;
		r.then = i % 3 == 0 ? NET_PEER_RESET : NET_PEER_CUT;
		script(w, r);
		ask_ill(w, &a, "GET", ERR_UNREACHABLE, true);
		assert_int_equal(net_peer_count(w->peer), i + 1);
	}
}

static void
a_request_on_a_kept_connection_that_dies_is_not_repeated(void **state)
{
	static const enum net_peer_then ends[] = {
	    NET_PEER_CUT, NET_PEER_CLOSE, NET_PEER_RESET};
	static char body[3 << 20];
	struct world *w = *state;

	for (size_t i = 0; i < 12; i++) {
		struct ask a = {
		    .r = {.body = body,
			.body_len = i % 2 == 0 ? 10 : sizeof(body)}};

		meet(w, (struct net_peer_options){.ca = ours});
		ask_well(w, "GET", 200);
		script(w, (struct net_peer_reply){.cut = true,
			      .when = i / 2 % 2 == 0 ? NET_PEER_AFTER_HEAD
						     : NET_PEER_AFTER_BODY,
			      .then = ends[i / 4]});
		ask_ill(w, &a, "PUT", ERR_UNREACHABLE, true);
		assert_true(net_peer_wait(w->peer, 2, 5000));
		env_pause(w->env, 2000);
		assert_int_equal(net_peer_count(w->peer), 2);
		assert_int_equal(net_peer_accepted(w->peer), 1);
	}
}

static void
a_kept_connection_that_ended_meanwhile_is_not_used(void **state)
{
	struct world *w = *state;

	meet(w, (struct net_peer_options){.ca = ours});
	ask_well(w, "GET", 200);
	wait_until_idle_ends(w, NET_PEER_CLOSE);
	ask_well(w, "PUT", 200);
	wait_until_idle_ends(w, NET_PEER_RESET);
	ask_well(w, "PUT", 200);
	assert_int_equal(net_peer_accepted(w->peer), 3);
	assert_int_equal(net_peer_count(w->peer), 3);
}

/* A write over a connection that is gone raises SIGPIPE, which by default
 * ends the process. */
static void
no_signal_comes_of_a_dead_connection(void **state)
{
	static char body[16 << 20];
	struct world *w = *state;

	meet(w, (struct net_peer_options){.ca = ours});
	for (size_t i = 0; i < 10; i++) {
		struct ask a = {.r = {.body = body, .body_len = sizeof(body)}};

		script(w, (struct net_peer_reply){.cut = true,
			      .when = NET_PEER_AFTER_HEAD,
			      .then = NET_PEER_RESET});
		ask_ill(w, &a, "PUT", ERR_UNREACHABLE, true);
	}
	ask_well(w, "GET", 200);
	net_peer_close(&w->peer);
	net_http_close(&w->http);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_private_authority_is_trusted_when_it_is_named),
	    TEST(an_address_may_be_the_name),
	    TEST(a_name_below_localhost_is_this_machine),
	    TEST(
		a_certificate_that_does_not_fit_is_rejected_and_nothing_is_sent),
	    TEST(the_authorities_of_the_system_do_not_know_ours),
	    TEST(tls_1_1_is_too_old_and_1_2_is_not),
	    TEST(
		a_file_that_holds_no_authority_is_a_fault_of_the_configuration),
	    TEST(a_file_of_garbage_in_pem_is_a_fault_of_the_configuration_too),
	    TEST(a_handshake_that_hangs_ends_with_the_connect_deadline),
	    TEST(a_peer_that_speaks_no_tls_has_got_nothing),
	    TEST(an_answer_cut_without_a_goodbye_is_no_answer),
	    TEST(a_request_on_a_kept_connection_that_dies_is_not_repeated),
	    TEST(a_kept_connection_that_ended_meanwhile_is_not_used),
	    TEST(no_signal_comes_of_a_dead_connection),
	};

	return cmocka_run_group_tests(
	    tests, make_authorities, drop_authorities);
}
