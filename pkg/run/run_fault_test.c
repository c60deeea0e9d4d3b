#include "run/run_tale_test.h"

/* Whole calls on a machine that fails: see there. */

/* --- tales ------------------------------------------------------------------
 */

static const struct fake_step completed[] = {AT(100, FAKE_PLACED),
    AT(500, FAKE_RING), AT(900, FAKE_ANSWER, .text = "human"),
    AT(3000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
static const struct fake_step busy[] = {
    AT(100, FAKE_PLACED), AT(900, FAKE_OVER, .outcome = JOB_OUTCOME_BUSY), {0}};
static const struct fake_step answered[] = {AT(100, FAKE_PLACED),
    AT(1000, FAKE_ANSWER, .text = "human"),
    AT(4 * HOUR, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP), {0}};
static const struct fake_step unsure[] = {
    AT(100, FAKE_UNKNOWN, .text = "timeout"), {0}};
static const struct fake_step refused[] = {
    AT(100, FAKE_NEVER, .text = "bad-number"), {0}};

static void
one_call(struct world *w)
{
	world_open(w);
	w->fake.scripts[0] = completed;
	(void)JOB(w, .id = "a", .org = "clinic");
}

static void
claimed_first(struct world *w)
{
	w->prepare = true;
	one_call(w);
}

static void
busy_then_completed(struct world *w)
{
	w->retry = "max_attempts: 2, busy: {after: 1m, factor: 1, max: 1m}";
	world_open(w);
	w->o.wait_ms = HOUR;
	w->fake.scripts[0] = busy;
	w->fake.scripts[1] = completed;
	(void)JOB(w, .id = "a");
}

static void
a_talk(struct world *w)
{
	w->with_model = true;
	world_open(w);
	w->fake.media = true;
	w->fake.scripts[0] = answered;
	w->fake.words[0] = (struct fake_word){100, "No, not interested."};
	(void)JOB(w, .id = "a");
}

/* Absent twice: a new attempt is allowed. */
static void
doubt(struct world *w)
{
	world_open(w);
	w->fake.scripts[0] = unsure;
	w->fake.scripts[1] = completed;
	(void)JOB(w, .id = "a");
}

static void
doubt_with_a_key(struct world *w)
{
	w->cls = CARRIER_KEYED;
	doubt(w);
}

static void
refused_for_ever(struct world *w)
{
	world_open(w);
	w->fake.scripts[0] = refused;
	(void)JOB(w, .id = "a");
}

static const struct tale tales[] = {
    {"one call", one_call, 1, NULL},
    {"claimed first", claimed_first, 1, NULL},
    {"busy, then completed", busy_then_completed, 2, NULL},
    {"a talk", a_talk, 1, NULL},
    {"doubt", doubt, 1, NULL},
    {"doubt, with a key", doubt_with_a_key, 1, NULL},
    {"refused", refused_for_ever, 0, NULL},
};

static void
a_statement_that_is_interrupted_calls_nobody_twice(void **state)
{
	(void)state;
	tale_everywhere(tales, ARRAY_LEN(tales), FAULT_STEP, EIO, false);
}

static void
a_disk_that_fails_calls_nobody_twice(void **state)
{
	(void)state;
	tale_everywhere(tales, ARRAY_LEN(tales), FAULT_DISK, EIO, false);
}

static void
a_disk_that_was_full_calls_nobody_twice(void **state)
{
	(void)state;
	tale_everywhere(tales, ARRAY_LEN(tales), FAULT_DISK, ENOSPC, false);
}

static void
a_kernel_that_fails_calls_nobody_twice(void **state)
{
	(void)state;
	tale_everywhere(tales, ARRAY_LEN(tales), FAULT_ENV, EMFILE, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_statement_that_is_interrupted_calls_nobody_twice),
	    cmocka_unit_test(a_disk_that_fails_calls_nobody_twice),
	    cmocka_unit_test(a_disk_that_was_full_calls_nobody_twice),
	    cmocka_unit_test(a_kernel_that_fails_calls_nobody_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
