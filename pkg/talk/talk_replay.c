#include <string.h>

#include "base/mem.h"

#include "talk/talk_file.h"

struct replay {
	struct talk *talk;
	bool script_changed;
	struct buf now; /* the line as it would be written today */
};

/* The part of a line that tells the effects. */
static const char *
effects_of(const char *line, size_t len, size_t *out_len)
{
	static const char key[] = "\"fx\":";
	const char *found = memmem(line, len, key, sizeof(key) - 1);
	const char *last = NULL;

	/* the last one: a caption may say anything */
	while (found != NULL) {
		last = found;
		found = memmem(found + 1, len - (size_t)(found + 1 - line), key,
		    sizeof(key) - 1);
	}
	if (last == NULL)
		last = line;
	*out_len = len - (size_t)(last - line);
	return last;
}

static char *
describe(const struct replay *p, const struct talk_record *rec)
{
	size_t was_len, now_len;
	const char *was = effects_of(rec->line, rec->line_len, &was_len);
	const char *now = effects_of(p->now.bytes, p->now.len, &now_len);

	return mem_printf("line %lld, %s at %lld ms%s: recorded %.*s, now %.*s",
	    (long long)rec->number, talk_event_name(rec->event.kind),
	    (long long)rec->event.at_ms,
	    p->script_changed ? " (the script is another one since)" : "",
	    (int)was_len, was, (int)now_len, now);
}

static bool
feed_one(struct replay *p, const struct talk_record *rec)
{
	const struct talk_effect *effects;
	size_t count = talk_feed(p->talk, &rec->event, &effects);

	buf_clear(&p->now);
	talk_file_put_event(&rec->event, effects, count, &p->now);
	p->now.len--; /* the newline */
	p->now.bytes[p->now.len] = '\0';
	return p->now.len == rec->line_len &&
	       memcmp(p->now.bytes, rec->line, rec->line_len) == 0;
}

static enum err_code
feed_all(struct replay *p, struct talk_reader *r, bool *same, char **difference,
    int64_t *events, struct err *err)
{
	struct talk_record rec;
	bool more = true;

	for (;;) {
		enum err_code code = talk_reader_next(r, &rec, &more, err);

		if (code != ERR_NONE || !more)
			return code;
		(*events)++;
		if (!feed_one(p, &rec)) {
			*same = false;
			*difference = describe(p, &rec);
			return ERR_NONE;
		}
	}
}

enum err_code
talk_replay(const char *text, size_t len, const struct conf_kind *kind,
    bool *same, char **difference, int64_t *events, struct err *err)
{
	struct replay p = {.now = BUF_INIT(2 * TALK_LINE_MAX)};
	struct talk_reader *r = NULL;
	uint8_t script[SHA256_BYTES];
	enum err_code code = talk_reader_open(text, len, &r, err);

	*same = true;
	*difference = NULL;
	*events = 0;
	if (code == ERR_NONE)
		code =
		    talk_new(kind, talk_reader_header(r)->values, &p.talk, err);
	if (code == ERR_NONE) {
		talk_script_hash(kind, script);
		p.script_changed = memcmp(script, talk_reader_header(r)->script,
				       sizeof(script)) != 0;
		code = feed_all(&p, r, same, difference, events, err);
	}
	talk_free(&p.talk);
	talk_reader_close(&r);
	buf_free(&p.now);
	return code;
}
