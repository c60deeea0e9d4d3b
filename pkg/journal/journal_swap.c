#include <string.h>

#include "base/check.h"
#include "base/crash.h"

#include "journal/journal_copy.h"

#include "journal/journal_priv.h"

/*
 * Putting another database file in the place of journal.db: after a disk
 * error (rebuild), from a backup (restore), in a directory that came from
 * elsewhere (adopt).
 *
 * The new file lies ready as journal.swap, whole and synced, before `swap` is
 * set in the mark and the mark is synced.  From then on every start goes on
 * here: remove -wal and -shm, rename, sync the directory, clear `swap`.  A
 * rename with the old -wal still there would be a malformed database at the
 * next open, and removing -wal first without the flag would lose rows in a
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
	j->lock.mark.flags = (j->lock.mark.flags | set) & ~clear;
	j->lock.mark.pid = j->env->pid;
	code = journal_mark_write(&j->lock, err);
	if (code == ERR_NONE)
		code = journal_mark_sync(&j->lock, err);
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

/* Gone, also when it was not there; a disk that refuses is an error. */
static enum err_code
clear_away(struct journal *j, const char *suffix, struct err *err)
{
	char *path = mem_printf("%s%s", j->db_path, suffix);
	enum err_code code = env_remove(j->env, path, err);

	if (code == ERR_NOT_FOUND)
		code = ERR_NONE;
	mem_free(&path);
	return code;
}

static enum err_code
exchange(struct journal *j, struct err *err)
{
	char *swap = swap_path(j);
	struct env_stat st;
	struct err ignored;
	enum err_code code = ERR_NONE;

	/* The rename may have happened before the crash. */
	if (env_stat(j->env, swap, &st, &ignored) == ERR_NONE) {
		code = clear_away(j, "-wal", err);
		CRASH_POINT("journal.swap.wal-removed");
		if (code == ERR_NONE)
			code = clear_away(j, "-shm", err);
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

enum err_code
journal_swap_resume(struct journal *j, struct err *err)
{
	enum err_code code = journal_mark_read(&j->lock, err);

	if (code != ERR_NONE || (j->lock.mark.flags & MARK_SWAP) == 0)
		return code;
	code = exchange(j, err);
	if (code == ERR_NONE)
		code = flag_set(j, 0, MARK_SWAP | MARK_IO_ERROR, err);
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

/* What was there is set aside as it is, unreadable or not. */
static enum err_code
set_aside(
    struct journal *j, const char *keep, const char *suffix, struct err *err)
{
	char *from = mem_printf("%s%s", j->db_path, suffix);
	char *to = mem_printf("%s%s", keep, suffix);
	enum err_code code = env_rename(j->env, from, to, err);

	mem_free(&to);
	mem_free(&from);
	return code == ERR_NOT_FOUND ? ERR_NONE : code;
}

enum err_code
journal_swap_commit(struct journal *j, const char *keep, struct err *err)
{
	enum err_code code = flag_set(j, MARK_SWAP, 0, err);

	CRASH_POINT("journal.swap.flagged");
	if (code == ERR_NONE && keep != NULL)
		code = set_aside(j, keep, "-wal", err);
	if (code == ERR_NONE && keep != NULL)
		code = set_aside(j, keep, "", err);
	CRASH_POINT("journal.swap.aside");
	if (code == ERR_NONE)
		code = exchange(j, err);
	if (code == ERR_NONE)
		code = flag_set(j, 0, MARK_SWAP | MARK_IO_ERROR, err);
	return code;
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
		code = err_set(err, ERR_DAMAGED, 0, "%s: %s", name,
		    sqlite3_column_text(st, 0));
	}
	(void)sqlite3_finalize(st);
	return code;
}

/*
 * After a disk error: what can be read is copied out by VACUUM INTO (it reads
 * through the -wal), checked, synced and put in place.
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
	if (code == ERR_NONE)
		code = journal_swap_sync(j->env, swap, j->dir, err);
	CRASH_POINT("journal.rebuild.synced");
	if (code == ERR_NONE)
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
