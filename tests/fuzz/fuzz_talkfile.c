#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "fuzz.h"
#include "talk/talk_file.h"
#include "talk_kind.h"

/*
 * A conversation's file as somebody may have cut or edited it: every line that
 * is read is written again as one that reads the same, a torn end is told and
 * costs only itself, and a replay gives the same answer twice.
 */

static void
check_equal(const struct talk_record *a, const struct talk_record *b)
{
	const struct talk_event *e = &a->event;
	const struct talk_event *f = &b->event;

	CHECK(e->kind == f->kind && e->at_ms == f->at_ms && e->id == f->id);
	CHECK(e->start_ms == f->start_ms && e->end_ms == f->end_ms);
	CHECK(e->played_ms == f->played_ms && e->ok == f->ok);
	CHECK(e->digit == f->digit && text_eq(e->text, f->text));
	CHECK(a->effects == b->effects);
	for (size_t i = 0; i < a->effects; i++) {
		const struct talk_effect *x = &a->effect[i];
		const struct talk_effect *y = &b->effect[i];

		CHECK(x->kind == y->kind && x->id == y->id);
		CHECK(text_eq(x->text, y->text));
		/* Only a timer that is set has a time. */
		CHECK(x->kind != TALK_DO_SET_TIMER || x->at_ms == y->at_ms);
	}
}

/* Reads back as the same record, after a header's line. */
static void
check_record(const struct talk_header *h, const struct talk_record *want)
{
	struct buf text = BUF_INIT(1 << 20);
	struct talk_reader *r = NULL;
	struct talk_record rec;
	struct err err = {0};
	bool more = false;
	size_t head;

	talk_file_put_header(h, &text);
	head = text.len;
	talk_file_put_event(&want->event, want->effect, want->effects, &text);
	/* An escape may make a line longer than may be read. */
	if (head < TALK_LINE_MAX && text.len - head < TALK_LINE_MAX) {
		CHECK(talk_reader_open(text.bytes, text.len, &r, &err) ==
		      ERR_NONE);
		CHECK(talk_reader_next(r, &rec, &more, &err) == ERR_NONE);
		CHECK(more && rec.number == 2);
		check_equal(want, &rec);
		talk_reader_close(&r);
	}
	buf_free(&text);
}

static void
check_lines(const char *text, size_t len)
{
	struct talk_reader *r = NULL;
	struct talk_record rec;
	struct err err = {0};
	size_t offset = 0;
	bool more = true;
	int64_t number = 1;
	enum err_code code = talk_reader_open(text, len, &r, &err);

	if (code != ERR_NONE) {
		CHECK(r == NULL);
		CHECK(code == ERR_MALFORMED || code == ERR_NOT_FOUND);
		fuzz_refused(code, &err);
		return;
	}
	CHECK(len <= TALK_FILE_MAX);
	for (;;) {
		code = talk_reader_next(r, &rec, &more, &err);
		if (code != ERR_NONE || !more)
			break;
		CHECK(rec.number == ++number && rec.line_len <= TALK_LINE_MAX);
		CHECK(rec.effects <= TALK_EFFECTS_MAX);
		CHECK(rec.event.at_ms >= 0);
		check_record(talk_reader_header(r), &rec);
	}
	if (code != ERR_NONE)
		fuzz_refused(code, &err);
	else if (talk_reader_torn(r, &offset))
		CHECK(offset < len &&
		      memchr(text + offset, '\n', len - offset) == NULL);
	else
		CHECK(offset == len && text[len - 1] == '\n');
	talk_reader_close(&r);
}

struct answer {
	enum err_code code;
	bool same;
	char *difference;
	int64_t events;
};

static void
ask(const char *text, size_t len, struct answer *a)
{
	struct err err = {0};

	a->code = talk_replay(
	    text, len, &talk_kind, &a->same, &a->difference, &a->events, &err);
	if (a->code != ERR_NONE)
		fuzz_refused(a->code, &err);
	CHECK(a->same == (a->difference == NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	struct answer first, again;

	check_lines(text, len);
	ask(text, len, &first);
	ask(text, len, &again);
	CHECK(first.code == again.code && first.same == again.same);
	CHECK(first.events == again.events);
	CHECK(text_eq(first.difference, again.difference));
	mem_free(&first.difference);
	mem_free(&again.difference);
	return 0;
}
