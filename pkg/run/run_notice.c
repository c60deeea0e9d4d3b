#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "base/text.h"

#include "json/json.h"
#include "json/json_write.h"

#include "run/run_priv.h"

/*
 * What a carrier tells by itself: written into the inbox first, acknowledged
 * to the carrier only once that is durable, and folded by the attempt's owner.
 *
 * An attempt without owner is folded here, in the same transaction: a PARKED
 * one ends; one that was held not to exist (ABSENT, REFUSED, CANCELLED)
 * becomes a CONFLICT: its campaign is paused, and a person must look.
 */

struct run_notice {
	struct journal_tx tx;
	struct list node;
	struct run *run;
	struct carrier *carrier;
	char id[160];
	uint8_t key[SHA256_BYTES];
	int64_t event_seq;
	struct run_evidence evidence;
	double jitter;
	/* out */
	int64_t attempt;
	bool conflict, finished, live;
	char call_id[CARRIER_CALL_MAX];
};

static void
body_write(const struct run_evidence *e, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_write_object(&w);
	json_field_str(&w, "call", e->call_id);
	json_field_bool(&w, "ringing", e->ringing);
	json_field_i64(&w, "placed_ms", e->placed_ms);
	json_field_bool(&w, "answered", e->answered);
	json_field_i64(&w, "answered_ms", e->answered_ms);
	json_field_str(&w, "answered_by", e->answered_by);
	json_field_bool(&w, "ended", e->ended);
	json_field_i64(&w, "ended_ms", e->ended_ms);
	json_field_str(&w, "outcome", job_outcome_name(e->outcome));
	json_field_str(&w, "by", e->by);
	json_write_end(&w);
}

enum err_code
run_notice_read(const char *body, struct run_evidence *e, struct err *err)
{
	const struct json_limits limits = {4096, 2, 32};
	struct run_evidence n = {.placed = true};
	const char *call = "", *by = "", *answered_by = "", *outcome = "";
	struct json *d = NULL;
	enum err_code code = json_parse(body, strlen(body), &limits, &d, err);

	if (code == ERR_NONE &&
	    (json_str(d, "call", &call, err) != ERR_NONE ||
		json_bool(d, "ringing", &n.ringing, err) != ERR_NONE ||
		json_i64(d, "placed_ms", 0, JSON_I64_MAX, &n.placed_ms, err) !=
		    ERR_NONE ||
		json_bool(d, "answered", &n.answered, err) != ERR_NONE ||
		json_i64(d, "answered_ms", 0, JSON_I64_MAX, &n.answered_ms,
		    err) != ERR_NONE ||
		json_str(d, "answered_by", &answered_by, err) != ERR_NONE ||
		json_bool(d, "ended", &n.ended, err) != ERR_NONE ||
		json_i64(d, "ended_ms", 0, JSON_I64_MAX, &n.ended_ms, err) !=
		    ERR_NONE ||
		json_str(d, "outcome", &outcome, err) != ERR_NONE ||
		json_str(d, "by", &by, err) != ERR_NONE))
		code = err->code;
	if (code == ERR_NONE && n.ended)
		code = job_outcome_parse(outcome, &n.outcome, err);
	if (code == ERR_NONE) {
		(void)snprintf(n.call_id, sizeof(n.call_id), "%s", call);
		(void)snprintf(n.by, sizeof(n.by), "%s", by);
		(void)snprintf(
		    n.answered_by, sizeof(n.answered_by), "%s", answered_by);
		(void)snprintf(n.source, sizeof(n.source), "notice");
		run_evidence_merge(e, &n);
		(void)snprintf(e->source, sizeof(e->source), "notice");
	}
	json_free(&d);
	return code == ERR_NONE ? code : err_wrap(err, "inbox");
}

/* Nobody owns it: what the evidence means is decided here. */
static enum err_code
fold_unowned(struct run_notice *n, struct journal *j, struct journal_attempt *a,
    struct err *err)
{
	struct journal_job job;
	struct journal_change change = {
	    .job = &job, .attempt = a, .job_event = JOB_EV_NOTE};
	bool changed = false;

	if (journal_job_get(j, journal_attempt_job(a->id), &job, err) !=
	    ERR_NONE)
		return err->code;
	switch (a->state) {
	case ATTEMPT_PARKED:
		if (!n->evidence.ended)
			return ERR_NONE;
		change.attempt_event = ATTEMPT_EV_END;
		change.detail = "notice";
		a->ended_ms = n->evidence.ended_ms;
		if (n->evidence.placed_ms > 0)
			a->placed_ms = n->evidence.placed_ms;
		if (n->evidence.answered_ms > 0)
			a->answered_ms = n->evidence.answered_ms;
		a->outcome = n->evidence.outcome;
		(void)snprintf(a->carrier_call, sizeof(a->carrier_call), "%s",
		    n->evidence.call_id);
		if (run_step_ladder(n->run->o.conf, j, &job, a->id, a->outcome,
			false, n->jitter, &change.job_event, err) != ERR_NONE ||
		    journal_step(j, &change, err) != ERR_NONE)
			return err->code;
		n->finished = job_is_final(job.state);
		return n->finished ? run_step_finished(j, &job, a->id, err)
				   : ERR_NONE;
	case ATTEMPT_ABSENT:
	case ATTEMPT_REFUSED:
	case ATTEMPT_CANCELLED:
		change.attempt_event = ATTEMPT_EV_CONTRADICT;
		change.detail = n->evidence.call_id;
		if (job.state == JOB_QUEUED || job.state == JOB_READY) {
			/* It would dial the same number again. */
			job.reason = JOB_REASON_CONFLICT;
			change.job_event = JOB_EV_PARK;
		}
		if (journal_step(j, &change, err) != ERR_NONE)
			return err->code;
		n->conflict = true;
		return journal_pause(j, job.campaign, "dsrun",
		    "a call was placed that was held not to exist", &changed,
		    err);
	case ATTEMPT_NEW:
		/* Nothing was sent by us, so it is another life's call: a
		 * person must look before this number is dialled. */
		n->conflict = true;
		if (job.state != JOB_QUEUED && job.state != JOB_READY)
			return ERR_NONE;
		job.reason = JOB_REASON_CONFLICT;
		change.attempt = NULL;
		change.job_event = JOB_EV_PARK;
		change.detail = n->evidence.call_id;
		return journal_step(j, &change, err);
	case ATTEMPT_CLAIMED:
	case ATTEMPT_INTENT:
	case ATTEMPT_PLACED:
	case ATTEMPT_RINGING:
	case ATTEMPT_ANSWERED:
	case ATTEMPT_UNKNOWN:
	case ATTEMPT_ENDED:
	case ATTEMPT_CONFLICT:
	case ATTEMPT_STATE_COUNT:
	default:
		return ERR_NONE;
	}
}

static enum err_code
notice_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct run_notice *n = CONTAINER_OF(tx, struct run_notice, tx);
	struct buf body = BUF_INIT(4096);
	struct journal_attempt a;
	bool added = false;
	enum err_code code;

	n->conflict = false;
	n->finished = false;
	n->live = false;
	code =
	    journal_attempt_by_key(j, n->event_seq, n->key, &n->attempt, err);
	if (code != ERR_NONE || n->attempt == 0)
		return code;
	body_write(&n->evidence, &body);
	code = journal_attempt_get(j, n->attempt, &a, err);
	if (code == ERR_NONE)
		code = journal_inbox_put(j, "carrier", n->id, n->attempt,
		    JOURNAL_MSG_EVIDENCE, buf_text(&body), &added, err);
	buf_free(&body);
	if (code != ERR_NONE)
		return code;
	n->live = job_attempt_is_live(a.state);
	if (n->live || !added)
		return ERR_NONE;
	code = fold_unowned(n, j, &a, err);
	/* While it is PARKED the word stays for who resolves it: evidence of
	 * a call beats a person. */
	if (code == ERR_NONE && a.state != ATTEMPT_PARKED &&
	    a.state != ATTEMPT_NEW)
		code = journal_inbox_fold_all(j, n->attempt, err);
	return code;
}

static void
notice_free(struct run_notice *n)
{
	list_remove(&n->node);
	mem_free(&n);
}

static void
notice_done(struct journal_tx *tx)
{
	struct run_notice *n = CONTAINER_OF(tx, struct run_notice, tx);
	struct run *r = n->run;

	CRASH_POINT("run.notice.durable");
	if (tx->code == ERR_NONE) {
		struct run_call *c = run_call_find(r, n->attempt);

		/* A restored journal may come to know the key: until it is
		 * accepted the carrier shall say it again. */
		if (n->attempt != 0 || !journal_is_fresh(r->journal))
			n->carrier->ops->taken(n->carrier->impl, n->id);
		CRASH_POINT("run.notice.taken");
		r->progress.finished += n->finished;
		if (n->finished)
			run_sync_poke(r->sync);
		if (n->attempt == 0)
			LOG(r->o.log, LOG_LEVEL_ERROR, "notice.unknown-key",
			    LOG_STR("call", n->evidence.call_id));
		if (n->conflict) {
			char what[64];

			LOG(r->o.log, LOG_LEVEL_ERROR, "attempt.conflict",
			    LOG_INT("attempt", n->attempt),
			    LOG_STR("call", n->evidence.call_id));
			n->carrier->ops->hangup(
			    n->carrier->impl, n->evidence.call_id);
			(void)snprintf(what, sizeof(what), "conflict %lld",
			    (long long)n->attempt);
			run_attention(r, what);
		}
		if (c != NULL) {
			c->fold = true;
			run_call_poke(c);
		}
	} else if (err_class(tx->code) == ERR_CLASS_FATAL) {
		run_fail(r, tx->code, &tx->err);
	}
	notice_free(n);
	run_poke(r);
}

static void
heard(void *arg, const struct carrier_notice *in)
{
	struct run_watch *w = arg;
	struct run *r = w->run;
	struct run_notice *n = mem_zalloc(1, sizeof(*n));
	struct err err = {0};

	n->run = r;
	n->carrier = w->carrier;
	n->event_seq = in->event_seq;
	n->jitter = run_jitter(r);
	(void)snprintf(n->id, sizeof(n->id), "%s", in->id);
	list_add_tail(&r->notices, &n->node);
	run_evidence_add(&n->evidence, &in->progress, in->call_id,
	    in->placed_ms, in->answered_ms, "notice");
	n->tx.run = notice_run;
	n->tx.done = notice_done;
	n->tx.cls = JOURNAL_LIVE;
	CRASH_POINT("run.notice.heard");
	if (!text_unhex(in->key, n->key, sizeof(n->key)) || r->hard_stop ||
	    journal_submit(r->journal, &n->tx, &err) != ERR_NONE)
		notice_free(n); /* it will be delivered again */
}

void
run_notice_watch(struct run *r)
{
	r->watches = mem_zalloc(r->o.carrier_count + 1, sizeof(*r->watches));
	for (size_t i = 0; i < r->o.carrier_count; i++) {
		struct carrier *c = r->o.carriers[i].carrier;

		r->watches[i] = (struct run_watch){.run = r, .carrier = c};
		c->ops->watch(c->impl, heard, &r->watches[i]);
	}
}

void
run_notice_stop(struct run *r)
{
	for (size_t i = 0; i < r->o.carrier_count; i++) {
		struct carrier *c = r->o.carriers[i].carrier;

		c->ops->watch(c->impl, NULL, NULL);
	}
}
