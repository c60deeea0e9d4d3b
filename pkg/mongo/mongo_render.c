#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"

#include "mongo/mongo_priv.h"

/* The server takes MONGO_DOCUMENT_MAX; what goes around a document stays
 * below the rest. */
#define RENDERED_MAX (MONGO_DOCUMENT_MAX - 64 * 1024)

static const char *const status_names[MONGO_STATUS_COUNT] = {
    [MONGO_PENDING] = "pending",
    [MONGO_IN_PROGRESS] = "in_progress",
    [MONGO_FAILED] = "failed",
    [MONGO_COMPLETED] = "completed",
    [MONGO_DECLINED] = "declined",
    [MONGO_BOOKED] = "booked",
};

const char *
mongo_status_name(enum mongo_status s)
{
	CHECK(s < MONGO_STATUS_COUNT);
	return status_names[s];
}

/* Of a call, for ever: the first 12 bytes of SHA-256 of carrier and call. */
static void
record_id(const struct mongo_row *r, bson_oid_t *oid)
{
	struct sha256 s;
	uint8_t hash[SHA256_BYTES];

	sha256_init(&s);
	sha256_field(&s, r->carrier, strlen(r->carrier));
	sha256_field(&s, r->call_id, strlen(r->call_id));
	sha256_end(&s, hash);
	memcpy(oid->bytes, hash, sizeof(oid->bytes));
}

static void
put_given(bson_t *b, const char *key, const char *text)
{
	if (text[0] != '\0')
		mongo_put_str(b, key, text);
}

/* What record and history entry both say of a call. */
static void
put_call(bson_t *b, const struct mongo_row *r)
{
	mongo_put_i64(b, "step", r->step);
	if (r->call_ms > 0)
		mongo_put_time(b, "callTime", r->call_ms);
	mongo_put_double(b, "duration", (double)r->duration_ms / 1000.0);
	put_given(b, "outcome", r->outcome);
	put_given(b, "recordingUrl", r->recording_url);
	put_given(b, "transcriptUrl", r->transcript_url);
	mongo_put_i64(b, "rev", r->revision);
}

static void
put_entry(bson_t *b, const char *key, const struct mongo_row *r)
{
	bson_oid_t oid;
	bson_t entry;

	record_id(r, &oid);
	mongo_begin(b, key, &entry);
	mongo_put_str(&entry, "callId", r->call_id);
	(void)BS(append_oid)(&entry, "record", 6, &oid);
	put_call(&entry, r);
	mongo_end(b, &entry);
}

/* key: {word: n} */
static void
put_limit(bson_t *b, const char *key, const char *word, int64_t n)
{
	bson_t limit;

	mongo_begin(b, key, &limit);
	mongo_put_i64(&limit, word, n);
	mongo_end(b, &limit);
}

static enum err_code
put_meeting(
    struct mongo *m, bson_t *set, const struct mongo_row *r, struct err *err)
{
	struct json_limits limits = {MONGO_DOCUMENT_MAX, 32, 100000};
	struct json *meeting = NULL;
	bson_t child;
	enum err_code code = json_parse(
	    r->meeting_json, strlen(r->meeting_json), &limits, &meeting, err);

	if (code == ERR_NONE)
		code = json_expect(meeting, JSON_OBJECT, err);
	if (code == ERR_NONE) {
		mongo_begin(set, "meeting", &child);
		code = mongo_put_members(m, &child, meeting, err);
		mongo_end(set, &child);
	}
	json_free(&meeting);
	return code == ERR_NONE ? code : err_wrap(err, "meeting");
}

/* A newer revision takes away what only the older one said. */
static void
put_unset(bson_t *update, const struct mongo_row *r)
{
	const struct {
		const char *key;
		const char *text;
	} optional[] = {{"outcome", r->outcome},
	    {"recordingUrl", r->recording_url},
	    {"transcriptUrl", r->transcript_url},
	    {"declineReason", r->decline_reason}, {"meeting", r->meeting_json}};
	bson_t unset;
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(optional); i++)
		any = any || optional[i].text[0] == '\0';
	if (r->revision < 2 || !any)
		return;
	mongo_begin(update, "$unset", &unset);
	for (size_t i = 0; i < ARRAY_LEN(optional); i++)
		if (optional[i].text[0] == '\0')
			mongo_put_str(&unset, optional[i].key, "");
	mongo_end(update, &unset);
}

static enum err_code
render_record(struct mongo *m, const struct mongo_row *r, struct mongo_op *op,
    struct err *err)
{
	bson_oid_t oid;
	bson_t set;
	bson_t insert;
	enum err_code code = ERR_NONE;

	op->upsert = true;
	record_id(r, &oid);
	(void)BS(append_oid)(&op->filter, "_id", 3, &oid);
	put_limit(&op->filter, "rev", "$lt", r->revision);
	mongo_begin(&op->update, "$set", &set);
	mongo_put_str(&set, "callId", r->call_id);
	if (r->campaign[0] != '\0')
		mongo_put_id(&set, "campaign", r->campaign);
	put_call(&set, r);
	put_given(&set, "declineReason", r->decline_reason);
	mongo_put_i64(&set, "attempts", r->attempts);
	mongo_put_double(&set, "cost", (double)r->cost_micros / 1e6);
	if (r->meeting_json[0] != '\0')
		code = put_meeting(m, &set, r, err);
	mongo_put_time(&set, "updatedAt", r->now_ms);
	mongo_end(&op->update, &set);
	put_unset(&op->update, r);
	mongo_begin(&op->update, "$setOnInsert", &insert);
	mongo_put_time(&insert, "createdAt", r->now_ms);
	mongo_end(&op->update, &insert);
	return code;
}

/* callHistory: {$elemMatch: {callId: ..., rev: {$lt: revision}}}; below 1: no
 * revision is asked for. */
static void
put_match(
    bson_t *b, const char *key, const struct mongo_row *r, int64_t revision)
{
	bson_t has;
	bson_t match;

	mongo_begin(b, key, &has);
	mongo_begin(&has, "$elemMatch", &match);
	mongo_put_str(&match, "callId", r->call_id);
	if (revision > 0)
		put_limit(&match, "rev", "$lt", revision);
	mongo_end(&has, &match);
	mongo_end(b, &has);
}

static bool
is_last_url(const struct mongo_row *r)
{
	return r->completed_ms > 0 && r->recording_url[0] != '\0';
}

/*
 * A campaign that is made here needs nothing more: status and recordingUrl
 * stand in it already.
 *
 * Without a call it only sees to it that the campaign is there.  $addToSet
 * and not $push: on a server that gets the guard wrong (FerretDB does for
 * arrays) the same entry is still there once.
 */
static void
render_history(const struct mongo_row *r, struct mongo_op *op)
{
	bool called = r->call_id[0] != '\0';
	bson_t guard;
	bson_t part;

	op->upsert = true;
	mongo_put_id(&op->filter, "_id", r->campaign);
	if (called) {
		mongo_begin(&op->filter, "callHistory", &guard);
		put_match(&guard, "$not", r, 0);
		mongo_end(&op->filter, &guard);
		mongo_begin(&op->update, "$addToSet", &part);
		put_entry(&part, "callHistory", r);
		mongo_end(&op->update, &part);
		mongo_begin(&op->update, "$set", &part);
		mongo_put_time(&part, "updatedAt", r->now_ms);
		mongo_end(&op->update, &part);
	}
	if (r->completed_ms > 0) {
		mongo_begin(&op->update, "$max", &part);
		mongo_put_i64(&part, "lastCompletedStep", r->step);
		mongo_put_time(&part, "lastCompletedDate", r->completed_ms);
		mongo_end(&op->update, &part);
	}
	mongo_begin(&op->update, "$setOnInsert", &part);
	mongo_put_str(&part, "status", mongo_status_name(r->status));
	mongo_put_time(&part, "createdAt", r->now_ms);
	if (!called)
		mongo_put_time(&part, "updatedAt", r->now_ms);
	if (is_last_url(r))
		mongo_put_str(&part, "recordingUrl", r->recording_url);
	mongo_end(&op->update, &part);
}

/*
 * A newer revision may also complete a step that an older one did not: $max
 * stands here once more.
 */
static void
render_replace(const struct mongo_row *r, struct mongo_op *op)
{
	bson_t part;
	bson_t which;

	mongo_put_id(&op->filter, "_id", r->campaign);
	put_match(&op->filter, "callHistory", r, r->revision);
	mongo_begin(&op->update, "$set", &part);
	put_entry(&part, "callHistory.$[old]", r);
	mongo_put_time(&part, "updatedAt", r->now_ms);
	mongo_end(&op->update, &part);
	if (r->completed_ms > 0) {
		mongo_begin(&op->update, "$max", &part);
		mongo_put_i64(&part, "lastCompletedStep", r->step);
		mongo_put_time(&part, "lastCompletedDate", r->completed_ms);
		mongo_end(&op->update, &part);
	}
	mongo_begin(&op->array_filters, "0", &which);
	mongo_put_str(&which, "old.callId", r->call_id);
	put_limit(&which, "old.rev", "$lt", r->revision);
	mongo_end(&op->array_filters, &which);
}

/* From no status, or one that lies behind. */
static void
render_status(const struct mongo_row *r, struct mongo_op *op)
{
	bson_t in;
	bson_t list;
	bson_t set;
	char key[16];

	mongo_put_id(&op->filter, "_id", r->campaign);
	mongo_begin(&op->filter, "status", &in);
	(void)BS(append_array_begin)(&in, "$in", 3, &list);
	(void)BS(append_null)(&list, "0", 1);
	for (int s = 0; s < (int)r->status; s++) {
		(void)snprintf(key, sizeof(key), "%d", s + 1);
		mongo_put_str(
		    &list, key, mongo_status_name((enum mongo_status)s));
	}
	(void)BS(append_array_end)(&in, &list);
	mongo_end(&op->filter, &in);
	mongo_begin(&op->update, "$set", &set);
	mongo_put_str(&set, "status", mongo_status_name(r->status));
	mongo_put_time(&set, "updatedAt", r->now_ms);
	mongo_end(&op->update, &set);
}

/*
 * After the $max of lastCompletedDate: whose date stands there was the last.
 * What has the URL already is not touched.
 */
static void
render_last_url(const struct mongo_row *r, struct mongo_op *op)
{
	bson_t part;

	mongo_put_id(&op->filter, "_id", r->campaign);
	mongo_put_time(&op->filter, "lastCompletedDate", r->completed_ms);
	mongo_begin(&op->filter, "recordingUrl", &part);
	mongo_put_str(&part, "$ne", r->recording_url);
	mongo_end(&op->filter, &part);
	mongo_begin(&op->update, "$set", &part);
	mongo_put_str(&part, "recordingUrl", r->recording_url);
	mongo_end(&op->update, &part);
}

static enum err_code
check_texts(const struct mongo_row *r, struct err *err)
{
	const char *const texts[] = {r->campaign, r->carrier, r->call_id,
	    r->outcome, r->decline_reason, r->meeting_json, r->recording_url,
	    r->transcript_url};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!text_is_utf8(texts[i], strlen(texts[i])))
			return err_set(err, ERR_MALFORMED, 0,
			    "MongoDB: a text of the row is no UTF-8");
	return ERR_NONE;
}

static bool
has_op(enum mongo_op_kind kind, const struct mongo_row *r)
{
	bool called = r->call_id[0] != '\0';
	bool campaign = r->campaign[0] != '\0';

	switch (kind) {
	case MONGO_OP_RECORD:
		return called;
	case MONGO_OP_HISTORY:
		return campaign;
	case MONGO_OP_REPLACE:
		return campaign && called && r->revision > 1;
	case MONGO_OP_STATUS:
		return campaign && r->status != MONGO_PENDING;
	case MONGO_OP_LAST_URL:
		return campaign && is_last_url(r);
	case MONGO_OP_COUNT:
	default:
		return false;
	}
}

enum err_code
mongo_render(struct mongo *m, enum mongo_op_kind kind,
    const struct mongo_row *r, struct mongo_op *op, bool *made, struct err *err)
{
	enum err_code code = check_texts(r, err);

	*made = false;
	if (code != ERR_NONE || !has_op(kind, r))
		return code;
	op->upsert = false;
	op->duplicate = NULL;
	BS(init)(&op->filter);
	BS(init)(&op->update);
	BS(init)(&op->array_filters);
	if (kind == MONGO_OP_RECORD)
		code = render_record(m, r, op, err);
	else if (kind == MONGO_OP_HISTORY)
		render_history(r, op);
	else if (kind == MONGO_OP_REPLACE)
		render_replace(r, op);
	else if (kind == MONGO_OP_STATUS)
		render_status(r, op);
	else
		render_last_url(r, op);
	if (code == ERR_NONE && op->filter.len + op->update.len > RENDERED_MAX)
		code = err_set(err, ERR_MALFORMED, 0,
		    "MongoDB: a document of %u bytes, at most %d are taken",
		    op->update.len, RENDERED_MAX);
	*made = code == ERR_NONE;
	if (!*made)
		mongo_op_fini(op);
	return code;
}

void
mongo_op_fini(struct mongo_op *op)
{
	BS(destroy)(&op->filter);
	BS(destroy)(&op->update);
	BS(destroy)(&op->array_filters);
	mem_free(&op->duplicate);
}

void
mongo_op_opts(const struct mongo_op *op, bool upsert, bson_t *opts)
{
	BS(init)(opts);
	/* The driver would look at each byte once more: that texts are UTF-8
	 * and keys what MongoDB takes is seen to when it is rendered. */
	(void)BS(append_bool)(opts, "validate", 8, false);
	if (upsert)
		(void)BS(append_bool)(opts, "upsert", 6, true);
	/* An empty document has 5 bytes. */
	if (op->array_filters.len > 5)
		(void)BS(append_array)(
		    opts, "arrayFilters", 12, &op->array_filters);
}
