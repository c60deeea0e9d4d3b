#include <string.h>

#include "mongo/mongo_priv.h"

static int64_t
count_of(const bson_t *reply, const char *key)
{
	bson_iter_t it;

	return BS(iter_init_find)(&it, reply, key) ? BS(iter_as_int64)(&it) : 0;
}

struct write_error {
	int64_t index;
	struct mongo_outcome outcome;
};

static bool
read_error(bson_iter_t *it, struct write_error *out)
{
	bson_iter_t member;

	*out = (struct write_error){-1, {0, "no reason given"}};
	if (BS(iter_type)(it) != BSON_TYPE_DOCUMENT ||
	    !BS(iter_recurse)(it, &member))
		return false;
	while (BS(iter_next)(&member)) {
		const char *key = BS(iter_key)(&member);

		if (strcmp(key, "index") == 0)
			out->index = BS(iter_as_int64)(&member);
		else if (strcmp(key, "code") == 0)
			out->outcome.code = BS(iter_as_int64)(&member);
		else if (strcmp(key, "errmsg") == 0 &&
			 BS(iter_type)(&member) == BSON_TYPE_UTF8)
			out->outcome.text = BS(iter_utf8)(&member, NULL);
	}
	return out->index >= 0 && out->outcome.code != 0;
}

/*
 * An upsert that was carried out counts as matched or as upserted, one that
 * was not as an error: a reply that accounts for all of them leaves none out.
 * A single error at the first place is what a server says that stops at the
 * first error and does not know its place.
 */
bool
mongo_bulk_proves(const bson_t *reply, size_t k, struct mongo_outcome *out)
{
	bson_iter_t it;
	bson_iter_t errors;
	struct write_error e = {0};
	size_t failed = 0;

	for (size_t i = 0; i < k; i++)
		out[i] = (struct mongo_outcome){0, ""};
	if (!BS(iter_init_find)(&it, reply, "writeErrors") ||
	    !BS(iter_recurse)(&it, &errors))
		return false;
	while (BS(iter_next)(&errors)) {
		if (!read_error(&errors, &e) || e.index >= (int64_t)k ||
		    out[e.index].code != 0)
			return false;
		out[e.index] = e.outcome;
		failed++;
	}
	if (failed == 0 || (failed == 1 && e.index == 0 && k > 1))
		return false;
	return count_of(reply, "nMatched") + count_of(reply, "nUpserted") +
		   (int64_t)failed ==
	       (int64_t)k;
}

static bool
read_made(bson_iter_t *it, int64_t *index, bson_iter_t *id)
{
	bson_iter_t member;
	bool any = false;

	*index = -1;
	if (BS(iter_type)(it) != BSON_TYPE_DOCUMENT ||
	    !BS(iter_recurse)(it, &member))
		return false;
	while (BS(iter_next)(&member)) {
		const char *key = BS(iter_key)(&member);

		if (strcmp(key, "index") == 0)
			*index = BS(iter_as_int64)(&member);
		if (strcmp(key, "_id") != 0)
			continue;
		*id = member;
		any = true;
	}
	return any;
}

void
mongo_bulk_made(const bson_t *reply, size_t k,
    void (*each)(void *arg, size_t i, const bson_iter_t *id), void *arg)
{
	bson_iter_t it;
	bson_iter_t made;
	bson_iter_t id;
	int64_t index;

	if (count_of(reply, "nMatched") + count_of(reply, "nUpserted") !=
		(int64_t)k ||
	    !BS(iter_init_find)(&it, reply, "upserted") ||
	    !BS(iter_recurse)(&it, &made))
		return;
	while (BS(iter_next)(&made))
		if (read_made(&made, &index, &id) && index >= 0 &&
		    index < (int64_t)k)
			each(arg, (size_t)index, &id);
}
