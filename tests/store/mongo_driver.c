#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#include "json/json.h"
#include "json/json_write.h"
#include "mongo/mongo.h"
#include "mongo/mongo_row.h"
#include "net/net_env.h"
#include "sink/sink_mongo.h"

/*
 * pkg/mongo and the sink as a child of a test: a line of JSON in, a line out.
 *
 *   mongo_driver OPTIONS     OPTIONS: {"uri": ..., "ca", "cert", "database",
 *                            "bulk_ops", "master_key"}
 *   {"do": "ping"}
 *   {"do": "write", "rows": [...]}   fields of struct mongo_row
 *   {"do": "push", "rows": [...]}    the same through the sink, as results
 *   {"do": "read", "collection": 0, "id": ..., "max": ...}
 *   {"do": "phone", "phone": ...}
 *   {"do": "put", "id": ..., "contact": {...}}
 *   {"do": "index", "make": true}
 *
 * Every answer has "code" and "text"; rows have their own.
 */

#define LINE_MAX_BYTES (128u << 20)

static const struct json_limits limits = {LINE_MAX_BYTES, 32, 4000000};

static const char *
text_of(const struct json *j, const char *key)
{
	const char *text = "";
	struct err err;

	(void)json_opt_str(j, key, &text, &err);
	return text;
}

static int64_t
number_of(const struct json *j, const char *key, int64_t def)
{
	struct err err;

	(void)json_opt_i64(j, key, -JSON_I64_MAX, JSON_I64_MAX, &def, &err);
	return def;
}

/* "meeting" is an object; mem_free. */
static char *
meeting_of(const struct json *j)
{
	const struct json *meeting = json_get(j, "meeting");
	struct buf b = BUF_INIT(LINE_MAX_BYTES);
	char *text;

	if (meeting != NULL)
		json_canonical(meeting, &b);
	text = mem_strdup(buf_text(&b));
	buf_free(&b);
	return text;
}

static void
answer_code(struct json_writer *w, enum err_code code, const struct err *err)
{
	json_field_str(w, "code", err_name(code));
	json_field_str(w, "text", code == ERR_NONE ? "" : err->text);
}

static struct mongo_row
row_of(const struct json *j, char **meeting)
{
	*meeting = meeting_of(j);
	return (struct mongo_row){
	    .campaign = text_of(j, "campaign"),
	    .status = (enum mongo_status)number_of(j, "status", 1),
	    .step = number_of(j, "step", 0),
	    .completed_ms = number_of(j, "completed_ms", 0),
	    .revision = number_of(j, "revision", 1),
	    .now_ms = number_of(j, "now_ms", 1),
	    .carrier = text_of(j, "carrier"),
	    .call_id = text_of(j, "call_id"),
	    .call_ms = number_of(j, "call_ms", 0),
	    .duration_ms = number_of(j, "duration_ms", 0),
	    .outcome = text_of(j, "outcome"),
	    .decline_reason = text_of(j, "decline_reason"),
	    .attempts = number_of(j, "attempts", 1),
	    .cost_micros = number_of(j, "cost_micros", 0),
	    .meeting_json = *meeting,
	    .recording_url = text_of(j, "recording_url"),
	    .transcript_url = text_of(j, "transcript_url"),
	};
}

static void
do_write(struct mongo *m, const struct json *ask, struct json_writer *w)
{
	const struct json *list = json_get(ask, "rows");
	size_t n = json_count(list);
	struct mongo_row *rows = mem_zalloc(n, sizeof(*rows));
	char **meetings = mem_zalloc(n, sizeof(*meetings));

	for (size_t i = 0; i < n; i++)
		rows[i] = row_of(json_at(list, i), &meetings[i]);
	mongo_write(m, rows, n);
	json_write_key(w, "rows");
	json_write_array(w);
	for (size_t i = 0; i < n; i++) {
		json_write_object(w);
		answer_code(w, rows[i].code, &rows[i].err);
		json_write_end(w);
		mem_free(&meetings[i]);
	}
	json_write_end(w);
	mem_free(&meetings);
	mem_free(&rows);
}

struct pushed {
	struct sink_push push;
	struct sink_result result;
	char *meeting;
};

static void
on_done(struct sink_push *p)
{
	(void)p;
}

static struct sink_result
result_of(const struct json *j, const char *meeting)
{
	enum job_outcome outcome = JOB_OUTCOME_NONE;
	struct err err;

	(void)job_outcome_parse(text_of(j, "outcome"), &outcome, &err);
	return (struct sink_result){.id = "j",
	    .source = "file",
	    .campaign = text_of(j, "campaign"),
	    .kind = "",
	    .step = number_of(j, "step", 0),
	    .final_step = number_of(j, "final", 0) != 0,
	    .state = JOB_DONE,
	    .outcome = outcome,
	    .reason = "",
	    .attempts = number_of(j, "attempts", 1),
	    .revision = number_of(j, "revision", 1),
	    .carrier = text_of(j, "carrier"),
	    .call_id = text_of(j, "call_id"),
	    .to = "",
	    .placed_ms = number_of(j, "call_ms", 0),
	    .answered_ms = number_of(j, "call_ms", 0) + 5000,
	    .ended_ms = number_of(j, "completed_ms", 0),
	    .answered_by = "",
	    .decline_reason = text_of(j, "decline_reason"),
	    .meeting_json = meeting,
	    .recording_path = "",
	    .transcript_path = "",
	    .recording_url = text_of(j, "recording_url"),
	    .transcript_url = text_of(j, "transcript_url")};
}

static void
do_push(const struct mongo_options *o, const struct json *ask,
    struct json_writer *w)
{
	const struct json *list = json_get(ask, "rows");
	size_t n = json_count(list);
	struct pushed *all = mem_zalloc(n, sizeof(*all));
	struct env *env;
	struct err err;

	if (net_env_open(&env, &err) != ERR_NONE)
		exit(3);
	struct sink_pusher *sink = sink_mongo_new(env, o);

	for (size_t i = 0; i < n; i++) {
		all[i].meeting = meeting_of(json_at(list, i));
		all[i].result = result_of(json_at(list, i), all[i].meeting);
		all[i].push = (struct sink_push){
		    .result = &all[i].result, .done = on_done};
		sink->ops->start(sink->impl, &all[i].push);
	}
	sink->ops->flush(sink->impl);
	net_env_run(env);
	json_write_key(w, "rows");
	json_write_array(w);
	for (size_t i = 0; i < n; i++) {
		json_write_object(w);
		answer_code(w, all[i].push.code, &all[i].push.err);
		json_field_bool(w, "blame", all[i].push.blame);
		json_field_bool(w, "echo", all[i].push.echo);
		json_write_end(w);
		mem_free(&all[i].meeting);
	}
	json_write_end(w);
	sink->ops->free(sink->impl);
	net_env_close(&env);
	mem_free(&all);
}

static void
do_read(struct mongo *m, const struct json *ask, struct json_writer *w)
{
	struct buf out = BUF_INIT(MONGO_DOCUMENT_MAX);
	struct err err;
	struct err ignored;
	size_t max = (size_t)number_of(ask, "max", 1 << 20);
	enum err_code code =
	    json_get(ask, "phone") != NULL
		? mongo_read_by_phone(m, text_of(ask, "phone"), max, &out, &err)
		: mongo_read(m,
		      (enum mongo_collection)number_of(ask, "collection", 0),
		      text_of(ask, "id"), max, &out, &err);

	answer_code(w, code, &err);
	if (code == ERR_NONE) {
		json_write_key(w, "doc");
		(void)json_write_raw(w, out.bytes, out.len, &ignored);
	}
	buf_free(&out);
}

static void
do_put(struct mongo *m, const struct json *ask, struct json_writer *w)
{
	struct buf text = BUF_INIT(1 << 20);
	struct err err;

	json_canonical(json_get(ask, "contact"), &text);
	answer_code(w,
	    mongo_put_contact(m, text_of(ask, "id"), buf_text(&text), &err),
	    &err);
	buf_free(&text);
}

static void
on_index(void *arg, const struct mongo_index *i)
{
	static const char *const states[] = {
	    "there", "made", "missing", "refused"};
	struct json_writer *w = arg;

	json_write_object(w);
	json_field_str(w, "collection", i->collection);
	json_field_str(w, "name", i->name);
	json_field_str(w, "state", states[i->state]);
	json_field_str(w, "text", i->text);
	json_write_end(w);
}

static void
do_index(struct mongo *m, const struct json *ask, struct json_writer *w)
{
	struct err err;
	bool make = false;
	enum err_code code;

	(void)json_opt_bool(ask, "make", &make, &err);
	json_write_key(w, "indexes");
	json_write_array(w);
	code = mongo_indexes(m, make, on_index, w, &err);
	json_write_end(w);
	answer_code(w, code, &err);
}

static void
do_ping(struct mongo *m, struct json_writer *w)
{
	struct mongo_server server;
	struct err err;
	enum err_code code = mongo_ping(m, &server, &err);

	answer_code(w, code, &err);
	json_field_str(w, "version", server.version);
	json_field_i64(w, "wire", server.wire_version);
	json_field_bool(w, "replicated", server.replicated);
}

static void
answer(struct mongo *m, const struct mongo_options *o, const struct json *ask)
{
	struct buf out = BUF_INIT(LINE_MAX_BYTES);
	struct json_writer w = JSON_WRITER_INIT(&out);
	const char *what = text_of(ask, "do");

	json_write_object(&w);
	if (strcmp(what, "ping") == 0)
		do_ping(m, &w);
	else if (strcmp(what, "write") == 0)
		do_write(m, ask, &w);
	else if (strcmp(what, "push") == 0)
		do_push(o, ask, &w);
	else if (strcmp(what, "read") == 0 || strcmp(what, "phone") == 0)
		do_read(m, ask, &w);
	else if (strcmp(what, "put") == 0)
		do_put(m, ask, &w);
	else if (strcmp(what, "index") == 0)
		do_index(m, ask, &w);
	json_write_end(&w);
	(void)puts(buf_text(&out));
	(void)fflush(stdout);
	buf_free(&out);
}

static int
fail(const struct err *err)
{
	(void)fprintf(stderr, "%s: %s\n", err_name(err->code), err->text);
	return 1;
}

int
main(int argc, char **argv)
{
	struct mongo_options o = {.uri = NULL};
	uint8_t key[MONGO_MASTER_KEY_BYTES];
	struct json *options = NULL;
	struct mongo *m = NULL;
	struct err err;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (argc != 2 || json_parse(argv[1], strlen(argv[1]), &limits, &options,
			     &err) != ERR_NONE)
		return 64;
	o.uri = text_of(options, "uri");
	o.database = text_of(options, "database");
	o.tls_ca_file = text_of(options, "ca");
	o.tls_cert_file = text_of(options, "cert");
	o.bulk_ops = (size_t)number_of(options, "bulk_ops", 0);
	if (json_get(options, "master_key") != NULL) {
		const char *text = text_of(options, "master_key");

		if (mongo_master_key(text, strlen(text), key, &err) != ERR_NONE)
			return fail(&err);
		o.master_key = key;
	}
	if (mongo_open(&o, &m, &err) != ERR_NONE)
		return fail(&err);
	while ((len = getline(&line, &size, stdin)) > 0) {
		struct json *ask = NULL;

		if (json_parse(line, (size_t)len, &limits, &ask, &err) !=
		    ERR_NONE)
			return fail(&err);
		answer(m, &o, ask);
		json_free(&ask);
	}
	free(line);
	mongo_close(&m);
	json_free(&options);
	return 0;
}
