#include <stdatomic.h>

#include "base/sha256.h"

#include "run/run_talk.h"
#include "run/run_world_test.h"

/*
 * The conversation of a call: what it leaves in the journal, when it hangs up,
 * and what a crash leaves of it.
 */

/* Who says nothing ends the call after four hours. */
static const struct fake_step answered[] = {AT(100, FAKE_PLACED),
    AT(1000, FAKE_ANSWER, .text = "human"),
    AT(4 * HOUR, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP), {0}};

static int64_t
begun(struct world *w)
{
	w->with_model = true;
	world_open(w);
	w->fake.media = true;
	w->fake.scripts[0] = answered;
	return JOB(w, .id = "a", .phone = "+15125550177");
}

/* The artifact is what the journal says; its path within recordings/. */
static struct journal_artifact
artifact(struct world *w, int64_t attempt, int kind)
{
	struct journal_artifact a;
	uint8_t hash[SHA256_BYTES];
	char *path = NULL;
	char *bytes = NULL;
	size_t len = 0;

	OK(journal_read_artifact(w->j, attempt, kind, &a, &w->err));
	if (a.path[0] == '\0')
		return a;
	path = mem_printf("%s/data/recordings/%s", w->dir, a.path);
	OK(env_read_whole(w->env, path, 1 << 24, &bytes, &len, &w->err));
	assert_int_equal(len, a.bytes);
	sha256_once(bytes, len, hash);
	assert_memory_equal(hash, a.sha256, SHA256_BYTES);
	mem_free(&bytes);
	mem_free(&path);
	return a;
}

static struct journal_finding
finding(struct world *w, int64_t attempt)
{
	struct journal_finding f = {0};

	OK(journal_read_finding(w->j, attempt, &f, &w->err));
	return f;
}

static int dnc_kind;

static enum err_code
look_at_dnc(struct world *w, struct journal *j, struct err *err)
{
	(void)w;
	return journal_dnc_get(j, 15125550177, &dnc_kind, err);
}

static void
the_end_names_the_recording_and_what_was_found(void **state)
{
	struct world *w = *state;
	int64_t id = begun(w);
	int64_t attempt = id * 256 + 1;

	w->fake.words[0] = (struct fake_word){100, "Hello?"};
	w->fake.words[1] =
	    (struct fake_word){900, "No, we are not interested."};
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_string_equal(artifact(w, attempt, 0).path, "1-1.ul2");
	assert_string_equal(artifact(w, attempt, 1).path, "1-1.talk.jsonl");
	assert_string_equal(
	    artifact(w, attempt, 2).path, "1-1.transcript.json");
	int64_t call_ms = world_attempt(w, id, 1).ended_ms -
			  world_attempt(w, id, 1).answered_ms;

	assert_true(artifact(w, attempt, 0).ms > 5000);
	assert_true(artifact(w, attempt, 0).ms <= call_ms);
	struct journal_finding f = finding(w, attempt);

	assert_string_equal(f.answered_by, "human");
	assert_string_equal(f.decline, "declined");
	mem_free(&f.meeting);
	/* and the result has all of it */
	assert_int_equal(world_found(w, "out/results.jsonl", "/1.wav\""), 1);
	assert_int_equal(world_found(w, "out/results.jsonl", "declined"), 1);
}

static void
a_conversation_that_is_over_is_hung_up_once(void **state)
{
	struct world *w = *state;
	int64_t id = begun(w);

	w->fake.words[0] = (struct fake_word){100, "No, not interested."};
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
	assert_string_equal(
	    fake_nth(&w->fake, "hangup", 0)->what, w->fake.calls[0].id);
	/* the run lets go of the call */
	assert_int_equal(fake_count(&w->fake, "deaf"), 1);
}

static void
kind_with_model(struct world *w, const char *model)
{
	char *jobs = mem_printf("%s/jobs", w->dir);
	char *text = mem_printf(
	    "kind: m\nmodel: %s\nfrom: \"+15125550100\"\nlimits: {max_call: "
	    "60s, ring: 10s, per_number_per_day: 0, min_gap: 0s}\n"
	    "windows: {mon-sun: always}\nretry: {max_attempts: 1}\n"
	    "script: {greeting: \"Hello.\", intro: \"We help.\", meeting: "
	    "\"May we meet?\", voicemail: \"Call us.\", goodbye: \"Bye.\"}\n",
	    model);

	OK(env_make_dirs(w->env, jobs, &w->err));
	world_write(w, "jobs/m.yaml", text);
	mem_free(&text);
	mem_free(&jobs);
}

static void
a_kind_speaks_by_the_model_it_names(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(1000, FAKE_ANSWER, .text = "human"),
	    AT(20 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP), {0}};
	struct world *w = *state;

	kind_with_model(w, "scripted");
	(void)begun(w);
	w->fake.scripts[0] = script;
	int64_t id = JOB(w, .id = "m", .kind = "m");

	world_drain(w);
	assert_string_equal(artifact(w, id * 256 + 1, 0).path, "2-1.ul2");
	/* One that is not set up here leaves the call without a voice. */
	w->models[0].name = "another";
	id = JOB(w, .id = "n", .kind = "m");
	world_drain(w);
	assert_string_equal(artifact(w, id * 256 + 1, 0).path, "");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_HANGUP);
}

static bool
press_and_speak(void *arg)
{
	struct world *w = arg;
	struct carrier_ear *ear = w->fake.calls[0].ear;

	ear->dtmf(ear, '5', 1000);
	ear->caption(ear, "hello there", 900, 1000);
	return true;
}

/* Before somebody answered there is nobody to hear it, nor after the end. */
static void
keys_and_words_count_while_there_is_a_conversation(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(200, FAKE_DO, .act = press_and_speak),
	    AT(1000, FAKE_ANSWER, .text = "human"),
	    AT(300 * SECOND, FAKE_DO, .act = press_and_speak),
	    AT(600 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP,
		.told = true, .with = true),
	    AT(600 * SECOND, FAKE_DO, .act = press_and_speak), {0}};
	struct world *w = *state;

	w->limits = "max_call: 1h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	w->fake.ignores_hangup = true;
	int64_t id = begun(w);

	w->fake.ignores_hangup = true;
	w->fake.scripts[0] = script;
	world_drain(w);
	assert_int_equal(world_job(w, id).state, JOB_DONE);
	assert_int_equal(
	    world_found(w, "recordings/1-1.talk.jsonl", "\"dtmf\""), 1);
	assert_int_equal(
	    world_found(w, "recordings/1-1.talk.jsonl", "hello there"), 1);
}

static struct {
	atomic_bool begun, heard;
} saving;

/* On the writer's thread, for as long as it takes until somebody speaks. */
static void
save_slowly(void *arg, const char *name)
{
	struct world *w = arg;

	if (strcmp(name, "talk.end") != 0)
		return;
	atomic_store(&saving.begun, true);
	for (int i = 0; i < 2000 && !atomic_load(&saving.heard); i++)
		env_pause(w->env, 1000);
}

static bool
press_while_it_is_saved(void *arg)
{
	if (!atomic_load(&saving.begun))
		return false;
	(void)press_and_speak(arg);
	atomic_store(&saving.heard, true);
	return true;
}

static void
keys_and_words_do_not_count_while_a_conversation_is_saved(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(1000, FAKE_ANSWER, .text = "human"),
	    AT(20 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP,
		.told = true),
	    AT(20 * SECOND, FAKE_DO, .act = press_while_it_is_saved), {0}};
	struct world *w = *state;
	int64_t id = begun(w);

	w->fake.scripts[0] = script;
	crash_hook(save_slowly, w);
	world_drain(w);
	crash_hook(NULL, NULL);
	assert_true(atomic_load(&saving.heard));
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_HANGUP);
	assert_true(
	    world_found(w, "recordings/1-1.talk.jsonl", "\"hangup\"") > 0);
	assert_int_equal(
	    world_found(w, "recordings/1-1.talk.jsonl", "\"dtmf\""), 0);
	assert_int_equal(
	    world_found(w, "recordings/1-1.talk.jsonl", "hello there"), 0);
}

static void
a_meeting_that_was_agreed_on_is_in_the_result(void **state)
{
	struct world *w = *state;
	int64_t id = begun(w);

	w->fake.words[0] = (struct fake_word){100, "Hello?"};
	w->fake.words[1] = (struct fake_word){900, "Tuesday works for me."};
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	struct journal_finding f = finding(w, id * 256 + 1);

	assert_non_null(f.meeting);
	assert_non_null(strstr(f.meeting, "Tuesday"));
	mem_free(&f.meeting);
	assert_int_equal(world_found(w, "out/results.jsonl", "Tuesday"), 1);
}

static void
an_opt_out_lands_on_the_list_with_the_end_of_the_call(void **state)
{
	struct world *w = *state;
	int64_t id = begun(w);

	w->fake.words[0] = (struct fake_word){100, "Take me off your list."};
	int64_t next = JOB(w, .id = "b", .phone = "+15125550177");

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	world_now(w, look_at_dnc);
	assert_int_equal(dnc_kind, 2);
	/* the next job of that number waited for it, and learns of it */
	JOB_IS(w, next, JOB_FAILED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, next).reason, JOB_REASON_OPT_OUT);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
}

static void
a_call_without_an_opt_out_adds_nobody_to_the_list(void **state)
{
	struct world *w = *state;

	(void)begun(w);
	w->fake.words[0] = (struct fake_word){100, "No, not interested."};
	world_drain(w);
	world_now(w, look_at_dnc);
	assert_int_equal(dnc_kind, 0);
}

static void
nobody_speaks_for_ever_to_one_who_says_nothing(void **state)
{
	struct world *w = *state;
	int64_t id = begun(w);

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
}

static void
a_carrier_without_sound_leaves_no_recording(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(1000, FAKE_ANSWER, .text = "machine"),
	    AT(30000, FAKE_OVER, .outcome = JOB_OUTCOME_VOICEMAIL), {0}};
	struct world *w = *state;
	int64_t id = begun(w);

	w->fake.media = false;
	w->fake.scripts[0] = script;
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_VOICEMAIL);
	for (int i = 0; i < RUN_ARTIFACT_COUNT; i++)
		assert_string_equal(artifact(w, id * 256 + 1, i).path, "");
	struct journal_finding f = finding(w, id * 256 + 1);

	assert_string_equal(f.answered_by, "machine");
	mem_free(&f.meeting);
	assert_int_equal(world_found(w, "out/results.jsonl", ".wav"), 0);
}

static void
a_call_that_cannot_be_recorded_is_hung_up(void **state)
{
	struct world *w = *state;
	int64_t id = begun(w);
	char *path = mem_printf("%s/data/recordings", w->dir);

	(void)env_remove(w->env, path, &w->err);
	(void)rmdir(path);
	world_write(w, "data/recordings", "in the way");
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
	assert_string_equal(artifact(w, id * 256 + 1, 0).path, "");
	mem_free(&path);
}

/* In a child: dies when the callee has been heard, durably answered. */
static bool
die_recorded(void *arg)
{
	struct world *w = arg;

	if (world_attempt(w, 1, 1).state == ATTEMPT_ANSWERED &&
	    world_found(w, "recordings/1-1.talk.jsonl", "opt_out") > 0)
		(void)kill(getpid(), SIGKILL);
	return false;
}

static void
talk_until_death(struct world *w)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(1000, FAKE_ANSWER), AT(2000, FAKE_DO, .act = die_recorded), {0}};

	w->fake.media = true;
	w->fake.ignores_hangup = true;
	w->fake.scripts[0] = script;
	w->fake.words[0] = (struct fake_word){100, "Take me off your list."};
	world_drain(w);
}

static void
what_a_dead_owner_recorded_is_repaired_and_named_with_the_end(void **state)
{
	struct world *w = *state;
	int64_t id = begun(w);

	world_was_killed(world_child(w, talk_until_death));
	ATTEMPT_IS(w, id, 1, ATTEMPT_ANSWERED);
	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
	world_drain(w);
	assert_string_equal(
	    world_story(w, id), "ADMIT ARM PLACE ANSWER OWNER_DEAD END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_string_equal(artifact(w, id * 256 + 1, 0).path, "1-1.ul2");
	assert_string_equal(
	    artifact(w, id * 256 + 1, 2).path, "1-1.transcript.json");
	assert_true(artifact(w, id * 256 + 1, 0).ms > 1000);
	/* what was heard before the death counts */
	world_now(w, look_at_dnc);
	assert_int_equal(dnc_kind, 2);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_end_names_the_recording_and_what_was_found),
	    T(a_conversation_that_is_over_is_hung_up_once),
	    T(a_kind_speaks_by_the_model_it_names),
	    T(keys_and_words_count_while_there_is_a_conversation),
	    T(keys_and_words_do_not_count_while_a_conversation_is_saved),
	    T(a_meeting_that_was_agreed_on_is_in_the_result),
	    T(an_opt_out_lands_on_the_list_with_the_end_of_the_call),
	    T(a_call_without_an_opt_out_adds_nobody_to_the_list),
	    T(nobody_speaks_for_ever_to_one_who_says_nothing),
	    T(a_carrier_without_sound_leaves_no_recording),
	    T(a_call_that_cannot_be_recorded_is_hung_up),
	    T(what_a_dead_owner_recorded_is_repaired_and_named_with_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
