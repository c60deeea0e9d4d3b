#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "media/media_words_priv.h"

static bool
is_word_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c >= 0x80;
}

/* An apostrophe of ASCII or U+2019 (3 bytes); its length or 0. */
static size_t
apostrophe(const char *at, size_t left)
{
	if (left >= 1 && *at == '\'')
		return 1;
	return left >= 3 && memcmp(at, "\xE2\x80\x99", 3) == 0 ? 3 : 0;
}

/* U+2013, U+2014 and U+2026 separate words; their length or 0. */
static size_t
dash(const char *at, size_t left)
{
	if (left >= 3 && (memcmp(at, "\xE2\x80\x93", 3) == 0 ||
			     memcmp(at, "\xE2\x80\x94", 3) == 0 ||
			     memcmp(at, "\xE2\x80\xA6", 3) == 0))
		return 3;
	return 0;
}

/* "Dr." does not end a sentence. */
static bool
is_title(const char *word, size_t len)
{
	static const char *const titles[] = {"dr", "mr", "mrs", "ms", "st"};

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (len == strlen(titles[i]) &&
		    memcmp(word, titles[i], len) == 0)
			return true;
	return false;
}

/* The pause that one byte between words stands for. */
static enum media_pause
pause_of(const char *at, size_t left)
{
	switch (*at) {
	case ',':
	case ';':
	case ':':
		return MEDIA_PAUSE_COMMA;
	case '.':
	case '!':
	case '?':
		/* "3.5" and "a.m." go on. */
		return left > 1 && is_word_byte((unsigned char)at[1])
			   ? MEDIA_PAUSE_NONE
			   : MEDIA_PAUSE_SENTENCE;
	case '\n':
		return MEDIA_PAUSE_SENTENCE;
	default:
		return MEDIA_PAUSE_NONE;
	}
}

static size_t
take_word(struct media_words *w, const char *text, size_t len)
{
	struct media_word *word = &w->word[w->n];
	size_t at = 0;

	if (w->n > 0)
		buf_putc(&w->joined, ' ');
	word->from = (uint16_t)w->joined.len;
	word->pause = MEDIA_PAUSE_NONE;
	while (at < len) {
		size_t skip = apostrophe(text + at, len - at);
		unsigned char c = (unsigned char)text[at];

		if (skip > 0) {
			at += skip;
			continue;
		}
		if (!is_word_byte(c) || dash(text + at, len - at) > 0)
			break;
		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c - 'A' + 'a');
		buf_putc(&w->joined, (char)c);
		at++;
	}
	word->to = (uint16_t)w->joined.len;
	w->n++;
	return at;
}

/* What lies between two words: the longest pause in it counts. */
static size_t
take_gap(struct media_words *w, const char *text, size_t left)
{
	size_t skip = dash(text, left);
	enum media_pause pause =
	    skip > 0 ? MEDIA_PAUSE_COMMA : pause_of(text, left);

	if (w->n > 0) {
		struct media_word *last = &w->word[w->n - 1];
		bool title =
		    *text == '.' && is_title(w->joined.bytes + last->from,
					(size_t)(last->to - last->from));

		if (!title && pause > last->pause)
			last->pause = (uint8_t)pause;
	}
	return skip > 0 ? skip : 1;
}

void
media_words_init(struct media_words *w, const char *text, size_t len)
{
	CHECK(len <= UINT16_MAX);

	*w = (struct media_words){BUF_INIT(len + 1), NULL, 0};
	/* Each word but the last needs a byte beside its own. */
	w->word = mem_zalloc(len / 2 + 1, sizeof(*w->word));
	for (size_t at = 0; at < len;) {
		bool starts = is_word_byte((unsigned char)text[at]) &&
			      dash(text + at, len - at) == 0 &&
			      apostrophe(text + at, len - at) == 0;

		if (starts)
			at += take_word(w, text + at, len - at);
		else
			at += take_gap(w, text + at, len - at);
	}
}

void
media_words_fini(struct media_words *w)
{
	buf_free(&w->joined);
	mem_free(&w->word);
	w->n = 0;
}
