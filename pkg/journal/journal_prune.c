#include "journal/journal_prune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/text.h"

#include "journal/journal_archive.h"
#include "journal/journal_read.h"

#include "journal/journal_prune_priv.h"

/*
 * Candidates and their archive are read in one snapshot; each transaction that
 * removes asks again whether the job is still as it was seen.
 *
 * Only events that are left are walked (a job that was pruned has none), so a
 * nightly prune costs what the journal holds, not what it ever held; the
 * seals, which stay, are walked once a file.
 */

#define FILE_JOBS_MAX 200000

/* --- the plan ----------------------------------------------------------------
 */

static int
by_id(const void *a, const void *b)
{
	const struct journal_prune_job *x = a;
	const struct journal_prune_job *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int
by_job(const void *a, const void *b)
{
	const struct journal_prune_pair *x = a;
	const struct journal_prune_pair *y = b;

	if (x->job != y->job)
		return x->job > y->job ? 1 : -1;
	return (x->row > y->row) - (x->row < y->row);
}

void
journal_prune_pairs(const struct journal_prune_pair *pairs, size_t count,
    int64_t job, size_t *at, size_t *n)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pairs[middle].job < job)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	for (*n = 0; low + *n < count && pairs[low + *n].job == job; (*n)++)
		;
}

static bool
is_planned(const struct journal_prune_plan *plan, int64_t job)
{
	struct journal_prune_job key = {.id = job};

	return plan->count > 0 && bsearch(&key, plan->jobs, plan->count,
				      sizeof(*plan->jobs), by_id) != NULL;
}

static enum err_code
plan_jobs(struct journal *j, const struct journal_prune *p,
    struct journal_prune_plan *plan, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT j.id,j.last FROM event e CROSS JOIN job j ON j.id=e.job "
	    "WHERE e.at_ms<?1 AND e.seq<(SELECT seq FROM head) AND "
	    "j.last=e.seq AND " JOURNAL_OWES_NOTHING " ORDER BY e.seq LIMIT ?2",
	    err);
	size_t cap = 0;
	bool row = true;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, p->before_ms);
	journal_db_i64(st, 2, p->dry_run ? -1 : FILE_JOBS_MAX);
	for (;;) {
		if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			break;
		if (plan->count == cap) {
			cap = cap == 0 ? 256 : cap * 2;
			plan->jobs =
			    mem_realloc(plan->jobs, cap, sizeof(*plan->jobs));
		}
		plan->jobs[plan->count++] = (struct journal_prune_job){
		    .id = sqlite3_column_int64(st, 0),
		    .last = sqlite3_column_int64(st, 1)};
	}
	if (plan->count > 0)
		qsort(plan->jobs, plan->count, sizeof(*plan->jobs), by_id);
	return ERR_NONE;
}

/* Rows of one table that belong to planned jobs: sql gives (row, job). */
static enum err_code
plan_pairs(struct journal *j, const char *sql,
    const struct journal_prune_plan *plan, struct journal_prune_pair **out,
    size_t *count, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r, sql, err);
	size_t cap = 0;
	bool row = true;

	if (st == NULL)
		return err->code;
	for (;;) {
		if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			break;
		int64_t job = sqlite3_column_int64(st, 1);

		if (!is_planned(plan, job))
			continue;
		if (*count == cap) {
			cap = cap == 0 ? 256 : cap * 2;
			*out = mem_realloc(*out, cap, sizeof(**out));
		}
		(*out)[(*count)++] = (struct journal_prune_pair){
		    .job = job, .row = sqlite3_column_int64(st, 0)};
	}
	if (*count > 0)
		qsort(*out, *count, sizeof(**out), by_job);
	return ERR_NONE;
}

static void
plan_free(struct journal_prune_plan *plan)
{
	mem_free(&plan->jobs);
	mem_free(&plan->seals);
	mem_free(&plan->inbox);
	memset(plan, 0, sizeof(*plan));
}

static enum err_code
plan_make(struct journal *j, const struct journal_prune *p,
    struct journal_prune_plan *plan, struct err *err)
{
	enum err_code code = plan_jobs(j, p, plan, err);

	if (code == ERR_NONE && plan->count > 0)
		code = plan_pairs(j, "SELECT n,job FROM sealed", plan,
		    &plan->seals, &plan->seal_count, err);
	if (code == ERR_NONE && plan->count > 0)
		code = plan_pairs(j, "SELECT id,attempt/256 FROM inbox", plan,
		    &plan->inbox, &plan->inbox_count, err);
	return code;
}

/* --- files that belong to nobody
 * ----------------------------------------------
 */

static enum err_code
files_find(struct journal *j, struct journal_prune *p, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT f.attempt,f.kind,f.path FROM artifact f WHERE EXISTS("
	    "SELECT 1 FROM archived x WHERE x.job=f.attempt/256) OR NOT EXISTS("
	    "SELECT 1 FROM person n WHERE n.job=f.attempt/256) ORDER BY "
	    "f.attempt,f.kind",
	    err);
	size_t cap = 0;
	bool row = true;

	if (st == NULL)
		return err->code;
	for (;;) {
		if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		if (p->file_count == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			p->files =
			    mem_realloc(p->files, cap, sizeof(*p->files));
		}
		p->files[p->file_count++] = (struct journal_prune_file){
		    .attempt = sqlite3_column_int64(st, 0),
		    .kind = sqlite3_column_int(st, 1),
		    .path = journal_db_dup_text(st, 2)};
	}
}

struct forgetting {
	struct journal_tx tx;
	const struct journal_prune *p;
	size_t from, to;
};

static enum err_code
forget_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct forgetting *f = CONTAINER_OF(tx, struct forgetting, tx);

	for (size_t i = f->from; i < f->to; i++) {
		sqlite3_stmt *st = journal_db_get(&j->w,
		    "DELETE FROM artifact WHERE attempt=?1 AND kind=?2", err);

		if (st == NULL)
			return err->code;
		journal_db_i64(st, 1, f->p->files[i].attempt);
		journal_db_i64(st, 2, f->p->files[i].kind);
		if (journal_db_done(&j->w, st, err) != ERR_NONE)
			return err->code;
	}
	return ERR_NONE;
}

enum err_code
journal_prune_files_gone(
    struct journal *j, const struct journal_prune *p, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < p->file_count && code == ERR_NONE;
	     i += JOURNAL_PRUNE_CHUNK) {
		struct forgetting f = {
		    .tx = {.run = forget_run, .cls = JOURNAL_CLAIM},
		    .p = p,
		    .from = i,
		    .to = i + JOURNAL_PRUNE_CHUNK < p->file_count
			      ? i + JOURNAL_PRUNE_CHUNK
			      : p->file_count};

		code = journal_now(j, &f.tx, err);
		CRASH_POINT("journal.prune.forgotten");
	}
	return code;
}

struct sweeping {
	struct journal_tx tx;
	int64_t before_ms;
};

/* What was read in another's store, and is as old as what is pruned. */
static enum err_code
sweep_cache(struct journal *j, int64_t before_ms, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(&j->w, "DELETE FROM cache WHERE fetched_ms<?1", err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, before_ms);
	return journal_db_done(&j->w, st, err);
}

/* Dials that were too young when their job was pruned. */
static enum err_code
sweep_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	const struct sweeping *s = CONTAINER_OF(tx, struct sweeping, tx);
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "DELETE FROM dial WHERE at_ms<?1 AND EXISTS(SELECT 1 FROM archived "
	    "x WHERE x.job=dial.attempt/256)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->group_ms - JOURNAL_PRUNE_DIALS_MS);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	return sweep_cache(j, s->before_ms, err);
}

/* --- prune
 * --------------------------------------------------------------------
 */

/* archive/pruned-20260105T090000Z.jsonl, or with a number behind it. */
static char *
new_name(struct journal *j)
{
	char time[TEXT_TIME_MAX];
	char name[TEXT_TIME_MAX];
	struct err ignored;
	size_t n = 0;

	(void)text_of_time(env_now_ms(j->env), time);
	for (const char *p = time; *p != '\0' && *p != '.'; p++)
		if (*p != '-' && *p != ':')
			name[n++] = *p;
	name[n] = '\0';
	for (int i = 1;; i++) {
		char more[16] = "";
		struct env_stat st;

		if (i > 1)
			(void)snprintf(more, sizeof(more), "-%d", i);
		char *path =
		    mem_printf("archive/pruned-%sZ%s.jsonl", name, more);
		char *whole = mem_printf("%s/%s", j->dir, path);
		bool taken = env_stat(j->env, whole, &st, &ignored) == ERR_NONE;

		mem_free(&whole);
		if (!taken)
			return path;
		mem_free(&path);
	}
}

/* What was written must read back as meant before anything is removed. */
static enum err_code
file_make(struct journal *j, const char *path, int64_t before_ms,
    struct journal_prune_plan *plan, struct err *err)
{
	char *whole = mem_printf("%s/%s", j->dir, path);
	struct journal_archive a = {0};
	enum err_code code =
	    journal_archive_write(j, whole, before_ms, plan, err);

	if (code == ERR_NONE)
		code = journal_archive_verify(j->env, whole, &a, err);
	if (code == ERR_NONE && a.jobs != (int64_t)plan->count)
		code = err_set(err, ERR_DAMAGED, 0, "%s holds %lld of %zu jobs",
		    whole, (long long)a.jobs, plan->count);
	mem_free(&whole);
	return code;
}

/* One file and its jobs; *more: there may be others. */
static enum err_code
prune_some(
    struct journal *j, struct journal_prune *p, bool *more, struct err *err)
{
	struct journal_prune_plan plan = {0};
	char *path = NULL;
	int64_t removed = 0;
	enum err_code code = journal_db_exec(&j->r, "BEGIN", err);

	*more = false;
	if (code != ERR_NONE)
		return code;
	code = plan_make(j, p, &plan, err);
	if (code == ERR_NONE && plan.count > 0 && !p->dry_run) {
		path = new_name(j);
		code = file_make(j, path, p->before_ms, &plan, err);
	}
	(void)sqlite3_exec(j->r.h, "ROLLBACK", NULL, NULL, NULL);
	CRASH_POINT("journal.prune.archived");
	if (code == ERR_NONE && path != NULL)
		code = journal_prune_remove(j, &plan, path, &removed, err);
	p->jobs += p->dry_run ? (int64_t)plan.count : removed;
	*more = code == ERR_NONE && removed > 0 && plan.count == FILE_JOBS_MAX;
	if (path != NULL) {
		mem_free(&p->archive);
		p->archive = path;
	}
	plan_free(&plan);
	return code;
}

enum err_code
journal_prune(struct journal *j, struct journal_prune *p, struct err *err)
{
	struct sweeping sweep = {.tx = {.run = sweep_run, .cls = JOURNAL_CLAIM},
	    .before_ms = p->before_ms};
	const char *why = NULL;
	bool more = true;
	enum err_code code = ERR_NONE;

	CHECK(journal_pending(j) == 0);
	p->jobs = 0;
	p->archive = NULL;
	p->files = NULL;
	p->file_count = 0;
	if (!journal_clock_trusted(j, &why))
		return err_set(err, ERR_PERSON, 0,
		    "the wall clock is not trusted, so nobody knows what is "
		    "old: %s; see `dsrun clock`",
		    why);
	while (code == ERR_NONE && more)
		code = prune_some(j, p, &more, err);
	if (code == ERR_NONE && !p->dry_run)
		code = journal_now(j, &sweep.tx, err);
	if (code == ERR_NONE && !p->dry_run)
		code = files_find(j, p, err);
	return code;
}

void
journal_prune_fini(struct journal_prune *p)
{
	for (size_t i = 0; i < p->file_count; i++)
		mem_free(&p->files[i].path);
	mem_free(&p->files);
	mem_free(&p->archive);
	p->file_count = 0;
}
