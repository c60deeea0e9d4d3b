#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_s3_upload.h"
#include "aws/aws_xml.h"

#include "aws/aws_s3_priv.h"

#define PAGE 1000
/* Of a list; a server may never say that it has ended. */
#define PAGES_MAX 1000

struct stale {
	char *key;
	char *upload_id;
};

/* One page of uploads: those to abort, and where the next page begins. */
struct aws_s3_page {
	struct stale stale[PAGE];
	size_t count, at;
	bool truncated, seen, bad;
	char *next_key, *next_id;
	/* the one being read */
	char *key, *upload_id;
	int64_t begun_ms;
	int64_t before_ms;
	int64_t found;
};

static void
page_free(struct aws_s3_page **page)
{
	struct aws_s3_page *p = *page;

	if (p == NULL)
		return;
	for (size_t i = 0; i < p->count; i++) {
		mem_free(&p->stale[i].key);
		mem_free(&p->stale[i].upload_id);
	}
	mem_free(&p->next_key);
	mem_free(&p->next_id);
	mem_free(&p->key);
	mem_free(&p->upload_id);
	mem_free(page);
}

static void
put(char **to, const char *text)
{
	mem_free(to);
	*to = mem_strdup(text);
}

static void
on_upload_end(struct aws_s3_page *p)
{
	p->found++;
	if (p->key == NULL || p->upload_id == NULL || p->begun_ms < 0)
		p->bad = true;
	else if (p->begun_ms < p->before_ms && p->count < PAGE) {
		p->stale[p->count].key = p->key;
		p->stale[p->count++].upload_id = p->upload_id;
		p->key = p->upload_id = NULL;
	}
	p->begun_ms = -1;
}

static void
on_element(void *arg, const struct aws_xml_element *e)
{
	static const char root[] = "ListMultipartUploadsResult";
	struct aws_s3_page *p = arg;
	const char *name = e->path + sizeof(root) - 1;
	struct err ignored;

	if (!text_starts(e->path, root))
		return;
	if (*name == '\0')
		p->seen = true;
	else if (strcmp(name, "/IsTruncated") == 0)
		p->truncated = strcmp(e->text, "true") == 0;
	else if (strcmp(name, "/NextKeyMarker") == 0)
		put(&p->next_key, e->text);
	else if (strcmp(name, "/NextUploadIdMarker") == 0)
		put(&p->next_id, e->text);
	else if (strcmp(name, "/Upload/Key") == 0)
		put(&p->key, e->text);
	else if (strcmp(name, "/Upload/UploadId") == 0)
		put(&p->upload_id, e->text);
	else if (strcmp(name, "/Upload/Initiated") == 0)
		(void)text_rfc3339_ms(e->text, &p->begun_ms, &ignored);
	else if (strcmp(name, "/Upload") == 0)
		on_upload_end(p);
}

static bool on_page(struct aws_s3_op *op);

static void
ask_page(struct aws_s3_reap *r)
{
	struct aws_s3_page *p = r->page;

	aws_s3_begin(r->s3, &r->op, "GET", NULL, on_page);
	aws_s3_query(&r->op, "uploads", "");
	aws_s3_query_i64(&r->op, "max-uploads", PAGE);
	if (*r->prefix != '\0')
		aws_s3_query(&r->op, "prefix", r->prefix);
	if (p != NULL) {
		put(&r->after_key, p->next_key);
		put(&r->after_id, p->next_id);
		aws_s3_query(&r->op, "key-marker", r->after_key);
		aws_s3_query(&r->op, "upload-id-marker", r->after_id);
	}
	page_free(&r->page);
	aws_s3_go(&r->op);
}

static bool on_aborted(struct aws_s3_op *op);

/* The next of this page, then the next page; false: that was all. */
static bool
go_on(struct aws_s3_reap *r)
{
	struct aws_s3_page *p = r->page;

	if (p->at < p->count) {
		const struct stale *s = &p->stale[p->at++];

		aws_s3_begin(r->s3, &r->op, "DELETE", s->key, on_aborted);
		aws_s3_query(&r->op, "uploadId", s->upload_id);
		aws_s3_go(&r->op);
		return true;
	}
	if (!p->truncated)
		return false;
	ask_page(r);
	return true;
}

static bool
on_aborted(struct aws_s3_op *op)
{
	struct aws_s3_reap *r = CONTAINER_OF(op, struct aws_s3_reap, op);

	if (op->code == ERR_NOT_FOUND)
		op->code = ERR_NONE;
	if (op->code != ERR_NONE)
		return false;
	r->aborted++;
	return go_on(r);
}

/* Is there a next page, and is it not the one that was just read? */
static bool
goes_on(const struct aws_s3_reap *r, const struct aws_s3_page *p)
{
	return p->next_key != NULL && p->next_id != NULL &&
	       r->pages < PAGES_MAX &&
	       (r->after_key == NULL ||
		   strcmp(p->next_key, r->after_key) != 0 ||
		   strcmp(p->next_id, r->after_id) != 0);
}

static bool
on_page(struct aws_s3_op *op)
{
	struct aws_s3_reap *r = CONTAINER_OF(op, struct aws_s3_reap, op);
	const struct net_http_request *http = aws_s3_answer(op);
	struct aws_s3_page *p;
	struct err ignored;

	if (op->code != ERR_NONE)
		return false;
	p = r->page = mem_zalloc(1, sizeof(*p));
	r->pages++;
	p->before_ms = r->before_ms;
	p->begun_ms = -1;
	if (aws_xml_read(buf_text(&http->body_in), http->body_in.len,
		on_element, p, &ignored) != ERR_NONE ||
	    !p->seen || p->bad || (p->truncated && !goes_on(r, p))) {
		op->blame = true;
		op->code = err_set(&op->err, ERR_UNREACHABLE, op->status,
		    "S3 %s: a list of uploads that is not as documented",
		    r->s3->bucket);
		return false;
	}
	r->found += p->found;
	return go_on(r);
}

static void
forget(struct aws_s3_reap *r)
{
	page_free(&r->page);
	mem_free(&r->after_key);
	mem_free(&r->after_id);
}

void
aws_s3_reap(struct aws_s3 *s3, struct aws_s3_reap *r)
{
	r->s3 = s3;
	r->found = r->aborted = r->pages = 0;
	forget(r);
	ask_page(r);
}

void
aws_s3_reap_fini(struct aws_s3_reap *r)
{
	aws_s3_end(&r->op);
	forget(r);
}
