#include <sys/resource.h>

#include "net/net_redis_fake_test.h"
#include "net/net_redis_fix_test.h"
#include "net/net_redis_server_test.h"

/*
 * Servers that break off, lie and dawdle: each time the right code, the truth
 * about `sent`, nothing sent twice, and a connection that works again after.
 */

static struct fake fake;
static struct fake_answer worst; /* to the first INCR */

static void
answer_badly_once(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	(void)f;
	if (strncmp(command, "INCR", 4) != 0)
		return;
	*out =
	    conn == 1 ? worst : (struct fake_answer){":1\r\n", 0, FAKE_GO_ON};
}

static void
begin(struct fix *f, struct net_redis_options o)
{
	char url[64];

	fake.answer = answer_badly_once;
	fake.on_accept = NULL;
	fake.role = NULL;
	fake_start(&fake);
	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d", fake.port);
	fix_open_env(f);
	o.url = url;
	fix_open(f, o);
}

static void
end(struct fix *f)
{
	fix_close(f);
	fake_stop(&fake);
}

/* INCR a, whose answer is the worst, and INCR b behind it. */
static void
suffer(const char *bytes, size_t len, enum fake_then then, enum err_code first,
    enum err_code second)
{
	struct fix f;
	struct asked a, b, c;

	worst = (struct fake_answer){bytes, len, then};
	begin(&f, (struct net_redis_options){.command_ms = 300});
	fix_run(&f, fix_is_up);
	SEND(&f, &a, "INCR", "a");
	SEND(&f, &b, "INCR", "b");
	fix_wait(&f);
	assert_int_equal(a.c.code, first);
	assert_int_equal(b.c.code, second);
	assert_true(a.c.sent);
	assert_true(b.c.sent);
	assert_true(a.c.err.text[0] != '\0');
	assert_int_equal(a.c.err.code, first);
	assert_null(a.c.value);
	assert_false(net_redis_is_up(f.r));
	fix_run(&f, fix_is_up);
	SEND(&f, &c, "INCR", "c");
	fix_wait(&f);
	assert_int_equal(c.c.code, ERR_NONE);
	net_redis_command_fini(&c.c);
	assert_int_equal(fake_count(&fake, "INCR a"), 1);
	assert_true(fake_count(&fake, "INCR b") <= 1);
	assert_int_equal(fake_count(&fake, "INCR c"), 1);
	end(&f);
}

static void
a_reply_cut_in_its_middle_reaches_nobody(void **state)
{
	static const char reply[] = "*2\r\n$5\r\nhello\r\n:12345\r\n";

	(void)state;
	for (size_t len = 0; len < sizeof(reply) - 1; len += 7)
		suffer(len > 0 ? reply : NULL, len, FAKE_CLOSE, ERR_UNREACHABLE,
		    ERR_UNREACHABLE);
}

static void
a_reset_is_as_bad_as_an_end(void **state)
{
	(void)state;
	suffer(":1", 2, FAKE_RESET, ERR_UNREACHABLE, ERR_UNREACHABLE);
	suffer(NULL, 0, FAKE_RESET, ERR_UNREACHABLE, ERR_UNREACHABLE);
}

static void
garbage_ends_the_connection(void **state)
{
	static const char *const rows[] = {"HTTP/1.1 200 OK\r\n\r\n",
	    "\x16\x03\x01\x02\x03", ":12x\r\n", "*-7\r\n", "$2\r\nabcd"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		suffer(rows[i], 0, FAKE_HANG, ERR_MALFORMED, ERR_UNREACHABLE);
}

static void
what_is_announced_too_large_is_refused_at_once(void **state)
{
	static const char *const rows[] = {"$2147483648\r\nab",
	    "*2147483647\r\n", "*3\r\n*1000000\r\n*1000000\r\n"};
	struct rusage before, after;

	(void)state;
	(void)getrusage(RUSAGE_SELF, &before);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		suffer(rows[i], 0, FAKE_HANG, ERR_MALFORMED, ERR_UNREACHABLE);
	(void)getrusage(RUSAGE_SELF, &after);
	/* In kB: not a copy of what was announced. */
	assert_true(after.ru_maxrss - before.ru_maxrss < 32768);
}

static void
an_answer_that_drips_is_not_waited_for_longer(void **state)
{
	(void)state;
	suffer("$30\r\n012345678901234567890123456789\r\n", 0, FAKE_DRIP,
	    ERR_TIMEOUT, ERR_TIMEOUT);
}

static void
a_peer_that_keeps_silent_is_given_up(void **state)
{
	(void)state;
	suffer(NULL, 0, FAKE_HANG, ERR_TIMEOUT, ERR_TIMEOUT);
}

/* Two replies to one command: the second belongs to nothing. */
static void
an_answer_too_many_ends_the_connection(void **state)
{
	struct fix f;
	struct asked a, b;

	(void)state;
	worst = (struct fake_answer){":1\r\n:2\r\n", 0, FAKE_GO_ON};
	begin(&f, (struct net_redis_options){.command_ms = 1000});
	fix_run(&f, fix_is_up);
	SEND(&f, &a, "INCR", "a");
	fix_wait(&f);
	assert_int_equal(a.c.code, ERR_NONE);
	assert_int_equal(a.c.value->integer, 1);
	fix_run(&f, fix_is_down);
	fix_why(&f, ERR_MALFORMED, "nothing that was asked");
	SEND(&f, &b, "INCR", "b");
	fix_wait(&f);
	assert_int_equal(b.c.code, ERR_NONE);
	net_redis_command_fini(&a.c);
	net_redis_command_fini(&b.c);
	end(&f);
}

static void
a_server_that_speaks_first_is_not_believed(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, (struct net_redis_options){.connect_ms = 500});
	end(&f);
	fake.answer = NULL;
	fake.on_accept = "-ERR max number of clients reached\r\n";
	fake_start(&fake);
	char url[64];

	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d", fake.port);
	fix_open_env(&f);
	fix_open(&f, (struct net_redis_options){.url = url, .connect_ms = 500});
	fix_run(&f, fix_is_down);
	assert_int_equal(net_redis_epoch(f.r), 0);
	fix_why(&f, ERR_UNREACHABLE, "");
	end(&f);
}

/* The greeting is under the same limits. */
static void
hang_in_greeting(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	(void)f;
	(void)conn;
	if (strcmp(command, "INFO replication") == 0)
		out->then = FAKE_HANG;
}

static void
a_greeting_that_is_not_answered_has_an_end(void **state)
{
	struct fix f;
	struct asked a;
	int64_t begun;

	(void)state;
	begin(&f,
	    (struct net_redis_options){.connect_ms = 200, .command_ms = 900});
	fake.answer = hang_in_greeting;
	begun = redis_server_now_ms();
	SEND(&f, &a, "PING");
	fix_wait(&f);
	assert_in_range(redis_server_now_ms() - begun, 890, 3000);
	assert_int_equal(a.c.code, ERR_UNREACHABLE);
	assert_non_null(strstr(a.c.err.text, "within 200 ms"));
	assert_false(a.c.sent);
	assert_int_equal(fake_count(&fake, "PING"), 0);
	assert_in_range(fake_conn_count(&fake), 2, 4);
	end(&f);
}

/* Connections that nobody accepts, behind a full backlog. */
static void
a_port_that_does_not_accept_has_an_end(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int filled[8];
	struct fix f;
	char url[64];

	(void)state;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	(void)getsockname(listener, (struct sockaddr *)(void *)&at, &len);
	for (size_t i = 0; i < ARRAY_LEN(filled); i++) {
		filled[i] = socket(
		    AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(filled[i], (struct sockaddr *)(void *)&at, len);
	}
	(void)snprintf(
	    url, sizeof(url), "redis://127.0.0.1:%d", ntohs(at.sin_port));
	fix_open_env(&f);
	fix_open(&f, (struct net_redis_options){.url = url, .connect_ms = 200});
	fix_run(&f, fix_is_down);
	fix_why(&f, ERR_TIMEOUT, "within 200 ms");
	fix_close(&f);
	for (size_t i = 0; i < ARRAY_LEN(filled); i++)
		(void)close(filled[i]);
	(void)close(listener);
}

/*
 * A peer that reads nothing: what the kernel took was perhaps sent, of the
 * rest not a byte; that goes out on the next connection, and once.
 */
static void
stop_reading(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	(void)f;
	if (strncmp(command, "SET big", 7) == 0)
		*out = (struct fake_answer){
		    "+OK\r\n", 0, conn == 1 ? FAKE_HANG : FAKE_GO_ON};
	else if (strncmp(command, "INCR", 4) == 0)
		*out = (struct fake_answer){":1\r\n", 0, FAKE_GO_ON};
	/* The first SET's answer is all that comes. */
	if (conn == 1 && strncmp(command, "SET big", 7) == 0)
		out->bytes = NULL;
}

static void
what_was_not_sent_goes_out_later_and_once(void **state)
{
	enum {
		LEN = 30000000
	};
	struct fix f;
	struct asked first, big, tail;
	char *bytes = mem_zalloc(LEN, 1);

	(void)state;
	memset(bytes, 'x', LEN);
	begin(&f, (struct net_redis_options){.command_ms = 10000});
	fake.answer = stop_reading;
	fix_run(&f, fix_is_up);
	fix_fill(&f, &first, (const char *const[]){"SET", "big1", "x", NULL});
	first.c.timeout_ms = 300;
	f.want++;
	net_redis_send(f.r, &first.c);
	fix_fill(&f, &big, (const char *const[]){"SET", "big2", "", NULL});
	big.args[2] = (struct net_redis_arg){bytes, LEN};
	f.want++;
	net_redis_send(f.r, &big.c);
	SEND(&f, &tail, "INCR", "tail");
	fix_wait(&f);
	assert_int_equal(first.c.code, ERR_TIMEOUT);
	assert_true(first.c.sent);
	assert_int_equal(big.c.code, ERR_NONE);
	assert_int_equal(tail.c.code, ERR_NONE);
	assert_int_equal(first.order, 1);
	assert_int_equal(big.order, 2);
	assert_int_equal(tail.order, 3);
	assert_int_equal(fake_count(&fake, "SET big1 x"), 1);
	assert_int_equal(fake_count(&fake, "INCR tail"), 1);
	net_redis_command_fini(&big.c);
	net_redis_command_fini(&tail.c);
	mem_free(&bytes);
	end(&f);
}

/* An answer to what it has only half of is none. */
static void
answer_too_early(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	(void)f;
	if (strcmp(command, "SET small x") == 0 && conn == 1)
		*out = (struct fake_answer){"+OK\r\n+OK\r\n", 0, FAKE_HANG};
	else if (strncmp(command, "SET", 3) == 0)
		*out = (struct fake_answer){"+OK\r\n", 0, FAKE_GO_ON};
}

static void
an_answer_that_comes_too_early_is_not_believed(void **state)
{
	enum {
		LEN = 30000000
	};
	struct fix f;
	struct asked small, big;
	char *bytes = mem_zalloc(LEN, 1);

	(void)state;
	memset(bytes, 'x', LEN);
	begin(&f, (struct net_redis_options){.command_ms = 10000});
	fake.answer = answer_too_early;
	fix_run(&f, fix_is_up);
	SEND(&f, &small, "SET", "small", "x");
	fix_fill(&f, &big, (const char *const[]){"SET", "big", "", NULL});
	big.args[2] = (struct net_redis_arg){bytes, LEN};
	f.want++;
	net_redis_send(f.r, &big.c);
	fix_wait(&f);
	assert_int_equal(small.c.code, ERR_NONE);
	assert_int_equal(big.c.code, ERR_NONE);
	assert_true(big.c.sent);
	assert_int_equal(fake_conn_count(&fake), 2);
	net_redis_command_fini(&small.c);
	net_redis_command_fini(&big.c);
	mem_free(&bytes);
	end(&f);
}

/* Ever the same mischief: memory and descriptors stay where they are. */
static void
answer_in_halves(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	(void)f;
	(void)conn;
	if (strncmp(command, "INCR", 4) == 0)
		*out = (struct fake_answer){"$1000000\r\nabc", 0, FAKE_CLOSE};
}

static void
many_bad_answers_do_not_add_up(void **state)
{
	struct rusage before, after;
	struct fix f;
	struct asked a;

	(void)state;
	begin(&f, (struct net_redis_options){.command_ms = 5000});
	fake.answer = answer_in_halves;
	(void)getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < 6; i++) {
		SEND(&f, &a, "INCR", "a");
		fix_wait(&f);
		assert_int_equal(a.c.code, ERR_UNREACHABLE);
		assert_true(a.c.sent);
	}
	(void)getrusage(RUSAGE_SELF, &after);
	assert_int_equal(fake_count(&fake, "INCR a"), 6);
	assert_true(after.ru_maxrss - before.ru_maxrss < 8192);
	end(&f);
}

/* Says that it knows no script, whatever it was sent. */
static void
forget_scripts(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	(void)f;
	(void)conn;
	if (strncmp(command, "EVALSHA", 7) == 0)
		*out = (struct fake_answer){
		    "-NOSCRIPT No matching script.\r\n", 0, FAKE_GO_ON};
	else if (strncmp(command, "EVAL", 4) == 0)
		*out = (struct fake_answer){":1\r\n", 0, FAKE_GO_ON};
}

static void
a_server_that_learns_no_script_is_sent_each_whole(void **state)
{
	static struct net_redis_script script = {
	    .name = "one", .text = "return 1"};
	char by_hash[64];
	struct fix f;
	struct asked a[3];

	(void)state;
	begin(&f, (struct net_redis_options){.command_ms = 5000});
	fake.answer = forget_scripts;
	for (size_t i = 0; i < 3; i++) {
		a[i] = (struct asked){.f = &f, .c.done = fix_done};
		f.want++;
		net_redis_run(f.r, &script, NULL, 0, NULL, 0, &a[i].c);
	}
	fix_wait(&f);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(a[i].c.code, ERR_NONE);
		assert_int_equal(a[i].c.value->integer, 1);
		net_redis_command_fini(&a[i].c);
	}
	/* By its hash; the first whole, the others by it once more; whole. */
	assert_int_equal(fake_count(&fake, "EVAL return 1 0"), 3);
	(void)snprintf(by_hash, sizeof(by_hash), "EVALSHA %s 0", script.sha1);
	assert_int_equal(fake_count(&fake, by_hash), 5);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_reply_cut_in_its_middle_reaches_nobody),
	    cmocka_unit_test(a_reset_is_as_bad_as_an_end),
	    cmocka_unit_test(garbage_ends_the_connection),
	    cmocka_unit_test(what_is_announced_too_large_is_refused_at_once),
	    cmocka_unit_test(an_answer_that_drips_is_not_waited_for_longer),
	    cmocka_unit_test(a_peer_that_keeps_silent_is_given_up),
	    cmocka_unit_test(an_answer_too_many_ends_the_connection),
	    cmocka_unit_test(a_server_that_speaks_first_is_not_believed),
	    cmocka_unit_test(a_greeting_that_is_not_answered_has_an_end),
	    cmocka_unit_test(a_port_that_does_not_accept_has_an_end),
	    cmocka_unit_test(what_was_not_sent_goes_out_later_and_once),
	    cmocka_unit_test(an_answer_that_comes_too_early_is_not_believed),
	    cmocka_unit_test(many_bad_answers_do_not_add_up),
	    cmocka_unit_test(a_server_that_learns_no_script_is_sent_each_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
