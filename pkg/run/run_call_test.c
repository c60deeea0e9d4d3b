#include "job/job_key.h"
#include "run/run_world_test.h"

/*
 * One attempt from its claim to its end: each order in which evidence may
 * come, and cancels at each moment.
 */

#define PLAIN_END                                                   \
	AT(3000, FAKE_ANSWER, .text = "human"),                     \
	    AT(20000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), \
	{                                                           \
		0                                                   \
	}

/* A call may last until the inbox is looked into, each 250 ms (real). */
#define LONG_CALLS "max_call: 4h, ring: 10s, per_number_per_day: 0, min_gap: 0s"

static const struct fake_step plain[] = {
    AT(100, FAKE_PLACED), AT(1000, FAKE_RING), PLAIN_END};

struct finding {
	const char *name;
	int64_t seq;
};

static void
find(void *arg, const struct journal_event *e)
{
	struct finding *f = arg;

	if (strcmp(e->name, f->name) == 0)
		f->seq = e->seq;
}

/* The seq of the job's last event of that name. */
static int64_t
event_of(struct world *w, int64_t job, const char *name)
{
	struct finding f = {.name = name};

	OK(journal_read_events(w->j, job, find, &f, &w->err));
	assert_true(f.seq > 0);
	return f.seq;
}

static int64_t
drained(struct world *w, const struct fake_step *script)
{
	world_open(w);
	w->fake.scripts[0] = script;
	int64_t id = JOB(w, .org = "clinic");

	world_drain(w);
	return id;
}

/* --- a plain life --- */

static void
a_plain_life_is_five_durable_steps_after_the_claim(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, plain);
	struct journal_attempt a = world_attempt(w, id, 1);
	struct journal_job job = world_job(w, id);

	assert_string_equal(
	    world_story(w, id), "ADMIT ARM PLACE RING ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(job.tries, 1);
	assert_int_equal(job.attempts, 1);
	assert_int_equal(job.revision, 1);
	assert_int_equal(job.reason, JOB_REASON_NONE);
	assert_int_equal(a.state, ATTEMPT_ENDED);
	assert_int_equal(a.outcome, JOB_OUTCOME_COMPLETED);
	assert_int_equal(a.owner, 0);
	assert_int_equal(a.number, 0);
	assert_int_equal(a.org, 0);
	assert_true(a.armed_ms >= WORLD_START_MS);
	int64_t asked_ms = fake_nth(&w->fake, "dial", 0)->at_ms;

	assert_true(asked_ms >= a.armed_ms);
	assert_true(a.placed_ms >= asked_ms + 100);
	assert_true(a.answered_ms >= asked_ms + 3000);
	assert_true(a.ended_ms >= asked_ms + 20000);
	assert_int_equal(w->p.claimed, 1);
	assert_int_equal(w->p.finished, 1);
	assert_int_equal(w->p.outcomes[JOB_OUTCOME_COMPLETED], 1);
	assert_int_equal(w->p.pushed, 1);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 1);
	assert_int_equal(
	    world_found(w, "out/results.jsonl", "\"completed\""), 1);
	assert_string_equal(w->attention, "");
}

static void
the_request_names_the_event_that_allows_it(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, plain);
	struct journal_attempt a = world_attempt(w, id, 1);
	const struct fake_did *dial = fake_nth(&w->fake, "dial", 0);
	char key[FAKE_KEY];

	(void)text_hex(a.key, SHA256_BYTES, key);
	assert_string_equal(dial->key, key);
	assert_string_equal(dial->what, "+15125550100");
	assert_int_equal(dial->event_seq, event_of(w, id, "ARM"));
	assert_int_equal(dial->until_ms, a.armed_ms + 10 * MINUTE);
	assert_int_equal(a.dial_until_ms, dial->until_ms);
	assert_string_equal(a.carrier_call, w->fake.calls[0].id);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
	assert_int_equal(fake_count(&w->fake, "hangup"), 0);
}

static void
a_key_is_made_of_the_journal_or_a_prefix_and_the_identity(void **state)
{
	struct world *w = *state;
	uint8_t want[SHA256_BYTES];

	w->box = "key_prefix: box-7\n";
	int64_t id = drained(w, plain);

	job_key_attempt("box-7", 5, "file", "job-0", 1, want);
	assert_memory_equal(world_attempt(w, id, 1).key, want, SHA256_BYTES);
}

static void
without_a_prefix_the_journal_begins_the_key(void **state)
{
	struct world *w = *state;
	uint8_t want[SHA256_BYTES];
	int64_t id = drained(w, plain);

	job_key_attempt(
	    journal_id(w->j), ENV_ID_BYTES, "file", "job-0", 1, want);
	assert_memory_equal(world_attempt(w, id, 1).key, want, SHA256_BYTES);
}

static void
claim_and_arm_can_be_two_transactions(void **state)
{
	struct world *w = *state;

	w->prepare = true;
	int64_t id = drained(w, plain);

	assert_string_equal(
	    world_story(w, id), "ADMIT CLAIM ARM PLACE RING ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(world_job(w, id).tries, 1);
	assert_int_equal(
	    fake_nth(&w->fake, "dial", 0)->event_seq, event_of(w, id, "ARM"));
}

/* --- orders of evidence --- */

static void
a_callback_may_overtake_the_answer(void **state)
{
	static const struct fake_step script[] = {
	    AT(50, FAKE_ANSWER, .told = true), AT(2000, FAKE_PLACED),
	    AT(300 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP), {0}};
	struct world *w = *state;

	w->limits = LONG_CALLS;
	int64_t id = drained(w, script);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_HANGUP);
	assert_true(a.answered_ms >= a.armed_ms + 50);
	assert_int_equal(fake_count(&w->fake, "taken"), 1);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
}

static void
a_callback_of_the_end_may_overtake_the_answer(void **state)
{
	static const struct fake_step script[] = {
	    AT(50, FAKE_OVER, .outcome = JOB_OUTCOME_BUSY, .told = true),
	    AT(60 * SECOND, FAKE_PLACED), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_BUSY);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ENDED);
	assert_true(world_attempt(w, id, 1).placed_ms > 0);
	/* nobody waits for the answer any more */
	assert_int_equal(fake_count(&w->fake, "abandon"), 1);
}

static void
a_call_may_be_over_before_its_request_is_answered(void **state)
{
	static const struct fake_step script[] = {AT(10, FAKE_LIVE),
	    AT(20, FAKE_RING), AT(30, FAKE_OVER, .outcome = JOB_OUTCOME_BUSY),
	    AT(60 * SECOND, FAKE_PLACED), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE RING END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_BUSY);
	assert_int_equal(fake_count(&w->fake, "abandon"), 1);
}

static void
an_answer_that_contradicts_a_live_call_is_not_believed(void **state)
{
	static const struct fake_step script[] = {AT(10, FAKE_RING),
	    AT(5000, FAKE_NEVER, .text = "bad-number"),
	    AT(9000, FAKE_OVER, .outcome = JOB_OUTCOME_NO_ANSWER), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE RING END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_NO_ANSWER);
}

static void
evidence_that_comes_faster_than_the_disk_is_not_lost(void **state)
{
	static const struct fake_step script[] = {AT(1, FAKE_PLACED),
	    AT(1, FAKE_RING), AT(1, FAKE_ANSWER),
	    AT(1, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	assert_string_equal(
	    world_story(w, id), "ADMIT ARM PLACE RING ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_HANGUP);
}

/* The network tells everything at once, as of a call that is over at once. */
static const struct fake_step instant[] = {AT(100, FAKE_PLACED, .with = true),
    AT(100, FAKE_RING, .with = true),
    AT(100, FAKE_ANSWER, .text = "human", .with = true),
    AT(100, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

struct together {
	int64_t at_ms, events, groups;
};

static void
count_groups(void *arg, const struct journal_event *e)
{
	struct together *t = arg;

	t->events++;
	t->groups += e->at_ms != t->at_ms;
	t->at_ms = e->at_ms;
}

static void
what_is_told_together_is_durable_together(void **state)
{
	struct world *w = *state;
	struct together t = {0};
	int64_t id = drained(w, instant);

	assert_string_equal(
	    world_story(w, id), "ADMIT ARM PLACE RING ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	OK(journal_read_events(w->j, id, count_groups, &t, &w->err));
	assert_int_equal(t.events, 6);
	/* the job, its INTENT, and what the network told */
	assert_int_equal(t.groups, 3);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_true(a.placed_ms > 0 && a.answered_ms >= a.placed_ms);
	assert_true(a.ended_ms >= a.answered_ms);
	assert_int_equal(a.owner, 0);
	assert_int_equal(world_job(w, id).revision, 1);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 1);
}

static bool cancel_now(void *arg);

static void
a_cancel_before_all_is_told_together_is_not_forgotten(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = cancel_now),
	    AT(100, FAKE_PLACED, .with = true),
	    AT(100, FAKE_ANSWER, .with = true),
	    AT(100, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE ANSWER END");
	JOB_IS(w, id, JOB_CANCELLED, JOB_OUTCOME_COMPLETED);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ENDED);
}

static void
stages_that_nobody_told_are_left_out(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(9000, FAKE_OVER, .outcome = JOB_OUTCOME_NO_ANSWER), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE END");
	assert_int_equal(world_attempt(w, id, 1).answered_ms, 0);
}

static void
an_end_without_an_outcome_is_interrupted(void **state)
{
	static const struct fake_step script[] = {
	    AT(100, FAKE_PLACED), AT(9000, FAKE_OVER), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
}

static bool
tell_thrice(void *arg)
{
	struct world *w = arg;
	struct fake_call *c = &w->fake.calls[0];
	struct carrier_progress p = {
	    .stage = CARRIER_STAGE_RINGING, .at_ms = env_now_ms(w->env)};

	for (int i = 0; i < 3; i++)
		fake_tell(&w->fake, c, "n-again", &p);
	return true;
}

static void
a_notice_that_comes_again_changes_nothing_and_is_taken(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(1000, FAKE_DO, .act = tell_thrice),
	    AT(300 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_NO_ANSWER), {0}};
	struct world *w = *state;

	w->limits = LONG_CALLS;
	int64_t id = drained(w, script);

	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE RING END");
	assert_int_equal(fake_count(&w->fake, "taken"), 3);
	assert_string_equal(fake_nth(&w->fake, "taken", 2)->what, "n-again");
}

static bool
tell_of_nobody(void *arg)
{
	struct world *w = arg;

	fake_tell_key(&w->fake,
	    "00112233445566778899aabbccddeeff"
	    "00112233445566778899aabbccddeeff",
	    "n-stranger", CARRIER_STAGE_ENDED, JOB_OUTCOME_COMPLETED);
	fake_tell_key(&w->fake, "no key at all", "n-bad", CARRIER_STAGE_ENDED,
	    JOB_OUTCOME_COMPLETED);
	return true;
}

static void
a_notice_of_an_unknown_key_is_taken_and_one_without_a_key_is_not(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = tell_of_nobody), AT(100, FAKE_PLACED),
	    AT(9000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "taken"), 1);
	assert_string_equal(fake_nth(&w->fake, "taken", 0)->what, "n-stranger");
}

/* What another process wrote into the inbox, a moment before the answer. */
static enum err_code
put_evidence(struct world *w, struct journal *j, struct err *err)
{
	bool added = false;
	char *body = mem_printf(
	    "{\"call\":\"c-other\",\"ringing\":true,\"placed_ms\":%lld,"
	    "\"answered\":false,\"answered_ms\":0,\"answered_by\":\"\","
	    "\"ended\":false,\"ended_ms\":0,\"outcome\":\"none\",\"by\":\"\"}",
	    (long long)env_now_ms(w->env));
	enum err_code code = journal_inbox_put(j, "carrier", "n-1", 256 + 1,
	    JOURNAL_MSG_EVIDENCE, body, &added, err);

	mem_free(&body);
	return code;
}

static bool
put_now(void *arg)
{
	world_send(arg, put_evidence);
	return true;
}

static void
evidence_in_the_transaction_of_a_refusal_wins_over_it(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = put_now), AT(11, FAKE_NEVER),
	    AT(9000, FAKE_OVER, .outcome = JOB_OUTCOME_NO_ANSWER), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE RING END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_NO_ANSWER);
	assert_string_equal(world_attempt(w, id, 1).carrier_call, "c-other");
}

/* Words of a carrier that tells no times, and one without any. */
static const char *said;

static enum err_code
put_said(struct world *w, struct journal *j, struct err *err)
{
	bool added = false;
	enum err_code code = journal_inbox_put(j, "carrier", "n-0", 256 + 1,
	    JOURNAL_MSG_EVIDENCE, NULL, &added, err);

	(void)w;
	return code == ERR_NONE
		   ? journal_inbox_put(j, "carrier", "n-1", 256 + 1,
			 JOURNAL_MSG_EVIDENCE, said, &added, err)
		   : code;
}

static bool
say_now(void *arg)
{
	world_send(arg, put_said);
	return true;
}

#define SAID(answered, ended)                                               \
	"{\"call\":\"c-other\",\"ringing\":false,\"placed_ms\":0,"          \
	"\"answered\":" answered ",\"answered_ms\":0,\"answered_by\":\"\"," \
	"\"ended\":" ended ",\"ended_ms\":0,\"outcome\":\"busy\","          \
	"\"by\":\"\"}"

static void
what_nobody_dated_happened_when_it_was_written_down(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = say_now), AT(11, FAKE_NEVER),
	    AT(300 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_NO_ANSWER), {0}};
	struct world *w = *state;

	w->limits = LONG_CALLS;
	said = SAID("true", "false");
	int64_t id = drained(w, script);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE ANSWER END");
	assert_true(a.placed_ms >= a.armed_ms);
	assert_true(a.answered_ms >= a.placed_ms);
	assert_true(a.ended_ms > a.answered_ms);
}

static void
an_end_that_nobody_dated_is_now(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = say_now), AT(11, FAKE_NEVER), {0}};
	struct world *w = *state;

	said = SAID("false", "true");
	int64_t id = drained(w, script);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_string_equal(world_story(w, id), "ADMIT ARM END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_BUSY);
	assert_true(a.placed_ms >= a.armed_ms);
	assert_true(a.ended_ms >= a.placed_ms);
}

static void
say_once_claimed(void *arg, const char *name)
{
	if (strcmp(name, "run.claim.durable") == 0 &&
	    ((struct world *)arg)->number++ == 0)
		world_send(arg, put_said);
}

/* Nobody here asked for it, but the network has the key: that is no second. */
static void
a_call_that_is_there_before_it_was_armed_is_adopted(void **state)
{
	struct world *w = *state;

	w->prepare = true;
	said = SAID("true", "false");
	world_open(w);
	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
	crash_hook(say_once_claimed, w);
	int64_t id = JOB(w, .org = "clinic");

	world_drain(w);
	crash_hook(NULL, NULL);
	assert_string_equal(
	    world_story(w, id), "ADMIT CLAIM ARM PLACE ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

static void
a_message_that_nobody_can_read_ends_the_run_and_nothing_is_lost(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = say_now), AT(11, FAKE_NEVER), {0}};
	struct world *w = *state;

	said = "{\"call\":";
	world_open(w);
	w->fake.scripts[0] = script;
	int64_t id = JOB(w);

	world_begin(w);
	world_finish(w);
	assert_int_equal(w->code, ERR_MALFORMED);
	ATTEMPT_IS(w, id, 1, ATTEMPT_INTENT);
	JOB_IS(w, id, JOB_HELD, JOB_OUTCOME_NONE);
}

/* --- cancels --- */

static enum err_code
put_cancel(struct world *w, struct journal *j, struct err *err)
{
	bool added = false;

	(void)w;
	return journal_inbox_put(j, "ana", "cancel-1", 256 + 1,
	    JOURNAL_MSG_CANCEL, NULL, &added, err);
}

static bool
cancel_now(void *arg)
{
	world_send(arg, put_cancel);
	return true;
}

/* At a crash point: between the claim and the transaction that arms. */
static void
cancel_once_claimed(void *arg, const char *name)
{
	if (strcmp(name, "run.claim.durable") == 0 &&
	    ((struct world *)arg)->number++ == 0)
		world_send(arg, put_cancel);
}

static void
a_cancel_before_the_intent_wins_and_nothing_is_dialled(void **state)
{
	struct world *w = *state;

	w->prepare = true;
	crash_hook(cancel_once_claimed, w);
	int64_t id = drained(w, plain);

	crash_hook(NULL, NULL);
	assert_string_equal(world_story(w, id), "ADMIT CLAIM CANCEL");
	JOB_IS(w, id, JOB_CANCELLED, JOB_OUTCOME_NONE);
	ATTEMPT_IS(w, id, 1, ATTEMPT_CANCELLED);
	assert_int_equal(world_job(w, id).tries, 0);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	assert_int_equal(w->p.cancelled, 1);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 1);
}

static const struct fake_step endless[] = {AT(100, FAKE_PLACED),
    AT(200, FAKE_RING), AT(300, FAKE_DO, .act = cancel_now),
    AT(2 * HOUR, FAKE_OVER, .outcome = JOB_OUTCOME_NO_ANSWER), {0}};

static void
a_cancel_after_the_intent_hangs_up_and_keeps_the_outcome(void **state)
{
	struct world *w = *state;

	w->limits = LONG_CALLS;
	w->with_model = true;
	int64_t id = drained(w, endless);

	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE RING END");
	assert_int_equal(world_job(w, id).state, JOB_CANCELLED);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_CANCELLED);
	assert_int_equal(
	    world_attempt(w, id, 1).outcome, JOB_OUTCOME_COMPLETED);
	assert_int_equal(w->p.cancelled, 1);
}

static void
a_cancel_hangs_up_also_where_the_agent_is_the_carriers(void **state)
{
	struct world *w = *state;

	w->limits = LONG_CALLS;
	world_open(w);
	w->fake.scripts[0] = endless;
	w->fake.terms.agent_is_ours = false;
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
	assert_int_equal(world_job(w, id).state, JOB_CANCELLED);
}

static void
a_cancel_while_the_request_is_out_hangs_up_once_the_call_is_known(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = cancel_now), AT(400 * SECOND, FAKE_PLACED),
	    AT(500 * SECOND, FAKE_RING),
	    AT(2 * HOUR, FAKE_OVER, .outcome = JOB_OUTCOME_NO_ANSWER), {0}};
	struct world *w = *state;

	w->limits = LONG_CALLS;
	w->with_model = true;
	int64_t id = drained(w, script);

	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
	assert_int_equal(world_job(w, id).state, JOB_CANCELLED);
}

/* It is live, and its name comes with the answer to the request. */
static void
a_cancel_of_a_call_without_a_name_yet_hangs_up_once_it_has_one(void **state)
{
	static const struct fake_step script[] = {AT(10, FAKE_LIVE),
	    AT(100 * SECOND, FAKE_DO, .act = cancel_now),
	    AT(400 * SECOND, FAKE_RING), AT(500 * SECOND, FAKE_PLACED),
	    AT(2 * HOUR, FAKE_OVER, .outcome = JOB_OUTCOME_NO_ANSWER), {0}};
	struct world *w = *state;

	w->limits = LONG_CALLS;
	w->with_model = true;
	int64_t id = drained(w, script);

	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
	assert_string_equal(
	    fake_nth(&w->fake, "hangup", 0)->what, w->fake.calls[0].id);
	assert_true(fake_nth(&w->fake, "hangup", 0)->at_ms >=
		    w->fake.calls[0].asked_ms + 500 * SECOND);
	assert_int_equal(world_job(w, id).state, JOB_CANCELLED);
}

static void
a_cancel_of_an_attempt_that_comes_back_unsent_ends_the_job(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = cancel_now), AT(11, FAKE_UNSENT), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	assert_string_equal(world_story(w, id), "ADMIT ARM UNSENT");
	JOB_IS(w, id, JOB_CANCELLED, JOB_OUTCOME_NONE);
	ATTEMPT_IS(w, id, 1, ATTEMPT_NEW);
	assert_int_equal(world_job(w, id).tries, 0);
}

static void
a_cancel_of_an_attempt_that_is_refused_asks_no_ladder(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = cancel_now), AT(11, FAKE_LATER), {0}};
	struct world *w = *state;
	int64_t id = drained(w, script);

	JOB_IS(w, id, JOB_CANCELLED, JOB_OUTCOME_REFUSED);
	ATTEMPT_IS(w, id, 1, ATTEMPT_REFUSED);
}

/* --- time --- */

static void
a_call_that_never_ends_is_given_up_at_its_longest_time(void **state)
{
	static const struct fake_step script[] = {
	    AT(100, FAKE_PLACED), AT(200, FAKE_RING), {0}};
	struct world *w = *state;

	w->with_model = true;
	int64_t id = drained(w, script);
	struct journal_attempt a = world_attempt(w, id, 1);

	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	/* ring and max_call of the kind, and the carrier's settle time */
	assert_true(a.ended_ms >= a.placed_ms + 10000 + 60000 + 2500);
	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_plain_life_is_five_durable_steps_after_the_claim),
	    T(the_request_names_the_event_that_allows_it),
	    T(a_key_is_made_of_the_journal_or_a_prefix_and_the_identity),
	    T(without_a_prefix_the_journal_begins_the_key),
	    T(claim_and_arm_can_be_two_transactions),
	    T(a_callback_may_overtake_the_answer),
	    T(a_callback_of_the_end_may_overtake_the_answer),
	    T(a_call_may_be_over_before_its_request_is_answered),
	    T(an_answer_that_contradicts_a_live_call_is_not_believed),
	    T(evidence_that_comes_faster_than_the_disk_is_not_lost),
	    T(what_is_told_together_is_durable_together),
	    T(a_cancel_before_all_is_told_together_is_not_forgotten),
	    T(stages_that_nobody_told_are_left_out),
	    T(an_end_without_an_outcome_is_interrupted),
	    T(a_notice_that_comes_again_changes_nothing_and_is_taken),
	    T(a_notice_of_an_unknown_key_is_taken_and_one_without_a_key_is_not),
	    T(evidence_in_the_transaction_of_a_refusal_wins_over_it),
	    T(what_nobody_dated_happened_when_it_was_written_down),
	    T(an_end_that_nobody_dated_is_now),
	    T(a_call_that_is_there_before_it_was_armed_is_adopted),
	    T(a_message_that_nobody_can_read_ends_the_run_and_nothing_is_lost),
	    T(a_cancel_before_the_intent_wins_and_nothing_is_dialled),
	    T(a_cancel_after_the_intent_hangs_up_and_keeps_the_outcome),
	    T(a_cancel_hangs_up_also_where_the_agent_is_the_carriers),
	    T(a_cancel_while_the_request_is_out_hangs_up_once_the_call_is_known),
	    T(a_cancel_of_a_call_without_a_name_yet_hangs_up_once_it_has_one),
	    T(a_cancel_of_an_attempt_that_comes_back_unsent_ends_the_job),
	    T(a_cancel_of_an_attempt_that_is_refused_asks_no_ladder),
	    T(a_call_that_never_ends_is_given_up_at_its_longest_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
