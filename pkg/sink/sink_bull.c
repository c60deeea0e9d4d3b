#include "sink/sink_bull.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#include "bull/bull_ticket.h"
#include "journal/journal_lease.h"
#include "journal/journal_read.h"
#include "json/json_write.h"

#define AT_ONCE 512
#define BATCH 128 /* answers of one call: a script holds all others up */
#define VALUE_MAX (64 << 10)
#define RECLAIMS_MOST 2

struct sink_bull {
	struct sink_bull_options o;
	struct sink_pusher pusher;
	struct list pushes;
	struct list fresh;    /* begun, and their leases not read yet */
	struct list batches;  /* under way */
	struct batch *filled; /* to be sent with the next flush, or NULL */
};

/* Completions that are said in one call. */
struct batch {
	struct sink_bull *sink;
	struct list node;
	struct bull_call call;
	struct answer *answers[BATCH]; /* NULL: dropped meanwhile */
	struct buf values[BATCH];
	size_t count;
};

/* One answer on its way. */
struct answer {
	struct sink_bull *sink;
	struct sink_push *push;
	struct list node;
	struct list fresh;
	struct env_post post; /* done() of what needs no call */
	char *lease;          /* as the journal has it */
	struct bull_ticket ticket;
	struct bull_call call;
	struct batch *batch; /* its call is that one's, at */
	size_t at;
	bool backoff; /* by SINK_BULL_BACKOFF_MS */
	int reclaims;
};

static void
answer_free(struct answer *a)
{
	if (a->batch != NULL)
		a->batch->answers[a->at] = NULL;
	list_remove(&a->node);
	list_remove(&a->fresh);
	list_remove(&a->post.node);
	mem_free(&a->lease);
	bull_cancel(&a->call);
	bull_call_fini(&a->call);
	bull_ticket_fini(&a->ticket);
	mem_free(&a);
}

static void
batch_free(struct batch *b)
{
	list_remove(&b->node);
	bull_cancel(&b->call);
	bull_call_fini(&b->call);
	for (size_t i = 0; i < b->count; i++)
		buf_free(&b->values[i]);
	mem_free(&b);
}

static void
finish(struct answer *a, enum err_code code, const struct err *err, bool blame)
{
	struct sink_push *p = a->push;

	p->code = code;
	if (code != ERR_NONE)
		p->err = *err;
	p->retry_after_ms = -1;
	p->blame = blame;
	p->impl = NULL;
	answer_free(a);
	p->done(p);
}

/* --- what is said -----------------------------------------------------------
 */

static bool
may_come_again(const struct sink_result *r)
{
	switch (r->outcome) {
	case JOB_OUTCOME_NO_ANSWER:
	case JOB_OUTCOME_BUSY:
	case JOB_OUTCOME_FAILED:
	case JOB_OUTCOME_HANGUP:
	case JOB_OUTCOME_NETWORK:
	case JOB_OUTCOME_REFUSED:
		return r->state == JOB_DONE || r->state == JOB_FAILED;
	case JOB_OUTCOME_NONE:
	case JOB_OUTCOME_COMPLETED:
	case JOB_OUTCOME_VOICEMAIL:
	case JOB_OUTCOME_INTERRUPTED:
	case JOB_OUTCOME_UNKNOWN:
	case JOB_OUTCOME_COUNT:
	default:
		return false;
	}
}

static void
write_value(const struct sink_result *r, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_write_object(&w);
	json_field_i64(&w, "schema", 1);
	json_field_str(&w, "job", r->id);
	json_field_str(&w, "outcome", job_outcome_name(r->outcome));
	json_field_i64(&w, "attempts", r->attempts);
	json_field_str(&w, "callId", *r->call_id != '\0' ? r->call_id : NULL);
	json_field_i64(&w, "durationMs", sink_result_talked_ms(r));
	json_field_str(&w, "recordingUrl",
	    *r->recording_url != '\0' ? r->recording_url : NULL);
	json_field_str(&w, "transcriptUrl",
	    *r->transcript_url != '\0' ? r->transcript_url : NULL);
	json_field_i64(&w, "revision", r->revision);
	json_write_end(&w);
}

static void answered(struct bull_call *c);
static void known(struct bull_call *c);

static void
say(struct answer *a)
{
	const struct sink_result *r = a->push->result;
	struct bull *bull = a->sink->o.bull;
	bool again = a->ticket.attempts > 1 && may_come_again(r);
	struct buf text = BUF_INIT(VALUE_MAX);
	struct err err = {0};

	/* A sync has no source that would have asked already. */
	if (bull_library(bull) == BULL_ANY) {
		a->call = (struct bull_call){.done = known};
		bull_detect(bull, &a->call);
		return;
	}
	a->call = (struct bull_call){.done = answered};
	if (r->state == JOB_DONE && !again) {
		write_value(r, &text);
		CHECK(bull_complete(bull, &a->ticket.ref, text.bytes, text.len,
			  &a->call, &err) == ERR_NONE);
	} else {
		buf_printf(&text, "dsrun: %s%s%s%s", job_state_name(r->state),
		    *r->reason != '\0' ? ", " : "", r->reason,
		    r->outcome != JOB_OUTCOME_NONE ? ", " : "");
		if (r->outcome != JOB_OUTCOME_NONE)
			buf_puts(&text, job_outcome_name(r->outcome));
		bull_fail(bull, &a->ticket.ref, buf_text(&text), "", !again,
		    a->backoff ? SINK_BULL_BACKOFF_MS : -1, &a->call);
	}
	buf_free(&text);
}

/* --- what comes of it
 * ---------------------------------------------------------
 */

/* The lease is noted as answered with the row (sink_push.h). */
static void
write_answered(struct answer *a)
{
	struct err none = {0};

	a->push->answered = a->lease;
	a->lease = NULL;
	finish(a, ERR_NONE, &none, false);
}

/* Under the lease that the call's answer named. */
static void
say_under(struct answer *a)
{
	struct buf text = BUF_INIT(1 << 20);
	struct err err = {0};

	a->ticket.ref.lease = a->call.text;
	bull_ticket_write(&a->ticket.ref, a->ticket.attempts, &text);
	bull_ticket_fini(&a->ticket);
	if (bull_ticket_read(buf_text(&text), &a->ticket, &err) != ERR_NONE) {
		finish(a, err.code, &err, false);
	} else {
		bull_call_fini(&a->call);
		say(a);
	}
	buf_free(&text);
}

static void
reclaimed(struct bull_call *c)
{
	struct answer *a = CONTAINER_OF(c, struct answer, call);
	struct err err = c->err;

	if (c->code != ERR_NONE) {
		finish(a, c->code, &err, true);
		return;
	}
	if (c->answer == BULL_DONE)
		say_under(a);
	else
		write_answered(a); /* somebody else's now */
}

/* Which library's queue it is. */
static void
known(struct bull_call *c)
{
	struct answer *a = CONTAINER_OF(c, struct answer, call);
	struct err err = c->err;

	if (c->code != ERR_NONE) {
		finish(a, c->code, &err, true);
		return;
	}
	bull_call_fini(c);
	say(a);
}

static void
heard(struct answer *a)
{
	struct bull_call *c = &a->call;
	struct err err = c->err;

	if (c->code != ERR_NONE) {
		finish(a, c->code, &err, true);
		return;
	}
	if (c->answer == BULL_BACKOFF && !a->backoff) {
		bull_call_fini(c);
		a->backoff = true;
		say(a);
		return;
	}
	if (c->answer == BULL_OTHERS &&
	    bull_is_ours(a->sink->o.bull, c->text) &&
	    a->reclaims++ < RECLAIMS_MOST) {
		say_under(a); /* another process of ours took it again */
		return;
	}
	if (bull_was_put_back(c) && a->reclaims++ < RECLAIMS_MOST) {
		bull_call_fini(c);
		a->call = (struct bull_call){.done = reclaimed};
		bull_reclaim(a->sink->o.bull, &a->ticket.ref,
		    a->sink->o.lock_ms, &a->call);
		return;
	}
	if (c->answer == BULL_CHILDREN) {
		(void)err_set(&err, ERR_BUSY, 0,
		    "it has children in the queue that are not done");
		finish(a, err.code, &err, false);
		return;
	}
	if (c->answer == BULL_GONE || c->answer == BULL_OTHERS ||
	    c->answer == BULL_MOVED)
		(void)snprintf(a->push->note, sizeof(a->push->note), "%s",
		    c->answer == BULL_GONE
			? "its queue has no such job in it any more"
			: "its queue has given it to another meanwhile");
	write_answered(a);
}

static void
answered(struct bull_call *c)
{
	CRASH_POINT("sink.bull.answered");
	heard(CONTAINER_OF(c, struct answer, call));
}

/* --- many at once -----------------------------------------------------------
 */

/* The only thing left to say is "completed", and of which library is known. */
static bool
may_be_gathered(const struct answer *a)
{
	return a->push->result->state == JOB_DONE &&
	       !(a->ticket.attempts > 1 && may_come_again(a->push->result)) &&
	       bull_library(a->sink->o.bull) != BULL_ANY;
}

static void
gather(struct answer *a)
{
	struct sink_bull *s = a->sink;
	struct batch *b = s->filled;

	if (b == NULL) {
		b = mem_zalloc(1, sizeof(*b));
		b->sink = s;
		s->filled = b;
	}
	a->batch = b;
	a->at = b->count;
	b->answers[b->count] = a;
	b->values[b->count] = BUF_INIT(VALUE_MAX);
	write_value(a->push->result, &b->values[b->count++]);
}

/* What Redis said of all.  One that it stumbles over must not stand in the way
 * of the others: then each is said by itself. */
static void
all_answered(struct bull_call *c)
{
	struct batch *b = CONTAINER_OF(c, struct batch, call);

	CRASH_POINT("sink.bull.answered");
	for (size_t i = 0; i < b->count; i++) {
		struct answer *a = b->answers[i];

		if (a == NULL)
			continue;
		a->batch = NULL;
		if (c->code != ERR_NONE) {
			say(a);
			continue;
		}
		a->call = (struct bull_call){
		    .answer = c->ended[i].answer, .text = c->ended[i].text};
		heard(a);
	}
	batch_free(b);
}

static void
send_filled(struct sink_bull *s)
{
	struct batch *b = s->filled;
	struct bull_end ends[BATCH];
	size_t n = 0;

	s->filled = NULL;
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->count; i++) {
		struct answer *a = b->answers[i];

		if (a == NULL) {
			buf_free(&b->values[i]);
			continue;
		}
		ends[n] = (struct bull_end){
		    &a->ticket.ref, b->values[i].bytes, b->values[i].len};
		a->at = n;
		b->values[n] = b->values[i];
		b->answers[n++] = a;
	}
	b->count = n;
	list_add_tail(&s->batches, &b->node);
	if (n == 0) {
		batch_free(b);
		return;
	}
	b->call = (struct bull_call){.done = all_answered};
	bull_complete_all(s->o.bull, ends, n, &b->call);
	for (size_t i = 0; i < n; i++)
		buf_free(&b->values[i]);
}

/* --- the port
 * -----------------------------------------------------------------
 */

/* Nobody waits for it. */
static void
nothing_posted(struct env_post *post)
{
	struct answer *a = CONTAINER_OF(post, struct answer, post);
	struct err err = a->push->err;

	finish(a, err.code, &err, false);
}

static void
bull_start(void *impl, struct sink_push *p)
{
	struct sink_bull *s = impl;
	struct answer *a = mem_zalloc(1, sizeof(*a));

	a->sink = s;
	a->push = p;
	a->post.fn = nothing_posted;
	p->impl = a;
	list_add_tail(&s->pushes, &a->node);
	list_add_tail(&s->fresh, &a->fresh);
}

/* This queue does not know the job; to take that for "gone" would lose the
 * answer that somebody waits for at the other. */
static bool
is_of_another(const struct answer *a, struct err *err)
{
	const char *name = a->sink->o.name;
	const char *source = a->push->result->source;

	if (name == NULL || strcmp(source, name) == 0)
		return false;
	(void)err_set(err, ERR_BUSY, 0,
	    "it came from %.120s, and bull.queue is %.120s now: name the "
	    "other one again until this is pushed, or drop it",
	    source, name);
	return true;
}

/* Whether there is something to say, and of which delivery; err: why not. */
static bool
read_lease(struct answer *a, struct err *err)
{
	struct journal_lease lease;
	bool found = false;

	if (journal_read_lease(a->sink->o.journal, a->push->result->job, &lease,
		&found, err) != ERR_NONE ||
	    !found || lease.state != JOURNAL_LEASE_HELD ||
	    is_of_another(a, err) ||
	    bull_ticket_read(lease.ticket, &a->ticket, err) != ERR_NONE)
		return false;
	a->lease = mem_strdup(lease.ticket);
	return true;
}

static void
begin(struct sink_bull *s, struct answer *a)
{
	if (!may_be_gathered(a)) {
		say(a);
		return;
	}
	gather(a);
	if (s->filled->count == BATCH)
		send_filled(s);
}

/* All that were begun, read as of one moment. */
static void
bull_flush(void *impl)
{
	struct sink_bull *s = impl;
	struct list *node;
	struct err err = {0};
	enum err_code code = journal_read_begin(s->o.journal, &err);

	while ((node = list_pop(&s->fresh)) != NULL) {
		struct answer *a = CONTAINER_OF(node, struct answer, fresh);

		a->push->err = err;
		if (code == ERR_NONE && read_lease(a, &a->push->err))
			begin(s, a);
		else
			env_post(s->o.env, &a->post);
	}
	if (code == ERR_NONE)
		journal_read_end(s->o.journal);
	send_filled(s);
}

static void
bull_cancel_push(void *impl, struct sink_push *p)
{
	struct answer *a = p->impl;

	(void)impl;
	p->impl = NULL;
	if (a != NULL)
		answer_free(a);
}

static void
bull_free(void *impl)
{
	struct sink_bull *s = impl;

	if (s->filled != NULL)
		batch_free(s->filled);
	LIST_FOREACH_SAFE (it, &s->batches)
		batch_free(CONTAINER_OF(it, struct batch, node));
	LIST_FOREACH_SAFE (it, &s->pushes)
		answer_free(CONTAINER_OF(it, struct answer, node));
	mem_free(&s);
}

static const struct sink_push_ops ops = {.start = bull_start,
    .cancel = bull_cancel_push,
    .flush = bull_flush,
    .free = bull_free};

struct sink_pusher *
sink_bull_new(const struct sink_bull_options *options)
{
	struct sink_bull *s = mem_zalloc(1, sizeof(*s));

	s->o = *options;
	list_init(&s->pushes);
	list_init(&s->fresh);
	list_init(&s->batches);
	s->pusher =
	    (struct sink_pusher){"bull", "bull", &ops, s, .at_once = AT_ONCE};
	return &s->pusher;
}
