#include "model/model_scripted.h"

#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"

#include "media/media_speech.h"
#include "media/media_ulaw.h"

/* Pauses in samples; the ear expects them where media_speech_say has them. */
#define JOINT (MEDIA_RATE * 40 / 1000)
#define COMMA (MEDIA_RATE * 120 / 1000)
#define SENTENCE (MEDIA_RATE * 300 / 1000)

#define WORDS_MAX 40  /* of one phrase that is looked for */
#define WORD_BYTES 40 /* given to the synthesiser at once */
#define WORD_AUDIO_MAX (24 << 10)

struct scripted {
	struct media_speech *speech;
};

/* A text that is being said or waits for it. */
struct utterance {
	struct list node;
	int64_t id;
	int64_t played; /* samples */
	size_t next;    /* byte where the next piece begins */
	/* the piece that is playing */
	size_t from, to; /* its bytes in text */
	const uint8_t *audio;
	size_t samples;
	size_t at;
	size_t pause; /* samples of silence after it */
	size_t len;
	char text[];
};

struct model_call {
	struct scripted *model;
	struct model_ear *ear;
	struct list queue; /* the first is being said */
	size_t queued;
	struct buf word; /* the synthesiser's */
	char *heard;
};

/* ---- cutting a text into pieces ---- */

static bool
is_gap(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_stop(char c)
{
	return c == '.' || c == '?' || c == '!';
}

static bool
is_comma(char c)
{
	return c == ',' || c == ';' || c == ':';
}

/* Does a sentence end at the byte at?  "3.5" has no end in it. */
static bool
ends_sentence(const struct utterance *u, size_t at)
{
	return is_stop(u->text[at]) &&
	       (at + 1 >= u->len || is_gap(u->text[at + 1]) ||
		   is_stop(u->text[at + 1]));
}

/* Ends of the words from the byte from on, until the sentence ends. */
static size_t
find_words(const struct utterance *u, size_t from, size_t end[WORDS_MAX])
{
	size_t n = 0;
	size_t i = from;

	while (i < u->len && n < WORDS_MAX) {
		while (i < u->len && !is_gap(u->text[i]))
			i++;
		end[n++] = i;
		if (i > from && ends_sentence(u, i - 1))
			break;
		while (i < u->len && is_gap(u->text[i]))
			i++;
	}
	return n;
}

/* The longest recorded phrase that begins here. */
static bool
find_phrase(
    struct model_call *c, struct utterance *u, const size_t *end, size_t words)
{
	while (words > 0) {
		size_t to = end[--words];
		char *text = mem_strndup(u->text + u->next, to - u->next);
		struct media_clip clip = {0};
		struct err unused;
		enum err_code code = media_speech_find(
		    c->model->speech, MEDIA_VOICE_AGENT, text, &clip, &unused);

		mem_free(&text);
		/* a phrase whose file is lost is spoken word by word */
		if (code != ERR_NONE || clip.samples == 0)
			continue;
		u->audio = clip.ulaw;
		u->samples = clip.samples;
		u->to = to;
		return true;
	}
	return false;
}

/* A word nobody recorded; a very long one in parts. */
static void
synthesise(struct model_call *c, struct utterance *u, size_t end)
{
	struct err unused;
	size_t len = end - u->next;
	char *text;

	if (len > WORD_BYTES) {
		len = WORD_BYTES;
		while (len > 1 &&
		       ((unsigned char)u->text[u->next + len] & 0xC0U) == 0x80U)
			len--;
	}
	text = mem_strndup(u->text + u->next, len);
	buf_clear(&c->word);
	(void)media_speech_say(
	    c->model->speech, MEDIA_VOICE_AGENT, text, &c->word, &unused);
	mem_free(&text);
	u->audio = (const uint8_t *)c->word.bytes;
	u->samples = c->word.len;
	u->to = u->next + len;
}

static size_t
pause_after(const struct utterance *u)
{
	char last = u->text[u->to - 1];

	if (u->to == u->len)
		return 0;
	if (ends_sentence(u, u->to - 1))
		return SENTENCE;
	return is_comma(last) ? COMMA : JOINT;
}

/* Set up the next piece; false when all is said. */
static bool
next_piece(struct model_call *c, struct utterance *u)
{
	size_t end[WORDS_MAX] = {0};
	size_t words;

	while (u->next < u->len && is_gap(u->text[u->next]))
		u->next++;
	if (u->next == u->len)
		return false;
	words = find_words(u, u->next, end);
	u->from = u->next;
	u->at = 0;
	if (!find_phrase(c, u, end, words))
		synthesise(c, u, end[0]);
	u->next = u->to;
	u->pause = pause_after(u);
	return true;
}

/* ---- playing ---- */

static struct utterance *
first(const struct model_call *c)
{
	return list_empty(&c->queue)
		   ? NULL
		   : CONTAINER_OF(c->queue.next, struct utterance, node);
}

/* The words that were heard: whole pieces, and of the last what was played. */
static char *
words_heard(const struct utterance *u)
{
	size_t to = u->from;
	size_t start = 0;

	if (u->at >= u->samples) {
		to = u->to;
	} else {
		size_t part = (u->to - u->from) * u->at / u->samples;

		to += part;
		while (to > u->from && !is_gap(u->text[to]))
			to--;
	}
	while (to > 0 && is_gap(u->text[to - 1]))
		to--;
	while (start < to && is_gap(u->text[start]))
		start++;
	return mem_strndup(u->text + start, to - start);
}

/* Fill from the utterance; how many samples it had. */
static size_t
play(struct model_call *c, struct utterance *u, uint8_t *out, size_t room)
{
	size_t done = 0;

	while (done < room) {
		size_t left = u->samples - u->at;
		size_t n = left < room - done ? left : room - done;

		if (n > 0) {
			memcpy(out + done, u->audio + u->at, n);
			u->at += n;
		} else if (u->pause > 0) {
			n = u->pause < room - done ? u->pause : room - done;
			media_ulaw_silence(out + done, n);
			u->pause -= n;
		} else if (!next_piece(c, u)) {
			break;
		}
		done += n;
	}
	u->played += (int64_t)done;
	return done;
}

static void
tell(struct model_call *c, struct utterance *u)
{
	struct model_spoken s = {.id = u->id,
	    .whole = true,
	    .played_ms = u->played * 1000 / MEDIA_RATE,
	    .heard = u->text};

	list_remove(&u->node);
	c->queued--;
	if (c->ear->spoken != NULL)
		c->ear->spoken(c->ear, &s);
	mem_free(&u);
}

static bool
scripted_frame(struct model_call *c, uint8_t agent[MODEL_FRAME])
{
	struct utterance *u = first(c);
	size_t n;

	if (u == NULL) {
		media_ulaw_silence(agent, MODEL_FRAME);
		return false;
	}
	n = play(c, u, agent, MODEL_FRAME);
	media_ulaw_silence(agent + n, MODEL_FRAME - n);
	/* a text may end exactly with a frame: then the next one tells */
	if (n < MODEL_FRAME)
		tell(c, u);
	return n > 0;
}

static enum err_code
scripted_say(
    struct model_call *c, int64_t id, const char *text, struct err *err)
{
	size_t len = strlen(text);
	struct utterance *u;

	CHECK(id > 0);
	if (len > MODEL_TEXT_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "%zu bytes to say; at most %d are possible", len,
		    MODEL_TEXT_MAX);
	if (c->queued == MODEL_SCRIPTED_QUEUE)
		return err_set(err, ERR_STATE, 0,
		    "%d texts wait to be said already", MODEL_SCRIPTED_QUEUE);
	u = mem_zalloc(1, sizeof(*u) + len + 1);
	u->id = id;
	u->len = len;
	memcpy(u->text, text, len + 1);
	list_add_tail(&c->queue, &u->node);
	c->queued++;
	return ERR_NONE;
}

static bool
scripted_flush(struct model_call *c, struct model_spoken *out)
{
	struct utterance *u = first(c);
	bool any = u != NULL;

	if (any) {
		mem_free(&c->heard);
		c->heard = words_heard(u);
		*out = (struct model_spoken){.id = u->id,
		    .played_ms = u->played * 1000 / MEDIA_RATE,
		    .heard = c->heard};
	}
	while ((u = first(c)) != NULL) {
		list_remove(&u->node);
		c->queued--;
		mem_free(&u);
	}
	return any;
}

static enum err_code
scripted_start(void *m, const struct model_session *session,
    struct model_call **out, struct err *err)
{
	struct model_call *c = mem_zalloc(1, sizeof(*c));

	(void)err;
	c->model = m;
	c->ear = session->ear;
	c->word = BUF_INIT(WORD_AUDIO_MAX);
	list_init(&c->queue);
	*out = c;
	return ERR_NONE;
}

/* It follows a script: neither sound nor advice changes what it says. */
static void
scripted_hear(struct model_call *c, const uint8_t callee[MODEL_FRAME])
{
	(void)c;
	(void)callee;
}

static void
scripted_tool_result(
    struct model_call *c, const char *call_id, const char *json)
{
	(void)c;
	(void)call_id;
	(void)json;
}

static void
scripted_advise(struct model_call *c, const char *text)
{
	(void)c;
	(void)text;
}

static void
scripted_stop(struct model_call **c)
{
	struct model_spoken unused;

	if (*c == NULL)
		return;
	(void)scripted_flush(*c, &unused);
	buf_free(&(*c)->word);
	mem_free(&(*c)->heard);
	mem_free(c);
}

static void
scripted_free(void *m)
{
	struct scripted *s = m;

	if (s == NULL)
		return;
	media_speech_free(&s->speech);
	mem_free(&s);
}

static const struct model_ops ops = {
    .start = scripted_start,
    .hear = scripted_hear,
    .say = scripted_say,
    .frame = scripted_frame,
    .flush = scripted_flush,
    .tool_result = scripted_tool_result,
    .advise = scripted_advise,
    .stop = scripted_stop,
    .free = scripted_free,
};

enum err_code
model_scripted_new(
    struct env *env, const char *speech_dir, struct model *out, struct err *err)
{
	struct scripted *s = mem_zalloc(1, sizeof(*s));
	enum err_code code =
	    media_speech_open(env, speech_dir, &s->speech, err);

	if (code != ERR_NONE) {
		scripted_free(s);
		return err_wrap(err, "model scripted");
	}
	*out = (struct model){.ops = &ops, .impl = s};
	return ERR_NONE;
}
