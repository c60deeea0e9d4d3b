#include "carrier/carrier_sim.h"

#include "carrier/carrier_sim_persona.h"
#include "carrier/carrier_sim_world_test.h"

static void
a_new_network_begins_with_its_origin_and_its_time(void **state)
{
	struct carrier_terms t;

	(void)state;
	world_begin("named");
	world.conf.speed = 10;
	struct carrier *c = world_open(0);
	assert_int_equal(world_count("\"ev\":\"origin\",\"schema\":1"), 1);
	assert_int_equal(world_count("\n"), 1);
	assert_int_equal(world_now(0), 0);
	world_run(5000);
	assert_int_equal(world_now(0), 5000);

	c->ops->terms(c->impl, &t);
	assert_int_equal(t.cls, CARRIER_NAMED);
	assert_true(t.agent_is_ours);
	assert_true(t.request_timeout_ms > world.conf.latency_ms);
	assert_true(t.settle_ms >=
		    t.request_timeout_ms + t.processing_ms + t.list_lag_ms);
	assert_int_equal(strlen(t.account), 64);
	world_end();
}

static void
start_now_is_the_wall_clock(void **state)
{
	(void)state;
	world_begin("named");
	world.conf.start_now = true;
	(void)world_open(0);
	assert_int_equal(world_now(0), 5000);
	world_end();
}

static void
a_call_is_placed_answered_and_ended_by_its_callee(void **state)
{
	struct phone p;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	assert_int_equal(world_count("\"ev\":\"request\""), 1);
	assert_int_equal(world_count("\"event\":101,\"hash\":\"0101"), 1);
	world_run(119);
	assert_int_equal(p.dones, 0);
	assert_int_equal(world_count("\"ev\":\"placed\""), 0);
	world_run(1);
	assert_int_equal(p.dones, 1);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_PLACED);
	assert_int_equal(p.dial.placed_ms, WORLD_START_MS + 120);
	assert_int_equal(p.stages[CARRIER_STAGE_RINGING], 1);
	assert_int_equal(p.at_ms[CARRIER_STAGE_RINGING], 120);
	assert_false(phone_frame(&p, 0, false));
	world_run(2000);
	assert_int_equal(p.stages[CARRIER_STAGE_ANSWERED], 1);
	assert_int_equal(p.at_ms[CARRIER_STAGE_ANSWERED], 2120);

	/* It speaks, hears a turn of the agent, says goodbye. */
	int64_t f = 0;
	for (; phone_frame(&p, f, f > 60 && f < 120); f++)
		world_run(20);
	world_run(20);
	assert_string_equal(p.heard, "Hello?|Bye.|");
	assert_int_equal(p.stages[CARRIER_STAGE_ENDED], 1);
	assert_int_equal(p.outcome, JOB_OUTCOME_COMPLETED);
	assert_string_equal(p.by, "callee");
	assert_int_equal(p.at_ms[CARRIER_STAGE_ENDED], 2120 + 20 * (f - 1));
	assert_int_equal(world_count("\"ev\":\"placed\""), 1);
	assert_int_equal(world_count("\"outcome\":\"completed\""), 1);
	world_end();
}

static void
each_persona_ends_as_it_should(void **state)
{
	static const struct {
		const char *to;
		int64_t end_ms;
		enum job_outcome outcome;
		const char *by;
	} rows[] = {
	    {"+1300", 120 + 1000, JOB_OUTCOME_BUSY, "network"},
	    {"+1400", 120 + 30000, JOB_OUTCOME_NO_ANSWER, "network"},
	    {"+1800", 120, JOB_OUTCOME_COMPLETED, "callee"},
	    {"+1900", 120 + 1000, JOB_OUTCOME_FAILED, "network"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct phone p;

		world_begin("queryable");
		(void)world_open(0);
		phone_init(&p, rows[i].to, (int)i);
		phone_dial(&p, 0);
		world_run(40000);
		assert_int_equal(p.dial.answer, CARRIER_ANSWER_PLACED);
		assert_int_equal(p.stages[CARRIER_STAGE_ENDED], 1);
		assert_int_equal(p.at_ms[CARRIER_STAGE_ENDED], rows[i].end_ms);
		assert_int_equal(p.outcome, rows[i].outcome);
		assert_string_equal(p.by, rows[i].by);
		world_end();
	}
}

static void
people_who_are_given_need_no_files(void **state)
{
	struct carrier_sim_personas people = {0};
	struct phone p;
	struct err err = {0};

	(void)state;
	world_begin("named");
	assert_int_equal(carrier_sim_personas_load(
			     &people, world_env(0), world.personas, &err),
	    ERR_NONE);
	world.conf.personas = (char *)(uintptr_t) "/nowhere";
	assert_int_equal(world_try_open(0, &err), ERR_CONFIG);
	assert_int_equal(carrier_sim_open_among(world_env(0), &world.conf,
			     &people, world.sim, NULL, &world.c[0], &err),
	    ERR_NONE);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(2120);
	assert_int_equal(p.stages[CARRIER_STAGE_ANSWERED], 1);
	world_close(0);
	/* They are the caller's still. */
	assert_string_equal(
	    carrier_sim_personas_find(&people, people.items[0].name)->name,
	    people.items[0].name);
	carrier_sim_personas_free(&people);
	world_end();
}

static void
a_refused_request_rings_nowhere(void **state)
{
	static const struct {
		const char *to;
		const char *code;
		enum carrier_policy policy;
		int64_t retry_ms;
	} rows[] = {
	    {"+1500", "bad-number", CARRIER_NEVER, 0},
	    {"+1600", "rejected", CARRIER_LADDER, 0},
	    {"+1700", "limit", CARRIER_LATER, 60000},
	};

	(void)state;
	world_begin("keyed");
	(void)world_open(0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct phone p;

		phone_init(&p, rows[i].to, (int)i);
		phone_dial(&p, 0);
		world_run(120);
		assert_int_equal(p.dones, 1);
		assert_int_equal(p.dial.answer, CARRIER_ANSWER_REFUSED);
		assert_int_equal(p.dial.policy, rows[i].policy);
		assert_string_equal(p.dial.code, rows[i].code);
		assert_int_equal(p.dial.retry_after_ms, rows[i].retry_ms);
		assert_string_equal(p.dial.call_id, "");
	}
	assert_int_equal(world_count("\"ev\":\"placed\""), 0);
	assert_int_equal(world_count("\"ev\":\"refused\""), 3);
	world_end();
}

static void
nothing_is_sent_once_dial_until_is_over(void **state)
{
	struct phone p;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	phone_init(&p, "+1100", 1);
	p.dial.dial_until_ms = WORLD_START_MS;
	phone_dial(&p, 0);
	world_run(0);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_UNSENT);

	phone_init(&p, "+1100", 1);
	p.dial.dial_until_boot_ms = env_boot_ms(&world.end[0]);
	phone_dial(&p, 0);
	world_run(0);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_UNSENT);
	assert_int_equal(world_count("\"ev\":\"request\""), 0);

	phone_init(&p, "+1100", 1);
	p.dial.dial_until_ms = WORLD_START_MS + 1;
	p.dial.dial_until_boot_ms = env_boot_ms(&world.end[0]) + 1;
	phone_dial(&p, 0);
	assert_int_equal(world_count("\"ev\":\"request\""), 1);
	world_end();
}

static void
the_agent_ends_a_call(void **state)
{
	struct phone p, q;

	(void)state;
	world_begin("named");
	struct carrier *c = world_open(0);
	phone_init(&p, "+1100", 1);
	phone_init(&q, "+1100", 2);
	phone_dial(&p, 0);
	phone_dial(&q, 0);
	world_run(1000);
	c->ops->hangup(c->impl, q.dial.call_id);
	assert_int_equal(q.stages[CARRIER_STAGE_ENDED], 0);
	world_run(1);
	assert_int_equal(q.outcome, JOB_OUTCOME_NO_ANSWER);
	assert_string_equal(q.by, "agent");
	world_run(5000);
	c->ops->hangup(c->impl, p.dial.call_id);
	c->ops->hangup(c->impl, p.dial.call_id);
	world_run(0);
	assert_int_equal(p.stages[CARRIER_STAGE_ENDED], 1);
	assert_int_equal(p.outcome, JOB_OUTCOME_COMPLETED);
	assert_int_equal(p.at_ms[CARRIER_STAGE_ENDED], 6001);
	assert_int_equal(world_count("\"by\":\"agent\""), 2);
	c->ops->hangup(c->impl, "sim-0000000000000000");
	c->ops->hangup(c->impl, "nonsense");
	world_end();
}

static void
max_call_ends_a_call_that_is_spoken_to(void **state)
{
	struct phone p;

	(void)state;
	world_begin("blind");
	(void)world_open(0);
	phone_init(&p, "+1100", 1);
	p.dial.max_call_ms = 20000;
	phone_dial(&p, 0);
	world_run(2120 + 19999);
	assert_int_equal(p.stages[CARRIER_STAGE_ENDED], 0);
	world_run(1);
	assert_int_equal(p.stages[CARRIER_STAGE_ENDED], 1);
	assert_string_equal(p.by, "network");
	assert_int_equal(p.outcome, JOB_OUTCOME_COMPLETED);
	assert_false(phone_frame(&p, 0, false));
	world_end();
}

static void
a_call_let_go_of_is_hung_up_by_its_callee(void **state)
{
	struct phone p;
	struct carrier *c;

	(void)state;
	world_begin("named");
	c = world_open(0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(5000);
	c->ops->deaf(c->impl, p.dial.call_id);
	assert_false(phone_frame(&p, 0, false));
	world_run(9999);
	assert_int_equal(world_count("\"ev\":\"ended\""), 0);
	world_run(1);
	assert_int_equal(
	    world_count("\"outcome\":\"hangup\",\"by\":\"callee\""), 1);
	assert_int_equal(p.stages[CARRIER_STAGE_ENDED], 0);
	world_end();
}

static void
an_abandoned_dial_never_calls_back_and_rings_all_the_same(void **state)
{
	struct phone p;
	struct carrier *c;

	(void)state;
	world_begin("named");
	c = world_open(0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	c->ops->abandon(c->impl, &p.dial);
	world_run(60000);
	assert_int_equal(p.dones, 0);
	assert_int_equal(p.stages[CARRIER_STAGE_RINGING], 0);
	assert_int_equal(world_count("\"ev\":\"placed\""), 1);
	assert_int_equal(world_count("\"ev\":\"ended\""), 1);
	world_end();
}

static void
the_network_goes_on_when_its_dsrun_is_gone(void **state)
{
	struct phone p;
	struct carrier_sim_log log;
	struct err err;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_close(0);
	assert_int_equal(world_count("\n"), 2);
	world_run(500000);
	assert_int_equal(world_count("\n"), 2);
	(void)world_open(1);
	assert_int_equal(
	    carrier_sim_log_read(world.real, world.log, &log, &err), ERR_NONE);
	assert_int_equal(log.call_count, 1);
	assert_int_equal(log.calls[0].placed_ms, WORLD_START_MS + 120);
	assert_int_equal(log.calls[0].answered_ms, WORLD_START_MS + 2120);
	assert_int_equal(log.calls[0].ended_ms, WORLD_START_MS + 12120);
	assert_int_equal(log.calls[0].outcome, JOB_OUTCOME_HANGUP);
	carrier_sim_log_free(&log);
	world_end();
}

static void
a_callee_waits_from_the_last_sound_of_a_dead_line(void **state)
{
	struct phone p;
	struct carrier_sim_log log;
	struct err err;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	(void)world_open(1);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(2120);
	/* Eleven seconds of talk: longer than anybody would bear silence. */
	for (int64_t f = 0; f < 550; f++) {
		assert_true(phone_frame(&p, f, true));
		world_run(20);
	}
	world.c[1].ops->hangup(world.c[1].impl, "sim-0000000000000000");
	assert_int_equal(world_count("\"ev\":\"ended\""), 0);
	world_close(0);
	world_run(60000);
	world.c[1].ops->hangup(world.c[1].impl, "sim-0000000000000000");
	assert_int_equal(
	    carrier_sim_log_read(world.real, world.log, &log, &err), ERR_NONE);
	assert_in_range(log.calls[0].ended_ms - WORLD_START_MS,
	    2120 + 11000 + 10000 - 250, 2120 + 11000 + 10000);
	carrier_sim_log_free(&log);
	world_end();
}

static void
another_process_never_ends_a_call_that_is_spoken_to(void **state)
{
	struct phone p;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	(void)world_open(1);
	phone_init(&p, "+1100", 1);
	p.dial.max_call_ms = 100000;
	phone_dial(&p, 0);
	for (int i = 0; i < 90; i++) {
		world_run(1000);
		world.c[1].ops->hangup(world.c[1].impl, "sim-0000000000000000");
	}
	assert_int_equal(world_count("\"ev\":\"ended\""), 0);
	/* But the network's own limit holds, whoever looks. */
	world_timer_stop(&world.end[0], world.timers[0].t);
	world_run(20000);
	world.c[1].ops->hangup(world.c[1].impl, "sim-0000000000000000");
	assert_int_equal(world_count("\"by\":\"network\""), 1);
	world_end();
}

static void
two_ends_of_one_log_agree(void **state)
{
	struct phone p, q;
	struct carrier_sim_log log;
	struct err err;

	(void)state;
	world_begin("named");
	(void)world_open(0);
	(void)world_open(1);
	phone_init(&p, "+1100", 1);
	phone_init(&q, "+1300", 2);
	phone_dial(&p, 0);
	phone_dial(&q, 1);
	world_run(3000);
	assert_int_equal(p.stages[CARRIER_STAGE_ANSWERED], 1);
	assert_int_equal(q.stages[CARRIER_STAGE_ENDED], 1);
	/* The other end hangs it up; ours hears of it when it next looks. */
	world.c[1].ops->hangup(world.c[1].impl, p.dial.call_id);
	world.c[0].ops->hangup(world.c[0].impl, p.dial.call_id);
	world_run(1);
	assert_int_equal(p.stages[CARRIER_STAGE_ENDED], 1);
	assert_int_equal(
	    carrier_sim_log_read(world.real, world.log, &log, &err), ERR_NONE);
	assert_int_equal(log.key_count, 2);
	assert_int_equal(log.keys[0].placed, 1);
	assert_int_equal(log.keys[1].placed, 1);
	carrier_sim_log_free(&log);
	world_end();
}

static void
a_class_has_its_name_and_no_other(void **state)
{
	enum carrier_class cls;
	struct err err;

	(void)state;
	for (enum carrier_class c = 0; c < CARRIER_CLASS_COUNT; c++) {
		assert_int_equal(
		    carrier_class_parse(carrier_class_name(c), &cls, &err),
		    ERR_NONE);
		assert_int_equal(cls, c);
	}
	assert_int_equal(
	    carrier_class_parse("magic", &cls, &err), ERR_MALFORMED);
	assert_int_equal(carrier_class_parse(NULL, &cls, &err), ERR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_network_begins_with_its_origin_and_its_time),
	    cmocka_unit_test(start_now_is_the_wall_clock),
	    cmocka_unit_test(a_call_is_placed_answered_and_ended_by_its_callee),
	    cmocka_unit_test(each_persona_ends_as_it_should),
	    cmocka_unit_test(people_who_are_given_need_no_files),
	    cmocka_unit_test(a_refused_request_rings_nowhere),
	    cmocka_unit_test(nothing_is_sent_once_dial_until_is_over),
	    cmocka_unit_test(the_agent_ends_a_call),
	    cmocka_unit_test(max_call_ends_a_call_that_is_spoken_to),
	    cmocka_unit_test(a_call_let_go_of_is_hung_up_by_its_callee),
	    cmocka_unit_test(
		an_abandoned_dial_never_calls_back_and_rings_all_the_same),
	    cmocka_unit_test(the_network_goes_on_when_its_dsrun_is_gone),
	    cmocka_unit_test(a_callee_waits_from_the_last_sound_of_a_dead_line),
	    cmocka_unit_test(
		another_process_never_ends_a_call_that_is_spoken_to),
	    cmocka_unit_test(two_ends_of_one_log_agree),
	    cmocka_unit_test(a_class_has_its_name_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
