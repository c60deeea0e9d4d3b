#ifndef DSRUN_TALK_HEAR_H
#define DSRUN_TALK_HEAR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What somebody's words mean for the conversation, by lists of phrases: no
 * model, no state, the same answer every time.  Used by talk alone.
 *
 * Where two readings are possible the safer one wins: an opt-out before
 * everything, a machine before a person only with words no person says.
 */

enum talk_meaning {
	TALK_MEANS_NOTHING,   /* no letter or digit in it */
	TALK_MEANS_PERSON,    /* words of a person, nothing special */
	TALK_MEANS_MENU,      /* "press 2 for ..." */
	TALK_MEANS_VOICEMAIL, /* a greeting that ends in a beep */
	TALK_MEANS_FULL,      /* a mailbox that takes no message */
	TALK_MEANS_MACHINE,   /* an announcement: wait for what follows */
	TALK_MEANS_HOLD,      /* "one moment please" */
	TALK_MEANS_TRANSFER,  /* "let me put you through" */
	TALK_MEANS_ACCEPT,
	TALK_MEANS_DECLINE,
	TALK_MEANS_LATER,   /* not there, call again */
	TALK_MEANS_WRONG,   /* wrong number */
	TALK_MEANS_OPT_OUT, /* never call again */
	TALK_MEANS_AGAIN,   /* "say that again" */
	TALK_MEANING_COUNT
};

#define TALK_WORDS_MAX 1024 /* bytes of one turn that are looked at */

/*
 * text as words between single blanks, with one in front and one behind:
 * lower case, no apostrophes, other punctuation as blanks.  Longer text is
 * cut.  out of TALK_WORDS_MAX + 3 bytes.
 */
const char *talk_words(const char *text, char out[TALK_WORDS_MAX + 3]);

/* Do all words of some alternative of list ("cost, too expensive") begin
 * words of text?  Alternatives are parted by comma, semicolon or bar. */
bool talk_matches(const char *list, const char *text);

enum talk_meaning talk_meaning_of(const char *text);

/* A meeting offered: "can we meet on Thursday?" */
bool talk_proposes(const char *text);

/* Words only a person says into a phone: "hello?", "who is calling". */
bool talk_sounds_live(const char *text);

const char *talk_meaning_name(enum talk_meaning m);

#endif
