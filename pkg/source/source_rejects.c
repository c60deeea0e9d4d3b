#include "source/source_rejects.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/crash.h"
#include "base/mem.h"

#include "json/json.h"
#include "json/json_write.h"

#define BUFFER_BYTES 65536

struct source_rejects {
	struct env *env;
	char *dir;
	char *path;
	char *tmp;
	struct env_file *file;
	int64_t count;
	int64_t written;  /* bytes in file */
	struct buf lines; /* not yet written */
	bool named;       /* renamed to path */
};

struct source_rejects *
source_rejects_new(struct env *env, const char *dir, const char *name)
{
	struct source_rejects *r = mem_zalloc(1, sizeof(*r));

	r->env = env;
	r->dir = mem_strdup(dir);
	r->path = mem_printf("%s/%s.rejects.jsonl", dir, name);
	r->tmp = mem_printf("%s.%lld.tmp", r->path, (long long)env->pid);
	r->lines = BUF_INIT(SIZE_MAX / 2);
	return r;
}

int64_t
source_rejects_count(const struct source_rejects *r)
{
	return r->count;
}

const char *
source_rejects_path(const struct source_rejects *r)
{
	return r->path;
}

static enum err_code
flush(struct source_rejects *r, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (r->file == NULL) {
		code = env_make_dirs(r->env, r->dir, err);
		if (code == ERR_NONE)
			code = env_open(r->env, r->tmp,
			    ENV_WRITE | ENV_CREATE | ENV_TRUNCATE, &r->file,
			    err);
		r->written = 0;
	}
	if (code == ERR_NONE && r->lines.len > 0)
		code = env_pwrite(r->env, r->file, r->lines.bytes, r->lines.len,
		    r->written, err);
	CRASH_POINT("source.rejects.written");
	if (code == ERR_NONE) {
		r->written += (int64_t)r->lines.len;
		buf_clear(&r->lines);
	}
	return code;
}

/* The line's own members, without what an earlier reject added. */
static void
write_members(struct json_writer *w, const struct json *line)
{
	for (size_t i = 0; i < json_count(line); i++) {
		const struct json *member = json_at(line, i);

		if (strcmp(json_key(member), "error") == 0 ||
		    strcmp(json_key(member), "line") == 0)
			continue;
		json_write_key(w, json_key(member));
		json_write_value(w, member);
	}
}

enum err_code
source_rejects_add(struct source_rejects *r, const char *raw, size_t len,
    int64_t line, const char *error, struct err *err)
{
	struct json_limits limits = {len + 1, 32, 100000};
	struct json_writer w = JSON_WRITER_INIT(&r->lines);
	struct json *doc = NULL;
	struct err ignored;

	if (r->lines.len >= BUFFER_BYTES && flush(r, err) != ERR_NONE)
		return err->code;
	(void)json_parse(raw, len, &limits, &doc, &ignored);
	json_write_object(&w);
	if (doc != NULL && json_kind(doc) == JSON_OBJECT) {
		write_members(&w, doc);
	} else {
		json_write_key(&w, "raw");
		json_write_strn(&w, raw, len);
	}
	json_field_str(&w, "error", error);
	json_field_i64(&w, "line", line);
	json_write_end(&w);
	buf_putc(&r->lines, '\n');
	json_free(&doc);
	r->count++;
	return ERR_NONE;
}

static enum err_code
name_it(struct source_rejects *r, struct err *err)
{
	enum err_code code = flush(r, err);

	if (code == ERR_NONE)
		code = env_sync(r->env, r->file, err);
	CRASH_POINT("source.rejects.synced");
	if (code == ERR_NONE)
		code = env_rename(r->env, r->tmp, r->path, err);
	CRASH_POINT("source.rejects.renamed");
	if (code == ERR_NONE)
		env_close(r->env, &r->file);
	r->named = code == ERR_NONE;
	return code;
}

enum err_code
source_rejects_finish(struct source_rejects *r, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (r->count == 0)
		return ERR_NONE;
	if (!r->named)
		code = name_it(r, err);
	if (code == ERR_NONE)
		code = env_sync_dir(r->env, r->dir, err);
	CRASH_POINT("source.rejects.done");
	return code;
}

void
source_rejects_free(struct source_rejects **r)
{
	struct err ignored;

	if (*r == NULL)
		return;
	if ((*r)->file != NULL) {
		env_close((*r)->env, &(*r)->file);
		(void)env_remove((*r)->env, (*r)->tmp, &ignored);
	}
	buf_free(&(*r)->lines);
	mem_free(&(*r)->dir);
	mem_free(&(*r)->path);
	mem_free(&(*r)->tmp);
	mem_free(r);
}
