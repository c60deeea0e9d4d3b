#include <string.h>

#include "base/mem.h"

#include "journal/journal_priv.h"

/*
 * What every open proves before anything is believed: the lock files are the
 * journal's own, it did not go back in time, its newest events hash to what
 * they say.  The whole proof is journal_check.
 */

#define VERIFY_EVENTS 1000
#define QUICK_CHECK_BYTES (INT64_C(256) << 20)

bool
journal_event_is_sane(const struct job_event_fields *f)
{
	return f->n >= 1 && f->n <= UINT32_MAX && f->step >= 0 &&
	       f->step <= UINT16_MAX && f->job_state >= 0 &&
	       f->job_state < (int)JOB_STATE_COUNT && f->attempt_state >= -1 &&
	       f->attempt_state < (int)ATTEMPT_STATE_COUNT;
}

/* Same lock files as the journal knows? */
enum err_code
journal_verify_locks(struct journal *j, struct err *err)
{
	const struct journal_head *h = &j->head;

	if (memcmp(h->lock_id, j->lock.id, sizeof(h->lock_id)) == 0 &&
	    memcmp(h->owners_id, j->owners_id, sizeof(h->owners_id)) == 0 &&
	    h->lock_inode == j->lock.inode &&
	    h->owners_inode == j->owners_inode)
		return ERR_NONE;
	return err_set(err, ERR_DAMAGED, 0,
	    "%s: its lock files are not the ones it was made with: it was "
	    "copied or moved here, or they were removed.  Where the journal "
	    "that it came from may go on calling (cron, a worker, another "
	    "machine), end that first, or people are called twice.  Then: "
	    "dsrun adopt --by NAME",
	    j->dir);
}

/*
 * There was no mark when we looked.  The first group may have died between
 * COMMIT and mark; or others, whose first groups these are, have written it
 * since: before the second group began, the mark of the first one was there.
 */
static enum err_code
verify_no_mark(struct journal *j, struct err *err)
{
	if (j->head.commits <= 1)
		return ERR_NONE;
	if (journal_mark_read(&j->lock, err) != ERR_NONE)
		return err->code;
	if (j->lock.mark.commits != 0)
		return ERR_NONE;
	return err_set(err, ERR_DAMAGED, 0,
	    "%s/journal.lock has lost its mark: see `dsrun help adopt`",
	    j->dir);
}

/*
 * A journal behind its mark, or differing at it, went back in time: copied
 * over, -wal lost, a snapshot.  Calls it does not know of may have been placed.
 */
enum err_code
journal_verify_mark(
    struct journal *j, const struct journal_mark *m, struct err *err)
{
	const struct journal_head *h = &j->head;
	uint8_t hash[SHA256_BYTES];
	sqlite3_stmt *st = NULL;
	bool row = false;

	/* A mark of no commit only has flags: the first group met a disk
	 * error. */
	if (m->commits == 0)
		return verify_no_mark(j, err);
	if (memcmp(m->journal, h->journal, sizeof(h->journal)) != 0 ||
	    memcmp(m->incarnation, h->incarnation, sizeof(h->incarnation)) !=
		0 ||
	    h->commits < m->commits || h->seq < m->seq)
		goto back;
	if (m->seq == 0)
		return ERR_NONE;
	st = journal_db_get(&j->w, "SELECT hash FROM event WHERE seq=?1", err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, m->seq);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		journal_db_copy_blob(st, 0, hash, sizeof(hash));
		(void)sqlite3_reset(st);
		if (memcmp(hash, m->hash, sizeof(hash)) != 0)
			return err_set(err, ERR_DAMAGED, 0,
			    "%s went back in time or was altered: its event "
			    "%lld is not the one that was written here.  "
			    "Nothing is claimed or taken in.  Put the right "
			    "files back, or: dsrun restore FILE --by NAME",
			    j->db_path, (long long)m->seq);
	}
	return ERR_NONE;
back:
	return err_set(err, ERR_DAMAGED, 0,
	    "%s went back in time: it ends at commit %lld, event %lld, but "
	    "commit %lld, event %lld was written here.  Nothing is claimed or "
	    "taken in.  Put the newer files back, or: dsrun restore FILE --by "
	    "NAME / dsrun adopt --by NAME",
	    j->db_path, (long long)h->commits, (long long)h->seq,
	    (long long)m->commits, (long long)m->seq);
}

static enum err_code
lost(struct journal *j, int64_t seq, struct err *err)
{
	return err_set(err, ERR_DAMAGED, 0,
	    "%s: event %lld is missing: see `dsrun check`, then: dsrun restore "
	    "FILE --by NAME",
	    j->db_path, (long long)seq);
}

/* The head's event is there, or was pruned as the last of its job. */
static enum err_code
newest(struct journal *j, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(&j->w, "SELECT 1 FROM event WHERE seq=?1", err);
	bool row = false;

	if (j->head.seq == 0)
		return ERR_NONE;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->head.seq);
	if (journal_db_there(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (row)
		return ERR_NONE;
	st = journal_db_get(&j->w,
	    "SELECT 1 FROM archived a CROSS JOIN job j ON j.id=a.job WHERE "
	    "j.last=?1",
	    err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->head.seq);
	if (journal_db_there(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	return row ? ERR_NONE : lost(j, j->head.seq, err);
}

/* The newest events still hash to what they say. */
static enum err_code
tail(struct journal *j, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT e.seq,e.job,e.n,e.at_ms,e.step,e.job_state,e.attempt,"
	    "e.attempt_state,e.detail,e.hash,p.hash,e.prev FROM event e LEFT "
	    "JOIN event p ON p.seq=e.prev ORDER BY e.seq DESC LIMIT ?1",
	    err);
	enum err_code code = ERR_NONE;
	bool row = true;
	int64_t above = 0, pruned = 0;

	/* Where nothing was ever pruned, numbers have no gap. */
	if (journal_db_number(&j->w,
		"SELECT 1 FROM archived WHERE job>0 LIMIT 1", &pruned,
		err) != ERR_NONE ||
	    st == NULL)
		return err->code;
	journal_db_i64(st, 1, VERIFY_EVENTS);
	while (code == ERR_NONE) {
		uint8_t before[SHA256_BYTES], want[SHA256_BYTES];
		uint8_t got[SHA256_BYTES];

		code = journal_db_row(&j->w, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		int64_t seq = sqlite3_column_int64(st, 0);

		if (above != 0 && seq != above - 1 && pruned == 0) {
			code = lost(j, above - 1, err);
			break;
		}
		above = seq;
		/* A job's first event is hashed with what the job is: that is
		 * journal_check's. */
		if (sqlite3_column_type(st, 11) == SQLITE_NULL)
			continue;
		if (sqlite3_column_type(st, 10) == SQLITE_NULL) {
			code = lost(j, sqlite3_column_int64(st, 11), err);
			break;
		}
		struct job_event_fields f = {.seq = seq,
		    .job = sqlite3_column_int64(st, 1),
		    .n = sqlite3_column_int64(st, 2),
		    .at_ms = sqlite3_column_int64(st, 3),
		    .step = sqlite3_column_int(st, 4),
		    .job_state = sqlite3_column_int(st, 5),
		    .attempt = sqlite3_column_int64(st, 6),
		    .attempt_state = sqlite3_column_type(st, 7) == SQLITE_NULL
					 ? -1
					 : sqlite3_column_int(st, 7),
		    .detail = (const char *)sqlite3_column_text(st, 8)};

		journal_db_copy_blob(st, 9, want, sizeof(want));
		journal_db_copy_blob(st, 10, before, sizeof(before));
		bool sane = journal_event_is_sane(&f);

		if (sane)
			job_hash_event(before, &f, got);
		if (!sane || memcmp(got, want, sizeof(got)) != 0)
			code = err_set(err, ERR_DAMAGED, 0,
			    "%s: event %lld was altered: see `dsrun check`, "
			    "then: dsrun restore FILE --by NAME",
			    j->db_path, (long long)f.seq);
	}
	(void)sqlite3_reset(st);
	return code;
}

enum err_code
journal_verify_tail(struct journal *j, struct err *err)
{
	struct env_stat st;
	int64_t open_owners = 0;
	char text[200];
	bool row = false;
	enum err_code code = newest(j, err);

	if (code == ERR_NONE)
		code = tail(j, err);
	if (code == ERR_NONE)
		code = journal_db_number(&j->w,
		    "SELECT count(*) FROM owner WHERE closed_ms IS NULL",
		    &open_owners, err);
	if (code != ERR_NONE || open_owners == 0 ||
	    memcmp(j->head.boot, j->env->boot_id, ENV_ID_BYTES) == 0)
		return code;
	/* Unclean, in another boot: power may have been lost. */
	if (env_stat(j->env, j->db_path, &st, err) != ERR_NONE)
		return err->code;
	if (st.size_bytes > QUICK_CHECK_BYTES)
		return ERR_NONE;
	sqlite3_stmt *q = journal_db_get(&j->w, "PRAGMA quick_check(1)", err);

	if (q == NULL || journal_db_row(&j->w, q, &row, err) != ERR_NONE)
		return err->code;
	journal_db_copy_text(q, 0, text, sizeof(text));
	(void)sqlite3_reset(q);
	const char *found = journal_db_finding(text);

	if (strcmp(text, "ok") != 0)
		return err_set(err, ERR_DAMAGED, 0,
		    "%s is damaged: %.*s: see `dsrun check`, then: dsrun "
		    "restore FILE --by NAME",
		    j->db_path, (int)strcspn(found, "\n"), found);
	return ERR_NONE;
}
