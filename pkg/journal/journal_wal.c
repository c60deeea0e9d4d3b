#include <string.h>

#include "base/crash.h"

#include "journal/journal_priv.h"

/*
 * Room in the -wal before it is needed.
 *
 * A commit that makes the file longer has to wait for the file system's own
 * log as well, which here takes twice as long as a commit into blocks that are
 * there already: 0.40 against 0.16 ms.  So the file grows ahead, by as much as
 * it holds, 130 KB to 1 MB at a time, up to where a checkpoint starts it
 * over.  Under the write lock, behind its end only, and through SQLite's own
 * handle, so that no byte of a frame can be meant.
 *
 * What is written is zeros.  No frame is of page 0, so recovery ends before
 * them as it ends before the frames of a turn that is over.  If this fails or
 * the process dies here, the file is as long as it is: the next commit makes it
 * longer by itself, and says so if the disk is full or broken.
 */

#define HEADER_BYTES 32
#define FRAME_BYTES INT64_C(4120)
#define ROOM_FRAMES 24 /* less than that: grow */
#define STEP_MIN_BYTES (INT64_C(32) * FRAME_BYTES)
#define STEP_MAX_BYTES (INT64_C(1) << 20)

void
journal_wal_grow(struct journal *j)
{
	static const char zeros[1 << 16];
	int64_t used = HEADER_BYTES + j->wal_pages * FRAME_BYTES;
	int64_t step = used < STEP_MIN_BYTES   ? STEP_MIN_BYTES
		       : used < STEP_MAX_BYTES ? used
					       : STEP_MAX_BYTES;
	int64_t until = used + step;
	sqlite3_file *f = NULL;
	sqlite3_int64 size = 0;

	if (used > j->checkpoint_bytes ||
	    sqlite3_file_control(j->w.h, "main", SQLITE_FCNTL_JOURNAL_POINTER,
		&f) != SQLITE_OK ||
	    f == NULL || f->pMethods == NULL ||
	    f->pMethods->xFileSize(f, &size) != SQLITE_OK || size < used ||
	    size >= used + ROOM_FRAMES * FRAME_BYTES)
		return;
	CRASH_POINT("journal.wal.grow");
	while (size < until) {
		int n = until - size < (int64_t)sizeof(zeros)
			    ? (int)(until - size)
			    : (int)sizeof(zeros);

		if (f->pMethods->xWrite(f, zeros, n, size) != SQLITE_OK)
			return;
		size += n;
	}
	CRASH_POINT("journal.wal.grown");
}

/* --- the mode --------------------------------------------------------------
 */

#define CHANGE_WAIT_MS 10000

/* Neither is a journal; one is what is left of ours. */
static enum err_code
not_ours(struct journal *j, int64_t application, struct err *err)
{
	int64_t tables = 0;

	if (journal_db_number(&j->w, "SELECT count(*) FROM sqlite_master",
		&tables, err) != ERR_NONE)
		return err->code;
	if (application == 0 && tables == 0 && j->lock.mark.stamp != 0)
		return err_set(err, ERR_DAMAGED, 0,
		    "%s is empty, but commit %lld was written here: put it "
		    "back, or: dsrun restore FILE --by NAME",
		    j->db_path, (long long)j->lock.mark.commits);
	return err_set(err, ERR_CONFIG, 0,
	    "%s is a database, but not a journal of dsrun", j->db_path);
}

static enum err_code
mode_is_wal(struct journal_db *db, bool *wal, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db, "PRAGMA journal_mode", err);
	char mode[16] = "";
	bool row = false;

	if (st == NULL || journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	journal_db_copy_text(st, 0, mode, sizeof(mode));
	(void)sqlite3_reset(st);
	*wal = strcmp(mode, "wal") == 0;
	return ERR_NONE;
}

/* The first connection; `*wal`: it is in the mode that all others expect. */
static enum err_code
writer_open(struct journal *j, bool change, bool *wal, struct err *err)
{
	int64_t application = 0;
	enum err_code code = journal_db_open(
	    &j->w, j->env, j->db_path, SQLITE_OPEN_READWRITE, err);

	if (code == ERR_NONE)
		code = journal_db_number(
		    &j->w, "PRAGMA application_id", &application, err);
	if (code == ERR_NONE && application != JOURNAL_APPLICATION_ID)
		code = not_ours(j, application, err);
	if (code == ERR_NONE && change)
		code = journal_db_exec(&j->w, "PRAGMA journal_mode=WAL", err);
	if (code == ERR_NONE)
		code = mode_is_wal(&j->w, wal, err);
	return code;
}

/* What may come of another who changes the mode at this moment. */
static bool
met_another(const struct err *err)
{
	return err->code == ERR_BUSY ||
	       (err->code == ERR_STORE && (err->sys & 0xff) == SQLITE_CANTOPEN);
}

/*
 * A new file, and one that was put in place, begins in rollback mode, and the
 * first to open it changes that.  SQLite does not wait there: of two who change
 * it at once one is told "locked", and one who only reads may find the rollback
 * journal gone between its look and its open.  So it is changed under the
 * write lock, and who met such a change waits there for its end.
 */
static enum err_code
mode_change(struct journal *j, struct err *err)
{
	bool wal = false;
	enum err_code code = writer_open(j, false, &wal, err);

	if (code == ERR_NONE ? wal : !met_another(err))
		return code;
	journal_db_close(&j->w);
	code = journal_lock_take(&j->lock, CHANGE_WAIT_MS, err);
	if (code == ERR_NONE) {
		code = writer_open(j, true, &wal, err);
		journal_disk_judge(j, code, err);
	}
	journal_lock_give(&j->lock);
	return code;
}

/* The name of the -wal is on the disk before anything is written to it: from
 * now on one that is missing was taken away. */
static enum err_code
name_keep(struct journal *j, struct err *err)
{
	int64_t version = 0;
	/* A read makes the file. */
	enum err_code code =
	    journal_db_number(&j->w, "PRAGMA user_version", &version, err);

	if (code == ERR_NONE)
		code = env_sync_dir(j->env, j->dir, err);
	CRASH_POINT("journal.wal.named");
	if (code == ERR_NONE)
		code = journal_lock_take(&j->lock, CHANGE_WAIT_MS, err);
	if (code != ERR_NONE)
		return code;
	code = journal_mark_read(&j->lock, err);
	if (code == ERR_NONE && (j->lock.mark.flags & MARK_PLACED) != 0)
		code = journal_mark_flags(&j->lock, 0, MARK_PLACED, err);
	journal_lock_give(&j->lock);
	return code;
}

enum err_code
journal_wal_open(struct journal *j, struct err *err)
{
	enum err_code code = mode_change(j, err);

	return code == ERR_NONE && (j->lock.mark.flags & MARK_PLACED) != 0
		   ? name_keep(j, err)
		   : code;
}
