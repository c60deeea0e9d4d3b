#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "source/source_bull_priv.h"

/* Words to the queue, each of one delivery, and what its answer comes to. */

void
source_bull_word_free(struct source_bull_word **wp)
{
	struct source_bull_word *w = *wp;

	if (w == NULL)
		return;
	list_remove(&w->node);
	mem_free(&w->ticket);
	mem_free(&w->reason);
	mem_free(&w->line);
	mem_free(wp);
}

struct source_bull_word *
source_bull_say(
    struct list *to, int64_t job, const char *ticket, int64_t due_ms)
{
	struct source_bull_word *w = mem_zalloc(1, sizeof(*w));

	w->job = job;
	w->ticket = mem_strdup(ticket);
	w->due_ms = due_ms;
	list_add_tail(to, &w->node);
	return w;
}

void
source_bull_words_drop(struct source_bull *s, struct list *words)
{
	struct list *node;

	while ((node = list_pop(words)) != NULL) {
		struct source_bull_word *w =
		    CONTAINER_OF(node, struct source_bull_word, node);

		/* Still ours there: it is refused, and counted, again. */
		if (w->job == 0 && w->reason != NULL)
			s->tally.refused--;
		if (w->job == 0 && w->due_ms > 0)
			s->blanks.put_off--;
		source_bull_word_free(&w);
	}
}

static void
note(struct source_bull *s, const struct source_bull_word *w,
    enum source_bull_what what, const char *ticket)
{
	if (w->job == 0)
		return;
	CHECK(s->note_count < SOURCE_BULL_BATCH);
	s->notes[s->note_count++] = (struct source_bull_note){.job = w->job,
	    .what = what,
	    .ticket = mem_strdup(ticket),
	    .until_ms = s->began_ms + s->o.lock_ms,
	    .of = mem_strdup(w->ticket)};
}

void
source_bull_note_fini(struct source_bull_note *n)
{
	mem_free(&n->ticket);
	mem_free(&n->of);
}

static void
word_said(struct source_bull *s)
{
	struct source_bull_word *w = s->saying;

	if (w->parked && bull_was_put_back(&s->call)) {
		/* By a stalled check: another must not take it. */
		s->saying = NULL;
		list_add_tail(&s->reclaim, &w->node);
		s->parked = true;
		return;
	}
	note(s, w, w->parked ? SOURCE_BULL_ANSWERED : SOURCE_BULL_AWAY, NULL);
	s->saying = NULL;
	source_bull_word_free(&w);
	if (list_empty(&s->words))
		source_bull_tell_ready(s);
}

static void
line_said(struct source_bull *s)
{
	struct source_bull_word *w = s->saying;

	mem_free(&w->line);
	s->saying = NULL;
	list_add_tail(s->words.next, &w->node); /* the next one still */
}

/* Somebody removed it, be it locked (queue.obliterate()).  A Redis that throws
 * things away may have done that itself. */
static bool
was_removed(const struct source_bull *s)
{
	return s->call.answer == BULL_GONE &&
	       strcmp(s->call.text, "removed") == 0 && source_bull_is_kept(s);
}

/*
 * Nobody removed a job whose lock had time left, but it is not there: Redis
 * lost it.  The journal has it, so it is called.
 */
static bool
lost_by_redis(const struct source_bull *s, const struct source_bull_word *w)
{
	return s->call.answer == BULL_GONE && !s->o.shared &&
	       w->until_ms > source_bull_real_ms(s);
}

/* Ours again, under the lease that the queue names, or not ours any more. */
static void
reclaimed(struct source_bull *s)
{
	struct source_bull_word *w = s->saying;
	struct bull_ticket t;
	struct buf text = BUF_INIT(1 << 20);
	struct err err = {0};

	if (s->call.answer == BULL_DONE &&
	    bull_ticket_read(w->ticket, &t, &err) == ERR_NONE) {
		t.ref.lease = s->call.text;
		bull_ticket_write(&t.ref, t.attempts, &text);
		note(s, w, SOURCE_BULL_RENEWED, buf_text(&text));
		bull_ticket_fini(&t);
	} else if (was_removed(s)) {
		note(s, w, SOURCE_BULL_GONE, NULL);
	} else if (!lost_by_redis(s, w)) {
		note(s, w, SOURCE_BULL_AWAY, NULL);
	}
	s->saying = NULL;
	source_bull_word_free(&w);
	buf_free(&text);
}

void
source_bull_say_next(struct source_bull *s, bool reclaim)
{
	static const char known[] = "{\"dsrun\":\"over long ago\"}";
	struct list *node = list_pop(reclaim ? &s->reclaim : &s->words);
	struct source_bull_word *w;
	struct bull_ticket t;
	struct bull_call *c;

	CHECK(node != NULL);
	w = CONTAINER_OF(node, struct source_bull_word, node);
	s->saying = w;
	if (bull_ticket_read(w->ticket, &t, &s->err) != ERR_NONE) {
		s->fatal = true;
		bull_ticket_fini(&t);
		source_bull_tell_ready(s);
		return;
	}
	c = source_bull_begin(s, reclaim           ? reclaimed
				 : w->line != NULL ? line_said
						   : word_said);
	if (w->line != NULL)
		bull_log(s->o.bull, &t.ref, w->line, c);
	else if (reclaim)
		bull_reclaim(s->o.bull, &t.ref, s->o.lock_ms, c);
	else if (w->known)
		CHECK(bull_complete(s->o.bull, &t.ref, known, sizeof(known) - 1,
			  c, &s->err) == ERR_NONE);
	else if (w->reason != NULL)
		bull_fail(s->o.bull, &t.ref, w->reason, "", true, -1, c);
	else if (w->due_ms > 0)
		bull_delay(s->o.bull, &t.ref, w->due_ms, c);
	else
		bull_hand_back(s->o.bull, &t.ref, c);
	bull_ticket_fini(&t);
}
