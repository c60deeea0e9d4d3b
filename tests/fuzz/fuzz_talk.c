#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "fuzz.h"
#include "talk/talk_file.h"
#include "talk_kind.h"

/*
 * The conversation as a machine: any events in any order, as a line that is
 * late, doubled or mad may send them.  Nothing is said before the call is
 * answered or after it is over, every effect is one that can be carried out,
 * and the file of it replays to the same bytes.
 */

#define EVENTS_MAX 200

static const char *const words[] = {"", "Hello?", "Yes, speaking.",
    "not interested", "how much does it cost", "take me off your list",
    "please hold", "leave a message after the tone", "press 1 for billing",
    "Tuesday at ten works", "wrong number", "callee", "agent", "network",
    "human", "machine", "{\"start\":\"2027-01-05T17:00:00Z\"}", "no", "yes",
    "I am driving right now, goodbye", "are you a robot?",
    "\xc3\xa4\xe2\x82\xac \"quoted\"\n"};

/* What is carried out besides the machine, to be asked of its effects. */
struct world {
	struct talk *talk;
	struct buf file;
	bool answered;
	bool over; /* HANGUP was told */
	int64_t said_id;
	int64_t booked_id;
	int64_t at_ms;
};

static void
check_effect(struct world *w, const struct talk_effect *e)
{
	CHECK(e->kind < TALK_EFFECT_COUNT);
	CHECK(e->text == NULL || text_is_utf8(e->text, strlen(e->text)));
	switch (e->kind) {
	case TALK_DO_SAY:
		CHECK(w->answered && e->id > w->said_id);
		CHECK(e->text != NULL && *e->text != '\0');
		w->said_id = e->id;
		break;
	case TALK_DO_BOOK:
		CHECK(w->answered && e->id > w->booked_id && e->text != NULL);
		w->booked_id = e->id;
		break;
	case TALK_DO_PRESS:
		CHECK(w->answered && e->text != NULL);
		CHECK(strspn(e->text, "0123456789*#") == strlen(e->text));
		break;
	case TALK_DO_SET_TIMER:
		CHECK(e->id >= 0 && e->id < TALK_TIMER_COUNT);
		CHECK(e->at_ms >= w->at_ms);
		break;
	case TALK_DO_CANCEL_TIMER:
		CHECK(e->id >= 0 && e->id < TALK_TIMER_COUNT);
		break;
	case TALK_DO_HANG_UP:
	case TALK_DO_NOTE:
	case TALK_DO_ADVISE:
		CHECK(e->text != NULL);
		break;
	case TALK_DO_FLUSH:
	case TALK_DO_LISTEN:
		break;
	case TALK_EFFECT_COUNT:
		CHECK(false);
	}
	/* Into a line that is gone nothing is said, pressed or booked. */
	if (w->over)
		CHECK(e->kind == TALK_DO_CANCEL_TIMER ||
		      e->kind == TALK_DO_NOTE || e->kind == TALK_DO_FLUSH);
}

static void
feed(struct world *w, const struct talk_event *event)
{
	const struct talk_effect *effects = NULL;
	size_t count;

	w->answered = w->answered || event->kind == TALK_EV_ANSWERED;
	if (event->at_ms > w->at_ms)
		w->at_ms = event->at_ms;
	count = talk_feed(w->talk, event, &effects);
	CHECK(count <= TALK_EFFECTS_MAX);
	for (size_t i = 0; i < count; i++)
		check_effect(w, &effects[i]);
	w->over = w->over || talk_state(w->talk) == TALK_OVER;
	talk_file_put_event(event, effects, count, &w->file);
}

/* Ids are often those that are waited for, and times mostly go on. */
static struct talk_event
next_event(struct fuzz_in *in, const struct world *w)
{
	uint8_t kind = fuzz_u8(in);
	uint8_t how = fuzz_u8(in);
	struct talk_event e = {0};

	e.kind = (enum talk_event_kind)(kind % TALK_EVENT_COUNT);
	e.at_ms = w->at_ms + (int64_t)fuzz_u16(in) * (how & 7);
	if ((how & 8) != 0)
		e.at_ms = e.at_ms > 5000 ? e.at_ms - 5000 : 0;
	e.ok = (how & 16) != 0;
	if (e.kind == TALK_EV_TIMER)
		e.id = fuzz_u8(in) % TALK_TIMER_COUNT;
	else if (e.kind == TALK_EV_SPOKEN)
		e.id = (how & 32) != 0 ? 1 + fuzz_u8(in) : w->said_id;
	else if (e.kind == TALK_EV_TOOL_RESULT)
		e.id = (how & 32) != 0 ? 1 + fuzz_u8(in) : w->booked_id;
	if (e.kind == TALK_EV_CAPTION) {
		e.start_ms = fuzz_u16(in);
		e.end_ms = e.start_ms + fuzz_u16(in);
	}
	if (e.kind == TALK_EV_SPOKEN)
		e.played_ms = fuzz_u16(in);
	if (e.kind == TALK_EV_DTMF)
		e.digit = "0123456789*#"[fuzz_u8(in) % 12];
	if ((how & 64) == 0)
		e.text = words[fuzz_u8(in) % ARRAY_LEN(words)];
	return e;
}

static void
check_result(const struct world *w)
{
	struct talk_result r;

	talk_result(w->talk, &r);
	CHECK(r.outcome < JOB_OUTCOME_COUNT);
	CHECK(r.answered_by != NULL && r.decline_reason != NULL);
	CHECK(text_eq(r.answered_by, "") || text_eq(r.answered_by, "human") ||
	      text_eq(r.answered_by, "machine") ||
	      text_eq(r.answered_by, "ivr"));
}

static void
check_replay(const struct world *w)
{
	char *difference = NULL;
	struct err err = {0};
	int64_t events = 0;
	bool same = false;

	CHECK(talk_replay(w->file.bytes, w->file.len, &talk_kind, &same,
		  &difference, &events, &err) == ERR_NONE);
	CHECK(same && difference == NULL);
	mem_free(&difference);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_in in = {bytes, len};
	struct world w = {.file = BUF_INIT(TALK_FILE_MAX)};
	struct talk_values values;
	struct talk_header head = {
	    .talk = "1-1", .kind = "intro-call", .values = &values};
	struct err err = {0};

	talk_values_init(&values);
	CHECK(talk_gather(&talk_kind, "{\"first_name\":\"Anna\"}", "{}",
		  &values, &err) == ERR_NONE);
	talk_script_hash(&talk_kind, head.script);
	talk_file_put_header(&head, &w.file);
	CHECK(talk_new(&talk_kind, &values, &w.talk, &err) == ERR_NONE);
	for (int i = 0; in.left > 0 && i < EVENTS_MAX; i++) {
		struct talk_event e = next_event(&in, &w);

		feed(&w, &e);
		check_result(&w);
	}
	check_replay(&w);
	talk_free(&w.talk);
	talk_values_fini(&values);
	buf_free(&w.file);
	return 0;
}
