#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/mem.h"

#include "mongo/mongo_priv.h"

/*
 * What needs no server: options and URIs, errors, what is written, what was
 * read, what a reply proves.
 */

static int
load(void **state)
{
	struct err err;

	(void)state;
	return mongo_lib_load(&err) == ERR_NONE ? 0 : -1;
}

/* --- URIs and options --- */

static void
expect_shown(const char *uri, const char *want)
{
	struct buf b = BUF_INIT(1024);

	mongo_uri_shown(uri, &b);
	assert_string_equal(buf_text(&b), want);
	buf_free(&b);
}

static void
a_password_is_never_shown(void **state)
{
	(void)state;
	expect_shown("mongodb://h:1/db", "mongodb://h:1/db");
	expect_shown(
	    "mongodb://u:secret@h:1/db?w=1", "mongodb://u:***@h:1/db?w=1");
	expect_shown(
	    "mongodb+srv://u:se@cr/et@h/db", "mongodb+srv://u:***@h/db");
	expect_shown("mongodb://u@h/db", "mongodb://u@h/db");
	expect_shown("u:secret@h", "u:***@h");
	expect_shown("mongodb://h/?authMechanismProperties="
		     "AWS_SESSION_TOKEN:abc&tls=true",
	    "mongodb://h/?authMechanismProperties=***&tls=true");
	expect_shown("mongodb://h/?tls=true&TLScertificatekeyfilepassword=x",
	    "mongodb://h/?tls=true&TLScertificatekeyfilepassword=***");
	/* With a '@' of its own, that no password need have. */
	expect_shown("mongodb://h/?tlsCertificateKeyFilePassword=se@cret",
	    "mongodb://***");
	expect_shown("mongodb://h:1/?password=se@cret&w=1", "mongodb://***");
	expect_shown("mongodb://u:what?pass@word@h/", "mongodb://***");
	expect_shown("u:pass://word@h", "u:***@h");
	expect_shown("", "");
	expect_shown("mongodb://h/?a&=&b=", "mongodb://h/?a&=&b=");
}

static void
expect_refused(const struct mongo_options *o, const char *word)
{
	struct mongo *m;
	struct err err;

	assert_int_equal(mongo_open(o, &m, &err), ERR_CONFIG);
	assert_null(m);
	if (strstr(err.text, word) == NULL)
		fail_msg("'%s' is not in: %s", word, err.text);
	assert_null(strstr(err.text, "hunter2"));
}

static void
options_that_cannot_be_used_are_refused_without_the_password(void **state)
{
	const uint8_t key[MONGO_MASTER_KEY_BYTES] = {1};

	(void)state;
	expect_refused(&(struct mongo_options){.uri = "redis://h/db"}, "redis");
	expect_refused(&(struct mongo_options){.uri = ""}, "MongoDB");
	expect_refused(
	    &(struct mongo_options){.uri = "mongodb://u:hunter2/@h/db"},
	    "u:***@h");
	expect_refused(
	    &(struct mongo_options){.uri = "mongodb://u:hunter2%zz@h/db"},
	    "u:***@h");
	expect_refused(&(struct mongo_options){.uri = "mongodb://u:hunter2@h"},
	    "database");
	expect_refused(
	    &(struct mongo_options){.uri = "mongodb://h/db?w=0"}, "w=0");
	expect_refused(
	    &(struct mongo_options){.uri = "mongodb://h/db?tlsInsecure=true"},
	    "verification");
	expect_refused(
	    &(struct mongo_options){
		.uri = "mongodb://h/db?tlsAllowInvalidHostnames=true"},
	    "verification");
	expect_refused(&(struct mongo_options){.uri = "mongodb://h/db",
			   .master_key = key,
			   .key_vault = "vault"},
	    "DATABASE.COLLECTION");
}

static struct mongo *
opened(const struct mongo_options *o)
{
	struct mongo *m;
	struct err err;

	if (mongo_open(o, &m, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	return m;
}

static int32_t
option_ms(const struct mongo *m, const char *name)
{
	bson_iter_t it;

	return BS(iter_init_find)(&it, MC(uri_get_options)(m->uri), name)
		   ? (int32_t)BS(iter_as_int64)(&it)
		   : -1;
}

static void
what_the_uri_does_not_say_is_set(void **state)
{
	struct mongo *m =
	    opened(&(struct mongo_options){.uri = "mongodb://h/db",
		.tls_ca_file = "/ca.pem",
		.tls_cert_file = "/me.pem"});
	const mongoc_write_concern_t *wc = MC(uri_get_write_concern)(m->uri);

	(void)state;
	assert_string_equal(MC(uri_get_appname)(m->uri), "dsrun");
	assert_int_equal(option_ms(m, "serverselectiontimeoutms"), 5000);
	assert_int_equal(option_ms(m, "connecttimeoutms"), 5000);
	assert_int_equal(option_ms(m, "sockettimeoutms"), 20000);
	assert_int_equal(option_ms(m, "retrywrites"), 1);
	assert_int_equal(option_ms(m, "tls"), 1);
	assert_int_equal(
	    MC(write_concern_get_w)(wc), MONGOC_WRITE_CONCERN_W_MAJORITY);
	assert_int_equal(MC(write_concern_get_wtimeout)(wc), 10000);
	assert_true(MC(write_concern_journal_is_set)(wc));
	assert_string_equal(
	    mongo_collection_name(m, MONGO_CALL_RECORD), "callrecords");
	mongo_close(&m);
	assert_null(m);
	mongo_close(&m);
}

static void
what_the_uri_says_stays(void **state)
{
	struct mongo *m = opened(&(struct mongo_options){
	    .uri = "mongodb://u:p@h/db?w=2&wtimeoutMS=7&socketTimeoutMS=9&"
		   "serverSelectionTimeoutMS=8&retryWrites=false&appName=a",
	    .database = "other",
	    .collection = {[MONGO_CAMPAIGN] = "Campaign"}});
	const mongoc_write_concern_t *wc = MC(uri_get_write_concern)(m->uri);

	(void)state;
	assert_string_equal(MC(uri_get_appname)(m->uri), "a");
	assert_string_equal(m->database, "other");
	assert_int_equal(option_ms(m, "serverselectiontimeoutms"), 8);
	assert_int_equal(option_ms(m, "sockettimeoutms"), 9);
	assert_int_equal(option_ms(m, "retrywrites"), 0);
	assert_int_equal(MC(write_concern_get_w)(wc), 2);
	assert_int_equal(MC(write_concern_get_wtimeout)(wc), 7);
	assert_string_equal(
	    mongo_collection_name(m, MONGO_CAMPAIGN), "Campaign");
	mongo_close(&m);
}

static void
a_stopped_one_does_nothing_more(void **state)
{
	struct mongo *m =
	    opened(&(struct mongo_options){.uri = "mongodb://127.0.0.1:1/db"});
	struct mongo_row row = {.campaign = "c",
	    .carrier = "",
	    .call_id = "",
	    .outcome = "",
	    .decline_reason = "",
	    .meeting_json = "",
	    .recording_url = "",
	    .transcript_url = ""};
	struct mongo_server server;
	struct err err;

	(void)state;
	mongo_stop(m);
	assert_int_equal(mongo_ping(m, &server, &err), ERR_CANCELLED);
	mongo_write(m, &row, 1);
	assert_int_equal(row.code, ERR_CANCELLED);
	mongo_close(&m);
}

static void
a_server_that_is_away_is_an_answer_at_once(void **state)
{
	struct mongo *m =
	    opened(&(struct mongo_options){.uri = "mongodb://127.0.0.1:1/db"});
	struct mongo_server server;
	struct err err;

	(void)state;
	assert_int_equal(mongo_ping(m, &server, &err), ERR_UNREACHABLE);
	mongo_close(&m);
}

static void
a_master_key_is_bytes_or_their_base64(void **state)
{
	uint8_t key[MONGO_MASTER_KEY_BYTES];
	uint8_t out[MONGO_MASTER_KEY_BYTES];
	char text[BASE64_MAX(sizeof(key)) + 4];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 7);
	assert_int_equal(
	    mongo_master_key(key, sizeof(key), out, &err), ERR_NONE);
	assert_memory_equal(key, out, sizeof(key));
	text[0] = ' ';
	(void)base64_put(key, sizeof(key), text + 1);
	(void)strcat(text, "\n");
	memset(out, 0, sizeof(out));
	assert_int_equal(
	    mongo_master_key(text, strlen(text), out, &err), ERR_NONE);
	assert_memory_equal(key, out, sizeof(key));
	assert_int_equal(
	    mongo_master_key("c2VjcmV0", 8, out, &err), ERR_CONFIG);
	assert_null(strstr(err.text, "c2V"));
	assert_int_equal(mongo_master_key("", 0, out, &err), ERR_CONFIG);
	text[20] = '*';
	assert_int_equal(
	    mongo_master_key(text, strlen(text), out, &err), ERR_CONFIG);
}

/* --- errors --- */

static void
errors_are_translated_by_domain_code_and_label(void **state)
{
	static const struct {
		uint32_t domain, code;
		bool labelled;
		enum err_code want;
	} rows[] = {
	    {15, 13053, false, ERR_UNREACHABLE}, /* nobody to select */
	    {15, 13052, false, ERR_CONFIG},      /* too old, too new */
	    {2, 4, false, ERR_UNREACHABLE},      /* killed in mid-bulk */
	    {2, 3, false, ERR_UNREACHABLE},
	    {2, 5, false, ERR_UNREACHABLE},
	    {1, 11, false, ERR_CONFIG}, /* wrong password */
	    {1, 8, false, ERR_MALFORMED},
	    {8, 18, false, ERR_MALFORMED}, /* too large */
	    {17, 13, false, ERR_CONFIG},
	    {17, 18, false, ERR_CONFIG},
	    {17, 8000, false, ERR_CONFIG},
	    {17, 11000, false, ERR_EXISTS},
	    {17, 121, false, ERR_REJECTED},
	    {17, 2, false, ERR_REJECTED},
	    {17, 9, false, ERR_REJECTED},
	    {17, 17280, false, ERR_REJECTED},
	    {17, 10334, false, ERR_REJECTED},
	    {17, 50, false, ERR_TIMEOUT},
	    {17, 64, false, ERR_TIMEOUT},
	    {16, 64, false, ERR_TIMEOUT},
	    {17, 112, false, ERR_BUSY},
	    {17, 16500, false, ERR_THROTTLED},
	    {17, 189, false, ERR_UNREACHABLE},
	    {17, 10107, false, ERR_UNREACHABLE},
	    {17, 13435, false, ERR_UNREACHABLE},
	    {17, 13436, false, ERR_UNREACHABLE},
	    {17, 11600, false, ERR_UNREACHABLE},
	    {17, 11602, false, ERR_UNREACHABLE},
	    {17, 91, false, ERR_UNREACHABLE},
	    {17, 6, false, ERR_UNREACHABLE},
	    {17, 7, false, ERR_UNREACHABLE},
	    {17, 89, false, ERR_UNREACHABLE},
	    {17, 9001, false, ERR_UNREACHABLE},
	    {17, 262, false, ERR_TIMEOUT},
	    {17, 424242, false, ERR_REJECTED},
	    {17, 424242, true, ERR_UNREACHABLE},
	    {11, 22, false, ERR_REJECTED},
	    {19, 1, false, ERR_CONFIG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (mongo_code_of(rows[i].domain, rows[i].code,
			rows[i].labelled) != rows[i].want)
			fail_msg("%u/%u", rows[i].domain, rows[i].code);
}

static void
a_label_in_the_reply_makes_an_unknown_code_retryable(void **state)
{
	bson_error_t e = {.domain = 17, .code = 4711};
	bson_t reply;
	bson_t labels;
	struct err err;

	(void)state;
	(void)snprintf(e.message, sizeof(e.message), "odd");
	BS(init)(&reply);
	assert_int_equal(mongo_translate(&e, &reply, &err), ERR_REJECTED);
	assert_string_equal(err.text, "MongoDB: odd (17/4711)");
	(void)BS(append_array_begin)(&reply, "errorLabels", 11, &labels);
	mongo_put_str(&labels, "0", "RetryableWriteError");
	(void)BS(append_array_end)(&reply, &labels);
	assert_int_equal(mongo_translate(&e, &reply, &err), ERR_UNREACHABLE);
	BS(destroy)(&reply);
}

/* --- what a reply proves --- */

struct said {
	int index, code;
};

static bool
proves(size_t k, int matched, int upserted, const struct said *errors,
    struct mongo_outcome *out)
{
	bson_t reply;
	bson_t list;
	bson_t one;
	char key[16];
	bool proved;

	BS(init)(&reply);
	mongo_put_i64(&reply, "nMatched", matched);
	mongo_put_i64(&reply, "nUpserted", upserted);
	(void)BS(append_array_begin)(&reply, "writeErrors", 11, &list);
	for (int i = 0; errors[i].code != 0; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		mongo_begin(&list, key, &one);
		mongo_put_i64(&one, "index", errors[i].index);
		mongo_put_i64(&one, "code", errors[i].code);
		mongo_put_str(&one, "errmsg", "no");
		mongo_end(&list, &one);
	}
	(void)BS(append_array_end)(&reply, &list);
	proved = mongo_bulk_proves(&reply, k, out);
	for (size_t i = 0; i < k; i++)
		out[i].text = "";
	BS(destroy)(&reply);
	return proved;
}

static void
a_reply_that_accounts_for_each_operation_is_believed(void **state)
{
	struct mongo_outcome out[4];

	(void)state;
	assert_true(proves(
	    4, 1, 1, (struct said[]){{0, 11000}, {2, 121}, {0, 0}}, out));
	assert_int_equal(out[0].code, 11000);
	assert_int_equal(out[1].code, 0);
	assert_int_equal(out[2].code, 121);
	assert_int_equal(out[3].code, 0);
	assert_true(proves(1, 0, 0, (struct said[]){{0, 11000}, {0, 0}}, out));
	assert_true(proves(3, 2, 0, (struct said[]){{1, 9}, {0, 0}}, out));
}

static void
any_other_reply_is_not(void **state)
{
	struct mongo_outcome out[4];

	(void)state;
	/* stopped at the first error */
	assert_false(proves(4, 1, 0, (struct said[]){{1, 121}, {0, 0}}, out));
	/* the last failed, and its place is not known */
	assert_false(proves(4, 3, 0, (struct said[]){{0, 121}, {0, 0}}, out));
	assert_false(proves(4, 3, 0, (struct said[]){{4, 121}, {0, 0}}, out));
	assert_false(proves(4, 3, 0, (struct said[]){{-1, 121}, {0, 0}}, out));
	assert_false(
	    proves(4, 2, 0, (struct said[]){{1, 121}, {1, 121}, {0, 0}}, out));
	assert_false(proves(4, 4, 0, (struct said[]){{0, 0}}, out));
}

/* --- what is written --- */

static struct mongo_row
whole(void)
{
	return (struct mongo_row){
	    .campaign = "65f0a1b2c3d4e5f601020304",
	    .status = MONGO_BOOKED,
	    .step = 2,
	    .completed_ms = INT64_C(1767603609021),
	    .revision = 1,
	    .now_ms = INT64_C(1767603700000),
	    .carrier = "sim",
	    .call_id = "sim-7",
	    .call_ms = INT64_C(1767603600000),
	    .duration_ms = 4021,
	    .outcome = "completed",
	    .decline_reason = "",
	    .attempts = 2,
	    .cost_micros = 1250,
	    .meeting_json = "{\"at\":\"2026-02-01T10:00:00Z\",\"a.b\":1,"
			    "\"$x\":[null,true,1.5,5000000000]}",
	    .recording_url = "s3://b/r.wav",
	    .transcript_url = "s3://b/t.json",
	};
}

static void
expect_doc(const bson_t *doc, const char *want)
{
	char *text = BS(as_canonical_extended_json)(doc, NULL);
	char *plain = mem_zalloc(strlen(text) + 1, 1);
	size_t n = 0;

	for (const char *at = text; *at != '\0'; at++)
		if (*at != ' ')
			plain[n++] = *at == '"' ? '\'' : *at;
	BS(free)(text);
	assert_string_equal(plain, want);
	mem_free(&plain);
}

/* The operation's filter and update; NULL: there must be none. */
static void
expect_op(enum mongo_op_kind kind, const struct mongo_row *r,
    const char *filter, const char *update)
{
	struct mongo_op op;
	struct err err = {.text = ""};
	bool made;

	if (mongo_render(NULL, kind, r, &op, &made, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	assert_int_equal(made, filter != NULL);
	if (!made)
		return;
	expect_doc(&op.filter, filter);
	expect_doc(&op.update, update);
	mongo_op_fini(&op);
}

#define CAMPAIGN "'_id':{'$oid':'65f0a1b2c3d4e5f601020304'}"
#define DATE(ms) "{'$date':{'$numberLong':'" #ms "'}}"
#define INT(n) "{'$numberInt':'" #n "'}"
#define CALL                                                                                  \
	"'step':" INT(2) ",'callTime':" DATE(                                                 \
	    1767603600000) ",'duration':"                                                     \
			   "{'$numberDouble':'4.0209999999999999076'},'outcome':'completed'," \
			   "'recordingUrl':'s3://b/r.wav','transcriptUrl':'s3://b/t.json',"   \
			   "'rev':"
#define RECORD "{'$oid':'" RECORD_ID "'}"
#define RECORD_ID "d7ed88f7477ad1a2930065d7"
#define ENTRY "{'callId':'sim-7','record':" RECORD "," CALL

static void
a_record_is_an_upsert_guarded_by_its_revision(void **state)
{
	struct mongo_row r = whole();

	(void)state;
	expect_op(MONGO_OP_RECORD, &r,
	    "{'_id':" RECORD ",'rev':{'$lt':" INT(1) "}}",
	    "{'$set':{'callId':'sim-7','campaign':{'$oid':"
	    "'65f0a1b2c3d4e5f601020304'}," CALL INT(
		1) ","
		   "'attempts':" INT(
		       2) ",'cost':{'$numberDouble':"
			  "'0.001250000000000000026'},'meeting':{"
			  "'at':'2026-02-01T10:00:00Z','a_b':" INT(
			      1) ",'_x':[null,true,"
				 "{'$numberDouble':'1.5'},{'$numberLong':'5000000000'}]},"
				 "'updatedAt':" DATE(
				     1767603700000) "},"
						    "'$setOnInsert':{'createdAt':" DATE(
							1767603700000) "}}");
}

static void
a_newer_revision_takes_away_what_it_does_not_say(void **state)
{
	struct mongo_row r = whole();
	struct mongo_op op;
	struct err err;
	bson_iter_t it;
	bool made;

	(void)state;
	r.revision = 2;
	r.meeting_json = "";
	assert_int_equal(
	    mongo_render(NULL, MONGO_OP_RECORD, &r, &op, &made, &err),
	    ERR_NONE);
	assert_true(BS(iter_init_find)(&it, &op.update, "$unset"));
	assert_true(BS(iter_recurse)(&it, &it));
	assert_true(BS(iter_next)(&it));
	assert_string_equal(BS(iter_key)(&it), "declineReason");
	assert_true(BS(iter_next)(&it));
	assert_string_equal(BS(iter_key)(&it), "meeting");
	assert_false(BS(iter_next)(&it));
	mongo_op_fini(&op);
}

static void
a_campaign_gets_one_entry_a_call_and_only_goes_forward(void **state)
{
	struct mongo_row r = whole();

	(void)state;
	expect_op(MONGO_OP_HISTORY, &r,
	    "{" CAMPAIGN ",'callHistory':{'$not':{'$elemMatch':"
	    "{'callId':'sim-7'}}}}",
	    "{'$addToSet':{'callHistory':" ENTRY INT(
		1) "}},"
		   "'$set':{'updatedAt':" DATE(
		       1767603700000) "},"
				      "'$max':{'lastCompletedStep':" INT(2) ",'lastCompletedDate':" DATE(
					  1767603609021) "},'$setOnInsert':{'status':'booked',"
							 "'createdAt':" DATE(
							     1767603700000) ",'recordingUrl':'s3://b/r.wav'}}");
	expect_op(MONGO_OP_STATUS, &r,
	    "{" CAMPAIGN ",'status':{'$in':[null,'pending','in_progress',"
	    "'failed','completed','declined']}}",
	    "{'$set':{'status':'booked','updatedAt':" DATE(1767603700000) "}}");
	expect_op(MONGO_OP_LAST_URL, &r,
	    "{" CAMPAIGN ",'lastCompletedDate':" DATE(
		1767603609021) ",'recordingUrl':{'$ne':'s3://b/r.wav'}}",
	    "{'$set':{'recordingUrl':'s3://b/r.wav'}}");
	expect_op(MONGO_OP_REPLACE, &r, NULL, NULL);
	r.revision = 2;
	expect_op(MONGO_OP_REPLACE, &r,
	    "{" CAMPAIGN ",'callHistory':{'$elemMatch':{'callId':'sim-7',"
	    "'rev':{'$lt':" INT(2) "}}}}",
	    "{'$set':{'callHistory.$[old]':" ENTRY INT(
		2) "},"
		   "'updatedAt':" DATE(
		       1767603700000) "},"
				      "'$max':{'lastCompletedStep':" INT(
					  2) ",'lastCompletedDate':" DATE(1767603609021) "}}");
}

static void
without_a_call_only_the_status_is_told(void **state)
{
	struct mongo_row r = whole();

	(void)state;
	r.campaign = "summer2024";
	r.call_id = r.carrier = "";
	r.completed_ms = 0;
	r.status = MONGO_FAILED;
	expect_op(MONGO_OP_RECORD, &r, NULL, NULL);
	expect_op(MONGO_OP_LAST_URL, &r, NULL, NULL);
	expect_op(MONGO_OP_HISTORY, &r, "{'_id':'summer2024'}",
	    "{'$setOnInsert':{'status':'failed','createdAt':" DATE(
		1767603700000) ",'updatedAt':" DATE(1767603700000) "}}");
	expect_op(MONGO_OP_STATUS, &r,
	    "{'_id':'summer2024','status':{'$in':[null,'pending',"
	    "'in_progress']}}",
	    "{'$set':{'status':'failed','updatedAt':" DATE(1767603700000) "}}");
	r.campaign = "";
	expect_op(MONGO_OP_HISTORY, &r, NULL, NULL);
	expect_op(MONGO_OP_STATUS, &r, NULL, NULL);
}

static void
expect_unwritable(const struct mongo_row *r)
{
	struct mongo_op op;
	struct err err;
	bool made = true;

	assert_int_equal(
	    mongo_render(NULL, MONGO_OP_RECORD, r, &op, &made, &err),
	    ERR_MALFORMED);
	assert_false(made);
}

static void
what_mongodb_cannot_take_is_refused_here(void **state)
{
	struct mongo_row r = whole();
	size_t size = 17 * 1024 * 1024;
	char *large = mem_zalloc(size + 1, 1);

	(void)state;
	memset(large, 'a', size);
	r.decline_reason = large;
	expect_unwritable(&r);
	r.decline_reason = "\xff";
	expect_unwritable(&r);
	r.decline_reason = "";
	r.meeting_json = "[1]";
	expect_unwritable(&r);
	r.meeting_json = "{";
	expect_unwritable(&r);
	mem_free(&large);
}

/* --- what was read --- */

static void
expect_json(enum mongo_collection c, const bson_t *doc, const char *want)
{
	struct buf out = BUF_INIT(4096);
	struct err err;

	if (mongo_json(NULL, c, doc, 4096, &out, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&out), want);
	buf_free(&out);
}

static void
documents_become_plain_canonical_json(void **state)
{
	bson_decimal128_t decimal = {.high = 0x3040000000000000ULL, .low = 7};
	bson_t doc;
	bson_t child;

	(void)state;
	BS(init)(&doc);
	mongo_put_id(&doc, "_id", "65F0a1b2c3d4e5f601020304");
	mongo_put_double(&doc, "zero", 0);
	mongo_put_double(&doc, "nan", (double)NAN);
	mongo_put_double(&doc, "wide", 1e18);
	mongo_put_i64(&doc, "small", -5);
	mongo_put_i64(&doc, "large", INT64_C(9007199254740993));
	mongo_put_time(&doc, "at", INT64_C(1767603600001));
	mongo_put_time(&doc, "never", INT64_MAX);
	(void)BS(append_decimal128)(&doc, "price", 5, &decimal);
	(void)BS(append_bool)(&doc, "yes", 3, true);
	(void)BS(append_null)(&doc, "none", 4);
	(void)BS(append_binary)(&doc, "bytes", 5, BSON_SUBTYPE_BINARY,
	    (const uint8_t *)"\x01\x02\x03", 3);
	(void)BS(append_timestamp)(&doc, "oplog", 5, 1, 2);
	mongo_put_str(&doc, "text", "a\"\x01");
	(void)BS(append_array_begin)(&doc, "list", 4, &child);
	mongo_put_str(&child, "0", "b");
	(void)BS(append_timestamp)(&child, "1", 1, 1, 2);
	(void)BS(append_array_end)(&doc, &child);
	expect_json(MONGO_CONTACT, &doc,
	    "{\"_id\":\"65f0a1b2c3d4e5f601020304\","
	    "\"at\":\"2026-01-05T09:00:00.001Z\",\"bytes\":\"AQID\","
	    "\"large\":\"9007199254740993\",\"list\":[\"b\",null],"
	    "\"nan\":null,\"never\":null,\"none\":null,\"price\":\"7\","
	    "\"small\":-5,\"text\":\"a\\\"\\u0001\","
	    "\"wide\":\"1000000000000000000\",\"yes\":true,\"zero\":0}");
	BS(destroy)(&doc);
}

static void
the_other_drafts_names_are_read_as_ours(void **state)
{
	bson_t doc;
	bson_t list;
	bson_t item;

	(void)state;
	BS(init)(&doc);
	mongo_put_i64(&doc, "lastStep", 3);
	mongo_put_i64(&doc, "lastCallDate", 1);
	mongo_put_i64(&doc, "lastCompletedDate", 2);
	(void)BS(append_array_begin)(&doc, "messageHistory", 14, &list);
	mongo_begin(&list, "0", &item);
	mongo_put_str(&item, "messageId", "m");
	mongo_put_i64(&item, "sentAt", 4);
	mongo_put_i64(&item, "opens", 5);
	mongo_end(&list, &item);
	(void)BS(append_array_end)(&doc, &list);
	expect_json(MONGO_CAMPAIGN, &doc,
	    "{\"callHistory\":[{\"callId\":\"m\",\"callTime\":4,\"opens\":5}],"
	    "\"lastCompletedDate\":2,\"lastCompletedStep\":3}");
	expect_json(MONGO_BATCH, &doc,
	    "{\"lastCallDate\":1,\"lastCompletedDate\":2,\"lastStep\":3,"
	    "\"messageHistory\":[{\"messageId\":\"m\",\"opens\":5,"
	    "\"sentAt\":4}]}");
	BS(destroy)(&doc);
}

static void
expect_unreadable(const bson_t *doc, size_t max, enum err_code want)
{
	struct buf out = BUF_INIT(4096);
	struct err err;

	assert_int_equal(
	    mongo_json(NULL, MONGO_CONTACT, doc, max, &out, &err), want);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void
what_is_too_large_too_deep_or_encrypted_is_refused(void **state)
{
	bson_t level[41];
	bson_t doc;

	(void)state;
	BS(init)(&doc);
	mongo_put_str(&doc, "text", "\x01\x01\x01\x01\x01\x01\x01\x01");
	expect_unreadable(&doc, 16, ERR_MALFORMED);
	expect_unreadable(&doc, doc.len, ERR_MALFORMED);
	expect_json(MONGO_CONTACT, &doc,
	    "{\"text\":\"\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001"
	    "\\u0001\"}");
	BS(destroy)(&doc);
	BS(init)(&doc);
	(void)BS(append_binary)(&doc, "phone", 5, BSON_SUBTYPE_ENCRYPTED,
	    (const uint8_t *)"\x01", 1);
	expect_unreadable(&doc, 4096, ERR_CONFIG);
	BS(destroy)(&doc);
	BS(init)(&level[0]);
	for (size_t i = 1; i < ARRAY_LEN(level); i++)
		mongo_begin(&level[i - 1], "a", &level[i]);
	for (size_t i = ARRAY_LEN(level) - 1; i > 0; i--)
		mongo_end(&level[i - 1], &level[i]);
	expect_unreadable(&level[0], 4096, ERR_MALFORMED);
	BS(destroy)(&level[0]);
}

static void
the_library_leaves_no_file_in_shared_memory(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(
	    path, sizeof(path), "/dev/shm/mongoc-%ld", (long)getpid());
	assert_int_not_equal(access(path, F_OK), 0);
}

static void
phones_mails_and_names_are_secret_and_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(mongo_secrecy_of("phone"), MONGO_DETERMINISTIC);
	assert_int_equal(mongo_secrecy_of("phone_number"), MONGO_DETERMINISTIC);
	assert_int_equal(mongo_secrecy_of("Email"), MONGO_DETERMINISTIC);
	assert_int_equal(mongo_secrecy_of("firstName"), MONGO_RANDOM);
	assert_int_equal(mongo_secrecy_of("last_name"), MONGO_RANDOM);
	/* Whatever else a contact's fields are called: docs/mongo.md. */
	assert_int_equal(mongo_secrecy_of("mobile_phone"), MONGO_DETERMINISTIC);
	assert_int_equal(mongo_secrecy_of("tel"), MONGO_DETERMINISTIC);
	assert_int_equal(mongo_secrecy_of("mail"), MONGO_DETERMINISTIC);
	assert_int_equal(mongo_secrecy_of("familyName"), MONGO_RANDOM);
	assert_int_equal(mongo_secrecy_of("timezone"), MONGO_PLAIN);
	assert_int_equal(mongo_secrecy_of(""), MONGO_PLAIN);
	assert_int_equal(
	    mongo_secrecy_of("phonephonephonephonephone"), MONGO_PLAIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_password_is_never_shown),
	    cmocka_unit_test(
		options_that_cannot_be_used_are_refused_without_the_password),
	    cmocka_unit_test(what_the_uri_does_not_say_is_set),
	    cmocka_unit_test(what_the_uri_says_stays),
	    cmocka_unit_test(a_stopped_one_does_nothing_more),
	    cmocka_unit_test(a_server_that_is_away_is_an_answer_at_once),
	    cmocka_unit_test(a_master_key_is_bytes_or_their_base64),
	    cmocka_unit_test(errors_are_translated_by_domain_code_and_label),
	    cmocka_unit_test(
		a_label_in_the_reply_makes_an_unknown_code_retryable),
	    cmocka_unit_test(
		a_reply_that_accounts_for_each_operation_is_believed),
	    cmocka_unit_test(any_other_reply_is_not),
	    cmocka_unit_test(a_record_is_an_upsert_guarded_by_its_revision),
	    cmocka_unit_test(a_newer_revision_takes_away_what_it_does_not_say),
	    cmocka_unit_test(
		a_campaign_gets_one_entry_a_call_and_only_goes_forward),
	    cmocka_unit_test(without_a_call_only_the_status_is_told),
	    cmocka_unit_test(what_mongodb_cannot_take_is_refused_here),
	    cmocka_unit_test(documents_become_plain_canonical_json),
	    cmocka_unit_test(the_other_drafts_names_are_read_as_ours),
	    cmocka_unit_test(
		what_is_too_large_too_deep_or_encrypted_is_refused),
	    cmocka_unit_test(the_library_leaves_no_file_in_shared_memory),
	    cmocka_unit_test(
		phones_mails_and_names_are_secret_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
