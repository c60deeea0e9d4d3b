#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "run/run_talk_priv.h"

#define TEXT_MAX 1000  /* bytes of a caption; more is cut */
#define AHEAD_MS 60000 /* a caption that claims to end later ends now */

/* An event with its text, in t->queue or t->pending. */
struct waiting {
	struct list node;
	struct talk_event event;
	int64_t due_ms;
	char text[];
};

int64_t
run_talk_clock(const struct run_talk *t)
{
	return t->frame * MEDIA_FRAME_MS;
}

/* The first failure counts; a call that cannot be kept is ended. */
void
run_talk_failed(struct run_talk *t, enum err_code code, const struct err *err)
{
	if (t->code == ERR_NONE) {
		t->code = code;
		t->err = *err;
	}
	t->wants_hangup = true;
}

static struct waiting *
new_waiting(const struct talk_event *e)
{
	size_t len = e->text == NULL ? 0 : strlen(e->text);
	struct waiting *w = mem_zalloc(1, sizeof(*w) + len + 1);

	w->event = *e;
	if (e->text != NULL) {
		memcpy(w->text, e->text, len + 1);
		w->event.text = w->text;
	}
	return w;
}

static void
push(struct run_talk *t, const struct talk_event *e)
{
	list_add_tail(&t->queue, &new_waiting(e)->node);
}

static void
say(struct run_talk *t, const struct talk_effect *fx)
{
	struct err err = {0};

	if (t->model.ops->say(t->call, fx->id, fx->text, &err) == ERR_NONE)
		return;
	/* what cannot be said was cut before its first word */
	push(t, &(struct talk_event){.kind = TALK_EV_SPOKEN, .id = fx->id});
	run_talk_failed(t, err.code, &err);
}

static void
flush(struct run_talk *t)
{
	struct model_spoken s = {0};

	if (t->model.ops->flush(t->call, &s))
		push(t, &(struct talk_event){.kind = TALK_EV_SPOKEN,
			    .id = s.id,
			    .played_ms = s.played_ms,
			    .text = s.heard});
}

/* The tones are recorded as ours; the network makes its own. */
static void
press(struct run_talk *t, const char *keys)
{
	struct err unused;

	t->carrier.ops->press(t->carrier.impl, t->call_id, keys);
	t->toning = media_tone_digits(&t->tone, keys, &unused) == ERR_NONE;
}

static void
carry_out(struct run_talk *t, const struct talk_effect *fx)
{
	switch (fx->kind) {
	case TALK_DO_SAY:
		say(t, fx);
		break;
	case TALK_DO_FLUSH:
		flush(t);
		break;
	case TALK_DO_PRESS:
		press(t, fx->text);
		break;
	case TALK_DO_BOOK:
		/* no calendar is wired to a call: the meeting stays a
		 * request, and talk says so */
		push(t, &(struct talk_event){
			    .kind = TALK_EV_TOOL_RESULT, .id = fx->id});
		break;
	case TALK_DO_HANG_UP:
		t->wants_hangup = true;
		break;
	case TALK_DO_SET_TIMER:
		t->due[fx->id] = fx->at_ms;
		break;
	case TALK_DO_CANCEL_TIMER:
		t->due[fx->id] = -1;
		break;
	case TALK_DO_LISTEN:
		t->listening = true;
		break;
	case TALK_DO_ADVISE:
		t->model.ops->advise(t->call, fx->text);
		break;
	case TALK_DO_NOTE: /* talk_result has it */
	case TALK_EFFECT_COUNT:
	default:
		break;
	}
}

static void
feed_one(struct run_talk *t, const struct talk_event *event)
{
	const struct talk_effect *fx;
	struct talk_event e = *event;
	size_t n;

	e.at_ms = run_talk_clock(t);
	if (t->ended && e.kind == TALK_EV_HANGUP && t->end_ms > e.at_ms)
		e.at_ms = t->end_ms;
	n = talk_feed(t->talk, &e, &fx);
	talk_file_put_event(&e, fx, n, &t->lines);
	for (size_t i = 0; i < n; i++)
		carry_out(t, &fx[i]);
}

static bool
is_full(const struct run_talk *t)
{
	return t->file_bytes + (int64_t)t->lines.len > RUN_TALK_FILE_BYTES;
}

void
run_talk_feed(struct run_talk *t, const struct talk_event *e)
{
	struct list *node;
	struct err err = {0};

	push(t, e);
	if (t->feeding)
		return;
	t->feeding = true;
	while ((node = list_pop(&t->queue)) != NULL) {
		struct waiting *w = CONTAINER_OF(node, struct waiting, node);

		feed_one(t, &w->event);
		mem_free(&w);
		if (t->lines.len >= RUN_TALK_LINES &&
		    run_talk_files_write(t, &err) != ERR_NONE)
			run_talk_failed(t, err.code, &err);
	}
	t->feeding = false;
	/* nobody talks that much: somebody floods us */
	if (is_full(t))
		t->wants_hangup = true;
}

/* ---- what comes from the carrier ---- */

static void
wait_for(struct run_talk *t, const struct talk_event *e, int64_t due_ms)
{
	struct list *after = t->pending.prev;
	struct waiting *w;

	if (t->pending_count == RUN_TALK_PENDING || t->ended || is_full(t))
		return;
	w = new_waiting(e);
	w->due_ms = due_ms;
	while (after != &t->pending &&
	       CONTAINER_OF(after, struct waiting, node)->due_ms > due_ms)
		after = after->prev;
	/* behind after = before its successor */
	list_add_tail(after->next, &w->node);
	t->pending_count++;
}

/* Valid UTF-8 without control characters, cut at a character's border. */
static char *
clean(const char *text)
{
	size_t len = strlen(text);
	char *copy;
	bool utf8;

	if (len > TEXT_MAX) {
		len = TEXT_MAX;
		while (len > 0 && ((unsigned char)text[len] & 0xC0U) == 0x80U)
			len--;
	}
	copy = mem_strndup(text, len);
	utf8 = text_is_utf8(copy, len);
	for (char *p = copy; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7F || (c >= 0x80 && !utf8))
			*p = ' ';
	}
	return copy;
}

void
run_talk_caption(
    struct run_talk *t, const char *text, int64_t start_ms, int64_t end_ms)
{
	char *copy = clean(text);
	int64_t now = run_talk_clock(t);

	if (end_ms < 0 || end_ms > now + AHEAD_MS)
		end_ms = now;
	if (start_ms < 0 || start_ms > end_ms)
		start_ms = end_ms;
	wait_for(t,
	    &(struct talk_event){.kind = TALK_EV_CAPTION,
		.text = copy,
		.start_ms = start_ms,
		.end_ms = end_ms},
	    end_ms);
	mem_free(&copy);
}

void
run_talk_dtmf(struct run_talk *t, char digit, int64_t at_ms)
{
	int64_t due = at_ms;

	if (digit == '\0' || strchr("0123456789*#ABCD", digit) == NULL)
		return;
	if (due > run_talk_clock(t) + AHEAD_MS)
		due = run_talk_clock(t);
	wait_for(
	    t, &(struct talk_event){.kind = TALK_EV_DTMF, .digit = digit}, due);
}

/* ---- what is due ---- */

static int
earliest_timer(const struct run_talk *t, int64_t clock_ms)
{
	int found = -1;

	for (int i = 0; i < TALK_TIMER_COUNT; i++)
		if (t->due[i] >= 0 && t->due[i] <= clock_ms &&
		    (found < 0 || t->due[i] < t->due[found]))
			found = i;
	return found;
}

void
run_talk_feed_due(struct run_talk *t, int64_t clock_ms)
{
	int timer;

	while (!list_empty(&t->pending)) {
		struct waiting *w =
		    CONTAINER_OF(t->pending.next, struct waiting, node);

		if (w->due_ms > clock_ms)
			break;
		list_remove(&w->node);
		t->pending_count--;
		run_talk_feed(t, &w->event);
		mem_free(&w);
	}
	while ((timer = earliest_timer(t, clock_ms)) >= 0) {
		t->due[timer] = -1;
		run_talk_feed(t,
		    &(struct talk_event){.kind = TALK_EV_TIMER, .id = timer});
	}
}

/* The queue is empty: whoever feeds goes on until it is. */
void
run_talk_feed_free(struct run_talk *t)
{
	struct list *node;

	while ((node = list_pop(&t->pending)) != NULL) {
		struct waiting *w = CONTAINER_OF(node, struct waiting, node);

		mem_free(&w);
	}
}
