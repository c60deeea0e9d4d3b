#include "net/net_redis_fix_test.h"
#include "net/net_redis_server_test.h"

/* Real sentinels: a master that is sent down, one that dies, one that is back
 * and does not know that it was deposed. */

static struct redis_trio trio;

static int
stop_all(void **state)
{
	(void)state;
	redis_trio_stop(&trio);
	return 0;
}

static const char *
role_of(struct fix *f)
{
	static char role[16];
	struct asked a;

	SEND(f, &a, "ROLE");
	fix_wait(f);
	(void)snprintf(role, sizeof(role), "%s", a.c.value->items[0].text);
	net_redis_command_fini(&a.c);
	return role;
}

static void
open_by_sentinels(struct fix *f)
{
	fix_open_env(f);
	fix_open(f, (struct net_redis_options){.url = "redis://ignored",
			.sentinels = trio.list,
			.sentinel_master = REDIS_TRIO_MASTER,
			.name = "dsrun",
			.command_ms = 15000});
}

/* The trio's first node is master, and has a replica that follows. */
static void
begin(struct fix *f)
{
	redis_server_need();
	redis_trio_start(&trio);
	open_by_sentinels(f);
	assert_int_equal(fix_port(f), trio.node[0].port);
	EXPECT(f, "1", "INCR", "n");
	EXPECT(f, "1", "WAIT", "1", "5000");
}

static bool
is_elsewhere(struct fix *f)
{
	return net_redis_is_up(f->r) && net_redis_epoch(f->r) > 1;
}

/*
 * The old master comes back by itself, as it was started: for some 10 s it is
 * a master by its own word.  Who connects in that time gets the new one.
 */
static void
expect_the_deposed_to_be_left(void)
{
	int64_t until;

	redis_server_kill(&trio.node[0]);
	redis_server_again(&trio.node[0]);
	until = redis_server_now_ms() + 800;
	while (redis_server_now_ms() < until) {
		struct fix late;

		assert_string_equal(REDIS_ASK(&trio.node[0], "ROLE"), "master");
		open_by_sentinels(&late);
		assert_int_equal(fix_port(&late), trio.node[1].port);
		fix_close(&late);
	}
}

/* Sentinels count seconds of their own; a machine that is busy with other
 * tests keeps them waiting. */
static void
need_time(void)
{
	const char *must = getenv("DSRUN_NEED_PEERS");

	if (must != NULL && *must != '\0')
		return;
	print_message("skipped: slow; set DSRUN_NEED_PEERS\n");
	skip();
}

static void
a_failover_is_followed_and_the_deposed_is_left(void **state)
{
	struct fix f;

	(void)state;
	need_time();
	begin(&f);
	(void)REDIS_ASK(
	    &trio.sentinel[0], "SENTINEL", "FAILOVER", REDIS_TRIO_MASTER);
	fix_run(&f, is_elsewhere);
	EXPECT(&f, "2", "INCR", "n");
	assert_int_equal(fix_port(&f), trio.node[1].port);
	assert_string_equal(role_of(&f), "master");
	expect_the_deposed_to_be_left();
	fix_close(&f);
	redis_trio_stop(&trio);
}

/* What waits while there is no master goes to the next one.  Ten seconds. */
static void
after_the_master_s_death_the_next_one_is_found(void **state)
{
	struct fix f;
	struct asked a;

	(void)state;
	need_time();
	begin(&f);
	redis_server_kill(&trio.node[0]);
	fix_run(&f, fix_is_down);
	SEND(&f, &a, "INCR", "n");
	fix_wait(&f);
	assert_int_equal(a.c.code, ERR_NONE);
	assert_int_equal(a.c.value->integer, 2);
	net_redis_command_fini(&a.c);
	assert_int_equal(fix_port(&f), trio.node[1].port);
	assert_string_equal(role_of(&f), "master");
	expect_the_deposed_to_be_left();
	fix_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_failover_is_followed_and_the_deposed_is_left),
	    cmocka_unit_test(after_the_master_s_death_the_next_one_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, stop_all);
}
