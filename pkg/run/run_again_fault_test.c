#include "run/run_tale_test.h"

/*
 * What is asked of the journal only when an attempt is not the job's first, or
 * is somebody else's: its past, its lease, its person, the dials of its number.
 * Each of these questions fails once; no call is made twice for it, and no job
 * is lost.
 */

#define LIMITS "max_call: 5m, ring: 10s, per_number_per_day: 0, min_gap: 0s"

static const struct fake_step busy[] = {
    AT(100, FAKE_PLACED), AT(900, FAKE_OVER, .outcome = JOB_OUTCOME_BUSY), {0}};
static const struct fake_step refused[] = {
    AT(100, FAKE_LADDER, .text = "rejected"), {0}};
static const struct fake_step unsure[] = {
    AT(100, FAKE_UNKNOWN, .text = "timeout"), {0}};
static const struct fake_step completed[] = {AT(100, FAKE_PLACED),
    AT(3000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

/* Its statements are compiled anew, and it may have come from a queue. */
static void
anew(struct world *w)
{
	tale_anew(w);
	journal_set_sinks(
	    w->j, 1U << JOURNAL_SINK_FILE | 1U << JOURNAL_SINK_BULL);
}

/* Busy once; the second call is due. */
static void
busy_before(
    struct world *w, enum carrier_class cls, const struct fake_step *then)
{
	w->cls = cls;
	w->limits = LIMITS;
	w->retry = "max_attempts: 3, busy: {after: 1m, factor: 1, max: 1m}";
	world_open(w);
	w->fake.scripts[0] = busy;
	w->fake.scripts[1] = then;
	w->fake.scripts[2] = completed;
	(void)JOB(w, .id = "a");
	world_drain(w);
	JOB_IS(w, 1, JOB_QUEUED, JOB_OUTCOME_BUSY);
	w->env->origin_ms += 2 * MINUTE;
}

static void
busy_then_refused(struct world *w)
{
	busy_before(w, CARRIER_NAMED, refused);
	anew(w);
}

static void
busy_then_absent(struct world *w)
{
	busy_before(w, CARRIER_NAMED, unsure);
	anew(w);
}

/* --- a notice of what nobody holds --- */

static void
busy_then_parked_and_told(struct world *w)
{
	busy_before(w, CARRIER_BLIND, unsure);
	world_drain(w);
	JOB_IS(w, 1, JOB_PARKED, JOB_OUTCOME_BUSY);
	anew(w);
	tale_tell_beside_another(w);
}

/* --- a number that was called as often as it may be --- */

static void
capped(struct world *w)
{
	w->limits = "max_call: 5m, ring: 10s, per_number_per_day: 1, "
		    "min_gap: 0s";
	world_open(w);
	w->fake.scripts[0] = completed;
	(void)JOB(w, .id = "a");
	world_drain(w);
	JOB_IS(w, 1, JOB_DONE, JOB_OUTCOME_COMPLETED);
	(void)JOB(w, .id = "b", .phone = "+15125550100");
	anew(w);
}

/* --- a request of the dead --- */

static void
until_death(struct world *w)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = world_die), {0}};

	w->fake.scripts[0] = script;
	w->until = ATTEMPT_INTENT;
	world_drain(w);
}

static void
died_with_a_key_out(struct world *w)
{
	w->cls = CARRIER_KEYED;
	w->limits = LIMITS;
	world_open(w);
	(void)JOB(w, .id = "a");
	world_was_killed(world_child(w, until_death));
	ATTEMPT_IS(w, 1, 1, ATTEMPT_INTENT);
	fault_install(w->env);
	anew(w);
	w->fake.scripts[0] = completed;
	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
}

static const struct tale tales[] = {
    {"busy, then refused", busy_then_refused, 2, NULL},
    {"busy, then absent", busy_then_absent, 2, NULL},
    {"busy, then parked and told", busy_then_parked_and_told, 1,
	tale_tell_beside_another},
    {"died with a key out", died_with_a_key_out, 1, NULL},
};
static const struct tale over_its_cap = {
    "called as often as it may be", capped, 1, NULL};

static void
everywhere(const struct tale *t, const char *table)
{
	long n = 1;

	fault.table = table;
	while (tale_told(t, FAULT_PREPARE, n, EIO, false))
		n++;
	fault.table = NULL;
	assert_true(n > 1); /* it was asked at all */
}

static void
in_all_tales(const char *table)
{
	for (size_t i = 0; i < ARRAY_LEN(tales); i++)
		everywhere(&tales[i], table);
}

static void
a_past_that_cannot_be_read_calls_nobody_twice(void **state)
{
	(void)state;
	in_all_tales("attempt");
}

static void
a_lease_that_cannot_be_read_calls_nobody_twice(void **state)
{
	(void)state;
	in_all_tales("lease");
}

static void
dials_that_cannot_be_counted_are_not_exceeded(void **state)
{
	(void)state;
	everywhere(&over_its_cap, "dial");
}

static void
a_person_who_cannot_be_read_is_not_called_twice(void **state)
{
	(void)state;
	in_all_tales("person");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_past_that_cannot_be_read_calls_nobody_twice),
	    cmocka_unit_test(a_lease_that_cannot_be_read_calls_nobody_twice),
	    cmocka_unit_test(dials_that_cannot_be_counted_are_not_exceeded),
	    cmocka_unit_test(a_person_who_cannot_be_read_is_not_called_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
