#ifndef DSRUN_JOB_REASON_H
#define DSRUN_JOB_REASON_H

/*
 * Why a job is where it is, as a number in the journal and a word for people.
 * Stored: add at the end only.
 */
#define JOB_REASONS(X)                                                     \
	X(NONE, "", "")                                                    \
	X(NOT_BEFORE, "not-before", "its notBefore lies ahead")            \
	X(WINDOW, "window", "outside the calling hours")                   \
	X(ZONE, "zone-unknown", "the callee's time zone is not known")     \
	X(CAP, "cap", "the number was dialled too often in 24 h")          \
	X(GAP, "gap", "the number was dialled too recently")               \
	X(LADDER, "retry", "waits for its next try")                       \
	X(LATER, "carrier-later", "the carrier asked to come again later") \
	X(KIND, "kind-unknown", "no such kind of job in jobs/")            \
	X(CARRIER, "carrier-unknown", "its carrier is not set up here")    \
	X(DNC, "do-not-call", "the number is on the do-not-call list")     \
	X(OPT_OUT, "opt-out", "the callee asked not to be called")         \
	X(NEVER_OPEN, "never-open", "no calling hours within 14 days")     \
	X(REFUSED, "refused", "the carrier refused the number for good")   \
	X(EXHAUSTED, "exhausted", "every try its ladder allows was used")  \
	X(EXPIRED, "expired", "its expiresAt has passed")                  \
	X(CANCELLED, "cancelled", "it was cancelled")                      \
	X(DROPPED, "dropped", "a person dropped it")                       \
	X(BLIND, "blind", "the carrier cannot say what became of it")      \
	X(DEADLINE, "deadline", "no evidence came in time")                \
	X(ACCOUNT, "account", "the carrier's account is another one now")  \
	X(CRASHES, "crashes", "dsrun died three times with it in hand")    \
	X(RESTORED, "restored",                                            \
	    "the journal was restored; the carrier cannot be asked")       \
	X(RETRIED, "retried", "a person asked for it again")               \
	X(CLOCK, "clock", "the wall clock is not trusted")                 \
	X(ERASED, "erased", "its personal data was erased")                \
	X(RELEASED, "released", "given back with nothing sent")            \
	X(CONFLICT, "conflict",                                            \
	    "a call was placed that was held not to exist")                \
	X(AWAY, "away", "its queue has it")                                \
	X(GONE, "gone", "its queue no longer has it")

#define X(name, word, text) JOB_REASON_##name,
enum job_reason {
	JOB_REASONS(X) JOB_REASON_COUNT
};
#undef X

const char *job_reason_word(enum job_reason reason);
const char *job_reason_text(enum job_reason reason);

#endif
