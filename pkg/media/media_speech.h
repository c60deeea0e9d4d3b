#ifndef DSRUN_MEDIA_SPEECH_H
#define DSRUN_MEDIA_SPEECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

/*
 * Speech without a service: recorded phrases of two voices, put together to
 * any sentence.  For the scripted model and the simulated callees; what is
 * not recorded is spoken by a small synthesiser of our own (a buzz with the
 * vowels and the rhythm of the word), so that there is always real sound of
 * plausible length.
 *
 * A library is a directory with agent/ and callee/, each with index.tsv, one
 * line a phrase: FILE<TAB>SAMPLES<TAB>TEXT, and the files, raw mu-law.  Texts
 * are compared by their words alone: lower case, punctuation and runs of
 * spaces do not count.  Made by tests/fixtures/make_speech.sh.
 *
 * One thread.  The same text gives the same bytes every time.
 */

#define MEDIA_SPEECH_TEXT_MAX 4096               /* bytes of one text */
#define MEDIA_SPEECH_MAX (MEDIA_SPEECH_S * 8000) /* bytes of one result */
#define MEDIA_SPEECH_S 300                       /* seconds of one result */

enum media_voice {
	MEDIA_VOICE_AGENT,
	MEDIA_VOICE_CALLEE,
	MEDIA_VOICE_COUNT
};

struct media_speech;

struct media_clip {
	const uint8_t *ulaw; /* owned by the library, as long as it lives */
	size_t samples;
};

/*
 * Read both indexes; the sound itself is read when first needed and kept (a
 * library of 3 MB needs at most that).  dir NULL is an empty library: the
 * synthesiser speaks everything.  ERR_NOT_FOUND names a missing index,
 * ERR_MALFORMED the file and line of a bad one.  env is borrowed.
 */
enum err_code media_speech_open(struct env *env, const char *dir,
    struct media_speech **out, struct err *err);
void media_speech_free(struct media_speech **s); /* NULL-safe */

/*
 * The phrase whose words are exactly those of text.  *out has samples 0 when
 * there is none (that is no error).  ERR_NOT_FOUND, ERR_IO, ERR_MALFORMED:
 * its file is missing, unreadable, or not as long as the index says.
 */
enum err_code media_speech_find(struct media_speech *s, enum media_voice voice,
    const char *text, struct media_clip *out, struct err *err);

/*
 * Append text as mu-law to out: the longest recorded phrases first, a short
 * pause for a comma (120 ms), a longer one between sentences (300 ms), none
 * at the end;
 * what is left to the synthesiser takes about 65 ms a letter.  A text without
 * a letter or digit adds nothing.  ERR_MALFORMED: text longer than
 * MEDIA_SPEECH_TEXT_MAX, or out would pass its max; else as media_speech_find.
 * On an error out is as it was.
 */
enum err_code media_speech_say(struct media_speech *s, enum media_voice voice,
    const char *text, struct buf *out, struct err *err);

/*
 * How much of text is recorded, for tests and doctor: words found and words
 * that the synthesiser must speak.
 */
void media_speech_cover(struct media_speech *s, enum media_voice voice,
    const char *text, size_t *found, size_t *missing);

#endif
