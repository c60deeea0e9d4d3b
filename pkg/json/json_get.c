#include "json/json.h"

/*
 * Members by key: the same six kinds, once required and once optional.  The
 * macro writes the twelve functions, since only their types differ.
 */

/* NULL with ERR_NONE: absent or null, and that is fine. */
static enum err_code
find(const struct json *obj, const char *key, enum json_kind kind, bool must,
    const struct json **out, struct err *err)
{
	*out = NULL;
	if (json_expect(obj, JSON_OBJECT, err) != ERR_NONE)
		return err->code;

	const struct json *j = json_get(obj, key);
	if (j == NULL || (json_kind(j) == JSON_NULL && !must)) {
		if (!must)
			return ERR_NONE;
		return json_refuse(obj, key, err, "missing, expected %s",
		    json_kind_name(kind));
	}
	*out = j;
	return json_expect(j, kind, err);
}

static enum err_code
to_node(const struct json *j, const struct json **out, struct err *err)
{
	(void)err;
	*out = j;
	return ERR_NONE;
}

#define GETTER(name, must, kind, type, to)                                     \
	enum err_code name(const struct json *obj, const char *key, type *out, \
	    struct err *err)                                                   \
	{                                                                      \
		const struct json *j = NULL;                                   \
		enum err_code code = find(obj, key, kind, must, &j, err);      \
                                                                               \
		if (code != ERR_NONE || j == NULL)                             \
			return code;                                           \
		return to(j, out, err);                                        \
	}

/* clang-format off */
GETTER(json_str,        true,  JSON_STRING, const char *,        json_to_str)
GETTER(json_opt_str,    false, JSON_STRING, const char *,        json_to_str)
GETTER(json_double,     true,  JSON_NUMBER, double,              json_to_double)
GETTER(json_opt_double, false, JSON_NUMBER, double,              json_to_double)
GETTER(json_bool,       true,  JSON_BOOL,   bool,                json_to_bool)
GETTER(json_opt_bool,   false, JSON_BOOL,   bool,                json_to_bool)
GETTER(json_obj,        true,  JSON_OBJECT, const struct json *, to_node)
GETTER(json_opt_obj,    false, JSON_OBJECT, const struct json *, to_node)
GETTER(json_arr,        true,  JSON_ARRAY,  const struct json *, to_node)
GETTER(json_opt_arr,    false, JSON_ARRAY,  const struct json *, to_node)
/* clang-format on */

static enum err_code
get_i64(const struct json *obj, const char *key, bool must, int64_t min,
    int64_t max, int64_t *out, struct err *err)
{
	const struct json *j = NULL;
	enum err_code code = find(obj, key, JSON_NUMBER, must, &j, err);

	if (code != ERR_NONE || j == NULL)
		return code;
	return json_to_i64(j, min, max, out, err);
}

enum err_code
json_i64(const struct json *obj, const char *key, int64_t min, int64_t max,
    int64_t *out, struct err *err)
{
	return get_i64(obj, key, true, min, max, out, err);
}

enum err_code
json_opt_i64(const struct json *obj, const char *key, int64_t min, int64_t max,
    int64_t *out, struct err *err)
{
	return get_i64(obj, key, false, min, max, out, err);
}
