#include "carrier/carrier_sim.h"
#include "carrier/carrier_sim_world_test.h"

/* A lookup and its answer. */
struct question {
	struct carrier_lookup lookup;
	int dones;
};

static void
question_done(struct carrier_lookup *l)
{
	CONTAINER_OF(l, struct question, lookup)->dones++;
}

static void
ask(struct question *q, const char *key, size_t end)
{
	memset(q, 0, sizeof(*q));
	q->lookup.key = key;
	q->lookup.done = question_done;
	world.c[end].ops->lookup(world.c[end].impl, &q->lookup);
	assert_int_equal(q->dones, 0);
}

static void
a_lost_request_rings_nowhere_and_times_out(void **state)
{
	struct carrier_terms t;
	struct question q;
	struct phone p;

	(void)state;
	world_begin("named");
	world.conf.faults.request_lost = 1;
	struct carrier *c = world_open(0);
	c->ops->terms(c->impl, &t);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(t.request_timeout_ms - 1);
	assert_int_equal(p.dones, 0);
	world_run(1);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_UNKNOWN);
	assert_string_equal(p.dial.code, "timeout");
	world_run(60000);
	ask(&q, p.key, 0);
	world_run(120);
	assert_int_equal(q.lookup.code, ERR_NONE);
	assert_false(q.lookup.found);
	assert_int_equal(world_count("\n"), 2);
	world_end();
}

static void
a_lost_answer_leaves_a_ringing_phone(void **state)
{
	struct question q;
	struct phone p;

	(void)state;
	world_begin("queryable");
	world.conf.faults.answer_lost = 1;
	(void)world_open(0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(4000);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_UNKNOWN);
	assert_string_equal(p.dial.call_id, "");
	assert_int_equal(p.stages[CARRIER_STAGE_RINGING], 0);
	assert_int_equal(world_count("\"ev\":\"placed\""), 1);
	ask(&q, p.key, 0);
	world_run(120);
	assert_true(q.lookup.found);
	assert_int_equal(q.lookup.now.stage, CARRIER_STAGE_ANSWERED);
	assert_int_equal(q.lookup.placed_ms, WORLD_START_MS + 120);
	assert_int_equal(q.lookup.answered_ms, WORLD_START_MS + 2120);
	/* Nobody speaks to it: ten seconds from when its dsrun gave it up. */
	world_run(11000);
	assert_int_equal(world_count("\"outcome\":\"hangup\""), 1);
	world_end();
}

static void
an_error_after_placing_is_no_refusal(void **state)
{
	struct phone p;

	(void)state;
	world_begin("named");
	world.conf.faults.error_after_place = 1;
	(void)world_open(0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(120);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_UNKNOWN);
	assert_string_equal(p.dial.code, "error");
	assert_int_equal(world_count("\"ev\":\"placed\""), 1);

	phone_init(&p, "+1500", 2);
	phone_dial(&p, 0);
	world_run(120);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_REFUSED);
	world_end();
}

static void
a_slow_request_is_placed_late_and_within_the_timeout(void **state)
{
	struct phone p;

	(void)state;
	world_begin("named");
	world.conf.faults.slow = 1;
	(void)world_open(0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(3119);
	assert_int_equal(p.dones, 0);
	world_run(1);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_PLACED);
	assert_int_equal(p.dial.placed_ms, WORLD_START_MS + 3120);
	world_end();
}

static void
only_a_keyed_network_knows_a_repeated_key(void **state)
{
	static const char *const classes[] = {
	    "keyed", "named", "queryable", "callback", "blind"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		struct phone p, q;

		world_begin(classes[i]);
		(void)world_open(0);
		phone_init(&p, "+1100", 1);
		phone_init(&q, "+1100", 1);
		phone_dial(&p, 0);
		world_run(1000);
		phone_dial(&q, 0);
		world_run(1000);
		assert_int_equal(q.dial.answer, CARRIER_ANSWER_PLACED);
		assert_int_equal(
		    world_count("\"ev\":\"placed\""), i == 0 ? 1 : 2);
		if (i == 0)
			assert_string_equal(q.dial.call_id, p.dial.call_id);
		else
			assert_string_not_equal(q.dial.call_id, p.dial.call_id);
		world_end();
	}
}

static void
a_repeated_key_meets_the_call_in_flight(void **state)
{
	struct phone p, q;

	(void)state;
	world_begin("keyed");
	(void)world_open(0);
	(void)world_open(1);
	phone_init(&p, "+1100", 1);
	phone_init(&q, "+1100", 1);
	phone_dial(&p, 0);
	world_run(10);
	phone_dial(&q, 1);
	world_run(110);
	assert_int_equal(p.dones, 1);
	assert_int_equal(q.dones, 0);
	world_run(10);
	assert_int_equal(q.dial.answer, CARRIER_ANSWER_PLACED);
	assert_string_equal(q.dial.call_id, p.dial.call_id);
	assert_int_equal(world_count("\"ev\":\"request\""), 2);
	assert_int_equal(world_count("\"ev\":\"placed\""), 1);
	world_end();
}

static void
a_repeat_is_answered_with_the_same_refusal(void **state)
{
	struct phone p;

	(void)state;
	world_begin("keyed");
	(void)world_open(0);
	for (int i = 0; i < 2; i++) {
		phone_init(&p, "+1500", 1);
		phone_dial(&p, 0);
		world_run(120);
		assert_int_equal(p.dial.answer, CARRIER_ANSWER_REFUSED);
		assert_string_equal(p.dial.code, "bad-number");
	}
	assert_int_equal(world_count("\"ev\":\"refused\""), 1);
	world_end();
}

static void
a_repeat_hears_of_the_whole_call(void **state)
{
	struct phone p, q;

	(void)state;
	world_begin("keyed");
	(void)world_open(0);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	world_run(5000);
	assert_int_equal(p.outcome, JOB_OUTCOME_BUSY);
	phone_init(&q, "+1300", 1);
	phone_dial(&q, 0);
	world_run(120);
	assert_int_equal(q.dial.answer, CARRIER_ANSWER_PLACED);
	assert_int_equal(q.stages[CARRIER_STAGE_ENDED], 1);
	assert_int_equal(q.at_ms[CARRIER_STAGE_ENDED], 1120);
	world_end();
}

static void
a_repeated_dial_takes_the_call_over_from_a_dead_process(void **state)
{
	struct phone p, q;

	(void)state;
	world_begin("keyed");
	(void)world_open(0);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(1000);
	world_close(0);
	(void)world_open(1);
	phone_init(&q, "+1100", 1);
	phone_dial(&q, 1);
	world_run(2000);
	assert_int_equal(q.stages[CARRIER_STAGE_ANSWERED], 1);
	/* It is spoken to again: nobody hangs up for want of it. */
	world_run(30000);
	assert_true(phone_frame(&q, 0, true));
	assert_int_equal(world_count("\"ev\":\"ended\""), 0);
	world_end();
}

static void
a_key_is_forgotten_after_its_window_or_by_fault(void **state)
{
	(void)state;
	for (int fault = 0; fault < 2; fault++) {
		struct phone p, q;

		world_begin("keyed");
		if (fault == 1)
			world.conf.faults.key_forgotten = 1;
		else
			world.conf.key_window_ms = 10000;
		(void)world_open(0);
		phone_init(&p, "+1300", 1);
		phone_init(&q, "+1300", 1);
		phone_dial(&p, 0);
		world_run(fault == 1 ? 1000 : 10001);
		phone_dial(&q, 0);
		world_run(1000);
		assert_int_equal(world_count("\"ev\":\"placed\""), 2);
		world_end();
	}
}

static void
a_key_whose_request_was_lost_is_new_to_a_keyed_network(void **state)
{
	int tried = 0;

	(void)state;
	world_begin("keyed");
	world.conf.faults.request_lost = 0.5;
	(void)world_open(0);
	for (int i = 0; i < 60; i++) {
		struct phone p, q;

		phone_init(&p, "+1300", i);
		phone_init(&q, "+1300", i);
		phone_dial(&p, 0);
		world_run(5000);
		phone_dial(&q, 0);
		world_run(5000);
		if (p.dial.answer != CARRIER_ANSWER_UNKNOWN ||
		    q.dial.answer != CARRIER_ANSWER_PLACED)
			continue;
		tried++;
		assert_true(strlen(q.dial.call_id) > 0);
	}
	assert_true(tried > 5);
	struct carrier_sim_log log;
	struct err err;
	assert_int_equal(
	    carrier_sim_log_read(world.real, world.log, &log, &err), ERR_NONE);
	for (size_t i = 0; i < log.key_count; i++)
		assert_true(log.keys[i].placed <= 1);
	carrier_sim_log_free(&log);
	world_end();
}

static void
a_lookup_sees_a_call_after_the_list_lag_until_it_is_forgotten(void **state)
{
	struct question q;
	struct phone p;

	(void)state;
	world_begin("named");
	world.conf.memory_ms = 60000;
	(void)world_open(0);
	(void)world_open(1);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	/* Placed at 120, visible from 620 on; a lookup takes 120. */
	world_run(499);
	ask(&q, p.key, 1);
	world_run(120);
	assert_int_equal(q.dones, 1);
	assert_false(q.lookup.found);
	ask(&q, p.key, 1);
	world_run(120);
	assert_true(q.lookup.found);
	assert_string_equal(q.lookup.call_id, p.dial.call_id);
	assert_int_equal(q.lookup.now.stage, CARRIER_STAGE_RINGING);
	assert_int_equal(q.lookup.answered_ms, 0);
	world_run(1000);
	ask(&q, p.key, 1);
	world_run(120);
	assert_int_equal(q.lookup.now.stage, CARRIER_STAGE_ENDED);
	assert_int_equal(q.lookup.now.outcome, JOB_OUTCOME_BUSY);
	assert_string_equal(q.lookup.now.by, "network");
	assert_int_equal(q.lookup.now.at_ms, WORLD_START_MS + 1120);
	world_run(1120 + 60000 - 120 - world_now(0));
	ask(&q, p.key, 1);
	world_run(120);
	assert_true(q.lookup.found);
	ask(&q, p.key, 1);
	world_run(120);
	assert_false(q.lookup.found);
	world_end();
}

static void
a_stopped_lookup_never_answers(void **state)
{
	struct question q;

	(void)state;
	world_begin("named");
	struct carrier *c = world_open(0);
	ask(&q, "k", 0);
	c->ops->lookup_stop(c->impl, &q.lookup);
	c->ops->lookup_stop(c->impl, &q.lookup);
	world_run(1000);
	assert_int_equal(q.dones, 0);
	world_end();
}

static void
who_cannot_be_asked_says_so(void **state)
{
	static const char *const classes[] = {"callback", "blind"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		struct question q;

		world_begin(classes[i]);
		(void)world_open(0);
		ask(&q, "k", 0);
		world_run(120);
		assert_int_equal(q.dones, 1);
		assert_int_equal(q.lookup.code, ERR_STATE);
		assert_false(q.lookup.found);
		world_end();
	}
}

static void
the_same_seed_and_times_make_the_same_log(void **state)
{
	char *first = NULL;

	(void)state;
	for (int round = 0; round < 3; round++) {
		struct phone p[40];

		world_begin("queryable");
		world.conf.faults =
		    (struct conf_sim_faults){.request_lost = 0.2,
			.answer_lost = 0.2,
			.error_after_place = 0.2,
			.slow = 0.2,
			.slow_ms = 3000};
		if (round == 2)
			world.conf.seed = 2;
		(void)world_open(0);
		for (int i = 0; i < 40; i++) {
			phone_init(&p[i], i % 2 ? "+1300" : "+1800", i);
			phone_dial(&p[i], 0);
			world_run(100);
		}
		world_run(60000);
		char *log = world_log();
		if (round == 0)
			first = mem_strdup(log);
		else if (round == 1)
			assert_string_equal(log, first);
		else
			assert_string_not_equal(
			    strchr(log, '\n'), strchr(first, '\n'));
		mem_free(&log);
		world_end();
	}
	mem_free(&first);
}

static void
a_rate_is_a_probability(void **state)
{
	struct phone p;
	size_t lost;

	(void)state;
	world_begin("named");
	world.conf.faults.request_lost = 0.1;
	(void)world_open(0);
	for (int i = 0; i < 1000; i++) {
		phone_init(&p, "+1800", i);
		p.dial.ear = NULL;
		phone_dial(&p, 0);
		world_run(5000);
		assert_int_equal(p.dones, 1);
	}
	lost = 1000 - world_count("\"ev\":\"placed\"");
	assert_in_range(lost, 60, 140);
	world_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lost_request_rings_nowhere_and_times_out),
	    cmocka_unit_test(a_lost_answer_leaves_a_ringing_phone),
	    cmocka_unit_test(an_error_after_placing_is_no_refusal),
	    cmocka_unit_test(
		a_slow_request_is_placed_late_and_within_the_timeout),
	    cmocka_unit_test(only_a_keyed_network_knows_a_repeated_key),
	    cmocka_unit_test(a_repeated_key_meets_the_call_in_flight),
	    cmocka_unit_test(a_repeat_is_answered_with_the_same_refusal),
	    cmocka_unit_test(a_repeat_hears_of_the_whole_call),
	    cmocka_unit_test(
		a_repeated_dial_takes_the_call_over_from_a_dead_process),
	    cmocka_unit_test(a_key_is_forgotten_after_its_window_or_by_fault),
	    cmocka_unit_test(
		a_key_whose_request_was_lost_is_new_to_a_keyed_network),
	    cmocka_unit_test(
		a_lookup_sees_a_call_after_the_list_lag_until_it_is_forgotten),
	    cmocka_unit_test(a_stopped_lookup_never_answers),
	    cmocka_unit_test(who_cannot_be_asked_says_so),
	    cmocka_unit_test(the_same_seed_and_times_make_the_same_log),
	    cmocka_unit_test(a_rate_is_a_probability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
