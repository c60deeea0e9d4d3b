#include "run/run_decide.h"
#include "run/run_world_test.h"

/*
 * Results on their way out: order, retries, dead letters, damaged files, two
 * who push at once, and a kill at every point of a batch.
 */

#define RESULTS "out/results.jsonl"
#define HOURLY "outbox: {max_tries: 3, retry: {after: 1h, jitter: none}}\n"

static const struct fake_step calls[] = {AT(100, FAKE_PLACED),
    AT(8 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

/* A sink that fails to render the job with that id, so often. */
static struct {
	struct sink sink;
	struct sink_ops ops;
	const struct sink_ops *real;
	const char *id; /* NULL: any */
	enum err_code code;
	int times;
	int rendered;
	struct env *slow; /* 60 ms (real) a row */
	int batches;
} bad;

static enum err_code
bad_lock(void *s, struct err *err)
{
	bad.batches++;
	return bad.real->lock(s, err);
}

static enum err_code
bad_render(
    void *s, const struct sink_result *r, struct buf *line, struct err *err)
{
	bad.rendered++;
	if (bad.slow != NULL)
		env_pause(bad.slow, 60000);
	if (bad.times > 0 && (bad.id == NULL || strcmp(r->id, bad.id) == 0)) {
		bad.times--;
		return err_set(err, bad.code, 0, "the sink is away");
	}
	return bad.real->render(s, r, line, err);
}

static void
fail_at(struct world *w, const char *id, enum err_code code, int times)
{
	memset(&bad, 0, sizeof(bad));
	bad.real = w->sink->ops;
	bad.ops = *bad.real;
	bad.ops.render = bad_render;
	bad.ops.lock = bad_lock;
	bad.sink = (struct sink){&bad.ops, w->sink->impl};
	bad.id = id;
	bad.code = code;
	bad.times = times;
	w->o.sink = &bad.sink;
}

struct rows {
	int pending, done, dead;
	struct journal_outbox_row last;
	char error[64];
};

static void
count_row(void *arg, const struct journal_outbox_row *r)
{
	struct rows *rows = arg;

	rows->pending += r->state == JOURNAL_OUTBOX_PENDING;
	rows->done += r->state == JOURNAL_OUTBOX_DONE;
	rows->dead += r->state == JOURNAL_OUTBOX_DEAD;
	rows->last = *r;
	(void)snprintf(rows->error, sizeof(rows->error), "%s",
	    r->error != NULL ? r->error : "");
}

static struct rows
outbox(struct world *w)
{
	struct rows rows = {0};

	OK(journal_read_outbox(w->j, -1, 0, 1000, count_row, &rows, &w->err));
	return rows;
}

static void
sync_once(struct world *w)
{
	w->o.mode = RUN_SYNC;
	world_drain(w);
	w->o.mode = RUN_DRAIN;
}

static void
opened(struct world *w)
{
	w->box = HOURLY;
	world_open(w);
	w->fake.scripts[0] = calls;
}

static void
results_are(struct world *w, int lines)
{
	assert_int_equal(world_found(w, RESULTS, "\n"), lines);
}

/* --- failures --- */

static void
a_push_that_fails_is_made_again_after_its_delay(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, NULL, ERR_UNREACHABLE, 1);
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	struct rows rows = outbox(w);

	/* the drain does not wait for it */
	assert_int_equal(rows.pending, 1);
	assert_int_equal(rows.last.row.tries, 1);
	assert_string_equal(rows.error, "the sink is away");
	assert_int_equal(bad.rendered, 1);
	results_are(w, 0);
	assert_true(
	    rows.last.next_ms >= world_attempt(w, id, 1).ended_ms + 2 * SECOND);
	w->env->origin_ms += 2 * HOUR;
	sync_once(w);
	results_are(w, 1);
	assert_int_equal(outbox(w).done, 1);
	assert_int_equal(w->p.pushed, 1);
	assert_string_equal(w->attention, "");
}

static void
a_row_that_is_not_due_is_left_alone(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, NULL, ERR_UNREACHABLE, 1);
	(void)JOB(w, .id = "a");
	world_drain(w);
	sync_once(w);
	assert_int_equal(bad.rendered, 1);
	results_are(w, 0);
}

static void
after_its_last_try_a_row_is_a_dead_letter(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, "a", ERR_UNREACHABLE, 100);
	(void)JOB(w, .id = "a");
	world_drain(w);
	for (int i = 2; i <= 3; i++) {
		assert_int_equal(outbox(w).pending, 1);
		w->env->origin_ms += 2 * HOUR;
		sync_once(w);
		assert_int_equal(bad.rendered, i);
	}
	assert_int_equal(outbox(w).dead, 1);
	assert_int_equal(w->p.dead, 1);
	assert_string_equal(w->attention, "dead letter 1\n");
	/* and is left alone */
	w->env->origin_ms += 2 * HOUR;
	sync_once(w);
	assert_int_equal(bad.rendered, 3);
	results_are(w, 0);
}

static void
finds_no_room(struct world *w, enum run_mode mode)
{
	w->o.mode = mode;
	world_begin(w);
	world_finish(w);
	w->o.mode = RUN_DRAIN;
	assert_int_equal(w->code, ERR_SPACE);
}

static void
a_full_disk_makes_no_dead_letter_however_long(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, "a", ERR_SPACE, 6);
	(void)JOB(w, .id = "a");
	finds_no_room(w, RUN_DRAIN);
	for (int i = 2; i <= 6; i++) {
		w->env->origin_ms += 2 * HOUR;
		finds_no_room(w, RUN_SYNC);
		assert_int_equal(bad.rendered, i);
		assert_int_equal(outbox(w).pending, 1);
	}
	w->env->origin_ms += 2 * HOUR;
	sync_once(w);
	assert_int_equal(outbox(w).done, 1);
	results_are(w, 1);
}

/* It does not end for that: its calls go on, and the result waits. */
static void
a_worker_outlives_a_full_disk_and_pushes_then(void **state)
{
	struct world *w = *state;

	w->box = "outbox: {max_tries: 3, retry: {after: 10m, jitter: none}}\n";
	world_open(w);
	w->fake.scripts[0] = calls;
	fail_at(w, NULL, ERR_SPACE, 1);
	(void)JOB(w, .id = "a");
	w->o.mode = RUN_WORKER;
	world_begin(w);
	world_for(w, 300);
	assert_int_equal(bad.rendered, 1);
	assert_int_equal(outbox(w).pending, 1);
	world_for(w, 700);
	results_are(w, 1);
	run_stop(w->run, false);
	world_finish(w);
	assert_int_equal(w->code, ERR_NONE);
}

static void
what_can_never_be_pushed_is_dead_at_once(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, "a", ERR_REJECTED, 100);
	(void)JOB(w, .id = "a");
	world_drain(w);
	assert_int_equal(outbox(w).dead, 1);
	assert_int_equal(bad.rendered, 1);
	assert_string_equal(w->attention, "dead letter 1\n");
}

static void
a_bad_row_does_not_hold_up_the_rest(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, "b", ERR_UNREACHABLE, 100);
	(void)JOB(w, .id = "a");
	(void)JOB(w, .id = "b");
	(void)JOB(w, .id = "c");
	world_drain(w);
	results_are(w, 2);
	assert_int_equal(world_found(w, RESULTS, "\"id\":\"b\""), 0);
	assert_int_equal(outbox(w).done, 2);
	assert_int_equal(outbox(w).pending, 1);
}

static void
a_worker_pushes_again_without_being_woken(void **state)
{
	struct world *w = *state;

	w->box = "outbox: {max_tries: 3, retry: {after: 10m, jitter: none}}\n";
	world_open(w);
	w->fake.scripts[0] = calls;
	fail_at(w, NULL, ERR_UNREACHABLE, 1);
	(void)JOB(w, .id = "a");
	w->o.mode = RUN_WORKER;
	world_begin(w);
	world_for(w, 300);
	assert_int_equal(bad.rendered, 1);
	/* due 600 ms (real) after the call; nothing else happens */
	world_for(w, 700);
	results_are(w, 1);
	run_stop(w->run, false);
	world_finish(w);
}

/* --- order --- */

static void
retry(struct world *w, int64_t job)
{
	struct run_decide_ask ask = {.env = w->env,
	    .conf = w->conf,
	    .journal = w->j,
	    .verb = RUN_DECIDE_RETRY,
	    .by = "ana",
	    .reason = "again"};
	struct run_decision d = {.job = job};

	OK(run_decide(&ask, &d, 1, &w->err));
	if (d.result != RUN_DECIDE_DONE)
		fail_msg("%s", d.text);
}

static void
results_of_a_job_go_out_in_order(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, "a", ERR_UNREACHABLE, 2);
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	retry(w, id);
	world_drain(w);
	assert_int_equal(world_job(w, id).revision, 2);
	/* the second waits for the first, however long it is due */
	assert_int_equal(outbox(w).pending, 2);
	results_are(w, 0);
	while (outbox(w).pending > 0) {
		w->env->origin_ms += 2 * HOUR;
		sync_once(w);
	}
	results_are(w, 2);
	char *text = world_read(w, RESULTS);
	const char *first = strstr(text, "\"revision\":1");
	const char *second = strstr(text, "\"revision\":2");

	assert_non_null(first);
	assert_non_null(second);
	assert_true(first < second);
	mem_free(&text);
}

static void
a_dead_letter_is_out_of_the_next_ones_way(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, "a", ERR_REJECTED, 1);
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	assert_int_equal(outbox(w).dead, 1);
	retry(w, id);
	world_drain(w);
	results_are(w, 1);
	assert_int_equal(world_found(w, RESULTS, "\"revision\":2"), 1);
}

/* --- files --- */

static void
goes_out_without(struct world *w, bool both)
{
	static const struct fake_step answered[] = {AT(100, FAKE_PLACED),
	    AT(1000, FAKE_ANSWER),
	    AT(4 * HOUR, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP), {0}};

	w->with_model = true;
	opened(w);
	w->fake.scripts[0] = answered;
	w->fake.media = true;
	w->fake.words[0] = (struct fake_word){100, "No, not interested."};
	fail_at(w, NULL, ERR_UNREACHABLE, 1);
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	world_write(w, "data/recordings/1-1.ul2", "not what was recorded");
	if (both) {
		char *path = mem_printf(
		    "%s/data/recordings/1-1.transcript.json", w->dir);

		assert_int_equal(unlink(path), 0);
		mem_free(&path);
	}
	w->env->origin_ms += 2 * HOUR;
	sync_once(w);
	results_are(w, 1);
	assert_int_equal(world_found(w, RESULTS, ".wav"), 0);
	assert_int_equal(world_found(w, RESULTS, "1.json"), !both);
	assert_int_equal(world_found(w, RESULTS, "\"completed\""), 1);
	assert_int_equal(outbox(w).done, 1);
	assert_string_equal(w->attention, "damaged files of result 1\n");
	/* it lies there for a person to look at */
	assert_int_equal(
	    world_found(w, "recordings/1-1.ul2", "not what was"), 1);
	retry(w, id);
	w->fake.media = false;
	w->fake.scripts[1] = calls;
	world_drain(w);
	assert_string_equal(w->attention, "");
}

static void
a_damaged_recording_is_missing_from_its_result_and_nothing_else(void **state)
{
	goes_out_without(*state, false);
}

static void
a_result_whose_files_are_all_gone_goes_out_without_them(void **state)
{
	goes_out_without(*state, true);
}

static void
a_file_that_makes_no_sense_is_missing_from_its_result(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, NULL, ERR_MALFORMED, 1);
	(void)JOB(w, .id = "a");
	world_drain(w);
	assert_int_equal(bad.rendered, 2);
	assert_int_equal(outbox(w).done, 1);
	results_are(w, 1);
	assert_string_equal(w->attention, "damaged files of result 1\n");
}

static void
a_file_that_somebody_cut_is_not_written_to_again(void **state)
{
	struct world *w = *state;

	opened(w);
	(void)JOB(w, .id = "a");
	world_drain(w);
	world_write(w, "data/" RESULTS, "{\"cut\":");
	(void)JOB(w, .id = "b");
	world_drain(w);
	assert_int_equal(world_found(w, RESULTS, "\"b\""), 0);
	assert_int_equal(
	    world_found(w, "out/results.2.jsonl", "\"id\":\"b\""), 1);
	assert_int_equal(outbox(w).done, 2);
}

/* --- sync alone --- */

static void
a_sync_pushes_and_claims_nothing(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, NULL, ERR_UNREACHABLE, 1);
	(void)JOB(w, .id = "a");
	world_drain(w);
	int64_t ready = JOB(w, .id = "b");

	w->env->origin_ms += 2 * HOUR;
	sync_once(w);
	results_are(w, 1);
	JOB_IS(w, ready, JOB_READY, JOB_OUTCOME_NONE);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(journal_owner(w->j), 0);
}

static void
a_sync_without_work_ends(void **state)
{
	struct world *w = *state;

	opened(w);
	sync_once(w);
	assert_int_equal(w->p.pushed, 0);
}

/* --- more rows than a batch, and two who push at once --- */

#define MANY 830

static void
many_results_wait(struct world *w)
{
	char id[16];

	opened(w);
	fail_at(w, NULL, ERR_UNREACHABLE, 100000);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(id, sizeof(id), "many-%03d", i);
		(void)JOB(w, .id = id, .expires_ms = WORLD_START_MS + 1);
	}
	world_drain(w);
	assert_int_equal(outbox(w).pending, MANY);
	results_are(w, 0);
	w->env->origin_ms += 2 * HOUR;
}

static void
each_stands_there_once(struct world *w)
{
	char want[32];

	results_are(w, MANY);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(want, sizeof(want), "\"id\":\"many-%03d\"", i);
		assert_int_equal(world_found(w, RESULTS, want), 1);
	}
	assert_int_equal(outbox(w).done, MANY);
}

static void
more_rows_than_a_batch_all_go_out(void **state)
{
	struct world *w = *state;

	many_results_wait(w);
	w->o.sink = w->sink;
	sync_once(w);
	assert_int_equal(w->p.pushed, MANY);
	each_stands_there_once(w);
}

/* What makes results is the thread that commits: it is not held for long. */
static void
rows_that_take_long_go_out_in_small_batches(void **state)
{
	struct world *w = *state;

	opened(w);
	fail_at(w, NULL, ERR_UNREACHABLE, 100000);
	for (int i = 0; i < 6; i++)
		(void)JOB(w, .expires_ms = WORLD_START_MS + 1);
	world_drain(w);
	assert_int_equal(outbox(w).pending, 6);
	w->env->origin_ms += 2 * HOUR;
	fail_at(w, NULL, ERR_NONE, 0);
	bad.slow = w->env;
	sync_once(w);
	results_are(w, 6);
	assert_int_equal(outbox(w).done, 6);
	assert_int_equal(bad.rendered, 6);
	assert_true(bad.batches >= 3);
}

static void
two_syncs_at_once_write_each_line_once(void **state)
{
	struct world *w = *state;
	pid_t pids[2];
	int status = 0;

	many_results_wait(w);
	int64_t origin_ms = w->env->origin_ms;

	world_shut(w);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			world_reopen(w, origin_ms);
			sync_once(w);
			_exit(0);
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	world_reopen(w, origin_ms);
	each_stands_there_once(w);
}

/* --- kills --- */

static void
sync_and_die(struct world *w)
{
	crash_hook(world_die_at, w->story);
	w->o.mode = RUN_SYNC;
	world_drain(w);
}

static void
a_kill_anywhere_in_a_batch_leaves_each_line_once(void **state)
{
	static const char *const points[] = {"sync.locked", "sync.row.made",
	    "sync.noted", "sink.append.opened", "sink.append.written",
	    "sink.append.synced", "sink.append.done", "sync.applied",
	    "sync.confirmed"};
	struct world *w = *state;
	char id[16];

	opened(w);
	for (int i = 0; i < (int)ARRAY_LEN(points); i++) {
		fail_at(w, NULL, ERR_UNREACHABLE, 2);
		for (int n = 0; n < 2; n++) {
			(void)snprintf(id, sizeof(id), "%d-%d", i, n);
			(void)JOB(
			    w, .id = id, .expires_ms = WORLD_START_MS + 1);
		}
		world_drain(w);
		assert_int_equal(outbox(w).pending, 2);
		w->env->origin_ms += 2 * HOUR;
		(void)snprintf(w->story, sizeof(w->story), "%s", points[i]);
		world_was_killed(world_child(w, sync_and_die));
		sync_once(w);
		results_are(w, 2 * i + 2);
		for (int n = 0; n < 2; n++) {
			(void)snprintf(
			    id, sizeof(id), "\"id\":\"%d-%d\"", i, n);
			if (world_found(w, RESULTS, id) != 1)
				fail_msg("%s after %s", id, points[i]);
		}
		assert_int_equal(outbox(w).pending, 0);
	}
}

/* --- a sink that cannot be used --- */

static void
a_sink_that_cannot_be_used_ends_a_run_that_is_stopped(void **state)
{
	struct world *w = *state;

	opened(w);
	int64_t id = JOB(w, .id = "a");

	char *out = mem_printf("%s/data/out", w->dir);

	(void)rmdir(out);
	mem_free(&out);
	world_write(w, "data/out", "in the way");
	world_begin(w);
	world_for(w, 100);
	assert_false(w->ended);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	run_stop(w->run, false);
	world_finish(w);
	assert_int_not_equal(w->code, ERR_NONE);
	assert_int_equal(outbox(w).pending, 1);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_push_that_fails_is_made_again_after_its_delay),
	    T(a_row_that_is_not_due_is_left_alone),
	    T(after_its_last_try_a_row_is_a_dead_letter),
	    T(a_full_disk_makes_no_dead_letter_however_long),
	    T(a_worker_outlives_a_full_disk_and_pushes_then),
	    T(what_can_never_be_pushed_is_dead_at_once),
	    T(a_bad_row_does_not_hold_up_the_rest),
	    T(a_worker_pushes_again_without_being_woken),
	    T(results_of_a_job_go_out_in_order),
	    T(a_dead_letter_is_out_of_the_next_ones_way),
	    T(a_damaged_recording_is_missing_from_its_result_and_nothing_else),
	    T(a_result_whose_files_are_all_gone_goes_out_without_them),
	    T(a_file_that_makes_no_sense_is_missing_from_its_result),
	    T(a_file_that_somebody_cut_is_not_written_to_again),
	    T(a_sync_pushes_and_claims_nothing),
	    T(a_sync_without_work_ends),
	    T(more_rows_than_a_batch_all_go_out),
	    T(rows_that_take_long_go_out_in_small_batches),
	    T(two_syncs_at_once_write_each_line_once),
	    T(a_kill_anywhere_in_a_batch_leaves_each_line_once),
	    T(a_sink_that_cannot_be_used_ends_a_run_that_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
