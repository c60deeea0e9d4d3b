#include "sink/sink_s3.h"

#include "base/text.h"

#include "net/net_peer_test.h"
#include "net/net_pool.h"
#include "sink/sink_test.h"

#define PART (5 << 20)
#define ERROR_XML(code) "<Error><Code>" code "</Code></Error>"

struct store {
	struct world w;
	struct net_pool *pool;
	struct net_peer *peer;
	struct sink_s3 *s3;
	struct sink_s3_options options;
	struct sink_result r;
	char endpoint[64];
	char path[2][128]; /* recording, transcript */
	/* the last push */
	struct sink_push p;
	int dones;
	char kept[SINK_PUSH_KEPT_MAX + 1];
	enum err_code keeps; /* what the journal says to it */
	struct env_post post;
	int encoded;
};

static const char *
no_variable(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

/* The recording as it is, doubled: another length than the journal's file. */
static enum err_code
encode(void *arg, struct env *env, const char *from,
    const uint8_t sha256[SHA256_BYTES], const char *to, bool (*stop)(void *arg),
    void *stop_arg, uint8_t made[SHA256_BYTES], struct err *err)
{
	struct sha256 both;
	struct store *s = arg;
	char *text = NULL;
	size_t len = 0;
	uint8_t hash[SHA256_BYTES];
	struct env_file *f = NULL;
	enum err_code code =
	    env_read_whole(env, from, 64 << 20, &text, &len, err);

	s->encoded++;
	if (code != ERR_NONE)
		return code;
	sha256_once(text, len, hash);
	if (stop(stop_arg))
		code = err_set(err, ERR_CANCELLED, 0, "stopped");
	else if (memcmp(hash, sha256, sizeof(hash)) != 0)
		code = err_set(err, ERR_DAMAGED, 0, "other bytes");
	if (code == ERR_NONE)
		code = env_open(
		    env, to, ENV_READ | ENV_WRITE | ENV_CREATE, &f, err);
	if (code == ERR_NONE)
		code = env_pwrite(env, f, text, len, 0, err);
	if (code == ERR_NONE)
		code = env_pwrite(env, f, text, len, (int64_t)len, err);
	sha256_init(&both);
	sha256_add(&both, text, len);
	sha256_add(&both, text, len);
	sha256_end(&both, made);
	env_close(env, &f);
	mem_free(&text);
	return code;
}

static void
file_is(struct store *s, int which, const char *bytes, size_t len)
{
	static const char *const names[] = {"call.ul2", "t.json"};

	put_file(&s->w, names[which], bytes, len);
	(void)snprintf(s->path[which], sizeof(s->path[which]), "%s/%s",
	    s->w.dir, names[which]);
	if (which == 0) {
		s->r.recording_path = s->path[0];
		sha256_once(bytes, len, s->r.recording_sha256);
	} else {
		s->r.transcript_path = s->path[1];
		sha256_once(bytes, len, s->r.transcript_sha256);
	}
}

static void
open_sink(struct store *s)
{
	sink_s3_close(&s->s3);
	if (sink_s3_open(&s->options, &s->s3, &s->w.err) != ERR_NONE)
		fail_msg("%s", s->w.err.text);
}

static int
set_up(void **state)
{
	struct store *s = mem_zalloc(1, sizeof(*s));
	void *world = NULL;

	assert_int_equal(world_setup(&world), 0);
	s->w = *(struct world *)world;
	mem_free(&world);
	assert_int_equal(
	    net_pool_open(s->w.env, 2, &s->pool, &s->w.err), ERR_NONE);
	s->peer = net_peer_open(&(struct net_peer_options){0});
	net_peer_url(s->peer, "", s->endpoint, sizeof(s->endpoint));
	s->r = (struct sink_result){.id = "job 1",
	    .source = "file",
	    .campaign = "camp",
	    .carrier = "sim",
	    .call_id = "c-1",
	    .recording_path = "",
	    .transcript_path = "",
	    .attempt = 2};
	s->options = (struct sink_s3_options){.env = s->w.env,
	    .pool = s->pool,
	    .work_dir = s->w.dir,
	    .s3 = {.endpoint = s->endpoint, .bucket = "bkt"},
	    .access_key = "AK",
	    .secret_key = "SK",
	    .lookup = no_variable,
	    .prefix = "rec/",
	    .encoder = {"dbl", "audio/x-double", encode, s}};
	open_sink(s);
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct store *s = *state;
	struct world *w = mem_zalloc(1, sizeof(*w));
	void *world = w;

	net_pool_close(&s->pool);
	sink_s3_close(&s->s3);
	net_peer_close(&s->peer);
	*w = s->w;
	assert_int_equal(world_teardown(&world), 0);
	mem_free(state);
	return 0;
}

static void
answer(struct store *s, struct net_peer_reply reply)
{
	net_peer_script(s->peer, &reply);
}

#define ANSWER(s, ...) answer(s, (struct net_peer_reply){__VA_ARGS__})

static void
on_done(struct sink_push *p)
{
	struct store *s = CONTAINER_OF(p, struct store, p);

	s->dones++;
}

static void
on_post(struct env_post *post)
{
	struct store *s = CONTAINER_OF(post, struct store, post);

	s->p.kept_done(&s->p, s->keeps);
}

static void
keep(struct sink_push *p, const char *text)
{
	struct store *s = CONTAINER_OF(p, struct store, p);

	(void)snprintf(s->kept, sizeof(s->kept), "%s", text);
	s->post.fn = on_post;
	env_post(s->w.env, &s->post);
}

static void
start(struct store *s, int64_t tries)
{
	const struct sink_pusher *pusher = sink_s3_pusher(s->s3);

	memset(&s->p, 0, sizeof(s->p));
	s->dones = 0;
	s->p.result = &s->r;
	s->p.tries = tries;
	s->p.kept = mem_strdup(s->kept);
	s->p.keep = keep;
	s->p.done = on_done;
	pusher->ops->start(pusher->impl, &s->p);
	assert_int_equal(s->dones, 0);
}

static void
push(struct store *s, int64_t tries, enum err_code code)
{
	char *kept;

	start(s, tries);
	net_env_run(s->w.env);
	assert_int_equal(s->dones, 1);
	if (s->p.code != code)
		fail_msg("%s: %s", err_name(s->p.code), s->p.err.text);
	kept = (char *)(uintptr_t)s->p.kept;
	mem_free(&kept);
}

static void
expect_target(struct store *s, size_t i, const char *method, const char *target)
{
	const struct net_peer_got *got;

	assert_true(net_peer_count(s->peer) > i);
	got = net_peer_request(s->peer, i);
	assert_string_equal(got->method, method);
	assert_string_equal(got->target, target);
}

static void
expect_header(struct store *s, size_t i, const char *name, const char *want)
{
	char value[512];

	if (!net_peer_header(
		net_peer_request(s->peer, i), name, value, sizeof(value)))
		fail_msg("no header %s", name);
	assert_string_equal(value, want);
}

static void
count_one(void *arg, const char *name)
{
	int *n = arg;

	*n += text_starts(name, "s3.") &&
	      strcmp(name + strlen(name) - 5, ".lock") != 0;
}

static int
working_files(struct store *s)
{
	int n = 0;

	assert_int_equal(
	    env_list_dir(s->w.env, s->w.dir, count_one, &n, &s->w.err),
	    ERR_NONE);
	return n;
}

static void
expect_key(const struct sink_result *r, const char *want)
{
	struct buf b = BUF_INIT(2048);

	sink_s3_key("p/", r, "wav", &b);
	assert_string_equal(b.bytes, want);
	buf_free(&b);
}

static void
keys_are_computed_from_the_result_alone(void **state)
{
	struct store *s = *state;
	struct sink_result r = s->r;
	struct buf a = BUF_INIT(1000), b = BUF_INIT(1000);

	expect_key(&r, "p/camp/job%201/2.wav");
	r.campaign = "";
	r.id = "../x";
	r.attempt = 11;
	sink_s3_key("p/", &r, "wav", &a);
	assert_true(text_starts(a.bytes, "p/-/"));
	assert_null(strstr(a.bytes, ".."));
	/* A queue counts anew when it was emptied: the call itself tells. */
	r.id = "17";
	r.source = "bull";
	buf_clear(&a);
	sink_s3_key("p/", &r, "wav", &a);
	assert_true(text_starts(a.bytes, "p/-/17."));
	assert_int_equal(strlen(a.bytes), strlen("p/-/17.01234567/11.wav"));
	sink_s3_key("p/", &r, "wav", &b);
	assert_string_equal(a.bytes, b.bytes);
	r.call_id = "c-2";
	buf_clear(&b);
	sink_s3_key("p/", &r, "wav", &b);
	assert_string_not_equal(a.bytes, b.bytes);
	buf_free(&a);
	buf_free(&b);
}

static void
the_transcript_goes_first_then_the_recording(void **state)
{
	struct store *s = *state;
	struct buf url = BUF_INIT(1000);
	char want[200];

	file_is(s, 0, "sound", 5);
	file_is(s, 1, "{}", 2);
	push(s, 0, ERR_NONE);
	assert_int_equal(net_peer_count(s->peer), 2);
	expect_target(s, 0, "PUT", "/bkt/rec/camp/job%25201/2.json");
	expect_target(s, 1, "PUT", "/bkt/rec/camp/job%25201/2.dbl");
	assert_string_equal(net_peer_request(s->peer, 0)->body, "{}");
	assert_string_equal(net_peer_request(s->peer, 1)->body, "soundsound");
	expect_header(s, 0, "Content-Type", "application/json");
	expect_header(s, 1, "Content-Type", "audio/x-double");
	expect_header(s, 1, "x-amz-meta-attempt", "2");
	expect_header(s, 1, "x-amz-meta-job", "job%201");
	/* SHA-256 of "sound" */
	expect_header(s, 1, "x-amz-meta-source-sha256",
	    "dd29442deca69f52c50006b831cb216edf78a7da33748f0a80ff19f2ebe57ecd");
	sink_s3_recording_url(s->s3, &s->r, &url);
	(void)snprintf(want, sizeof(want), "%s/bkt/rec/camp/job%%25201/2.dbl",
	    s->endpoint);
	assert_string_equal(url.bytes, want);
	buf_free(&url);
	assert_int_equal(working_files(s), 0);
}

static void
while_the_store_is_away_nothing_is_encoded(void **state)
{
	struct store *s = *state;

	file_is(s, 0, "sound", 5);
	file_is(s, 1, "{}", 2);
	ANSWER(s, .status = 503, .headers = "Retry-After: 3\r\n");
	push(s, 0, ERR_THROTTLED);
	assert_true(s->p.blame);
	assert_int_equal(s->p.retry_after_ms, 3000);
	assert_int_equal(s->encoded, 0);
	assert_int_equal(net_peer_count(s->peer), 1);
}

static void
a_result_without_files_asks_nobody(void **state)
{
	struct store *s = *state;

	push(s, 0, ERR_NONE);
	assert_int_equal(net_peer_count(s->peer), 0);
}

static void
a_file_that_changed_or_is_gone_is_a_persons_matter(void **state)
{
	struct store *s = *state;

	file_is(s, 0, "sound", 5);
	s->r.recording_sha256[3] ^= 1;
	push(s, 0, ERR_PERSON);
	assert_true(text_starts(s->p.err.text, "quarantined: "));
	assert_false(s->p.blame);
	expect_file(&s->w, "call.ul2", "sound");
	s->r.recording_path = "";
	file_is(s, 1, "{}", 2);
	s->r.transcript_sha256[3] ^= 1;
	push(s, 0, ERR_PERSON);
	assert_true(text_starts(s->p.err.text, "quarantined: "));
	assert_int_equal(unlink(s->path[1]), 0);
	push(s, 0, ERR_NOT_FOUND);
	assert_int_equal(net_peer_count(s->peer), 0);
}

static void
a_transcript_in_trouble_does_not_keep_the_recording(void **state)
{
	struct store *s = *state;

	file_is(s, 0, "sound", 5);
	file_is(s, 1, "{}", 2);
	s->r.transcript_sha256[3] ^= 1;
	push(s, 0, ERR_PERSON);
	assert_true(text_starts(s->p.err.text, "quarantined: "));
	assert_non_null(strstr(s->p.err.text, "transcript"));
	assert_int_equal(net_peer_count(s->peer), 1);
	expect_target(s, 0, "PUT", "/bkt/rec/camp/job%25201/2.dbl");
	/* What time may mend goes before what it does not. */
	ANSWER(s, .status = 503);
	push(s, 0, ERR_THROTTLED);
	assert_true(s->p.blame);
	/* Both in trouble: neither was sent, and both are told. */
	s->r.recording_sha256[3] ^= 1;
	push(s, 0, ERR_PERSON);
	assert_int_equal(net_peer_count(s->peer), 2);
}

/* Not of the set-up, and mended by whoever mends the disk or the mode. */
static void
a_file_that_cannot_be_read_is_for_later_and_of_that_row(void **state)
{
	struct store *s = *state;

	file_is(s, 0, "sound", 5);
	s->r.recording_path = s->w.dir;
	push(s, 0, ERR_BUSY);
	assert_false(s->p.blame);
	s->r.recording_path = "";
	s->r.transcript_path = s->w.dir;
	push(s, 0, ERR_BUSY);
	assert_false(s->p.blame);
	assert_int_equal(net_peer_count(s->peer), 0);
}

static void
bytes_that_arrived_changed_are_sent_again(void **state)
{
	struct store *s = *state;

	file_is(s, 0, "sound", 5);
	ANSWER(s, .status = 400, .body = ERROR_XML("BadDigest"));
	push(s, 0, ERR_UNREACHABLE);
	assert_false(s->p.blame);
	ANSWER(s, .status = 400, .body = ERROR_XML("EntityTooLarge"));
	push(s, 0, ERR_REJECTED);
}

static void
after_a_try_that_failed_it_is_asked_what_is_there(void **state)
{
	struct store *s = *state;

	file_is(s, 0, "sound", 5);
	ANSWER(s, .status = 404);
	push(s, 1, ERR_NONE);
	expect_target(s, 0, "HEAD", "/bkt/rec/camp/job%25201/2.dbl");
	expect_target(s, 1, "PUT", "/bkt/rec/camp/job%25201/2.dbl");
	ANSWER(s, .headers = "Content-Length: 10\r\nx-amz-meta-sha256: 00\r\n",
	    .no_length = true);
	push(s, 1, ERR_EXISTS);
	assert_int_equal(net_peer_count(s->peer), 3);
}

/* Without s3:ListBucket Amazon does not say that a key is free: 403. */
static void
who_may_not_see_what_is_not_there_sends_it(void **state)
{
	struct store *s = *state;

	file_is(s, 0, "sound", 5);
	ANSWER(s, .status = 403);
	push(s, 1, ERR_NONE);
	expect_target(s, 1, "PUT", "/bkt/rec/camp/job%25201/2.dbl");
	/* Whom nothing is allowed hears it from the PUT, with the reason. */
	ANSWER(s, .status = 403);
	ANSWER(s, .status = 403, .body = ERROR_XML("InvalidAccessKeyId"));
	push(s, 1, ERR_CONFIG);
	assert_non_null(strstr(s->p.err.text, "InvalidAccessKeyId"));
	assert_int_equal(net_peer_count(s->peer), 4);
}

static void
a_push_that_was_cancelled_never_calls_back(void **state)
{
	struct store *s = *state;
	const struct sink_pusher *pusher = sink_s3_pusher(s->s3);
	char *kept;

	file_is(s, 0, "sound", 5);
	/* At once, while the pool works, and while the store is asked. */
	for (int i = 0; i < 3; i++) {
		start(s, 0);
		for (int turns = 0; turns < i * 3; turns++)
			net_env_drain(s->w.env);
		pusher->ops->cancel(pusher->impl, &s->p);
		pusher->ops->cancel(pusher->impl, &s->p);
		net_env_run(s->w.env);
		assert_int_equal(s->dones, 0);
		kept = (char *)(uintptr_t)s->p.kept;
		mem_free(&kept);
	}
	assert_int_equal(working_files(s), 0);
}

/* --- In parts --- */

#define CREATED(id)                                                  \
	"<InitiateMultipartUploadResult><UploadId>" id "</UploadId>" \
	"</InitiateMultipartUploadResult>"
#define COMPLETED "<CompleteMultipartUploadResult/>"

/* Encoded: two parts and a bit. */
static void
large(struct store *s)
{
	size_t len = PART + 50;
	char *bytes = mem_zalloc(1, len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + i / 256);
	file_is(s, 0, bytes, len);
	mem_free(&bytes);
	s->options.multipart_bytes = PART;
	s->options.part_bytes = PART;
	s->options.parts_at_once = 1;
	open_sink(s);
}

#define ETAG .headers = "ETag: \"e\"\r\n"

static void
an_upload_is_kept_before_its_first_part_goes(void **state)
{
	struct store *s = *state;

	large(s);
	ANSWER(s, .status = 404);
	ANSWER(s, .body = CREATED("up-1"));
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	ANSWER(s, .body = COMPLETED);
	push(s, 0, ERR_NONE);
	assert_int_equal(net_peer_count(s->peer), 6);
	assert_non_null(strstr(s->kept, "\"upload\":\"up-1\""));
	assert_non_null(strstr(s->kept, "\"bucket\":\"bkt\""));
	expect_target(s, 2, "PUT",
	    "/bkt/rec/camp/job%25201/2.dbl?partNumber=1&uploadId=up-1");
	assert_int_equal(net_peer_request(s->peer, 4)->body_len, 100);
	expect_target(
	    s, 5, "POST", "/bkt/rec/camp/job%25201/2.dbl?uploadId=up-1");
	assert_int_equal(working_files(s), 0);
}

static void
an_upload_that_cannot_be_kept_is_not_begun(void **state)
{
	struct store *s = *state;

	large(s);
	s->keeps = ERR_SPACE;
	ANSWER(s, .status = 404);
	ANSWER(s, .body = CREATED("up-1"));
	ANSWER(s, .status = 204);
	push(s, 0, ERR_SPACE);
	assert_false(s->p.blame);
	assert_int_equal(net_peer_count(s->peer), 3);
	expect_target(
	    s, 2, "DELETE", "/bkt/rec/camp/job%25201/2.dbl?uploadId=up-1");
}

static void
an_upload_goes_on_with_what_is_missing(void **state)
{
	struct store *s = *state;

	large(s);
	ANSWER(s, .status = 404);
	ANSWER(s, .body = CREATED("up-1"));
	ANSWER(s, ETAG);
	ANSWER(s, .status = 500);
	push(s, 0, ERR_UNREACHABLE);
	assert_true(s->p.blame);
	ANSWER(s, .status = 404);
	/* A part without a checksum, or of another, is sent again. */
	ANSWER(s, .body = "<ListPartsResult><Part><PartNumber>1</PartNumber>"
			  "<ETag>e</ETag><Size>5242880</Size></Part>"
			  "</ListPartsResult>");
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	ANSWER(s, .body = COMPLETED);
	push(s, 1, ERR_NONE);
	expect_target(s, 5, "GET",
	    "/bkt/rec/camp/job%25201/2.dbl?max-parts=1000&uploadId=up-1");
	assert_int_equal(net_peer_count(s->peer), 10);
}

static void
an_upload_that_is_gone_or_of_another_make_is_begun_anew(void **state)
{
	struct store *s = *state;

	large(s);
	ANSWER(s, .status = 404);
	ANSWER(s, .body = CREATED("up-1"));
	ANSWER(s, .status = 500);
	push(s, 0, ERR_UNREACHABLE);
	ANSWER(s, .status = 404);
	ANSWER(s, .status = 404, .body = ERROR_XML("NoSuchUpload"));
	ANSWER(s, .body = CREATED("up-2"));
	ANSWER(s, .status = 500);
	push(s, 1, ERR_UNREACHABLE);
	assert_non_null(strstr(s->kept, "up-2"));
	/* Parts of another size: the old upload goes. */
	s->options.part_bytes = 2 * PART;
	open_sink(s);
	ANSWER(s, .status = 404);
	ANSWER(s, .status = 204);
	ANSWER(s, .body = CREATED("up-3"));
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	/* Another wrote the key meanwhile: away with it, and again later. */
	ANSWER(
	    s, .status = 409, .body = ERROR_XML("ConditionalRequestConflict"));
	ANSWER(s, .status = 204);
	push(s, 2, ERR_BUSY);
	assert_false(s->p.blame);
	expect_target(
	    s, 8, "DELETE", "/bkt/rec/camp/job%25201/2.dbl?uploadId=up-2");
	expect_target(
	    s, 13, "DELETE", "/bkt/rec/camp/job%25201/2.dbl?uploadId=up-3");
}

static void
what_was_kept_is_aborted_when_the_object_is_there(void **state)
{
	struct store *s = *state;

	large(s);
	ANSWER(s, .status = 404);
	ANSWER(s, .body = CREATED("up-1"));
	ANSWER(s, .status = 500);
	push(s, 0, ERR_UNREACHABLE);
	ANSWER(s, .headers = "Content-Length: 7\r\n", .no_length = true);
	ANSWER(s, .status = 204);
	push(s, 1, ERR_EXISTS);
	expect_target(
	    s, 4, "DELETE", "/bkt/rec/camp/job%25201/2.dbl?uploadId=up-1");
	/* What is kept and cannot be read is nothing. */
	(void)snprintf(s->kept, sizeof(s->kept), "{\"upload\":1");
	ANSWER(s, .headers = "Content-Length: 7\r\n", .no_length = true);
	push(s, 1, ERR_EXISTS);
	assert_int_equal(net_peer_count(s->peer), 6);
}

static void
a_large_recording_goes_where_free_keys_are_not_shown(void **state)
{
	struct store *s = *state;

	large(s);
	ANSWER(s, .status = 403);
	ANSWER(s, .body = CREATED("up-1"));
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	/* Ended by another; nor is it seen that nothing came of it. */
	ANSWER(s, .status = 404, .body = ERROR_XML("NoSuchUpload"));
	ANSWER(s, .status = 403);
	push(s, 0, ERR_BUSY);
	ANSWER(s, .status = 403);
	ANSWER(s, .status = 404, .body = ERROR_XML("NoSuchUpload"));
	ANSWER(s, .body = CREATED("up-2"));
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	ANSWER(s, .body = COMPLETED);
	push(s, 1, ERR_NONE);
	assert_int_equal(net_peer_count(s->peer), 14);
}

static void
an_upload_that_ends_under_its_parts_is_begun_anew(void **state)
{
	struct store *s = *state;

	large(s);
	ANSWER(s, .status = 404);
	ANSWER(s, .body = CREATED("up-1"));
	ANSWER(s, ETAG);
	ANSWER(s, .status = 404, .body = ERROR_XML("NoSuchUpload"));
	push(s, 0, ERR_BUSY);
	assert_false(s->p.blame);
	ANSWER(s, .status = 404);
	ANSWER(s, .status = 404, .body = ERROR_XML("NoSuchUpload"));
	ANSWER(s, .body = CREATED("up-2"));
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	ANSWER(s, ETAG);
	/* And so it may be told beside a 200. */
	ANSWER(s, .body = ERROR_XML("NoSuchUpload"));
	ANSWER(s, .status = 404);
	push(s, 1, ERR_BUSY);
	assert_int_equal(net_peer_count(s->peer), 12);
}

static void
working_files_of_the_dead_are_swept_and_no_others(void **state)
{
	struct store *s = *state;

	put_file(&s->w, "s3.0123456789abcdef.lock", "", 0);
	put_file(&s->w, "s3.0123456789abcdef.1.dbl", "x", 1);
	put_file(&s->w, "s3.0123456789abcdef.2.dbl.77.tmp", "x", 1);
	put_file(&s->w, "s3.fedcba9876543210.1.dbl", "y", 1);
	put_file(&s->w, "s3.lock", "z", 1);
	sink_s3_close(&s->s3);
	open_sink(s);
	expect_file(&s->w, "s3.0123456789abcdef.lock", NULL);
	expect_file(&s->w, "s3.0123456789abcdef.1.dbl", NULL);
	expect_file(&s->w, "s3.0123456789abcdef.2.dbl.77.tmp", NULL);
	expect_file(&s->w, "s3.fedcba9876543210.1.dbl", "y");
	expect_file(&s->w, "s3.lock", "z");
}

/* So that other results are written with their links meanwhile. */
static void
where_an_object_will_be_is_known_before_there_are_keys(void **state)
{
	struct store *s = *state;
	struct buf url = BUF_INIT(1000);
	struct err why;

	file_is(s, 0, "sound", 5);
	for (int i = 0; i < 3; i++) {
		s->options.ca_file = i == 0 ? "/no/such/file" : "";
		s->options.secret_key = i == 1 ? "" : "SK";
		(void)err_set(&why, ERR_CONFIG, 0, "no such library");
		s->options.refused = i == 2 ? &why : NULL;
		open_sink(s);
		push(s, 0, ERR_CONFIG);
		assert_int_equal(s->encoded, 0);
		buf_clear(&url);
		sink_s3_recording_url(s->s3, &s->r, &url);
		assert_non_null(strstr(buf_text(&url), "/2.dbl"));
	}
	assert_string_equal(s->p.err.text, "no such library");
	assert_int_equal(net_peer_count(s->peer), 0);
	buf_free(&url);
}

static void
settings_that_cannot_be_are_refused(void **state)
{
	struct store *s = *state;
	const struct sink_s3_options good = s->options;
	struct sink_s3 *s3 = NULL;

	for (int i = 0; i < 6; i++) {
		s->options = good;
		if (i == 0)
			s->options.prefix = "/x";
		if (i == 1)
			s->options.prefix = "\xff";
		if (i == 2)
			s->options.part_bytes = PART - 1;
		if (i == 3)
			s->options.multipart_bytes = 1000;
		if (i == 4)
			s->options.parts_at_once = 9;
		if (i == 5)
			s->options.s3.bucket = "";
		assert_int_equal(
		    sink_s3_open(&s->options, &s3, &s->w.err), ERR_CONFIG);
		assert_null(s3);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(keys_are_computed_from_the_result_alone),
	    TEST(the_transcript_goes_first_then_the_recording),
	    TEST(while_the_store_is_away_nothing_is_encoded),
	    TEST(a_result_without_files_asks_nobody),
	    TEST(a_file_that_changed_or_is_gone_is_a_persons_matter),
	    TEST(a_transcript_in_trouble_does_not_keep_the_recording),
	    TEST(a_file_that_cannot_be_read_is_for_later_and_of_that_row),
	    TEST(bytes_that_arrived_changed_are_sent_again),
	    TEST(after_a_try_that_failed_it_is_asked_what_is_there),
	    TEST(who_may_not_see_what_is_not_there_sends_it),
	    TEST(a_push_that_was_cancelled_never_calls_back),
	    TEST(an_upload_is_kept_before_its_first_part_goes),
	    TEST(an_upload_that_cannot_be_kept_is_not_begun),
	    TEST(an_upload_goes_on_with_what_is_missing),
	    TEST(an_upload_that_is_gone_or_of_another_make_is_begun_anew),
	    TEST(what_was_kept_is_aborted_when_the_object_is_there),
	    TEST(a_large_recording_goes_where_free_keys_are_not_shown),
	    TEST(an_upload_that_ends_under_its_parts_is_begun_anew),
	    TEST(working_files_of_the_dead_are_swept_and_no_others),
	    TEST(where_an_object_will_be_is_known_before_there_are_keys),
	    TEST(settings_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
