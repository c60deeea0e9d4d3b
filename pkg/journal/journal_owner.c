#include <string.h>

#include "base/check.h"
#include "base/crash.h"

#include "journal/journal_priv.h"

/*
 * Who is alive.
 *
 * An owner is a byte in owners.lock, locked before the COMMIT that adds its
 * row and held to the end.  Only the kernel says that an owner is dead: to
 * recover is to *take* its byte, through an open of its own (a lock asked
 * again on the same open would be granted).  Taking over is: take the byte;
 * one transaction that moves its attempts and closes its row; give it back.
 * A crash in between leaves the row open and the byte free: the next one
 * takes it.
 */

struct opening {
	struct journal_tx tx;
	const char *command;
	const char *worker;
	int64_t id;
};

static enum err_code
opening_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct opening *o = CONTAINER_OF(tx, struct opening, tx);
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT INTO owner(boot,pid,started_ms,command,worker) "
	    "VALUES(?1,?2,?3,?4,?5)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_blob(st, 1, j->env->boot_id, ENV_ID_BYTES);
	journal_db_i64(st, 2, j->env->pid);
	journal_db_i64(st, 3, j->group_ms);
	journal_db_text(st, 4, o->command);
	journal_db_text(st, 5, o->worker);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	o->id = sqlite3_last_insert_rowid(j->w.h);
	/* Before the COMMIT: a row without a lock would look dead. */
	return env_lock(j->env, j->owners, o->id, true, err);
}

/* Both in one commit; what the first of them came to that failed. */
static enum err_code
now_with(struct journal *j, struct journal_tx *tx, struct journal_tx *with,
    struct err *err)
{
	struct list group = LIST_INIT(group);

	if (with == NULL)
		return journal_now(j, tx, err);
	CHECK(j->pending == 0);
	list_add_tail(&group, &tx->node);
	list_add_tail(&group, &with->node);
	(void)journal_group_run(j, &group, tx->cls, err);
	list_remove(&tx->node);
	list_remove(&with->node);
	*err = tx->code != ERR_NONE ? tx->err : with->err;
	return tx->code != ERR_NONE ? tx->code : with->code;
}

enum err_code
journal_owner_open_with(struct journal *j, const char *command,
    const char *worker, struct journal_tx *with, struct err *err)
{
	struct opening o = {.tx = {.run = opening_run, .cls = JOURNAL_CLAIM},
	    .command = command,
	    .worker = worker};
	enum err_code code;

	CHECK(j->owner == 0);
	code = now_with(j, &o.tx, with, err);
	if (o.tx.code != ERR_NONE) {
		struct err ignored;

		/* Its row is gone, so the next owner will get its number. */
		if (o.id != 0)
			(void)env_unlock(j->env, j->owners, o.id, &ignored);
		return code;
	}
	j->owner = o.id;
	CRASH_POINT("journal.owner.opened");
	return code;
}

enum err_code
journal_owner_open(
    struct journal *j, const char *command, const char *worker, struct err *err)
{
	return journal_owner_open_with(j, command, worker, NULL, err);
}

int64_t
journal_owner(const struct journal *j)
{
	return j->owner;
}

enum err_code
journal_owner_say(struct journal *j, const char *state, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(&j->w, "UPDATE owner SET state=?2 WHERE id=?1", err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->owner);
	journal_db_text(st, 2, state);
	return journal_db_done(&j->w, st, err);
}

static enum err_code
row_close(struct journal *j, int64_t id, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE owner SET closed_ms=?2 WHERE id=?1 AND closed_ms IS NULL",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	journal_db_i64(st, 2, j->group_ms);
	return journal_db_done(&j->w, st, err);
}

static enum err_code
closing_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	(void)tx;
	return row_close(j, j->owner, err);
}

enum err_code
journal_owner_close_with(
    struct journal *j, struct journal_tx *with, struct err *err)
{
	struct journal_tx tx = {.run = closing_run, .cls = JOURNAL_CLAIM};
	struct err ignored;
	enum err_code code;

	if (j->owner == 0)
		return with != NULL ? journal_now(j, with, err) : ERR_NONE;
	code = now_with(j, &tx, with, err);
	CRASH_POINT("journal.owner.closed");
	(void)env_unlock(j->env, j->owners, j->owner, &ignored);
	j->owner = 0;
	return code;
}

enum err_code
journal_owner_close(struct journal *j, struct err *err)
{
	return journal_owner_close_with(j, NULL, err);
}

/* --- taking over
 * -------------------------------------------------------------- */

/* Three deaths in one boot with the job in hand: it may be the cause. */
#define CRASHES_PARK 3

static void
count_crash(struct journal *j, struct journal_job *job)
{
	if (memcmp(job->crash_boot, j->env->boot_id, ENV_ID_BYTES) != 0)
		job->crashes = 0;
	memcpy(job->crash_boot, j->env->boot_id, ENV_ID_BYTES);
	job->crashes++;
}

static enum err_code
take_attempt(struct journal *j, int64_t id, struct journal_job *job,
    struct journal_attempt *a, struct err *err)
{
	struct journal_change change = {.job = job,
	    .attempt = a,
	    .attempt_event = ATTEMPT_EV_OWNER_DEAD,
	    .job_event = JOB_EV_NOTE};

	if (journal_attempt_get(j, id, a, err) != ERR_NONE ||
	    journal_job_get(j, journal_attempt_job(id), job, err) != ERR_NONE)
		return err->code;
	a->owner = j->owner;
	a->settle_boot_ms = 0; /* settle begins with us */
	a->lookups = 0;
	if (a->state == ATTEMPT_CLAIMED) {
		count_crash(j, job);
		bool park = job->crashes >= CRASHES_PARK;

		job->reason = park ? JOB_REASON_CRASHES : JOB_REASON_RELEASED;
		change.job_event = park ? JOB_EV_PARK : JOB_EV_RELEASE;
	}
	return journal_step(j, &change, err);
}

static void
remember(int64_t **list, size_t *count, int64_t attempt)
{
	if (*count % 64 == 0)
		*list = mem_realloc(*list, *count + 64, sizeof(**list));
	(*list)[(*count)++] = attempt;
}

static enum err_code
take_owner(struct journal *j, struct journal_takeover *t, int64_t dead,
    struct err *err)
{
	int64_t after = INT64_MIN;

	for (;;) {
		sqlite3_stmt *st = journal_db_get(&j->w,
		    "SELECT id,number FROM attempt INDEXED BY attempt_number "
		    "WHERE number>?2 AND owner=?1 ORDER BY number LIMIT 1",
		    err);
		struct journal_job job;
		struct journal_attempt a;
		bool row = false;

		if (st == NULL)
			return err->code;
		journal_db_i64(st, 1, dead);
		journal_db_i64(st, 2, after);
		if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			break;
		int64_t id = sqlite3_column_int64(st, 0);

		after = sqlite3_column_int64(st, 1);
		(void)sqlite3_reset(st);
		if (take_attempt(j, id, &job, &a, err) != ERR_NONE)
			return err->code;
		if (a.owner != 0)
			remember(&t->attempts, &t->count, id);
		else if (job.state == JOB_PARKED)
			remember(&t->parked, &t->parked_count, id);
	}
	return row_close(j, dead, err);
}

static enum err_code
open_owners(
    struct journal *j, int64_t *ids, size_t max, size_t *count, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT id FROM owner INDEXED BY owner_open WHERE closed_ms IS "
	    "NULL AND id<>?1 ORDER BY id LIMIT ?2",
	    err);

	*count = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->owner);
	journal_db_i64(st, 2, (int64_t)max);
	return journal_db_ids(&j->w, st, ids, count, err);
}

static enum err_code
probe_open(struct journal *j, struct env_file **out, struct err *err)
{
	char path[1024];

	(void)sqlite3_snprintf(sizeof(path), path, "%s/owners.lock", j->dir);
	return env_open(j->env, path, ENV_READ | ENV_WRITE, out, err);
}

static enum err_code
takeover_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct journal_takeover *t =
	    CONTAINER_OF(tx, struct journal_takeover, tx);
	int64_t ids[64];
	size_t count = 0;
	enum err_code code = open_owners(j, ids, ARRAY_LEN(ids), &count, err);

	CHECK(j->owner != 0);
	t->owners = 0;
	t->count = 0;
	t->parked_count = 0;
	if (code == ERR_NONE && count > 0 && t->probe == NULL)
		code = probe_open(j, &t->probe, err);
	for (size_t i = 0; i < count && code == ERR_NONE; i++) {
		code = env_lock(j->env, t->probe, ids[i], true, err);
		if (code == ERR_BUSY) { /* alive */
			code = ERR_NONE;
			continue;
		}
		CRASH_POINT("journal.takeover.locked");
		if (code == ERR_NONE)
			code = take_owner(j, t, ids[i], err);
		t->owners++;
	}
	return code;
}

void
journal_takeover_init(struct journal_takeover *t)
{
	memset(t, 0, sizeof(*t));
	t->tx.run = takeover_run;
	t->tx.cls = JOURNAL_CLAIM;
}

void
journal_takeover_fini(struct journal *j, struct journal_takeover *t)
{
	CRASH_POINT("journal.takeover.committed");
	env_close(j->env, &t->probe);
	mem_free(&t->attempts);
	mem_free(&t->parked);
	t->count = 0;
	t->parked_count = 0;
}

enum err_code
journal_owner_live(
    struct journal *j, int64_t owner, bool *alive, struct err *err)
{
	struct env_file *probe = NULL;
	enum err_code code;

	*alive = owner == j->owner;
	if (*alive)
		return ERR_NONE;
	code = probe_open(j, &probe, err);
	if (code == ERR_NONE) {
		code = env_lock(j->env, probe, owner, true, err);
		*alive = code == ERR_BUSY;
		if (code == ERR_BUSY)
			code = ERR_NONE;
	}
	env_close(j->env, &probe);
	return code;
}
