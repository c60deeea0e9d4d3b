#ifndef DSRUN_TALK_H
#define DSRUN_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

#include "conf/conf.h"
#include "job/job_state.h"
#include "talk/talk_text.h"

/*
 * One conversation as a state machine: events in, effects out.
 *
 * Pure: no clock, no randomness, no file, no audio.  Time is the at_ms of each
 * event, in milliseconds since the call was answered.  The same events give
 * the same effects, byte for byte; that is what `dsrun replay` proves.
 *
 * Who listens and speaks, presses keys and hangs up is run/, which carries the
 * effects out in their order and tells what came of them.  Nothing is said
 * before ANSWERED.  An event that has no row in the table changes nothing:
 * whoever is at the other end need not keep to any order.
 *
 * States are those of specification 001 D.2; OVER is its end.
 */

#define TALK_STATES(X)                                                   \
	X(INITIALIZING, "Initializing", "nothing has happened yet")      \
	X(DIALING, "Dialing", "the phone may ring")                      \
	X(NAVIGATING, "NavigatingMenu", "answered; who or what is it?")  \
	X(LEAVING, "LeavingVoicemail", "a mailbox: the beep, a message") \
	X(SPEAKING, "Speaking", "a person")                              \
	X(SCHEDULING, "Scheduling", "agreed; the meeting is booked")     \
	X(CLOSING, "Closing", "the last words")                          \
	X(OVER, "End", "hung up, by us or by them")

/* kind, name in the talk file */
#define TALK_EVENTS(X)                                                  \
	X(START, "start")               /* the call is being placed */  \
	X(ANSWERED, "answered")         /* text: answered by, or "" */  \
	X(SPEECH_START, "speech_start") /* callee's sound began */      \
	X(SPEECH_STOP, "speech_stop")                                   \
	X(BEEP, "beep")         /* a beep has just ended */             \
	X(RINGBACK, "ringback") /* it rings on (a transfer) */          \
	X(BUSY_TONE, "busy_tone")                                       \
	X(DEAD_TONE, "dead_tone")     /* reorder, intercept */          \
	X(DTMF, "dtmf")               /* digit: the callee's key */     \
	X(CAPTION, "caption")         /* text, start_ms, end_ms */      \
	X(MODEL_TEXT, "model_text")   /* what a model said by itself */ \
	X(TOOL_RESULT, "tool_result") /* id of BOOK, ok, text: JSON */  \
	X(TIMER, "timer")             /* id: enum talk_timer */         \
	X(COACH, "coach")             /* text: advice for the model */  \
	X(SPOKEN, "spoken")           /* id of SAY, ok: to its end,     \
				       * played_ms, text: as heard */   \
	X(HANGUP, "hangup")           /* text: callee, agent, network */

#define TALK_EFFECTS(X)                                                     \
	X(SAY, "say")             /* id, text */                            \
	X(FLUSH, "flush")         /* be silent now; SPOKEN follows */       \
	X(PRESS, "press")         /* text: keys */                          \
	X(BOOK, "book")           /* id, text: JSON; TOOL_RESULT follows */ \
	X(HANG_UP, "hang_up")     /* text: why */                           \
	X(NOTE, "note")           /* text: a word for the result */         \
	X(SET_TIMER, "timer")     /* id, at_ms */                           \
	X(CANCEL_TIMER, "cancel") /* id */                                  \
	X(LISTEN, "listen")       /* from now on the model may hear */      \
	X(ADVISE, "advise")       /* text: for the model */

#define TALK_TIMERS(X)                                                 \
	X(TURN, "turn")         /* the callee has finished */          \
	X(WORDLESS, "wordless") /* sound, but no words came of it */   \
	X(NUDGE, "nudge")       /* silence where a machine was */      \
	X(GO_ON, "go_on")       /* silence after a sentence of ours */ \
	X(AWAY, "away")         /* silence after a question of ours */ \
	X(HOLD, "hold")         /* kept waiting */                     \
	X(BARGE, "barge")       /* spoken into our words */            \
	X(BEEP_LATE, "beep_late")                                      \
	X(TOOL, "tool")                                                \
	X(WRAP_UP, "wrap_up") /* time to say goodbye */                \
	X(TIME_UP, "time_up")

#define X(name, spec, text) TALK_##name,
enum talk_state {
	TALK_STATES(X) TALK_STATE_COUNT
};
#undef X
#define X(name, text) TALK_EV_##name,
enum talk_event_kind {
	TALK_EVENTS(X) TALK_EVENT_COUNT
};
#undef X
#define X(name, text) TALK_DO_##name,
enum talk_effect_kind {
	TALK_EFFECTS(X) TALK_EFFECT_COUNT
};
#undef X
#define X(name, text) TALK_TIMER_##name,
enum talk_timer {
	TALK_TIMERS(X) TALK_TIMER_COUNT
};
#undef X

/* Unused fields are 0 or NULL. */
struct talk_event {
	enum talk_event_kind kind;
	int64_t at_ms; /* since ANSWERED; what goes back is taken as now */
	int64_t id;
	int64_t start_ms;
	int64_t end_ms;
	int64_t played_ms;
	const char *text;
	bool ok;
	char digit;
};

struct talk_effect {
	enum talk_effect_kind kind;
	int64_t id;
	int64_t at_ms;
	const char *text; /* lives until the next talk_feed */
};

#define TALK_EFFECTS_MAX 24 /* of one event */

struct talk_result {
	enum job_outcome outcome;   /* NONE = no opinion */
	const char *answered_by;    /* "human", "machine", "ivr", "" */
	const char *decline_reason; /* a word, "" = none */
	bool opt_out;               /* must never be called again */
	const char *meeting_json;   /* an object, NULL = none */
};

struct talk;

/*
 * Read what kind's script names from contact and data (texts of JSON
 * objects), and the agent's name and company.  values was initialised.
 */
enum err_code talk_gather(const struct conf_kind *kind,
    const char *contact_json, const char *data_json, struct talk_values *values,
    struct err *err);

/* Everything of kind that decides what talk does, as one hash. */
void talk_script_hash(const struct conf_kind *kind, uint8_t out[SHA256_BYTES]);

/*
 * A conversation by kind's script with these values; both may go after the
 * call.  A greeting that does not say that it is a machine's gets that
 * sentence in front.  ERR_MALFORMED names the part of the script that is no
 * template or becomes too long.
 */
enum err_code talk_new(const struct conf_kind *kind,
    const struct talk_values *values, struct talk **out, struct err *err);
void talk_free(struct talk **t); /* NULL-safe */

/* How many effects, at most TALK_EFFECTS_MAX, in *out until the next call. */
size_t talk_feed(struct talk *t, const struct talk_event *event,
    const struct talk_effect **out);

enum talk_state talk_state(const struct talk *t);

/* How it stands now; final after HANGUP.  Texts live as long as t. */
void talk_result(const struct talk *t, struct talk_result *out);

const char *talk_state_name(enum talk_state state);
const char *talk_event_name(enum talk_event_kind kind);
const char *talk_effect_name(enum talk_effect_kind kind);
const char *talk_timer_name(enum talk_timer timer);

/* The fixed sentences every call may need, for whoever records them. */
const char *const *talk_phrases(void);

#endif
