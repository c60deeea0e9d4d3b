#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "mongo/mongo_priv.h"

/* filter is destroyed. */
static enum err_code
read_one(struct mongo *m, enum mongo_collection c, bson_t *filter, size_t max,
    struct buf *out, struct err *err)
{
	mongoc_collection_t *collection = mongo_of(m, c);
	mongoc_cursor_t *cursor;
	const bson_t *doc = NULL;
	bson_t opts;
	bson_error_t e;
	const bson_t *reply = NULL;
	enum err_code code;

	BS(init)(&opts);
	mongo_put_i64(&opts, "limit", 1);
	cursor = MC(collection_find_with_opts)(collection, filter, &opts, NULL);
	if (MC(cursor_next)(cursor, &doc))
		code = mongo_json(m, c, doc, max, out, err);
	else if (MC(cursor_error_document)(cursor, &e, &reply))
		code = mongo_translate(&e, reply, err);
	else
		code = err_set(err, ERR_NOT_FOUND, 0, "not found");
	MC(cursor_destroy)(cursor);
	MC(collection_destroy)(collection);
	BS(destroy)(&opts);
	BS(destroy)(filter);
	return code;
}

enum err_code
mongo_read(struct mongo *m, enum mongo_collection c, const char *id, size_t max,
    struct buf *out, struct err *err)
{
	enum err_code code = mongo_ready(m, err);
	bson_t filter;

	if (code != ERR_NONE)
		return code;
	BS(init)(&filter);
	mongo_put_either_id(&filter, "_id", id);
	code = read_one(m, c, &filter, max, out, err);
	return code == ERR_NONE
		   ? code
		   : err_wrap(err, "%s %.100s", m->collection[c], id);
}

/* {_id: {$in: [...]}}: each as mongo_put_either_id has it. */
static void
put_ids(bson_t *filter, const char *const *ids, size_t n)
{
	bson_t in;
	bson_t list;
	unsigned at = 0;

	mongo_begin(filter, "_id", &in);
	(void)BS(append_array_begin)(&in, "$in", 3, &list);
	for (size_t i = 0; i < n; i++) {
		bson_oid_t oid;
		char key[12];
		int len = snprintf(key, sizeof(key), "%u", at++);

		if (text_unhex(ids[i], oid.bytes, sizeof(oid.bytes))) {
			(void)BS(append_oid)(&list, key, len, &oid);
			(void)snprintf(key, sizeof(key), "%u", at++);
		}
		mongo_put_str(&list, key, ids[i]);
	}
	(void)BS(append_array_end)(&in, &list);
	mongo_end(filter, &in);
}

static bool
has_id(const bson_iter_t *it, const char *id)
{
	bson_oid_t oid;
	uint32_t len = 0;
	const char *text;

	if (BS(iter_type)(it) == BSON_TYPE_OID)
		return text_unhex(id, oid.bytes, sizeof(oid.bytes)) &&
		       memcmp(BS(iter_oid)(it)->bytes, oid.bytes,
			   sizeof(oid.bytes)) == 0;
	if (BS(iter_type)(it) != BSON_TYPE_UTF8)
		return false;
	text = BS(iter_utf8)(it, &len);
	return strlen(id) == len && memcmp(text, id, len) == 0;
}

static void
found(struct mongo *m, enum mongo_collection c, const bson_t *doc,
    const char *const *ids, size_t n, size_t max, struct mongo_found *out)
{
	bson_iter_t it;

	if (!BS(iter_init_find)(&it, doc, "_id"))
		return;
	for (size_t i = 0; i < n; i++) {
		struct buf text = BUF_INIT(max + 1);

		if (out[i].code != ERR_NOT_FOUND || !has_id(&it, ids[i]))
			continue;
		out[i].code = mongo_json(m, c, doc, max, &text, &out[i].err);
		if (out[i].code == ERR_NONE)
			out[i].json = mem_strndup(text.bytes, text.len);
		else
			(void)err_wrap(
			    &out[i].err, "%s %.100s", m->collection[c], ids[i]);
		buf_free(&text);
	}
}

enum err_code
mongo_read_many(struct mongo *m, enum mongo_collection c,
    const char *const *ids, size_t n, size_t max, struct mongo_found *out,
    struct err *err)
{
	enum err_code code = mongo_ready(m, err);
	mongoc_collection_t *collection;
	mongoc_cursor_t *cursor;
	const bson_t *doc = NULL;
	const bson_t *reply = NULL;
	bson_t filter;
	bson_error_t e;

	for (size_t i = 0; i < n; i++) {
		out[i] = (struct mongo_found){0};
		out[i].code = err_set(&out[i].err, ERR_NOT_FOUND, 0,
		    "%s %.100s: not found", m->collection[c], ids[i]);
	}
	if (code != ERR_NONE || n == 0)
		return code;
	BS(init)(&filter);
	put_ids(&filter, ids, n);
	collection = mongo_of(m, c);
	cursor = MC(collection_find_with_opts)(collection, &filter, NULL, NULL);
	while (MC(cursor_next)(cursor, &doc))
		found(m, c, doc, ids, n, max, out);
	if (MC(cursor_error_document)(cursor, &e, &reply)) {
		code = mongo_translate(&e, reply, err);
		(void)err_wrap(err, "%s", m->collection[c]);
	}
	MC(cursor_destroy)(cursor);
	MC(collection_destroy)(collection);
	BS(destroy)(&filter);
	return code;
}

/* The number is no text for an error: it is a person's. */
enum err_code
mongo_read_by_phone(struct mongo *m, const char *phone, size_t max,
    struct buf *out, struct err *err)
{
	enum err_code code = mongo_ready(m, err);
	bson_value_t secret;
	bson_t filter;

	if (code != ERR_NONE)
		return code;
	BS(init)(&filter);
	if (m->encrypts) {
		code =
		    mongo_encrypt(m, phone, MONGO_DETERMINISTIC, &secret, err);
		if (code != ERR_NONE) {
			BS(destroy)(&filter);
			return code;
		}
		(void)BS(append_value)(&filter, "phone", 5, &secret);
		BS(value_destroy)(&secret);
	} else {
		mongo_put_str(&filter, "phone", phone);
	}
	code = read_one(m, MONGO_CONTACT, &filter, max, out, err);
	return code == ERR_NONE
		   ? code
		   : err_wrap(err, "%s by phone", m->collection[MONGO_CONTACT]);
}

static enum err_code
replace(struct mongo *m, const char *id, const bson_t *doc, struct err *err)
{
	mongoc_collection_t *contacts = mongo_of(m, MONGO_CONTACT);
	bson_t filter;
	bson_t opts;
	bson_t reply;
	bson_error_t e;
	enum err_code code = ERR_NONE;

	BS(init)(&filter);
	mongo_put_id(&filter, "_id", id);
	BS(init)(&opts);
	(void)BS(append_bool)(&opts, "upsert", 6, true);
	if (!MC(collection_replace_one)(
		contacts, &filter, doc, &opts, &reply, &e))
		code = mongo_translate(&e, &reply, err);
	BS(destroy)(&reply);
	BS(destroy)(&opts);
	BS(destroy)(&filter);
	MC(collection_destroy)(contacts);
	return code;
}

enum err_code
mongo_put_contact(
    struct mongo *m, const char *id, const char *json, struct err *err)
{
	struct json *contact = NULL;
	bson_t doc;
	enum err_code code = mongo_ready(m, err);

	if (code != ERR_NONE)
		return code;
	code =
	    json_parse(json, strlen(json), &JSON_LIMITS_DEFAULT, &contact, err);
	if (code == ERR_NONE)
		code = json_expect(contact, JSON_OBJECT, err);
	if (code == ERR_NONE) {
		BS(init)(&doc);
		code = mongo_put_members(m, &doc, contact, err);
		if (code == ERR_NONE)
			code = replace(m, id, &doc, err);
		BS(destroy)(&doc);
	}
	json_free(&contact);
	return code == ERR_NONE ? code
				: err_wrap(err, "%s %.100s",
				      m->collection[MONGO_CONTACT], id);
}
