#ifndef DSRUN_TESTS_STORE_S3_OPTIONS_H
#define DSRUN_TESTS_STORE_S3_OPTIONS_H

/*
 * What s3_driver and s3_client have in common: their options, and main().
 *
 * Where: --endpoint --region --bucket --style auto|virtual|path --ca FILE
 * --sse none|s3|kms --kms-key --kms-context --prefix --class --tag K=V.
 * Keys: --access --secret --token; else the chain, by the environment.
 * How: --work DIR (default .) --format copy|link|wav|mp3|opus --multipart BYTES
 * --part BYTES --parts-at-once N --at-once N --stall MS; --kept FILE stands for
 * the journal's row: what the sink keeps is written there, durably, and read.
 * --damage says that the journal knows other hashes.
 *
 * One line of JSON on standard output a try; exit 0 when it went well, else 1.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "json/json_write.h"
#include "net/net_env.h"
#include "net/net_pool.h"
#include "sink/sink_s3.h"

static struct {
	struct env *env;
	struct net_pool *pool;
	struct sink_s3 *sink;
	struct sink_s3_options options;
	struct sink_result result;
	const char *kept, *days;
	bool damage;
	int64_t tries;
	size_t left;
	int status;
	struct err err;
} d;

static void
die(const char *what)
{
	fprintf(stderr, "s3_driver: %s: %s\n", what, d.err.text);
	exit(2);
}

/* The file as it is: for sizes of the test's own choice. */
static enum err_code
copy(void *arg, struct env *env, const char *from,
    const uint8_t sha256[SHA256_BYTES], const char *to, bool (*stop)(void *arg),
    void *stop_arg, uint8_t made[SHA256_BYTES], struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	struct env_file *f = NULL;
	enum err_code code =
	    env_read_whole(env, from, (size_t)2 << 30, &text, &len, err);

	(void)arg;
	if (code != ERR_NONE)
		return code;
	sha256_once(text, len, made);
	if (stop(stop_arg))
		code = err_set(err, ERR_CANCELLED, 0, "stopped");
	else if (memcmp(made, sha256, SHA256_BYTES) != 0)
		code = err_set(err, ERR_DAMAGED, 0, "other bytes");
	else
		code = env_open(env, to,
		    ENV_READ | ENV_WRITE | ENV_CREATE | ENV_TRUNCATE, &f, err);
	if (code == ERR_NONE)
		code = env_pwrite(env, f, text, len, 0, err);
	env_close(env, &f);
	mem_free(&text);
	return code;
}

/* The file itself: what is left is the upload, for benchmarks. */
static enum err_code
hard_link(void *arg, struct env *env, const char *from,
    const uint8_t sha256[SHA256_BYTES], const char *to, bool (*stop)(void *arg),
    void *stop_arg, uint8_t made[SHA256_BYTES], struct err *err)
{
	static _Thread_local char some[1 << 16];
	struct env_file *f = NULL;
	struct sha256 sum;
	int64_t at = 0;
	size_t got = 1;
	enum err_code code = env_open(env, from, ENV_READ, &f, err);

	(void)arg;
	(void)stop;
	(void)stop_arg;
	sha256_init(&sum);
	while (code == ERR_NONE && got > 0) {
		code = env_pread(env, f, some, sizeof(some), at, &got, err);
		if (code == ERR_NONE)
			sha256_add(&sum, some, got);
		at += (int64_t)got;
	}
	env_close(env, &f);
	if (code != ERR_NONE)
		return code;
	sha256_end(&sum, made);
	if (memcmp(made, sha256, SHA256_BYTES) != 0)
		return err_set(err, ERR_DAMAGED, 0, "other bytes");
	(void)unlink(to);
	return link(from, to) == 0 ? ERR_NONE : err_sys(err, errno, "%s", to);
}

static void
field_err(struct json_writer *w, enum err_code code, const struct err *err)
{
	static const char *const classes[] = {
	    "none", "retry", "final", "fatal"};

	json_field_str(w, "code", err_name(code));
	json_field_str(w, "class", classes[err_class(code)]);
	json_field_str(w, "text", code == ERR_NONE ? "" : err->text);
	if (code != ERR_NONE)
		d.status = 1;
}

static struct json_writer
begin(struct buf *b)
{
	*b = BUF_INIT(1 << 22);
	struct json_writer w = JSON_WRITER_INIT(b);

	json_write_object(&w);
	return w;
}

static void
end(struct json_writer *w)
{
	json_write_end(w);
	puts(w->out->bytes);
	fflush(stdout);
	buf_free(w->out);
	if (--d.left == 0)
		net_env_stop(d.env);
}

/* --- The command line ------------------------------------------------------
 */

static struct aws_pair tags[10];

static void
take_tag(char *text)
{
	char *eq = strchr(text, '=');

	if (eq == NULL || d.options.tag_count == 10)
		die("--tag K=V");
	*eq = '\0';
	tags[d.options.tag_count++] = (struct aws_pair){text, eq + 1};
	d.options.tags = tags;
}

static bool
take_word(const char *name, char *value)
{
	const struct {
		const char *name;
		const char **to;
	} rows[] = {
	    {"endpoint", &d.options.s3.endpoint},
	    {"region", &d.options.s3.region},
	    {"bucket", &d.options.s3.bucket},
	    {"kms-key", &d.options.s3.kms_key_id},
	    {"kms-context", &d.options.s3.kms_context_json},
	    {"ca", &d.options.ca_file},
	    {"access", &d.options.access_key},
	    {"secret", &d.options.secret_key},
	    {"token", &d.options.session_token},
	    {"prefix", &d.options.prefix},
	    {"class", &d.options.storage_class},
	    {"work", &d.options.work_dir},
	    {"kept", &d.kept},
	    {"days", &d.days},
	    {"recording", &d.result.recording_path},
	    {"transcript", &d.result.transcript_path},
	    {"id", &d.result.id},
	    {"campaign", &d.result.campaign},
	    {"source", &d.result.source},
	    {"call", &d.result.call_id},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0) {
			*rows[i].to = value;
			return true;
		}
	return false;
}

static bool
take_number(const char *name, const char *value)
{
	const struct {
		const char *name;
		int64_t *to;
	} rows[] = {
	    {"multipart", &d.options.multipart_bytes},
	    {"part", &d.options.part_bytes},
	    {"stall", &d.options.s3.stall_ms},
	    {"parts-at-once", &d.options.parts_at_once},
	    {"at-once", &d.options.at_once},
	    {"attempt", &d.result.attempt},
	    {"tries", &d.tries},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0) {
			if (text_i64(value, 0, INT64_MAX, rows[i].to, &d.err) !=
			    ERR_NONE)
				die(name);
			return true;
		}
	return false;
}

static void
take_format(const char *name)
{
	enum media_encode_format format;

	if (strcmp(name, "copy") == 0)
		d.options.encoder = (struct sink_s3_encoder){
		    "bin", "application/octet-stream", copy, NULL};
	else if (strcmp(name, "link") == 0)
		d.options.encoder = (struct sink_s3_encoder){
		    "bin", "application/octet-stream", hard_link, NULL};
	else if (!media_encode_parse(name, &format) ||
		 sink_s3_media_encoder(format, &d.options.encoder, &d.err) !=
		     ERR_NONE)
		die("--format");
}

static void
take(const char *name, char *value)
{
	static const char *const styles[] = {"auto", "virtual", "path"};
	static const char *const kinds[] = {"none", "s3", "kms"};

	if (take_word(name, value) || take_number(name, value))
		return;
	if (strcmp(name, "tag") == 0)
		take_tag(value);
	else if (strcmp(name, "format") == 0)
		take_format(value);
	else if (strcmp(name, "style") == 0) {
		for (int i = 0; i < 3; i++)
			if (strcmp(styles[i], value) == 0)
				d.options.s3.style = (enum aws_s3_style)i;
	} else if (strcmp(name, "sse") == 0) {
		for (int i = 0; i < 3; i++)
			if (strcmp(kinds[i], value) == 0)
				d.options.s3.sse = (enum aws_s3_sse)i;
	} else {
		die(name);
	}
}

/* What the program does; argv[at] is its command. */
static int run(int argc, char **argv, int at);

int
main(int argc, char **argv)
{
	int at = 1;
	int status;

	if (net_env_open(&d.env, &d.err) != ERR_NONE ||
	    net_pool_open(d.env, 2, &d.pool, &d.err) != ERR_NONE)
		die("start");
	d.result = (struct sink_result){.id = "job-1",
	    .source = "file",
	    .campaign = "",
	    .kind = "intro-call",
	    .reason = "",
	    .carrier = "sim",
	    .call_id = "call-1",
	    .to = "",
	    .answered_by = "",
	    .decline_reason = "",
	    .meeting_json = "",
	    .recording_path = "",
	    .transcript_path = "",
	    .attempt = 1};
	d.options.env = d.env;
	d.options.pool = d.pool;
	d.options.work_dir = ".";
	d.options.storage_class = "";
	take_format("copy");
	for (; at < argc && text_starts(argv[at], "--"); at++)
		if (strcmp(argv[at], "--damage") == 0)
			d.damage = true;
		else if (at + 1 < argc) {
			take(argv[at] + 2, argv[at + 1]);
			at++;
		}
	if (at >= argc)
		die("a command is missing");
	if (sink_s3_open(&d.options, &d.sink, &d.err) != ERR_NONE)
		die("options");
	status = run(argc, argv, at);
	net_pool_close(&d.pool);
	sink_s3_close(&d.sink);
	net_env_close(&d.env);
	return status;
}

#endif
