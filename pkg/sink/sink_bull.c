#include "sink/sink_bull.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#include "bull/bull_ticket.h"
#include "journal/journal_lease.h"
#include "json/json_write.h"

#define AT_ONCE 256
#define VALUE_MAX (64 << 10)
#define RECLAIMS_MOST 2

struct sink_bull {
	struct sink_bull_options o;
	struct sink_pusher pusher;
	struct list pushes;
};

/* One answer on its way. */
struct answer {
	struct sink_bull *sink;
	struct sink_push *push;
	struct list node;
	struct env_post post; /* done() of what needs no call */
	struct journal_lease lease;
	struct bull_ticket ticket;
	struct bull_call call;
	struct journal_tx tx;
	bool writing, dropped;
	bool backoff; /* by SINK_BULL_BACKOFF_MS */
	int reclaims;
};

static void
answer_free(struct answer *a)
{
	list_remove(&a->node);
	list_remove(&a->post.node);
	if (a->writing) {
		a->dropped = true; /* its transaction's end frees it */
		return;
	}
	bull_cancel(&a->call);
	bull_call_fini(&a->call);
	bull_ticket_fini(&a->ticket);
	mem_free(&a);
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

static enum err_code
written_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	const struct answer *a = CONTAINER_OF(tx, struct answer, tx);
	bool same = false;
	enum err_code code =
	    journal_lease_is(j, a->lease.job, a->lease.ticket, &same, err);

	/* Taken again meanwhile: that delivery has an answer of its own. */
	if (code != ERR_NONE || !same)
		return code;
	return journal_lease_answered(j, a->lease.job, err);
}

static void
written(struct journal_tx *tx)
{
	struct answer *a = CONTAINER_OF(tx, struct answer, tx);

	CRASH_POINT("sink.bull.written");
	a->writing = false;
	if (a->dropped)
		answer_free(a);
	else
		finish(a, tx->code, &tx->err, false);
}

static void
write_answered(struct answer *a)
{
	struct err err;

	a->writing = true;
	a->tx = (struct journal_tx){
	    .run = written_run, .done = written, .cls = JOURNAL_LIVE};
	CHECK(journal_submit(a->sink->o.journal, &a->tx, &err) == ERR_NONE);
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
answered(struct bull_call *c)
{
	struct answer *a = CONTAINER_OF(c, struct answer, call);
	struct err err = c->err;

	CRASH_POINT("sink.bull.answered");
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
	struct err err = {0};
	bool found = false;

	a->sink = s;
	a->push = p;
	a->post.fn = nothing_posted;
	p->impl = a;
	list_add_tail(&s->pushes, &a->node);
	if (journal_read_lease(s->o.journal, p->result->job, &a->lease, &found,
		&err) == ERR_NONE &&
	    found && a->lease.state == JOURNAL_LEASE_HELD &&
	    bull_ticket_read(a->lease.ticket, &a->ticket, &err) == ERR_NONE) {
		say(a);
		return;
	}
	p->err = err;
	env_post(s->o.env, &a->post);
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

	LIST_FOREACH_SAFE (it, &s->pushes)
		answer_free(CONTAINER_OF(it, struct answer, node));
	mem_free(&s);
}

static const struct sink_push_ops ops = {.start = bull_start,
    .cancel = bull_cancel_push,
    .free = bull_free};

struct sink_pusher *
sink_bull_new(const struct sink_bull_options *options)
{
	struct sink_bull *s = mem_zalloc(1, sizeof(*s));

	s->o = *options;
	list_init(&s->pushes);
	s->pusher =
	    (struct sink_pusher){"bull", "bull", &ops, s, .at_once = AT_ONCE};
	return &s->pusher;
}
