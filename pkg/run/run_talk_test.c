#include "run/run_talk_fix_test.h"

/* Whole conversations, and the files they leave. */

static const char *const agrees[] = {
    "Riverside Medical Clinic, this is Sarah. How can I help you?",
    "What is this about?", "I see.", "Tuesday at ten works for me.",
    "Great, thank you. Goodbye.", NULL};
static const char *const short_talk[] = {"Hello?", "No thanks.", NULL};

static void
a_conversation_leaves_three_files_that_agree(void **state)
{
	struct world w;
	char *sound;
	size_t len;

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, agrees), ERR_NONE);
	run(&w, 20);
	if (w.code != ERR_NONE)
		fail_msg("%s", w.err.text);
	assert_int_equal(w.hangups, 1);
	for (int i = 0; i < RUN_ARTIFACT_COUNT; i++)
		expect_artifact(&w, &w.result.artifact[i]);
	assert_int_equal(w.result.outcome, JOB_OUTCOME_COMPLETED);
	assert_string_equal(w.result.answered_by, "human");
	assert_non_null(strstr(w.result.meeting_json, "Tuesday at ten"));
	assert_int_equal(w.result.duration_ms, w.frames * 20);

	sound = read_file(&w, w.result.artifact[0].file, &len);
	assert_int_equal(len, w.frames * 320);
	assert_true(sounding(sound, len, 0) > 8000);
	assert_true(sounding(sound, len, 1) > 8000);
	mem_free(&sound);

	expect_replay(&w);
	expect_in_transcript(&w, "callee  Tuesday at ten works for me.");
	expect_in_transcript(&w, "agent   Hello Anna, an automated call.");
	close_world(&w, true);
}

static void
only_values_the_script_names_are_written(void **state)
{
	struct world w;
	char *text;
	size_t len;

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, short_talk), ERR_NONE);
	run(&w, 20);
	text = read_file(&w, "17-1.talk.jsonl", &len);
	assert_non_null(strstr(text, "Anna"));
	assert_null(strstr(text, "secret"));
	mem_free(&text);
	close_world(&w, true);
}

/* The same frames in one tick or in many: the same events and effects. */
static void
the_size_of_a_tick_changes_nothing(void **state)
{
	static const int64_t ticks[] = {20, 250, 9000, 60000};
	char *first = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ticks); i++) {
		struct world w;
		char *text;
		size_t len;

		open_world(&w, NULL);
		assert_int_equal(start(&w, agrees), ERR_NONE);
		run(&w, ticks[i]);
		expect_replay(&w);
		text = read_file(&w, "17-1.talk.jsonl", &len);
		assert_non_null(strstr(text, "\"do\":\"hang_up\""));
		if (first == NULL)
			first = mem_strdup(text);
		assert_string_equal(text, first);
		mem_free(&text);
		close_world(&w, true);
	}
	mem_free(&first);
}

static void
a_tick_handles_500_frames_at_most(void **state)
{
	static const char *const none[] = {NULL};
	struct world w;

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, none), ERR_NONE);
	assert_true(run_talk_tick(w.talk, START_MS + 20000));
	assert_int_equal(w.frames, 500);
	assert_false(run_talk_tick(w.talk, START_MS + 20000));
	assert_int_equal(w.frames, 1000);
	assert_false(run_talk_tick(w.talk, START_MS + 20019));
	assert_int_equal(w.frames, 1000);
	close_world(&w, true);
}

static void
without_media_nothing_is_recorded(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, NULL);
	w.media = false;
	assert_int_equal(start(&w, short_talk), ERR_NONE);
	assert_false(run_talk_tick(w.talk, START_MS + 1000));
	end_call(&w, "network");
	net_env_run(w.env);
	assert_true(w.done);
	assert_int_equal(w.code, ERR_NONE);
	assert_int_equal(w.result.outcome, JOB_OUTCOME_NONE);
	for (int i = 0; i < RUN_ARTIFACT_COUNT; i++)
		assert_string_equal(w.result.artifact[i].file, "");
	assert_false(there_is(&w, "17-1.ul2"));
	assert_false(there_is(&w, "17-1.talk.jsonl"));
	close_world(&w, true);
}

static void
a_callee_may_hang_up_within_a_frame(void **state)
{
	static const char *const lines[] = {"Hello?", "HANGUP", NULL};
	struct world w;

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, lines), ERR_NONE);
	run(&w, 20);
	assert_int_equal(w.code, ERR_NONE);
	assert_int_equal(w.hangups, 0);
	assert_int_equal(w.result.outcome, JOB_OUTCOME_HANGUP);
	expect_replay(&w);
	close_world(&w, true);
}

static void
a_message_is_left_after_a_real_beep(void **state)
{
	static const char *const lines[] = {
	    "Please leave a message after the tone.", "BEEP", NULL};
	struct world w;

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, lines), ERR_NONE);
	run(&w, 20);
	assert_int_equal(w.result.outcome, JOB_OUTCOME_VOICEMAIL);
	assert_string_equal(w.result.answered_by, "machine");
	expect_in_transcript(&w, "agent   Call us back.");
	/* not the 30 seconds of a machine that never beeps */
	assert_true(w.result.duration_ms < 20000);
	close_world(&w, true);
}

static void
keys_are_pressed_and_sound_in_the_recording(void **state)
{
	static const char *const lines[] = {
	    "For billing, press 2. For the administrator, press 3.",
	    "Administrator speaking.", "No thanks.", NULL};
	struct world w;

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, lines), ERR_NONE);
	run(&w, 20);
	assert_string_equal(w.pressed, "3");
	assert_string_equal(w.result.answered_by, "human");
	expect_in_transcript(&w, "agent   [presses 3]");
	close_world(&w, true);
}

static void
an_opt_out_is_in_the_result(void **state)
{
	static const char *const lines[] = {
	    "Hello?", "Take me off your list.", NULL};
	struct world w;

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, lines), ERR_NONE);
	run(&w, 20);
	assert_true(w.result.opt_out);
	assert_string_equal(w.result.decline_reason, "opt_out");
	close_world(&w, true);
}

static void
files_that_are_there_are_not_overwritten(void **state)
{
	struct world w;
	struct world other;

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, short_talk), ERR_NONE);
	open_world(&other, w.dir);
	assert_int_equal(start(&other, short_talk), ERR_EXISTS);
	assert_null(other.talk);
	assert_non_null(strstr(other.err.text, "17-1"));
	close_world(&other, false);
	run(&w, 20);
	assert_int_equal(w.code, ERR_NONE);
	expect_replay(&w);
	close_world(&w, true);
}

static void
captions_are_cleaned_and_bounded(void **state)
{
	static const char *const none[] = {NULL};
	struct world w;
	char *text = mem_zalloc(5000, 1);

	(void)state;
	open_world(&w, NULL);
	memset(text, 'a', 4999);
	assert_int_equal(start(&w, none), ERR_NONE);
	assert_false(run_talk_tick(w.talk, START_MS + 1000));
	for (int i = 0; i < 1000; i++)
		run_talk_caption(w.talk, text, -5, INT64_MAX);
	run_talk_caption(w.talk, "dropped", 0, 0);
	assert_false(run_talk_tick(w.talk, START_MS + 2000));
	run_talk_caption(w.talk, "bad \xff\n bytes", 0, 1500);
	run_talk_dtmf(w.talk, '5', 1600);
	run_talk_dtmf(w.talk, 'x', 1600);
	assert_false(run_talk_tick(w.talk, START_MS + 3000));
	end_call(&w, "callee");
	net_env_run(w.env);
	assert_int_equal(w.code, ERR_NONE);
	expect_replay(&w);
	expect_in_transcript(&w, "callee  bad    bytes");
	expect_in_transcript(&w, "callee  [presses 5]");
	mem_free(&text);
	close_world(&w, true);
}

/* What a carrier says of times and keys is not believed blindly. */
static void
times_and_keys_that_cannot_be_are_set_right(void **state)
{
	static const char *const none[] = {NULL};
	struct world w;
	char *text = mem_zalloc(3 * 2000 + 1, 1);

	(void)state;
	for (int i = 0; i < 2000; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 3);
	open_world(&w, NULL);
	assert_int_equal(start(&w, none), ERR_NONE);
	assert_false(run_talk_tick(w.talk, START_MS + 1000));
	run_talk_caption(w.talk, "early", 900, -1);
	run_talk_caption(w.talk, "turned", 800, 100);
	run_talk_caption(w.talk, "first", 0, 50);
	run_talk_caption(w.talk, "rubout \x7f here", 0, 60);
	run_talk_caption(w.talk, text, 0, 70); /* cut between two signs */
	run_talk_dtmf(w.talk, '\0', 80);
	run_talk_dtmf(w.talk, '7', INT64_MAX);
	assert_false(run_talk_tick(w.talk, START_MS + 2000));
	run_talk_caption(w.talk, "not due yet", 1900, 2900);
	end_call(&w, "callee");
	/* after the end nothing is heard */
	run_talk_caption(w.talk, "too late", 0, 0);
	run_talk_dtmf(w.talk, '9', 0);
	net_env_run(w.env);
	assert_int_equal(w.code, ERR_NONE);
	expect_replay(&w);
	expect_in_transcript(&w, "callee  early");
	expect_in_transcript(&w, "callee  turned");
	expect_in_transcript(&w, "callee  rubout   here");
	expect_in_transcript(&w, "callee  [presses 7]");
	mem_free(&text);
	close_world(&w, true);
}

/* ---- a failing disk ---- */

/*
 * The n-th call of env fails, or every one from there on: the conversation
 * ends all the same, and once the fault is gone its files are brought in order.
 */
static void
a_kernel_that_fails_leaves_files_that_can_be_repaired(void **state)
{
	(void)state;
	for (int repeat = 0; repeat < 2; repeat++) {
		bool hit = true;

		for (long n = fault_first(); hit; n += fault_stride()) {
			struct world w;
			struct run_talk_result r;

			open_world(&w, NULL);
			fault_install(w.env);
			fault_arm(FAULT_ENV, n, ENOSPC, repeat == 1);
			if (start(&w, short_talk) == ERR_NONE) {
				run(&w, 20);
				if (w.code != ERR_NONE)
					assert_true(w.err.text[0] != '\0');
			} else {
				assert_null(w.talk);
			}
			hit = fault_disarm();
			if (!hit)
				assert_int_equal(w.code, ERR_NONE);
			if (run_talk_repair(w.env, w.dir, "17-1", &r, &w.err) !=
			    ERR_NONE)
				fail_msg("%ld: %s", n, w.err.text);
			close_world(&w, true);
		}
	}
}

static void
a_repair_that_fails_can_be_repeated(void **state)
{
	struct world w;
	struct run_talk_result r;
	bool hit = true;

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, agrees), ERR_NONE);
	assert_false(run_talk_tick(w.talk, START_MS + 9000));
	run_talk_free(&w.talk);
	fault_install(w.env);
	for (long n = 1; hit; n++) {
		enum err_code code;

		fault_arm(FAULT_ENV, n, EIO, false);
		code = run_talk_repair(w.env, w.dir, "17-1", &r, &w.err);
		hit = fault_disarm();
		if (code != ERR_NONE)
			assert_true(hit && w.err.text[0] != '\0');
	}
	for (int i = 0; i < RUN_ARTIFACT_COUNT; i++)
		expect_artifact(&w, &r.artifact[i]);
	close_world(&w, true);
}

static struct env_ops failing;
static enum err_code (*real_append)(
    struct env_file *f, const void *bytes, size_t len, struct err *err);
static int appends_left;

static enum err_code
fail_append(struct env_file *f, const void *bytes, size_t len, struct err *err)
{
	if (appends_left-- > 0)
		return real_append(f, bytes, len, err);
	return err_set(err, ERR_SPACE, 28, "no space left");
}

static void
a_full_disk_ends_the_call_and_says_so(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, NULL);
	failing = *w.env->ops;
	real_append = failing.append;
	failing.append = fail_append;
	appends_left = 2;
	w.env->ops = &failing;
	assert_int_equal(start(&w, agrees), ERR_NONE);
	run(&w, 20);
	assert_int_equal(w.hangups, 1);
	assert_int_equal(w.code, ERR_SPACE);
	assert_non_null(strstr(w.err.text, "no space left"));
	/* what was written before is sound */
	expect_replay(&w);
	close_world(&w, true);
}

/* ---- crashes ---- */

static void
repair_brings_torn_files_into_order(void **state)
{
	struct world w;
	struct run_talk_result first, second;
	char command[256];

	(void)state;
	open_world(&w, NULL);
	assert_int_equal(start(&w, agrees), ERR_NONE);
	assert_false(run_talk_tick(w.talk, START_MS + 9000));
	run_talk_free(&w.talk);
	(void)snprintf(command, sizeof(command),
	    "printf xyz >> '%s/17-1.ul2'; printf '{\"at\":1' >> "
	    "'%s/17-1.talk.jsonl'",
	    w.dir, w.dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(
	    run_talk_repair(w.env, w.dir, "17-1", &first, &w.err), ERR_NONE);
	for (int i = 0; i < RUN_ARTIFACT_COUNT; i++)
		expect_artifact(&w, &first.artifact[i]);
	assert_int_equal(first.artifact[0].bytes % 320, 0);
	assert_true(first.duration_ms >= 8000);
	expect_replay(&w);
	expect_in_transcript(&w, "callee  Riverside Medical Clinic");
	assert_int_equal(
	    run_talk_repair(w.env, w.dir, "17-1", &second, &w.err), ERR_NONE);
	assert_memory_equal(
	    first.artifact, second.artifact, sizeof(first.artifact));
	close_world(&w, true);
}

static void
repair_finds_what_was_noted(void **state)
{
	static const char *const out[] = {"Hello?", "Stop calling.", NULL};
	static const char *const yes[] = {
	    "Hello?", "Tuesday works for me.", NULL};
	struct world w;
	struct run_talk_result r;

	(void)state;
	for (int i = 0; i < 2; i++) {
		open_world(&w, NULL);
		assert_int_equal(start(&w, i == 0 ? out : yes), ERR_NONE);
		for (int64_t ms = 0; ms < 12000; ms += 20)
			if (w.hangups == 0)
				(void)run_talk_tick(w.talk, START_MS + ms);
		if (w.ended)
			net_env_run(w.env);
		run_talk_free(&w.talk);
		assert_int_equal(
		    run_talk_repair(w.env, w.dir, "17-1", &r, &w.err),
		    ERR_NONE);
		assert_int_equal(r.outcome, JOB_OUTCOME_NONE);
		assert_int_equal(r.opt_out, i == 0);
		assert_int_equal(r.meeting_json != NULL, i == 1);
		mem_free(&r.meeting_json);
		close_world(&w, true);
	}
}

/* What a repair finds in the talk of lines once sed has altered its file. */
static struct run_talk_result
repaired(const char *const *lines, const char *sed)
{
	struct world w;
	struct run_talk_result r;
	char *command;

	open_world(&w, NULL);
	assert_int_equal(start(&w, lines), ERR_NONE);
	for (int64_t ms = 0; ms < 12000; ms += 20)
		if (w.hangups == 0)
			(void)run_talk_tick(w.talk, START_MS + ms);
	if (w.ended)
		net_env_run(w.env);
	run_talk_free(&w.talk);
	command = mem_printf("sed -i '%s' %s/17-1.talk.jsonl", sed, w.dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(
	    run_talk_repair(w.env, w.dir, "17-1", &r, &w.err), ERR_NONE);
	mem_free(&command);
	close_world(&w, true);
	return r;
}

/* No calendar answers yet; a file in which one did is read the same. */
static void
repair_takes_a_meeting_as_a_calendar_confirmed_it(void **state)
{
	static const char *const yes[] = {
	    "Hello?", "Tuesday works for me.", NULL};
	static const char *const out[] = {"Hello?", "Stop calling.", NULL};
	static const char confirmed[] =
	    "s/\"ev\":\"tool_result\",\"id\":[0-9]*/&,\"ok\":true,"
	    "\"text\":\"{}\"/";
	struct run_talk_result r = repaired(yes, confirmed);

	(void)state;
	assert_string_equal(r.meeting_json, "{}");
	mem_free(&r.meeting_json);
	/* without a word it stays what was asked for */
	r = repaired(
	    yes, "s/\"ev\":\"tool_result\",\"id\":[0-9]*/&,\"ok\":true/");
	assert_non_null(strstr(r.meeting_json, "Tuesday"));
	mem_free(&r.meeting_json);
	/* an answer to nothing, and a note that nobody knows, are none */
	r = repaired(out,
	    "s/\"ev\":\"caption\"/\"ev\":\"tool_result\",\"id\":1,"
	    "\"ok\":true/; s/\"text\":\"opt_out\"/\"text\":\"odd\"/");
	assert_null(r.meeting_json);
	assert_false(r.opt_out);
}

/* Notes are the last word of one whose end nobody saw. */
static void
repair_books_nothing_for_one_who_opted_out(void **state)
{
	static const char *const yes[] = {
	    "Hello?", "Tuesday works for me.", NULL};
	static const char *const out[] = {"Hello?", "Stop calling.", NULL};
	struct run_talk_result r = repaired(yes,
	    "s/{\"do\":\"book\"/{\"do\":\"note\",\"text\":\"opt_out\"},&/");

	(void)state;
	assert_true(r.opt_out);
	assert_string_equal(r.decline_reason, "opt_out");
	assert_null(r.meeting_json);
	/* a note without its word says nothing, and is no error */
	r = repaired(out, "s/,\"text\":\"opt_out\"//");
	assert_false(r.opt_out);
	assert_string_equal(r.decline_reason, "");
	assert_true(r.artifact[RUN_ARTIFACT_TRANSCRIPT].bytes > 0);
}

static int dir_syncs;

static enum err_code
counted_sync_dir(struct env *env, const char *path, struct err *err)
{
	(void)env;
	(void)path;
	(void)err;
	dir_syncs++;
	return ERR_NONE;
}

/* Nor does it wait for the disk. */
static void
repair_of_nothing_is_no_error(void **state)
{
	struct world w;
	struct run_talk_result r;

	(void)state;
	open_world(&w, NULL);
	failing = *w.env->ops;
	failing.sync_dir = counted_sync_dir;
	w.env->ops = &failing;
	dir_syncs = 0;
	assert_int_equal(
	    run_talk_repair(w.env, w.dir, "17-1", &r, &w.err), ERR_NONE);
	for (int i = 0; i < RUN_ARTIFACT_COUNT; i++)
		assert_string_equal(r.artifact[i].file, "");
	assert_int_equal(dir_syncs, 0);
	close_world(&w, true);
}

static void
a_damaged_talk_file_is_kept_without_a_transcript(void **state)
{
	struct world w;
	struct run_talk_result r;
	char command[256];

	(void)state;
	open_world(&w, NULL);
	(void)snprintf(command, sizeof(command),
	    "printf 'what is this\\n' > '%s/17-1.talk.jsonl'", w.dir);
	assert_int_equal(system(command), 0);
	failing = *w.env->ops;
	failing.sync_dir = counted_sync_dir;
	w.env->ops = &failing;
	dir_syncs = 0;
	assert_int_equal(
	    run_talk_repair(w.env, w.dir, "17-1", &r, &w.err), ERR_NONE);
	assert_int_equal(dir_syncs, 1);
	expect_artifact(&w, &r.artifact[RUN_ARTIFACT_TALK]);
	assert_string_equal(r.artifact[RUN_ARTIFACT_TRANSCRIPT].file, "");
	close_world(&w, true);
}

static int visits_left;

static void
die_at_zero(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	if (--visits_left == 0)
		(void)kill(getpid(), SIGKILL);
}

/* A child has the conversation and dies at the n-th crash point. */
static bool
dies_at(const char *dir, int n)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct world w;

		visits_left = n;
		crash_hook(die_at_zero, NULL);
		open_world(&w, dir);
		if (start(&w, short_talk) != ERR_NONE)
			_exit(1);
		run(&w, 20);
		_exit(w.code == ERR_NONE ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

static void
after_a_crash_anywhere_repair_gives_whole_files(void **state)
{
	int n = 1;

	(void)state;
	for (bool died = true; died; n++) {
		struct world w;
		struct run_talk_result r;

		open_world(&w, NULL);
		died = dies_at(w.dir, n);
		if (run_talk_repair(w.env, w.dir, "17-1", &r, &w.err) !=
		    ERR_NONE)
			fail_msg("crash %d: %s", n, w.err.text);
		for (int i = 0; i < RUN_ARTIFACT_COUNT; i++)
			if (r.artifact[i].file[0] != '\0')
				expect_artifact(&w, &r.artifact[i]);
		assert_int_equal(r.artifact[RUN_ARTIFACT_TALK].file[0] == '\0',
		    r.artifact[RUN_ARTIFACT_TRANSCRIPT].file[0] == '\0');
		if (r.artifact[RUN_ARTIFACT_TALK].bytes > 2000)
			expect_replay(&w);
		mem_free(&r.meeting_json);
		close_world(&w, true);
	}
	assert_true(n > 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_conversation_leaves_three_files_that_agree),
	    cmocka_unit_test(only_values_the_script_names_are_written),
	    cmocka_unit_test(the_size_of_a_tick_changes_nothing),
	    cmocka_unit_test(a_tick_handles_500_frames_at_most),
	    cmocka_unit_test(without_media_nothing_is_recorded),
	    cmocka_unit_test(a_callee_may_hang_up_within_a_frame),
	    cmocka_unit_test(a_message_is_left_after_a_real_beep),
	    cmocka_unit_test(keys_are_pressed_and_sound_in_the_recording),
	    cmocka_unit_test(an_opt_out_is_in_the_result),
	    cmocka_unit_test(files_that_are_there_are_not_overwritten),
	    cmocka_unit_test(captions_are_cleaned_and_bounded),
	    cmocka_unit_test(times_and_keys_that_cannot_be_are_set_right),
	    cmocka_unit_test(
		a_kernel_that_fails_leaves_files_that_can_be_repaired),
	    cmocka_unit_test(a_repair_that_fails_can_be_repeated),
	    cmocka_unit_test(a_full_disk_ends_the_call_and_says_so),
	    cmocka_unit_test(repair_brings_torn_files_into_order),
	    cmocka_unit_test(repair_finds_what_was_noted),
	    cmocka_unit_test(repair_takes_a_meeting_as_a_calendar_confirmed_it),
	    cmocka_unit_test(repair_books_nothing_for_one_who_opted_out),
	    cmocka_unit_test(repair_of_nothing_is_no_error),
	    cmocka_unit_test(a_damaged_talk_file_is_kept_without_a_transcript),
	    cmocka_unit_test(after_a_crash_anywhere_repair_gives_whole_files),
	};

	return cmocka_run_group_tests_name("run_talk", tests, NULL, NULL);
}
