#include "carrier/carrier_sim_persona.h"

#include "carrier/carrier_sim_engine.h"
#include "carrier/carrier_sim_world_test.h"
#include "media/media_dtmf.h"

static struct carrier_sim_personas people;
static struct media_speech *speech;

static void
load(void)
{
	struct err err = {0};

	if (carrier_sim_personas_load(
		&people, world.real, world.personas, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	assert_int_equal(
	    media_speech_open(world.real, NULL, &speech, &err), ERR_NONE);
}

static void
done(void)
{
	media_speech_free(&speech);
	carrier_sim_personas_free(&people);
	world_end();
}

static void
expect_problem(const char *yaml, const char *what)
{
	struct err err = {0};

	world_begin("named");
	world_persona("odd", yaml);
	assert_int_equal(carrier_sim_personas_load(
			     &people, world.real, world.personas, &err),
	    ERR_CONFIG);
	assert_int_equal(people.count, 0);
	if (strstr(err.text, what) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, what);
	assert_non_null(strstr(err.text, "odd.yaml:"));
	world_end();
}

static void
a_wrong_persona_is_refused_with_its_line(void **state)
{
	(void)state;
	expect_problem("answer: robot\n", "answer");
	expect_problem("answer: busy\nrign: 2s\n", "ring");
	expect_problem("answer: busy\nring: 9s..2s\n", "2s..9s");
	expect_problem("answer: busy\nnumbers: [\"five\"]\n", "+1999*");
	expect_problem("answer: human\n", "script");
	expect_problem("answer: busy\nscript: {start: [{hangup: auto}]}\n",
	    "no conversation");
	expect_problem(
	    "answer: human\nscript: {begin: [{hangup: auto}]}\n", "start");
	expect_problem(
	    "answer: human\nscript: {start: [{pause: 1s}]}\n", "last step");
	expect_problem(
	    "answer: human\nscript: {start: [{goto: nowhere}]}\n", "nowhere");
	expect_problem("answer: human\nscript: {start: [{sing: \"la\"}]}\n",
	    "script.start[0]");
	expect_problem("answer: human\nscript: {start: [{press: \"1x\"}, "
		       "{hangup: auto}]}\n",
	    "0-9");
	expect_problem(
	    "answer: human\nscript: {start: [{hangup: never}]}\n", "hangup");
	expect_problem("answer: machine\nscript: {start: [{menu: {say: \"x\", "
		       "keys: {12: start}, else: start}}]}\n",
	    "keys");
	expect_problem("answer: human\nunattended: {after: 3s}\nscript: "
		       "{start: [{hangup: auto}]}\n",
	    "patience");
}

static void
nobody_is_no_name_of_a_persona(void **state)
{
	struct err err = {0};

	(void)state;
	world_begin("named");
	world_persona("nobody", "answer: busy\n");
	assert_int_equal(carrier_sim_personas_load(
			     &people, world.real, world.personas, &err),
	    ERR_CONFIG);
	assert_non_null(strstr(err.text, "nobody.yaml:1"));
	assert_non_null(strstr(err.text, "expected another name"));
	world_end();
}

static void
a_file_bears_its_personas_name(void **state)
{
	struct err err = {0};
	char path[160];

	(void)state;
	world_begin("named");
	(void)snprintf(path, sizeof(path), "%s/odd.yaml", world.personas);
	world_write(path, "name: even\nanswer: busy\n");
	assert_int_equal(carrier_sim_personas_load(
			     &people, world.real, world.personas, &err),
	    ERR_CONFIG);
	assert_non_null(strstr(err.text, "odd"));
	world_end();
}

static void
a_number_chooses_before_weight_does(void **state)
{
	(void)state;
	world_begin("named");
	world_persona("exact", "numbers: [\"+1100\"]\nanswer: busy\n");
	world_persona("tail", "numbers: [\"*1777\"]\nanswer: busy\n");
	world_persona("other", "weight: 3\nanswer: busy\n");
	load();
	assert_string_equal(
	    carrier_sim_personas_choose(&people, "+1100", 0)->name, "exact");
	assert_string_equal(
	    carrier_sim_personas_choose(&people, "+11001", 0)->name, "human");
	assert_string_equal(
	    carrier_sim_personas_choose(&people, "+441777", 0)->name, "tail");
	/* The longer pattern is the more special one. */
	assert_string_equal(
	    carrier_sim_personas_choose(&people, "+11777", 0)->name, "tail");
	/* Weights 1 (human) and 3, in the order of their names. */
	assert_string_equal(
	    carrier_sim_personas_choose(&people, "+44", 0.24)->name, "human");
	assert_string_equal(
	    carrier_sim_personas_choose(&people, "+44", 0.26)->name, "other");
	assert_string_equal(
	    carrier_sim_personas_choose(&people, "+44", 0.999)->name, "other");
	assert_string_equal(
	    carrier_sim_personas_find(&people, "tail")->name, "tail");
	assert_string_equal(
	    carrier_sim_personas_find(&people, "who")->name, "gone");
	done();
}

static void
where_nobody_is_described_the_number_does_not_exist(void **state)
{
	const struct carrier_sim_persona *p;

	(void)state;
	world_begin("named");
	world_persona("human", "numbers: [\"+11*\"]\nanswer: busy\n");
	load();
	p = carrier_sim_personas_choose(&people, "+44", 0.5);
	assert_int_equal(p->answer, CARRIER_SIM_ANSWER_BAD_NUMBER);
	assert_ptr_equal(carrier_sim_personas_find(&people, p->name), p);
	done();
}

/* A conversation with the engine alone. */
struct talk {
	struct carrier_sim_engine *e;
	char text[1024];
	char keys[32];
	struct carrier_sim_heard last;
	int64_t loud; /* frames in which the callee made a sound */
};

static bool
frame(struct talk *t, bool sound)
{
	uint8_t agent[MEDIA_FRAME], callee[MEDIA_FRAME];
	size_t n = strlen(t->text);

	for (size_t i = 0; i < sizeof(agent); i++)
		agent[i] = !sound ? 0xFF : i % 8 < 4 ? 0x90 : 0x10;
	carrier_sim_engine_frame(t->e, agent, callee, &t->last);
	for (size_t i = 0; i < sizeof(callee); i++)
		if ((callee[i] & 0x7F) < 0x60) {
			t->loud++;
			break;
		}
	if (t->last.text != NULL)
		(void)snprintf(t->text + n, sizeof(t->text) - n, "%s@%lld|",
		    t->last.text, (long long)t->last.end_ms);
	if (t->last.digit != '\0')
		t->keys[strlen(t->keys)] = t->last.digit;
	return !t->last.over;
}

static bool
frames(struct talk *t, int n, bool sound)
{
	while (n-- > 0)
		if (!frame(t, sound))
			return false;
	return true;
}

static void
meet(struct talk *t, const char *name)
{
	memset(t, 0, sizeof(*t));
	t->e = carrier_sim_engine_new(
	    carrier_sim_personas_find(&people, name), speech, 1, 0);
}

/* Until it hangs up, or n frames. */
static int
until_over(struct talk *t, int n)
{
	for (int i = 0; i < n; i++)
		if (!frame(t, false))
			return i + 1;
	return -1;
}

static void
who_is_never_spoken_to_hangs_up(void **state)
{
	struct talk t;

	(void)state;
	world_begin("named");
	load();
	meet(&t, "human");
	int n = until_over(&t, 2000);
	assert_int_equal(n, carrier_sim_engine_next(t.e));
	assert_in_range(n, 250, 350);
	assert_int_equal(t.last.outcome, JOB_OUTCOME_HANGUP);
	assert_int_equal(t.last.by, CARRIER_SIM_BY_CALLEE);
	assert_memory_equal(t.text, "Hello?@", 7);
	assert_true(t.loud > 10);
	carrier_sim_engine_free(&t.e);
	carrier_sim_engine_free(&t.e);
	done();
}

static void
it_answers_when_the_agent_has_finished(void **state)
{
	struct talk t;

	(void)state;
	world_begin("named");
	load();
	meet(&t, "human");
	assert_true(frames(&t, 60, false));
	/* Four seconds of speech with a breath in it: one turn. */
	assert_true(frames(&t, 100, true));
	assert_true(frames(&t, 20, false));
	assert_true(frames(&t, 100, true));
	assert_null(strstr(t.text, "Bye."));
	assert_true(frames(&t, 30, false));
	int n = until_over(&t, 200);
	assert_in_range(n, 1, 100);
	assert_non_null(strstr(t.text, "Bye."));
	assert_int_equal(t.last.outcome, JOB_OUTCOME_COMPLETED);
	carrier_sim_engine_free(&t.e);

	/* What was said while it spoke counts as a turn too. */
	meet(&t, "human");
	assert_true(frames(&t, 20, true));
	assert_in_range(until_over(&t, 1000), 30, 150);
	assert_non_null(strstr(t.text, "Bye."));
	carrier_sim_engine_free(&t.e);
	done();
}

static void
a_voicemail_beeps_and_records(void **state)
{
	struct talk t;

	(void)state;
	world_begin("named");
	load();
	meet(&t, "voicemail");
	assert_true(frames(&t, 25, false));
	assert_in_range(t.loud, 23, 25);
	assert_true(frames(&t, 300, true));
	/* Three seconds of silence after the message (and what the ear takes
	 * to be sure of it). */
	assert_in_range(until_over(&t, 1000), 150, 190);
	assert_int_equal(t.last.outcome, JOB_OUTCOME_VOICEMAIL);
	assert_int_equal(t.last.by, CARRIER_SIM_BY_NETWORK);
	carrier_sim_engine_free(&t.e);

	/* However long the message: twenty seconds. */
	meet(&t, "voicemail");
	assert_true(frames(&t, 25 + 999, true));
	assert_false(frames(&t, 2, true));
	carrier_sim_engine_free(&t.e);
	done();
}

static void
tree(void)
{
	world_persona("tree",
	    "answer: machine\nscript:\n  start:\n    - goto: main\n"
	    "  main:\n    - menu:\n        say: \"Press 1 or 2.\"\n"
	    "        keys: {1: one, 2: two, 9: main}\n        wait: 2s\n"
	    "        times: 2\n        invalid: {say: \"Not valid.\"}\n"
	    "        else: late\n"
	    "  one:\n    - say: \"One.\"\n    - hangup: completed\n"
	    "  two:\n    - menu: {say: \"Two.\", keys: {\"#\": one}, wait: 1s, "
	    "times: 1, else: late}\n"
	    "  late:\n    - say: \"Too late.\"\n    - hangup: hangup\n");
}

static void
a_menu_is_read_twice_and_then_gives_up(void **state)
{
	struct talk t;

	(void)state;
	world_begin("named");
	tree();
	load();
	meet(&t, "tree");
	int n = until_over(&t, 3000);
	assert_true(n > 2 * 100);
	assert_int_equal(t.last.outcome, JOB_OUTCOME_HANGUP);
	const char *first = strstr(t.text, "Press 1 or 2.");
	assert_non_null(first);
	const char *second = strstr(first + 1, "Press 1 or 2.");
	assert_non_null(second);
	assert_null(strstr(second + 1, "Press 1 or 2."));
	assert_non_null(strstr(second, "Too late."));
	carrier_sim_engine_free(&t.e);
	done();
}

static void
a_key_cuts_the_menu_short_and_leads_on(void **state)
{
	struct talk t;

	(void)state;
	world_begin("named");
	tree();
	load();
	meet(&t, "tree");
	assert_true(frames(&t, 20, false));
	carrier_sim_engine_press(t.e, "2");
	int64_t before = carrier_sim_engine_next(t.e);
	assert_true(frames(&t, 3, false));
	assert_memory_equal(t.text, "Press@", 6);
	assert_int_equal(carrier_sim_engine_next(t.e), before + 3);
	carrier_sim_engine_press(t.e, "#");
	assert_true(until_over(&t, 500) > 0);
	assert_non_null(strstr(t.text, "One."));
	assert_int_equal(t.last.outcome, JOB_OUTCOME_COMPLETED);
	carrier_sim_engine_free(&t.e);
	done();
}

static void
keys_typed_ahead_and_pauses_are_kept(void **state)
{
	struct talk t;

	(void)state;
	world_begin("named");
	tree();
	load();
	meet(&t, "tree");
	carrier_sim_engine_press(t.e, "2ww#");
	/* 200 ms for the first key, a second of pauses, then the next. */
	assert_true(frames(&t, 60, false));
	assert_null(strstr(t.text, "One."));
	assert_true(until_over(&t, 200) > 0);
	assert_non_null(strstr(t.text, "One."));
	carrier_sim_engine_free(&t.e);
	done();
}

static void
a_wrong_key_is_complained_about(void **state)
{
	struct talk t;

	(void)state;
	world_begin("named");
	tree();
	load();
	meet(&t, "tree");
	carrier_sim_engine_press(t.e, "5");
	assert_true(frames(&t, 200, false));
	assert_non_null(strstr(t.text, "Not valid."));
	assert_non_null(strstr(t.text, "Press 1 or 2."));
	/* It has been read out twice now; one more mistake is the last. */
	carrier_sim_engine_press(t.e, "A");
	assert_true(until_over(&t, 500) > 0);
	assert_non_null(strstr(t.text, "Too late."));
	carrier_sim_engine_free(&t.e);
	done();
}

static void
a_callee_presses_keys_that_can_be_heard(void **state)
{
	struct media_dtmf ear;
	char heard[8] = "";
	struct talk t;

	(void)state;
	world_begin("named");
	world_persona("typist",
	    "answer: human\nscript:\n  start:\n    - press: \"15#\"\n"
	    "    - hangup: auto\n");
	load();
	meet(&t, "typist");
	media_dtmf_init(&ear);
	for (bool on = true; on;) {
		uint8_t agent[MEDIA_FRAME], callee[MEDIA_FRAME];

		media_ulaw_silence(agent, sizeof(agent));
		carrier_sim_engine_frame(t.e, agent, callee, &t.last);
		on = !t.last.over;
		if (t.last.digit != '\0')
			t.keys[strlen(t.keys)] = t.last.digit;
		char c = media_dtmf_frame(&ear, callee);
		if (c != '\0')
			heard[strlen(heard)] = c;
	}
	assert_string_equal(t.keys, "15#");
	assert_string_equal(heard, "15#");
	assert_int_equal(t.last.outcome, JOB_OUTCOME_HANGUP);
	carrier_sim_engine_free(&t.e);
	done();
}

static void
a_circle_without_time_ends(void **state)
{
	struct talk t;

	(void)state;
	world_begin("named");
	world_persona("circle",
	    "answer: human\nscript:\n  start:\n    - goto: other\n"
	    "  other:\n    - goto: start\n");
	load();
	meet(&t, "circle");
	assert_false(frame(&t, false));
	assert_int_equal(t.last.outcome, JOB_OUTCOME_FAILED);
	carrier_sim_engine_free(&t.e);
	done();
}

static void
chances_come_from_the_draws_alone(void **state)
{
	int yes = 0;

	(void)state;
	world_begin("named");
	world_persona("moody",
	    "answer: human\nscript:\n  start:\n"
	    "    - chance: {p: 0.25, goto: yes}\n    - hangup: hangup\n"
	    "  yes:\n    - hangup: completed\n");
	load();
	for (uint64_t i = 0; i < 1000; i++) {
		enum job_outcome got[2];

		for (int k = 0; k < 2; k++) {
			struct talk t = {
			    .e = carrier_sim_engine_new(
				carrier_sim_personas_find(&people, "moody"),
				speech, i, 0)};

			assert_false(frame(&t, false));
			got[k] = t.last.outcome;
			carrier_sim_engine_free(&t.e);
		}
		assert_int_equal(got[0], got[1]);
		yes += got[0] == JOB_OUTCOME_COMPLETED;
	}
	assert_in_range(yes, 200, 300);
	done();
}

static void
the_personas_that_ship_can_be_met(void **state)
{
	static const char *const names[] = {"human", "receptionist", "tree",
	    "voicemail", "hangs-up", "silent", "slow"};
	struct err err = {0};

	(void)state;
	world_begin("named");
	(void)snprintf(
	    world.personas, sizeof(world.personas), "%s", "fixtures/personas");
	load();
	assert_int_equal(people.count, 14);
	assert_int_equal(
	    carrier_sim_personas_choose(&people, "+19995550000", 0)->answer,
	    CARRIER_SIM_ANSWER_INSTANT);
	media_speech_free(&speech);
	if (access("fixtures/speech/callee/index.tsv", R_OK) == 0)
		assert_int_equal(media_speech_open(world.real,
				     "fixtures/speech", &speech, &err),
		    ERR_NONE);
	else
		assert_int_equal(
		    media_speech_open(world.real, NULL, &speech, &err),
		    ERR_NONE);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (uint64_t draws = 0; draws < 12; draws++) {
			struct talk t = {
			    .e = carrier_sim_engine_new(
				carrier_sim_personas_find(&people, names[i]),
				speech, draws, 0)};
			int n = 0;

			/* An agent that speaks two seconds of every six, and
			 * presses a key now and then. */
			while (n < 5 * 60 * 50 && frame(&t, n / 50 % 6 < 2))
				if (++n % 700 == 0)
					carrier_sim_engine_press(t.e, "3");
			assert_true(n < 5 * 60 * 50);
			assert_int_not_equal(t.last.outcome, JOB_OUTCOME_NONE);
			carrier_sim_engine_free(&t.e);
		}
	done();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_wrong_persona_is_refused_with_its_line),
	    cmocka_unit_test(nobody_is_no_name_of_a_persona),
	    cmocka_unit_test(a_file_bears_its_personas_name),
	    cmocka_unit_test(a_number_chooses_before_weight_does),
	    cmocka_unit_test(
		where_nobody_is_described_the_number_does_not_exist),
	    cmocka_unit_test(who_is_never_spoken_to_hangs_up),
	    cmocka_unit_test(it_answers_when_the_agent_has_finished),
	    cmocka_unit_test(a_voicemail_beeps_and_records),
	    cmocka_unit_test(a_menu_is_read_twice_and_then_gives_up),
	    cmocka_unit_test(a_key_cuts_the_menu_short_and_leads_on),
	    cmocka_unit_test(keys_typed_ahead_and_pauses_are_kept),
	    cmocka_unit_test(a_wrong_key_is_complained_about),
	    cmocka_unit_test(a_callee_presses_keys_that_can_be_heard),
	    cmocka_unit_test(a_circle_without_time_ends),
	    cmocka_unit_test(chances_come_from_the_draws_alone),
	    cmocka_unit_test(the_personas_that_ship_can_be_met),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
