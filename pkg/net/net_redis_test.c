#include "net/net_redis.h"

#include <dirent.h>

#include "net/net_redis_fix_test.h"
#include "net/net_redis_server_test.h"

/* One server for all tests of this file; some kill it and start it again. */
static struct redis_server server;
static bool started;

static const char *
url(void)
{
	static char text[64];

	(void)snprintf(text, sizeof(text), "redis://127.0.0.1:%d", server.port);
	return text;
}

static int
stop_server(void **state)
{
	(void)state;
	redis_server_stop(&server);
	return 0;
}

static void
begin(struct fix *f, struct net_redis_options o)
{
	redis_server_need();
	if (!started)
		redis_server_start(
		    &server, (const char *const[]){"--appendonly", "yes",
				 "--databases", "4", NULL});
	started = true;
	if (server.pid == 0)
		redis_server_again(&server);
	(void)REDIS_ASK(&server, "FLUSHALL");
	(void)REDIS_ASK(&server, "SCRIPT", "FLUSH");
	fix_open_env(f);
	if (o.url == NULL)
		o.url = url();
	fix_open(f, o);
}

static void
it_connects_and_says_who_it_is(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, (struct net_redis_options){.name = "dsrun:test"});
	assert_false(net_redis_is_up(f.r));
	assert_string_equal(net_redis_run_id(f.r), "");
	assert_int_equal(net_redis_epoch(f.r), 0);
	fix_run(&f, fix_is_up);
	assert_int_equal(strlen(net_redis_run_id(f.r)), 40);
	assert_int_equal(net_redis_version(f.r)[0], '7');
	assert_string_equal(net_redis_policy(f.r), "noeviction");
	assert_int_equal(net_redis_epoch(f.r), 1);
	EXPECT(&f, "dsrun:test", "CLIENT", "GETNAME");
	fix_why(&f, ERR_NONE, "");
	fix_close(&f);
}

static void
every_kind_of_reply_arrives(void **state)
{
	struct fix f;
	struct asked a;

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	EXPECT(&f, "OK", "SET", "k", "v");
	EXPECT(&f, "v", "GET", "k");
	EXPECT(&f, "", "GET", "none");
	EXPECT(&f, "2", "RPUSH", "l", "a", "b");
	EXPECT(&f, "a", "LRANGE", "l", "0", "-1");
	EXPECT(&f,
	    "WRONGTYPE Operation against a key holding the wrong kind "
	    "of value",
	    "LPUSH", "k", "x");
	SEND(&f, &a, "LRANGE", "l", "0", "-1");
	fix_wait(&f);
	assert_int_equal(a.c.value->kind, NET_REDIS_ARRAY);
	assert_int_equal(a.c.value->count, 2);
	assert_string_equal(a.c.value->items[1].text, "b");
	net_redis_command_fini(&a.c);
	net_redis_command_fini(&a.c);
	assert_null(a.c.value);
	fix_close(&f);
}

/* Bytes of any value, in both directions, longer than any buffer. */
static void
long_binary_values_go_both_ways(void **state)
{
	enum {
		LEN = 3000000
	};
	struct fix f;
	struct asked a;
	char *bytes = mem_zalloc(LEN, 1);

	(void)state;
	for (size_t i = 0; i < LEN; i++)
		bytes[i] = (char)(i * 7 + i / 256);
	begin(&f, (struct net_redis_options){.name = NULL});
	fix_fill(&f, &a, (const char *const[]){"SET", "big", "", NULL});
	a.args[2] = (struct net_redis_arg){bytes, LEN};
	f.want++;
	net_redis_send(f.r, &a.c);
	fix_wait(&f);
	assert_int_equal(a.c.code, ERR_NONE);
	net_redis_command_fini(&a.c);
	SEND(&f, &a, "GET", "big");
	fix_wait(&f);
	assert_int_equal(a.c.value->len, LEN);
	assert_memory_equal(a.c.value->text, bytes, LEN);
	net_redis_command_fini(&a.c);
	mem_free(&bytes);
	fix_close(&f);
}

static void
many_are_under_way_at_once_and_answered_in_order(void **state)
{
	enum {
		N = 1000
	};
	struct fix f;
	struct asked *a = mem_zalloc(N, sizeof(*a));
	char text[24];

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	for (size_t i = 0; i < N; i++)
		SEND(&f, &a[i], "INCR", "n");
	assert_int_equal(f.done, 0);
	fix_wait(&f);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(a[i].order, i + 1);
		assert_int_equal(a[i].c.value->integer, i + 1);
		net_redis_command_fini(&a[i].c);
	}
	(void)snprintf(text, sizeof(text), "%d", N);
	assert_string_equal(REDIS_ASK(&server, "GET", "n"), text);
	mem_free(&a);
	fix_close(&f);
}

static void
more_than_the_pipeline_holds_are_refused_later(void **state)
{
	struct fix f;
	struct asked a[5];
	struct err err;

	(void)state;
	begin(&f, (struct net_redis_options){.pipeline_max = 3});
	for (size_t i = 0; i < 5; i++)
		SEND(&f, &a[i], "INCR", "n");
	fix_wait(&f);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(a[i].c.code, i < 3 ? ERR_NONE : ERR_BUSY);
		assert_int_equal(net_redis_check(&a[i].c, &err), a[i].c.code);
		assert_int_equal(a[i].c.sent, i < 3);
		net_redis_command_fini(&a[i].c);
	}
	EXPECT(&f, "4", "INCR", "n");
	fix_close(&f);
}

static void
a_database_is_selected(void **state)
{
	struct fix f;
	char text[80];

	(void)state;
	(void)snprintf(
	    text, sizeof(text), "redis://127.0.0.1:%d/3", server.port);
	begin(&f, (struct net_redis_options){.url = text});
	EXPECT(&f, "OK", "SET", "in3", "x");
	assert_string_equal(REDIS_ASK(&server, "EXISTS", "in3"), "0");
	fix_close(&f);
	(void)snprintf(
	    text, sizeof(text), "redis://127.0.0.1:%d/4", server.port);
	begin(&f, (struct net_redis_options){.url = text});
	fix_run(&f, fix_is_down);
	fix_why(&f, ERR_CONFIG, "out of range");
	fix_close(&f);
}

static void
a_name_is_resolved(void **state)
{
	struct fix f;
	char text[80];

	(void)state;
	(void)snprintf(text, sizeof(text), "redis://localhost:%d", server.port);
	begin(&f, (struct net_redis_options){.url = text});
	EXPECT(&f, "PONG", "PING");
	fix_close(&f);
	begin(&f, (struct net_redis_options){.url = "redis://none.invalid"});
	fix_run(&f, fix_is_down);
	fix_why(&f, ERR_UNREACHABLE, "resolve none.invalid");
	fix_close(&f);
	/* Closed while it is asked for. */
	begin(&f, (struct net_redis_options){.url = "redis://none.invalid"});
	net_env_drain(f.env);
	fix_close(&f);
}

static void
a_socket_of_the_file_system_will_do(void **state)
{
	struct fix f;
	char text[128];

	(void)state;
	(void)snprintf(text, sizeof(text), "unix://%s?db=1", server.socket);
	begin(&f, (struct net_redis_options){.url = text});
	EXPECT(&f, "OK", "SET", "in1", "x");
	assert_string_equal(REDIS_ASK(&server, "EXISTS", "in1"), "0");
	fix_close(&f);
	begin(&f, (struct net_redis_options){.url = "unix:///nowhere/s"});
	fix_run(&f, fix_is_down);
	fix_why(&f, ERR_UNREACHABLE, "No such file");
	fix_close(&f);
}

/* --- Down, and up again --------------------------------------------------- */

static void
what_waits_for_a_server_goes_out_when_it_is_there(void **state)
{
	struct fix f;
	struct asked a[3];

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	fix_run(&f, fix_is_up);
	redis_server_kill(&server);
	fix_run(&f, fix_is_down);
	for (size_t i = 0; i < 3; i++)
		SEND(&f, &a[i], "RPUSH", "l",
		    i == 0   ? "a"
		    : i == 1 ? "b"
			     : "c");
	fix_run(&f, fix_is_down);
	redis_server_again(&server);
	fix_wait(&f);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(a[i].c.code, ERR_NONE);
		assert_int_equal(a[i].c.value->integer, i + 1);
		net_redis_command_fini(&a[i].c);
	}
	assert_int_equal(net_redis_epoch(f.r), 2);
	assert_string_equal(REDIS_ASK(&server, "LINDEX", "l", "2"), "c");
	fix_close(&f);
}

static void
who_waits_too_long_is_told_why(void **state)
{
	struct fix f;
	struct asked a, b;
	int64_t begun;

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	fix_run(&f, fix_is_up);
	redis_server_kill(&server);
	fix_run(&f, fix_is_down);
	fix_fill(&f, &a, (const char *const[]){"PING", NULL});
	a.c.timeout_ms = 100;
	fix_fill(&f, &b, (const char *const[]){"PING", NULL});
	b.c.timeout_ms = 500;
	f.want += 2;
	begun = redis_server_now_ms();
	net_redis_send(f.r, &b.c);
	net_redis_send(f.r, &a.c);
	fix_wait(&f);
	assert_in_range(redis_server_now_ms() - begun, 495, 3000);
	assert_int_equal(a.order, 1);
	assert_int_equal(b.order, 2);
	assert_int_equal(a.c.code, ERR_UNREACHABLE);
	assert_non_null(strstr(b.c.err.text, "refused"));
	assert_false(a.c.sent);
	assert_null(a.c.value);
	fix_close(&f);
}

/* 200, 400, 800 ms ...: as seen by changed(). */
static void
the_pause_between_attempts_doubles(void **state)
{
	struct fix f;
	int64_t begun = redis_server_now_ms();
	char text[64];

	(void)state;
	fix_open_env(&f);
	(void)snprintf(text, sizeof(text), "redis://127.0.0.1:%d",
	    redis_server_free_port());
	fix_open(&f, (struct net_redis_options){.url = text});
	while (redis_server_now_ms() - begun < 1500) {
		int before = f.changes;

		while (f.changes == before) {
			f.until = fix_is_down;
			net_env_run(f.env);
		}
	}
	/* At 0, 200, 600 and 1,400 ms, and then the one at 3,000. */
	assert_in_range(f.changes, 3, 5);
	fix_close(&f);
}

static void
a_restarted_server_has_another_run_id(void **state)
{
	struct fix f;
	char before[41];

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	fix_run(&f, fix_is_up);
	(void)snprintf(before, sizeof(before), "%s", net_redis_run_id(f.r));
	redis_server_kill(&server);
	fix_run(&f, fix_is_down);
	redis_server_again(&server);
	fix_run(&f, fix_is_up);
	assert_string_not_equal(net_redis_run_id(f.r), before);
	fix_close(&f);
}

/* SIGSTOP: the kernel goes on, nothing answers. */
static void
a_server_that_hangs_is_given_up(void **state)
{
	struct fix f;
	struct asked a, b, c;

	(void)state;
	begin(&f, (struct net_redis_options){.command_ms = 5000});
	fix_run(&f, fix_is_up);
	(void)kill(server.pid, SIGSTOP);
	fix_fill(&f, &a, (const char *const[]){"INCR", "n", NULL});
	a.c.timeout_ms = 200;
	f.want++;
	net_redis_send(f.r, &a.c);
	SEND(&f, &b, "INCR", "n");
	fix_wait(&f);
	assert_int_equal(a.c.code, ERR_TIMEOUT);
	assert_true(a.c.sent);
	assert_int_equal(b.c.code, ERR_UNREACHABLE);
	assert_true(b.c.sent);
	assert_false(net_redis_is_up(f.r));
	SEND(&f, &c, "PING");
	(void)kill(server.pid, SIGCONT);
	fix_wait(&f);
	assert_int_equal(c.c.code, ERR_NONE);
	net_redis_command_fini(&c.c);
	/* It did do what was sent, each once. */
	assert_string_equal(REDIS_ASK(&server, "GET", "n"), "2");
	fix_close(&f);
}

/* --- Cancelling and closing ----------------------------------------------- */

static void
what_is_cancelled_never_calls_back(void **state)
{
	struct fix f;
	struct asked a, b, c;

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	SEND(&f, &a, "INCR", "waiting");
	net_redis_cancel(&a.c);
	net_redis_cancel(&a.c);
	f.want--;
	fix_run(&f, fix_is_up);
	assert_string_equal(REDIS_ASK(&server, "EXISTS", "waiting"), "0");
	/* Not a byte of it has gone, for the loop has not run since. */
	SEND(&f, &a, "INCR", "unsent");
	net_redis_cancel(&a.c);
	f.want--;
	/* On its way: done there, its answer is nobody's. */
	(void)kill(server.pid, SIGSTOP);
	SEND(&f, &b, "PING");
	SEND(&f, &a, "INCR", "sent");
	net_env_drain(f.env);
	(void)kill(server.pid, SIGCONT);
	net_redis_cancel(&a.c);
	net_redis_command_fini(&a.c);
	f.want--;
	SEND(&f, &c, "GET", "sent");
	fix_wait(&f);
	assert_int_equal(a.order, 0);
	assert_string_equal(c.c.value->text, "1");
	assert_string_equal(REDIS_ASK(&server, "EXISTS", "unsent"), "0");
	net_redis_command_fini(&b.c);
	net_redis_command_fini(&c.c);
	fix_close(&f);
}

static struct fix *closing;

static void
close_it(struct net_redis_command *c)
{
	net_redis_command_fini(c);
	closing->done++;
	net_redis_close(&closing->r);
}

static bool
is_closed(struct fix *f)
{
	return f->r == NULL;
}

static void
it_may_be_closed_by_a_callback(void **state)
{
	struct fix f;
	struct asked a[3];

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	closing = &f;
	for (size_t i = 0; i < 3; i++) {
		fix_fill(&f, &a[i], (const char *const[]){"PING", NULL});
		a[i].c.done = close_it;
		net_redis_send(f.r, &a[i].c);
	}
	fix_run(&f, is_closed);
	net_env_drain(f.env);
	assert_int_equal(f.done, 1);
	net_redis_cancel(&a[2].c);
	fix_close(&f);
}

static void
close_when_changed(void *arg, struct net_redis *r)
{
	struct fix *f = arg;

	(void)r;
	net_redis_close(&f->r);
}

static void
it_may_be_closed_by_changed(void **state)
{
	struct fix f;
	struct asked a;

	(void)state;
	fix_open_env(&f);
	fix_open(&f, (struct net_redis_options){.url = "unix:///nowhere",
			 .changed = close_when_changed,
			 .arg = &f});
	SEND(&f, &a, "PING");
	fix_run(&f, is_closed);
	assert_int_equal(a.order, 0);
	fix_close(&f);
}

static void
send_again(struct net_redis_command *c)
{
	struct asked *a = CONTAINER_OF(c, struct asked, c);

	net_redis_command_fini(c);
	if (++a->f->done < 500)
		net_redis_send(a->f->r, c);
	fix_look(a->f);
}

/* The same command struct again from its own done(), also when refused. */
static void
a_callback_may_send_again(void **state)
{
	struct fix f;
	struct asked a, full;

	(void)state;
	begin(&f, (struct net_redis_options){.pipeline_max = 1});
	fix_fill(&f, &a, (const char *const[]){"INCR", "n", NULL});
	a.c.done = send_again;
	f.want = 500;
	net_redis_send(f.r, &a.c);
	fix_wait(&f);
	assert_string_equal(REDIS_ASK(&server, "GET", "n"), "500");
	f.done = 0;
	SEND(&f, &full, "BLPOP", "none", "5");
	f.want = 500;
	net_redis_send(f.r, &a.c); /* ERR_BUSY, again and again */
	fix_wait(&f);
	net_redis_cancel(&full.c);
	net_redis_command_fini(&full.c);
	fix_close(&f);
}

/* --- Scripts -------------------------------------------------------------- */

static void
run_script(struct fix *f, struct net_redis_script *s, struct asked *a,
    const char *key, const char *arg)
{
	const struct net_redis_arg keys[] = {{key, strlen(key)}};
	const struct net_redis_arg args[] = {{arg, strlen(arg)}};

	*a = (struct asked){.f = f, .c.done = fix_done};
	f->want++;
	net_redis_run(f->r, s, keys, 1, args, 1, &a->c);
}

static void
a_script_is_sent_whole_when_the_server_does_not_know_it(void **state)
{
	static struct net_redis_script s = {.name = "add",
	    .text = "return redis.call('INCRBY', KEYS[1], ARGV[1])"};
	struct fix f;
	struct asked a[4];

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	for (size_t i = 0; i < 3; i++)
		run_script(&f, &s, &a[i], "n", "5");
	fix_wait(&f);
	/* Redis names scripts as we do. */
	assert_string_equal(
	    REDIS_ASK(&server, "SCRIPT", "LOAD", s.text), s.sha1);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(a[i].c.code, ERR_NONE);
		assert_int_equal(a[i].c.value->integer, 5 * (i + 1));
		assert_true(a[i].c.sent);
		net_redis_command_fini(&a[i].c);
	}
	(void)REDIS_ASK(&server, "SCRIPT", "FLUSH");
	run_script(&f, &s, &a[3], "n", "1");
	fix_wait(&f);
	assert_int_equal(a[3].c.value->integer, 16);
	net_redis_command_fini(&a[3].c);
	/* Once for three that were under way, and once after the flush. */
	assert_non_null(strstr(REDIS_ASK(&server, "INFO", "commandstats"),
	    "cmdstat_eval:calls=2,"));
	fix_close(&f);
}

static void
a_script_s_error_has_its_class(void **state)
{
	static const struct {
		const char *error;
		enum err_code code;
	} rows[] = {{"OOM x", ERR_SPACE}, {"BUSY x", ERR_THROTTLED},
	    {"LOADING x", ERR_THROTTLED}, {"TRYAGAIN x", ERR_THROTTLED},
	    {"CLUSTERDOWN x", ERR_THROTTLED}, {"MASTERDOWN x", ERR_THROTTLED},
	    {"READONLY x", ERR_UNREACHABLE}, {"NOAUTH x", ERR_CONFIG},
	    {"WRONGPASS x", ERR_CONFIG}, {"NOPERM x", ERR_CONFIG},
	    {"ERR x", ERR_REJECTED}, {"OOMX y", ERR_REJECTED},
	    {"x", ERR_REJECTED}};
	static struct net_redis_script s = {
	    .name = "fail", .text = "return redis.error_reply(ARGV[1])"};
	struct fix f;
	struct asked a;
	struct err err;

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		run_script(&f, &s, &a, "k", rows[i].error);
		fix_wait(&f);
		assert_int_equal(a.c.code, ERR_NONE);
		assert_int_equal(net_redis_check(&a.c, &err), rows[i].code);
		assert_non_null(strstr(err.text, rows[i].error));
		net_redis_command_fini(&a.c);
	}
	EXPECT(&f, "OK", "CONFIG", "SET", "maxmemory", "1");
	SEND(&f, &a, "SET", "a", "b");
	fix_wait(&f);
	assert_int_equal(net_redis_check(&a.c, &err), ERR_SPACE);
	net_redis_command_fini(&a.c);
	EXPECT(&f, "OK", "CONFIG", "SET", "maxmemory", "0");
	fix_close(&f);
}

/* --- Its edges ------------------------------------------------------------ */

static void
wrong_options_are_refused_when_it_is_opened(void **state)
{
	static const struct net_redis_options rows[] = {
	    {.url = "http://:secret@h"},
	    {.url = "redis://h", .sentinels = "a:1"},
	    {.url = "redis://h", .sentinels = "", .sentinel_master = "m"},
	    {.url = "redis://h", .sentinels = "a:1,,b", .sentinel_master = "m"},
	    {.url = "redis://h", .sentinels = "a:x", .sentinel_master = "m"},
	    {.url = "redis://h",
		.sentinels = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
		.sentinel_master = "m"},
	    {.url = "unix:///s", .sentinels = "a", .sentinel_master = "m"},
	    {.url = "redis://h", .name = "two words"},
	    {.url = "redis://h", .name = ""},
	    {.url = "redis://u@h"},
	    {.url = "redis://h", .ca_file = "/dev/null"},
	};
	struct env *env = NULL;
	struct err err;

	(void)state;
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_redis_options o = rows[i];
		struct net_redis *r = NULL;

		o.env = env;
		assert_int_equal(net_redis_open(&o, &r, &err), ERR_CONFIG);
		assert_null(r);
		assert_null(strstr(err.text, "secret"));
	}
	net_env_close(&env);
}

/* An idle connection does not keep the loop running. */
static void
an_idle_connection_lets_the_loop_end(void **state)
{
	struct fix f;
	struct asked a;
	int64_t begun;

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	SEND(&f, &a, "PING");
	begun = redis_server_now_ms();
	net_env_run(f.env);
	assert_int_equal(f.done, 1);
	assert_true(redis_server_now_ms() - begun < 3000);
	assert_true(net_redis_is_up(f.r));
	net_redis_command_fini(&a.c);
	fix_close(&f);
}

static int
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static void
reconnects_leave_nothing_behind(void **state)
{
	struct fix f;
	int before;

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	fix_run(&f, fix_is_up);
	before = open_files();
	for (int i = 0; i < 8; i++) {
		(void)REDIS_ASK(&server, "CLIENT", "KILL", "TYPE", "normal");
		fix_run(&f, fix_is_down);
		fix_run(&f, fix_is_up);
	}
	assert_int_equal(net_redis_epoch(f.r), 9);
	assert_int_equal(open_files(), before);
	fix_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_connects_and_says_who_it_is),
	    cmocka_unit_test(every_kind_of_reply_arrives),
	    cmocka_unit_test(long_binary_values_go_both_ways),
	    cmocka_unit_test(many_are_under_way_at_once_and_answered_in_order),
	    cmocka_unit_test(more_than_the_pipeline_holds_are_refused_later),
	    cmocka_unit_test(a_database_is_selected),
	    cmocka_unit_test(a_name_is_resolved),
	    cmocka_unit_test(a_socket_of_the_file_system_will_do),
	    cmocka_unit_test(what_waits_for_a_server_goes_out_when_it_is_there),
	    cmocka_unit_test(who_waits_too_long_is_told_why),
	    cmocka_unit_test(the_pause_between_attempts_doubles),
	    cmocka_unit_test(a_restarted_server_has_another_run_id),
	    cmocka_unit_test(a_server_that_hangs_is_given_up),
	    cmocka_unit_test(what_is_cancelled_never_calls_back),
	    cmocka_unit_test(it_may_be_closed_by_a_callback),
	    cmocka_unit_test(it_may_be_closed_by_changed),
	    cmocka_unit_test(a_callback_may_send_again),
	    cmocka_unit_test(
		a_script_is_sent_whole_when_the_server_does_not_know_it),
	    cmocka_unit_test(a_script_s_error_has_its_class),
	    cmocka_unit_test(wrong_options_are_refused_when_it_is_opened),
	    cmocka_unit_test(an_idle_connection_lets_the_loop_end),
	    cmocka_unit_test(reconnects_leave_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, stop_server);
}
