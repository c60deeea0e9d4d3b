#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "mongo/mongo_priv.h"

/*
 * After a duplicate key.  Mostly it was the document's own _id: there already,
 * or newer.  With a unique index of the owner's it was another document, and
 * then ours is nowhere: a plain update of it matches nothing either, so only a
 * look tells the two apart.
 */

/* {_id: {$in: [...]}}; false: of none. */
static bool
put_duplicates(bson_t *filter, struct mongo_op *const *ops, size_t k)
{
	bson_t in;
	bson_t list;
	bson_iter_t it;
	unsigned n = 0;

	mongo_begin(filter, "_id", &in);
	(void)BS(append_array_begin)(&in, "$in", 3, &list);
	for (size_t i = 0; i < k; i++) {
		char key[12];
		int len;

		if (ops[i]->duplicate == NULL ||
		    !BS(iter_init_find)(&it, &ops[i]->filter, "_id"))
			continue;
		len = snprintf(key, sizeof(key), "%u", n++);
		(void)BS(append_iter)(&list, key, len, &it);
	}
	(void)BS(append_array_end)(&in, &list);
	mongo_end(filter, &in);
	return n > 0;
}

static bool
is_same_id(const bson_iter_t *a, const bson_iter_t *b)
{
	uint32_t a_len = 0;
	uint32_t b_len = 0;
	const char *text;

	if (BS(iter_type)(a) != BS(iter_type)(b))
		return false;
	if (BS(iter_type)(a) == BSON_TYPE_OID)
		return memcmp(BS(iter_oid)(a)->bytes, BS(iter_oid)(b)->bytes,
			   sizeof(BS(iter_oid)(a)->bytes)) == 0;
	if (BS(iter_type)(a) != BSON_TYPE_UTF8)
		return false;
	text = BS(iter_utf8)(a, &a_len);
	return memcmp(text, BS(iter_utf8)(b, &b_len),
		   a_len < b_len ? a_len : b_len) == 0 &&
	       a_len == b_len;
}

static void
mark_found(
    const bson_t *doc, struct mongo_op *const *ops, size_t k, bool *there)
{
	bson_iter_t has;
	bson_iter_t wants;

	for (size_t i = 0; i < k; i++)
		if (ops[i]->duplicate != NULL &&
		    BS(iter_init_find)(&has, doc, "_id") &&
		    BS(iter_init_find)(&wants, &ops[i]->filter, "_id"))
			there[i] = there[i] || is_same_id(&has, &wants);
}

enum err_code
mongo_find_missing(mongoc_collection_t *c, struct mongo_op *const *ops,
    size_t k, void (*each)(void *arg, const struct mongo_op *op), void *arg,
    struct err *err)
{
	enum err_code code = ERR_NONE;
	mongoc_cursor_t *cursor;
	const bson_t *reply = NULL;
	const bson_t *doc = NULL;
	bson_t filter;
	bson_t opts;
	bson_t only;
	bson_error_t e;
	bool *there;

	BS(init)(&filter);
	if (!put_duplicates(&filter, ops, k)) {
		BS(destroy)(&filter);
		return ERR_NONE;
	}
	there = mem_zalloc(k, sizeof(*there));
	BS(init)(&opts);
	mongo_begin(&opts, "projection", &only);
	mongo_put_i64(&only, "_id", 1);
	mongo_end(&opts, &only);
	cursor = MC(collection_find_with_opts)(c, &filter, &opts, NULL);
	while (MC(cursor_next)(cursor, &doc))
		mark_found(doc, ops, k, there);
	if (MC(cursor_error_document)(cursor, &e, &reply))
		code = mongo_translate(&e, reply, err);
	for (size_t i = 0; i < k && code == ERR_NONE; i++)
		if (ops[i]->duplicate != NULL && !there[i])
			each(arg, ops[i]);
	MC(cursor_destroy)(cursor);
	BS(destroy)(&opts);
	BS(destroy)(&filter);
	mem_free(&there);
	return code;
}
