#ifndef DSRUN_MEDIA_WORDS_PRIV_H
#define DSRUN_MEDIA_WORDS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * A text as its words, for looking phrases up: lower case, joined by single
 * spaces, without punctuation; an apostrophe joins ("I'm" is "im").  Bytes
 * beyond ASCII belong to words.  Owned by whoever fills it; media_words_fini.
 */
enum media_pause {
	MEDIA_PAUSE_NONE,
	MEDIA_PAUSE_COMMA,
	MEDIA_PAUSE_SENTENCE
};

struct media_word {
	uint16_t from, to; /* in joined */
	uint8_t pause;     /* after it */
};

struct media_words {
	struct buf joined;
	struct media_word *word;
	size_t n;
};

/* text of at most UINT16_MAX bytes. */
void media_words_init(struct media_words *w, const char *text, size_t len);
void media_words_fini(struct media_words *w);

#endif
