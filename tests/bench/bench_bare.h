#ifndef DSRUN_TESTS_BENCH_BARE_H
#define DSRUN_TESTS_BENCH_BARE_H

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <sqlite3.h>

#include "bench.h"
#include "job/job_key.h"
#include "job/job_state.h"

/* The bare loop's statements and how it runs them: nothing but SQLite. */

enum statement {
	BEGIN,
	COMMIT,
	HEAD,
	TALLY,
	KNOWN,
	JOB_ADD,
	PERSON_ADD,
	EVENT_ADD,
	PAUSED,
	CANDIDATES,
	DNC,
	JOB_MOVE,
	JOB_TOUCH,
	ATTEMPT_ADD,
	ATTEMPT_MOVE,
	ATTEMPT_END,
	DIAL_ADD,
	INBOX,
	SEAL,
	OUTBOX_ADD,
	OUTBOX_DUE,
	OUTBOX_DONE,
	RESULT,
	APPEND,
	STATEMENTS
};

static const char *const sql[STATEMENTS] = {[BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [HEAD] = "UPDATE head SET commits=?1,seq=?2,hash=?3,sealed=?4,"
	     "sealed_hash=?5,next_job=?6,next_outbox=?7",
    [TALLY] = "UPDATE tally SET n=n+?2 WHERE state=?1",
    [KNOWN] = "SELECT id,content FROM job WHERE source=1 AND ext=?1",
    [JOB_ADD] =
	"INSERT INTO job(id,source,ext,content,kind,campaign,step,final,state,"
	"priority,not_before_ms,reason,outcome,attempts,tries,crashes,revision,"
	"opened_ms,last) "
	"VALUES(?1,1,?2,?3,1,1,0,0,?4,0,0,0,?5,?6,?6,0,?7,0,?8)",
    [PERSON_ADD] = "INSERT INTO person(job,number,contact,data) "
		   "VALUES(?1,?2,'{}','{}')",
    [EVENT_ADD] = "INSERT INTO event(seq,job,n,prev,at_ms,step,job_state,"
		  "attempt,attempt_state,detail,hash) "
		  "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    [PAUSED] = "SELECT 1 FROM pause WHERE campaign IN (0,1)",
    [CANDIDATES] =
	"SELECT j.id,p.number,j.last,e.n,e.hash,j.ext FROM job j INDEXED BY "
	"job_ready JOIN person p ON p.job=j.id JOIN event e ON e.seq=j.last "
	"WHERE j.state=1 AND j.campaign=1 AND NOT EXISTS(SELECT 1 FROM attempt "
	"a WHERE a.number=p.number) AND NOT EXISTS(SELECT 1 FROM attempt a "
	"WHERE a.org=p.org) ORDER BY j.priority,j.id LIMIT ?1",
    [DNC] = "SELECT kind FROM dnc WHERE number=?1",
    [JOB_MOVE] = "UPDATE job SET state=?4,last=?5,outcome=?6,attempts=1,"
		 "tries=1,revision=?7 WHERE id=?1 AND state=?2 AND last=?3",
    [JOB_TOUCH] = "UPDATE job SET last=?4 WHERE id=?1 AND state=?2 AND last=?3",
    [ATTEMPT_ADD] =
	"INSERT INTO attempt(id,state,owner,campaign,kind,number,key,request,"
	"terms,dial_until_ms,armed_ms,placed_ms,answered_ms,ended_ms,outcome,"
	"carrier_call,last) "
	"VALUES(?1,?2,?3,1,1,?4,?5,?5,1,?6,?6,?7,?7,?7,?8,?9,?10)",
    [ATTEMPT_MOVE] = "UPDATE attempt SET state=?2,last=?3,carrier_call=?4,"
		     "placed_ms=?5,answered_ms=?6 WHERE id=?1 AND last=?7 AND "
		     "state=?8",
    [ATTEMPT_END] = "UPDATE attempt SET state=?2,last=?3,owner=NULL,"
		    "number=NULL,ended_ms=?4,outcome=?5 WHERE id=?1 AND "
		    "last=?6 AND state=?7",
    [DIAL_ADD] = "INSERT INTO dial(number,at_ms,attempt) VALUES(?1,?2,?3)",
    [INBOX] = "SELECT id FROM inbox INDEXED BY inbox_open WHERE attempt=?1 "
	      "AND folded IS NULL",
    [SEAL] = "INSERT INTO sealed(n,job,revision,state,outcome,identity,last,"
	     "hash) VALUES(?1,?2,1,?3,?4,?5,?6,?7)",
    [OUTBOX_ADD] = "INSERT INTO outbox(id,job,sink,revision,attempt,state,"
		   "tries,next_ms) VALUES(?1,?2,1,1,?3,?4,?4,0)",
    [OUTBOX_DUE] = "SELECT id,job,attempt FROM outbox INDEXED BY outbox_due "
		   "WHERE state=0 AND sink=1 AND next_ms<=?1 ORDER BY next_ms,"
		   "id LIMIT ?2",
    [OUTBOX_DONE] = "UPDATE outbox SET state=1,tries=1 WHERE id=?1",
    [RESULT] = "SELECT j.ext,j.state,j.outcome,p.number,a.carrier_call,"
	       "a.placed_ms,a.answered_ms,a.ended_ms FROM job j JOIN person p "
	       "ON p.job=j.id JOIN attempt a ON a.id=?2 WHERE j.id=?1",
    [APPEND] = "INSERT OR REPLACE INTO append(path,name,size,rows,bytes) "
	       "VALUES('out/results','results.jsonl',?1,?2,?3)"};

struct bare {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	int wal_pages;
	uint8_t journal[16];
	int64_t commits, seq, sealed, next_job, next_outbox, size, now_ms;
	uint8_t hash[SHA256_BYTES], sealed_hash[SHA256_BYTES];
	int64_t tally[JOB_NONE];
};

/* --- SQLite ----------------------------------------------------------------
 */

static void
failed(const struct bare *b, const char *text)
{
	(void)fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(b->db));
	exit(1);
}

static void
exec(struct bare *b, const char *text)
{
	if (sqlite3_exec(b->db, text, NULL, NULL, NULL) != SQLITE_OK)
		failed(b, text);
}

/* i a number, o a number or NULL when 0, t text or NULL, b 32 bytes, z 16. */
static void
bind(sqlite3_stmt *st, const char *types, va_list ap)
{
	for (int i = 1; *types != '\0'; types++, i++) {
		int64_t v;

		switch (*types) {
		case 'i':
			(void)sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
			break;
		case 'o':
			v = va_arg(ap, int64_t);
			if (v != 0)
				(void)sqlite3_bind_int64(st, i, v);
			else
				(void)sqlite3_bind_null(st, i);
			break;
		case 't':
			(void)sqlite3_bind_text(
			    st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
			break;
		default:
			(void)sqlite3_bind_blob(st, i, va_arg(ap, const void *),
			    *types == 'b' ? 32 : 16, SQLITE_STATIC);
		}
	}
}

static sqlite3_stmt *
ask(struct bare *b, enum statement s, const char *types, ...)
{
	va_list ap;

	if (b->st[s] == NULL &&
	    sqlite3_prepare_v3(b->db, sql[s], -1, SQLITE_PREPARE_PERSISTENT,
		&b->st[s], NULL) != SQLITE_OK)
		failed(b, sql[s]);
	va_start(ap, types);
	bind(b->st[s], types, ap);
	va_end(ap);
	return b->st[s];
}

/* Step once: there must be a row, or none. */
static void
look(struct bare *b, sqlite3_stmt *st, int want)
{
	if (sqlite3_step(st) != want)
		failed(b, sqlite3_sql(st));
	(void)sqlite3_reset(st);
}

#define RUN(b, ...) look(b, ask(b, __VA_ARGS__), SQLITE_DONE)

/* What misses its guard is a bug of this program. */
#define CHANGE(b, ...)                               \
	do {                                         \
		RUN(b, __VA_ARGS__);                 \
		MUST(sqlite3_changes((b)->db) == 1); \
	} while (0)

static int
wal_hook(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct bare *b = arg;

	(void)db;
	(void)name;
	b->wal_pages = pages;
	return SQLITE_OK;
}

/* The log grows ahead as it does for pkg/journal (journal_wal.c). */
static void
grow(struct bare *b)
{
	static const char zeros[1 << 16];
	int64_t used = 32 + b->wal_pages * INT64_C(4120);
	int64_t step = used < 131840 ? 131840 : used < 1 << 20 ? used : 1 << 20;
	int64_t until = used + step;
	sqlite3_file *f = NULL;
	sqlite3_int64 size = 0;

	MUST(sqlite3_file_control(
		 b->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &f) == SQLITE_OK);
	MUST(f->pMethods->xFileSize(f, &size) == SQLITE_OK);
	if (size >= used + 24 * INT64_C(4120))
		return;
	while (size < until) {
		int n = until - size < (int64_t)sizeof(zeros)
			    ? (int)(until - size)
			    : (int)sizeof(zeros);

		MUST(f->pMethods->xWrite(f, zeros, n, size) == SQLITE_OK);
		size += n;
	}
}

static void
blob(sqlite3_stmt *st, int i, uint8_t *out, int len)
{
	MUST(sqlite3_column_bytes(st, i) == len);
	memcpy(out, sqlite3_column_blob(st, i), (size_t)len);
}

#endif
