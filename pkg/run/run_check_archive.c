#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "journal/journal_archive.h"

#include "run/run_check_priv.h"

/* Attempts of pruned jobs: their calls stand in the network's log for ever. */

struct files {
	char **path;
	size_t count;
	const char *dir;
};

static void
file_seen(void *arg, const char *name)
{
	struct files *f = arg;
	size_t len = strlen(name);

	if (!text_starts(name, "pruned-") ||
	    strcmp(name + len - 6, ".jsonl") != 0)
		return;
	f->path = mem_realloc(f->path, f->count + 1, sizeof(*f->path));
	f->path[f->count++] = mem_printf("%s/%s", f->dir, name);
}

enum err_code
run_check_archives(struct env *env, const char *journal_dir,
    void (*fn)(void *arg, const struct journal_check_attempt *a), void *arg,
    struct err *err)
{
	char *dir = mem_printf("%s/archive", journal_dir);
	struct files f = {.dir = dir};
	enum err_code code = env_list_dir(env, dir, file_seen, &f, err);

	if (code == ERR_NOT_FOUND)
		code = ERR_NONE; /* moved away: its calls are nobody's */
	for (size_t i = 0; i < f.count; i++) {
		struct journal_archive a = {.attempt = fn, .arg = arg};

		if (code == ERR_NONE)
			code = journal_archive_verify(env, f.path[i], &a, err);
		mem_free(&f.path[i]);
	}
	mem_free(&f.path);
	mem_free(&dir);
	return code;
}
