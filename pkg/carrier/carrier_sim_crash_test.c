#include <sys/wait.h>

#include <signal.h>

#include "base/crash.h"

#include "carrier/carrier_sim.h"
#include "carrier/carrier_sim_world_test.h"

#define PHONES 4

static const char *const classes[] = {
    "keyed", "named", "queryable", "callback", "blind"};

static void
die_at(void *arg, const char *name)
{
	int *left = arg;

	(void)name;
	if (--*left == 0)
		(void)kill(getpid(), SIGKILL);
}

static void
take(void *arg, const struct carrier_notice *n)
{
	struct carrier *c = arg;

	c->ops->taken(c->impl, n->id);
}

/* What a dsrun does with the network, from beginning to end. */
static void
live(size_t end)
{
	static const char *const to[PHONES] = {
	    "+1100", "+1300", "+1500", "+1800"};
	static struct phone p[PHONES];
	struct carrier *c = world_open(end);

	c->ops->watch(c->impl, take, c);
	for (int i = 0; i < PHONES; i++) {
		phone_init(&p[i], to[i], i);
		phone_dial(&p[i], end);
		world_run(10);
	}
	world_run(3000);
	if (p[0].dial.answer == CARRIER_ANSWER_PLACED)
		c->ops->hangup(c->impl, p[0].dial.call_id);
	world_run(5000);
}

/* Live in a child that dies at the n-th point; true when it did. */
static bool
live_and_die(int n)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		int left = n;

		crash_hook(die_at, &left);
		live(0);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* The child's clock stopped with it; ours has gone on. */
	world.boot_us += 20000000;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* Whatever the dead one left, the network is whole and goes to its end. */
static void
check_network(const char *cls)
{
	struct carrier_sim_log log;
	struct err err = {0};

	(void)world_open(1);
	world_run(600000);
	world_close(1);
	(void)world_open(2);
	if (carrier_sim_log_read(world.real, world.log, &log, &err) != ERR_NONE)
		fail_msg("%s: %s", cls, err.text);
	assert_true(log.key_count <= PHONES);
	for (size_t i = 0; i < log.call_count; i++) {
		assert_int_equal(log.calls[i].requests, 1);
		assert_true(log.calls[i].placed == 1 ||
			    log.calls[i].refused != CARRIER_SIM_CODE_NONE);
		if (log.calls[i].placed == 1)
			assert_int_not_equal(
			    log.calls[i].outcome, JOB_OUTCOME_NONE);
	}
	carrier_sim_log_free(&log);
	world_close(2);
}

static void
a_death_at_any_point_leaves_a_whole_network(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(classes); k++) {
		int n = 1;

		for (;; n++) {
			world_begin(classes[k]);
			bool died = live_and_die(n);
			check_network(classes[k]);
			world_end();
			if (!died)
				break;
			assert_true(n < 200);
		}
		assert_true(n > 15);
	}
}

static void
after_a_death_a_repeated_key_rings_once_if_the_network_knows_it(void **state)
{
	(void)state;
	for (int n = 1; n < 200; n++) {
		world_begin("keyed");
		bool died = live_and_die(n);
		live(1);
		world_run(600000);
		struct carrier_sim_log log;
		struct err err;
		assert_int_equal(
		    carrier_sim_log_read(world.real, world.log, &log, &err),
		    ERR_NONE);
		assert_int_equal(log.key_count, PHONES);
		for (size_t i = 0; i < log.key_count; i++)
			assert_true(log.keys[i].placed <= 1);
		carrier_sim_log_free(&log);
		world_end();
		if (!died)
			return;
	}
	fail();
}

static void
append(const char *text)
{
	FILE *f = fopen(world.log, "a");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
a_torn_last_line_is_cut_off(void **state)
{
	static const char torn[] =
	    "{\"at_ms\":1767600000000,\"ev\":\"placed\",\"call\":\"sim-00";
	struct phone p, q;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	/* While somebody has it open ... */
	append(torn);
	world_run(5000);
	assert_int_equal(p.outcome, JOB_OUTCOME_BUSY);
	assert_int_equal(world_count("sim-00\""), 0);
	assert_int_equal(world_count("\n"), 4);
	world_close(0);
	/* ... at the next open ... */
	append(torn);
	(void)world_open(1);
	phone_init(&q, "+1300", 2);
	phone_dial(&q, 1);
	world_run(5000);
	assert_int_equal(world_count("\n"), 7);
	world_close(1);
	/* ... and when nothing but a torn origin was written. */
	char *text = world_log();
	text[20] = '\0';
	world_write(world.log, text);
	mem_free(&text);
	(void)world_open(2);
	assert_int_equal(world_count("\"ev\":\"origin\""), 1);
	assert_int_equal(world_count("\n"), 1);
	world_end();
}

static enum err_code (*true_append)(
    struct env_file *f, const void *bytes, size_t len, struct err *err);
static int appends_left;

static enum err_code
full_disk(struct env_file *f, const void *bytes, size_t len, struct err *err)
{
	if (appends_left-- > 0)
		return true_append(f, bytes, len, err);
	(void)true_append(f, bytes, len / 2, err);
	return err_set(err, ERR_SPACE, 28, "no space");
}

static void
a_failed_append_is_unknown_and_leaves_no_trace(void **state)
{
	struct phone p, q;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	phone_init(&p, "+1300", 1);
	phone_init(&q, "+1300", 2);
	phone_dial(&q, 0);
	true_append = world.ops.append;
	appends_left = 0;
	world.ops.append = full_disk;
	phone_dial(&p, 0);
	world_run(1000);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_UNKNOWN);
	assert_string_equal(p.dial.code, "ERR_SPACE");
	/* The line of the other call waits for room; at_ms stays the rightful
	 * one. */
	assert_int_equal(q.dones, 0);
	assert_int_equal(world_count("\n"), 2);
	world.ops.append = true_append;
	world_run(1000);
	assert_int_equal(q.dial.answer, CARRIER_ANSWER_PLACED);
	assert_int_equal(q.dial.placed_ms, WORLD_START_MS + 120);
	assert_int_equal(world_count("\"ev\":\"placed\""), 1);
	world_end();
}

/* One dial of many in a turn: nothing leaves before the turn is over. */
static void
begin_dial(struct phone *p)
{
	world.c[0].ops->dial(world.c[0].impl, &p->dial);
	assert_int_equal(p->dones, 0);
}

static int appends;

static enum err_code
counted(struct env_file *f, const void *bytes, size_t len, struct err *err)
{
	appends++;
	return true_append(f, bytes, len, err);
}

static void
what_leaves_in_one_turn_is_one_write(void **state)
{
	struct phone *p = mem_zalloc(70, sizeof(*p));
	struct phone gone;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	true_append = world.ops.append;
	world.ops.append = counted;
	appends = 0;
	for (int i = 0; i < 70; i++) {
		phone_init(&p[i], "+1300", i + 1);
		begin_dial(&p[i]);
	}
	phone_init(&gone, "+1300", 100);
	begin_dial(&gone);
	world.c[0].ops->abandon(world.c[0].impl, &gone.dial);
	assert_int_equal(appends, 0);
	assert_int_equal(world_count("\"ev\":\"request\""), 0);
	world_run_us(0);
	assert_int_equal(appends, 2); /* 64 lines at most in one */
	assert_int_equal(world_count("\"ev\":\"request\""), 70);
	world_run(120);
	assert_int_equal(appends, 4);
	for (int i = 0; i < 70; i++)
		assert_int_equal(p[i].dial.answer, CARRIER_ANSWER_PLACED);
	assert_int_equal(gone.dones, 0);
	mem_free(&p);
	world_end();
}

static void
a_write_of_many_that_fails_leaves_none_of_them(void **state)
{
	struct phone p, q;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	true_append = world.ops.append;
	appends_left = 0;
	world.ops.append = full_disk;
	phone_init(&p, "+1300", 1);
	phone_init(&q, "+1300", 2);
	begin_dial(&p);
	begin_dial(&q);
	world_run(1000);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_UNKNOWN);
	assert_int_equal(q.dial.answer, CARRIER_ANSWER_UNKNOWN);
	assert_int_equal(world_count("\n"), 1);
	world.ops.append = true_append;
	phone_init(&p, "+1300", 1);
	phone_init(&q, "+1300", 2);
	begin_dial(&p);
	begin_dial(&q);
	world_run_us(0);
	/* Lines that are due wait for room, each once. */
	appends_left = 0;
	world.ops.append = full_disk;
	world_run(1000);
	assert_int_equal(world_count("\"ev\":\"placed\""), 0);
	world.ops.append = true_append;
	world_run(1000);
	assert_int_equal(world_count("\"ev\":\"placed\""), 2);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_PLACED);
	assert_int_equal(q.dial.placed_ms, WORLD_START_MS + 2000 / 2 + 120);
	world_end();
}

static void
one_key_twice_in_one_turn(const char *cls, size_t calls)
{
	struct phone p, q;

	world_begin(cls);
	(void)world_open(0);
	phone_init(&p, "+1300", 1);
	phone_init(&q, "+1300", 1);
	begin_dial(&p);
	begin_dial(&q);
	world_run(500);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_PLACED);
	assert_int_equal(q.dial.answer, CARRIER_ANSWER_PLACED);
	assert_int_equal(world_count("\"ev\":\"placed\""), calls);
	assert_int_equal(
	    strcmp(p.dial.call_id, q.dial.call_id) == 0, calls == 1);
	world_end();
}

static void
a_key_twice_in_one_turn_is_as_in_two(void **state)
{
	(void)state;
	one_key_twice_in_one_turn("keyed", 1);
	one_key_twice_in_one_turn("named", 2);
}

static void
a_call_whose_end_cannot_be_written_ends_later(void **state)
{
	struct phone p;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(3000);
	true_append = world.ops.append;
	appends_left = 0;
	world.ops.append = full_disk;
	world.c[0].ops->hangup(world.c[0].impl, p.dial.call_id);
	world_run(1000);
	assert_int_equal(p.stages[CARRIER_STAGE_ENDED], 0);
	world.ops.append = true_append;
	world_run(200);
	assert_int_equal(p.stages[CARRIER_STAGE_ENDED], 1);
	assert_string_equal(p.by, "agent");
	world_end();
}

static void
a_lock_that_stays_held_is_no_call(void **state)
{
	struct env_file *f = NULL;
	char path[128];
	struct phone p;
	struct err err;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	(void)snprintf(path, sizeof(path), "%s/calls.lock", world.sim);
	assert_int_equal(
	    env_open(world.real, path, ENV_READ | ENV_WRITE, &f, &err),
	    ERR_NONE);
	assert_int_equal(env_lock(world.real, f, 0, true, &err), ERR_NONE);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	assert_in_range(world.paused_us, 10000000, 10100000);
	world_run(1);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_NETWORK);
	assert_string_equal(p.dial.code, "ERR_BUSY");
	assert_int_equal(world_try_open(1, &err), ERR_BUSY);
	env_close(world.real, &f);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(120);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_PLACED);
	world_end();
}

static void
a_log_taken_away_is_no_network(void **state)
{
	struct phone p;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	assert_int_equal(unlink(world.log), 0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(1);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_NETWORK);
	assert_string_equal(p.dial.code, "ERR_DAMAGED");
	world_end();
}

/* Two real processes at once on one log, in real time. */
#define EACH 300

struct race {
	struct phone phones[EACH];
	struct env *env;
	struct carrier c;
	int next, open;
	int base;
};

static struct race race;

static void race_next(void);

static void
race_done(struct carrier_dial *d)
{
	(void)d;
	race.open--;
	race_next();
}

static void
race_next(void)
{
	while (race.open < 10 && race.next < EACH) {
		struct phone *p = &race.phones[race.next];

		phone_init(p, "+1800", race.base + race.next);
		p->dial.done = race_done;
		p->dial.ear = NULL;
		race.next++;
		race.open++;
		race.c.ops->dial(race.c.impl, &p->dial);
	}
	if (race.open == 0)
		net_env_stop(race.env);
}

static int
run_race(int base)
{
	struct err err;

	race.base = base;
	if (net_env_open(&race.env, &err) != ERR_NONE ||
	    carrier_sim_open(race.env, &world.conf, world.sim, NULL, &race.c,
		&err) != ERR_NONE)
		return 1;
	race_next();
	net_env_run(race.env);
	for (int i = 0; i < EACH; i++)
		if (race.phones[i].dial.answer != CARRIER_ANSWER_PLACED)
			return 2;
	race.c.ops->free(race.c.impl);
	net_env_close(&race.env);
	return 0;
}

static void
two_processes_share_one_network(void **state)
{
	struct carrier_sim_log log;
	struct err err = {0};
	pid_t pids[2];
	int status;

	(void)state;
	world_begin("named");
	world.conf.speed = 1000;
	world.conf.start_now = true;
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(run_race(i * EACH));
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	if (carrier_sim_log_read(world.real, world.log, &log, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	assert_int_equal(log.call_count, 2 * EACH);
	for (size_t i = 0; i < log.call_count; i++) {
		assert_int_equal(log.calls[i].placed, 1);
		assert_int_equal(log.calls[i].outcome, JOB_OUTCOME_COMPLETED);
	}
	carrier_sim_log_free(&log);
	world_end();
}

static void
kill_at_any_instruction_leaves_a_whole_network(void **state)
{
	struct carrier_sim_log log;
	struct err err = {0};
	size_t calls = 0;
	int status;

	(void)state;
	for (int round = 0; round < 25; round++) {
		world_begin("named");
		world.conf.speed = 1000;
		world.conf.start_now = true;
		pid_t pid = fork();
		if (pid == 0)
			_exit(run_race(0));
		/* Spread over the 20 ms or so that it would take. */
		(void)usleep((useconds_t)(500 + round * 700));
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);

		pid = fork();
		if (pid == 0)
			_exit(run_race(EACH));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		if (carrier_sim_log_read(world.real, world.log, &log, &err) !=
		    ERR_NONE)
			fail_msg("%s", err.text);
		assert_true(log.call_count >= EACH);
		calls += log.call_count;
		for (size_t i = 0; i < log.call_count; i++) {
			assert_int_equal(log.calls[i].placed, 1);
			assert_int_equal(
			    log.calls[i].outcome, JOB_OUTCOME_COMPLETED);
		}
		carrier_sim_log_free(&log);
		world_end();
	}
	/* Some were killed amid their calls. */
	assert_in_range(calls, 25 * EACH + 1, 25 * 2 * EACH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_death_at_any_point_leaves_a_whole_network),
	    cmocka_unit_test(
		after_a_death_a_repeated_key_rings_once_if_the_network_knows_it),
	    cmocka_unit_test(a_torn_last_line_is_cut_off),
	    cmocka_unit_test(what_leaves_in_one_turn_is_one_write),
	    cmocka_unit_test(a_write_of_many_that_fails_leaves_none_of_them),
	    cmocka_unit_test(a_key_twice_in_one_turn_is_as_in_two),
	    cmocka_unit_test(a_failed_append_is_unknown_and_leaves_no_trace),
	    cmocka_unit_test(a_call_whose_end_cannot_be_written_ends_later),
	    cmocka_unit_test(a_lock_that_stays_held_is_no_call),
	    cmocka_unit_test(a_log_taken_away_is_no_network),
	    cmocka_unit_test(two_processes_share_one_network),
	    cmocka_unit_test(kill_at_any_instruction_leaves_a_whole_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
