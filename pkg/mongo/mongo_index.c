#include <string.h>

#include "base/mem.h"

#include "mongo/mongo_priv.h"

#define FIELDS_MAX 2

struct wanted {
	enum mongo_collection collection;
	const char *field[FIELDS_MAX]; /* all ascending */
};

/* The specification's, of both drafts, and what our own guards look for. */
static const struct wanted wanted[] = {
    {MONGO_CAMPAIGN, {"contact"}},
    {MONGO_CAMPAIGN, {"batch", "status"}},
    {MONGO_CAMPAIGN, {"status", "lastCompletedDate"}},
    {MONGO_CAMPAIGN, {"lastCompletedDate"}},
    {MONGO_CALL_RECORD, {"callTime"}},
    {MONGO_CALL_RECORD, {"campaign", "callTime"}},
    {MONGO_CONTACT, {"phone"}},
};

static void
name_of(const struct wanted *w, char out[96])
{
	(void)snprintf(out, 96, "%s_1%s%s%s", w->field[0],
	    w->field[1] != NULL ? "_" : "",
	    w->field[1] != NULL ? w->field[1] : "",
	    w->field[1] != NULL ? "_1" : "");
}

/* Are its keys exactly those, in that order? */
static bool
is_same(const struct wanted *w, const bson_t *index)
{
	bson_iter_t it;
	bson_iter_t key;
	size_t n = 0;

	if (!BS(iter_init_find)(&it, index, "key") ||
	    !BS(iter_recurse)(&it, &key))
		return false;
	for (; BS(iter_next)(&key); n++)
		if (n >= FIELDS_MAX || w->field[n] == NULL ||
		    strcmp(BS(iter_key)(&key), w->field[n]) != 0 ||
		    BS(iter_as_int64)(&key) != 1)
			return false;
	return n > 0 && (n == FIELDS_MAX || w->field[n] == NULL);
}

/* The bits of wanted[] that collection c has. */
static enum err_code
look(struct mongo *m, enum mongo_collection c, unsigned *there, struct err *err)
{
	mongoc_collection_t *collection = mongo_of(m, c);
	mongoc_cursor_t *cursor =
	    MC(collection_find_indexes_with_opts)(collection, NULL);
	const bson_t *doc;
	bson_error_t e;
	enum err_code code = ERR_NONE;

	while (MC(cursor_next)(cursor, &doc))
		for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
			if (wanted[i].collection == c &&
			    is_same(&wanted[i], doc))
				*there |= 1U << i;
	if (MC(cursor_error)(cursor, &e)) {
		code = mongo_translate(&e, NULL, err);
		/* No such collection: it has none. */
		if (code == ERR_NOT_FOUND)
			code = ERR_NONE;
	}
	MC(cursor_destroy)(cursor);
	MC(collection_destroy)(collection);
	return code;
}

static enum err_code
make_one(
    struct mongo *m, const struct wanted *w, const char *name, struct err *err)
{
	bson_t command;
	bson_t list;
	bson_t index;
	bson_t key;
	bson_t reply;
	bson_error_t e;
	enum err_code code = ERR_NONE;

	BS(init)(&command);
	mongo_put_str(&command, "createIndexes", m->collection[w->collection]);
	(void)BS(append_array_begin)(&command, "indexes", 7, &list);
	mongo_begin(&list, "0", &index);
	mongo_begin(&index, "key", &key);
	for (size_t i = 0; i < FIELDS_MAX && w->field[i] != NULL; i++)
		mongo_put_i64(&key, w->field[i], 1);
	mongo_end(&index, &key);
	mongo_put_str(&index, "name", name);
	mongo_end(&list, &index);
	(void)BS(append_array_end)(&command, &list);
	if (!MC(client_write_command_with_opts)(
		m->client, m->database, &command, NULL, &reply, &e))
		code = mongo_translate(&e, &reply, err);
	BS(destroy)(&reply);
	BS(destroy)(&command);
	return code;
}

enum err_code
mongo_indexes(struct mongo *m, bool make,
    void (*each)(void *arg, const struct mongo_index *i), void *arg,
    struct err *err)
{
	enum err_code code = mongo_ready(m, err);
	unsigned there = 0;

	for (int c = 0; c < MONGO_COLLECTION_COUNT && code == ERR_NONE; c++)
		if (c <= MONGO_CONTACT)
			code = look(m, (enum mongo_collection)c, &there, err);
	for (size_t i = 0; i < ARRAY_LEN(wanted) && code == ERR_NONE; i++) {
		const struct wanted *w = &wanted[i];
		char name[96];
		struct mongo_index index = {
		    .collection = m->collection[w->collection],
		    .name = name,
		    .state = MONGO_INDEX_THERE,
		    .text = ""};
		struct err why = {.text = ""};

		name_of(w, name);
		if ((there & (1U << i)) == 0 && !make) {
			index.state = MONGO_INDEX_MISSING;
		} else if ((there & (1U << i)) == 0) {
			index.state = MONGO_INDEX_MADE;
			if (make_one(m, w, name, &why) != ERR_NONE) {
				index.state = MONGO_INDEX_REFUSED;
				index.text = why.text;
			}
			/* The server went away: it refused nothing. */
			if (err_class(why.code) == ERR_CLASS_RETRY) {
				*err = why;
				code = why.code;
				break;
			}
		}
		each(arg, &index);
	}
	if (code == ERR_NONE && m->encrypts)
		code = mongo_crypt_prepare(m, make, each, arg, err);
	return code;
}
