#include "net/net_redis_reply.h"

#include <string.h>

#include <hiredis/hiredis.h>

#include "base/check.h"
#include "base/mem.h"

/* Of a simple string or an error; and of a number that says how long. */
#define LINE_MAX_BYTES 65536
#define DIGITS_MAX 24
#define BLOCK_BYTES 1024

struct block {
	struct block *next;
	_Alignas(max_align_t) char bytes[];
};

struct net_redis_reply {
	struct net_redis_value root;
	struct block *blocks;
	size_t left; /* of the first block */
	size_t used; /* of all of them */
	size_t max;
	const char *bad; /* why it cannot be; NULL = so far good */
};

struct net_redis_parser {
	redisReader *reader;
	size_t max;
	struct net_redis_reply *now; /* what is being read */
	struct err err;              /* what ended it */
};

const struct net_redis_value *
net_redis_reply_value(const struct net_redis_reply *r)
{
	return &r->root;
}

void
net_redis_reply_free(struct net_redis_reply **r)
{
	if (*r == NULL)
		return;
	while ((*r)->blocks != NULL) {
		struct block *b = (*r)->blocks;

		(*r)->blocks = b->next;
		mem_free(&b);
	}
	mem_free(r);
}

/* NULL above the limit. */
static void *
take(struct net_redis_reply *r, size_t len)
{
	size_t size = (len + 15) & ~(size_t)15;

	if (len > r->max || size > r->max - r->used) {
		r->bad = "too large";
		return NULL;
	}
	r->used += size;
	if (size > r->left) {
		size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
		struct block *b = mem_zalloc(1, sizeof(*b) + room);

		b->next = r->blocks;
		r->blocks = b;
		r->left = room;
	}
	r->left -= size;
	return r->blocks->bytes + r->left;
}

/* Where the value of a task goes: into its parent's array, or the root. */
static struct net_redis_value *
place(const redisReadTask *t)
{
	struct net_redis_parser *p = t->privdata;

	if (p->now == NULL) {
		p->now = mem_zalloc(1, sizeof(*p->now));
		p->now->max = p->max;
	}
	if (t->parent == NULL)
		return &p->now->root;

	const struct net_redis_value *parent = t->parent->obj;

	/* The one place where an array is filled in. */
	return (struct net_redis_value *)(uintptr_t)&parent->items[t->idx];
}

static struct net_redis_reply *
now(const redisReadTask *t)
{
	struct net_redis_parser *p = t->privdata;

	return p->now;
}

static void *
make_string(const redisReadTask *t, char *text, size_t len)
{
	struct net_redis_value *v = place(t);
	char *copy;

	/* The reader counts these two bytes and does not look at them. */
	if (text[len] != '\r' || text[len + 1] != '\n') {
		now(t)->bad = "a string does not end where it said";
		return NULL;
	}
	/* len + 1 cannot wrap: so many bytes are in the buffer. */
	copy = take(now(t), len + 1);
	if (copy == NULL)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	v->kind =
	    t->type == REDIS_REPLY_ERROR ? NET_REDIS_ERROR : NET_REDIS_STRING;
	v->text = copy;
	v->len = len;
	return v;
}

static void *
make_array(const redisReadTask *t, int count)
{
	struct net_redis_value *v = place(t);
	size_t n = count > 0 ? (size_t)count : 0;

	v->kind = NET_REDIS_ARRAY;
	v->count = n;
	if (n == 0)
		return v;
	if (n > now(t)->max / sizeof(*v)) {
		now(t)->bad = "too large";
		return NULL;
	}
	v->items = take(now(t), n * sizeof(*v));
	return v->items != NULL ? v : NULL;
}

static void *
make_integer(const redisReadTask *t, long long number)
{
	struct net_redis_value *v = place(t);

	v->kind = NET_REDIS_INT;
	v->integer = number;
	return v;
}

static void *
make_nil(const redisReadTask *t)
{
	struct net_redis_value *v = place(t);

	v->kind = NET_REDIS_NIL;
	return v;
}

/* All of it goes with the reply. */
static void
leave(void *value)
{
	(void)value;
}

static redisReplyObjectFunctions makers = {
    make_string, make_array, make_integer, make_nil, leave};

struct net_redis_parser *
net_redis_parser_new(size_t reply_max)
{
	struct net_redis_parser *p = mem_zalloc(1, sizeof(*p));

	p->max = reply_max;
	p->reader = redisReaderCreateWithFunctions(&makers);
	CHECK(p->reader != NULL);
	p->reader->privdata = p;
	return p;
}

void
net_redis_parser_free(struct net_redis_parser **p)
{
	if (*p == NULL)
		return;
	redisReaderFree((*p)->reader);
	net_redis_reply_free(&(*p)->now);
	mem_free(p);
}

void
net_redis_parser_feed(struct net_redis_parser *p, const void *bytes, size_t len)
{
	if (p->err.code != ERR_NONE)
		return;
	CHECK(redisReaderFeed(p->reader, bytes, len) == REDIS_OK);
}

/*
 * The reader waits for more.  A length that is known and too large, and a line
 * that does not end, are not waited for: each look would begin at its start
 * again, and memory would fill.
 */
static const char *
waits_in_vain(const struct net_redis_parser *p)
{
	const redisReader *r = p->reader;
	const char *at = r->buf + r->pos;
	size_t have = r->len - r->pos;
	int type = r->ridx >= 0 ? r->rstack[r->ridx].type : -1;
	const char *end = memchr(at, '\r', have);
	size_t line = end != NULL ? (size_t)(end - at) : have;
	bool number = type == REDIS_REPLY_STRING || type == REDIS_REPLY_ARRAY ||
		      type == REDIS_REPLY_INTEGER;
	uint64_t announced = 0;

	if (type < 0 || have == 0)
		return NULL;
	if (line > (number ? DIGITS_MAX : LINE_MAX_BYTES))
		return "a line does not end";
	if (type != REDIS_REPLY_STRING || end == NULL || at[0] == '-')
		return NULL;
	for (size_t i = 0; i < line && announced < UINT64_MAX / 100; i++)
		announced = announced * 10 + (uint64_t)(at[i] - '0');
	return announced >= p->max - (p->now != NULL ? p->now->used : 0)
		   ? "too large"
		   : NULL;
}

static enum err_code
refuse(struct net_redis_parser *p, const char *why, struct err *err)
{
	(void)err_set(&p->err, ERR_MALFORMED, 0,
	    "the reply cannot be used: %s (at most %zu bytes)", why, p->max);
	net_redis_reply_free(&p->now);
	*err = p->err;
	return p->err.code;
}

enum err_code
net_redis_parser_next(
    struct net_redis_parser *p, struct net_redis_reply **out, struct err *err)
{
	void *root = NULL;
	const char *vain;

	*out = NULL;
	if (p->err.code != ERR_NONE) {
		*err = p->err;
		return p->err.code;
	}
	if (redisReaderGetReply(p->reader, &root) != REDIS_OK) {
		const char *bad = p->now != NULL ? p->now->bad : NULL;

		return refuse(p, bad != NULL ? bad : p->reader->errstr, err);
	}
	if (root == NULL) {
		vain = waits_in_vain(p);
		return vain != NULL ? refuse(p, vain, err) : ERR_NONE;
	}
	CHECK(p->now != NULL && root == &p->now->root);
	*out = p->now;
	p->now = NULL;
	return ERR_NONE;
}
