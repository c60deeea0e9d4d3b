/*
 * dsrun's S3 sink from a command line, for tests with real servers.
 *
 *   s3_driver [--OPTION VALUE]... COMMAND
 *
 *   push                 one result: --recording, --transcript (files), --id,
 *                        --campaign, --attempt, --source, --call, --tries
 *   push-many COUNT      results ID-1 ... of the same files; what it took
 *
 * Options and output: s3_options.h.
 */
#include <sys/resource.h>

#include "s3_options.h"

static void
hash_of(const char *path, uint8_t out[SHA256_BYTES])
{
	char *text = NULL;
	size_t len = 0;

	if (env_read_whole(d.env, path, 1 << 30, &text, &len, &d.err) !=
	    ERR_NONE)
		die("file");
	sha256_once(text, len, out);
	if (d.damage)
		out[0] ^= 1;
	mem_free(&text);
}

struct row {
	struct sink_push push;
	struct sink_result result;
	struct env_post post;
	char *kept;
	char *id;
	bool quiet;
};

static void
on_kept(struct env_post *p)
{
	struct row *row = CONTAINER_OF(p, struct row, post);

	row->push.kept_done(&row->push, ERR_NONE);
}

static void
keep(struct sink_push *p, const char *text)
{
	struct row *row = CONTAINER_OF(p, struct row, push);

	if (d.kept != NULL && env_write_whole(d.env, d.kept, text, strlen(text),
				  &d.err) != ERR_NONE)
		die("kept");
	row->post.fn = on_kept;
	env_post(d.env, &row->post);
}

static void
pushed(struct sink_push *p)
{
	struct row *row = CONTAINER_OF(p, struct row, push);
	struct buf b, url = BUF_INIT(8192);

	if (row->quiet && p->code == ERR_NONE) {
		if (--d.left == 0)
			net_env_stop(d.env);
		return;
	}
	struct json_writer w = begin(&b);

	field_err(&w, p->code, &p->err);
	json_field_bool(&w, "blame", p->blame);
	json_field_i64(&w, "retryAfterMs", p->retry_after_ms);
	sink_s3_recording_url(d.sink, &row->result, &url);
	json_field_str(&w, "recording", buf_text(&url));
	buf_clear(&url);
	sink_s3_transcript_url(d.sink, &row->result, &url);
	json_field_str(&w, "transcript", buf_text(&url));
	buf_free(&url);
	end(&w);
}

static void
push(struct row *row, const char *id)
{
	const struct sink_pusher *pusher = sink_s3_pusher(d.sink);
	size_t len = 0;

	row->result = d.result;
	row->id = mem_strdup(id);
	row->result.id = row->id;
	if (d.kept == NULL || env_read_whole(d.env, d.kept, SINK_PUSH_KEPT_MAX,
				  &row->kept, &len, &d.err) != ERR_NONE)
		row->kept = mem_strdup("");
	row->push.result = &row->result;
	row->push.kept = row->kept;
	row->push.tries = d.tries;
	row->push.keep = keep;
	row->push.done = pushed;
	pusher->ops->start(pusher->impl, &row->push);
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct row *many;
static size_t many_next, many_count;

static void
pushed_one(struct sink_push *p)
{
	char id[300];

	if (many_next < many_count) {
		(void)snprintf(
		    id, sizeof(id), "%s-%zu", d.result.id, ++many_next);
		many[many_next - 1].quiet = true;
		push(&many[many_next - 1], id);
		many[many_next - 1].push.done = pushed_one;
	}
	pushed(p);
}

static void
push_many(size_t count)
{
	const struct sink_pusher *pusher = sink_s3_pusher(d.sink);
	double cpu = cpu_s();
	int64_t at = env_real_boot_ms(d.env);
	char id[300];
	struct buf b;

	many = mem_zalloc(count, sizeof(*many));
	many_count = count;
	d.left = count + 1;
	while (many_next < count && (int64_t)many_next < pusher->at_once) {
		(void)snprintf(
		    id, sizeof(id), "%s-%zu", d.result.id, ++many_next);
		many[many_next - 1].quiet = true;
		push(&many[many_next - 1], id);
		many[many_next - 1].push.done = pushed_one;
	}
	while (d.left > 1)
		net_env_run(d.env);
	struct json_writer w = begin(&b);

	json_field_double(&w, "cpuS", cpu_s() - cpu);
	json_field_i64(&w, "wallMs", env_real_boot_ms(d.env) - at);
	end(&w);
	for (size_t i = 0; i < count; i++) {
		mem_free(&many[i].id);
		mem_free(&many[i].kept);
	}
	mem_free(&many);
}

static int
run(int argc, char **argv, int at)
{
	struct row row = {.quiet = false};

	if (*d.result.recording_path != '\0')
		hash_of(d.result.recording_path, d.result.recording_sha256);
	if (*d.result.transcript_path != '\0')
		hash_of(d.result.transcript_path, d.result.transcript_sha256);
	d.left = 1;
	if (strcmp(argv[at], "push") == 0) {
		push(&row, d.result.id);
		net_env_run(d.env);
	} else if (strcmp(argv[at], "push-many") == 0 && at + 1 < argc) {
		push_many((size_t)atol(argv[at + 1]));
	} else {
		die(argv[at]);
	}
	mem_free(&row.id);
	mem_free(&row.kept);
	return d.status;
}
