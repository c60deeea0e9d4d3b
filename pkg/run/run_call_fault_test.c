#include "journal/journal_fault_test.h"
#include "journal/journal_prune.h"
#include "run/run_check.h"
#include "run/run_decide.h"
#include "run/run_replay.h"
#include "run/run_world_test.h"

/*
 * What commands ask of this package (why, decide, check, replay), while the
 * n-th statement or call of env behind it fails: it says so, decides nothing,
 * and answers as ever when the fault is gone.
 */

static const struct fake_step answered[] = {AT(100, FAKE_PLACED),
    AT(1000, FAKE_ANSWER, .text = "human"),
    AT(4 * HOUR, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP), {0}};
static const struct fake_step completed[] = {AT(100, FAKE_PLACED),
    AT(8000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
static const struct fake_step unsure[] = {
    AT(100, FAKE_UNKNOWN, .text = "timeout"), {0}};
static const struct fake_step refused[] = {
    AT(100, FAKE_NEVER, .text = "bad-number"), {0}};

/* Statements compiled once are kept, so each loop begins with none. */
static void
anew(struct world *w)
{
	char *dir = mem_printf("%s/data", w->dir);
	struct journal_options o = {.env = w->env,
	    .dir = dir,
	    .mode = JOURNAL_MUST_EXIST,
	    .build_ms = 1000};

	journal_close(&w->j);
	OK(journal_open(&o, &w->j, &w->err));
	w->o.journal = w->j;
	mem_free(&dir);
}

/* ask until no fault strikes any more; then it succeeded. */
static void
with_faults(struct world *w, const char *name,
    enum err_code (*ask)(struct world *w), bool files)
{
	/* Files first: what was read of a zone is kept. */
	static const enum fault_kind kinds[] = {
	    FAULT_ENV, FAULT_PREPARE, FAULT_STEP};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		bool hit = kinds[i] != FAULT_ENV || files;

		for (long n = 1; hit; n++) {
			enum err_code code;

			if (kinds[i] == FAULT_PREPARE)
				anew(w);
			memset(&w->err, 0, sizeof(w->err));
			fault_arm(kinds[i], n, EIO, false);
			code = ask(w);
			hit = fault_disarm();
			if (hit && kinds[i] != FAULT_ENV && code == ERR_NONE)
				fail_msg("%s: statement %ld failed, and "
					 "nobody says so",
				    name, n);
			if (hit && code != ERR_NONE && w->err.text[0] == '\0')
				fail_msg("%s: %ld: no text", name, n);
			if (!hit && code != ERR_NONE)
				fail_msg("%s: %s", name, w->err.text);
		}
	}
}

/* --- why --- */

static int64_t asked_job;

static enum err_code
why(struct world *w)
{
	struct run_verdict v[RUN_VERDICTS_MAX];
	size_t count = 0;
	enum err_code code = run_why(&w->o, asked_job, v, &count, &w->err);

	if (code == ERR_NONE)
		assert_true(count > 8);
	return code;
}

static void
why_says_what_failed(void **state)
{
	struct world *w = *state;

	fault_install(w->env);
	w->limits = "max_call: 60s, ring: 10s, per_number_per_day: 2, "
		    "min_gap: 1h";
	world_open(w);
	w->fake.scripts[0] = completed;
	(void)JOB(w, .id = "done", .phone = "+15125550177", .org = "clinic");
	world_drain(w);
	/* its number was called an hour ago, its organisation is free */
	asked_job = JOB(w, .id = "a", .phone = "+15125550177", .org = "clinic");
	with_faults(w, "why", why, false);
}

static const char *
verdict(struct world *w, int64_t job, const char *gate)
{
	static struct run_verdict v[RUN_VERDICTS_MAX];
	size_t count = 0;

	OK(run_why(&w->o, job, v, &count, &w->err));
	for (size_t i = 0; i < count; i++)
		if (strcmp(v[i].gate, gate) == 0)
			return v[i].text;
	return "";
}

static void
why_names_the_attempt_that_is_in_the_way(void **state)
{
	struct world *w = *state;

	fault_install(w->env);
	w->cls = CARRIER_BLIND;
	world_open(w);
	w->fake.scripts[0] = unsure;
	int64_t first =
	    JOB(w, .id = "a", .phone = "+15125550177", .org = "clinic");

	world_drain(w);
	JOB_IS(w, first, JOB_PARKED, JOB_OUTCOME_NONE);
	int64_t second =
	    JOB(w, .id = "b", .phone = "+15125550177", .org = "clinic");

	assert_string_equal(verdict(w, second, "number-free"),
	    "attempt 1 of job #1 has it: PARKED");
	assert_string_equal(verdict(w, second, "org-free"),
	    "attempt 1 of job #1 has it: PARKED");
	/* its own attempt is no obstacle */
	assert_string_equal(
	    verdict(w, first, "number-free"), "no other call has it");
	w->o.concurrency = 7;
	assert_string_equal(verdict(w, second, "slots"), "1 of 7 are in use");
	asked_job = second;
	with_faults(w, "why", why, false);
}

/* A run that had to stop at once with a call of job in hand. */
static void
why_says_what_file_of_a_zone_could_not_be_read(void **state)
{
	struct world *w = *state;

	fault_install(w->env);
	w->windows = "zone: contact, mon-fri: 09:00-17:00";
	world_open(w);
	asked_job = JOB(w, .id = "a");
	with_faults(w, "why", why, true);
}

static int64_t
left_held(struct world *w)
{
	w->limits = "max_call: 4h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	world_open(w);
	w->fake.scripts[0] = answered;
	int64_t id = JOB(w, .id = "a");

	w->o.hard_after_ms = 80;
	world_begin(w);
	world_finish(w);
	w->o.hard_after_ms = 0;
	JOB_IS(w, id, JOB_HELD, JOB_OUTCOME_NONE);
	return id;
}

static void
why_of_a_live_call_asks_for_no_slot(void **state)
{
	struct world *w = *state;
	int64_t id = left_held(w);

	assert_string_equal(
	    verdict(w, id, "number-free"), "no other call has it");
	assert_string_equal(verdict(w, id, "slots"), "");
}

/* --- decide --- */

static struct run_decide_ask ask;
static struct run_decision decision;

static enum err_code
decide(struct world *w)
{
	int64_t job = decision.job;

	ask.env = w->env;
	ask.conf = w->conf;
	ask.journal = w->j;
	ask.by = "ann";
	ask.reason = "because";
	memset(&decision, 0, sizeof(decision));
	decision.job = job;
	return run_decide(&ask, &decision, 1, &w->err);
}

/* The first that is not struck decides; what came before decided nothing. */
static void
decides(struct world *w, enum run_decide_verb verb, int64_t job,
    enum fault_kind kind, enum job_state state)
{
	enum job_state was = world_job(w, job).state;
	int64_t events = world_job(w, job).n;
	bool hit = true;

	ask.verb = verb;
	decision.job = job;
	anew(w);
	for (long n = 1; hit; n++) {
		enum err_code code;

		if (kind == FAULT_PREPARE)
			anew(w);
		memset(&w->err, 0, sizeof(w->err));
		fault_arm(kind, n, EIO, false);
		code = decide(w);
		hit = fault_disarm();
		if (hit && code != ERR_NONE) {
			assert_true(w->err.text[0] != '\0');
			if (world_job(w, job).state == was)
				assert_int_equal(world_job(w, job).n, events);
			else /* what failed was to tell of it */
				break;
		} else if (code != ERR_NONE) {
			fail_msg("%s", w->err.text);
		}
		if (code == ERR_NONE)
			break;
	}
	if (world_job(w, job).state != state)
		fail_msg("%s: %s", job_state_name(world_job(w, job).state),
		    decision.text);
}

static void
decide_all(struct world *w, enum fault_kind kind)
{
	static const enum run_decide_verb verbs[] = {
	    RUN_DECIDE_PLACED, RUN_DECIDE_ABSENT, RUN_DECIDE_DROP};
	static const enum job_state states[] = {
	    JOB_DONE, JOB_QUEUED, JOB_CANCELLED};
	int64_t parked[3];
	int64_t id;

	fault_install(w->env);
	w->cls = CARRIER_BLIND;
	world_open(w);
	w->fake.scripts[0] = unsure;
	for (size_t i = 0; i < ARRAY_LEN(parked); i++)
		parked[i] = JOB(w, .org = NULL);
	world_drain(w);
	for (size_t i = 0; i < ARRAY_LEN(parked); i++)
		decides(w, verbs[i], parked[i], kind, states[i]);
	id = JOB(w, .id = "x");
	decides(w, RUN_DECIDE_CANCEL, id, kind, JOB_CANCELLED);
	decides(w, RUN_DECIDE_RETRY, id, kind, JOB_QUEUED);
	decides(w, RUN_DECIDE_CANCEL, id, kind, JOB_CANCELLED);
	decides(w, RUN_DECIDE_REDIAL, id, kind, JOB_QUEUED);
}

/* What the carrier told of a parked attempt. */
static enum err_code
put_evidence(struct world *w, struct journal *j, struct err *err)
{
	bool added;

	return journal_inbox_put(j, "carrier", "n-1", w->number * 256 + 1,
	    JOURNAL_MSG_EVIDENCE,
	    "{\"call\":\"c-9\",\"ringing\":true,\"placed_ms\":5000,"
	    "\"answered\":true,\"answered_ms\":6000,\"answered_by\":\"human\","
	    "\"ended\":true,\"ended_ms\":7000,\"outcome\":\"completed\","
	    "\"by\":\"callee\"}",
	    &added, err);
}

static void
evidence_under_faults(struct world *w, enum fault_kind kind)
{
	fault_install(w->env);
	w->cls = CARRIER_BLIND;
	world_open(w);
	w->fake.scripts[0] = unsure;
	w->number = JOB(w, .id = "a");
	world_drain(w);
	world_now(w, put_evidence);
	decides(w, RUN_DECIDE_ABSENT, w->number, kind, JOB_DONE);
	JOB_IS(w, w->number, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static void
evidence_is_written_down_once_a_statement_was_interrupted(void **state)
{
	evidence_under_faults(*state, FAULT_STEP);
}

static void
evidence_is_written_down_once_a_statement_was_not_compiled(void **state)
{
	evidence_under_faults(*state, FAULT_PREPARE);
}

static int told;

static void
count_told(void *arg, const struct journal_owner_row *o)
{
	(void)arg;
	(void)o;
	told++;
}

static void
a_cancel_of_a_call_whose_run_is_gone_waits_for_the_next(void **state)
{
	struct world *w = *state;

	fault_install(w->env);
	int64_t id = left_held(w);

	decides(w, RUN_DECIDE_CANCEL, id, FAULT_STEP, JOB_HELD);
	ask.verb = RUN_DECIDE_CANCEL;
	decision.job = id;
	OK(decide(w));
	assert_int_equal(decision.result, RUN_DECIDE_ALREADY);
	assert_false(decision.alive);
	assert_non_null(strstr(decision.text, "hangs up what still lives"));
	told = 0;
	OK(journal_read_owners(w->j, true, count_told, NULL, &w->err));
	assert_true(told > 0);
}

static void
a_cancel_of_what_the_dead_only_claimed_is_for_the_next_run(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .id = "a");

	world_was_killed(world_child(w, world_claim_and_die));
	ask.verb = RUN_DECIDE_CANCEL;
	decision.job = id;
	OK(decide(w));
	assert_int_equal(decision.result, RUN_DECIDE_TOLD);
	assert_non_null(strstr(decision.text, "lets go of it"));
	world_drain(w);
	JOB_IS(w, id, JOB_CANCELLED, JOB_OUTCOME_NONE);
	assert_int_equal(w->fake.dials, 0);
}

static void
a_decision_whose_statement_is_interrupted_is_none(void **state)
{
	decide_all(*state, FAULT_STEP);
}

static void
a_decision_whose_statement_cannot_be_compiled_is_none(void **state)
{
	decide_all(*state, FAULT_PREPARE);
}

/* --- check --- */

static int64_t asked_late_ms;
static uint8_t asked_hash[8][SHA256_BYTES];
static size_t asked_known; /* of these many the log keeps the hash */

/* The network is the fake's calls; each names the event of its INTENT. */
static enum err_code
each_call(void *impl, void (*fn)(void *arg, const struct run_check_call *call),
    void *arg, struct err *err)
{
	struct world *w = impl;

	for (size_t i = 0; i < w->fake.dials; i++) {
		const struct fake_call *c = &w->fake.calls[i];
		int64_t attempt = 0;
		struct run_check_request request = {
		    .at_ms = c->asked_ms + asked_late_ms,
		    .event = c->event_seq,
		    .hash = asked_hash[i]};

		assert_true(i < ARRAY_LEN(asked_hash));
		if (i >= asked_known &&
		    journal_read_event_attempt(w->j, c->event_seq, &attempt,
			asked_hash[i], err) != ERR_NONE)
			return err->code;
		fn(arg, &(struct run_check_call){.id = c->id,
			    .key = c->key,
			    .requests = &request,
			    .request_count = 1,
			    .placed = c->placed_ms > 0,
			    .outcome = c->over ? JOB_OUTCOME_COMPLETED
					       : JOB_OUTCOME_NONE});
	}
	return ERR_NONE;
}

static struct run_check *checked;

static enum err_code
check(struct world *w)
{
	struct run_check_network network = {.each = each_call, .impl = w};
	struct run_check_options o = {.env = w->env,
	    .conf = w->conf,
	    .journal = w->j,
	    .atlas = w->atlas,
	    .network = &network};
	enum err_code code;

	run_check_free(&checked);
	code = run_check(&o, &checked, &w->err);
	if (code != ERR_NONE)
		assert_null(checked);
	return code;
}

static enum err_code
check_passes(struct world *w)
{
	enum err_code code = check(w);

	if (code == ERR_NONE)
		for (int i = 1; i <= RUN_CHECK_INVARIANTS; i++)
			if (run_check_at(checked, i)->ok == JOURNAL_FALSE)
				fail_msg("I%d: %s", i,
				    run_check_at(checked, i)->violation[0]);
	return code;
}

static void
called(struct world *w)
{
	world_open(w);
	w->fake.scripts[0] = completed;
	(void)JOB(w, .id = "a");
	(void)JOB(w, .id = "b");
	world_drain(w);
}

static void
check_says_what_failed(void **state)
{
	struct world *w = *state;

	fault_install(w->env);
	w->windows = "mon-fri: 09:00-17:00";
	called(w);
	with_faults(w, "check", check_passes, true);
	run_check_free(&checked);
}

static enum err_code
all_pushed(struct world *w, struct journal *j, struct err *err)
{
	(void)w;
	return journal_outbox_set(j, 1, JOURNAL_OUTBOX_DONE, 0, NULL, err);
}

static void talked(struct world *w);

/* With recordings, one of which somebody took away, and jobs that were pruned
 * or whose person was erased. */
static void
check_of_all_that_a_journal_leaves_says_what_failed(void **state)
{
	struct world *w = *state;
	struct journal_prune p = {0};
	char *line =
	    mem_printf("rm '%s/data/recordings/2-1.transcript.json'", w->dir);

	fault_install(w->env);
	w->windows = "mon-fri: 09:00-17:00";
	talked(w);
	world_now(w, all_pushed);
	p.before_ms = env_now_ms(w->env);
	(void)JOB(w, .id = "b");
	world_drain(w);
	(void)JOB(w, .id = "c");
	w->fake.scripts[1] = completed;
	world_drain(w);
	OK(check_passes(w));
	asked_known = w->fake.dials;
	OK(journal_prune(w->j, &p, &w->err));
	assert_int_equal(p.jobs, 1);
	journal_prune_fini(&p);
	assert_int_equal(system(line), 0);
	with_faults(w, "check", check_passes, true);
	assert_int_equal(checked->listed_count, 1);
	run_check_free(&checked);
	asked_known = 0;
	mem_free(&line);
}

static void
i12_is(struct world *w, const char *word)
{
	const struct journal_check_item *item;

	OK(check(w));
	item = run_check_at(checked, 12);
	assert_int_equal(item->ok, JOURNAL_FALSE);
	if (strstr(item->violation[0], word) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", item->violation[0], word);
	run_check_free(&checked);
}

static void
a_call_outside_the_hours_of_its_kind_is_named(void **state)
{
	struct world *w = *state;
	struct conf_problem *problems = NULL;
	struct conf_options o = {.cwd = w->dir};
	size_t count = 0;
	char *empty[] = {NULL};
	char cwd[512];

	called(w);
	OK(check_passes(w));
	/* The kind's file is older than the calls, and says otherwise. */
	world_kind(w, "k", w->limits, "sun: 09:00-10:00", w->retry);
	conf_free(&w->conf);
	o.environ_ = empty;
	OK(conf_load(w->env, &o, &w->conf, &problems, &count, &w->err));
	conf_problems_free(&problems, count);
	/* Kinds are named as seen from where dsrun was started. */
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(w->dir), 0);
	i12_is(w, "when the hours of k are closed there");
	assert_int_equal(chdir(cwd), 0);
}

static enum err_code
erase_first(struct world *w, struct journal *j, struct err *err)
{
	(void)w;
	return journal_erase(j, 1, "ann", "asked", err);
}

static void
kind_changed(struct world *w, const char *windows, const char *touched)
{
	struct conf_problem *problems = NULL;
	struct conf_options o = {.cwd = w->dir};
	size_t count = 0;
	char *empty[] = {NULL};
	char *line =
	    mem_printf("touch -d '%s' '%s/jobs/k.yaml'", touched, w->dir);

	world_kind(w, "k", w->limits, windows, w->retry);
	assert_int_equal(system(line), 0);
	conf_free(&w->conf);
	o.environ_ = empty;
	OK(conf_load(w->env, &o, &w->conf, &problems, &count, &w->err));
	conf_problems_free(&problems, count);
	mem_free(&line);
}

/* Hours that nobody can know, or that came later, accuse nobody. */
static void
hours_are_compared_where_they_are_known(void **state)
{
	struct world *w = *state;
	char cwd[512];

	world_open(w);
	w->fake.scripts[0] = completed;
	(void)JOB(w, .id = "a", .phone = "+15125550100");
	(void)JOB(w, .id = "b", .phone = "+19995550100");
	world_drain(w);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(w->dir), 0);
	/* younger than the calls */
	kind_changed(w, "zone: contact, sun: \"09:00-10:00\"", "2030-01-01");
	OK(check_passes(w));
	assert_int_equal(run_check_at(checked, 12)->ok, JOURNAL_TRUE);
	/* older: of the two numbers one is nowhere */
	kind_changed(w, "zone: contact, sun: \"09:00-10:00\"", "2026-01-01");
	OK(check(w));
	assert_int_equal(run_check_at(checked, 12)->violations, 1);
	assert_non_null(
	    strstr(run_check_at(checked, 12)->violation[0], "job #1"));
	/* and of the other one nobody knows the number any more */
	world_now(w, erase_first);
	OK(check_passes(w));
	conf_free(&w->conf);
	w->conf = mem_zalloc(1, sizeof(*w->conf));
	w->conf->dir = mem_printf("%s/data", w->dir);
	OK(check_passes(w));
	run_check_free(&checked);
	assert_int_equal(chdir(cwd), 0);
}

static void
zones_that_cannot_be_read_fail_the_check(void **state)
{
	struct world *w = *state;
	char cwd[512];

	fault_install(w->env);
	called(w);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(w->dir), 0);
	kind_changed(
	    w, "zone: contact, mon-sun: \"00:00-23:59\"", "2026-01-01");
	with_faults(w, "check", check_passes, true);
	run_check_free(&checked);
	assert_int_equal(chdir(cwd), 0);
}

static void
a_request_after_its_permission_ended_is_named(void **state)
{
	struct world *w = *state;

	called(w);
	asked_late_ms = 48 * HOUR;
	i12_is(w, "it was allowed until");
	asked_late_ms = 0;
}

/* --- replay --- */

static struct run_replay replayed;

static enum err_code
replay(struct world *w)
{
	run_replay_fini(&replayed);
	return run_replay(w->env, w->conf, w->j, 257, &replayed, &w->err);
}

static void
talked(struct world *w)
{
	memset(&replayed, 0, sizeof(replayed));
	w->limits = "max_call: 30m, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	w->with_model = true;
	world_open(w);
	w->fake.media = true;
	w->fake.scripts[0] = answered;
	w->fake.words[0] = (struct fake_word){100, "No, not interested."};
	(void)JOB(w, .id = "a");
	world_drain(w);
	JOB_IS(w, 1, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static void
replay_says_what_failed(void **state)
{
	struct world *w = *state;

	fault_install(w->env);
	talked(w);
	with_faults(w, "replay", replay, true);
	assert_true(run_replay_ok(&replayed));
	assert_true(replayed.replayed);
	run_replay_fini(&replayed);
}

static void
alter(struct world *w, const char *command)
{
	char *line =
	    mem_printf("cd '%s/data/recordings' && %s", w->dir, command);

	assert_int_equal(system(line), 0);
	mem_free(&line);
}

static void
replay_tells_what_is_gone_or_altered(void **state)
{
	struct world *w = *state;

	talked(w);
	OK(replay(w));
	assert_true(run_replay_ok(&replayed));
	assert_true(replayed.events > 3);
	for (int i = 0; i < RUN_ARTIFACT_COUNT; i++)
		assert_int_equal(replayed.file[i].state, RUN_REPLAY_SAME);
	/* another byte in the recording, no transcript any more */
	alter(w, "printf x >> 1-1.ul2 && rm 1-1.transcript.json");
	OK(replay(w));
	assert_false(run_replay_ok(&replayed));
	assert_true(replayed.same);
	assert_int_equal(
	    replayed.file[RUN_ARTIFACT_RECORDING].state, RUN_REPLAY_OTHER);
	assert_int_equal(
	    replayed.file[RUN_ARTIFACT_TRANSCRIPT].state, RUN_REPLAY_GONE);
	/* a talk that nobody can read differs */
	alter(w, "printf 'what is this\\n' > 1-1.talk.jsonl");
	OK(replay(w));
	assert_true(replayed.replayed);
	assert_false(replayed.same);
	assert_non_null(replayed.difference);
	alter(w, "rm 1-1.talk.jsonl");
	OK(replay(w));
	assert_false(replayed.replayed);
	assert_string_equal(replayed.why_not, "its talk file is gone");
	run_replay_fini(&replayed);
}

static void
replay_of_another_script_differs_and_of_none_is_not_made(void **state)
{
	struct world *w = *state;
	struct conf_problem *problems = NULL;
	struct conf_options o = {.cwd = w->dir};
	size_t count = 0;
	char *empty[] = {NULL};

	talked(w);
	o.environ_ = empty;
	alter(w, "sed -i 's/Bye\\./Farewell./' ../../jobs/k.yaml");
	conf_free(&w->conf);
	OK(conf_load(w->env, &o, &w->conf, &problems, &count, &w->err));
	OK(replay(w));
	assert_true(replayed.replayed);
	assert_false(run_replay_ok(&replayed));
	alter(w, "rm ../../jobs/k.yaml");
	conf_free(&w->conf);
	OK(conf_load(w->env, &o, &w->conf, &problems, &count, &w->err));
	OK(replay(w));
	assert_string_equal(replayed.why_not, "its kind is no longer in jobs/");
	run_replay_fini(&replayed);
}

static void
a_call_without_a_conversation_has_nothing_to_replay(void **state)
{
	struct world *w = *state;

	world_open(w);
	w->fake.scripts[0] = refused;
	(void)JOB(w, .id = "a");
	world_drain(w);
	memset(&replayed, 0, sizeof(replayed));
	OK(replay(w));
	assert_true(run_replay_ok(&replayed));
	assert_string_equal(replayed.why_not, "no conversation was recorded");
}

#define T(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(why_says_what_failed),
	    T(why_names_the_attempt_that_is_in_the_way),
	    T(a_decision_whose_statement_is_interrupted_is_none),
	    T(a_decision_whose_statement_cannot_be_compiled_is_none),
	    T(check_says_what_failed),
	    T(check_of_all_that_a_journal_leaves_says_what_failed),
	    T(why_of_a_live_call_asks_for_no_slot),
	    T(evidence_is_written_down_once_a_statement_was_interrupted),
	    T(evidence_is_written_down_once_a_statement_was_not_compiled),
	    T(a_cancel_of_what_the_dead_only_claimed_is_for_the_next_run),
	    T(a_cancel_of_a_call_whose_run_is_gone_waits_for_the_next),
	    T(a_call_outside_the_hours_of_its_kind_is_named),
	    T(hours_are_compared_where_they_are_known),
	    T(zones_that_cannot_be_read_fail_the_check),
	    T(why_says_what_file_of_a_zone_could_not_be_read),
	    T(a_request_after_its_permission_ended_is_named),
	    T(replay_says_what_failed),
	    T(replay_tells_what_is_gone_or_altered),
	    T(replay_of_another_script_differs_and_of_none_is_not_made),
	    T(a_call_without_a_conversation_has_nothing_to_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
