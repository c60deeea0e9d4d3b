#include "source/source_spool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

/* More wait for the next pass: names are held in memory. */
#define NAMES_MAX 10000
#define COPIES_MAX 100000

struct entry {
	char *name;
	int64_t mtime_ms;
	bool taken; /* it is in work/ already */
};

struct source_spool {
	struct env *env;
	char *dir;
	int64_t settle_ms;
	struct env_file *lock;
	struct entry *entries; /* of this pass, in the order to take them */
	size_t count;
	size_t next;
	bool listed;
	char *name; /* the file in hand; NULL = none */
	char *path; /* of it, in work/ */
};

/* A pass over a spool that is there writes nothing. */
static enum err_code
make_place(struct source_spool *s, const char *sub, bool *made, struct err *err)
{
	char *path = mem_printf("%s/%s", s->dir, sub);
	struct env_stat st;
	enum err_code code = env_stat(s->env, path, &st, err);

	if (code == ERR_NOT_FOUND) {
		*made = true;
		code = env_make_dirs(s->env, path, err);
	}
	mem_free(&path);
	return code;
}

static enum err_code
make_places(struct source_spool *s, struct err *err)
{
	bool made = false;
	enum err_code code = make_place(s, "work", &made, err);

	if (code == ERR_NONE)
		code = make_place(s, "done", &made, err);
	if (code == ERR_NONE)
		code = make_place(s, "failed", &made, err);
	if (code == ERR_NONE && made)
		code = env_sync_dir(s->env, s->dir, err);
	return code;
}

enum err_code
source_spool_open(struct env *env, const char *dir, int64_t settle_ms,
    struct source_spool **out, struct err *err)
{
	struct source_spool *s = mem_zalloc(1, sizeof(*s));
	char *lock = mem_printf("%s/.lock", dir);
	enum err_code code;

	s->env = env;
	s->dir = mem_strdup(dir);
	s->settle_ms = settle_ms;
	code = make_places(s, err);
	if (code == ERR_NONE)
		code = env_open(env, lock, ENV_READ | ENV_WRITE | ENV_CREATE,
		    &s->lock, err);
	if (code == ERR_NONE)
		code = env_lock(env, s->lock, 0, true, err);
	mem_free(&lock);
	if (code != ERR_NONE)
		source_spool_close(&s);
	*out = s;
	return code;
}

static void
forget(struct source_spool *s)
{
	for (size_t i = 0; i < s->count; i++)
		mem_free(&s->entries[i].name);
	mem_free(&s->entries);
	s->count = 0;
	s->next = 0;
	s->listed = false;
}

void
source_spool_leave(struct source_spool *s)
{
	mem_free(&s->name);
	mem_free(&s->path);
}

void
source_spool_close(struct source_spool **s)
{
	if (*s == NULL)
		return;
	forget(*s);
	source_spool_leave(*s);
	env_close((*s)->env, &(*s)->lock);
	mem_free(&(*s)->dir);
	mem_free(s);
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name);
	size_t m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

static void
note_name(void *arg, const char *name)
{
	struct source_spool *s = arg;

	if (name[0] == '.' || ends_with(name, ".tmp") ||
	    ends_with(name, ".part") || ends_with(name, "~") ||
	    s->count == NAMES_MAX)
		return;
	s->entries = mem_realloc(s->entries, s->count + 1, sizeof(*s->entries));
	s->entries[s->count++] = (struct entry){mem_strdup(name), 0, false};
}

static int
by_age(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;

	if (x->taken != y->taken)
		return x->taken ? -1 : 1;
	if (x->mtime_ms != y->mtime_ms)
		return x->mtime_ms < y->mtime_ms ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Look at the names from number first on; drop what does not count. */
static enum err_code
look(struct source_spool *s, const char *dir, size_t first, bool taken,
    struct err *err)
{
	/* File times are the kernel's, whatever clock the network has. */
	int64_t wall_ms = s->env->ops->wall_us(s->env) / 1000;
	size_t kept = first;
	enum err_code code = ERR_NONE;

	for (size_t i = first; i < s->count; i++) {
		struct entry e = s->entries[i];
		struct env_stat st = {0};
		char *path = mem_printf("%s/%s", dir, e.name);
		enum err_code got = env_stat(s->env, path, &st, err);

		mem_free(&path);
		if (got != ERR_NONE && got != ERR_NOT_FOUND)
			code = got;
		if (got != ERR_NONE || st.is_dir ||
		    (!taken && s->settle_ms > 0 &&
			wall_ms - st.mtime_ms < s->settle_ms)) {
			mem_free(&e.name);
			continue;
		}
		e.mtime_ms = st.mtime_ms;
		e.taken = taken;
		s->entries[kept++] = e;
	}
	s->count = kept;
	return code;
}

static enum err_code
list(struct source_spool *s, struct err *err)
{
	char *work = mem_printf("%s/work", s->dir);
	size_t left = 0;
	enum err_code code;

	forget(s);
	code = env_list_dir(s->env, work, note_name, s, err);
	if (code == ERR_NONE)
		code = look(s, work, 0, true, err);
	left = s->count;
	if (code == ERR_NONE)
		code = env_list_dir(s->env, s->dir, note_name, s, err);
	if (code == ERR_NONE)
		code = look(s, s->dir, left, false, err);
	if (s->count > 1)
		qsort(s->entries, s->count, sizeof(*s->entries), by_age);
	s->listed = code == ERR_NONE;
	mem_free(&work);
	return code;
}

/* DIR/SUB/NAME, or NAME with a number before its ending: what is not there. */
static enum err_code
free_place(struct source_spool *s, const char *sub, const char *name,
    char **out, struct err *err)
{
	const char *dot = strrchr(name, '.');
	size_t stem =
	    dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);

	for (int n = 1; n <= COPIES_MAX; n++) {
		struct env_stat st;
		enum err_code code;

		*out = n == 1 ? mem_printf("%s/%s/%s", s->dir, sub, name)
			      : mem_printf("%s/%s/%.*s.%d%s", s->dir, sub,
				    (int)stem, name, n, name + stem);
		code = env_stat(s->env, *out, &st, err);
		if (code == ERR_NOT_FOUND)
			return ERR_NONE;
		mem_free(out);
		if (code != ERR_NONE)
			return code;
	}
	return err_set(err, ERR_PERSON, 0,
	    "%s/%s: %d files named \"%s\"; move some away", s->dir, sub,
	    COPIES_MAX, name);
}

static enum err_code
sync_both(struct source_spool *s, const char *sub, struct err *err)
{
	char *path = mem_printf("%s/%s", s->dir, sub);
	enum err_code code = env_sync_dir(s->env, path, err);

	mem_free(&path);
	return code;
}

/* Into work/; ERR_NOT_FOUND: somebody took it back. */
static enum err_code
take(struct source_spool *s, const struct entry *e, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (e->taken) {
		s->path = mem_printf("%s/work/%s", s->dir, e->name);
	} else {
		char *from = mem_printf("%s/%s", s->dir, e->name);

		code = free_place(s, "work", e->name, &s->path, err);
		if (code == ERR_NONE)
			code = env_rename(s->env, from, s->path, err);
		CRASH_POINT("source.spool.taken");
		mem_free(&from);
	}
	if (code == ERR_NONE)
		s->name = mem_strdup(e->name);
	else
		mem_free(&s->path);
	return code;
}

enum err_code
source_spool_next(struct source_spool *s, const char **name, const char **path,
    struct err *err)
{
	enum err_code code = ERR_NONE;

	CHECK(s->name == NULL);
	*name = NULL;
	*path = NULL;
	if (!s->listed)
		code = list(s, err);
	while (code == ERR_NONE && s->name == NULL && s->next < s->count) {
		code = take(s, &s->entries[s->next++], err);
		if (code == ERR_NOT_FOUND)
			code = ERR_NONE;
	}
	if (s->name == NULL)
		forget(s);
	*name = s->name;
	*path = s->path;
	return code;
}

static enum err_code
move(struct source_spool *s, const char *sub, char **to, struct err *err)
{
	enum err_code code;

	CHECK(s->name != NULL);
	code = free_place(s, sub, s->name, to, err);
	if (code == ERR_NONE)
		code = env_rename(s->env, s->path, *to, err);
	CRASH_POINT("source.spool.renamed");
	if (code == ERR_NONE)
		code = sync_both(s, sub, err);
	if (code == ERR_NONE)
		code = sync_both(s, "work", err);
	return code;
}

enum err_code
source_spool_finish(struct source_spool *s, struct err *err)
{
	char *to = NULL;
	enum err_code code;

	CRASH_POINT("source.spool.before-done");
	code = move(s, "done", &to, err);
	CRASH_POINT("source.spool.done");
	mem_free(&to);
	if (code == ERR_NONE)
		source_spool_leave(s);
	return code;
}

enum err_code
source_spool_fail(struct source_spool *s, const char *why, struct err *err)
{
	char *to = NULL;
	char *note = NULL;
	char *text = mem_printf("%s\n", why);
	enum err_code code = free_place(s, "failed", s->name, &to, err);

	/* The reason first: a crash in between leaves the file to be tried
	 * again, and a reason that the next one replaces. */
	if (code == ERR_NONE) {
		note = mem_printf("%s.error", to);
		code = env_write_whole(s->env, note, text, strlen(text), err);
	}
	mem_free(&to);
	CRASH_POINT("source.spool.before-failed");
	if (code == ERR_NONE)
		code = move(s, "failed", &to, err);
	CRASH_POINT("source.spool.failed");
	mem_free(&note);
	mem_free(&text);
	mem_free(&to);
	if (code == ERR_NONE)
		source_spool_leave(s);
	return code;
}
