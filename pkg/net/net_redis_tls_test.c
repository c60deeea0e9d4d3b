#include "net/net_redis_tls.h"

#include "net/net_redis_fix_test.h"
#include "net/net_redis_server_test.h"

/* Who may come in, by certificate and by name: a real server's word. */

/* What Bull and BullMQ need, and no more. */
#define ACL                                                                  \
	"user default off\n"                                                 \
	"user queue on >pw@:/% ~bull:* ~{bull}:* &* +@all -@dangerous +info" \
	" +client +config|get\n"                                             \
	"user quiet on >pw ~* +get +set\n"

static struct redis_server open_to_all; /* TLS, no client certificates, ACL */
static struct redis_server by_cert;     /* TLS, client certificates */
static struct redis_server plain;       /* requirepass */
static char ca[96], other_ca[96], cert[96], key[96];

static int
stop_servers(void **state)
{
	(void)state;
	redis_server_stop(&open_to_all);
	redis_server_stop(&by_cert);
	redis_server_stop(&plain);
	return 0;
}

static void
need_servers(void)
{
	redis_server_need();
	redis_server_need_program("openssl");
	if (plain.pid != 0)
		return;
	redis_server_cert(&open_to_all, "server", "DNS:localhost,IP:127.0.0.1");
	open_to_all.user = "queue";
	open_to_all.password = "pw@:/%";
	redis_server_start_tls(&open_to_all, "no", ACL);
	redis_server_cert(&by_cert, "server", "DNS:elsewhere,IP:127.0.0.1");
	redis_server_cert(&by_cert, "client", "DNS:client");
	redis_server_start_tls(&by_cert, "yes", NULL);
	plain.password = "only";
	redis_server_start(
	    &plain, (const char *const[]){"--requirepass", "only", NULL});
	(void)snprintf(ca, sizeof(ca), "%s/ca.crt", open_to_all.dir);
	(void)snprintf(other_ca, sizeof(other_ca), "%s/ca.crt", by_cert.dir);
	(void)snprintf(cert, sizeof(cert), "%s/client.crt", by_cert.dir);
	(void)snprintf(key, sizeof(key), "%s/client.key", by_cert.dir);
}

/* fmt has one %d: the port. */
static void
begin(struct fix *f, const char *fmt, int port, struct net_redis_options o)
{
	char url[128];
	const char *mark = strstr(fmt, "%d");

	(void)snprintf(url, sizeof(url), "%.*s%d%s", (int)(mark - fmt), fmt,
	    port, mark + 2);
	fix_open_env(f);
	o.url = url;
	fix_open(f, o);
}

static void
expect_down(const char *fmt, int port, struct net_redis_options o,
    enum err_code code, const char *part)
{
	struct fix f;

	begin(&f, fmt, port, o);
	fix_run(&f, fix_is_down);
	fix_why(&f, code, part);
	assert_int_equal(net_redis_epoch(f.r), 0);
	fix_close(&f);
}

static void
a_user_of_bull_s_acl_comes_in_by_tls(void **state)
{
	static const char *const hosts[] = {
	    "rediss://queue:pw%40:%2f%25@127.0.0.1:%d",
	    "rediss://queue:pw%40:%2f%25@localhost:%d"};

	(void)state;
	need_servers();
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct fix f;

		begin(&f, hosts[i], open_to_all.port,
		    (struct net_redis_options){
			.ca_file = ca, .name = "bull:cQ=="});
		EXPECT(&f, "OK", "SET", "bull:q:id", "1");
		EXPECT(&f, "bull:cQ==", "CLIENT", "GETNAME");
		EXPECT(&f,
		    "NOPERM this user has no permissions to access one "
		    "of the keys used as arguments",
		    "GET", "else");
		assert_int_equal(strlen(net_redis_run_id(f.r)), 40);
		fix_close(&f);
	}
}

static void
much_goes_through_tls_both_ways(void **state)
{
	enum {
		LEN = 3000000,
		N = 1000
	};
	struct fix f;
	struct asked big;
	struct asked *a = mem_zalloc(N, sizeof(*a));
	char *bytes = mem_zalloc(LEN, 1);

	(void)state;
	need_servers();
	for (size_t i = 0; i < LEN; i++)
		bytes[i] = (char)(i * 7 + i / 256);
	begin(&f, "rediss://127.0.0.1:%d", open_to_all.port,
	    (struct net_redis_options){
		.ca_file = ca, .user = "queue", .password = "pw@:/%"});
	for (size_t i = 0; i < N / 2; i++)
		SEND(&f, &a[i], "INCR", "bull:n");
	fix_fill(&f, &big, (const char *const[]){"SET", "bull:b", "", NULL});
	big.args[2] = (struct net_redis_arg){bytes, LEN};
	f.want++;
	net_redis_send(f.r, &big.c);
	for (size_t i = N / 2; i < N; i++)
		SEND(&f, &a[i], "INCR", "bull:n");
	fix_wait(&f);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(a[i].c.value->integer, i + 1);
		net_redis_command_fini(&a[i].c);
	}
	net_redis_command_fini(&big.c);
	SEND(&f, &big, "GET", "bull:b");
	fix_wait(&f);
	assert_int_equal(big.c.value->len, LEN);
	assert_memory_equal(big.c.value->text, bytes, LEN);
	net_redis_command_fini(&big.c);
	mem_free(&bytes);
	mem_free(&a);
	fix_close(&f);
}

static void
a_refused_password_is_a_matter_of_configuration(void **state)
{
	(void)state;
	need_servers();
	expect_down("rediss://queue:wrong@127.0.0.1:%d", open_to_all.port,
	    (struct net_redis_options){.ca_file = ca}, ERR_CONFIG, "WRONGPASS");
	expect_down("rediss://127.0.0.1:%d", open_to_all.port,
	    (struct net_redis_options){.ca_file = ca}, ERR_CONFIG, "NOAUTH");
	expect_down("redis://127.0.0.1:%d", plain.port,
	    (struct net_redis_options){.password = "wrong"}, ERR_CONFIG,
	    "WRONGPASS");
	expect_down("redis://127.0.0.1:%d/1", plain.port,
	    (struct net_redis_options){.name = NULL}, ERR_CONFIG, "NOAUTH");
}

static void
a_password_alone_is_the_default_user_s(void **state)
{
	struct fix f;

	(void)state;
	need_servers();
	begin(&f, "redis://:only@127.0.0.1:%d/2", plain.port,
	    (struct net_redis_options){.password = "the url has its own"});
	EXPECT(&f, "default", "ACL", "WHOAMI");
	fix_close(&f);
}

/* Allowed little: it is up, and who it is stays unknown. */
static void
without_the_right_to_ask_it_is_a_stranger(void **state)
{
	struct fix f;

	(void)state;
	need_servers();
	begin(&f, "rediss://quiet:pw@127.0.0.1:%d", open_to_all.port,
	    (struct net_redis_options){.ca_file = ca, .name = "x"});
	fix_run(&f, fix_is_up);
	EXPECT(&f, "OK", "SET", "bull:x", "1");
	assert_string_equal(net_redis_run_id(f.r), "");
	assert_string_equal(net_redis_policy(f.r), "");
	fix_close(&f);
}

static void
a_certificate_of_another_ca_is_refused(void **state)
{
	(void)state;
	need_servers();
	expect_down("rediss://127.0.0.1:%d", open_to_all.port,
	    (struct net_redis_options){.ca_file = other_ca}, ERR_UNREACHABLE,
	    "certificate of 127.0.0.1 is refused");
	/* The system's does not know it either. */
	expect_down("rediss://127.0.0.1:%d", open_to_all.port,
	    (struct net_redis_options){.ca_file = NULL}, ERR_UNREACHABLE,
	    "certificate of 127.0.0.1 is refused");
}

static void
a_certificate_for_another_name_is_refused(void **state)
{
	(void)state;
	need_servers();
	expect_down("rediss://localhost:%d", by_cert.port,
	    (struct net_redis_options){
		.ca_file = other_ca, .client_cert = cert, .client_key = key},
	    ERR_UNREACHABLE, "ostname mismatch");
}

static void
a_server_may_ask_for_ours(void **state)
{
	struct fix f;

	(void)state;
	need_servers();
	begin(&f, "rediss://127.0.0.1:%d", by_cert.port,
	    (struct net_redis_options){
		.ca_file = other_ca, .client_cert = cert, .client_key = key});
	EXPECT(&f, "PONG", "PING");
	fix_close(&f);
	expect_down("rediss://127.0.0.1:%d", by_cert.port,
	    (struct net_redis_options){.ca_file = other_ca}, ERR_UNREACHABLE,
	    "certificate required");
}

static void
neither_speaks_the_other_s_language(void **state)
{
	(void)state;
	need_servers();
	expect_down("rediss://127.0.0.1:%d", plain.port,
	    (struct net_redis_options){.ca_file = ca, .connect_ms = 500},
	    ERR_TIMEOUT, "not connected within 500 ms");
	expect_down("redis://127.0.0.1:%d", open_to_all.port,
	    (struct net_redis_options){.connect_ms = 500}, ERR_UNREACHABLE, "");
}

static void
files_that_will_not_do_are_named_when_it_is_opened(void **state)
{
	struct net_redis_options rows[] = {
	    {.ca_file = "/nowhere/ca.crt"},
	    {.ca_file = "/dev/null"},
	    {.ca_file = ca, .client_cert = cert},
	    {.ca_file = ca, .client_key = key},
	    {.ca_file = ca, .client_cert = key, .client_key = key},
	    {.ca_file = ca, .client_cert = cert, .client_key = cert},
	    {.ca_file = ca, .client_cert = other_ca, .client_key = key},
	};
	struct env *env = NULL;
	struct err err;

	(void)state;
	need_servers();
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_redis *r = NULL;

		rows[i].env = env;
		rows[i].url = "rediss://127.0.0.1:1";
		assert_int_equal(
		    net_redis_open(&rows[i], &r, &err), ERR_CONFIG);
		assert_null(r);
	}
	net_env_close(&env);
}

static void
tls_is_back_after_a_restart(void **state)
{
	struct fix f;

	(void)state;
	need_servers();
	begin(&f, "rediss://127.0.0.1:%d", open_to_all.port,
	    (struct net_redis_options){
		.ca_file = ca, .user = "queue", .password = "pw@:/%"});
	fix_run(&f, fix_is_up);
	redis_server_kill(&open_to_all);
	fix_run(&f, fix_is_down);
	redis_server_again(&open_to_all);
	EXPECT(&f, "1", "INCR", "bull:restarted");
	fix_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_user_of_bull_s_acl_comes_in_by_tls),
	    cmocka_unit_test(much_goes_through_tls_both_ways),
	    cmocka_unit_test(a_refused_password_is_a_matter_of_configuration),
	    cmocka_unit_test(a_password_alone_is_the_default_user_s),
	    cmocka_unit_test(without_the_right_to_ask_it_is_a_stranger),
	    cmocka_unit_test(a_certificate_of_another_ca_is_refused),
	    cmocka_unit_test(a_certificate_for_another_name_is_refused),
	    cmocka_unit_test(a_server_may_ask_for_ours),
	    cmocka_unit_test(neither_speaks_the_other_s_language),
	    cmocka_unit_test(
		files_that_will_not_do_are_named_when_it_is_opened),
	    cmocka_unit_test(tls_is_back_after_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, stop_servers);
}
