#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "mongo/mongo_priv.h"

/* libbson's functions by their pointers, with names of fields as text. */

static int
key_len(const char *key)
{
	return (int)strlen(key);
}

void
mongo_put_str(bson_t *b, const char *key, const char *text)
{
	(void)BS(append_utf8)(b, key, key_len(key), text, (int)strlen(text));
}

void
mongo_put_i64(bson_t *b, const char *key, int64_t n)
{
	if (n >= INT32_MIN && n <= INT32_MAX)
		(void)BS(append_int32)(b, key, key_len(key), (int32_t)n);
	else
		(void)BS(append_int64)(b, key, key_len(key), n);
}

void
mongo_put_double(bson_t *b, const char *key, double n)
{
	(void)BS(append_double)(b, key, key_len(key), n);
}

void
mongo_put_time(bson_t *b, const char *key, int64_t ms)
{
	(void)BS(append_date_time)(b, key, key_len(key), ms);
}

/* text_unhex takes capitals too; MongoDB's own are lower case. */
void
mongo_put_id(bson_t *b, const char *key, const char *id)
{
	bson_oid_t oid;

	if (text_unhex(id, oid.bytes, sizeof(oid.bytes)))
		(void)BS(append_oid)(b, key, key_len(key), &oid);
	else
		mongo_put_str(b, key, id);
}

bool
mongo_is_id(const bson_iter_t *it, const char *id)
{
	bson_oid_t oid;

	if (text_unhex(id, oid.bytes, sizeof(oid.bytes)))
		return BS(iter_type)(it) == BSON_TYPE_OID &&
		       memcmp(BS(iter_oid)(it)->bytes, oid.bytes,
			   sizeof(oid.bytes)) == 0;
	return BS(iter_type)(it) == BSON_TYPE_UTF8 &&
	       strcmp(BS(iter_utf8)(it, NULL), id) == 0;
}

void
mongo_put_doc(bson_t *b, const char *key, const bson_t *doc)
{
	(void)BS(append_document)(b, key, key_len(key), doc);
}

void
mongo_begin(bson_t *b, const char *key, bson_t *child)
{
	(void)BS(append_document_begin)(b, key, key_len(key), child);
}

void
mongo_end(bson_t *b, bson_t *child)
{
	(void)BS(append_document_end)(b, child);
}

void
mongo_put_either_id(bson_t *b, const char *key, const char *id)
{
	bson_oid_t oid;
	bson_t in;
	bson_t list;

	if (!text_unhex(id, oid.bytes, sizeof(oid.bytes))) {
		mongo_put_str(b, key, id);
		return;
	}
	mongo_begin(b, key, &in);
	(void)BS(append_array_begin)(&in, "$in", 3, &list);
	(void)BS(append_oid)(&list, "0", 1, &oid);
	mongo_put_str(&list, "1", id);
	(void)BS(append_array_end)(&in, &list);
	mongo_end(b, &in);
}

/* A key that MongoDB takes; mem_free. */
static char *
safe_key(const char *key)
{
	char *safe = mem_strdup(key[0] != '\0' ? key : "_");

	if (safe[0] == '$')
		safe[0] = '_';
	for (char *at = safe; *at != '\0'; at++)
		if (*at == '.')
			*at = '_';
	return safe;
}

static void
put_number(bson_t *b, const char *key, const struct json *j)
{
	struct err ignored;
	double d = 0;
	int64_t n;

	if (json_to_i64(j, -JSON_I64_MAX, JSON_I64_MAX, &n, &ignored) ==
	    ERR_NONE) {
		mongo_put_i64(b, key, n);
		return;
	}
	(void)json_to_double(j, &d, &ignored);
	mongo_put_double(b, key, d);
}

static enum err_code
put_text(struct mongo *m, bson_t *b, const char *key, const char *text,
    struct err *err)
{
	enum mongo_secrecy how = mongo_secrecy_of(key);
	bson_value_t secret;
	enum err_code code;

	if (m == NULL || !m->encrypts || how == MONGO_PLAIN) {
		mongo_put_str(b, key, text);
		return ERR_NONE;
	}
	code = mongo_encrypt(m, text, how, &secret, err);
	if (code != ERR_NONE)
		return code;
	(void)BS(append_value)(b, key, key_len(key), &secret);
	BS(value_destroy)(&secret);
	return ERR_NONE;
}

static enum err_code put_value(struct mongo *m, bson_t *b, const char *key,
    const struct json *j, struct err *err);

static enum err_code
put_items(
    struct mongo *m, bson_t *list, const struct json *array, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < json_count(array) && code == ERR_NONE; i++) {
		char key[24];

		(void)snprintf(key, sizeof(key), "%zu", i);
		code = put_value(m, list, key, json_at(array, i), err);
	}
	return code;
}

static enum err_code
put_value(struct mongo *m, bson_t *b, const char *key, const struct json *j,
    struct err *err)
{
	const char *text = "";
	bool truth = false;
	bson_t child;
	enum err_code code = ERR_NONE;

	switch (json_kind(j)) {
	case JSON_STRING:
		(void)json_to_str(j, &text, err);
		return put_text(m, b, key, text, err);
	case JSON_NUMBER:
		put_number(b, key, j);
		break;
	case JSON_BOOL:
		(void)json_to_bool(j, &truth, err);
		(void)BS(append_bool)(b, key, key_len(key), truth);
		break;
	case JSON_OBJECT:
		mongo_begin(b, key, &child);
		code = mongo_put_members(m, &child, j, err);
		mongo_end(b, &child);
		break;
	case JSON_ARRAY:
		(void)BS(append_array_begin)(b, key, key_len(key), &child);
		code = put_items(m, &child, j, err);
		(void)BS(append_array_end)(b, &child);
		break;
	case JSON_NULL:
		(void)BS(append_null)(b, key, key_len(key));
		break;
	}
	return code;
}

enum err_code
mongo_put_members(
    struct mongo *m, bson_t *b, const struct json *object, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < json_count(object) && code == ERR_NONE; i++) {
		const struct json *member = json_at(object, i);
		char *key = safe_key(json_key(member));

		code = put_value(m, b, key, member, err);
		mem_free(&key);
	}
	return code;
}
