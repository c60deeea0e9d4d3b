#include <string.h>

#include "base/check.h"
#include "base/crash.h"

#include "job/job_clock.h"

#include "journal/journal_priv.h"

/*
 * Group commit: what many callers want to change, in one SQLite transaction.
 *
 * Under the write lock, after BEGIN IMMEDIATE, each member runs in turn.  One
 * whose guard misses has written nothing and is simply told so.  One that
 * fails after writing makes us roll the group back and run it again with a
 * savepoint around each member: rare, and far cheaper than savepoints always.
 * Callers are told only after COMMIT has returned and the mark is written.
 *
 * If the process dies before COMMIT returns, nothing of the group is there or
 * all of it is; nobody was told yet, and every caller's guard finds out.
 */

#define CLAIM_WAIT_MS 10000
#define LIVE_WAIT_MS (INT64_C(3600) * 1000)
#define LIVE_SPACE_PAUSE_US 200000
#define LIVE_SPACE_TRIES 1500 /* five minutes */

enum err_code
journal_head_read(
    struct journal_db *db, struct journal_head *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "SELECT journal,incarnation,opened_ms,fresh,lock_id,lock_inode,"
	    "owners_id,owners_inode,commits,seq,hash,sealed,sealed_hash,"
	    "next_job,next_outbox,boot,boot_ms,wall_ms,knew_ms FROM head",
	    err);
	bool row = false;

	if (st == NULL || journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	if (!row)
		return err_set(err, ERR_DAMAGED, 0, "journal: head is empty");
	journal_db_copy_blob(st, 0, out->journal, sizeof(out->journal));
	journal_db_copy_blob(st, 1, out->incarnation, sizeof(out->incarnation));
	out->opened_ms = sqlite3_column_int64(st, 2);
	out->fresh = sqlite3_column_int(st, 3) != 0;
	journal_db_copy_blob(st, 4, out->lock_id, sizeof(out->lock_id));
	out->lock_inode = (uint64_t)sqlite3_column_int64(st, 5);
	journal_db_copy_blob(st, 6, out->owners_id, sizeof(out->owners_id));
	out->owners_inode = (uint64_t)sqlite3_column_int64(st, 7);
	out->commits = sqlite3_column_int64(st, 8);
	out->seq = sqlite3_column_int64(st, 9);
	journal_db_copy_blob(st, 10, out->hash, sizeof(out->hash));
	out->sealed = sqlite3_column_int64(st, 11);
	journal_db_copy_blob(
	    st, 12, out->sealed_hash, sizeof(out->sealed_hash));
	out->next_job = sqlite3_column_int64(st, 13);
	out->next_outbox = sqlite3_column_int64(st, 14);
	journal_db_copy_blob(st, 15, out->boot, sizeof(out->boot));
	out->boot_ms = sqlite3_column_int64(st, 16);
	out->wall_ms = sqlite3_column_int64(st, 17);
	out->knew_ms = sqlite3_column_int64(st, 18);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

static enum err_code
head_write(struct journal *j, struct err *err)
{
	struct journal_head *h = &j->head;
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE head SET incarnation=?1,fresh=?2,commits=?3,seq=?4,hash=?5,"
	    "sealed=?6,sealed_hash=?7,next_job=?8,next_outbox=?9,boot=?10,"
	    "boot_ms=?11,wall_ms=?12",
	    err);

	if (st == NULL)
		return err->code;
	h->commits++;
	if (j->clock_ok) {
		memcpy(h->boot, j->env->boot_id, sizeof(h->boot));
		h->boot_ms = j->group_boot_ms;
		h->wall_ms = j->group_ms;
	}
	journal_db_blob(st, 1, h->incarnation, sizeof(h->incarnation));
	journal_db_i64(st, 2, h->fresh);
	journal_db_i64(st, 3, h->commits);
	journal_db_i64(st, 4, h->seq);
	journal_db_blob(st, 5, h->hash, sizeof(h->hash));
	journal_db_i64(st, 6, h->sealed);
	journal_db_blob(st, 7, h->sealed_hash, sizeof(h->sealed_hash));
	journal_db_i64(st, 8, h->next_job);
	journal_db_i64(st, 9, h->next_outbox);
	journal_db_blob(st, 10, h->boot, sizeof(h->boot));
	journal_db_i64(st, 11, h->boot_ms);
	journal_db_i64(st, 12, h->wall_ms);
	return journal_db_done(&j->w, st, err);
}

static enum err_code
tally_write(struct journal *j, struct err *err)
{
	for (int s = 0; s < (int)JOB_NONE; s++) {
		if (j->tally[s] == 0)
			continue;
		sqlite3_stmt *st = journal_db_get(
		    &j->w, "UPDATE tally SET n=n+?2 WHERE state=?1", err);

		if (st == NULL)
			return err->code;
		journal_db_i64(st, 1, s);
		journal_db_i64(st, 2, j->tally[s]);
		if (journal_db_done(&j->w, st, err) != ERR_NONE)
			return err->code;
	}
	return ERR_NONE;
}

void
journal_clock_judge(struct journal *j)
{
	struct job_clock_facts f = {.now_ms = j->group_ms,
	    .boot_ms = j->group_boot_ms,
	    .synced = env_synced(j->env),
	    .mark = {.known = j->head.wall_ms != 0,
		.boot_ms = j->head.boot_ms,
		.wall_ms = j->head.wall_ms},
	    .built_ms = j->build_ms};

	memcpy(f.boot_id, j->env->boot_id, sizeof(f.boot_id));
	memcpy(f.mark.boot_id, j->head.boot, sizeof(f.mark.boot_id));
	j->clock_ok = job_clock_trusted(&f, j->clock_why);
}

/* BEGIN, COMMIT and the like, which sqlite3_exec would compile anew. */
static enum err_code
transaction(struct journal *j, const char *sql, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w, sql, err);

	return st == NULL ? err->code : journal_db_done(&j->w, st, err);
}

static enum err_code
mark_commit(struct journal *j, struct err *err)
{
	struct journal_mark *m = &j->lock.mark;
	bool only_flags = m->stamp > 0 && m->commits == 0;

	memcpy(m->journal, j->head.journal, sizeof(m->journal));
	memcpy(m->incarnation, j->head.incarnation, sizeof(m->incarnation));
	m->commits = j->head.commits;
	m->seq = j->head.seq;
	memcpy(m->hash, j->head.hash, sizeof(m->hash));
	m->pid = j->env->pid;
	memcpy(m->boot, j->env->boot_id, sizeof(m->boot));
	enum err_code code = journal_mark_write(&j->lock, err);

	/* What a power cut leaves must name a commit: an older anchor is of
	 * the disk error that the very first group met, and names none. */
	return code == ERR_NONE && only_flags
		   ? journal_mark_anchor(&j->lock, err)
		   : code;
}

/* Everything a group must know and refuse, inside its transaction. */
static enum err_code
group_begin(struct journal *j, struct err *err)
{
	uint8_t incarnation[8];
	struct env_stat st;
	int64_t version = 0;

	memcpy(incarnation, j->head.incarnation, sizeof(incarnation));
	if (transaction(j, "BEGIN IMMEDIATE", err) != ERR_NONE)
		return err->code;
	CRASH_POINT("journal.group.begun");
	if (journal_db_number(&j->w, "PRAGMA user_version", &version, err) !=
		ERR_NONE ||
	    journal_head_read(&j->w, &j->head, err) != ERR_NONE)
		return err->code;
	if (version != journal_schema_newest())
		return err_set(err, ERR_CONFIG, 0,
		    "the journal has schema %lld now, this program's is %d: "
		    "start again",
		    (long long)version, journal_schema_newest());
	if (memcmp(incarnation, j->head.incarnation, sizeof(incarnation)) != 0)
		return err_set(err, ERR_DAMAGED, 0,
		    "the journal was restored while this ran: start again");
	if (env_stat(j->env, j->db_path, &st, err) != ERR_NONE ||
	    st.inode != j->db_inode || st.links == 0)
		return err_set(err, ERR_DAMAGED, 0,
		    "%s was replaced or removed while this ran: start again",
		    j->db_path);
	if (j->head.commits < j->lock.mark.commits)
		return err_set(err, ERR_DAMAGED, 0,
		    "%s went back in time while this ran: it ends at commit "
		    "%lld, commit %lld was written here",
		    j->db_path, (long long)j->head.commits,
		    (long long)j->lock.mark.commits);
	/* Whoever wrote the first group died before its mark, or had no room:
	 * of two without one nobody could tell that it was not lost. */
	if (j->head.commits > 0 && j->lock.mark.commits == 0 &&
	    mark_commit(j, err) != ERR_NONE)
		return err->code;
	memset(j->tally, 0, sizeof(j->tally));
	j->no_pause = false;
	journal_names_forget(j);
	j->group_ms = env_now_ms(j->env);
	j->group_boot_ms = env_boot_ms(j->env);
	journal_clock_judge(j);
	return ERR_NONE;
}

static void
rollback(struct journal *j)
{
	if (sqlite3_get_autocommit(j->w.h) == 0)
		(void)sqlite3_exec(j->w.h, "ROLLBACK", NULL, NULL, NULL);
}

/*
 * Did the member's failure end the whole transaction, or must it?  "Busy" does
 * when SQLite says so (sys is its code), not when a member means its own row.
 */
static bool
ends_group(struct journal *j, const struct err *err)
{
	return sqlite3_get_autocommit(j->w.h) != 0 || err->code == ERR_SPACE ||
	       (err->code == ERR_BUSY && err->sys != 0) ||
	       err_class(err->code) == ERR_CLASS_FATAL;
}

/* ERR_EXISTS here means: a member wrote and failed; run again, guarded. */
static enum err_code
members_run(
    struct journal *j, struct list *members, bool guarded, struct err *err)
{
	LIST_FOREACH (it, members) {
		struct journal_tx *tx =
		    CONTAINER_OF(it, struct journal_tx, node);
		struct journal_head head = j->head;
		int64_t tally[JOB_NONE];
		int before = sqlite3_total_changes(j->w.h);

		memcpy(tally, j->tally, sizeof(tally));
		memset(&tx->err, 0, sizeof(tx->err));
		if (guarded &&
		    transaction(j, "SAVEPOINT member", err) != ERR_NONE)
			return err->code;
		tx->code = tx->run(j, tx, &tx->err);
		CRASH_POINT("journal.group.member");
		if (tx->code == ERR_NONE) {
			if (guarded &&
			    transaction(j, "RELEASE member", err) != ERR_NONE)
				return err->code;
			continue;
		}
		tx->err.code = tx->code;
		if (ends_group(j, &tx->err)) {
			*err = tx->err;
			return err->code;
		}
		if (sqlite3_total_changes(j->w.h) != before && !guarded)
			return err_set(err, ERR_EXISTS, 0, "run again");
		if (guarded &&
		    (transaction(j, "ROLLBACK TO member", err) != ERR_NONE ||
			transaction(j, "RELEASE member", err) != ERR_NONE))
			return err->code;
		j->head = head;
		memcpy(j->tally, tally, sizeof(tally));
		/* These may be what was taken back. */
		j->no_pause = false;
		journal_names_forget(j);
	}
	return ERR_NONE;
}

/*
 * A group that changed nothing leaves nothing, not even the count of groups:
 * a worker that looks for jobs four times a second must not keep the disk
 * awake, nor wake itself by its own commits.
 */
static enum err_code
group_attempt(
    struct journal *j, struct list *members, bool *changed, struct err *err)
{
	for (bool guarded = false;; guarded = true) {
		enum err_code code = group_begin(j, err);
		int before = sqlite3_total_changes(j->w.h);

		j->must_commit = false;
		if (code == ERR_NONE)
			code = members_run(j, members, guarded, err);
		*changed =
		    j->must_commit || sqlite3_total_changes(j->w.h) != before;
		if (code == ERR_NONE && !*changed) {
			rollback(j);
			return ERR_NONE;
		}
		if (code == ERR_NONE)
			code = tally_write(j, err);
		if (code == ERR_NONE)
			code = head_write(j, err);
		CRASH_POINT("journal.group.written");
		if (code == ERR_NONE)
			code = transaction(j, "COMMIT", err);
		CRASH_POINT("journal.group.committed");
		if (code == ERR_NONE)
			return ERR_NONE;
		rollback(j);
		if (code != ERR_EXISTS || guarded)
			return code;
	}
}

/*
 * Nobody may append to this WAL again: after a failed write or sync the kernel
 * may hold pages that the disk never got.  The flag tells every writer, before
 * the lock is given back; the next start rebuilds.
 */
static void
mark_broken(struct journal *j)
{
	struct journal_mark *m = &j->lock.mark;
	struct err ignored;

	j->broken = true;
	m->flags |= MARK_IO_ERROR;
	m->pid = j->env->pid;
	(void)journal_mark_write(&j->lock, &ignored);
	(void)journal_mark_sync(&j->lock, &ignored);
}

void
journal_disk_judge(struct journal *j, enum err_code code, const struct err *err)
{
	struct err ignored;

	if (journal_db_disk_failed(code, err) &&
	    journal_mark_read(&j->lock, &ignored) == ERR_NONE)
		mark_broken(j);
}

static enum err_code
group_locked(struct journal *j, struct list *members, struct err *err)
{
	struct journal_head before = j->head;

	if (journal_mark_read(&j->lock, err) != ERR_NONE)
		return err->code;
	if ((j->lock.mark.flags & MARK_IO_ERROR) != 0 || j->broken) {
		j->broken = true;
		return err_set(err, ERR_DAMAGED, 0,
		    "a disk error or a broken page was seen by process %lld: "
		    "nothing more is written; the next start rebuilds the "
		    "journal",
		    (long long)j->lock.mark.pid);
	}
	bool changed = false;
	enum err_code code = group_attempt(j, members, &changed, err);

	if (code == ERR_NONE) {
		/* It is committed, whatever becomes of the mark: that may be
		 * older than the journal, never newer. */
		struct err ignored;

		if (changed) {
			(void)mark_commit(j, &ignored);
			journal_wal_grow(j);
		}
		return ERR_NONE;
	}
	memcpy(j->head.incarnation, before.incarnation,
	    sizeof(before.incarnation));
	if (journal_db_disk_failed(code, err)) {
		mark_broken(j);
		return err_set(err, ERR_DAMAGED, err->sys,
		    "%s: disk error %d: nothing more is written; see dmesg; "
		    "the next start rebuilds the journal",
		    j->db_path, err->sys);
	}
	/* Else each start would call whom it can still read of. */
	if (code == ERR_DAMAGED && ((err->sys & 0xff) == SQLITE_CORRUPT ||
				       (err->sys & 0xff) == SQLITE_NOTADB))
		mark_broken(j);
	return code;
}

/* Give the ballast back to the disk, so that live attempts can finish. */
static void
ballast_drop(struct journal *j)
{
	char path[1024];
	struct err ignored;

	(void)sqlite3_snprintf(sizeof(path), path, "%s/ballast", j->dir);
	(void)env_remove(j->env, path, &ignored);
}

static enum err_code
group_once(
    struct journal *j, struct list *members, int64_t wait_ms, struct err *err)
{
	enum err_code code = journal_lock_take(&j->lock, wait_ms, err);

	if (code != ERR_NONE)
		return code;
	CRASH_POINT("journal.group.locked");
	code = group_locked(j, members, err);
	if (code == ERR_NONE &&
	    j->wal_pages * INT64_C(4096) > j->checkpoint_bytes) {
		struct err ignored;

		(void)journal_checkpoint(j, false, &ignored);
	}
	journal_lock_give(&j->lock);
	return code;
}

enum err_code
journal_group_run(struct journal *j, struct list *members,
    enum journal_class cls, struct err *err)
{
	int64_t wait_ms = cls == JOURNAL_LIVE ? LIVE_WAIT_MS : CLAIM_WAIT_MS;
	enum err_code code = group_once(j, members, wait_ms, err);

	for (int i = 0; code == ERR_SPACE && cls == JOURNAL_LIVE &&
			i < LIVE_SPACE_TRIES && !atomic_load(&j->closing);
	     i++) {
		if (i == 0)
			ballast_drop(j);
		else
			env_pause(j->env, LIVE_SPACE_PAUSE_US);
		atomic_store(&j->starved, i > 0);
		code = group_once(j, members, wait_ms, err);
	}
	atomic_store(&j->starved, false);
	if (code != ERR_NONE)
		LIST_FOREACH (it, members) {
			struct journal_tx *tx =
			    CONTAINER_OF(it, struct journal_tx, node);

			tx->code = code;
			tx->err = *err;
		}
	return code;
}

bool
journal_is_starved(const struct journal *j)
{
	return atomic_load(&j->starved);
}

/* Under the lock; busy means later. */
enum err_code
journal_checkpoint(struct journal *j, bool truncate, struct err *err)
{
	int rc;

	CHECK(j->lock.held);
	CRASH_POINT("journal.checkpoint.before");
	(void)sqlite3_busy_timeout(j->w.h, 0);
	rc = sqlite3_wal_checkpoint_v2(j->w.h, NULL,
	    truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART,
	    NULL, NULL);
	(void)sqlite3_busy_timeout(j->w.h, 10000);
	CRASH_POINT("journal.checkpoint.after");
	if (rc == SQLITE_OK) {
		struct err ignored;

		j->wal_pages = 0;
		/* Not at each close: an old anchor is as good, and a cron
		 * tick should not wait for the disk. */
		if (!truncate)
			(void)journal_mark_anchor(&j->lock, &ignored);
		return ERR_NONE;
	}
	enum err_code code = journal_db_err(&j->w, err, "checkpoint");

	if (code == ERR_STORE || code == ERR_DAMAGED)
		mark_broken(j);
	return code;
}
