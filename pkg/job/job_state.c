#include "job/job_state.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/mem.h"

/* clang-format off */
static const struct job_row jobs[] = {
	/* Intake. */
	{JOB_NONE,      JOB_EV_QUEUE,   JOB_QUEUED},
	{JOB_NONE,      JOB_EV_ADMIT,   JOB_READY},
	/* Waiting. */
	{JOB_QUEUED,    JOB_EV_DUE,     JOB_READY},
	{JOB_QUEUED,    JOB_EV_LATER,   JOB_QUEUED},
	{JOB_QUEUED,    JOB_EV_EXPIRE,  JOB_EXPIRED},
	{JOB_QUEUED,    JOB_EV_CANCEL,  JOB_CANCELLED},
	{JOB_QUEUED,    JOB_EV_FAIL,    JOB_FAILED},
	{JOB_QUEUED,    JOB_EV_PARK,    JOB_PARKED},
	{JOB_QUEUED,    JOB_EV_NOTE,    JOB_QUEUED},
	{JOB_READY,     JOB_EV_CLAIM,   JOB_HELD},
	{JOB_READY,     JOB_EV_LATER,   JOB_QUEUED},
	{JOB_READY,     JOB_EV_EXPIRE,  JOB_EXPIRED},
	{JOB_READY,     JOB_EV_CANCEL,  JOB_CANCELLED},
	{JOB_READY,     JOB_EV_FAIL,    JOB_FAILED},
	{JOB_READY,     JOB_EV_PARK,    JOB_PARKED},
	{JOB_READY,     JOB_EV_NOTE,    JOB_READY},
	/* An attempt is live. */
	{JOB_HELD,      JOB_EV_RELEASE, JOB_READY},
	{JOB_HELD,      JOB_EV_LATER,   JOB_QUEUED},
	{JOB_HELD,      JOB_EV_FINISH,  JOB_DONE},
	{JOB_HELD,      JOB_EV_FAIL,    JOB_FAILED},
	{JOB_HELD,      JOB_EV_CANCEL,  JOB_CANCELLED},
	{JOB_HELD,      JOB_EV_PARK,    JOB_PARKED},
	{JOB_HELD,      JOB_EV_NOTE,    JOB_HELD},
	/* A person, or late evidence. */
	{JOB_PARKED,    JOB_EV_FINISH,  JOB_DONE},
	{JOB_PARKED,    JOB_EV_FAIL,    JOB_FAILED},
	{JOB_PARKED,    JOB_EV_LATER,   JOB_QUEUED},
	{JOB_PARKED,    JOB_EV_CANCEL,  JOB_CANCELLED},
	{JOB_PARKED,    JOB_EV_NOTE,    JOB_PARKED},
	/* Final: left only by a named person. */
	{JOB_DONE,      JOB_EV_RETRY,   JOB_QUEUED},
	{JOB_FAILED,    JOB_EV_RETRY,   JOB_QUEUED},
	{JOB_EXPIRED,   JOB_EV_RETRY,   JOB_QUEUED},
	{JOB_CANCELLED, JOB_EV_RETRY,   JOB_QUEUED},
	{JOB_DONE,      JOB_EV_REDIAL,  JOB_QUEUED},
	{JOB_FAILED,    JOB_EV_REDIAL,  JOB_QUEUED},
	{JOB_EXPIRED,   JOB_EV_REDIAL,  JOB_QUEUED},
	{JOB_CANCELLED, JOB_EV_REDIAL,  JOB_QUEUED},
	{JOB_DONE,      JOB_EV_NOTE,    JOB_DONE},
	{JOB_FAILED,    JOB_EV_NOTE,    JOB_FAILED},
	{JOB_EXPIRED,   JOB_EV_NOTE,    JOB_EXPIRED},
	{JOB_CANCELLED, JOB_EV_NOTE,    JOB_CANCELLED},
};

/* After a call the ladder decides: no more, again later, or impossible. */
#define LADDER (JOB_BIT(FINISH) | JOB_BIT(LATER) | JOB_BIT(FAIL) | JOB_BIT(CANCEL))
/* Nothing was sent: at once, later, or too many crashes. */
#define BACK   (JOB_BIT(RELEASE) | JOB_BIT(LATER) | JOB_BIT(PARK) | JOB_BIT(CANCEL))
#define AGAIN  (JOB_BIT(LATER) | JOB_BIT(FINISH) | JOB_BIT(FAIL) | JOB_BIT(CANCEL))

static const struct attempt_row attempts[] = {
	{ATTEMPT_NEW,       ATTEMPT_EV_CLAIM,      ATTEMPT_CLAIMED,   JOB_BIT(CLAIM)},
	{ATTEMPT_NEW,       ATTEMPT_EV_ARM,        ATTEMPT_INTENT,    JOB_BIT(CLAIM)},
	/* Nothing was sent yet. */
	{ATTEMPT_CLAIMED,   ATTEMPT_EV_ARM,        ATTEMPT_INTENT,    0},
	{ATTEMPT_CLAIMED,   ATTEMPT_EV_RELEASE,    ATTEMPT_NEW,       BACK},
	{ATTEMPT_CLAIMED,   ATTEMPT_EV_OWNER_DEAD, ATTEMPT_NEW,       BACK},
	{ATTEMPT_CLAIMED,   ATTEMPT_EV_DENY,       ATTEMPT_CANCELLED, JOB_BIT(FAIL)},
	{ATTEMPT_CLAIMED,   ATTEMPT_EV_CANCEL,     ATTEMPT_CANCELLED, JOB_BIT(CANCEL)},
	/* Sent, perhaps. */
	{ATTEMPT_INTENT,    ATTEMPT_EV_UNSENT,     ATTEMPT_NEW,       BACK},
	{ATTEMPT_INTENT,    ATTEMPT_EV_REFUSE,     ATTEMPT_REFUSED,   LADDER},
	{ATTEMPT_INTENT,    ATTEMPT_EV_DOUBT,      ATTEMPT_UNKNOWN,   0},
	{ATTEMPT_INTENT,    ATTEMPT_EV_OWNER_DEAD, ATTEMPT_UNKNOWN,   0},
	{ATTEMPT_INTENT,    ATTEMPT_EV_PLACE,      ATTEMPT_PLACED,    0},
	{ATTEMPT_INTENT,    ATTEMPT_EV_RING,       ATTEMPT_RINGING,   0},
	{ATTEMPT_INTENT,    ATTEMPT_EV_ANSWER,     ATTEMPT_ANSWERED,  0},
	{ATTEMPT_INTENT,    ATTEMPT_EV_END,        ATTEMPT_ENDED,     LADDER},
	/* The carrier has it. */
	{ATTEMPT_PLACED,    ATTEMPT_EV_RING,       ATTEMPT_RINGING,   0},
	{ATTEMPT_PLACED,    ATTEMPT_EV_ANSWER,     ATTEMPT_ANSWERED,  0},
	{ATTEMPT_PLACED,    ATTEMPT_EV_END,        ATTEMPT_ENDED,     LADDER},
	{ATTEMPT_PLACED,    ATTEMPT_EV_OWNER_DEAD, ATTEMPT_PLACED,    0},
	{ATTEMPT_PLACED,    ATTEMPT_EV_PARK,       ATTEMPT_PARKED,    JOB_BIT(PARK)},
	{ATTEMPT_RINGING,   ATTEMPT_EV_ANSWER,     ATTEMPT_ANSWERED,  0},
	{ATTEMPT_RINGING,   ATTEMPT_EV_END,        ATTEMPT_ENDED,     LADDER},
	{ATTEMPT_RINGING,   ATTEMPT_EV_OWNER_DEAD, ATTEMPT_RINGING,   0},
	{ATTEMPT_RINGING,   ATTEMPT_EV_PARK,       ATTEMPT_PARKED,    JOB_BIT(PARK)},
	{ATTEMPT_ANSWERED,  ATTEMPT_EV_END,        ATTEMPT_ENDED,     LADDER},
	{ATTEMPT_ANSWERED,  ATTEMPT_EV_OWNER_DEAD, ATTEMPT_ANSWERED,  0},
	{ATTEMPT_ANSWERED,  ATTEMPT_EV_PARK,       ATTEMPT_PARKED,    JOB_BIT(PARK)},
	/* Evidence is being sought. */
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_SETTLE,     ATTEMPT_UNKNOWN,   0},
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_LOOK,       ATTEMPT_UNKNOWN,   0},
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_RESEND,     ATTEMPT_UNKNOWN,   0},
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_OWNER_DEAD, ATTEMPT_UNKNOWN,   0},
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_PLACE,      ATTEMPT_PLACED,    0},
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_RING,       ATTEMPT_RINGING,   0},
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_ANSWER,     ATTEMPT_ANSWERED,  0},
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_END,        ATTEMPT_ENDED,     LADDER},
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_VANISH,     ATTEMPT_ABSENT,    AGAIN},
	{ATTEMPT_UNKNOWN,   ATTEMPT_EV_PARK,       ATTEMPT_PARKED,    JOB_BIT(PARK)},
	/* A person must decide, or evidence comes late. */
	{ATTEMPT_PARKED,    ATTEMPT_EV_END,            ATTEMPT_ENDED,     LADDER},
	{ATTEMPT_PARKED,    ATTEMPT_EV_RESOLVE_PLACED, ATTEMPT_ENDED,     LADDER},
	{ATTEMPT_PARKED,    ATTEMPT_EV_RESOLVE_ABSENT, ATTEMPT_ABSENT,    AGAIN},
	{ATTEMPT_PARKED,    ATTEMPT_EV_RESOLVE_DROP,   ATTEMPT_CANCELLED, JOB_BIT(CANCEL)},
	/* Held not to exist, and yet. */
	{ATTEMPT_ABSENT,    ATTEMPT_EV_CONTRADICT, ATTEMPT_CONFLICT,  JOB_BIT(NOTE) | JOB_BIT(PARK)},
	{ATTEMPT_REFUSED,   ATTEMPT_EV_CONTRADICT, ATTEMPT_CONFLICT,  JOB_BIT(NOTE) | JOB_BIT(PARK)},
	{ATTEMPT_CANCELLED, ATTEMPT_EV_CONTRADICT, ATTEMPT_CONFLICT,  JOB_BIT(NOTE) | JOB_BIT(PARK)},
};
/* clang-format on */

const struct job_row *
job_rows(size_t *count)
{
	*count = ARRAY_LEN(jobs);
	return jobs;
}

const struct attempt_row *
job_attempt_rows(size_t *count)
{
	*count = ARRAY_LEN(attempts);
	return attempts;
}

enum err_code
job_find(enum job_state was, enum job_event event, const struct job_row **row,
    int *step, struct err *err)
{
	CHECK(was < JOB_STATE_COUNT && event < JOB_EVENT_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		if (jobs[i].was == was && jobs[i].event == event) {
			*row = &jobs[i];
			*step = (int)i;
			return ERR_NONE;
		}
	}
	return err_set(err, ERR_STATE, 0, "a %s job does not take %s",
	    job_state_name(was), job_event_name(event));
}

enum err_code
job_find_attempt(enum attempt_state was, enum attempt_event event,
    const struct attempt_row **row, int *step, struct err *err)
{
	CHECK(was < ATTEMPT_STATE_COUNT && event < ATTEMPT_EVENT_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		if (attempts[i].was == was && attempts[i].event == event) {
			*row = &attempts[i];
			*step = 1000 + (int)i;
			return ERR_NONE;
		}
	}
	return err_set(err, ERR_STATE, 0, "an attempt in %s does not take %s",
	    job_attempt_state_name(was), job_attempt_event_name(event));
}

const char *
job_state_name(enum job_state state)
{
	static const char *const names[] = {
#define X(name, text) #name,
	    JOB_STATES(X)
#undef X
	};
	CHECK(state < JOB_STATE_COUNT);
	return names[state];
}

const char *
job_event_name(enum job_event event)
{
	static const char *const names[] = {
#define X(name) #name,
	    JOB_EVENTS(X)
#undef X
	};
	CHECK(event < JOB_EVENT_COUNT);
	return names[event];
}

const char *
job_attempt_state_name(enum attempt_state state)
{
	static const char *const names[] = {
#define X(name, text) #name,
	    ATTEMPT_STATES(X)
#undef X
	};
	CHECK(state < ATTEMPT_STATE_COUNT);
	return names[state];
}

const char *
job_attempt_event_name(enum attempt_event event)
{
	static const char *const names[] = {
#define X(name) #name,
	    ATTEMPT_EVENTS(X)
#undef X
	};
	CHECK(event < ATTEMPT_EVENT_COUNT);
	return names[event];
}

const char *
job_state_text(enum job_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
	    JOB_STATES(X)
#undef X
	};
	CHECK(state < JOB_STATE_COUNT);
	return texts[state];
}

const char *
job_attempt_state_text(enum attempt_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
	    ATTEMPT_STATES(X)
#undef X
	};
	CHECK(state < ATTEMPT_STATE_COUNT);
	return texts[state];
}

enum err_code
job_state_parse(const char *name, enum job_state *out, struct err *err)
{
	for (enum job_state s = 0; s < JOB_NONE; s++)
		if (strcasecmp(name, job_state_name(s)) == 0) {
			*out = s;
			return ERR_NONE;
		}
	return err_set(err, ERR_MALFORMED, 0,
	    "no such state \"%.40s\": expected QUEUED, READY, HELD, DONE, "
	    "FAILED, EXPIRED, CANCELLED or PARKED",
	    name);
}

bool
job_is_final(enum job_state state)
{
	return state >= JOB_DONE && state <= JOB_CANCELLED;
}

bool
job_attempt_is_live(enum attempt_state state)
{
	return state >= ATTEMPT_CLAIMED && state <= ATTEMPT_UNKNOWN;
}

bool
job_attempt_is_final(enum attempt_state state)
{
	return state >= ATTEMPT_ENDED;
}

const char *
job_outcome_name(enum job_outcome outcome)
{
	static const char *const names[] = {
#define X(name, text) text,
	    JOB_OUTCOMES(X)
#undef X
	};
	CHECK(outcome < JOB_OUTCOME_COUNT);
	return names[outcome];
}

enum err_code
job_outcome_parse(const char *name, enum job_outcome *out, struct err *err)
{
	for (enum job_outcome o = JOB_OUTCOME_COMPLETED; o < JOB_OUTCOME_COUNT;
	     o++)
		if (strcmp(name, job_outcome_name(o)) == 0) {
			*out = o;
			return ERR_NONE;
		}
	return err_set(
	    err, ERR_MALFORMED, 0, "no such outcome \"%.40s\"", name);
}
