#include "journal/journal_copy.h"

#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "base/text.h"

#include "journal/journal_check.h"

#include "journal/journal_priv.h"

/*
 * Backup, restore, adopt.
 *
 * A backup is one step of SQLite's own backup: it sees one moment and needs no
 * lock that writers need.  Restore and adopt make a whole new file beside the
 * old one (journal.swap), with a new incarnation in it, and exchange them by
 * journal_swap_commit; until then nothing was changed, and a crash leaves at
 * worst journal.swap, which the next one removes.
 *
 * The new incarnation goes into the mark in the same write that sets its
 * `swap` flag: whoever finishes the exchange after a crash finds a journal
 * that matches its mark.
 */

static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/")
			     : mem_strndup(path, (size_t)(slash - path));
}

/* A database file and what SQLite may have left beside it. */
static void
remove_db(struct env *env, const char *path)
{
	static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char *file = mem_printf("%s%s", path, suffixes[i]);

		(void)env_remove(env, file, &ignored);
		mem_free(&file);
	}
}

/* All pages in one step: one moment of from, whoever writes meanwhile. */
static enum err_code
copy_pages(struct journal_db *from, struct journal_db *to, struct err *err)
{
	sqlite3_backup *b = sqlite3_backup_init(to->h, "main", from->h, "main");
	enum err_code code = ERR_NONE;

	if (b == NULL)
		return journal_db_err(to, err, "backup");
	(void)sqlite3_backup_step(b, -1);
	if (sqlite3_backup_finish(b) != SQLITE_OK)
		code = journal_db_err(to, err, "backup");
	return code;
}

/*
 * from as a file of its own at path, which must not exist: rollback mode (one
 * file, no -wal to lose), checked and synced.  Removed again on failure.
 */
static enum err_code
copy_to(
    struct env *env, struct journal_db *from, const char *path, struct err *err)
{
	struct journal_db db = {0};
	struct err ignored;
	char *dir = directory_of(path);
	enum err_code code = journal_swap_touch(env, path, err);

	if (code != ERR_NONE) {
		mem_free(&dir);
		return code;
	}
	code = journal_db_open(&db, env, path, SQLITE_OPEN_READWRITE, err);
	if (code == ERR_NONE)
		code = copy_pages(from, &db, err);
	CRASH_POINT("journal.copy.written");
	if (code == ERR_NONE)
		code = journal_db_exec(&db, "PRAGMA journal_mode=DELETE", err);
	if (code == ERR_NONE)
		code = journal_swap_check(&db, path, err);
	journal_db_close(&db);
	CRASH_POINT("journal.copy.checked");
	if (code == ERR_NONE)
		code = journal_swap_sync(env, path, dir, err);
	if (code != ERR_NONE) {
		remove_db(env, path);
		(void)env_sync_dir(env, dir, &ignored);
	}
	CRASH_POINT("journal.copy.synced");
	mem_free(&dir);
	return code;
}

enum err_code
journal_backup(struct journal *j, const char *path, struct err *err)
{
	char *tmp = mem_printf("%s.%lld.tmp", path, (long long)j->env->pid);
	char *dir = directory_of(path);
	struct env_stat st;
	enum err_code code = env_stat(j->env, path, &st, err);

	if (code == ERR_NONE)
		code = err_set(err, ERR_EXISTS, 0,
		    "%s is there already: choose another name", path);
	else if (code == ERR_NOT_FOUND)
		code = ERR_NONE;
	if (code == ERR_NONE) {
		remove_db(j->env, tmp);
		code = copy_to(j->env, &j->r, tmp, err);
		if (code == ERR_DAMAGED)
			(void)err_wrap(err,
			    "no backup was made, see `dsrun check` on %s",
			    j->db_path);
	}
	if (code == ERR_NONE) {
		code = env_rename(j->env, tmp, path, err);
		CRASH_POINT("journal.backup.renamed");
		if (code == ERR_NONE)
			code = env_sync_dir(j->env, dir, err);
	}
	mem_free(&dir);
	mem_free(&tmp);
	return code;
}

/* --- restore and adopt ------------------------------------------------------
 */

static enum err_code
must_be_ok(const struct journal_check *c, const char *what, struct err *err)
{
	char text[ERR_TEXT_MAX / 2];

	if (journal_check_first(c, text, sizeof(text)) == NULL)
		return ERR_NONE;
	return err_set(err, ERR_DAMAGED, 0,
	    "%s does not hold what it should, nothing was changed: %s", what,
	    text);
}

enum err_code
journal_copy_verify(
    struct env *env, const char *path, const char *what, struct err *err)
{
	struct journal_check *c = NULL;
	enum err_code code = journal_check_file(env, path, NULL, &c, err);

	if (code == ERR_NONE)
		code = must_be_ok(c, what, err);
	journal_check_free(&c);
	return code;
}

/* The lock files are still the ones at their paths: nobody removed them
 * between our open and our lock. */
static enum err_code
locks_are_there(struct journal *j, struct err *err)
{
	char *path = mem_printf("%s/owners.lock", j->dir);
	struct env_stat owners = {0}, lock = {0};
	enum err_code code = env_stat(j->env, path, &owners, err);

	if (code == ERR_NONE)
		code = env_stat(j->env, j->lock.path, &lock, err);
	if (code == ERR_NONE &&
	    (owners.inode != j->owners_inode || lock.inode != j->lock.inode))
		code = err_set(err, ERR_BUSY, 0,
		    "%s: its lock files were replaced just now: try again",
		    j->dir);
	mem_free(&path);
	return code;
}

/* Alone in dir, with both lock files whole. */
static enum err_code
attach(
    struct journal *j, const struct journal_restore_options *o, struct err *err)
{
	char *archive = mem_printf("%s/archive", o->dir);
	enum err_code code = ERR_NONE;

	j->env = o->env;
	j->dir = mem_strdup(o->dir);
	j->db_path = mem_printf("%s/journal.db", o->dir);
	j->broken = true; /* closing it must not checkpoint */
	list_init(&j->backlog);
	if (o->from != NULL)
		code = env_make_dirs(o->env, o->dir, err);
	if (code == ERR_NONE)
		code = journal_refuse_place(o->env, o->dir, err);
	if (code == ERR_NONE)
		code = env_make_dir(o->env, archive, err);
	if (code == ERR_NONE)
		code = journal_place_open(j, true, err);
	CRASH_POINT("journal.restore.opened");
	if (code == ERR_NONE)
		code = journal_users_lock(j, true, err);
	if (code == ERR_NONE)
		code = locks_are_there(j, err);
	if (code == ERR_NONE)
		code = journal_place_ids(j, true, err);
	CRASH_POINT("journal.restore.locked");
	if (code == ERR_NONE)
		code = journal_swap_resume(j, err);
	mem_free(&archive);
	return code;
}

/*
 * The database in dir.  In exclusive mode SQLite refuses it while any process
 * has it open, also one whose lock files were removed under it.
 */
static enum err_code
open_old(struct journal *j, struct journal_db *db, struct err *err)
{
	enum err_code code = journal_db_open_alone(db, j->env, j->db_path, err);

	if (code == ERR_BUSY)
		code = err_set(err, ERR_BUSY, 0,
		    "%s is open in another process: end it first (dsrun stop "
		    "--all), then try again",
		    j->db_path);
	return code;
}

static enum err_code
new_life(struct journal *j, struct journal_db *db,
    const struct journal_restore_options *o, struct err *err)
{
	uint8_t incarnation[8];
	sqlite3_stmt *st = journal_db_get(db,
	    "UPDATE head SET incarnation=?1,opened_ms=?2,fresh=1,lock_id=?3,"
	    "lock_inode=?4,owners_id=?5,owners_inode=?6,commits=commits+1,"
	    "knew_ms=max(1,wall_ms,coalesce((SELECT max(at_ms) FROM (SELECT "
	    "at_ms FROM event ORDER BY seq DESC LIMIT 100)),0))",
	    err);

	if (st == NULL)
		return err->code;
	env_random(j->env, incarnation, sizeof(incarnation));
	journal_db_blob(st, 1, incarnation, sizeof(incarnation));
	journal_db_i64(st, 2, env_now_ms(j->env));
	journal_db_blob(st, 3, j->lock.id, sizeof(j->lock.id));
	journal_db_i64(st, 4, (int64_t)j->lock.inode);
	journal_db_blob(st, 5, j->owners_id, sizeof(j->owners_id));
	journal_db_i64(st, 6, (int64_t)j->owners_inode);
	if (journal_db_done(db, st, err) != ERR_NONE)
		return err->code;
	st = journal_db_get(db,
	    "INSERT INTO deed(at_ms,what,by_name,reason) VALUES(?1,?2,?3,?4)",
	    err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, env_now_ms(j->env));
	journal_db_text(st, 2, o->from != NULL ? "restore" : "adopt");
	journal_db_text(st, 3, o->by != NULL ? o->by : "");
	journal_db_text(st, 4, o->reason != NULL ? o->reason : "");
	return journal_db_done(db, st, err);
}

/* journal.swap gets its own life; j->head is what it says then. */
static enum err_code
revive(struct journal *j, const char *swap,
    const struct journal_restore_options *o, struct err *err)
{
	struct journal_db db = {0};
	enum err_code code =
	    journal_db_open(&db, j->env, swap, SQLITE_OPEN_READWRITE, err);

	if (code == ERR_NONE)
		code = journal_head_read(&db, &j->head, err);
	if (code == ERR_NONE)
		code = journal_refuse_twin(
		    j, &j->head, o->from != NULL ? o->from : j->dir, err);
	if (code == ERR_NONE)
		code = journal_db_exec(&db, "BEGIN IMMEDIATE", err);
	if (code == ERR_NONE)
		code = new_life(j, &db, o, err);
	if (code == ERR_NONE)
		code = journal_db_exec(&db, "COMMIT", err);
	if (code == ERR_NONE)
		code = journal_head_read(&db, &j->head, err);
	journal_db_close(&db);
	if (code == ERR_NONE)
		code = journal_swap_sync(j->env, swap, j->dir, err);
	CRASH_POINT("journal.restore.revived");
	return code;
}

static enum err_code
make_swap(struct journal *j, const char *swap,
    const struct journal_restore_options *o, struct err *err)
{
	struct journal_db from = {0};
	enum err_code code;

	remove_db(j->env, swap);
	code = o->from != NULL ? journal_db_open(&from, j->env, o->from,
				     SQLITE_OPEN_READONLY, err)
			       : open_old(j, &from, err);
	if (code == ERR_NONE)
		code = copy_to(j->env, &from, swap, err);
	journal_db_close(&from);
	CRASH_POINT("journal.restore.copied");
	/* A restore's source was looked at before anything else was done. */
	if (code == ERR_NONE && o->from == NULL)
		code = journal_copy_verify(j->env, swap, j->db_path, err);
	if (code == ERR_NONE)
		code = revive(j, swap, o, err);
	return code;
}

/*
 * What is there goes to archive/ before it is replaced: as a whole file when
 * it can be read (*aside stays NULL), else *aside says where it is to be set
 * aside as it is.
 */
static enum err_code
keep_old(struct journal *j, char **aside, struct journal_stops **stops,
    struct err *err)
{
	struct journal_db old = {0};
	struct env_stat st;
	struct err why;
	char *path;
	enum err_code code;

	if (env_stat(j->env, j->db_path, &st, &why) == ERR_NOT_FOUND)
		return ERR_NONE;
	path = journal_swap_aside(j);
	code = open_old(j, &old, err);
	if (code == ERR_NONE) {
		*stops = journal_stops_read(&old);
		code = copy_to(j->env, &old, path, err);
	}
	journal_db_close(&old);
	CRASH_POINT("journal.restore.kept");
	if (code == ERR_NONE || code == ERR_BUSY || code == ERR_SPACE) {
		mem_free(&path);
		return code;
	}
	*aside = path;
	return ERR_NONE;
}

/* stops NULL: there was no old file, or (unreadable) nothing of it can be. */
static enum err_code
go_on_stopping(struct journal *j, const char *swap,
    const struct journal_stops *stops, bool unreadable,
    struct journal_restored *out, struct err *err)
{
	struct journal_db db = {0};
	enum err_code code = ERR_NONE;

	*out = (struct journal_restored){
	    .lost = stops != NULL ? !stops->whole : unreadable};
	if (stops == NULL || stops->numbers + stops->pause_count == 0)
		return ERR_NONE;
	code = journal_db_open(&db, j->env, swap, SQLITE_OPEN_READWRITE, err);
	if (code == ERR_NONE)
		code = journal_stops_write(&db, stops, out, err);
	journal_db_close(&db);
	if (code == ERR_NONE)
		code = journal_swap_sync(j->env, swap, j->dir, err);
	CRASH_POINT("journal.restore.stops");
	return code;
}

static void
mark_new_life(struct journal *j)
{
	struct journal_mark *m = &j->lock.mark;

	memcpy(m->journal, j->head.journal, sizeof(m->journal));
	memcpy(m->incarnation, j->head.incarnation, sizeof(m->incarnation));
	m->commits = j->head.commits;
	m->seq = j->head.seq;
	memcpy(m->hash, j->head.hash, sizeof(m->hash));
	memcpy(m->boot, j->env->boot_id, sizeof(m->boot));
}

static enum err_code
replace(
    struct journal *j, const struct journal_restore_options *o, struct err *err)
{
	char *swap = mem_printf("%s/journal.swap", j->dir);
	char *aside = NULL;
	struct journal_stops *stops = NULL;
	struct journal_restored restored = {0};
	enum err_code code = make_swap(j, swap, o, err);

	if (code == ERR_NONE && o->from != NULL)
		code = keep_old(j, &aside, &stops, err);
	if (code == ERR_NONE && o->from != NULL)
		code = go_on_stopping(
		    j, swap, stops, aside != NULL, &restored, err);
	if (o->restored != NULL)
		*o->restored = restored;
	journal_stops_free(&stops);
	if (code == ERR_NONE)
		code = journal_mark_read(&j->lock, err);
	if (code == ERR_NONE) {
		mark_new_life(j);
		code = journal_swap_commit(j, aside, err);
	} else {
		remove_db(j->env, swap);
	}
	CRASH_POINT("journal.restore.done");
	mem_free(&aside);
	mem_free(&swap);
	return code;
}

/* What can be refused without touching the directory. */
static enum err_code
look_first(const struct journal_restore_options *o, struct err *err)
{
	char *db = mem_printf("%s/journal.db", o->dir);
	char *swap = mem_printf("%s/journal.swap", o->dir);
	struct env_stat here = {0}, from = {0};
	struct err ignored;
	bool lies = env_stat(o->env, db, &here, &ignored) == ERR_NONE;
	enum err_code code = ERR_NONE;

	if (o->from == NULL) {
		if (!lies &&
		    env_stat(o->env, swap, &here, &ignored) != ERR_NONE)
			code = err_set(err, ERR_CONFIG, 0,
			    "no journal at %s: nothing to adopt", db);
	} else if (env_stat(o->env, o->from, &from, err) != ERR_NONE) {
		code = err_wrap(err, "backup");
	} else if (lies && from.inode == here.inode &&
		   from.size_bytes == here.size_bytes &&
		   from.mtime_ms == here.mtime_ms) {
		code = err_set(err, ERR_USAGE, 0,
		    "%s is the journal itself, not a backup of it", o->from);
	} else {
		code = journal_copy_verify(o->env, o->from, o->from, err);
	}
	mem_free(&swap);
	mem_free(&db);
	return code;
}

enum err_code
journal_restore(const struct journal_restore_options *o, struct err *err)
{
	struct journal *j = NULL;
	enum err_code code = look_first(o, err);

	if (code != ERR_NONE)
		return code;
	j = mem_zalloc(1, sizeof(*j));
	code = attach(j, o, err);
	if (code == ERR_NONE)
		code = replace(j, o, err);
	journal_close(&j);
	return code;
}
