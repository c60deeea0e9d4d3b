#ifndef DSRUN_JOB_STATE_H
#define DSRUN_JOB_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * The life of a job and of an attempt, as two tables.
 *
 * This module knows no clock, no database and no network: it answers "given
 * this state and this event, what is next, and what may happen to the job
 * with it".  journal/ records the answer, run/ carries it out, `dsrun states`
 * prints it, and the SQL table `step` is written from it.
 *
 * An attempt is one permission to dial.  A job is its attempts, one after the
 * other.  Numbers of states, events and rows are stored in journals: they are
 * never changed, only added to, at the end of each list.
 */

#define JOB_STATES(X)                                                   \
	X(QUEUED, "not yet: not_before lies ahead, or data is missing") \
	X(READY, "may be claimed")                                      \
	X(HELD, "an attempt is live")                                   \
	X(DONE, "the last call ended and the ladder asks for no more")  \
	X(FAILED, "it could not be called")                             \
	X(EXPIRED, "its time ran out before it could be called")        \
	X(CANCELLED, "somebody cancelled it")                           \
	X(PARKED, "a person must decide")                               \
	X(NONE, "not in the journal yet")

#define JOB_EVENTS(X)                                                 \
	X(QUEUE)   /* intake: not yet */                              \
	X(ADMIT)   /* intake: at once */                              \
	X(DUE)     /* not_before has come */                          \
	X(LATER)   /* a gate or the ladder says when */               \
	X(CLAIM)   /* an attempt became live */                       \
	X(RELEASE) /* nothing was sent; may be claimed again */       \
	X(FINISH)  /* the call ended, no more are asked for */        \
	X(FAIL)    /* it cannot be called */                          \
	X(EXPIRE)  /* expires_at has come */                          \
	X(CANCEL)  /* a person or the source took it back */          \
	X(PARK)    /* nobody but a person can know */                 \
	X(RETRY)   /* a named person: from the start of the ladder */ \
	X(REDIAL)  /* a named person: one more call */                \
	X(NOTE)    /* nothing changes; the event says something */

#define ATTEMPT_STATES(X)                                             \
	X(NEW, "not begun, or given back with nothing sent")          \
	X(CLAIMED, "taken by an owner; nothing was sent")             \
	X(INTENT, "on disk that we dial; bytes may have left")        \
	X(PLACED, "the carrier has it")                               \
	X(RINGING, "the phone rings")                                 \
	X(ANSWERED, "somebody or something answered")                 \
	X(UNKNOWN, "sent, perhaps; evidence is being sought")         \
	X(PARKED, "no evidence can be had; a person must decide")     \
	X(ENDED, "over, with an outcome")                             \
	X(REFUSED, "the carrier refused for certain; no phone rang")  \
	X(ABSENT, "proved never to have reached the network")         \
	X(CANCELLED, "given up before anything was sent, or dropped") \
	X(CONFLICT, "evidence of a call that was held not to exist")

#define ATTEMPT_EVENTS(X)                                                  \
	X(CLAIM)          /* an owner takes it, something is awaited */    \
	X(ARM)            /* txn A: from here on the phone may ring */     \
	X(RELEASE)        /* given back: gate later, or the owner stops */ \
	X(DENY)           /* a gate says never */                          \
	X(CANCEL)         /* cancelled before INTENT */                    \
	X(UNSENT)         /* dial_until over before the first byte */      \
	X(REFUSE)         /* definite refusal */                           \
	X(DOUBT)          /* timeout, reset, any other answer */           \
	X(PLACE)          /* evidence: the carrier has it (txn B) */       \
	X(RING)           /* evidence: the phone rings */                  \
	X(ANSWER)         /* evidence: answered */                         \
	X(END)            /* evidence: over (txn C) */                     \
	X(SETTLE)         /* the settle time starts now */                 \
	X(LOOK)           /* a lookup said absent, once */                 \
	X(RESEND)         /* the same key again */                         \
	X(VANISH)         /* absent twice, within the carrier's memory */  \
	X(PARK)           /* deadline passed, or the carrier is blind */   \
	X(RESOLVE_PLACED) /* a named person: it was placed */              \
	X(RESOLVE_ABSENT) /* a named person: it was not */                 \
	X(RESOLVE_DROP)   /* a named person: forget it */                  \
	X(OWNER_DEAD)     /* its owner died; another took over */          \
	X(CONTRADICT)     /* late evidence of a call held not to exist */

#define X(name, text) JOB_##name,
enum job_state {
	JOB_STATES(X) JOB_STATE_COUNT
};
#undef X
#define X(name) JOB_EV_##name,
enum job_event {
	JOB_EVENTS(X) JOB_EVENT_COUNT
};
#undef X
#define X(name, text) ATTEMPT_##name,
enum attempt_state {
	ATTEMPT_STATES(X) ATTEMPT_STATE_COUNT
};
#undef X
#define X(name) ATTEMPT_EV_##name,
enum attempt_event {
	ATTEMPT_EVENTS(X) ATTEMPT_EVENT_COUNT
};
#undef X

#define JOB_BIT(event) (1U << JOB_EV_##event)

/* A row's number in the SQL table step: machine * 1000 + position. */
enum job_machine {
	JOB_MACHINE_JOB,
	JOB_MACHINE_ATTEMPT
};

struct job_row {
	enum job_state was;
	enum job_event event;
	enum job_state next;
};

/*
 * job_events: what the job may do in the same transaction, as JOB_BIT()s; 0 =
 * the job stays as it is.  Exactly one of them happens unless NOTE is among
 * them, which stands for "none".
 */
struct attempt_row {
	enum attempt_state was;
	enum attempt_event event;
	enum attempt_state next;
	unsigned job_events;
};

const struct job_row *job_rows(size_t *count);
const struct attempt_row *job_attempt_rows(size_t *count);

/*
 * What event does in state; *step is the row's number in the SQL table.
 * ERR_STATE when the table has no such row ("HELD does not take EXPIRE").
 */
enum err_code job_find(enum job_state was, enum job_event event,
    const struct job_row **row, int *step, struct err *err);
enum err_code job_find_attempt(enum attempt_state was, enum attempt_event event,
    const struct attempt_row **row, int *step, struct err *err);

const char *job_state_name(enum job_state state);
const char *job_event_name(enum job_event event);
const char *job_attempt_state_name(enum attempt_state state);
const char *job_attempt_event_name(enum attempt_event event);
const char *job_state_text(enum job_state state);
const char *job_attempt_state_text(enum attempt_state state);
enum err_code job_state_parse(
    const char *name, enum job_state *out, struct err *err);

/* DONE, FAILED, EXPIRED, CANCELLED. */
bool job_is_final(enum job_state state);
/* CLAIMED to ANSWERED, and UNKNOWN: has an owner, holds number and org. */
bool job_attempt_is_live(enum attempt_state state);
/* ENDED, REFUSED, ABSENT, CANCELLED, CONFLICT: written once. */
bool job_attempt_is_final(enum attempt_state state);

/*
 * Outcomes (DESIGN section 4).  Stored as numbers: add at the end only.
 * JOB_OUTCOME_NONE = no outcome yet.
 */
#define JOB_OUTCOMES(X)               \
	X(NONE, "none")               \
	X(COMPLETED, "completed")     \
	X(VOICEMAIL, "voicemail")     \
	X(NO_ANSWER, "no-answer")     \
	X(BUSY, "busy")               \
	X(FAILED, "failed")           \
	X(HANGUP, "hangup")           \
	X(INTERRUPTED, "interrupted") \
	X(UNKNOWN, "unknown")         \
	X(REFUSED, "refused")         \
	X(NETWORK, "network")

#define X(name, text) JOB_OUTCOME_##name,
enum job_outcome {
	JOB_OUTCOMES(X) JOB_OUTCOME_COUNT
};
#undef X

const char *job_outcome_name(enum job_outcome outcome);
enum err_code job_outcome_parse(
    const char *name, enum job_outcome *out, struct err *err);

#endif
