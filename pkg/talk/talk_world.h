#ifndef DSRUN_TALK_WORLD_H
#define DSRUN_TALK_WORLD_H

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "talk/talk.h"
#include "talk/talk_file.h"
#include "talk/talk_table.h"
#include "talk/talk_transcript.h"

/*
 * Whole conversations against a small world: it keeps the clock and the
 * timers, plays what is said at 60 ms a letter, and writes down what happened.
 * At the end of each the recorded file must replay to the same bytes.
 *
 * For talk's tests alone, which include cmocka.h before it.
 */

static struct conf_objection objections[] = {
    {(char *)(uintptr_t) "not interested, already have",
	(char *)(uintptr_t) "I understand. May I ask why?"},
    {(char *)(uintptr_t) "cost, price",
	(char *)(uintptr_t) "It costs nothing to compare."},
};

static const struct conf_kind full_kind = {
    .name = (char *)(uintptr_t) "intro-call",
    .max_call_ms = 300000,
    .script =
	{
	    .greeting = (char *)(uintptr_t) "Hello {{contact.first_name}}, "
					    "an automated assistant.",
	    .intro = (char *)(uintptr_t) "We help practices save.",
	    .meeting = (char *)(uintptr_t) "Could we meet this week?",
	    .voicemail = (char *)(uintptr_t) "Please call us back.",
	    .goodbye = (char *)(uintptr_t) "Bye now.",
	    .goal = (char *)(uintptr_t) "reach the practice administrator",
	    .objections = objections,
	    .objection_count = 2,
	},
    .agent_name = (char *)(uintptr_t) "Sarah",
};

#define LETTER_MS 60
#define HANGOVER_MS 500
#define GREETING "say Hello Anna, an automated assistant.\n"
#define INTRO "say We help practices save.\n"
#define MEETING "say Could we meet this week?\n"
#define GOODBYE "say Bye now.\n"

enum tool {
	TOOL_ABSENT,
	TOOL_BOOKS,
	TOOL_FAILS
};

struct world {
	const struct conf_kind *kind;
	struct talk_values values;
	struct talk *talk;
	int64_t now_ms;
	int64_t due[TALK_TIMER_COUNT];
	int64_t say_id, say_from_ms, say_to_ms;
	char *saying;
	int64_t flushed_id;
	int64_t book_id;
	enum tool tool;
	bool over;
	struct buf log;
	struct buf file;
	struct talk_result result;
};

static inline void feed(struct world *w, struct talk_event e);

static inline void
open_world(struct world *w, const struct conf_kind *kind)
{
	struct err err = {0};
	struct talk_header h = {.talk = "1-1", .kind = "intro-call"};

	memset(w, 0, sizeof(*w));
	w->kind = kind;
	w->log = BUF_INIT(1 << 20);
	w->file = BUF_INIT(64 << 20);
	for (size_t i = 0; i < TALK_TIMER_COUNT; i++)
		w->due[i] = -1;
	talk_values_init(&w->values);
	if (talk_gather(kind, "{\"first_name\":\"Anna\"}", "{}", &w->values,
		&err) != ERR_NONE ||
	    talk_new(kind, &w->values, &w->talk, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	talk_script_hash(kind, h.script);
	h.values = &w->values;
	talk_file_put_header(&h, &w->file);
	feed(w, (struct talk_event){.kind = TALK_EV_START});
}

static inline void
note(struct world *w, const char *what, const char *text)
{
	buf_printf(&w->log, "%s %s\n", what, text);
}

static inline void
carry_out(struct world *w, const struct talk_effect *fx)
{
	switch (fx->kind) {
	case TALK_DO_SAY:
		assert_int_equal(w->say_id, 0);
		w->say_id = fx->id;
		w->say_from_ms = w->now_ms;
		w->say_to_ms =
		    w->now_ms + LETTER_MS * (int64_t)strlen(fx->text);
		mem_free(&w->saying);
		w->saying = mem_strdup(fx->text);
		note(w, "say", fx->text);
		break;
	case TALK_DO_FLUSH:
		assert_int_not_equal(w->say_id, 0);
		w->flushed_id = w->say_id;
		w->say_id = 0;
		note(w, "flush", "");
		break;
	case TALK_DO_PRESS:
		note(w, "press", fx->text);
		break;
	case TALK_DO_BOOK:
		note(w, "book", "");
		w->book_id = fx->id;
		break;
	case TALK_DO_HANG_UP:
		note(w, "hang up", fx->text);
		w->over = true;
		break;
	case TALK_DO_NOTE:
		note(w, "note", fx->text);
		break;
	case TALK_DO_ADVISE:
		note(w, "advise", fx->text);
		break;
	case TALK_DO_SET_TIMER:
		assert_true(fx->at_ms >= w->now_ms);
		w->due[fx->id] = fx->at_ms;
		break;
	case TALK_DO_CANCEL_TIMER:
		w->due[fx->id] = -1;
		break;
	case TALK_DO_LISTEN:
		note(w, "listen", "");
		break;
	case TALK_EFFECT_COUNT:
		fail();
	}
}

static inline void
feed(struct world *w, struct talk_event e)
{
	const struct talk_effect *fx;

	e.at_ms = w->now_ms;
	if (e.kind == TALK_EV_TIMER)
		w->due[e.id] = -1;
	size_t n = talk_feed(w->talk, &e, &fx);

	talk_file_put_event(&e, fx, n, &w->file);
	for (size_t i = 0; i < n; i++)
		carry_out(w, &fx[i]);
	if (w->flushed_id != 0) {
		int64_t id = w->flushed_id;

		w->flushed_id = 0;
		feed(w, (struct talk_event){.kind = TALK_EV_SPOKEN,
			    .id = id,
			    .played_ms = w->now_ms - w->say_from_ms,
			    .text = "part"});
	}
}

static inline void
answer_tool(struct world *w)
{
	int64_t id = w->book_id;

	w->book_id = 0;
	if (w->tool == TOOL_BOOKS)
		feed(w, (struct talk_event){.kind = TALK_EV_TOOL_RESULT,
			    .id = id,
			    .ok = true,
			    .text = "{\"status\":\"booked\"}"});
	else if (w->tool == TOOL_FAILS)
		feed(w,
		    (struct talk_event){.kind = TALK_EV_TOOL_RESULT, .id = id});
}

/* Let time pass; what falls due on the way happens. */
static inline void
run_until(struct world *w, int64_t until_ms)
{
	while (!w->over) {
		int64_t next = until_ms + 1;
		int64_t timer = -1;

		if (w->book_id != 0)
			answer_tool(w);
		if (w->say_id != 0)
			next = w->say_to_ms;
		for (int64_t i = 0; i < TALK_TIMER_COUNT; i++)
			if (w->due[i] >= 0 && w->due[i] < next) {
				next = w->due[i];
				timer = i;
			}
		if (next > until_ms)
			break;
		w->now_ms = next;
		if (timer >= 0) {
			feed(w, (struct talk_event){
				    .kind = TALK_EV_TIMER, .id = timer});
		} else {
			int64_t id = w->say_id;

			w->say_id = 0;
			feed(w, (struct talk_event){.kind = TALK_EV_SPOKEN,
				    .id = id,
				    .ok = true,
				    .played_ms = w->say_to_ms - w->say_from_ms,
				    .text = w->saying});
		}
	}
	if (w->now_ms < until_ms)
		w->now_ms = until_ms;
}

static inline void
quiet(struct world *w, int64_t ms)
{
	run_until(w, w->now_ms + ms);
}

/* Until we have said everything that is queued. */
static inline void
listen_out(struct world *w)
{
	while (w->say_id != 0 && !w->over)
		run_until(w, w->say_to_ms);
}

static inline void
sound(struct world *w, int64_t ms)
{
	feed(w, (struct talk_event){.kind = TALK_EV_SPEECH_START});
	quiet(w, ms);
	quiet(w, HANGOVER_MS);
	feed(w, (struct talk_event){.kind = TALK_EV_SPEECH_STOP});
}

/* The callee says text now; then it is silent long enough for a turn. */
static inline void
hears(struct world *w, const char *text)
{
	int64_t from = w->now_ms;

	feed(w, (struct talk_event){.kind = TALK_EV_SPEECH_START});
	quiet(w, LETTER_MS * (int64_t)strlen(text));
	feed(w, (struct talk_event){.kind = TALK_EV_CAPTION,
		    .text = text,
		    .start_ms = from,
		    .end_ms = w->now_ms});
	quiet(w, HANGOVER_MS);
	feed(w, (struct talk_event){.kind = TALK_EV_SPEECH_STOP});
	quiet(w, 400);
}

/* Waits for the end of our words first. */
static inline void
replies(struct world *w, const char *text)
{
	listen_out(w);
	hears(w, text);
}

static inline void
event(struct world *w, enum talk_event_kind kind)
{
	feed(w, (struct talk_event){.kind = kind});
}

static inline void
answered(struct world *w)
{
	feed(w, (struct talk_event){.kind = TALK_EV_ANSWERED, .text = ""});
}

static inline void
hung_up(struct world *w, const char *by)
{
	feed(w, (struct talk_event){.kind = TALK_EV_HANGUP, .text = by});
	w->over = true;
}

static inline void
expect_replay(struct world *w)
{
	struct err err = {0};
	bool same = false;
	char *difference = NULL;
	int64_t events = 0;

	if (talk_replay(w->file.bytes, w->file.len, w->kind, &same, &difference,
		&events, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	if (!same)
		fail_msg("%s", difference);
	assert_true(events >= 2);
}

static inline void
expect_transcript(struct world *w)
{
	struct err err = {0};
	struct talk_transcript *t = NULL;

	if (talk_transcript_build(w->file.bytes, w->file.len, 0, &t, &err) !=
	    ERR_NONE)
		fail_msg("%s", err.text);
	talk_transcript_free(&t);
}

/* The whole log, and how the call is read. */
static inline void
close_world(struct world *w, const char *log, enum job_outcome outcome,
    const char *answered_by, const char *reason)
{
	if (w->over && talk_state(w->talk) != TALK_OVER)
		fail_msg("hung up, but in state %s",
		    talk_state_name(talk_state(w->talk)));
	if (log != NULL)
		assert_string_equal(buf_text(&w->log), log);
	talk_result(w->talk, &w->result);
	assert_string_equal(
	    job_outcome_name(w->result.outcome), job_outcome_name(outcome));
	assert_string_equal(w->result.answered_by, answered_by);
	assert_string_equal(w->result.decline_reason, reason);
	expect_replay(w);
	expect_transcript(w);
	talk_free(&w->talk);
	talk_values_fini(&w->values);
	mem_free(&w->saying);
	buf_free(&w->log);
	buf_free(&w->file);
}

#endif
