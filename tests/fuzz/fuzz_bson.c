#include "base/dynlib.h"
#include "base/mem.h"
#include "base/text.h"

#include "fuzz.h"
#include "json/json.h"
#include "json/json_write.h"

#include "mongo/mongo_priv.h"

/*
 * Documents as a MongoDB, or what answers at its port, sends them; the first
 * byte says what they are read as.  A document that is read is canonical JSON
 * within its limit, whatever stands in it; one that is written from JSON reads
 * as what it was; a bulk's reply proves no more than it counts.
 */

#define OUT_MAX (1 << 20)
#define READ_MAX 8192
#define OPS_MAX 8

static __typeof__(bson_init_static) *init_static;

static bool
load(void)
{
	static const char *const sonames[] = {"libbson-1.0.so.0", NULL};
	static const struct dynlib_symbol symbols[] = {
	    {"bson_init_static", &init_static}, {NULL, NULL}};
	struct err err;

	if (init_static != NULL)
		return true;
	return mongo_lib_load(&err) == ERR_NONE &&
	       dynlib_open(sonames, "libbson-1.0-0", symbols, &err) == ERR_NONE;
}

static const struct json_limits limits = {OUT_MAX, 40, OUT_MAX};

static void
check_read(const bson_t *doc, enum mongo_collection c)
{
	struct buf out = BUF_INIT(OUT_MAX);
	struct buf again = BUF_INIT(OUT_MAX);
	struct json *j = NULL;
	struct err err = {.code = ERR_NONE};
	enum err_code code = mongo_json(NULL, c, doc, READ_MAX, &out, &err);

	if (code != ERR_NONE) {
		/* ERR_CONFIG: encrypted, and there is no key. */
		CHECK(code == ERR_MALFORMED || code == ERR_CONFIG);
		fuzz_refused(code, &err);
		CHECK(out.len == 0);
	} else {
		CHECK(out.len <= READ_MAX);
		CHECK(json_parse(buf_text(&out), out.len, &limits, &j, &err) ==
		      ERR_NONE);
		CHECK(json_kind(j) == JSON_OBJECT);
		json_canonical(j, &again);
		CHECK(again.len == out.len &&
		      memcmp(again.bytes, out.bytes, out.len) == 0);
		if (c == MONGO_CAMPAIGN)
			CHECK(json_get(j, "messageHistory") == NULL &&
			      json_get(j, "lastStep") == NULL);
	}
	json_free(&j);
	buf_free(&again);
	buf_free(&out);
}

static void
check_proof(const bson_t *reply, size_t k)
{
	struct mongo_outcome out[OPS_MAX];
	size_t failed = 0;

	if (!mongo_bulk_proves(reply, k, out))
		return;
	for (size_t i = 0; i < k; i++) {
		failed += out[i].code != 0;
		CHECK(out[i].text != NULL);
	}
	/* All of them: nothing was proved of the others, there were none. */
	CHECK(failed >= 1 && failed <= k);
}

static void
from_server(const uint8_t *bytes, size_t len, uint8_t how)
{
	bson_t doc;

	if (!init_static(&doc, bytes, len))
		return;
	check_read(&doc, how & 1 ? MONGO_CAMPAIGN : MONGO_CONTACT);
	check_proof(&doc, 1 + (size_t)(how >> 1) % OPS_MAX);
}

/* Is b what a was, but for keys that MongoDB refuses? */
static bool
is_same(const struct json *a, const struct json *b)
{
	struct buf x = BUF_INIT(OUT_MAX), y = BUF_INIT(OUT_MAX);
	bool same =
	    json_kind(a) == json_kind(b) && json_count(a) == json_count(b);

	for (size_t i = 0; same && i < json_count(a); i++) {
		const struct json *item = json_at(a, i);
		const char *key = json_key(item);

		if (json_kind(a) == JSON_ARRAY)
			same = is_same(item, json_at(b, i));
		else if (*key != '\0' && strpbrk(key, ".$") == NULL)
			same = json_get(b, key) != NULL &&
			       is_same(item, json_get(b, key));
	}
	if (same && json_count(a) == 0) {
		json_canonical(a, &x);
		json_canonical(b, &y);
		same = x.len == y.len && memcmp(x.bytes, y.bytes, x.len) == 0;
	}
	buf_free(&x);
	buf_free(&y);
	return same;
}

static bool
has_doubtful_key(const struct json *j)
{
	const char *key = json_key(j);
	bool found = strpbrk(key, ".$") != NULL;

	for (size_t i = 0; !found && i < json_count(j); i++) {
		const struct json *item = json_at(j, i);

		found =
		    has_doubtful_key(item) ||
		    (json_kind(j) == JSON_OBJECT && *json_key(item) == '\0');
	}
	return found;
}

static void
from_json(const char *text, size_t len)
{
	struct json_limits narrow = {READ_MAX, 32, 1000};
	struct buf out = BUF_INIT(OUT_MAX);
	struct json *j = NULL, *back = NULL;
	struct err err = {.code = ERR_NONE};
	bson_t doc;

	if (json_parse(text, len, &narrow, &j, &err) != ERR_NONE ||
	    json_kind(j) != JSON_OBJECT) {
		json_free(&j);
		return;
	}
	BS(init)(&doc);
	CHECK(mongo_put_members(NULL, &doc, j, &err) == ERR_NONE);
	if (mongo_json(NULL, MONGO_CONTACT, &doc, OUT_MAX, &out, &err) ==
	    ERR_NONE) {
		CHECK(json_parse(buf_text(&out), out.len, &limits, &back,
			  &err) == ERR_NONE);
		/* Two keys may become one. */
		CHECK(has_doubtful_key(j) || is_same(j, back));
	} else {
		CHECK(err.code == ERR_MALFORMED);
		CHECK(has_doubtful_key(j));
	}
	BS(destroy)(&doc);
	json_free(&back);
	json_free(&j);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_in in = {bytes, len};
	uint8_t how = fuzz_u8(&in);

	if (!load())
		return 0;
	if (how == '{')
		from_json((const char *)bytes, len);
	else
		from_server(in.at, in.left, how);
	return 0;
}
