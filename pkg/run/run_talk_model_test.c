#include "run/run_talk_fix_test.h"

/* Models of a kind that none is yet. */

/* It speaks by itself, wants tools, and cannot always do what it should. */
struct odd {
	struct model_ear *ear;
	int64_t frame;
	bool does_not_start, cannot_say, is_cut;
	bool is_quick;   /* has spoken before say() returns */
	bool is_gone;    /* says so before say() returns */
	char answer[64]; /* to the tool it asked for */
	int stopped;
};

static enum err_code
odd_start(void *m, const struct model_session *session, struct model_call **out,
    struct err *err)
{
	struct odd *o = m;

	*out = NULL;
	if (o->does_not_start)
		return err_set(err, ERR_UNREACHABLE, 0, "no model today");
	o->ear = session->ear;
	*out = (struct model_call *)(void *)o;
	return ERR_NONE;
}

static void
odd_hear(struct model_call *c, const uint8_t callee[MODEL_FRAME])
{
	(void)c;
	(void)callee;
}

static enum err_code
odd_say(struct model_call *c, int64_t id, const char *text, struct err *err)
{
	struct odd *o = (struct odd *)(void *)c;
	struct err gone = {0};

	if (o->is_quick)
		o->ear->spoken(
		    o->ear, &(struct model_spoken){
				.id = id, .whole = true, .heard = text});
	if (o->is_gone)
		o->ear->failed(o->ear,
		    err_set(&gone, ERR_UNREACHABLE, 0, "it is gone"), &gone);
	return o->cannot_say ? err_set(err, ERR_STATE, 0, "its queue is full")
			     : ERR_NONE;
}

static bool
odd_frame(struct model_call *c, uint8_t agent[MODEL_FRAME])
{
	struct odd *o = (struct odd *)(void *)c;

	media_ulaw_silence(agent, MODEL_FRAME);
	if (++o->frame != 50)
		return false;
	o->ear->text(o->ear, "I am a machine.", 100, 900);
	o->ear->spoken(o->ear, &(struct model_spoken){.heard = "I am a"});
	o->ear->tool(o->ear, "t-1", "open_door", "{}");
	return false;
}

static bool
odd_flush(struct model_call *c, struct model_spoken *out)
{
	struct odd *o = (struct odd *)(void *)c;

	*out = (struct model_spoken){.id = 1, .played_ms = 40, .heard = "Hel"};
	return o->is_cut;
}

static void
odd_result(struct model_call *c, const char *call_id, const char *json)
{
	struct odd *o = (struct odd *)(void *)c;

	(void)snprintf(o->answer, sizeof(o->answer), "%s %s", call_id, json);
}

static void
odd_advise(struct model_call *c, const char *text)
{
	(void)c;
	(void)text;
}

static void
odd_stop(struct model_call **c)
{
	if (*c != NULL)
		((struct odd *)(void *)*c)->stopped++;
	*c = NULL;
}

static const struct model_ops odd_ops = {.start = odd_start,
    .hear = odd_hear,
    .say = odd_say,
    .frame = odd_frame,
    .flush = odd_flush,
    .tool_result = odd_result,
    .advise = odd_advise,
    .stop = odd_stop};

static enum err_code
start_odd_as(struct world *w, struct odd *odd, const struct conf_kind *k)
{
	static const char *const silent[] = {NULL};
	struct model scripted;
	enum err_code code;

	open_world(w, NULL);
	scripted = w->model;
	w->model = (struct model){.ops = &odd_ops, .impl = odd};
	code = start_as(w, k, silent);
	w->model = scripted;
	return code;
}

static enum err_code
start_odd(struct world *w, struct odd *odd)
{
	return start_odd_as(w, odd, &kind);
}

static void
tick_until(struct world *w, int64_t end_ms)
{
	for (int64_t ms = 0; ms < end_ms && !w->ended; ms += 20)
		(void)run_talk_tick(w->talk, START_MS + ms);
}

/* The call is over, and what was written of it; mem_free. */
static char *
talk_file(struct world *w)
{
	size_t len;

	end_call(w, "callee");
	net_env_run(w->env);
	assert_true(w->done);
	return read_file(w, "17-1.talk.jsonl", &len);
}

static void
what_a_model_says_by_itself_is_written_down_until_the_end(void **state)
{
	struct odd odd = {0};
	struct world w;
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(start_odd(&w, &odd), ERR_NONE);
	for (int64_t ms = 0; ms < 3000; ms += 20)
		(void)run_talk_tick(w.talk, START_MS + ms);
	assert_string_equal(
	    odd.answer, "t-1 {\"error\":\"there is no such tool\"}");
	end_call(&w, "callee");
	/* what comes after it belongs to nobody */
	odd.ear->text(odd.ear, "And another thing.", 3000, 3500);
	odd.ear->spoken(
	    odd.ear, &(struct model_spoken){.id = 1, .heard = "And"});
	net_env_run(w.env);
	assert_true(w.done);
	text = read_file(&w, "17-1.talk.jsonl", &len);
	assert_non_null(strstr(text, "I am a machine."));
	assert_null(strstr(text, "And"));
	mem_free(&text);
	run_talk_free(&w.talk);
	assert_int_equal(odd.stopped, 1);
	close_world(&w, true);
}

static void
a_call_whose_model_cannot_speak_is_ended(void **state)
{
	struct odd odd = {.cannot_say = true};
	struct world w;

	(void)state;
	assert_int_equal(start_odd(&w, &odd), ERR_NONE);
	run(&w, 20);
	assert_int_equal(w.hangups, 1);
	assert_int_equal(w.code, ERR_STATE);
	close_world(&w, true);
}

static void
of_several_failures_the_first_is_told(void **state)
{
	struct odd odd = {.is_gone = true, .cannot_say = true};
	struct world w;

	(void)state;
	assert_int_equal(start_odd(&w, &odd), ERR_NONE);
	run(&w, 20);
	assert_int_equal(w.hangups, 1);
	assert_int_equal(w.code, ERR_UNREACHABLE);
	assert_non_null(strstr(w.err.text, "it is gone"));
	close_world(&w, true);
}

/* Its word comes back from within an effect of the event before it. */
static void
what_is_spoken_at_once_comes_after_what_asked_for_it(void **state)
{
	struct odd odd = {.is_quick = true};
	struct world w;
	char *text, *say, *spoken;

	(void)state;
	assert_int_equal(start_odd(&w, &odd), ERR_NONE);
	tick_until(&w, 4000);
	text = talk_file(&w);
	say = strstr(text, "\"do\":\"say\"");
	spoken = strstr(text, "\"ev\":\"spoken\"");
	assert_non_null(say);
	assert_non_null(spoken);
	assert_true(say < spoken);
	/* each of them whole, and in the order in which they were fed */
	expect_replay(&w);
	mem_free(&text);
	close_world(&w, true);
}

static void
a_model_that_was_silent_has_nothing_cut_off(void **state)
{
	struct odd odd = {0};
	struct world w;
	char *text;

	(void)state;
	assert_int_equal(start_odd(&w, &odd), ERR_NONE);
	/* it was asked to speak, and has not begun */
	tick_until(&w, 4000);
	run_talk_caption(w.talk, "Tuesday works for me.", 3500, 4000);
	for (int64_t ms = 4000; ms < 6000; ms += 20)
		(void)run_talk_tick(w.talk, START_MS + ms);
	text = talk_file(&w);
	assert_non_null(strstr(text, "\"do\":\"flush\""));
	assert_null(strstr(text, "\"ev\":\"spoken\""));
	mem_free(&text);
	close_world(&w, true);
}

static void
without_its_model_no_conversation_begins(void **state)
{
	struct odd odd = {.does_not_start = true};
	struct world w;

	(void)state;
	assert_int_equal(start_odd(&w, &odd), ERR_UNREACHABLE);
	assert_null(w.talk);
	assert_int_equal(odd.stopped, 0);
	assert_false(there_is(&w, "17-1.ul2"));
	close_world(&w, true);
}

/* --- what a conversation cannot hold ---------------------------------------
 */

static void
a_flood_of_words_ends_the_call(void **state)
{
	static char words[1100], torn[1200];
	struct odd odd = {0};
	struct world w;
	int64_t ms = 0;

	(void)state;
	memset(words, 'a', sizeof(words) - 1);
	/* No character ends within the first thousand bytes. */
	memset(torn, 0x80, sizeof(torn) - 1);
	assert_int_equal(start_odd(&w, &odd), ERR_NONE);
	run_talk_caption(w.talk, torn, 0, 0);
	for (; w.hangups == 0 && ms < 60000; ms += 20) {
		run_talk_caption(w.talk, words, ms, ms);
		(void)run_talk_tick(w.talk, START_MS + ms);
	}
	assert_int_equal(w.hangups, 1);
	/* a megabyte in pieces of a thousand */
	assert_in_range(ms / 20, 500, 1200);
	net_env_run(w.env);
	assert_true(w.done);
	assert_int_equal(w.code, ERR_NONE);
	close_world(&w, true);
}

/* The carrier need not hang up at once. */
static void
words_behind_the_flood_are_not_kept(void **state)
{
	static char words[1100];
	struct odd odd = {0};
	struct world w;
	char *text;
	int64_t ms = 0;

	(void)state;
	memset(words, 'a', sizeof(words) - 1);
	assert_int_equal(start_odd(&w, &odd), ERR_NONE);
	w.ignores_hangup = true;
	for (; w.hangups == 0 && ms < 60000; ms += 20) {
		run_talk_caption(w.talk, words, ms, ms);
		(void)run_talk_tick(w.talk, START_MS + ms);
	}
	run_talk_caption(w.talk, "one word more", ms, ms);
	for (int n = 0; n < 50; n++, ms += 20)
		(void)run_talk_tick(w.talk, START_MS + ms);
	assert_int_equal(w.hangups, 1);
	text = talk_file(&w);
	assert_null(strstr(text, "one word more"));
	mem_free(&text);
	close_world(&w, true);
}

/* --- time ------------------------------------------------------------------
 */

/*
 * Two timers due within one frame: the nudge after three seconds of silence,
 * and the wrap-up of a kind whose calls are cut short.
 */
static char *
both_timers(struct world *w, struct odd *odd, int64_t max_call_ms)
{
	struct conf_kind brief = kind;

	brief.max_call_ms = max_call_ms;
	assert_int_equal(start_odd_as(w, odd, &brief), ERR_NONE);
	tick_until(w, 3200);
	return talk_file(w);
}

static void
of_two_timers_due_in_a_frame_the_earlier_fires_first(void **state)
{
	struct odd odd = {0};
	struct world w;
	char *text;

	(void)state;
	/* at 2991 ms: the call is over before anybody is nudged */
	text = both_timers(&w, &odd, 3987);
	assert_int_equal(w.hangups, 1);
	assert_non_null(strstr(text, "\"ev\":\"timer\",\"timer\":\"wrap_up\""));
	assert_null(strstr(text, "\"ev\":\"timer\",\"timer\":\"nudge\""));
	mem_free(&text);
	close_world(&w, true);
	/* at 3000 ms, with the nudge: both, in their order of the table */
	odd = (struct odd){0};
	text = both_timers(&w, &odd, 4000);
	char *nudge = strstr(text, "\"ev\":\"timer\",\"timer\":\"nudge\"");
	char *wrap_up = strstr(text, "\"ev\":\"timer\",\"timer\":\"wrap_up\"");

	assert_non_null(nudge);
	assert_non_null(wrap_up);
	assert_true(nudge < wrap_up);
	mem_free(&text);
	close_world(&w, true);
}

static void
what_is_known_of_the_callee_must_be_an_object(void **state)
{
	struct odd odd = {0};
	struct world w;
	struct model scripted;

	(void)state;
	open_world(&w, NULL);
	struct conf_kind endless = kind;
	struct run_talk_options o = {.env = w.env,
	    .carrier = &w.carrier,
	    .kind = &endless,
	    .model = &w.model,
	    .recordings_dir = w.dir,
	    .name = "17-1",
	    .call_id = "call-1",
	    .to = "+15125550100",
	    .contact_json = "[",
	    .data_json = "{}",
	    .hangup = on_hangup,
	    .arg = &w};

	scripted = w.model;
	w.model = (struct model){.ops = &odd_ops, .impl = &odd};
	assert_int_equal(
	    run_talk_start(&o, START_MS, &w.talk, &w.err), ERR_MALFORMED);
	assert_null(w.talk);
	assert_false(there_is(&w, "17-1.talk.jsonl"));
	/* Without a limit of its kind a call has room for five minutes. */
	o.contact_json = "{\"first_name\":\"Anna\"}";
	endless.max_call_ms = 0;
	assert_int_equal(
	    run_talk_start(&o, START_MS, &w.talk, &w.err), ERR_NONE);
	w.model = scripted;
	close_world(&w, true);
}

static void
words_that_the_end_cut_off_are_written_down(void **state)
{
	struct odd odd = {.is_cut = true};
	struct world w;
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(start_odd(&w, &odd), ERR_NONE);
	for (int64_t ms = 0; ms < 200; ms += 20)
		(void)run_talk_tick(w.talk, START_MS + ms);
	end_call(&w, "callee");
	net_env_run(w.env);
	assert_true(w.done);
	text = read_file(&w, "17-1.talk.jsonl", &len);
	assert_non_null(strstr(text, "\"Hel\""));
	mem_free(&text);
	close_world(&w, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		what_a_model_says_by_itself_is_written_down_until_the_end),
	    cmocka_unit_test(a_call_whose_model_cannot_speak_is_ended),
	    cmocka_unit_test(of_several_failures_the_first_is_told),
	    cmocka_unit_test(
		what_is_spoken_at_once_comes_after_what_asked_for_it),
	    cmocka_unit_test(a_model_that_was_silent_has_nothing_cut_off),
	    cmocka_unit_test(without_its_model_no_conversation_begins),
	    cmocka_unit_test(words_that_the_end_cut_off_are_written_down),
	    cmocka_unit_test(a_flood_of_words_ends_the_call),
	    cmocka_unit_test(words_behind_the_flood_are_not_kept),
	    cmocka_unit_test(
		of_two_timers_due_in_a_frame_the_earlier_fires_first),
	    cmocka_unit_test(what_is_known_of_the_callee_must_be_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
