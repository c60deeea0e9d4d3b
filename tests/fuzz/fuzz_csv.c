#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"

#include "fuzz.h"
#include "json/json.h"
#include "mem_env.h"
#include "source/source_file.h"

/*
 * Files of jobs, CSV with a column map and JSONL, as a whole.  The first byte
 * says how it is read.  Every line is a job or a reject that says why; how the
 * bytes arrive makes no difference; rejects given back are refused again, and
 * then stay as they are.
 */

#define LINE_BYTES 300
#define JOBS_MAX 100000

static const char *const kinds[] = {"intro-call", "reminder", NULL};
static const struct source_rules rules = {SOURCE_FILE_NAME, kinds, "reminder"};

/* Bytes that come in pieces, as from a pipe. */
struct pipe {
	const char *bytes;
	size_t left;
	size_t piece;
};

static enum err_code
read_pipe(void *arg, void *bytes, size_t len, size_t *got, struct err *err)
{
	struct pipe *p = arg;

	(void)err;
	*got = p->left < len ? p->left : len;
	*got = *got < p->piece ? *got : p->piece;
	memcpy(bytes, p->bytes, *got);
	p->bytes += *got;
	p->left -= *got;
	return ERR_NONE;
}

/* What became of one reading. */
struct outcome {
	bool some_differ; /* say so of some jobs, so that they are refused */
	enum err_code code;
	struct source_tally tally;
	uint8_t jobs[SHA256_BYTES]; /* of all jobs in their order */
	bool too_long;              /* a line was refused for its length */
	struct buf rejects;
};

static void
take(struct source_file *f, struct source_job *j, struct outcome *o,
    struct sha256 *hash)
{
	bool differs = o->some_differ && j->line % 5 == 4;
	struct err err = {0};

	CHECK(*j->id != '\0' && strlen(j->id) <= SOURCE_ID_MAX);
	CHECK(j->line > 0 && strlen(j->contact) > 1 && strlen(j->data) > 1);
	sha256_add(hash, j->content, sizeof(j->content));
	sha256_add(hash, &j->line, sizeof(j->line));
	sha256_add(hash, j->id, strlen(j->id));
	CHECK(source_file_taken(f, &j, differs ? SOURCE_DIFFERS : SOURCE_ADDED,
		  &err) == ERR_NONE);
}

static void
check_reject(const char *line, size_t len, struct outcome *o)
{
	const struct json_limits limits = {1 << 20, 40, JOBS_MAX};
	struct json *j = NULL;
	struct err err = {0};
	const char *why = NULL;
	int64_t number = 0;

	CHECK(json_parse(line, len, &limits, &j, &err) == ERR_NONE);
	CHECK(json_str(j, "error", &why, &err) == ERR_NONE && *why != '\0');
	CHECK(json_i64(j, "line", 1, INT32_MAX, &number, &err) == ERR_NONE);
	o->too_long = o->too_long || strstr(why, "bytes a line") != NULL;
	json_free(&j);
}

static void
check_rejects(const char *path, struct env *env, struct outcome *o)
{
	const struct buf *b = path != NULL ? mem_env_get(env, path) : NULL;
	int64_t count = 0;

	CHECK((path == NULL) == (o->tally.refused == 0));
	CHECK((b == NULL) == (path == NULL));
	for (size_t at = 0; b != NULL && at < b->len; count++) {
		const char *line = b->bytes + at;
		const char *end = memchr(line, '\n', b->len - at);

		CHECK(end != NULL);
		check_reject(line, (size_t)(end - line), o);
		at += (size_t)(end - line) + 1;
	}
	CHECK(count == o->tally.refused);
	if (b != NULL)
		buf_put(&o->rejects, b->bytes, b->len);
}

static void
read_all(struct source_file *f, struct env *env, struct outcome *o)
{
	struct source_job *j = NULL;
	struct sha256 hash;
	struct err err = {0};
	const char *rejects = NULL;
	int64_t given = 0;

	sha256_init(&hash);
	do {
		o->code = source_file_next(f, &j, &err);
		if (j != NULL)
			take(f, j, o, &hash);
		given += j != NULL;
	} while (o->code == ERR_NONE && j != NULL);
	sha256_end(&hash, o->jobs);
	CHECK(source_file_finish(f, &rejects, &err) == ERR_NONE);
	source_file_tally(f, &o->tally);
	CHECK(o->tally.added <= given && given <= JOBS_MAX);
	CHECK((o->tally.refused > 0) == (o->tally.first_error[0] != '\0'));
	if (o->code == ERR_NONE)
		check_rejects(rejects, env, o);
	else
		fuzz_refused(o->code, &err);
}

static void
run(const struct source_map *maps, size_t map_count, enum source_format format,
    struct pipe pipe, struct outcome *o)
{
	struct env *env = mem_env_new();
	struct source_file_options options = {.env = env,
	    .read = read_pipe,
	    .read_arg = &pipe,
	    .name = "stdin",
	    .rejects_dir = "/rejects",
	    .format = format,
	    .maps = maps,
	    .map_count = map_count,
	    .line_bytes = LINE_BYTES,
	    .rules = rules};
	struct source_file *f = NULL;
	struct err err = {0};

	o->rejects = BUF_INIT(MEM_ENV_BYTES_MAX);
	o->code = source_file_open(&options, &f, &err);
	CHECK((o->code == ERR_NONE) == (f != NULL));
	if (f != NULL)
		read_all(f, env, o);
	else
		fuzz_refused(o->code, &err);
	source_file_free(&f);
	mem_env_free(&env);
}

static void
check_same(const struct outcome *a, const struct outcome *b)
{
	CHECK(a->code == b->code);
	CHECK(memcmp(a->jobs, b->jobs, sizeof(a->jobs)) == 0);
	CHECK(a->tally.added == b->tally.added);
	CHECK(a->rejects.len == b->rejects.len);
	CHECK(memcmp(buf_text(&a->rejects), buf_text(&b->rejects),
		  a->rejects.len) == 0);
}

/* Lines refused for their length may be good ones that were cut. */
static void
check_given_back(const struct outcome *first)
{
	struct outcome again = {0};
	struct outcome third = {0};

	if (first->too_long || first->rejects.len == 0)
		return;
	run(NULL, 0, SOURCE_FORMAT_JSONL,
	    (struct pipe){buf_text(&first->rejects), first->rejects.len, 4096},
	    &again);
	CHECK(again.code == ERR_NONE);
	run(NULL, 0, SOURCE_FORMAT_JSONL,
	    (struct pipe){buf_text(&again.rejects), again.rejects.len, 4096},
	    &third);
	CHECK(third.code == ERR_NONE);
	if (!again.too_long) {
		CHECK(again.tally.added + again.tally.refused ==
		      first->tally.refused);
		CHECK(third.tally.added == 0);
		CHECK(third.tally.refused == again.tally.refused);
	}
	buf_free(&again.rejects);
	buf_free(&third.rejects);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static char phone1[] = "Phone 1", phone[] = "phone";
	static char name[] = "Name", first[] = "contact.first_name";
	static char notes[] = "Notes", none[] = "";
	static const struct source_map maps[] = {
	    {phone1, phone}, {name, first}, {notes, none}};
	static const enum source_format formats[] = {SOURCE_FORMAT_CSV,
	    SOURCE_FORMAT_JSONL, SOURCE_FORMAT_AUTO, SOURCE_FORMAT_CSV};
	struct outcome whole = {.some_differ = true};
	struct outcome pieces = {.some_differ = true};

	if (len == 0)
		return 0;

	enum source_format format = formats[bytes[0] & 3];
	size_t map_count = bytes[0] >> 2 & 3;
	const char *text = (const char *)bytes + 1;

	run(maps, map_count, format, (struct pipe){text, len - 1, SIZE_MAX},
	    &whole);
	run(maps, map_count, format,
	    (struct pipe){text, len - 1, 1 + (bytes[0] >> 4)}, &pieces);
	check_same(&whole, &pieces);
	check_given_back(&whole);
	buf_free(&whole.rejects);
	buf_free(&pieces.rejects);
	return 0;
}
