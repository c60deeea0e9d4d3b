#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_xml.h"
#include "fuzz.h"

/*
 * XML as a server writes it, read one element at a time.  Elements lie within
 * each other and within the document, each under the name that it ends with,
 * and what is refused is refused at the same place when it is read again.
 */

struct span {
	size_t begin, end;
};

struct reading {
	const char *text;
	size_t len;
	/* Elements that ended and whose parent has not: what is read later
	 * lies behind them or around them. */
	struct span *done;
	size_t done_count;
	size_t count;
	uint32_t sum; /* of all that was told */
	/* A document in another encoding has no '<' in one byte. */
	bool bytes;
};

static void
add(struct reading *r, const char *text)
{
	for (; *text != '\0'; text++)
		r->sum = r->sum * 31 + (unsigned char)*text;
}

static size_t
depth_of(const char *path)
{
	size_t n = 1;

	for (; *path != '\0'; path++)
		n += *path == '/';
	return n;
}

static void
on_element(void *arg, const struct aws_xml_element *e)
{
	struct reading *r = arg;

	CHECK(e->path[0] != '\0' && strlen(e->path) < AWS_XML_PATH_MAX);
	CHECK(text_is_utf8(e->path, strlen(e->path)));
	CHECK(strlen(e->text) <= AWS_XML_TEXT_MAX);
	CHECK(text_is_utf8(e->text, strlen(e->text)));
	CHECK(depth_of(e->path) <= AWS_XML_DEPTH_MAX);
	CHECK(e->begin < e->end && e->end <= r->len);
	if (r->bytes)
		CHECK(r->text[e->begin] == '<' && r->text[e->end - 1] == '>');
	while (
	    r->done_count > 0 && r->done[r->done_count - 1].begin > e->begin) {
		CHECK(r->done[r->done_count - 1].end < e->end);
		r->done_count--;
	}
	if (r->done_count > 0)
		CHECK(r->done[r->done_count - 1].end <= e->begin);
	r->done[r->done_count++] = (struct span){e->begin, e->end};
	r->count++;
	CHECK(r->count <= AWS_XML_ELEMENTS_MAX);
	add(r, e->path);
	add(r, e->text);
}

static enum err_code
read_all(const char *text, size_t len, struct reading *r, struct err *err)
{
	/* No shorter element than "<a/>". */
	struct span *done = mem_zalloc(len / 4 + 1, sizeof(*done));
	enum err_code code;

	*r = (struct reading){.text = text, .len = len, .done = done};
	r->bytes = len > 1 && text[0] == '<' && text[1] != '\0' &&
		   memmem(text, len, "encoding", 8) == NULL;
	code = aws_xml_read(text, len, on_element, r, err);
	if (code == ERR_NONE)
		CHECK(r->done_count == 1);
	mem_free(&done);
	return code;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	struct reading r, again;
	struct err err = {.code = ERR_NONE};
	enum err_code code = read_all(text, len, &r, &err);

	if (code != ERR_NONE) {
		CHECK(code == ERR_MALFORMED);
		fuzz_refused(code, &err);
	}
	CHECK(read_all(text, len, &again, &err) == code);
	CHECK(again.count == r.count && again.sum == r.sum);
	/* Blanks in front make no difference. */
	if (len == 0 || strchr(" \t\r\n", text[0]) != NULL)
		return 0;
	char *moved = mem_zalloc(1, len + 2);

	memcpy(moved, "\r\n", 2);
	memcpy(moved + 2, text, len);
	CHECK(read_all(moved, len + 2, &again, &err) == code);
	CHECK(again.count == r.count && again.sum == r.sum);
	mem_free(&moved);
	return 0;
}
