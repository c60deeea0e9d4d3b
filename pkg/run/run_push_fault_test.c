#include "run/run_push_test.h"

/* Results for a sink behind a network, where the journal cannot be asked. */

static enum err_code
leased(struct world *w, struct journal *j, struct err *err)
{
	(void)w;
	return journal_lease_new(j, 1, "file", "t-1", true, 1, err);
}

/* False: no such statement was left to fail. */
static bool
pushed_without(const char *table, long n)
{
	void *state = NULL;
	struct world *w;
	bool hit;

	assert_int_equal(world_setup(&state), 0);
	w = state;
	fault_install(w->env);
	finished(w, 2);
	world_now(w, leased);
	tale_anew(w);
	wired(w);
	peer.answers_as = "t-1";
	fault.table = table;
	fault_arm(FAULT_PREPARE, n, EIO, false);
	sync_once(w);
	hit = fault_disarm();
	fault.table = NULL;
	if (w->code != ERR_NONE && (!hit || w->err.text[0] == '\0'))
		fail_msg("%s, %ld: \"%s\"", table, n, w->err.text);
	tale_anew(w);
	wired(w);
	sync_once(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(outbox(w).done, 2);
	assert_int_equal(outbox(w).dead, 0);
	tale_must_pass(w);
	assert_int_equal(world_teardown(&state), 0);
	return hit;
}

static void
a_sync_that_cannot_read_leaves_its_rows_to_the_next(void **state)
{
	static const char *const tables[] = {
	    "outbox", "lease", "service", "attempt", "job"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		long n = 1;

		while (pushed_without(tables[i], n))
			n++;
		assert_true(n > 1); /* it was asked at all */
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_sync_that_cannot_read_leaves_its_rows_to_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
