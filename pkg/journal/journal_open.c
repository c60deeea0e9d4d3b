#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/text.h"

#include "journal/journal_priv.h"

/*
 * From a directory to a journal that may be written to.
 *
 * Order matters: who we are and where we stand first, then the users' lock
 * (nobody may exchange the files under us), then the mark, and only then
 * SQLite, so that a journal that went back in time is refused before anything
 * is read from it as if it were true.
 */

#define OWNERS_USERS 0
#define VERIFY_EVENTS 1000
#define QUICK_CHECK_BYTES (INT64_C(256) << 20)

/* statfs f_type of file systems on which locks or WAL cannot be trusted. */
static const struct {
	uint64_t magic;
	const char *name;
} refused[] = {{0x6969, "NFS"}, {0x517b, "SMB"}, {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB2"}, {0x01021997, "9P"}, {0x65735546, "FUSE"},
    {0x6a656a63, "virtiofs"}, {0x00c36400, "Ceph"}, {0x5346414f, "AFS"},
    {0x6b414653, "AFS"}, {0x0bd00bd0, "Lustre"}};

enum err_code
journal_refuse_place(struct env *env, const char *dir, struct err *err)
{
	struct env_stat st;
	struct env_space space;

	if (env_stat(env, dir, &st, err) != ERR_NONE)
		return err_wrap(err, "data directory");
	if (!st.is_dir)
		return err_set(
		    err, ERR_CONFIG, 0, "%s is not a directory", dir);
	if (st.uid != env->uid)
		return err_set(err, ERR_CONFIG, 0,
		    "%s belongs to uid %u, this runs as uid %u: run dsrun as "
		    "its owner",
		    dir, st.uid, env->uid);
	if (env_space(env, dir, &space, err) != ERR_NONE)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (space.fs_magic == refused[i].magic)
			return err_set(err, ERR_CONFIG, 0,
			    "%s lies on %s, where SQLite's locks cannot be "
			    "trusted: use a local disk",
			    dir, refused[i].name);
	return ERR_NONE;
}

static enum err_code
owners_open(struct journal *j, bool create, struct err *err)
{
	char *path = mem_printf("%s/owners.lock", j->dir);
	struct env_stat st;
	size_t got = 0;
	enum err_code code = env_open(j->env, path,
	    ENV_READ | ENV_WRITE | (create ? ENV_CREATE : 0U), &j->owners, err);

	if (code == ERR_NOT_FOUND)
		code = err_set(err, ERR_DAMAGED, 0,
		    "%s is missing: see `dsrun help adopt`", path);
	if (code == ERR_NONE)
		code = env_pread(j->env, j->owners, j->owners_id,
		    sizeof(j->owners_id), 0, &got, err);
	if (code == ERR_NONE && got < sizeof(j->owners_id) && !create)
		code = err_set(err, ERR_DAMAGED, 0,
		    "%s is empty: see `dsrun help adopt`", path);
	if (code == ERR_NONE && got < sizeof(j->owners_id)) {
		env_random(j->env, j->owners_id, sizeof(j->owners_id));
		code = env_pwrite(j->env, j->owners, j->owners_id,
		    sizeof(j->owners_id), 0, err);
		if (code == ERR_NONE)
			code = env_sync(j->env, j->owners, err);
	}
	if (code == ERR_NONE)
		code = env_fstat(j->env, j->owners, &st, err);
	if (code == ERR_NONE)
		j->owners_inode = st.inode;
	mem_free(&path);
	return code;
}

struct pid_search {
	struct journal *j;
	struct buf *out;
	const char *pid;
	char needle[48];
};

/* One open file of one process: does it hold a byte of owners.lock? */
static void
search_file(void *arg, const char *fd)
{
	struct pid_search *s = arg;
	char *path = mem_printf("/proc/%s/fdinfo/%s", s->pid, fd);
	struct env_file *f = NULL;
	char text[2048];
	size_t got = 0;
	struct err ignored;

	if (env_open(s->j->env, path, ENV_READ, &f, &ignored) == ERR_NONE &&
	    env_pread(s->j->env, f, text, sizeof(text) - 1, 0, &got,
		&ignored) == ERR_NONE) {
		text[got] = '\0';
		if (strstr(text, s->needle) != NULL &&
		    strstr(buf_text(s->out), s->pid) == NULL &&
		    s->out->len < 100)
			buf_printf(s->out, "%s%s",
			    s->out->len > 0 ? ", " : "pid ", s->pid);
	}
	env_close(s->j->env, &f);
	mem_free(&path);
}

static void
search_process(void *arg, const char *name)
{
	struct pid_search *s = arg;
	char *path = NULL;
	struct err ignored;

	if (*name < '1' || *name > '9' || atoll(name) == s->j->env->pid)
		return;
	s->pid = name;
	path = mem_printf("/proc/%s/fdinfo", name);
	(void)env_list_dir(s->j->env, path, search_file, s, &ignored);
	mem_free(&path);
}

/* F_OFD_GETLK gives pid -1, but /proc/PID/fdinfo names each lock's inode. */
void
journal_users_pids(struct journal *j, char *out, size_t size)
{
	struct buf text = BUF_INIT(256);
	struct pid_search s = {.j = j, .out = &text};
	struct err ignored;

	(void)snprintf(s.needle, sizeof(s.needle), ":%llu 0 0",
	    (unsigned long long)j->owners_inode);
	(void)env_list_dir(j->env, "/proc", search_process, &s, &ignored);
	(void)snprintf(out, size, "%s", buf_text(&text));
	buf_free(&text);
}

enum err_code
journal_users_lock(struct journal *j, bool exclusive, struct err *err)
{
	enum err_code code =
	    env_lock(j->env, j->owners, OWNERS_USERS, exclusive, err);

	if (code != ERR_BUSY)
		return code;
	char pids[128];

	journal_users_pids(j, pids, sizeof(pids));
	if (exclusive)
		return err_set(err, ERR_BUSY, 0,
		    "%s is in use by %s: stop them first, then try again",
		    j->dir, pids[0] != '\0' ? pids : "other dsrun processes");
	return err_set(err, ERR_BUSY, 0,
	    "%s is being restored, migrated or rebuilt by %s: try again soon",
	    j->dir, pids[0] != '\0' ? pids : "another dsrun");
}

/* --- creating ---------------------------------------------------------------
 */

static const char *const rooms[] = {
    "recordings", "out", "sim", "spool", "rejects", "archive", "logs"};

static enum err_code
head_insert(struct journal *j, struct journal_db *db, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "INSERT INTO head VALUES(1,?1,?2,?3,0,?4,?5,?6,?7,0,0,?8,0,?8,1,1,"
	    "?9,0,0)",
	    err);
	uint8_t id[ENV_ID_BYTES];
	uint8_t incarnation[8];
	uint8_t zero[SHA256_BYTES] = {0};

	if (st == NULL)
		return err->code;
	env_random(j->env, id, sizeof(id));
	env_random(j->env, incarnation, sizeof(incarnation));
	journal_db_blob(st, 1, id, sizeof(id));
	journal_db_blob(st, 2, incarnation, sizeof(incarnation));
	journal_db_i64(st, 3, env_now_ms(j->env));
	journal_db_blob(st, 4, j->lock.id, sizeof(j->lock.id));
	journal_db_i64(st, 5, (int64_t)j->lock.inode);
	journal_db_blob(st, 6, j->owners_id, sizeof(j->owners_id));
	journal_db_i64(st, 7, (int64_t)j->owners_inode);
	journal_db_blob(st, 8, zero, sizeof(zero));
	journal_db_blob(st, 9, zero, ENV_ID_BYTES);
	if (journal_db_done(db, st, err) != ERR_NONE)
		return err->code;
	return journal_db_exec(db,
	    "INSERT INTO tally SELECT value,0 FROM "
	    "json_each('[0,1,2,3,4,5,6,7]');"
	    "INSERT INTO campaign(id,name) VALUES(1,'')",
	    err);
}

static enum err_code
database_build(struct journal *j, const char *path, struct err *err)
{
	struct journal_db db = {0};
	enum err_code code = journal_db_open(
	    &db, j->env, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);

	if (code == ERR_NONE)
		code = journal_db_exec(&db, "BEGIN IMMEDIATE", err);
	if (code == ERR_NONE)
		code = journal_schema_migrate(&db, 0, err);
	if (code == ERR_NONE)
		code = head_insert(j, &db, err);
	CRASH_POINT("journal.create.built");
	if (code == ERR_NONE)
		code = journal_db_exec(&db, "COMMIT", err);
	journal_db_close(&db);
	return code;
}

/*
 * Make an empty journal.  It is built beside its place in rollback mode and
 * renamed: a crash leaves no journal.db, and the next create begins again.
 * Two who create at once meet at the exclusive users' lock.
 */
static enum err_code
create(struct journal *j, struct err *err)
{
	char *tmp = mem_printf("%s/journal.new", j->dir);
	char *hot = mem_printf("%s/journal.new-journal", j->dir);
	struct env_stat st;
	struct err ignored;
	enum err_code code = journal_users_lock(j, true, err);

	if (code == ERR_NONE &&
	    env_stat(j->env, j->db_path, &st, &ignored) == ERR_NONE)
		goto out; /* somebody was faster */
	(void)env_remove(j->env, tmp, &ignored);
	(void)env_remove(j->env, hot, &ignored);
	if (code == ERR_NONE)
		code = database_build(j, tmp, err);
	CRASH_POINT("journal.create.closed");
	if (code == ERR_NONE)
		code = env_rename(j->env, tmp, j->db_path, err);
	CRASH_POINT("journal.create.renamed");
	if (code == ERR_NONE)
		code = env_sync_dir(j->env, j->dir, err);
out:
	(void)env_unlock(j->env, j->owners, OWNERS_USERS, &ignored);
	mem_free(&hot);
	mem_free(&tmp);
	return code;
}

static enum err_code
rooms_make(struct journal *j, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < ARRAY_LEN(rooms) && code == ERR_NONE; i++) {
		char *path = mem_printf("%s/%s", j->dir, rooms[i]);

		code = env_make_dir(j->env, path, err);
		mem_free(&path);
	}
	return code;
}

/* --- opening ----------------------------------------------------------------
 */

static int
wal_hook(void *arg, sqlite3 *h, const char *name, int pages)
{
	struct journal *j = arg;

	(void)h;
	(void)name;
	j->wal_pages = pages;
	return SQLITE_OK;
}

static enum err_code
connections_open(struct journal *j, struct err *err)
{
	struct env_stat st;
	int64_t application = 0;
	enum err_code code = journal_db_open(
	    &j->w, j->env, j->db_path, SQLITE_OPEN_READWRITE, err);

	if (code == ERR_NONE)
		code = journal_db_number(
		    &j->w, "PRAGMA application_id", &application, err);
	if (code == ERR_NONE && application != JOURNAL_APPLICATION_ID)
		code = err_set(err, ERR_CONFIG, 0,
		    "%s is a database, but not a journal of dsrun", j->db_path);
	if (code == ERR_NONE)
		code = journal_db_exec(&j->w, "PRAGMA journal_mode=WAL", err);
	if (code == ERR_NONE)
		code = journal_db_open(
		    &j->r, j->env, j->db_path, SQLITE_OPEN_READWRITE, err);
	if (code == ERR_NONE)
		code = journal_db_exec(&j->r, "PRAGMA query_only=ON", err);
	if (code == ERR_NONE)
		code = env_stat(j->env, j->db_path, &st, err);
	if (code != ERR_NONE)
		return code;
	j->db_inode = st.inode;
	(void)sqlite3_wal_hook(j->w.h, wal_hook, j);
	return ERR_NONE;
}

static void
connections_close(struct journal *j)
{
	journal_db_close(&j->r);
	journal_db_close(&j->w);
}

static enum err_code
schema_version(struct journal *j, int64_t *version, struct err *err)
{
	if (journal_db_number(&j->w, "PRAGMA user_version", version, err) !=
	    ERR_NONE)
		return err->code;
	if (*version > journal_schema_newest())
		return err_set(err, ERR_CONFIG, 0,
		    "%s has schema %lld, this program knows up to %d: use the "
		    "newer dsrun",
		    j->db_path, (long long)*version, journal_schema_newest());
	return ERR_NONE;
}

/*
 * To the newest schema: alone in the journal, with a copy taken first.  The
 * shared lock is dropped and the exclusive one asked for without waiting; who
 * gets it looks again, since another may have migrated in between.
 */
static enum err_code
migrate(struct journal *j, struct err *err)
{
	struct err ignored;
	int64_t version = 0;
	char *copy = NULL;
	char *sql = NULL;
	enum err_code code;

	(void)env_unlock(j->env, j->owners, OWNERS_USERS, &ignored);
	code = journal_users_lock(j, true, err);
	if (code == ERR_NONE)
		code = schema_version(j, &version, err);
	if (code == ERR_NONE && version < journal_schema_newest()) {
		copy = mem_printf("%s/archive/before-schema-%d.db", j->dir,
		    journal_schema_newest());
		(void)env_remove(j->env, copy, &ignored);
		sql = sqlite3_mprintf("VACUUM INTO %Q", copy);
		code = journal_db_exec(&j->w, sql, err);
		CRASH_POINT("journal.migrate.copied");
		if (code == ERR_NONE)
			code = journal_db_exec(&j->w, "BEGIN IMMEDIATE", err);
		if (code == ERR_NONE)
			code = journal_schema_migrate(&j->w, (int)version, err);
		CRASH_POINT("journal.migrate.run");
		if (code == ERR_NONE)
			code = journal_db_exec(&j->w, "COMMIT", err);
		CRASH_POINT("journal.migrate.committed");
	}
	sqlite3_free(sql);
	mem_free(&copy);
	if (env_lock(j->env, j->owners, OWNERS_USERS, false, &ignored) !=
		ERR_NONE &&
	    code == ERR_NONE)
		code = err_set(err, ERR_BUSY, 0, "%s", ignored.text);
	return code;
}

/* Same lock files as the journal knows? */
static enum err_code
locks_compare(struct journal *j, struct err *err)
{
	const struct journal_head *h = &j->head;

	if (memcmp(h->lock_id, j->lock.id, sizeof(h->lock_id)) == 0 &&
	    memcmp(h->owners_id, j->owners_id, sizeof(h->owners_id)) == 0 &&
	    h->lock_inode == j->lock.inode &&
	    h->owners_inode == j->owners_inode)
		return ERR_NONE;
	return err_set(err, ERR_DAMAGED, 0,
	    "%s: its lock files are not the ones it was made with (copied, "
	    "moved or removed).  When no other dsrun uses this directory: "
	    "dsrun adopt --by NAME",
	    j->dir);
}

/*
 * A journal behind its mark, or differing at it, went back in time: copied
 * over, -wal lost, a snapshot.  Calls it does not know of may have been placed.
 */
static enum err_code
mark_compare(struct journal *j, const struct journal_mark *m, struct err *err)
{
	const struct journal_head *h = &j->head;
	uint8_t hash[SHA256_BYTES];
	sqlite3_stmt *st = NULL;
	bool row = false;

	if (m->stamp == 0)
		return h->commits == 0
			   ? ERR_NONE
			   : err_set(err, ERR_DAMAGED, 0,
				 "%s/journal.lock has lost its mark: see "
				 "`dsrun help adopt`",
				 j->dir);
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
			goto back;
	}
	return ERR_NONE;
back:
	return err_set(err, ERR_DAMAGED, 0,
	    "%s went back in time: it ends at commit %lld, event %lld, but "
	    "commit %lld, event %lld was written here.  Nothing is claimed or "
	    "taken in.  Put the newer files back, or: dsrun restore FILE / "
	    "dsrun adopt --by NAME",
	    j->db_path, (long long)h->commits, (long long)h->seq,
	    (long long)m->commits, (long long)m->seq);
}

/* The newest events still hash to what they say. */
static enum err_code
verify_tail(struct journal *j, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT e.seq,e.job,e.n,e.at_ms,e.step,e.job_state,e.attempt,"
	    "e.attempt_state,e.detail,e.hash,p.hash FROM event e JOIN event p "
	    "ON p.seq=e.prev ORDER BY e.seq DESC LIMIT ?1",
	    err);
	enum err_code code = ERR_NONE;
	bool row = true;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, VERIFY_EVENTS);
	while (code == ERR_NONE) {
		uint8_t before[SHA256_BYTES], want[SHA256_BYTES];
		uint8_t got[SHA256_BYTES];

		code = journal_db_row(&j->w, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		struct job_event_fields f = {.seq = sqlite3_column_int64(st, 0),
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
		job_hash_event(before, &f, got);
		if (memcmp(got, want, sizeof(got)) != 0)
			code = err_set(err, ERR_DAMAGED, 0,
			    "%s: event %lld was altered: see `dsrun check`",
			    j->db_path, (long long)f.seq);
	}
	(void)sqlite3_reset(st);
	return code;
}

static enum err_code
verify(struct journal *j, struct err *err)
{
	struct env_stat st;
	int64_t open_owners = 0;
	char text[200];
	bool row = false;
	enum err_code code = verify_tail(j, err);

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
	if (strcmp(text, "ok") != 0)
		return err_set(err, ERR_DAMAGED, 0, "%s: %s: see `dsrun check`",
		    j->db_path, text);
	return ERR_NONE;
}

static void
ballast_make(struct journal *j)
{
	char *path = mem_printf("%s/ballast", j->dir);
	struct env_stat st;
	struct env_space space;
	struct env_file *f = NULL;
	struct err ignored;

	if (j->ballast_bytes > 0 &&
	    env_stat(j->env, path, &st, &ignored) != ERR_NONE &&
	    env_space(j->env, j->dir, &space, &ignored) == ERR_NONE &&
	    space.free_bytes > 4 * j->ballast_bytes &&
	    env_open(j->env, path, ENV_WRITE | ENV_CREATE, &f, &ignored) ==
		ERR_NONE)
		(void)env_allocate(j->env, f, j->ballast_bytes, &ignored);
	env_close(j->env, &f);
	mem_free(&path);
}

/* The files, then locks, mark, SQLite; each step needs the one before. */
static enum err_code
open_steps(struct journal *j, const struct journal_options *o, bool make,
    struct err *err)
{
	struct journal_mark mark;
	struct env_stat st;
	struct err ignored;
	int64_t version = 0;
	enum err_code code = owners_open(j, make, err);

	if (code == ERR_NONE)
		code = journal_lock_open(&j->lock, j->env, j->dir, make, err);
	if (code == ERR_NONE &&
	    env_stat(j->env, j->db_path, &st, &ignored) == ERR_NOT_FOUND &&
	    make)
		code = create(j, err);
	if (code == ERR_NONE)
		code = rooms_make(j, err);
	if (code == ERR_NONE)
		code = journal_users_lock(j, false, err);
	if (code == ERR_NONE)
		code = journal_mark_read(&j->lock, err);
	if (code == ERR_NONE && (j->lock.mark.flags & MARK_SWAP) != 0)
		code = journal_swap_finish(j, err);
	if (code == ERR_NONE && (j->lock.mark.flags & MARK_IO_ERROR) != 0)
		code = journal_rebuild(j, err);
	mark = j->lock.mark;
	if (code == ERR_NONE)
		code = connections_open(j, err);
	if (code == ERR_NONE)
		code = schema_version(j, &version, err);
	if (code == ERR_NONE && version < journal_schema_newest())
		code = migrate(j, err);
	if (code == ERR_NONE)
		code = journal_head_read(&j->w, &j->head, err);
	if (code == ERR_NONE)
		code = locks_compare(j, err);
	if (code == ERR_NONE)
		code = mark_compare(j, &mark, err);
	if (code == ERR_NONE && !o->skip_verify)
		code = verify(j, err);
	return code;
}

enum err_code
journal_open(
    const struct journal_options *o, struct journal **out, struct err *err)
{
	struct journal *j = mem_zalloc(1, sizeof(*j));
	struct env_stat st;
	struct err ignored;
	char hex[2 * ENV_ID_BYTES + 1];
	bool make = o->mode == JOURNAL_CREATE;
	enum err_code code = ERR_NONE;

	*out = NULL;
	j->env = o->env;
	j->dir = mem_strdup(o->dir);
	j->db_path = mem_printf("%s/journal.db", o->dir);
	j->build_ms = o->build_ms;
	j->checkpoint_bytes =
	    o->checkpoint_bytes > 0 ? o->checkpoint_bytes : 16 << 20;
	j->ballast_bytes = o->ballast_bytes;
	j->queue_max = o->queue_max > 0 ? o->queue_max : 4096;
	list_init(&j->backlog);
	for (size_t i = 0; i < ARRAY_LEN(j->batch); i++) {
		j->batch[i].j = j;
		list_init(&j->batch[i].finished);
	}
	if (make)
		code = env_make_dirs(j->env, o->dir, err);
	else if (env_stat(j->env, j->db_path, &st, &ignored) == ERR_NOT_FOUND)
		code = err_set(err, ERR_CONFIG, 0,
		    "no journal at %s: check --dir and DSRUN_DIR, or make one "
		    "with: dsrun init --dir %s",
		    j->db_path, o->dir);
	if (code == ERR_NONE)
		code = journal_refuse_place(j->env, o->dir, err);
	if (code == ERR_NONE)
		code = open_steps(j, o, make, err);
	if (code != ERR_NONE) {
		j->broken = true;
		journal_close(&j);
		return code;
	}
	ballast_make(j);
	j->group_ms = env_now_ms(j->env);
	j->group_boot_ms = env_boot_ms(j->env);
	journal_clock_judge(j);
	j->id_hex =
	    mem_strdup(text_hex(j->head.journal, sizeof(j->head.journal), hex));
	*out = j;
	return ERR_NONE;
}

void
journal_close(struct journal **jp)
{
	struct journal *j = *jp;
	struct err ignored;

	if (j == NULL)
		return;
	CHECK(j->pending == 0);
	if (!j->broken && j->w.h != NULL && j->wal_pages > 0 &&
	    journal_lock_take(&j->lock, 0, &ignored) == ERR_NONE) {
		(void)journal_checkpoint(j, true, &ignored);
		journal_lock_give(&j->lock);
	}
	connections_close(j);
	journal_lock_close(&j->lock);
	env_close(j->env, &j->owners);
	mem_free(&j->id_hex);
	mem_free(&j->db_path);
	mem_free(&j->dir);
	mem_free(jp);
}

const char *
journal_dir(const struct journal *j)
{
	return j->dir;
}

const char *
journal_id_hex(const struct journal *j)
{
	return j->id_hex;
}

const uint8_t *
journal_id(const struct journal *j)
{
	return j->head.journal;
}

bool
journal_is_fresh(const struct journal *j)
{
	return j->head.fresh;
}

int64_t
journal_opened_ms(const struct journal *j)
{
	return j->head.opened_ms;
}

int64_t
journal_group_ms(const struct journal *j)
{
	return j->group_ms;
}

bool
journal_clock_trusted(struct journal *j, const char **why)
{
	*why = j->clock_why;
	return j->clock_ok;
}

enum err_code
journal_version(struct journal *j, int64_t *out, struct err *err)
{
	return journal_db_number(&j->r, "PRAGMA data_version", out, err);
}
