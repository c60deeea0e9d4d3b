#include "run/run_world_test.h"

#include "run/run_priv.h"

/*
 * May this job be dialled now?  Every gate, its words, their order, and until
 * when a request may leave.
 */

struct asked {
	struct journal_tx tx;
	struct world *w;
	int64_t job;
	struct journal_live live;
	struct run_gate gate;
};

static enum err_code
ask_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct asked *a = CONTAINER_OF(tx, struct asked, tx);
	struct journal_job job;
	struct journal_person person;
	enum err_code code = journal_job_get(j, a->job, &job, err);

	a->gate = (struct run_gate){0};
	if (code == ERR_NONE)
		code = journal_person_get(j, a->job, &person, err);
	if (code != ERR_NONE)
		return code;
	code =
	    run_gate_ask(&a->w->o, j, &job, &person, &a->live, &a->gate, err);
	journal_person_free(&person);
	return code;
}

/* As a claim asks: the first that does not say ok decides. */
static struct run_gate
ask_among(struct world *w, int64_t job, int64_t live_of_kind)
{
	struct asked a = {.tx = {.run = ask_run, .cls = JOURNAL_CLAIM},
	    .w = w,
	    .job = job,
	    .live = {.kind = live_of_kind}};

	OK(journal_now(w->j, &a.tx, &w->err));
	return a.gate;
}

static struct run_gate
ask(struct world *w, int64_t job)
{
	return ask_among(w, job, 0);
}

static void
gate_is(struct world *w, int64_t job, enum run_gate_result result,
    enum job_reason reason)
{
	struct run_gate g = ask(w, job);

	assert_int_equal(g.result, result);
	assert_string_equal(job_reason_word(g.reason), job_reason_word(reason));
}

/* As `why` asks: all of them. */
static struct run_verdict verdicts[RUN_VERDICTS_MAX];

static const struct run_verdict *
verdict(struct world *w, int64_t job, const char *gate)
{
	size_t count = 0;

	OK(run_why(&w->o, job, verdicts, &count, &w->err));
	for (size_t i = 0; i < count; i++)
		if (strcmp(verdicts[i].gate, gate) == 0)
			return &verdicts[i];
	fail_msg("no verdict of the gate %s", gate);
	return verdicts;
}

static void
says(struct world *w, int64_t job, const char *gate, const char *result,
    const char *text)
{
	const struct run_verdict *v = verdict(w, job, gate);

	assert_string_equal(v->result, result);
	if (strstr(v->text, text) == NULL)
		fail_msg("%s says \"%s\", not \"%s\"", gate, v->text, text);
}

/* --- transactions --- */

static enum err_code
pause_all(struct world *w, struct journal *j, struct err *err)
{
	bool changed;

	(void)w;
	return journal_pause(j, NULL, "ana", "because", &changed, err);
}

static enum err_code
pause_autumn(struct world *w, struct journal *j, struct err *err)
{
	bool changed;

	(void)w;
	return journal_pause(j, "autumn", "ana", "because", &changed, err);
}

static enum err_code
list_one(struct world *w, struct journal *j, struct err *err)
{
	bool added;

	return journal_dnc_put(j, w->number, 1, "ana", "", &added, err);
}

static enum err_code
opt_one_out(struct world *w, struct journal *j, struct err *err)
{
	bool added;

	return journal_dnc_put(j, w->number, 2, "callee", "", &added, err);
}

static enum err_code
dial_it(struct world *w, struct journal *j, struct err *err)
{
	return journal_dial_put(
	    j, 15125550100, journal_group_ms(j), 256 + (++w->jobs), err);
}

/* --- the gates --- */

static void
nothing_in_the_way_is_ok_for_ten_minutes(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .id = "a");
	int64_t before_ms = env_now_ms(w->env);
	struct run_gate g = ask(w, id);

	assert_int_equal(g.result, RUN_GATE_OK);
	assert_string_equal(g.kind->name, "k");
	assert_ptr_equal(g.carrier, &w->fake.carrier);
	assert_true(g.dial_until_ms >= before_ms + 10 * MINUTE);
	assert_true(g.dial_until_ms <= env_now_ms(w->env) + 10 * MINUTE);
}

static void
gates_are_asked_in_one_order(void **state)
{
	static const char *const order[] = {"pause", "kind", "carrier",
	    "number", "do-not-call", "opt-out", "window", "cap", "gap",
	    "number-free", "slots", "slots-campaign", "slots-kind"};
	struct world *w = *state;
	size_t count = 0;

	w->limits = "per_number_per_day: 3, min_gap: 15m";
	world_open(w);
	int64_t id = JOB(w, .id = "a");

	OK(run_why(&w->o, id, verdicts, &count, &w->err));
	assert_int_equal(count, ARRAY_LEN(order));
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(verdicts[i].gate, order[i]);
		assert_string_equal(verdicts[i].result, "ok");
		assert_true(verdicts[i].text[0] != '\0');
	}
}

static void
a_pause_waits_and_changes_nothing(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .campaign = "spring");
	int64_t other = JOB(w, .campaign = "autumn");

	world_now(w, pause_autumn);
	gate_is(w, id, RUN_GATE_OK, JOB_REASON_NONE);
	gate_is(w, other, RUN_GATE_WAIT, JOB_REASON_NONE);
	says(w, other, "pause", "wait", "paused");
	world_now(w, pause_all);
	gate_is(w, id, RUN_GATE_WAIT, JOB_REASON_NONE);
}

static void
an_unknown_kind_is_looked_for_again(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .kind = "nobody-wrote-it");
	int64_t now_ms = env_now_ms(w->env);
	struct run_gate g = ask(w, id);

	assert_int_equal(g.result, RUN_GATE_LATER);
	assert_int_equal(g.reason, JOB_REASON_KIND);
	assert_true(g.not_before_ms >= now_ms + 5 * MINUTE);
	assert_null(g.kind);
	says(w, id, "kind", "later", "jobs/nobody-wrote-it.yaml");
}

static void
an_unknown_carrier_is_looked_for_again(void **state)
{
	struct world *w = *state;

	world_open(w);
	w->carriers[0].name = "another";
	int64_t id = JOB(w, .id = "a");

	gate_is(w, id, RUN_GATE_LATER, JOB_REASON_CARRIER);
	says(w, id, "carrier", "later", "sim is not set up here");
}

static void
what_is_no_number_is_never_dialled(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .phone = "+123");

	gate_is(w, id, RUN_GATE_NEVER, JOB_REASON_REFUSED);
	says(w, id, "number", "never", "not a telephone number");
}

static void
a_listed_number_is_never_dialled(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .phone = "+15125550100");
	int64_t opted = JOB(w, .phone = "+15125550101");

	w->number = 15125550100;
	world_now(w, list_one);
	w->number = 15125550101;
	world_now(w, opt_one_out);
	gate_is(w, id, RUN_GATE_NEVER, JOB_REASON_DNC);
	gate_is(w, opted, RUN_GATE_NEVER, JOB_REASON_OPT_OUT);
	says(w, id, "do-not-call", "never", "do-not-call list");
	says(w, opted, "do-not-call", "ok", "not listed");
	says(w, opted, "opt-out", "never", "asked not to be called");
}

/* --- hours --- */

/* World's clock begins on a Tuesday at 17:00 UTC: 12:00 in New York, 11:00 in
 * Chicago. */
static void
hours_are_those_of_the_contacts_zone(void **state)
{
	struct world *w = *state;

	w->windows = "zone: contact, mon-sun: \"11:30-13:00\"";
	world_open(w);
	int64_t chicago =
	    JOB(w, .contact = "{\"timezone\":\"America/Chicago\"}");
	int64_t york = JOB(w, .contact = "{\"timezone\":\"America/New_York\"}");
	struct run_gate g = ask(w, chicago);

	assert_int_equal(g.result, RUN_GATE_LATER);
	assert_int_equal(g.reason, JOB_REASON_WINDOW);
	assert_int_equal(g.not_before_ms, WORLD_START_MS + 30 * MINUTE);
	gate_is(w, york, RUN_GATE_OK, JOB_REASON_NONE);
	says(w, chicago, "window", "later", "opens at 2027-01-05T17:30");
	says(w, york, "window", "ok", "open until 2027-01-05T18:00");
	assert_true(
	    strstr(verdict(w, york, "window")->data, "2027-01-01") != NULL);
}

static void
without_a_zone_the_number_tells_it(void **state)
{
	struct world *w = *state;

	w->windows = "zone: contact, mon-sun: \"11:30-13:00\"";
	world_open(w);
	int64_t chicago = JOB(w, .phone = "+15125550100");
	int64_t york = JOB(w, .phone = "+12125550100");
	/* in either: both must be open */
	int64_t both = JOB(w, .phone = "+18505550100");

	gate_is(w, chicago, RUN_GATE_LATER, JOB_REASON_WINDOW);
	gate_is(w, york, RUN_GATE_OK, JOB_REASON_NONE);
	gate_is(w, both, RUN_GATE_LATER, JOB_REASON_WINDOW);
	assert_int_equal(
	    ask(w, both).not_before_ms, WORLD_START_MS + 30 * MINUTE);
}

static void
hours_in_a_named_zone_hold_for_everybody(void **state)
{
	struct world *w = *state;

	w->windows = "zone: Etc/UTC, mon-fri: \"16:00-18:00\"";
	world_open(w);
	int64_t id = JOB(w, .phone = "+15125550100");

	gate_is(w, id, RUN_GATE_OK, JOB_REASON_NONE);
	w->env->origin_ms += 2 * HOUR;
	gate_is(w, id, RUN_GATE_LATER, JOB_REASON_WINDOW);
	assert_int_equal(ask(w, id).not_before_ms, WORLD_START_MS + 23 * HOUR);
}

static void
a_callee_without_a_zone_is_not_dialled(void **state)
{
	struct world *w = *state;

	w->windows = "zone: contact, mon-sun: \"00:00-23:59\"";
	world_open(w);
	int64_t nowhere = JOB(w, .phone = "+19995550100");
	int64_t wrong = JOB(w, .contact = "{\"timezone\":\"Mars/Olympus\"}");
	/* What is no zone, or no text, or no JSON is none. */
	static const char *const contacts[] = {
	    "{\"note\":\"has no \\\"timezone\\\"\"}",
	    "{\"note\":{\"timezone\":\"America/Chicago\"}}", "{\"timezone\":7}",
	    "{\"timezone\""};
	struct run_gate g = ask(w, nowhere);

	for (size_t i = 0; i < ARRAY_LEN(contacts); i++)
		gate_is(w,
		    JOB(w, .phone = "+19995550100", .contact = contacts[i]),
		    RUN_GATE_LATER, JOB_REASON_ZONE);
	assert_int_equal(g.result, RUN_GATE_LATER);
	assert_int_equal(g.reason, JOB_REASON_ZONE);
	assert_true(g.not_before_ms >= WORLD_START_MS + 24 * HOUR);
	gate_is(w, wrong, RUN_GATE_LATER, JOB_REASON_ZONE);
	says(w, wrong, "window", "later", "Mars/Olympus");
}

static void
hours_that_never_come_fail_the_job(void **state)
{
	struct world *w = *state;

	/* The number may lie in two zones, whose half hours never meet. */
	w->windows = "zone: contact, mon-fri: \"08:00-08:30\"";
	world_open(w);
	int64_t id = JOB(w, .phone = "+18505550100");

	gate_is(w, id, RUN_GATE_NEVER, JOB_REASON_NEVER_OPEN);
	says(w, id, "window", "never", "no calling hours");
	world_drain(w);
	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_NONE);
	assert_int_equal(w->p.failed, 1);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 1);
}

static void
a_request_may_leave_until_the_hours_end(void **state)
{
	struct world *w = *state;

	w->windows = "zone: Etc/UTC, mon-fri: \"16:00-17:05\"";
	world_open(w);
	int64_t id = JOB(w, .id = "a");

	assert_int_equal(ask(w, id).dial_until_ms, WORLD_START_MS + 5 * MINUTE);
}

static void
a_request_may_leave_until_the_job_expires(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .expires_ms = WORLD_START_MS + 3 * MINUTE);

	assert_int_equal(ask(w, id).dial_until_ms, WORLD_START_MS + 3 * MINUTE);
}

static enum err_code
wake(struct world *w, struct journal *j, struct err *err)
{
	int64_t woken = 0;

	(void)w;
	return journal_wake(j, INT64_MAX, &woken, err);
}

/* It was found due by a clock that was then set right. */
static void
a_job_waits_for_its_time_again_when_the_clock_is_set_back(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .not_before_ms = WORLD_START_MS + HOUR);

	w->env->origin_ms += 2 * HOUR;
	world_now(w, wake);
	JOB_IS(w, id, JOB_READY, JOB_OUTCOME_NONE);
	gate_is(w, id, RUN_GATE_OK, JOB_REASON_NONE);
	w->env->origin_ms -= 2 * HOUR;
	gate_is(w, id, RUN_GATE_LATER, JOB_REASON_NOT_BEFORE);
	assert_int_equal(ask(w, id).not_before_ms, WORLD_START_MS + HOUR);
	says(w, id, "not-before", "later", "its time has not come");
}

static void
a_closed_window_moves_the_job_to_its_opening(void **state)
{
	struct world *w = *state;

	w->windows = "zone: Etc/UTC, mon-fri: \"18:00-19:00\"";
	world_open(w);
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	assert_string_equal(world_story(w, id), "ADMIT LATER");
	JOB_IS(w, id, JOB_QUEUED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).not_before_ms, WORLD_START_MS + HOUR);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_WINDOW);
}

static int64_t
reopened(struct world *w)
{
	int64_t count = -1;

	OK(run_reopen(&w->o, &count, &w->err));
	return count;
}

/* Somebody has changed the kind's file. */
static void
opens_at(struct world *w, int hour, int minute)
{
	for (int day = 0; day < 5; day++)
		w->conf->kinds[0].windows.day[day].spans[0].start =
		    60 * hour + minute;
}

static void
hours_that_were_opened_hold_for_those_that_wait(void **state)
{
	struct world *w = *state;

	w->windows = "zone: Etc/UTC, mon-fri: \"18:00-19:00\"";
	world_open(w);
	assert_int_equal(reopened(w), 0);
	int64_t a = JOB(w, .id = "a");
	int64_t b = JOB(w, .id = "b", .phone = "+15125550101");
	int64_t own = JOB(w, .id = "c", .phone = "+15125550102",
	    .not_before_ms = WORLD_START_MS + 3 * HOUR);

	world_drain(w);
	assert_int_equal(reopened(w), 0);
	opens_at(w, 18, 30);
	assert_int_equal(reopened(w), 0);
	opens_at(w, 17, 30);
	assert_int_equal(reopened(w), 2);
	assert_int_equal(reopened(w), 0);
	world_drain(w);
	assert_string_equal(world_story(w, b), "ADMIT LATER LATER DUE LATER");
	assert_int_equal(
	    world_job(w, b).not_before_ms, WORLD_START_MS + 30 * MINUTE);
	opens_at(w, 16, 0);
	assert_int_equal(reopened(w), 2);
	assert_string_equal(
	    world_story(w, a), "ADMIT LATER LATER DUE LATER LATER");
	/* What waits for its own time is left to it. */
	assert_int_equal(
	    world_job(w, own).not_before_ms, WORLD_START_MS + 3 * HOUR);
}

static void
each_kind_that_waits_is_asked_about(void **state)
{
	struct world *w = *state;
	char *jobs = mem_printf("%s/jobs", w->dir);

	w->windows = "zone: Etc/UTC, mon-fri: \"18:00-19:00\"";
	OK(env_make_dirs(w->env, jobs, &w->err));
	mem_free(&jobs);
	world_kind(w, "m", w->limits, w->windows, w->retry);
	world_open(w);
	(void)JOB(w, .id = "a");
	(void)JOB(w, .id = "b", .phone = "+15125550101", .kind = "m");
	(void)JOB(w, .id = "c", .phone = "+15125550102", .kind = "m");
	world_drain(w);
	assert_int_equal(w->conf->kind_count, 2);
	for (int day = 0; day < 5; day++)
		w->conf->kinds[1].windows.day[day].spans[0].start = 60 * 17;
	assert_int_equal(reopened(w), 2);
	opens_at(w, 17, 0);
	assert_int_equal(reopened(w), 1);
}

/* Seventy of one kind wait for an earlier moment than the one of the other. */
static void
a_kind_behind_many_of_another_is_asked_about(void **state)
{
	struct world *w = *state;
	char *jobs = mem_printf("%s/jobs", w->dir);

	w->windows = "zone: Etc/UTC, mon-fri: \"18:00-19:00\"";
	OK(env_make_dirs(w->env, jobs, &w->err));
	mem_free(&jobs);
	world_kind(w, "m", w->limits, "zone: Etc/UTC, mon-fri: \"20:00-21:00\"",
	    w->retry);
	world_open(w);
	for (int i = 0; i < 70; i++)
		(void)JOB(w);
	int64_t id = JOB(w, .id = "behind", .kind = "m");

	world_drain(w);
	assert_int_equal(
	    world_job(w, id).not_before_ms, WORLD_START_MS + 3 * HOUR);
	for (int day = 0; day < 5; day++)
		w->conf->kinds[1].windows.day[day].spans[0].start = 60 * 17;
	assert_int_equal(reopened(w), 1);
	assert_true(world_job(w, id).not_before_ms <= env_now_ms(w->env));
}

/* Whoever shuts its hours for good meant those jobs, too. */
static void
hours_that_are_shut_since_move_nobody(void **state)
{
	struct world *w = *state;

	w->windows = "zone: Etc/UTC, mon-fri: \"18:00-19:00\"";
	world_open(w);
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	for (int day = 0; day < 5; day++)
		w->conf->kinds[0].windows.day[day].count = 0;
	gate_is(w, id, RUN_GATE_NEVER, JOB_REASON_NEVER_OPEN);
	assert_int_equal(reopened(w), 0);
	assert_int_equal(world_job(w, id).not_before_ms, WORLD_START_MS + HOUR);
	JOB_IS(w, id, JOB_QUEUED, JOB_OUTCOME_NONE);
}

static void
by_a_clock_that_jumped_no_hours_are_opened(void **state)
{
	struct world *w = *state;

	w->windows = "zone: Etc/UTC, mon-fri: \"18:00-19:00\"";
	world_open(w);
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	opens_at(w, 16, 0);
	w->env->wall_offset_ms = -24 * HOUR;
	world_drain(w);
	assert_string_equal(w->p.waits, "the clock");
	assert_int_equal(reopened(w), 0);
	assert_int_equal(world_job(w, id).not_before_ms, WORLD_START_MS + HOUR);
	w->env->wall_offset_ms = 0;
	world_drain(w);
	assert_int_equal(reopened(w), 1);
}

/* --- caps and slots --- */

static void
a_number_has_a_cap_in_any_24_hours(void **state)
{
	struct world *w = *state;

	w->limits = "per_number_per_day: 2, min_gap: 0s";
	world_open(w);
	int64_t id = JOB(w, .phone = "+15125550100");

	gate_is(w, id, RUN_GATE_OK, JOB_REASON_NONE);
	int64_t first_ms = env_now_ms(w->env);

	world_now(w, dial_it);
	gate_is(w, id, RUN_GATE_OK, JOB_REASON_NONE);
	w->env->origin_ms += HOUR;
	world_now(w, dial_it);
	struct run_gate g = ask(w, id);

	assert_int_equal(g.result, RUN_GATE_LATER);
	assert_int_equal(g.reason, JOB_REASON_CAP);
	assert_true(g.not_before_ms >= first_ms + 24 * HOUR);
	says(w, id, "cap", "later", "2 dials of this number in 24 h");
	/* a day after the second there is room for certain */
	w->env->origin_ms += 24 * HOUR;
	gate_is(w, id, RUN_GATE_OK, JOB_REASON_NONE);
}

static void
two_dials_of_a_number_keep_their_distance(void **state)
{
	struct world *w = *state;

	w->limits = "per_number_per_day: 0, min_gap: 15m";
	world_open(w);
	int64_t id = JOB(w, .phone = "+15125550100");

	world_now(w, dial_it);
	struct run_gate g = ask(w, id);

	assert_int_equal(g.result, RUN_GATE_LATER);
	assert_int_equal(g.reason, JOB_REASON_GAP);
	assert_true(g.not_before_ms >= WORLD_START_MS + 15 * MINUTE);
	assert_true(g.not_before_ms <= env_now_ms(w->env) + 15 * MINUTE);
	says(w, id, "gap", "later", "last dialled");
	w->env->origin_ms += 15 * MINUTE;
	gate_is(w, id, RUN_GATE_OK, JOB_REASON_NONE);
}

static void
a_kind_waits_for_a_slot_of_its_own(void **state)
{
	struct world *w = *state;

	w->limits = "concurrency: 2";
	world_open(w);
	int64_t id = JOB(w, .id = "a");

	assert_int_equal(ask_among(w, id, 1).result, RUN_GATE_OK);
	assert_int_equal(ask_among(w, id, 2).result, RUN_GATE_WAIT);
}

/* --- the first decides, the rest is told --- */

static void
the_first_no_decides_and_why_hears_them_all(void **state)
{
	struct world *w = *state;

	w->windows = "zone: Etc/UTC, mon-fri: \"18:00-19:00\"";
	w->limits = "per_number_per_day: 1, min_gap: 15m";
	world_open(w);
	int64_t id = JOB(w, .phone = "+15125550100");

	w->number = 15125550100;
	world_now(w, dial_it);
	gate_is(w, id, RUN_GATE_LATER, JOB_REASON_WINDOW);
	world_now(w, list_one);
	gate_is(w, id, RUN_GATE_NEVER, JOB_REASON_DNC);
	world_now(w, pause_all);
	gate_is(w, id, RUN_GATE_WAIT, JOB_REASON_NONE);
	says(w, id, "pause", "wait", "paused");
	says(w, id, "do-not-call", "never", "list");
	says(w, id, "window", "later", "opens at");
	says(w, id, "cap", "later", "1 dials");
	says(w, id, "gap", "later", "last dialled");
}

static void
why_changes_nothing(void **state)
{
	struct world *w = *state;

	w->windows = "zone: contact, mon-fri: \"08:00-08:30\"";
	world_open(w);
	int64_t id = JOB(w, .phone = "+18505550100");

	says(w, id, "window", "never", "");
	assert_string_equal(world_story(w, id), "ADMIT");
	JOB_IS(w, id, JOB_READY, JOB_OUTCOME_NONE);
}

static void
why_knows_no_job_that_is_not_there(void **state)
{
	struct world *w = *state;
	size_t count = 0;

	world_open(w);
	assert_int_equal(
	    run_why(&w->o, 77, verdicts, &count, &w->err), ERR_NOT_FOUND);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(nothing_in_the_way_is_ok_for_ten_minutes),
	    T(gates_are_asked_in_one_order),
	    T(a_pause_waits_and_changes_nothing),
	    T(an_unknown_kind_is_looked_for_again),
	    T(an_unknown_carrier_is_looked_for_again),
	    T(what_is_no_number_is_never_dialled),
	    T(a_listed_number_is_never_dialled),
	    T(hours_are_those_of_the_contacts_zone),
	    T(without_a_zone_the_number_tells_it),
	    T(hours_in_a_named_zone_hold_for_everybody),
	    T(a_callee_without_a_zone_is_not_dialled),
	    T(hours_that_never_come_fail_the_job),
	    T(a_request_may_leave_until_the_hours_end),
	    T(a_request_may_leave_until_the_job_expires),
	    T(a_job_waits_for_its_time_again_when_the_clock_is_set_back),
	    T(a_closed_window_moves_the_job_to_its_opening),
	    T(hours_that_were_opened_hold_for_those_that_wait),
	    T(each_kind_that_waits_is_asked_about),
	    T(a_kind_behind_many_of_another_is_asked_about),
	    T(hours_that_are_shut_since_move_nobody),
	    T(by_a_clock_that_jumped_no_hours_are_opened),
	    T(a_number_has_a_cap_in_any_24_hours),
	    T(two_dials_of_a_number_keep_their_distance),
	    T(a_kind_waits_for_a_slot_of_its_own),
	    T(the_first_no_decides_and_why_hears_them_all),
	    T(why_changes_nothing),
	    T(why_knows_no_job_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
