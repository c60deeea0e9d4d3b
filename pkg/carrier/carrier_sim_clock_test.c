#include "carrier/carrier_sim.h"
#include "carrier/carrier_sim_world_test.h"

static void
expect_refused(const char *what)
{
	struct err err = {0};

	assert_int_equal(world_try_open(1, &err), ERR_CONFIG);
	assert_null(world.c[1].ops);
	assert_int_equal(world.end[1].speed, 0);
	if (strstr(err.text, what) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, what);
}

static void
other_parameters_are_refused_by_name(void **state)
{
	struct conf_sim was;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	world_close(0);
	was = world.conf;
	world.conf.speed = 1000;
	expect_refused("speed was 1 and is 1000 now");
	world.conf = was;
	world.conf.seed = 7;
	expect_refused("seed was 1 and is 7 now");
	world.conf = was;
	world.conf.cls = (char *)(uintptr_t) "keyed";
	expect_refused("class was \"named\" and is \"keyed\" now");
	world.conf = was;
	world.conf.latency_ms = 121;
	world.conf.faults.slow = 0.05;
	expect_refused("latency_ms was 120 and is 121 now, "
		       "faults.slow was 0 and is 0.05 now");
	expect_refused("another directory");
	expect_refused("calls.jsonl");
	world.conf = was;
	assert_int_equal(world_count("\n"), 1);
	(void)world_open(1);
	world_end();
}

static void
settings_that_cannot_hold_are_refused(void **state)
{
	struct err err;

	(void)state;
	world_begin("named");
	world.conf.settle_ms = 619;
	expect_refused("expected at least 620");
	world.conf.settle_ms = 620;
	world.conf.faults.slow = 0.01;
	expect_refused("expected at least 3620");
	world.conf.settle_ms = 4000;
	world.conf.speed = 0;
	expect_refused("speed");
	world.conf.speed = 1;
	world.conf.cls = NULL;
	expect_refused("class");
	world.conf.cls = (char *)(uintptr_t) "named";
	assert_int_equal(carrier_sim_open(world_env(1), &world.conf, world.sim,
			     "/nonexistent", &world.c[1], &err),
	    ERR_CONFIG);
	world.conf.personas = (char *)(uintptr_t) "/nonexistent";
	expect_refused("/nonexistent");
	assert_int_equal(access(world.log, F_OK), -1);
	world_end();
}

static void
time_goes_on_for_every_process_alike(void **state)
{
	(void)state;
	world_begin("named");
	world.conf.speed = 1000;
	(void)world_open(0);
	world_run(3600000);
	(void)world_open(1);
	assert_int_equal(world_now(0), 3600000);
	assert_int_equal(world_now(1), 3600000);
	assert_int_equal(
	    env_boot_ms(&world.end[1]) - env_boot_ms(&world.end[0]), 0);
	world_end();
}

static void
another_boot_goes_on_at_the_newest_line(void **state)
{
	struct phone p;
	struct carrier_terms a, b;

	(void)state;
	world_begin("named");
	struct carrier *c = world_open(0);
	c->ops->terms(c->impl, &a);
	phone_init(&p, "+1400", 1);
	phone_dial(&p, 0);
	world_run(1000);
	world_close(0);

	/* The machine was off for a day, which the network did not notice. */
	world.boot_us = 700000;
	world_env(1);
	memset(world.end[1].boot_id, 0xB1, ENV_ID_BYTES);
	struct err err = {0};
	assert_int_equal(carrier_sim_open(&world.end[1], &world.conf, world.sim,
			     NULL, &world.c[1], &err),
	    ERR_NONE);
	assert_int_equal(world_now(1), 120);
	assert_int_equal(world_count("\"ev\":\"boot\""), 1);
	assert_int_equal(world_count("\"boot_ms\":700"), 1);
	world.c[1].ops->terms(world.c[1].impl, &b);
	assert_string_equal(a.account, b.account);
	world_run(30000);
	world.c[1].ops->hangup(world.c[1].impl, "sim-0000000000000000");
	assert_int_equal(world_count("\"outcome\":\"no-answer\""), 1);
	world_close(1);

	/* The same boot again: no second line about it. */
	world_env(2);
	memset(world.end[2].boot_id, 0xB1, ENV_ID_BYTES);
	assert_int_equal(carrier_sim_open(&world.end[2], &world.conf, world.sim,
			     NULL, &world.c[2], &err),
	    ERR_NONE);
	assert_int_equal(world_count("\"ev\":\"boot\""), 1);
	assert_int_equal(world_now(2), 30120);
	world_end();
}

static void
a_new_network_is_another_account(void **state)
{
	struct carrier_terms a, b;

	(void)state;
	world_begin("named");
	struct carrier *c = world_open(0);
	c->ops->terms(c->impl, &a);
	world_close(0);
	assert_int_equal(unlink(world.log), 0);
	world.boot_us += 1000;
	c = world_open(0);
	c->ops->terms(c->impl, &b);
	assert_string_not_equal(a.account, b.account);
	world_end();
}

static void
peeking_follows_the_time_and_touches_nothing(void **state)
{
	struct env *env;
	struct err err;
	bool found = true;

	(void)state;
	world_begin("named");
	world.conf.speed = 100;
	env = world_env(3);
	assert_int_equal(
	    carrier_sim_peek(env, world.sim, &found, &err), ERR_NONE);
	assert_false(found);
	assert_int_equal(env->speed, 0);
	assert_int_equal(access(world.sim, F_OK), -1);

	(void)world_open(0);
	world_run(60000);
	assert_int_equal(
	    carrier_sim_peek(env, world.sim, &found, &err), ERR_NONE);
	assert_true(found);
	assert_int_equal(world_now(3), 60000);
	assert_int_equal(world_count("\n"), 1);

	/* In another boot time stands at the newest line. */
	env = world_env(3);
	memset(env->boot_id, 0xB2, ENV_ID_BYTES);
	assert_int_equal(
	    carrier_sim_peek(env, world.sim, &found, &err), ERR_NONE);
	assert_true(found);
	assert_int_equal(world_now(3), 0);
	world_run(50);
	assert_int_equal(world_now(3), 50);
	assert_int_equal(world_count("\n"), 1);
	world_end();
}

static void
peeking_at_an_empty_log_finds_nothing(void **state)
{
	struct env *env;
	struct err err;
	bool found = true;

	(void)state;
	world_begin("named");
	env = world_env(3);
	assert_int_equal(env_make_dirs(world.real, world.sim, &err), ERR_NONE);
	world_write(world.log, "{\"at_ms\":17");
	assert_int_equal(
	    carrier_sim_peek(env, world.sim, &found, &err), ERR_NONE);
	assert_false(found);
	world_write(world.log, "{\"at_ms\":17}\n");
	assert_int_equal(
	    carrier_sim_peek(env, world.sim, &found, &err), ERR_DAMAGED);
	world_end();
}

static void
a_damaged_log_is_named_with_its_line(void **state)
{
	static const char *const lines[] = {
	    "nonsense\n",
	    "{\"at_ms\":1767600000000,\"ev\":\"magic\"}\n",
	    "{\"at_ms\":1767600000000,\"ev\":\"placed\",\"call\":"
	    "\"sim-0000000000000001\",\"key\":\"k\",\"to\":\"+1\"}\n",
	    "{\"at_ms\":1767600000000,\"ev\":\"origin\",\"schema\":1,\"boot\":"
	    "\"00\",\"boot_ms\":1,\"speed\":1,\"seed\":1,\"params\":{}}\n",
	};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		world_begin("named");
		(void)world_open(0);
		world_close(0);
		FILE *f = fopen(world.log, "a");
		assert_non_null(f);
		assert_true(fputs(lines[i], f) >= 0);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(world_try_open(1, &err), ERR_DAMAGED);
		assert_non_null(strstr(err.text, "calls.jsonl:2: "));
		assert_int_equal(world_count("\n"), 2);
		world_end();
	}
}

static void
a_log_that_runs_ahead_of_time_is_refused(void **state)
{
	struct phone p;
	struct err err = {0};

	(void)state;
	world_begin("named");
	(void)world_open(0);
	world_run(5000);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_close(0);
	world.boot_us -= 3000000;
	assert_int_equal(world_try_open(1, &err), ERR_DAMAGED);
	assert_non_null(strstr(err.text, "3000 ms ahead"));
	world_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(other_parameters_are_refused_by_name),
	    cmocka_unit_test(settings_that_cannot_hold_are_refused),
	    cmocka_unit_test(time_goes_on_for_every_process_alike),
	    cmocka_unit_test(another_boot_goes_on_at_the_newest_line),
	    cmocka_unit_test(a_new_network_is_another_account),
	    cmocka_unit_test(peeking_follows_the_time_and_touches_nothing),
	    cmocka_unit_test(peeking_at_an_empty_log_finds_nothing),
	    cmocka_unit_test(a_damaged_log_is_named_with_its_line),
	    cmocka_unit_test(a_log_that_runs_ahead_of_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
