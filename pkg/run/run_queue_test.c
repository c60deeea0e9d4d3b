#include "base/log.h"

#include "journal/journal_lease.h"
#include "journal/journal_prune.h"
#include "run/run_decide.h"
#include "run/run_world_test.h"

/*
 * A queue as the source of a run: how many jobs are asked for and when, what
 * becomes of their leases, and what a run does while the queue is away.
 */

static const struct fake_step calls[] = {AT(100, FAKE_PLACED),
    AT(8 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

/* A queue that answers a little later, as a network does. */
static struct fake_queue {
	struct source source;
	struct world *w;
	struct env_timer answer;
	int have, made; /* jobs in it, and given */
	int taken;      /* of a take, not given yet */
	int64_t wanted;
	bool away, busy, one_try, begun;
	enum err_code fails; /* next(), once */
	bool refuses;        /* next(), each time */
	bool stops;          /* the run, before it answers */
	int64_t wait_ms;     /* of its jobs, before they may be called */
	const char *mark;    /* of its tickets; NULL: none */
	/* seen */
	int asks, gives, errors;
	int64_t most; /* wanted at once */
	int added, known, pruned;
} queue;

static enum err_code
queue_next(void *s, struct source_job **out, struct err *err)
{
	struct source_job *j;

	enum err_code fails = queue.fails;

	(void)s;
	*out = NULL;
	queue.fails = ERR_NONE;
	if (queue.refuses)
		fails = ERR_CONFIG;
	if (fails != ERR_NONE)
		return err_set(err, fails, 0, "the queue speaks in tongues: %d",
		    ++queue.errors);
	if (queue.taken == 0)
		return ERR_NONE;
	queue.taken--;
	j = source_job_new();
	j->source = "bull:calls";
	j->id = mem_printf("q-%d", queue.made);
	j->kind = mem_strdup("k");
	j->phone = mem_printf("+1512555%04d", queue.made);
	j->campaign = mem_strdup("");
	j->org = mem_strdup("");
	j->contact = mem_strdup("{}");
	j->data = mem_strdup("{}");
	j->lease = mem_printf(
	    "lease-%d%s", queue.made, queue.mark != NULL ? queue.mark : "");
	if (queue.wait_ms > 0)
		j->not_before_ms = env_now_ms(queue.w->env) + queue.wait_ms;
	j->lease_until_ms = env_now_ms(queue.w->env) + HOUR;
	j->own_ladder = !queue.one_try;
	queue.made++;
	*out = j;
	return ERR_NONE;
}

static enum err_code
queue_taken(
    void *s, struct source_job **job, enum source_taken how, struct err *err)
{
	(void)s;
	(void)err;
	queue.added += how == SOURCE_ADDED;
	queue.known += how == SOURCE_KNOWN || how == SOURCE_OVER;
	queue.pruned += how == SOURCE_PRUNED;
	source_job_free(job);
	return ERR_NONE;
}

static void
queue_release(void *s, struct source_job **job)
{
	(void)s;
	source_job_free(job);
}

static void
queue_tally(void *s, struct source_tally *out)
{
	(void)s;
	*out =
	    (struct source_tally){.added = queue.added, .known = queue.known};
}

static void
answered(struct env_timer *t)
{
	(void)t;
	queue.busy = false;
	if (queue.stops)
		run_stop(queue.w->run, false);
	while (!queue.away && queue.wanted > 0 && queue.have > 0) {
		queue.wanted--;
		queue.have--;
		queue.taken++;
	}
	if (queue.source.ready != NULL)
		queue.source.ready(queue.source.ready_arg);
}

static void
queue_want(void *s, int64_t n)
{
	(void)s;
	if (n == 0) {
		queue.begun = true;
		return;
	}
	queue.asks++;
	queue.wanted = n;
	queue.most = n > queue.most ? n : queue.most;
	queue.busy = true;
	queue.answer.fn = answered;
	env_timer_start_real(queue.w->env, &queue.answer, 2);
}

static void
queue_give_back(void *s)
{
	(void)s;
	queue.gives++;
}

static bool
queue_resting(void *s)
{
	(void)s;
	return !queue.busy;
}

static const char *
queue_warning(void *s)
{
	(void)s;
	return NULL;
}

static bool
queue_trouble(void *s, struct err *err)
{
	(void)s;
	if (queue.away)
		(void)err_set(err, ERR_UNREACHABLE, 0, "the queue is away");
	return queue.away;
}

static const struct source_ops queue_ops = {.next = queue_next,
    .taken = queue_taken,
    .release = queue_release,
    .tally = queue_tally,
    .want = queue_want,
    .give_back = queue_give_back,
    .resting = queue_resting,
    .warning = queue_warning,
    .trouble = queue_trouble};

static void
opened_with(struct world *w, int have, const char *limits)
{
	queue = (struct fake_queue){.w = w, .have = have};
	queue.source = (struct source){.ops = &queue_ops, .impl = &queue};
	w->limits = limits;
	world_open(w);
	w->fake.scripts[0] = calls;
	w->o.queue = &queue.source;
	w->o.concurrency = 4;
}

static void
opened(struct world *w, int have)
{
	opened_with(w, have, "max_call: 2m, ring: 50s, min_gap: 0");
}

struct done {
	int count, other;
};

static void
count_done(void *arg, const struct journal_listed *row)
{
	struct done *d = arg;

	d->count += row->job.state == JOB_DONE;
	d->other += row->job.state != JOB_DONE;
}

static struct done
jobs(struct world *w)
{
	struct done d = {0};
	struct journal_filter f = {.state = -1};

	OK(journal_read_jobs(w->j, &f, count_done, &d, &w->err));
	return d;
}

/* --- */

static void
a_drain_takes_jobs_as_calls_become_free(void **state)
{
	struct world *w = *state;

	opened(w, 30);
	world_drain(w);
	assert_int_equal(jobs(w).count, 30);
	assert_int_equal(w->p.fetched, 30);
	/* Never more than could be called at once, and twice that ahead. */
	assert_true(queue.most <= 12);
	assert_int_equal(queue.have, 0);
	assert_int_equal(queue.gives, 0);
}

static void
an_empty_queue_is_asked_once(void **state)
{
	struct world *w = *state;

	opened(w, 0);
	world_drain(w);
	assert_int_equal(queue.asks, 1);
	assert_int_equal(w->p.fetched, 0);
	assert_int_equal(w->code, ERR_NONE);
}

static void
what_the_journal_has_comes_first(void **state)
{
	struct world *w = *state;

	opened(w, 1);
	for (int i = 0; i < 4; i++)
		(void)JOB(w);
	w->o.max_jobs = 4;
	world_drain(w);
	assert_int_equal(queue.asks, 0);
	/* What it holds from before is cared for all the same. */
	assert_true(queue.begun);
	assert_int_equal(queue.have, 1);
	assert_int_equal(jobs(w).count, 4);
}

static const struct fake_step at_once[] = {AT(0, FAKE_PLACED),
    AT(0, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

static void
calls_that_end_at_once_find_the_next_jobs_here(void **state)
{
	struct world *w = *state;

	opened(w, 300);
	w->fake.scripts[0] = at_once;
	w->o.concurrency = 6;
	world_drain(w);
	assert_int_equal(jobs(w).count, 300);
	/* What could be called at once, and what can be until more is here. */
	assert_true(queue.most > 6);
	assert_true(queue.most <= 18);
}

static void
for_calls_that_last_nothing_is_taken_ahead(void **state)
{
	static const struct fake_step long_calls[] = {AT(100, FAKE_PLACED),
	    AT(400 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
	struct world *w = *state;

	opened_with(w, 4, "max_call: 10m, ring: 2m, min_gap: 0");
	w->fake.scripts[0] = long_calls;
	w->o.concurrency = 1;
	world_drain(w);
	assert_int_equal(jobs(w).count, 4);
	assert_int_equal(queue.most, 1);
}

static void
jobs_taken_ahead_count_for_max_jobs_too(void **state)
{
	struct world *w = *state;

	opened(w, 300);
	w->fake.scripts[0] = at_once;
	w->o.concurrency = 6;
	w->o.max_jobs = 201;
	world_drain(w);
	assert_int_equal(jobs(w).count, 201);
	assert_int_equal(queue.have, 300 - 201);
}

static void
max_jobs_bounds_what_is_taken(void **state)
{
	struct world *w = *state;

	opened(w, 30);
	w->o.max_jobs = 6;
	world_drain(w);
	assert_int_equal(jobs(w).count, 6);
	assert_int_equal(queue.have, 24);
}

static void
while_the_queue_is_away_the_journal_s_jobs_are_called(void **state)
{
	struct world *w = *state;

	opened(w, 5);
	queue.away = true;
	(void)JOB(w, .id = "a");
	world_begin(w);
	world_finish(w);
	assert_int_equal(w->code, ERR_UNREACHABLE);
	assert_string_equal(w->err.text, "the queue is away");
	assert_int_equal(jobs(w).count, 1);
}

static void
a_stopped_run_tells_the_queue_to_take_back(void **state)
{
	struct world *w = *state;

	opened(w, 30);
	w->o.mode = RUN_WORKER;
	world_begin(w);
	world_for(w, 20);
	run_stop(w->run, false);
	world_finish(w);
	assert_int_equal(queue.gives, 1);
	assert_true(queue.have > 0);
	/* Taken and not begun: what the queue takes back. */
	assert_true(jobs(w).other <= 4);
}

static void
a_worker_looks_again(void **state)
{
	struct world *w = *state;

	opened(w, 0);
	w->o.mode = RUN_WORKER;
	world_begin(w);
	world_for(w, 100);
	assert_int_equal(queue.asks, 1);
	queue.have = 2;
	world_for(w, 1500);
	assert_int_equal(jobs(w).count, 2);
	run_stop(w->run, true);
	world_finish(w);
}

static void
held(void *arg, const struct journal_lease *l)
{
	struct buf *b = arg;

	buf_printf(b, "%s=%s ", l->ext, l->ticket);
}

static void
each_job_has_its_lease_in_the_journal(void **state)
{
	struct world *w = *state;
	struct buf b = BUF_INIT(1024);

	opened(w, 2);
	world_drain(w);
	OK(journal_read_leases(
	    w->j, "bull:calls", JOURNAL_LEASE_HELD, 0, 10, held, &b, &w->err));
	assert_string_equal(buf_text(&b), "q-0=lease-0 q-1=lease-1 ");
	buf_free(&b);
}

static void
a_job_whose_queue_counts_tries_is_called_once(void **state)
{
	static const struct fake_step busy[] = {AT(100, FAKE_PLACED),
	    AT(8 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_BUSY), {0}};
	struct world *w = *state;

	w->retry = "max_attempts: 3, busy: {after: 1s}";
	opened(w, 1);
	journal_set_sinks(
	    w->j, 1U << JOURNAL_SINK_FILE | 1U << JOURNAL_SINK_BULL);
	for (int i = 0; i < 4; i++)
		w->fake.scripts[i] = busy;
	w->o.wait_ms = HOUR;
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 3);
	queue.have = 1;
	queue.one_try = true;
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 4);
	assert_int_equal(jobs(w).count, 2);
}

static void
a_job_met_again_is_not_called_again(void **state)
{
	struct world *w = *state;

	opened(w, 2);
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 2);
	/* The queue forgot that it is over. */
	queue.have = 2;
	queue.made = 0;
	world_drain(w);
	assert_int_equal(queue.known, 2);
	assert_int_equal(fake_count(&w->fake, "dial"), 2);
	assert_int_equal(jobs(w).count, 2);
}

static void
lease_of(void *arg, const struct journal_lease *l)
{
	(void)snprintf(arg, 32, "%.31s", l->ticket);
}

/* Its lock ran out there, say: the newer delivery is the one to answer. */
static void
a_job_met_again_before_its_call_is_held_under_the_newer_ticket(void **state)
{
	struct world *w = *state;
	char ticket[32] = "";

	opened(w, 1);
	queue.wait_ms = HOUR;
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	queue.have = 1;
	queue.made = 0;
	queue.mark = "-again";
	world_drain(w);
	assert_int_equal(queue.known, 1);
	assert_int_equal(jobs(w).other, 1);
	OK(journal_read_leases(w->j, "bull:calls", JOURNAL_LEASE_HELD, 0, 10,
	    lease_of, ticket, &w->err));
	assert_string_equal(ticket, "lease-0-again");
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

static enum err_code
away_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	(void)tx;
	return journal_lease_away(j, 1, err);
}

static void
away_done(struct journal_tx *tx)
{
	assert_int_equal(tx->code, ERR_NONE);
}

static void
a_job_that_another_took_meanwhile_is_not_called_again(void **state)
{
	static const struct fake_step busy[] = {AT(100, FAKE_PLACED),
	    AT(8 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_BUSY), {0}};
	struct journal_tx tx = {
	    .run = away_run, .done = away_done, .cls = JOURNAL_LIVE};
	struct world *w = *state;

	w->retry = "max_attempts: 3, busy: {after: 1s}";
	opened(w, 1);
	journal_set_sinks(
	    w->j, 1U << JOURNAL_SINK_FILE | 1U << JOURNAL_SINK_BULL);
	for (int i = 0; i < 3; i++)
		w->fake.scripts[i] = busy;
	w->o.wait_ms = HOUR;
	world_begin(w);
	for (int i = 0; i < 500 && fake_count(&w->fake, "dial") == 0; i++)
		world_for(w, 1);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	OK(journal_submit(w->j, &tx, &w->err));
	world_finish(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(jobs(w).other, 1);
}

static void
a_queue_that_answers_nonsense_is_asked_again_unless_it_is_fatal(void **state)
{
	struct world *w = *state;

	opened(w, 3);
	queue.fails = ERR_UNREACHABLE;
	world_drain(w);
	/* what it gave is still there for the next run */
	world_drain(w);
	assert_int_equal(jobs(w).count, 3);
	queue.have = 1;
	queue.fails = ERR_STORE;
	world_begin(w);
	world_finish(w);
	assert_int_equal(w->code, ERR_STORE);
	assert_non_null(strstr(w->err.text, "in tongues"));
}

/* --- what people are told --- */

static const char *told;

static const char *
queue_tells(void *s)
{
	(void)s;
	return told;
}

static int
lines_with(struct world *w, const char *what)
{
	char *command = mem_printf(
	    "test $(cat %s/logs/* | grep -c '%s') = 1", w->dir, what);
	int rc = system(command);

	mem_free(&command);
	return rc == 0;
}

static void
a_warning_of_the_queue_is_logged_once_and_a_notice_as_it_comes(void **state)
{
	struct world *w = *state;
	struct source_ops ops = queue_ops;
	char *dir = mem_printf("%s/logs", w->dir);
	struct log_options lo = {.dir = dir, .stderr_level = LOG_LEVEL_ERROR};

	opened(w, 30);
	OK(env_make_dirs(w->env, dir, &w->err));
	w->o.log = log_new(w->env, &lo);
	told = "it is slow today";
	ops.warning = queue_tells;
	queue.source.ops = &ops;
	world_drain(w);
	assert_true(queue.asks > 1);
	assert_true(lines_with(w, "queue.warning"));
	/* a notice is new each time */
	ops.warning = queue_warning;
	ops.notice = queue_tells;
	told = NULL;
	queue.have = 1;
	world_drain(w);
	assert_false(lines_with(w, "queue.notice"));
	told = "whom it calls is not known";
	queue.have = 1;
	w->o.max_jobs = 1;
	world_drain(w);
	assert_true(queue.added > 0);
	log_free(&w->o.log);
	char *command = mem_printf("grep -q queue.notice %s/*", dir);

	assert_int_equal(system(command), 0);
	mem_free(&command);
	mem_free(&dir);
}

/* --- a person's word --- */

static void
a_parked_job_that_its_queue_has_back_is_left_to_it(void **state)
{
	static const struct fake_step unsure[] = {AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;
	struct journal_tx tx = {
	    .run = away_run, .done = away_done, .cls = JOURNAL_CLAIM};

	w->cls = CARRIER_BLIND;
	opened(w, 2);
	w->fake.scripts[0] = unsure;
	world_drain(w);
	struct run_decide_ask ask = {.env = w->env,
	    .conf = w->conf,
	    .journal = w->j,
	    .verb = RUN_DECIDE_ABSENT,
	    .by = "ann",
	    .reason = "she was in"};
	struct run_decision d[2] = {{.job = 1}, {.job = 2}};

	JOB_IS(w, 1, JOB_PARKED, JOB_OUTCOME_NONE);
	OK(journal_now(w->j, &tx, &w->err));
	OK(run_decide(&ask, d, 2, &w->err));
	/* One call of it here and one there would be two. */
	assert_int_equal(d[0].state, JOB_FAILED);
	assert_int_equal(world_job(w, 1).reason, JOB_REASON_AWAY);
	assert_int_equal(d[1].state, JOB_QUEUED);
}

static void
a_queue_that_refuses_us_ends_the_run_and_hangs_up_on_nobody(void **state)
{
	struct world *w = *state;

	opened(w, 5);
	queue.refuses = true;
	(void)JOB(w, .id = "a");
	world_begin(w);
	world_finish(w);
	assert_int_equal(w->code, ERR_CONFIG);
	assert_non_null(strstr(w->err.text, "in tongues"));
	assert_int_equal(fake_count(&w->fake, "hangup"), 0);
	/* once more, by a run that was told to stop */
	world_begin(w);
	run_stop(w->run, false);
	world_finish(w);
	assert_int_equal(fake_count(&w->fake, "hangup"), 0);
}

/* It says so again while somebody is on the phone yet. */
static void
of_a_queue_that_refuses_us_the_first_word_is_told(void **state)
{
	static const struct fake_step long_call[] = {AT(100, FAKE_PLACED),
	    AT(300 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
	struct world *w = *state;

	opened_with(w, 5, "max_call: 10m, ring: 2m, min_gap: 0");
	w->fake.scripts[0] = long_call;
	queue.refuses = true;
	int64_t id = JOB(w, .id = "a");

	world_begin(w);
	for (int i = 0; i < 200 && queue.errors == 0; i++)
		world_for(w, 1);
	assert_int_equal(queue.errors, 1);
	assert_false(w->ended);
	queue.source.ready(queue.source.ready_arg);
	world_finish(w);
	assert_int_equal(queue.errors, 2);
	assert_int_equal(w->code, ERR_CONFIG);
	assert_string_equal(w->err.text, "the queue speaks in tongues: 1");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static void
a_queue_that_refuses_a_run_that_is_stopping_is_told_of(void **state)
{
	struct world *w = *state;

	opened(w, 5);
	queue.refuses = true;
	queue.stops = true;
	world_begin(w);
	world_finish(w);
	assert_int_equal(queue.errors, 1);
	assert_int_equal(w->code, ERR_CONFIG);
	assert_non_null(strstr(w->err.text, "in tongues"));
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

static enum err_code
pause_spring(struct journal *j, struct journal_tx *tx, struct err *err)
{
	bool changed;

	(void)tx;
	return journal_pause(j, "spring", "ana", "because", &changed, err);
}

static void
a_pause_of_one_campaign_does_not_keep_the_queue_from_giving(void **state)
{
	struct world *w = *state;
	struct journal_tx tx = {.run = pause_spring, .cls = JOURNAL_CLAIM};

	opened(w, 3);
	OK(journal_now(w->j, &tx, &w->err));
	world_drain(w);
	assert_int_equal(jobs(w).count, 3);
}

static void
a_job_that_was_pruned_is_told_to_the_queue(void **state)
{
	struct world *w = *state;
	struct journal_prune p = {0};

	opened(w, 1);
	world_drain(w);
	(void)JOB(w, .id = "b", .phone = "+15125559999");
	p.before_ms = env_now_ms(w->env) + HOUR;
	OK(journal_prune(w->j, &p, &w->err));
	assert_int_equal(p.jobs, 1);
	journal_prune_fini(&p);
	queue.have = 1;
	queue.made = 0;
	world_drain(w);
	assert_int_equal(queue.pruned, 1);
	assert_int_equal(fake_count(&w->fake, "dial"), 2);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_drain_takes_jobs_as_calls_become_free),
	    T(an_empty_queue_is_asked_once),
	    T(what_the_journal_has_comes_first),
	    T(calls_that_end_at_once_find_the_next_jobs_here),
	    T(for_calls_that_last_nothing_is_taken_ahead),
	    T(jobs_taken_ahead_count_for_max_jobs_too),
	    T(max_jobs_bounds_what_is_taken),
	    T(while_the_queue_is_away_the_journal_s_jobs_are_called),
	    T(a_stopped_run_tells_the_queue_to_take_back),
	    T(a_worker_looks_again),
	    T(each_job_has_its_lease_in_the_journal),
	    T(a_job_whose_queue_counts_tries_is_called_once),
	    T(a_job_met_again_is_not_called_again),
	    T(a_job_met_again_before_its_call_is_held_under_the_newer_ticket),
	    T(a_job_that_another_took_meanwhile_is_not_called_again),
	    T(a_warning_of_the_queue_is_logged_once_and_a_notice_as_it_comes),
	    T(a_parked_job_that_its_queue_has_back_is_left_to_it),
	    T(a_job_that_was_pruned_is_told_to_the_queue),
	    T(a_queue_that_refuses_us_ends_the_run_and_hangs_up_on_nobody),
	    T(of_a_queue_that_refuses_us_the_first_word_is_told),
	    T(a_queue_that_refuses_a_run_that_is_stopping_is_told_of),
	    T(a_pause_of_one_campaign_does_not_keep_the_queue_from_giving),
	    T(a_queue_that_answers_nonsense_is_asked_again_unless_it_is_fatal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
