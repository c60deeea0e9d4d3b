#ifndef DSRUN_TALK_TABLE_H
#define DSRUN_TALK_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "talk/talk.h"

/*
 * The conversation's table: (state, sign) -> next state and acts.
 *
 * A sign is an event after it was looked at: words have a meaning, a second
 * silence is another sign than the first.  So the table alone decides, and
 * tests can walk it.  For talk itself and for its tests.
 */

#define TALK_SIGNS(X)                                                  \
	X(NOTHING)                                                     \
	X(START)                                                       \
	X(ANSWER)                                                      \
	X(ANSWER_MACHINE) /* a mailbox, says the carrier */            \
	X(PERSON)         /* words of a person; we have more to say */ \
	X(DONE)           /* the same, and all is said */              \
	X(MENU)                                                        \
	X(LOOP)       /* the same menu for the third time */           \
	X(VOICEMAIL)  /* a greeting of a mailbox */                    \
	X(NO_MESSAGE) /* a mailbox, and nothing to leave or no room */ \
	X(MACHINE)    /* an announcement */                            \
	X(LIVE)       /* certainly a person */                         \
	X(HOLD)                                                        \
	X(TRANSFER)                                                    \
	X(AGAIN) /* "say that again" */                                \
	X(OBJECTION)                                                   \
	X(ACCEPT)                                                      \
	X(DECLINE)                                                     \
	X(LATER)                                                       \
	X(WRONG)                                                       \
	X(OPT_OUT)                                                     \
	X(BEEP)                                                        \
	X(RINGING)                                                     \
	X(BUSY)                                                        \
	X(DEAD)                                                        \
	X(BARGE)                                                       \
	X(SPOKEN) /* a statement of ours was heard */                  \
	X(ASKED)  /* a question of ours was heard */                   \
	X(CUT)    /* we were interrupted */                            \
	X(NUDGE_KEY)                                                   \
	X(NUDGE_TALK)                                                  \
	X(GO_ON)                                                       \
	X(AWAY)                                                        \
	X(AWAY_AGAIN)                                                  \
	X(NOBODY) /* AWAY_AGAIN, and nobody ever spoke */              \
	X(HOLD_OVER)                                                   \
	X(BEEP_LATE)                                                   \
	X(WRAP_UP)                                                     \
	X(TIME_UP)                                                     \
	X(BOOKED)                                                      \
	X(NOT_BOOKED)                                                  \
	X(CALLEE_GONE)                                                 \
	X(CALLEE_DECLINED) /* hung up on a no or a goodbye */          \
	X(NETWORK_GONE)                                                \
	X(AGENT_GONE) /* ended from our side, not by talk */

#define TALK_ACTS(X)                                        \
	X(NONE)                                             \
	X(LISTEN)                                           \
	X(LIMITS)      /* the timers of the longest call */ \
	X(FIRST_WORDS) /* wait for the callee to begin */   \
	X(WAIT_ON)     /* wait long, without nudging */     \
	X(AWAIT_BEEP)                                       \
	X(AWAIT_REPLY)                                      \
	X(PAUSE) /* a little room for the callee */         \
	X(PRESS_CHOICE)                                     \
	X(PRESS_OPERATOR)                                   \
	X(REWIND) /* another person: greet again */         \
	X(BE_SILENT)                                        \
	X(INTERRUPT) /* be silent; CUT follows */           \
	X(MARK_HUMAN)                                       \
	X(MARK_MACHINE)                                     \
	X(MARK_IVR)                                         \
	X(NOTE_OPT_OUT)                                     \
	X(SAY_LINE)                                         \
	X(SAY_AGAIN)                                        \
	X(SAY_OBJECTION)                                    \
	X(SAY_VOICEMAIL)                                    \
	X(SAY_STILL_THERE)                                  \
	X(SAY_GOODBYE)                                      \
	X(SAY_SORRY)                                        \
	X(SAY_OPT_OUT)                                      \
	X(SAY_BOOKED)                                       \
	X(SAY_REQUESTED)                                    \
	X(BOOK)                                             \
	X(HANG_UP)

#define X(name) TALK_SIGN_##name,
enum talk_sign {
	TALK_SIGNS(X) TALK_SIGN_COUNT
};
#undef X
#define X(name) TALK_ACT_##name,
enum talk_act {
	TALK_ACTS(X) TALK_ACT_COUNT
};
#undef X

#define TALK_ROW_ACTS 4

struct talk_row {
	enum talk_state was;
	enum talk_sign sign;
	enum talk_state next;
	enum job_outcome outcome; /* NONE: as it was */
	const char *reason;       /* NULL: as it was */
	enum talk_act acts[TALK_ROW_ACTS];
};

const struct talk_row *talk_rows(size_t *count);

/* NULL: this sign means nothing here. */
const struct talk_row *talk_row_find(enum talk_state was, enum talk_sign sign);

const char *talk_sign_name(enum talk_sign sign);

#endif
