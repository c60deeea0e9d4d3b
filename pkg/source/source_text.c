#include "source/source_text.h"

#include <string.h>

#include "base/check.h"

#define CHUNK_BYTES 65536

static enum err_code
read_some(struct source_text *t, void *bytes, size_t *got, struct err *err)
{
	enum err_code code;

	*got = 0;
	if (t->read != NULL)
		return t->read(t->arg, bytes, CHUNK_BYTES, got, err);
	code =
	    env_pread(t->env, t->file, bytes, CHUNK_BYTES, t->offset, got, err);
	t->offset += (int64_t)*got;
	return code;
}

enum err_code
source_text_peek(struct source_text *t, size_t want, const char **bytes,
    size_t *len, struct err *err)
{
	char chunk[CHUNK_BYTES];
	enum err_code code = ERR_NONE;

	while (
	    code == ERR_NONE && !t->ended && t->window.len - t->start < want) {
		size_t got = 0;

		code = read_some(t, chunk, &got, err);
		if (code != ERR_NONE)
			break;
		t->ended = got == 0;
		buf_consume(&t->window, t->start);
		t->start = 0;
		code = buf_try_put(&t->window, chunk, got, err);
	}
	*bytes = buf_text(&t->window) + t->start;
	*len = t->window.len - t->start;
	return code;
}

void
source_text_take(struct source_text *t, size_t n)
{
	CHECK(n <= t->window.len - t->start);
	for (const char *p = buf_text(&t->window) + t->start, *end = p + n;
	     p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		t->line++;
	t->start += n;
}

enum err_code
source_text_open(struct source_text *t, struct err *err)
{
	enum err_code code = ERR_NONE;
	const char *bytes = "";
	size_t len = 0;

	CHECK(t->max_bytes > 0);
	t->window = BUF_INIT(t->max_bytes + 4 * (size_t)CHUNK_BYTES);
	t->start = 0;
	t->line = 1;
	t->offset = 0;
	t->ended = false;
	if (t->read == NULL)
		code = env_open(t->env, t->path, ENV_READ, &t->file, err);
	if (code == ERR_NONE)
		code = source_text_peek(t, 3, &bytes, &len, err);
	if (code == ERR_NONE && len >= 3 &&
	    memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		source_text_take(t, 3);
	else if (code == ERR_NONE && len >= 2 &&
		 (memcmp(bytes, "\xff\xfe", 2) == 0 ||
		     memcmp(bytes, "\xfe\xff", 2) == 0))
		code = err_set(err, ERR_MALFORMED, 0,
		    "expected UTF-8 text, got UTF-16; save it as UTF-8");
	if (code != ERR_NONE)
		source_text_close(t);
	return code;
}

void
source_text_close(struct source_text *t)
{
	if (t->file != NULL)
		env_close(t->env, &t->file);
	buf_free(&t->window);
	t->start = 0;
	t->ended = true;
}

enum err_code
source_text_skip(struct source_text *t, struct err *err)
{
	for (;;) {
		const char *bytes = NULL;
		size_t len = 0;
		enum err_code code = source_text_peek(t, 1, &bytes, &len, err);
		const char *lf =
		    len > 0 ? memchr(bytes, '\n', len) : (const char *)NULL;

		if (code != ERR_NONE || len == 0)
			return code;
		source_text_take(
		    t, lf != NULL ? (size_t)(lf - bytes) + 1 : len);
		if (lf != NULL)
			return ERR_NONE;
	}
}

/*
 * Find the end of the line at start.  *n: its bytes without LF, *whole: LF was
 * found, or the text ends here.  Not whole means that it is longer than
 * max_bytes already.
 */
static enum err_code
find_end(struct source_text *t, const char **bytes, size_t *n, bool *whole,
    struct err *err)
{
	size_t seen = 0;

	for (;;) {
		size_t len = 0;
		enum err_code code =
		    source_text_peek(t, seen + 1, bytes, &len, err);
		const char *lf = len > seen
				     ? memchr(*bytes + seen, '\n', len - seen)
				     : (const char *)NULL;

		*n = lf != NULL ? (size_t)(lf - *bytes) : len;
		*whole = lf != NULL || len == seen;
		if (code != ERR_NONE || *whole || len > t->max_bytes + 1)
			return code;
		seen = len;
	}
}

enum err_code
source_text_line(struct source_text *t, enum source_text_got *got,
    const char **bytes, size_t *len, int64_t *line, struct err *err)
{
	enum err_code code = ERR_NONE;
	bool whole = false;

	if (t->skip)
		code = source_text_skip(t, err);
	t->skip = false;
	if (code == ERR_NONE)
		code = find_end(t, bytes, len, &whole, err);
	if (code != ERR_NONE)
		return code;
	*line = t->line;
	*got = SOURCE_TEXT_LINE;
	if (whole) {
		bool lf = t->window.len - t->start > *len;

		if (!lf && *len == 0)
			*got = SOURCE_TEXT_END;
		source_text_take(t, *len + lf);
		if (*len > 0 && (*bytes)[*len - 1] == '\r')
			(*len)--;
	}
	t->skip = !whole;
	if (*len > t->max_bytes) {
		*got = SOURCE_TEXT_LONG;
		*len = t->max_bytes;
	}
	return ERR_NONE;
}
