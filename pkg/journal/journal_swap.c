#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/text.h"

#include "journal/journal_copy.h"

#include "journal/journal_priv.h"

/*
 * Putting another database file in the place of journal.db: after a disk
 * error (rebuild), from a backup (restore), in a directory that came from
 * elsewhere (adopt).
 *
 * The new file lies ready as journal.swap, whole and synced, before `swap` is
 * set in the mark and the mark is synced.  From then on every start goes on
 * here: the old file and its -wal step aside, rename, sync the directory, clear
 * `swap`.  A rename with the old -wal still there would be a malformed database
 * at the next open, and moving -wal first without the flag would lose rows in a
 * crash: both were seen.
 *
 * Only with the users' lock held exclusively.
 */

static char *
swap_path(const struct journal *j)
{
	return mem_printf("%s/journal.swap", j->dir);
}

static enum err_code
flag_set(struct journal *j, uint32_t set, uint32_t clear, struct err *err)
{
	enum err_code code = journal_lock_take(&j->lock, 10000, err);

	if (code != ERR_NONE)
		return code;
	code = journal_mark_flags(&j->lock, set, clear, err);
	journal_lock_give(&j->lock);
	return code;
}

/* Users' lock: shared to exclusive and back, never waiting. */
static enum err_code
alone(struct journal *j, bool yes, struct err *err)
{
	struct err ignored;

	(void)env_unlock(j->env, j->owners, 0, &ignored);
	return journal_users_lock(j, yes, err);
}

char *
journal_swap_aside(struct journal *j)
{
	char time[TEXT_TIME_MAX];
	char name[TEXT_TIME_MAX];
	struct env_stat st;
	struct err ignored;
	size_t n = 0;
	char *path = NULL;

	(void)text_of_time(env_now_ms(j->env), time);
	for (const char *p = time; *p != '\0' && *p != '.'; p++)
		if (*p != '-' && *p != ':')
			name[n++] = *p;
	name[n] = '\0';
	for (int i = 1; path == NULL; i++) {
		char more[16] = "";

		if (i > 1)
			(void)snprintf(more, sizeof(more), "-%d", i);
		path = mem_printf(
		    "%s/archive/replaced-%sZ%s.db", j->dir, name, more);
		if (env_stat(j->env, path, &st, &ignored) == ERR_NONE)
			mem_free(&path);
	}
	return path;
}

/* Missing is as good as done: a crash may have come after it. */
static enum err_code
rename_if(struct journal *j, const char *from, const char *to,
    const char *suffix, struct err *err)
{
	char *a = mem_printf("%s%s", from, suffix);
	char *b = mem_printf("%s%s", to, suffix);
	enum err_code code = env_rename(j->env, a, b, err);

	mem_free(&b);
	mem_free(&a);
	return code == ERR_NOT_FOUND ? ERR_NONE : code;
}

static enum err_code
remove_if(
    struct journal *j, const char *path, const char *suffix, struct err *err)
{
	char *file = mem_printf("%s%s", path, suffix);
	enum err_code code = env_remove(j->env, file, err);

	mem_free(&file);
	return code == ERR_NOT_FOUND ? ERR_NONE : code;
}

/*
 * journal.db and its -wal step aside as journal.old; journal.swap becomes
 * journal.db.  Each step may have happened before a crash.
 */
static enum err_code
exchange(struct journal *j, const char *old, struct err *err)
{
	char *swap = swap_path(j);
	struct env_stat st;
	enum err_code code = env_stat(j->env, swap, &st, err);

	if (code == ERR_NOT_FOUND) {
		code = ERR_NONE; /* it has its place */
	} else if (code == ERR_NONE) {
		code = rename_if(j, j->db_path, old, "-wal", err);
		CRASH_POINT("journal.swap.wal-aside");
		if (code == ERR_NONE)
			code = remove_if(j, j->db_path, "-shm", err);
		if (code == ERR_NONE)
			code = rename_if(j, j->db_path, old, "", err);
		CRASH_POINT("journal.swap.aside");
		/* Not after a power cut the new file with the old -wal. */
		if (code == ERR_NONE)
			code = env_sync_dir(j->env, j->dir, err);
		if (code == ERR_NONE)
			code = env_rename(j->env, swap, j->db_path, err);
		CRASH_POINT("journal.swap.renamed");
	}
	if (code == ERR_NONE)
		code = env_sync_dir(j->env, j->dir, err);
	CRASH_POINT("journal.swap.synced");
	mem_free(&swap);
	return code;
}

/* Exchange, then journal.old goes to keep, or away; the flag falls last. */
static enum err_code
finish(struct journal *j, const char *keep, struct err *err)
{
	char *old = mem_printf("%s/journal.old", j->dir);
	enum err_code code = exchange(j, old, err);

	if (code == ERR_NONE)
		code = keep != NULL ? rename_if(j, old, keep, "-wal", err)
				    : remove_if(j, old, "-wal", err);
	if (code == ERR_NONE)
		code = keep != NULL ? rename_if(j, old, keep, "", err)
				    : remove_if(j, old, "", err);
	CRASH_POINT("journal.swap.cleared");
	if (code == ERR_NONE)
		code = flag_set(j, MARK_PLACED, MARK_SWAP | MARK_IO_ERROR, err);
	mem_free(&old);
	return code;
}

enum err_code
journal_swap_resume(struct journal *j, struct err *err)
{
	enum err_code code = journal_mark_read(&j->lock, err);
	char *keep;

	if (code != ERR_NONE || (j->lock.mark.flags & MARK_SWAP) == 0)
		return code;
	/* Nobody knows any more whether it was copied before. */
	keep = journal_swap_aside(j);
	code = finish(j, keep, err);
	mem_free(&keep);
	return code;
}

enum err_code
journal_swap_finish(struct journal *j, struct err *err)
{
	struct err ignored;
	enum err_code code = alone(j, true, err);

	if (code == ERR_NONE)
		code = journal_swap_resume(j, err);
	if (alone(j, false, &ignored) != ERR_NONE && code == ERR_NONE)
		code = err_set(err, ERR_BUSY, 0, "%s", ignored.text);
	return code;
}

enum err_code
journal_swap_commit(struct journal *j, const char *keep, struct err *err)
{
	enum err_code code = flag_set(j, MARK_SWAP, 0, err);

	CRASH_POINT("journal.swap.flagged");
	return code == ERR_NONE ? finish(j, keep, err) : code;
}

enum err_code
journal_swap_touch(struct env *env, const char *path, struct err *err)
{
	struct env_file *f = NULL;
	enum err_code code = env_open(
	    env, path, ENV_WRITE | ENV_CREATE | ENV_EXCLUSIVE, &f, err);

	env_close(env, &f);
	return code;
}

enum err_code
journal_swap_sync(
    struct env *env, const char *path, const char *dir, struct err *err)
{
	struct env_file *f = NULL;
	enum err_code code = env_open(env, path, ENV_READ | ENV_WRITE, &f, err);

	if (code == ERR_NONE)
		code = env_sync(env, f, err);
	env_close(env, &f);
	if (code == ERR_NONE)
		code = env_sync_dir(env, dir, err);
	return code;
}

enum err_code
journal_swap_check(struct journal_db *db, const char *name, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum err_code code = ERR_NONE;

	if (sqlite3_prepare_v2(db->h, "PRAGMA quick_check(1)", -1, &st, NULL) !=
		SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW) {
		code = journal_db_err(db, err, name);
		if (code == ERR_STORE)
			err->code = code = ERR_DAMAGED;
	} else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok") !=
		   0) {
		const char *found = journal_db_finding(
		    (const char *)sqlite3_column_text(st, 0));

		code = err_set(err, ERR_DAMAGED, SQLITE_CORRUPT,
		    "%s is damaged: %.*s", name, (int)strcspn(found, "\n"),
		    found);
	}
	(void)sqlite3_finalize(st);
	return code;
}

/*
 * After a disk error or a broken page: what can be read is copied out by VACUUM
 * INTO (it reads through the -wal), proved as a backup is, synced and put in
 * place.  When it cannot be read, or does not hold what it should, nothing was
 * changed and a person must put a backup there.
 */
static enum err_code
rebuild_alone(struct journal *j, struct err *err)
{
	char *swap = swap_path(j);
	struct journal_db db = {0};
	struct err ignored;
	char *sql = sqlite3_mprintf("VACUUM INTO %Q", swap);
	enum err_code code;

	(void)env_remove(j->env, swap, &ignored);
	code = journal_swap_touch(j->env, swap, err);
	if (code == ERR_NONE)
		code = journal_db_open(
		    &db, j->env, j->db_path, SQLITE_OPEN_READWRITE, err);
	if (code == ERR_NONE)
		code = journal_db_exec(&db, sql, err);
	journal_db_close(&db);
	CRASH_POINT("journal.rebuild.copied");
	if (code == ERR_NONE)
		code = journal_db_open(
		    &db, j->env, swap, SQLITE_OPEN_READWRITE, err);
	if (code == ERR_NONE)
		code = journal_swap_check(&db, swap, err);
	journal_db_close(&db);
	/* Whole pages are not yet whole chains. */
	if (code == ERR_NONE)
		code = journal_copy_verify(j->env, swap, j->db_path, err);
	if (code == ERR_NONE)
		code = journal_swap_sync(j->env, swap, j->dir, err);
	CRASH_POINT("journal.rebuild.synced");
	if (code == ERR_DAMAGED)
		(void)err_wrap(err,
		    "the journal cannot be rebuilt, put a backup in its place "
		    "(dsrun restore FILE --by NAME)");
	if (code != ERR_NONE)
		(void)env_remove(j->env, swap, &ignored);
	else
		code = journal_swap_commit(j, NULL, err);
	if (code == ERR_STORE)
		code = err_set(err, ERR_DAMAGED, err->sys,
		    "the rebuild after a disk error failed: see dmesg, then "
		    "`dsrun restore`");
	sqlite3_free(sql);
	mem_free(&swap);
	return code;
}

enum err_code
journal_rebuild(struct journal *j, struct err *err)
{
	struct err ignored;
	enum err_code code = alone(j, true, err);

	if (code == ERR_NONE)
		code = journal_mark_read(&j->lock, err);
	if (code == ERR_NONE && (j->lock.mark.flags & MARK_IO_ERROR) != 0)
		code = rebuild_alone(j, err);
	if (alone(j, false, &ignored) != ERR_NONE && code == ERR_NONE)
		code = err_set(err, ERR_BUSY, 0, "%s", ignored.text);
	return code;
}
