#include <string.h>

#include "base/mem.h"

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
