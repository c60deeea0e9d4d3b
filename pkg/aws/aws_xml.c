#include "aws/aws_xml.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

struct level {
	size_t path_len; /* of the path before this element */
	size_t begin;
	struct buf text;
};

struct reading {
	XML_Parser parser;
	void (*each)(void *arg, const struct aws_xml_element *e);
	void *arg;
	struct err *err;
	enum err_code code; /* what we refused ourselves */
	size_t blanks;      /* in front of the document, skipped */
	size_t depth;
	size_t elements;
	char path[AWS_XML_PATH_MAX];
	struct level level[AWS_XML_DEPTH_MAX];
};

static void
refuse(struct reading *r, const char *why)
{
	if (r->code == ERR_NONE)
		r->code = err_set(r->err, ERR_MALFORMED, 0, "XML: %s", why);
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static void
on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = arg;
	const char *colon = strrchr(name, ':');
	size_t at = strlen(r->path);
	struct level *l;

	(void)attributes;
	if (colon != NULL)
		name = colon + 1;
	/* Expat alone knows no namespaces: to it "a:" is a name. */
	if (*name == '\0') {
		refuse(r, "an element without a name");
		return;
	}
	if (r->depth == AWS_XML_DEPTH_MAX) {
		refuse(r, "nested too deep");
		return;
	}
	if (++r->elements > AWS_XML_ELEMENTS_MAX) {
		refuse(r, "too many elements");
		return;
	}
	if (at + strlen(name) + 2 > sizeof(r->path)) {
		refuse(r, "names too long");
		return;
	}
	l = &r->level[r->depth++];
	l->path_len = at;
	l->begin = r->blanks + (size_t)XML_GetCurrentByteIndex(r->parser);
	l->text.max = AWS_XML_TEXT_MAX;
	buf_clear(&l->text);
	if (at > 0)
		r->path[at++] = '/';
	memcpy(r->path + at, name, strlen(name) + 1);
}

static void
on_end(void *arg, const XML_Char *name)
{
	struct reading *r = arg;
	struct aws_xml_element e = {.path = r->path};
	struct level *l;

	(void)name;
	/* Expat may still report what it had read when it was stopped. */
	if (r->code != ERR_NONE || r->depth == 0)
		return;
	l = &r->level[--r->depth];
	e.text = buf_text(&l->text);
	e.begin = l->begin;
	e.end = r->blanks + (size_t)XML_GetCurrentByteIndex(r->parser) +
		(size_t)XML_GetCurrentByteCount(r->parser);
	r->each(r->arg, &e);
	r->path[l->path_len] = '\0';
}

static bool
is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r\n", text[i]) == NULL)
			return false;
	return true;
}

/* Blanks in front, which only lay the document out, are left away. */
static void
on_text(void *arg, const XML_Char *text, int len)
{
	struct reading *r = arg;
	struct buf *b;

	if (r->code != ERR_NONE || r->depth == 0)
		return;
	b = &r->level[r->depth - 1].text;
	if (b->len == 0 && is_blank(text, (size_t)len))
		return;
	if (buf_try_put(b, text, (size_t)len, r->err) != ERR_NONE)
		refuse(r, "text too long");
}

static void
on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid,
    const XML_Char *pubid, int has_internal)
{
	struct reading *r = arg;

	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_internal;
	refuse(r, "a DOCTYPE is not taken");
}

enum err_code
aws_xml_read(const char *text, size_t len,
    void (*each)(void *arg, const struct aws_xml_element *e), void *arg,
    struct err *err)
{
	struct reading *r = mem_zalloc(1, sizeof(*r));
	enum err_code code;
	XML_Parser p = XML_ParserCreate(NULL);
	size_t blanks = 0;

	while (blanks < len && is_blank(text + blanks, 1))
		blanks++;
	text += blanks;
	len -= blanks;
	if (p == NULL || len > 1U << 30) {
		mem_free(&r);
		if (p != NULL)
			XML_ParserFree(p);
		return err_set(err, ERR_MALFORMED, 0, "XML: too long");
	}
	r->parser = p;
	r->each = each;
	r->arg = arg;
	r->blanks = blanks;
	r->err = err;
	XML_SetUserData(p, r);
	XML_SetElementHandler(p, on_start, on_end);
	XML_SetCharacterDataHandler(p, on_text);
	XML_SetStartDoctypeDeclHandler(p, on_doctype);
	if (XML_Parse(p, text, (int)len, XML_TRUE) != XML_STATUS_OK &&
	    r->code == ERR_NONE)
		r->code = err_set(err, ERR_MALFORMED, 0,
		    "XML: line %lu column %lu: %s",
		    (unsigned long)XML_GetCurrentLineNumber(p),
		    (unsigned long)XML_GetCurrentColumnNumber(p),
		    XML_ErrorString(XML_GetErrorCode(p)));
	code = r->code;
	for (size_t i = 0; i < AWS_XML_DEPTH_MAX; i++)
		buf_free(&r->level[i].text);
	XML_ParserFree(p);
	mem_free(&r);
	return code;
}
