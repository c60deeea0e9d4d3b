#include "media/media_speech.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "media/media_synth.h"
#include "media/media_ulaw.h"

#include "media/media_words_priv.h"

#define INDEX_MAX (1 << 20)        /* bytes of an index */
#define PHRASES_MAX 8192           /* in a voice */
#define CLIP_MAX (60 * MEDIA_RATE) /* samples of a phrase */
#define FILE_NAME_MAX 128
#define JOINT (MEDIA_RATE * 40 / 1000) /* between two pieces */
#define COMMA (MEDIA_RATE * 120 / 1000)
#define SENTENCE (MEDIA_RATE * 300 / 1000)

struct phrase {
	char *words; /* as media_words joins them */
	char *file;
	size_t samples;
	char *ulaw; /* NULL until it was needed */
	int line;
};

struct voice {
	struct phrase *phrases; /* sorted by words */
	size_t n;
	char *dir; /* NULL: nothing recorded */
};

struct media_speech {
	struct env *env;
	struct voice voices[MEDIA_VOICE_COUNT];
};

static const char *const voice_names[MEDIA_VOICE_COUNT] = {"agent", "callee"};

static const struct media_synth_voice synth_voices[MEDIA_VOICE_COUNT] = {
    {200, 1.15},
    {110, 1.0},
};

static int
by_words(const void *a, const void *b)
{
	const struct phrase *x = a, *y = b;

	return strcmp(x->words, y->words);
}

static bool
is_file_name(const char *name)
{
	char safe[TEXT_FILE_MAX];

	return name[0] != '\0' && strlen(name) <= FILE_NAME_MAX &&
	       strcmp(text_file_safe(name, safe), name) == 0;
}

/* One line, which is cut into its fields. */
static enum err_code
read_line(struct voice *v, char *line, int number, struct err *err)
{
	char *samples = strchr(line, '\t');
	char *text = samples != NULL ? strchr(samples + 1, '\t') : NULL;
	struct media_words words;
	int64_t n = 0;

	if (text == NULL)
		return err_set(err, ERR_MALFORMED, 0,
		    "line %d: expected FILE<TAB>SAMPLES<TAB>TEXT", number);
	*samples++ = '\0';
	*text++ = '\0';
	if (!is_file_name(line))
		return err_set(err, ERR_MALFORMED, 0,
		    "line %d: '%s' is no plain file name", number, line);
	if (text_i64(samples, 1, CLIP_MAX, &n, err) != ERR_NONE)
		return err_wrap(err, "line %d: samples", number);
	if (strlen(text) > MEDIA_SPEECH_TEXT_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "line %d: text of more than %d bytes", number,
		    MEDIA_SPEECH_TEXT_MAX);
	if (v->n == PHRASES_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "line %d: more than %d phrases", number, PHRASES_MAX);
	media_words_init(&words, text, strlen(text));
	if (words.n == 0) {
		media_words_fini(&words);
		return err_set(err, ERR_MALFORMED, 0,
		    "line %d: text without a word", number);
	}
	v->phrases[v->n++] =
	    (struct phrase){mem_strdup(buf_text(&words.joined)),
		mem_strdup(line), (size_t)n, NULL, number};
	media_words_fini(&words);
	return ERR_NONE;
}

static enum err_code
read_lines(struct voice *v, char *text, struct err *err)
{
	size_t lines = 1;
	int number = 0;

	for (const char *c = text; *c != '\0'; c++)
		lines += *c == '\n';
	v->phrases = mem_zalloc(
	    lines < PHRASES_MAX ? lines : PHRASES_MAX, sizeof(*v->phrases));
	for (char *line = text, *end; line != NULL; line = end) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		number++;
		if (*line == '\0' || *line == '#')
			continue;
		if (read_line(v, line, number, err) != ERR_NONE)
			return err->code;
	}
	qsort(v->phrases, v->n, sizeof(*v->phrases), by_words);
	for (size_t i = 1; i < v->n; i++)
		if (strcmp(v->phrases[i - 1].words, v->phrases[i].words) == 0)
			return err_set(err, ERR_MALFORMED, 0,
			    "lines %d and %d have the same words",
			    v->phrases[i - 1].line, v->phrases[i].line);
	return ERR_NONE;
}

static enum err_code
read_index(struct media_speech *s, struct voice *v, struct err *err)
{
	char *path = mem_printf("%s/index.tsv", v->dir);
	char *text = NULL;
	size_t len = 0;
	enum err_code code =
	    env_read_whole(s->env, path, INDEX_MAX, &text, &len, err);

	if (code == ERR_NONE && strlen(text) != len)
		code = err_set(err, ERR_MALFORMED, 0, "holds a NUL byte");
	if (code == ERR_NONE)
		code = read_lines(v, text, err);
	if (code != ERR_NONE)
		code = err_wrap(err, "speech library %s", path);
	mem_free(&text);
	mem_free(&path);
	return code;
}

enum err_code
media_speech_open(struct env *env, const char *dir, struct media_speech **out,
    struct err *err)
{
	struct media_speech *s = mem_zalloc(1, sizeof(*s));

	s->env = env;
	*out = s;
	for (size_t i = 0; i < MEDIA_VOICE_COUNT && dir != NULL; i++) {
		s->voices[i].dir = mem_printf("%s/%s", dir, voice_names[i]);
		if (read_index(s, &s->voices[i], err) != ERR_NONE) {
			media_speech_free(out);
			return err->code;
		}
	}
	return ERR_NONE;
}

void
media_speech_free(struct media_speech **s)
{
	if (*s == NULL)
		return;
	for (size_t i = 0; i < MEDIA_VOICE_COUNT; i++) {
		struct voice *v = &(*s)->voices[i];

		for (size_t k = 0; k < v->n; k++) {
			mem_free(&v->phrases[k].words);
			mem_free(&v->phrases[k].file);
			mem_free(&v->phrases[k].ulaw);
		}
		mem_free(&v->phrases);
		mem_free(&v->dir);
	}
	mem_free(s);
}

/* Order of a phrase against the words at text: as strcmp would. */
static int
compare(const struct phrase *p, const char *text, size_t len)
{
	int order = strncmp(p->words, text, len);

	return order != 0 ? order : p->words[len] != '\0';
}

/* The first phrase that is not before the words at text. */
static size_t
lower_bound(const struct voice *v, const char *text, size_t len)
{
	size_t from = 0, to = v->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (compare(&v->phrases[mid], text, len) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/*
 * The longest phrase that begins with word first: *used is its number of
 * words.  NULL when none does.  Phrases that go on after some words stand
 * right behind the one that ends there, for a space sorts before all letters;
 * so one look tells whether a longer one is possible.
 */
static struct phrase *
longest(const struct voice *v, const struct media_words *w, size_t first,
    size_t *used)
{
	const char *text = w->joined.bytes + w->word[first].from;
	struct phrase *best = NULL;

	for (size_t i = first; i < w->n; i++) {
		size_t len = (size_t)(w->word[i].to - w->word[first].from);
		size_t at = lower_bound(v, text, len);

		if (at < v->n && compare(&v->phrases[at], text, len) == 0) {
			best = &v->phrases[at++];
			*used = i - first + 1;
		}
		if (at == v->n ||
		    strncmp(v->phrases[at].words, text, len) != 0 ||
		    v->phrases[at].words[len] != ' ')
			break;
	}
	return best;
}

static enum err_code
load(struct media_speech *s, struct voice *v, struct phrase *p, struct err *err)
{
	char *path;
	size_t len = 0;
	enum err_code code;

	if (p->ulaw != NULL)
		return ERR_NONE;
	path = mem_printf("%s/%s", v->dir, p->file);
	code = env_read_whole(s->env, path, p->samples, &p->ulaw, &len, err);
	if (code == ERR_NONE && len != p->samples) {
		mem_free(&p->ulaw);
		code = err_set(err, ERR_MALFORMED, 0,
		    "%s: %zu samples, its index says %zu", path, len,
		    p->samples);
	}
	if (code != ERR_NONE)
		code = err_wrap(err, "speech library");
	mem_free(&path);
	return code;
}

static enum err_code
check_length(const char *text, struct err *err)
{
	if (strnlen(text, MEDIA_SPEECH_TEXT_MAX + 1) > MEDIA_SPEECH_TEXT_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "text to speak is longer than %d bytes",
		    MEDIA_SPEECH_TEXT_MAX);
	return ERR_NONE;
}

enum err_code
media_speech_find(struct media_speech *s, enum media_voice voice,
    const char *text, struct media_clip *out, struct err *err)
{
	struct voice *v = &s->voices[voice];
	struct media_words w;
	enum err_code code = check_length(text, err);

	CHECK(voice < MEDIA_VOICE_COUNT);
	*out = (struct media_clip){NULL, 0};
	if (code != ERR_NONE)
		return code;
	media_words_init(&w, text, strlen(text));

	size_t at = lower_bound(v, buf_text(&w.joined), w.joined.len);

	if (w.n > 0 && at < v->n &&
	    compare(&v->phrases[at], w.joined.bytes, w.joined.len) == 0) {
		struct phrase *p = &v->phrases[at];

		code = load(s, v, p, err);
		if (code == ERR_NONE)
			*out = (struct media_clip){
			    (const uint8_t *)p->ulaw, p->samples};
	}
	media_words_fini(&w);
	return code;
}

static enum err_code
put_silence(struct buf *out, size_t samples, struct err *err)
{
	uint8_t silence[SENTENCE];

	CHECK(samples <= sizeof(silence));
	media_ulaw_silence(silence, samples);
	return buf_try_put(out, silence, samples, err);
}

static size_t
pause_samples(const struct media_word *w)
{
	if (w->pause == MEDIA_PAUSE_NONE)
		return JOINT;
	return w->pause == MEDIA_PAUSE_COMMA ? COMMA : SENTENCE;
}

/* The next recorded phrase, or one word by the synthesiser. */
static enum err_code
say_piece(struct media_speech *s, enum media_voice voice,
    const struct media_words *w, size_t *at, struct buf *out, struct err *err)
{
	struct voice *v = &s->voices[voice];
	const struct media_word *word = &w->word[*at];
	size_t used = 1;
	struct phrase *p = longest(v, w, *at, &used);

	*at += used;
	if (p == NULL)
		return media_synth_word(&synth_voices[voice],
		    w->joined.bytes + word->from,
		    (size_t)(word->to - word->from), out, err);
	if (load(s, v, p, err) != ERR_NONE)
		return err->code;
	return buf_try_put(out, p->ulaw, p->samples, err);
}

enum err_code
media_speech_say(struct media_speech *s, enum media_voice voice,
    const char *text, struct buf *out, struct err *err)
{
	struct media_words w;
	size_t before = out->len;
	enum err_code code = check_length(text, err);

	CHECK(voice < MEDIA_VOICE_COUNT);
	if (code != ERR_NONE)
		return code;
	media_words_init(&w, text, strlen(text));
	for (size_t at = 0; at < w.n && code == ERR_NONE;) {
		code = say_piece(s, voice, &w, &at, out, err);
		if (code == ERR_NONE && at < w.n)
			code = put_silence(
			    out, pause_samples(&w.word[at - 1]), err);
	}
	if (code != ERR_NONE) {
		out->len = before;
		if (out->bytes != NULL)
			out->bytes[before] = '\0';
	}
	media_words_fini(&w);
	return code;
}

void
media_speech_cover(struct media_speech *s, enum media_voice voice,
    const char *text, size_t *found, size_t *missing)
{
	struct media_words w;

	CHECK(voice < MEDIA_VOICE_COUNT);
	*found = *missing = 0;
	media_words_init(&w, text, strnlen(text, MEDIA_SPEECH_TEXT_MAX));
	for (size_t at = 0; at < w.n;) {
		size_t used = 1;

		if (longest(&s->voices[voice], &w, at, &used) != NULL)
			*found += used;
		else
			*missing += 1;
		at += used;
	}
	media_words_fini(&w);
}
