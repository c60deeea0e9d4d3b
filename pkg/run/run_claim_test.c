#include "run/run_decide.h"
#include "run/run_world_test.h"

/*
 * Which jobs a run takes, and how many: limits, exclusive numbers, turns,
 * pauses, and what keeps it from claiming at all.
 */

static const struct fake_step calls[] = {AT(100, FAKE_PLACED),
    AT(20 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

static void
opened(struct world *w)
{
	world_open(w);
	w->fake.scripts[0] = calls;
}

static void
all_done(struct world *w, const int64_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		JOB_IS(w, ids[i], JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "dial"), n);
}

/* --- limits --- */

static void
no_more_calls_are_live_than_the_run_may(void **state)
{
	struct world *w = *state;
	int64_t ids[6];

	opened(w);
	w->o.concurrency = 2;
	for (int i = 0; i < 6; i++)
		ids[i] = JOB(w, .org = NULL);
	world_drain(w);
	assert_int_equal(w->fake.most_live, 2);
	all_done(w, ids, 6);
}

static void
the_limit_is_the_configurations_when_the_run_has_none(void **state)
{
	struct world *w = *state;
	int64_t ids[5];

	w->box = "limits: {concurrency: 3}\n";
	opened(w);
	for (int i = 0; i < 5; i++)
		ids[i] = JOB(w, .org = NULL);
	world_drain(w);
	assert_int_equal(w->fake.most_live, 3);
	all_done(w, ids, 5);
}

static void
a_campaign_has_a_limit_of_its_own(void **state)
{
	struct world *w = *state;
	int64_t ids[6];

	w->box = "limits: {campaign_concurrency: 1}\n";
	opened(w);
	for (int i = 0; i < 6; i++)
		ids[i] = JOB(w, .campaign = i < 4 ? "spring" : "autumn");
	world_drain(w);
	assert_int_equal(w->fake.most_live, 2);
	all_done(w, ids, 6);
}

static void
a_kind_has_a_limit_of_its_own(void **state)
{
	struct world *w = *state;
	int64_t ids[4];

	w->limits = "concurrency: 1, per_number_per_day: 0, min_gap: 0s";
	opened(w);
	for (int i = 0; i < 4; i++)
		ids[i] = JOB(w, .org = NULL);
	world_drain(w);
	assert_int_equal(w->fake.most_live, 1);
	all_done(w, ids, 4);
}

static void
a_number_is_called_once_at_a_time(void **state)
{
	struct world *w = *state;
	int64_t ids[3];

	opened(w);
	for (int i = 0; i < 3; i++)
		ids[i] = JOB(w, .phone = "+15125550111",
		    .campaign = i == 0 ? "spring" : "autumn");
	world_drain(w);
	assert_int_equal(w->fake.most_live, 1);
	all_done(w, ids, 3);
}

static void
an_organisation_is_called_once_at_a_time(void **state)
{
	struct world *w = *state;
	int64_t ids[3];

	opened(w);
	for (int i = 0; i < 3; i++)
		ids[i] = JOB(w, .org = "clinic");
	world_drain(w);
	assert_int_equal(w->fake.most_live, 1);
	all_done(w, ids, 3);
}

static void
a_parked_attempt_keeps_its_number_and_gives_its_slot_back(void **state)
{
	static const struct fake_step unsure[] = {AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;

	w->cls = CARRIER_BLIND;
	opened(w);
	w->fake.scripts[0] = unsure;
	w->fake.scripts[1] = calls;
	w->o.concurrency = 1;
	int64_t parked = JOB(w, .phone = "+15125550111");
	int64_t same = JOB(w, .phone = "+15125550111");
	int64_t other = JOB(w, .phone = "+15125550112");

	world_drain(w);
	JOB_IS(w, parked, JOB_PARKED, JOB_OUTCOME_NONE);
	JOB_IS(w, same, JOB_READY, JOB_OUTCOME_NONE);
	/* its longest call may still be in the network */
	JOB_IS(w, other, JOB_READY, JOB_OUTCOME_NONE);
	w->env->origin_ms += HOUR;
	world_drain(w);
	JOB_IS(w, same, JOB_READY, JOB_OUTCOME_NONE);
	JOB_IS(w, other, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static void
no_more_is_claimed_than_was_asked_for(void **state)
{
	struct world *w = *state;

	opened(w);
	w->o.max_jobs = 2;
	for (int i = 0; i < 5; i++)
		(void)JOB(w, .org = NULL);
	world_drain(w);
	assert_int_equal(w->p.claimed, 2);
	assert_int_equal(fake_count(&w->fake, "dial"), 2);
	assert_int_equal(w->p.finished, 2);
}

/* --- order --- */

static void
the_most_urgent_goes_first(void **state)
{
	struct world *w = *state;

	opened(w);
	w->o.concurrency = 1;
	(void)JOB(w, .phone = "+15125550103", .priority = 3);
	(void)JOB(w, .phone = "+15125550101", .priority = 1);
	(void)JOB(w, .phone = "+15125550102", .priority = 2);
	(void)JOB(w, .phone = "+15125550104", .priority = 3);
	world_drain(w);
	for (size_t i = 0; i < 4; i++) {
		char want[16];

		(void)snprintf(want, sizeof(want), "+1512555010%zu", i + 1);
		assert_string_equal(fake_nth(&w->fake, "dial", i)->what, want);
	}
}

static void
campaigns_take_turns(void **state)
{
	struct world *w = *state;
	bool small = false;

	opened(w);
	w->o.concurrency = 2;
	for (int i = 0; i < 5; i++)
		(void)JOB(w, .campaign = "large");
	(void)JOB(w, .campaign = "small", .phone = "+15125550199");
	world_drain(w);
	for (size_t i = 0; i < 2; i++)
		small = small || strcmp(fake_nth(&w->fake, "dial", i)->what,
				     "+15125550199") == 0;
	assert_true(small);
}

static enum err_code
pause_spring(struct world *w, struct journal *j, struct err *err)
{
	bool changed;

	(void)w;
	return journal_pause(j, "spring", "ana", "because", &changed, err);
}

static void
a_paused_campaign_is_left_out(void **state)
{
	struct world *w = *state;

	opened(w);
	int64_t paused = JOB(w, .campaign = "spring");
	int64_t other = JOB(w, .campaign = "autumn");

	world_now(w, pause_spring);
	world_drain(w);
	JOB_IS(w, paused, JOB_READY, JOB_OUTCOME_NONE);
	assert_string_equal(world_story(w, paused), "ADMIT");
	JOB_IS(w, other, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

/* --- between claim and arm --- */

static void
pause_once_claimed(void *arg, const char *name)
{
	if (strcmp(name, "run.claim.durable") == 0 &&
	    ((struct world *)arg)->number++ == 0)
		world_send(arg, pause_spring);
}

static void
a_pause_between_claim_and_arm_gives_the_job_back(void **state)
{
	struct world *w = *state;

	w->prepare = true;
	opened(w);
	int64_t id = JOB(w, .campaign = "spring");

	crash_hook(pause_once_claimed, w);
	world_drain(w);
	crash_hook(NULL, NULL);
	assert_string_equal(world_story(w, id), "ADMIT CLAIM RELEASE");
	JOB_IS(w, id, JOB_READY, JOB_OUTCOME_NONE);
	ATTEMPT_IS(w, id, 1, ATTEMPT_NEW);
	assert_int_equal(world_job(w, id).tries, 0);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

static enum err_code
dial_number(struct world *w, struct journal *j, struct err *err)
{
	return journal_dial_put(
	    j, 15125550100, env_now_ms(w->env), 256 + 1, err);
}

static void
dial_once_claimed(void *arg, const char *name)
{
	if (strcmp(name, "run.claim.durable") == 0 &&
	    ((struct world *)arg)->number++ == 0)
		world_send(arg, dial_number);
}

static void
a_dial_of_its_number_between_claim_and_arm_puts_the_job_off(void **state)
{
	struct world *w = *state;

	w->prepare = true;
	w->limits = "max_call: 60s, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 5h";
	opened(w);
	int64_t id = JOB(w, .phone = "+15125550100");

	crash_hook(dial_once_claimed, w);
	world_drain(w);
	crash_hook(NULL, NULL);
	assert_string_equal(world_story(w, id), "ADMIT CLAIM RELEASE");
	assert_int_equal(world_job(w, id).state, JOB_QUEUED);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_GAP);
	assert_true(world_job(w, id).not_before_ms > env_now_ms(w->env) + HOUR);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

static enum err_code
list_number(struct world *w, struct journal *j, struct err *err)
{
	bool added;

	(void)w;
	return journal_dnc_put(j, 15125550100, 2, "callee", "", &added, err);
}

static void
list_once_claimed(void *arg, const char *name)
{
	if (strcmp(name, "run.claim.durable") == 0 &&
	    ((struct world *)arg)->number++ == 0)
		world_send(arg, list_number);
}

static void
an_opt_out_between_claim_and_arm_fails_the_job(void **state)
{
	struct world *w = *state;

	w->prepare = true;
	opened(w);
	int64_t id = JOB(w, .phone = "+15125550100");

	crash_hook(list_once_claimed, w);
	world_drain(w);
	crash_hook(NULL, NULL);
	assert_string_equal(world_story(w, id), "ADMIT CLAIM DENY");
	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_OPT_OUT);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 1);
}

/* --- jobs that kill --- */

static void
three_deaths_with_a_job_in_hand_park_it(void **state)
{
	struct world *w = *state;

	opened(w);
	int64_t id = JOB(w, .id = "a");

	for (int i = 1; i <= 3; i++) {
		world_was_killed(world_child(w, world_claim_and_die));
		JOB_IS(w, id, JOB_HELD, JOB_OUTCOME_NONE);
		ATTEMPT_IS(w, id, 1, ATTEMPT_CLAIMED);
		assert_int_equal(world_job(w, id).crashes, i - 1);
	}
	w->fake.scripts[0] = calls;
	world_drain(w);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_CRASHES);
	assert_string_equal(w->attention, "parked #1-1\n");
	assert_int_equal(w->p.parked, 1);
	assert_int_equal(world_job(w, id).tries, 0);
	assert_string_equal(world_story(w, id),
	    "ADMIT CLAIM OWNER_DEAD CLAIM OWNER_DEAD CLAIM OWNER_DEAD");
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

struct order {
	int64_t job, armed, held;
};

static void
watch_order(void *arg, const struct journal_event *e)
{
	struct order *o = arg;

	if (strcmp(e->name, "CLAIM") == 0)
		o->held = e->seq;
	if (strcmp(e->name, "ARM") == 0)
		o->armed = e->seq;
}

/* First and last event while the attempt was only claimed. */
static struct order
claimed_of(struct world *w, int64_t id)
{
	struct order o = {.job = id};

	OK(journal_read_events(w->j, id, watch_order, &o, &w->err));
	return o;
}

static void
after_two_deaths_a_job_is_claimed_alone(void **state)
{
	struct world *w = *state;

	opened(w);
	int64_t id = JOB(w, .campaign = "spring");

	world_was_killed(world_child(w, world_claim_and_die));
	world_was_killed(world_child(w, world_claim_and_die));
	int64_t others[4];

	for (int i = 0; i < 4; i++)
		others[i] = JOB(w, .campaign = i < 2 ? "spring" : "autumn");
	w->fake.scripts[0] = calls;
	w->o.prepare = true;
	world_drain(w);
	struct order suspect = claimed_of(w, id);

	assert_true(suspect.armed > suspect.held);
	for (int i = 0; i < 4; i++) {
		struct order o = claimed_of(w, others[i]);

		/* never both in hand with nothing sent */
		if (o.held < suspect.armed && o.armed > suspect.held)
			fail_msg("job %lld was claimed beside it",
			    (long long)others[i]);
		JOB_IS(w, others[i], JOB_DONE, JOB_OUTCOME_COMPLETED);
	}
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

/* --- many at once --- */

static struct env_ops ops;
static const struct env_ops *real_ops;

/* Nothing that happens only because a quarter of a second went by. */
static void
no_tick(struct env *env, struct env_timer *t, int64_t delay_us)
{
	if (delay_us != 250000)
		real_ops->timer_start(env, t, delay_us);
}

static void
a_claim_that_took_all_it_may_is_followed_by_another_at_once(void **state)
{
	/* Long enough for 250 of them to begin on a machine that is busy. */
	static const struct fake_step longer[] = {AT(100, FAKE_PLACED),
	    AT(900 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
	struct world *w = *state;
	char phone[24];

	w->limits = "max_call: 30m, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	opened(w);
	w->fake.scripts[0] = longer;
	w->o.concurrency = 250;
	for (int i = 0; i < 250; i++) {
		(void)snprintf(phone, sizeof(phone), "+1512555%04d", i);
		(void)JOB(w, .phone = phone);
	}
	real_ops = w->env->ops;
	ops = *real_ops;
	ops.timer_start = no_tick;
	w->env->ops = &ops;
	world_drain(w);
	assert_int_equal(w->fake.most_live, 250);
}

/* --- attempts are numbered in a byte --- */

static void
a_job_that_had_all_its_attempts_fails_though_its_ladder_goes_on(void **state)
{
	static const struct fake_step busy[] = {AT(10, FAKE_PLACED),
	    AT(20, FAKE_OVER, .outcome = JOB_OUTCOME_BUSY), {0}};
	struct world *w = *state;

	w->retry = "max_attempts: 20, "
		   "busy: {after: 1s, factor: 1, max: 1s, jitter: none}";
	opened(w);
	w->fake.scripts[0] = busy;
	w->o.wait_ms = HOUR;
	int64_t id = JOB(w, .id = "a");
	struct run_decide_ask ask = {.env = w->env,
	    .conf = w->conf,
	    .journal = w->j,
	    .verb = RUN_DECIDE_RETRY,
	    .by = "ann",
	    .reason = "again"};
	struct run_decision d = {.job = id};

	for (int n = 0; world_job(w, id).attempts < JOURNAL_ATTEMPTS_MAX; n++) {
		assert_true(n < 13);
		if (n > 0)
			OK(run_decide(&ask, &d, 1, &w->err));
		world_drain(w);
	}
	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_BUSY);
	assert_int_equal(world_job(w, id).tries, 15);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_EXHAUSTED);
	assert_int_equal(w->p.failed, 1);
	assert_int_equal(w->fake.dials, JOURNAL_ATTEMPTS_MAX);
	OK(run_decide(&ask, &d, 1, &w->err));
	assert_int_equal(d.result, RUN_DECIDE_REFUSED);
	assert_non_null(strstr(d.text, "as many attempts"));
}

/* --- what keeps a run from claiming --- */

static int64_t free_bytes;

static enum err_code
little_space(
    struct env *env, const char *path, struct env_space *out, struct err *err)
{
	(void)env;
	(void)path;
	(void)err;
	*out = (struct env_space){.free_bytes = free_bytes};
	return ERR_NONE;
}

static void
fill_disk(struct world *w)
{
	ops = *w->env->ops;
	ops.space = little_space;
	w->env->ops = &ops;
	free_bytes = 1 << 20;
}

static void
nothing_is_claimed_while_the_disk_is_nearly_full(void **state)
{
	struct world *w = *state;

	opened(w);
	int64_t id = JOB(w, .id = "a");

	fill_disk(w);
	world_begin(w);
	world_finish(w);
	assert_int_equal(w->code, ERR_SPACE);
	assert_non_null(strstr(w->err.text, "disk.min_free is 256 MB"));
	assert_string_equal(w->p.waits, "the disk is nearly full");
	JOB_IS(w, id, JOB_READY, JOB_OUTCOME_NONE);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	/* With nobody to call there is nothing to complain of. */
	free_bytes = INT64_C(1) << 40;
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	fill_disk(w);
	world_drain(w);
}

static void
a_worker_goes_on_once_the_disk_has_room_again(void **state)
{
	struct world *w = *state;

	opened(w);
	int64_t id = JOB(w, .id = "a");

	fill_disk(w);
	w->o.mode = RUN_WORKER;
	world_begin(w);
	world_for(w, 300);
	JOB_IS(w, id, JOB_READY, JOB_OUTCOME_NONE);
	free_bytes = INT64_C(1) << 40;
	world_for(w, 800);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	run_stop(w->run, false);
	world_finish(w);
	assert_null(w->p.waits);
}

static void
nothing_is_claimed_or_expired_by_a_clock_that_jumped(void **state)
{
	struct world *w = *state;

	opened(w);
	int64_t ready = JOB(w, .id = "a");
	int64_t over = JOB(w, .expires_ms = WORLD_START_MS + 3 * HOUR);

	w->env->wall_offset_ms = 24 * HOUR;
	world_drain(w);
	assert_string_equal(w->p.waits, "the clock");
	JOB_IS(w, ready, JOB_READY, JOB_OUTCOME_NONE);
	JOB_IS(w, over, JOB_READY, JOB_OUTCOME_NONE);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	assert_int_equal(w->p.claimed, 0);
}

static enum err_code
accept_clock(struct world *w, struct journal *j, struct err *err)
{
	(void)w;
	return journal_clock_accept(j, "ana", "looked at my watch", err);
}

static void
a_person_who_accepts_the_clock_lets_the_run_go_on(void **state)
{
	struct world *w = *state;

	opened(w);
	int64_t id = JOB(w, .id = "a");

	w->env->wall_offset_ms = 24 * HOUR;
	world_now(w, accept_clock);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static void
count_work(void *arg, const char *name)
{
	struct world *w = arg;

	w->number += strcmp(name, "run.claim.ready") == 0;
	w->groups += strcmp(name, "journal.group.begun") == 0;
}

/* A tick of cron with nothing to do: an owner comes and goes. */
static void
an_empty_queue_begins_no_claim(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(200, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
	struct world *w = *state;

	world_open(w);
	w->fake.scripts[0] = script;
	crash_hook(count_work, w);
	world_drain(w);
	assert_int_equal(w->number, 0);
	assert_int_equal(w->groups, 2);
	int64_t id = JOB(w);

	world_drain(w);
	crash_hook(NULL, NULL);
	assert_true(w->number > 0);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(no_more_calls_are_live_than_the_run_may),
	    T(the_limit_is_the_configurations_when_the_run_has_none),
	    T(a_campaign_has_a_limit_of_its_own),
	    T(a_kind_has_a_limit_of_its_own),
	    T(a_number_is_called_once_at_a_time),
	    T(an_organisation_is_called_once_at_a_time),
	    T(a_parked_attempt_keeps_its_number_and_gives_its_slot_back),
	    T(no_more_is_claimed_than_was_asked_for),
	    T(a_claim_that_took_all_it_may_is_followed_by_another_at_once),
	    T(the_most_urgent_goes_first),
	    T(campaigns_take_turns),
	    T(a_paused_campaign_is_left_out),
	    T(a_pause_between_claim_and_arm_gives_the_job_back),
	    T(a_dial_of_its_number_between_claim_and_arm_puts_the_job_off),
	    T(an_opt_out_between_claim_and_arm_fails_the_job),
	    T(three_deaths_with_a_job_in_hand_park_it),
	    T(after_two_deaths_a_job_is_claimed_alone),
	    T(a_job_that_had_all_its_attempts_fails_though_its_ladder_goes_on),
	    T(nothing_is_claimed_while_the_disk_is_nearly_full),
	    T(a_worker_goes_on_once_the_disk_has_room_again),
	    T(nothing_is_claimed_or_expired_by_a_clock_that_jumped),
	    T(a_person_who_accepts_the_clock_lets_the_run_go_on),
	    T(an_empty_queue_begins_no_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
