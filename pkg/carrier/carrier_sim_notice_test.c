#include "carrier/carrier_sim.h"
#include "carrier/carrier_sim_world_test.h"

/* What a watcher was told. */
struct told {
	char text[1024]; /* "1@240 2@... " number and time of delivery */
	char ids[16][80];
	size_t count;
	size_t end;
	bool takes;
	struct carrier_notice last;
	char by[16], who[16];
};

static void
tell(void *arg, const struct carrier_notice *n)
{
	struct told *t = arg;
	size_t len = strlen(t->text);

	assert_true(t->count < ARRAY_LEN(t->ids));
	(void)snprintf(t->ids[t->count++], sizeof(t->ids[0]), "%s", n->id);
	(void)snprintf(t->text + len, sizeof(t->text) - len, "%s@%lld ",
	    strrchr(n->id, ':') + 1, (long long)world_now(t->end));
	t->last = *n;
	(void)snprintf(t->by, sizeof(t->by), "%s",
	    n->progress.by != NULL ? n->progress.by : "");
	(void)snprintf(t->who, sizeof(t->who), "%s",
	    n->progress.answered_by != NULL ? n->progress.answered_by : "");
	if (t->takes)
		world.c[t->end].ops->taken(world.c[t->end].impl, n->id);
}

static void
watch(struct told *t, size_t end, bool takes)
{
	memset(t, 0, sizeof(*t));
	t->end = end;
	t->takes = takes;
	world.c[end].ops->watch(world.c[end].impl, tell, t);
}

static void
a_callback_network_tells_only_by_notices(void **state)
{
	struct carrier_terms terms;
	struct told t;
	struct phone p;

	(void)state;
	world_begin("callback");
	struct carrier *c = world_open(0);
	c->ops->terms(c->impl, &terms);
	assert_false(terms.agent_is_ours);
	watch(&t, 0, true);
	phone_init(&p, "+1100", 1);
	phone_dial(&p, 0);
	world_run(200000);
	assert_int_equal(p.dial.answer, CARRIER_ANSWER_PLACED);
	assert_int_equal(p.stages[CARRIER_STAGE_RINGING], 0);
	/* Placed at 120, answered at 2120, over at 32120; each told 120 later,
	 * or with the first look after it. */
	assert_string_equal(t.text, "1@240 2@2240 3@32240 ");
	assert_int_equal(t.last.progress.stage, CARRIER_STAGE_ENDED);
	assert_int_equal(t.last.progress.outcome, JOB_OUTCOME_COMPLETED);
	assert_string_equal(t.by, "agent");
	assert_string_equal(t.who, "human");
	assert_int_equal(t.last.event_seq, 101);
	assert_int_equal(t.last.answered_ms, WORLD_START_MS + 2120);
	assert_int_equal(world_count("\"ev\":\"taken\""), 3);
	world_end();
}

static void
what_was_not_taken_comes_again_at_the_next_open(void **state)
{
	struct told t;
	struct phone p;

	(void)state;
	world_begin("callback");
	(void)world_open(0);
	watch(&t, 0, false);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	world_run(60000);
	assert_string_equal(t.text, "1@240 3@1240 ");
	world.c[0].ops->taken(world.c[0].impl, t.ids[0]);
	world.c[0].ops->taken(world.c[0].impl, t.ids[0]);
	assert_int_equal(world_count("\"ev\":\"taken\""), 1);
	world_close(0);

	(void)world_open(1);
	watch(&t, 1, true);
	assert_int_equal(t.count, 0);
	world_run(1000);
	assert_string_equal(t.text, "3@60000 ");
	world_close(1);
	(void)world_open(2);
	watch(&t, 2, true);
	world_run(1000);
	assert_int_equal(t.count, 0);
	world_end();
}

static void
calls_of_the_dead_are_told_to_whoever_listens(void **state)
{
	struct told t;
	struct phone p;

	(void)state;
	world_begin("callback");
	(void)world_open(0);
	(void)world_open(1);
	watch(&t, 1, true);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	world_close(0);
	world_run(2000);
	/* The listener looks at the log every 250 ms. */
	assert_int_equal(t.count, 2);
	assert_int_equal(world_count("\"ev\":\"ended\""), 1);
	assert_int_equal(world_count("\"ev\":\"taken\""), 2);
	world_end();
}

static void
two_listeners_hear_it_and_one_taking_is_enough(void **state)
{
	struct told t, u;
	struct phone p;

	(void)state;
	world_begin("callback");
	(void)world_open(0);
	(void)world_open(1);
	watch(&t, 0, true);
	watch(&u, 1, true);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	world_run(3000);
	/* Whoever is told first may take it before the other is told. */
	assert_in_range(t.count + u.count, 2, 4);
	assert_int_equal(world_count("\"ev\":\"taken\""), 2);
	world_end();

	world_begin("callback");
	(void)world_open(0);
	(void)world_open(1);
	watch(&t, 0, false);
	watch(&u, 1, false);
	phone_dial((phone_init(&p, "+1300", 1), &p), 0);
	world_run(3000);
	assert_int_equal(t.count, 2);
	assert_int_equal(u.count, 2);
	world_end();
}

static void
faults_repeat_and_delay_notices(void **state)
{
	struct told t;
	struct phone p;

	(void)state;
	world_begin("callback");
	world.conf.faults.callback_duplicate = 1;
	(void)world_open(0);
	watch(&t, 0, true);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	world_run(60000);
	assert_string_equal(t.text, "1@240 1@360 3@1240 3@1360 ");
	assert_int_equal(world_count("\"ev\":\"taken\""), 2);
	world_end();

	world_begin("callback");
	world.conf.faults.callback_late = 1;
	(void)world_open(0);
	watch(&t, 0, true);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	world_run(60000);
	assert_string_equal(t.text, "1@5240 3@6240 ");
	world_end();
}

static void
nobody_is_told_after_watching_stopped(void **state)
{
	struct told t;
	struct phone p;

	(void)state;
	world_begin("callback");
	struct carrier *c = world_open(0);
	watch(&t, 0, true);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	world_run(200);
	c->ops->watch(c->impl, NULL, NULL);
	world_run(10000);
	assert_int_equal(t.count, 0);
	watch(&t, 0, true);
	world_run(10);
	assert_int_equal(t.count, 2);
	c->ops->taken(c->impl, "nonsense");
	c->ops->taken(c->impl, "sim-0000000000000000:1");
	c->ops->taken(c->impl, "sim-0000000000000000:9");
	world_end();
}

static void
other_classes_have_no_notices(void **state)
{
	struct told t;
	struct phone p;

	(void)state;
	world_begin("queryable");
	(void)world_open(0);
	watch(&t, 0, true);
	phone_init(&p, "+1300", 1);
	phone_dial(&p, 0);
	world_run(10000);
	assert_int_equal(t.count, 0);
	world_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_callback_network_tells_only_by_notices),
	    cmocka_unit_test(what_was_not_taken_comes_again_at_the_next_open),
	    cmocka_unit_test(calls_of_the_dead_are_told_to_whoever_listens),
	    cmocka_unit_test(two_listeners_hear_it_and_one_taking_is_enough),
	    cmocka_unit_test(faults_repeat_and_delay_notices),
	    cmocka_unit_test(nobody_is_told_after_watching_stopped),
	    cmocka_unit_test(other_classes_have_no_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
