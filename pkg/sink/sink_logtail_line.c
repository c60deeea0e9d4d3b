#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/check.h"
#include "base/dynlib.h"
#include "base/mem.h"

#include "json/json_write.h"
#include "sink/sink_json.h"
#include "sink/sink_logtail.h"

#include "sink/sink_logtail_priv.h"

static void
field_text(struct json_writer *w, const char *key, const char *text)
{
	json_field_str(w, key, *text != '\0' ? text : NULL);
}

/* warn: somebody wanted this call, and it did not come about. */
static bool
is_warning(const struct sink_result *r)
{
	return r->state == JOB_FAILED || r->state == JOB_EXPIRED ||
	       r->state == JOB_PARKED || r->outcome == JOB_OUTCOME_FAILED ||
	       r->outcome == JOB_OUTCOME_UNKNOWN ||
	       r->outcome == JOB_OUTCOME_INTERRUPTED;
}

static void
render_call(struct json_writer *w, const struct sink_result *r)
{
	json_write_key(w, "call");
	if (r->placed_ms == 0) {
		json_write_null(w);
		return;
	}
	json_write_object(w);
	json_field_i64(w, "attempt", r->attempt);
	field_text(w, "carrier", r->carrier);
	field_text(w, "carrierCallId", r->call_id);
	field_text(w, "answeredBy", r->answered_by);
	json_field_i64(w, "durationMs", sink_result_talked_ms(r));
	json_write_end(w);
}

static enum err_code
check_room(const struct sink_result *r, struct err *err)
{
	const char *const texts[] = {r->id, r->source, r->campaign, r->kind,
	    r->reason, r->carrier, r->call_id, r->answered_by};
	size_t sum = 0;

	/* Escaped, a byte becomes six at most. */
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		sum += 6 * strlen(texts[i]);
	if (sum > LOGTAIL_LINE_MAX - 2048)
		return err_set(err, ERR_MALFORMED, 0,
		    "its texts are too long for a log line");
	return ERR_NONE;
}

enum err_code
sink_logtail_render(const struct sink_result *r, const char *event_id,
    int64_t at_ms, struct buf *line, struct err *err)
{
	struct json_writer w = JSON_WRITER_INIT(line);
	bool done = r->state == JOB_DONE;
	char message[64];

	if (check_room(r, err) != ERR_NONE)
		return err->code;
	(void)snprintf(message, sizeof(message), "%s %s", done ? "call" : "job",
	    done ? job_outcome_name(r->outcome) : job_state_name(r->state));
	json_write_object(&w);
	json_field_time(&w, "dt", r->ended_ms > 0 ? r->ended_ms : at_ms);
	json_field_str(&w, "level", is_warning(r) ? "warn" : "info");
	json_field_str(&w, "message", message);
	json_field_str(&w, "event", "job.finished");
	json_field_str(&w, "eventId", event_id);
	sink_json_job(&w, r);
	json_field_str(&w, "state", job_state_name(r->state));
	json_field_str(&w, "outcome",
	    r->outcome == JOB_OUTCOME_NONE ? NULL
					   : job_outcome_name(r->outcome));
	field_text(&w, "reason", r->reason);
	json_field_i64(&w, "attempts", r->attempts);
	render_call(&w, r);
	json_field_i64(&w, "costMicros", r->cost_micros);
	json_field_i64(&w, "revision", r->revision);
	json_write_end(&w);
	buf_putc(line, '\n');
	return ERR_NONE;
}

enum err_code
sink_logtail_gzip(
    const void *bytes, size_t len, struct buf *out, struct err *err)
{
	static const char *const names[] = {"libz.so.1", NULL};
	struct {
		__typeof__(deflateInit2_) *init;
		__typeof__(deflateBound) *bound;
		__typeof__(deflate) *deflate;
		__typeof__(deflateEnd) *end;
	} z;
	const struct dynlib_symbol symbols[] = {
	    {"deflateInit2_", &z.init},
	    {"deflateBound", &z.bound},
	    {"deflate", &z.deflate},
	    {"deflateEnd", &z.end},
	    {NULL, NULL},
	};
	z_stream s = {0};

	if (dynlib_open(names, "zlib1g", symbols, err) != ERR_NONE)
		return err->code;
	/* 16 more: gzip's header, without a time in it. */
	if (z.init(&s, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
		Z_DEFAULT_STRATEGY, ZLIB_VERSION, (int)sizeof(s)) != Z_OK)
		return err_set(err, ERR_CONFIG, 0, "zlib does not begin");
	size_t bound = z.bound(&s, len);
	uint8_t *packed = mem_zalloc(bound, 1);
	uint8_t *plain = mem_dup(bytes, len);

	s.next_in = plain;
	s.avail_in = (uInt)len;
	s.next_out = packed;
	s.avail_out = (uInt)bound;
	CHECK(z.deflate(&s, Z_FINISH) == Z_STREAM_END);
	buf_put(out, packed, bound - s.avail_out);
	(void)z.end(&s);
	mem_free(&plain);
	mem_free(&packed);
	return ERR_NONE;
}

/* Does the file end in the middle of a line? */
static enum err_code
is_torn(struct env *env, struct env_file *f, bool *torn, struct err *err)
{
	struct env_stat st = {0};
	char last = '\n';
	size_t got = 0;

	*torn = false;
	if (env_fstat(env, f, &st, err) != ERR_NONE)
		return err->code;
	if (st.size_bytes == 0)
		return ERR_NONE;
	if (env_pread(env, f, &last, 1, st.size_bytes - 1, &got, err) !=
	    ERR_NONE)
		return err->code;
	*torn = last != '\n';
	return ERR_NONE;
}

enum err_code
sink_logtail_keep(struct env *env, const char *dir, const void *lines,
    size_t len, struct err *err)
{
	char *path = mem_printf("%s/%s", dir, SINK_LOGTAIL_FILE);
	struct env_file *f = NULL;
	bool torn = false;
	enum err_code code = env_make_dirs(env, dir, err);

	if (code == ERR_NONE)
		code = env_open(env, path,
		    ENV_READ | ENV_WRITE | ENV_CREATE | ENV_APPEND, &f, err);
	if (code == ERR_NONE)
		code = is_torn(env, f, &torn, err);
	if (code == ERR_NONE && torn)
		code = env_append(env, f, "\n", 1, err);
	if (code == ERR_NONE)
		code = env_append(env, f, lines, len, err);
	if (code == ERR_NONE)
		code = env_sync(env, f, err);
	env_close(env, &f);
	if (code == ERR_NONE)
		code = env_sync_dir(env, dir, err);
	mem_free(&path);
	return code;
}
