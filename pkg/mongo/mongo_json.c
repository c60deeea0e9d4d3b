#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"

#include "json/json_write.h"

#include "mongo/mongo_priv.h"

#define DEPTH_MAX 32
/* The most that one byte of BSON becomes: "":null, of two bytes, \u0001. */
#define GROWTH 8

struct alias {
	const char *theirs;
	const char *ours;
};

static const struct alias campaign_names[] = {
    {"messageHistory", "callHistory"},
    {"lastStep", "lastCompletedStep"},
    {"lastCallDate", "lastCompletedDate"},
    {NULL, NULL},
};

static const struct alias message_names[] = {
    {"messageId", "callId"},
    {"sentAt", "callTime"},
    {NULL, NULL},
};

struct writing {
	struct mongo *m; /* may be NULL */
	struct json_writer w;
	struct err *err;
};

static const char *
our_name(const struct alias *names, const char *key)
{
	for (; names != NULL && names->theirs != NULL; names++)
		if (strcmp(names->theirs, key) == 0)
			return names->ours;
	return NULL;
}

/* Has JSON anything for a value of that type? */
static bool
has_word(bson_iter_t *it)
{
	switch ((int)BS(iter_type)(it)) {
	case BSON_TYPE_EOD:
	case BSON_TYPE_UNDEFINED:
	case BSON_TYPE_REGEX:
	case BSON_TYPE_DBPOINTER:
	case BSON_TYPE_CODE:
	case BSON_TYPE_CODEWSCOPE:
	case BSON_TYPE_TIMESTAMP:
	case BSON_TYPE_MAXKEY:
	case BSON_TYPE_MINKEY:
		return false;
	default:
		return true;
	}
}

static enum err_code write_value(struct writing *x, bson_iter_t *it,
    const struct alias *inside, unsigned depth);

/*
 * The members at *it, in an object or array that has begun.  doc is not NULL
 * where a name of theirs gives way to one of ours.
 */
static enum err_code
write_members(struct writing *x, bson_iter_t *it, const bson_t *doc,
    const struct alias *names, bool keyed, unsigned depth)
{
	enum err_code code = ERR_NONE;

	while (code == ERR_NONE && BS(iter_next)(it)) {
		const char *key = BS(iter_key)(it);
		const char *ours = our_name(names, key);
		bson_iter_t there;
		bool history =
		    ours != NULL && strcmp(ours, campaign_names[0].ours) == 0;

		if (ours != NULL && doc != NULL &&
		    BS(iter_init_find)(&there, doc, ours))
			continue;
		if (!has_word(it)) {
			if (!keyed)
				json_write_null(&x->w);
			continue;
		}
		if (keyed)
			json_write_key(&x->w, ours != NULL ? ours : key);
		code = write_value(x, it,
		    history ? message_names
		    : keyed ? NULL
			    : names,
		    depth);
	}
	return code;
}

static enum err_code
write_nested(struct writing *x, bson_iter_t *it, const struct alias *inside,
    bool keyed, unsigned depth)
{
	bson_iter_t child;
	enum err_code code = ERR_NONE;

	if (depth >= DEPTH_MAX)
		return err_set(x->err, ERR_MALFORMED, 0,
		    "nested deeper than %d", DEPTH_MAX);
	if (keyed)
		json_write_object(&x->w);
	else
		json_write_array(&x->w);
	if (BS(iter_recurse)(it, &child))
		code = write_members(x, &child, NULL, inside, keyed, depth + 1);
	if (code == ERR_NONE)
		json_write_end(&x->w);
	return code;
}

static enum err_code
write_secret(struct writing *x, bson_iter_t *it, unsigned depth)
{
	bson_iter_t inner;
	bson_t doc;
	bson_value_t plain;
	enum err_code code;

	if (x->m == NULL || !x->m->encrypts)
		return err_set(x->err, ERR_CONFIG, 0,
		    "field %s is encrypted, and no master key is set",
		    BS(iter_key)(it));
	code = mongo_decrypt(x->m, BS(iter_value)(it), &plain, x->err);
	if (code != ERR_NONE)
		return code;
	BS(init)(&doc);
	(void)BS(append_value)(&doc, "v", 1, &plain);
	BS(value_destroy)(&plain);
	if (BS(iter_init_find)(&inner, &doc, "v"))
		code = write_value(x, &inner, NULL, depth);
	BS(destroy)(&doc);
	return code;
}

static enum err_code
write_binary(struct writing *x, bson_iter_t *it, unsigned depth)
{
	bson_subtype_t subtype = BSON_SUBTYPE_BINARY;
	uint32_t len = 0;
	const uint8_t *bytes = NULL;
	char *text;

	BS(iter_binary)(it, &subtype, &len, &bytes);
	if (subtype == BSON_SUBTYPE_ENCRYPTED)
		return write_secret(x, it, depth);
	text = mem_zalloc(1, BASE64_MAX((size_t)len));
	json_write_str(&x->w, base64_put(bytes, len, text));
	mem_free(&text);
	return ERR_NONE;
}

static void
write_oid(struct writing *x, bson_iter_t *it)
{
	const bson_oid_t *oid = BS(iter_oid)(it);
	char hex[2 * sizeof(oid->bytes) + 1];

	json_write_str(&x->w, text_hex(oid->bytes, sizeof(oid->bytes), hex));
}

static void
write_whole(struct writing *x, int64_t n)
{
	char text[24];

	if (n >= -JSON_I64_MAX && n <= JSON_I64_MAX) {
		json_write_i64(&x->w, n);
		return;
	}
	(void)snprintf(text, sizeof(text), "%lld", (long long)n);
	json_write_str(&x->w, text);
}

/* Years that RFC 3339 has; a date beyond is no date of a call. */
static void
write_date(struct writing *x, int64_t ms)
{
	char text[TEXT_TIME_MAX];

	if (ms < INT64_C(-62167219200000) || ms > INT64_C(253402300799999))
		json_write_null(&x->w);
	else
		json_write_str(&x->w, text_of_time(ms, text));
}

static void
write_double(struct writing *x, double d)
{
	char text[32];

	/* Such a whole number json_parse would refuse. */
	if (isfinite(d) && fabs(d) > (double)JSON_I64_MAX && fabs(d) < 1e21) {
		(void)snprintf(text, sizeof(text), "%.0f", d);
		json_write_str(&x->w, text);
	} else {
		json_write_double(&x->w, d);
	}
}

static enum err_code
write_value(struct writing *x, bson_iter_t *it, const struct alias *inside,
    unsigned depth)
{
	bson_decimal128_t decimal;
	char text[BSON_DECIMAL128_STRING];
	uint32_t len = 0;
	const char *symbol;

	switch ((int)BS(iter_type)(it)) {
	case BSON_TYPE_DOUBLE:
		write_double(x, BS(iter_double)(it));
		break;
	case BSON_TYPE_UTF8: {
		const char *utf8 = BS(iter_utf8)(it, &len);

		json_write_strn(&x->w, utf8, len);
		break;
	}
	case BSON_TYPE_SYMBOL:
		symbol = BS(iter_symbol)(it, &len);
		json_write_strn(&x->w, symbol, len);
		break;
	case BSON_TYPE_DOCUMENT:
		return write_nested(x, it, inside, true, depth);
	case BSON_TYPE_ARRAY:
		return write_nested(x, it, inside, false, depth);
	case BSON_TYPE_BINARY:
		return write_binary(x, it, depth);
	case BSON_TYPE_OID:
		write_oid(x, it);
		break;
	case BSON_TYPE_BOOL:
		json_write_bool(&x->w, BS(iter_bool)(it));
		break;
	case BSON_TYPE_DATE_TIME:
		write_date(x, BS(iter_date_time)(it));
		break;
	case BSON_TYPE_INT32:
	case BSON_TYPE_INT64:
		write_whole(x, BS(iter_as_int64)(it));
		break;
	case BSON_TYPE_DECIMAL128:
		(void)BS(iter_decimal128)(it, &decimal);
		BS(decimal128_to_string)(&decimal, text);
		json_write_str(&x->w, text);
		break;
	default:
		json_write_null(&x->w);
		break;
	}
	return ERR_NONE;
}

static enum err_code
canonical(const struct buf *text, size_t max, struct buf *out, struct err *err)
{
	struct json_limits limits = {text->max, DEPTH_MAX + 2, text->max};
	struct buf whole = BUF_INIT(text->max);
	struct json *doc = NULL;
	enum err_code code =
	    json_parse(text->bytes, text->len, &limits, &doc, err);

	if (code == ERR_NONE) {
		json_canonical(doc, &whole);
		code = whole.len > max
			   ? err_set(err, ERR_MALFORMED, 0,
				 "%zu bytes of JSON, more than %zu", whole.len,
				 max)
			   : buf_try_put(out, whole.bytes, whole.len, err);
	}
	json_free(&doc);
	buf_free(&whole);
	return code;
}

enum err_code
mongo_json(struct mongo *m, enum mongo_collection c, const bson_t *doc,
    size_t max, struct buf *out, struct err *err)
{
	struct buf text = BUF_INIT((size_t)doc->len * GROWTH + 64);
	struct writing x = {.m = m, .w = JSON_WRITER_INIT(&text), .err = err};
	bson_iter_t it;
	enum err_code code = ERR_NONE;

	if (doc->len > max)
		return err_set(err, ERR_MALFORMED, 0, "%u bytes, more than %zu",
		    doc->len, max);
	json_write_object(&x.w);
	if (BS(iter_init)(&it, doc))
		code = write_members(&x, &it, doc,
		    c == MONGO_CAMPAIGN ? campaign_names : NULL, true, 0);
	if (code == ERR_NONE) {
		json_write_end(&x.w);
		code = canonical(&text, max, out, err);
	}
	buf_free(&text);
	return code;
}
