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

#define CREATE_WAIT_MS 10000
#define CREATE_POLL_US 5000
#define JOIN_WAIT_MS 10000

/* --- creating ---------------------------------------------------------------
 */

static const char *const rooms[] = {
    "recordings", "out", "sim", "spool", "rejects", "archive", "logs"};

static enum err_code
head_insert(struct journal *j, struct journal_db *db, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "INSERT INTO head VALUES(1,?1,?2,?3,0,?4,?5,?6,?7,0,0,?8,0,?8,1,1,"
	    "?9,0,0,0)",
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
	enum err_code code = journal_swap_touch(j->env, path, err);

	if (code == ERR_NONE)
		code = journal_db_open(
		    &db, j->env, path, SQLITE_OPEN_READWRITE, err);
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

/* The directory is ours alone, or somebody was faster and the journal is there.
 */
static enum err_code
wait_to_create(struct journal *j, bool *there, struct err *err)
{
	int64_t until_ms = env_real_boot_ms(j->env) + CREATE_WAIT_MS;
	struct env_stat st;
	struct err ignored;
	enum err_code code;

	for (;;) {
		*there =
		    env_stat(j->env, j->db_path, &st, &ignored) == ERR_NONE;
		if (*there)
			return ERR_NONE;
		code =
		    env_lock(j->env, j->owners, OWNERS_USERS, true, &ignored);
		if (code != ERR_BUSY || env_real_boot_ms(j->env) >= until_ms)
			break;
		env_pause(j->env, CREATE_POLL_US);
	}
	/* Once more, to say who has it. */
	code = journal_users_lock(j, true, err);
	/* Between the look and the lock. */
	*there = env_stat(j->env, j->db_path, &st, &ignored) == ERR_NONE;
	return code;
}

static enum err_code
database_put(struct journal *j, struct err *err)
{
	char *tmp = mem_printf("%s/journal.new", j->dir);
	char *hot = mem_printf("%s/journal.new-journal", j->dir);
	struct err ignored;
	enum err_code code;

	(void)env_remove(j->env, tmp, &ignored);
	(void)env_remove(j->env, hot, &ignored);
	code = database_build(j, tmp, err);
	CRASH_POINT("journal.create.closed");
	if (code == ERR_NONE)
		code = env_rename(j->env, tmp, j->db_path, err);
	CRASH_POINT("journal.create.renamed");
	if (code == ERR_NONE)
		code = env_sync_dir(j->env, j->dir, err);
	mem_free(&hot);
	mem_free(&tmp);
	return code;
}

/*
 * Make an empty journal.  It is built beside its place in rollback mode and
 * renamed: a crash leaves no journal.db, and the next create begins again.
 * Two who create at once meet at the exclusive users' lock.  A mark without a
 * journal is not a place to begin: the file that belongs to it was lost.
 */
static enum err_code
create(struct journal *j, struct err *err)
{
	bool there = false;
	enum err_code code = wait_to_create(j, &there, err);

	if (code == ERR_NONE && !there)
		code = journal_mark_read(&j->lock, err);
	if (code == ERR_NONE && !there && j->lock.mark.stamp != 0)
		code = err_set(err, ERR_DAMAGED, 0,
		    "%s is missing, but %s says that commit %lld was written "
		    "here: put it back, or: dsrun restore FILE",
		    j->db_path, j->lock.path, (long long)j->lock.mark.commits);
	if (code == ERR_NONE && !there)
		code = journal_place_ids(j, true, err);
	if (code == ERR_NONE && !there)
		code = database_put(j, err);
	/* The lock is kept: the next one asked for, shared, replaces it. */
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
	enum err_code code = journal_wal_open(j, err);

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

/* Under the write lock, so that a broken disk can be told of. */
static enum err_code
migrate_locked(struct journal *j, int64_t version, struct err *err)
{
	enum err_code code = journal_db_exec(&j->w, "BEGIN IMMEDIATE", err);

	if (code == ERR_NONE)
		code = journal_schema_migrate(&j->w, (int)version, err);
	CRASH_POINT("journal.migrate.run");
	if (code == ERR_NONE)
		code = journal_db_exec(&j->w, "COMMIT", err);
	CRASH_POINT("journal.migrate.committed");
	journal_disk_judge(j, code, err);
	return code;
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
		code = journal_swap_touch(j->env, copy, err);
		if (code == ERR_NONE)
			code = journal_db_exec(&j->w, sql, err);
		CRASH_POINT("journal.migrate.copied");
		if (code == ERR_NONE)
			code = journal_lock_take(&j->lock, JOIN_WAIT_MS, err);
		if (code == ERR_NONE)
			code = migrate_locked(j, version, err);
		journal_lock_give(&j->lock);
	}
	sqlite3_free(sql);
	mem_free(&copy);
	if (env_lock(j->env, j->owners, OWNERS_USERS, false, &ignored) !=
		ERR_NONE &&
	    code == ERR_NONE)
		code = err_set(err, ERR_BUSY, 0, "%s", ignored.text);
	return code;
}

static void
ballast_make(struct journal *j)
{
	char *path = mem_printf("%s/ballast", j->dir);
	struct env_stat st;
	struct env_space space;
	struct env_file *f = NULL;
	struct err ignored;
	bool made = false;

	if (j->ballast_bytes > 0 &&
	    env_stat(j->env, path, &st, &ignored) != ERR_NONE &&
	    env_space(j->env, j->dir, &space, &ignored) == ERR_NONE &&
	    space.free_bytes > 4 * j->ballast_bytes &&
	    env_open(j->env, path, ENV_WRITE | ENV_CREATE, &f, &ignored) ==
		ERR_NONE)
		made = env_allocate(j->env, f, j->ballast_bytes, &ignored) ==
		       ERR_NONE;
	if (f != NULL && !made)
		(void)env_remove(j->env, path, &ignored);
	env_close(j->env, &f);
	mem_free(&path);
}

static enum err_code
missing(struct journal *j, struct err *err)
{
	return err_set(err, ERR_CONFIG, 0,
	    "no journal at %s: check --dir and DSRUN_DIR, or make one with: "
	    "dsrun init --dir %s",
	    j->db_path, j->dir);
}

/* What cannot be looked at is not missing: a journal may well lie there. */
static enum err_code
lies_there(struct journal *j, const char *name, bool *there, struct err *err)
{
	char *path = mem_printf("%s/%s", j->dir, name);
	struct env_stat st;
	enum err_code code = env_stat(j->env, path, &st, err);

	*there = code == ERR_NONE;
	mem_free(&path);
	return code == ERR_NOT_FOUND ? ERR_NONE : code;
}

/* Of an exchange that a crash interrupted, journal.swap may be all there is. */
static enum err_code
nothing_there(struct journal *j, bool *nothing, struct err *err)
{
	bool there = false;
	enum err_code code = lies_there(j, "journal.db", &there, err);

	if (code == ERR_NONE && !there)
		code = lies_there(j, "journal.swap", &there, err);
	*nothing = !there;
	return code;
}

/* One of the users; who creates or mends a journal is done soon. */
static enum err_code
join(struct journal *j, struct err *err)
{
	int64_t until_ms = env_real_boot_ms(j->env) + JOIN_WAIT_MS;
	struct err ignored;

	while (env_lock(j->env, j->owners, OWNERS_USERS, false, &ignored) ==
		   ERR_BUSY &&
	       env_real_boot_ms(j->env) < until_ms)
		env_pause(j->env, CREATE_POLL_US);
	/* Once more, to say who has it. */
	return journal_users_lock(j, false, err);
}

/*
 * A power cut may take the newest marks back to one that a journal without its
 * -wal agrees with.  dsrun never removes a -wal: in a new boot one that is
 * missing was taken away, unless the file was put in place and has had none
 * that is sure to be there (journal_wal_open).  Before SQLite opens it, for
 * that makes a -wal; and in this boot it was made.
 */
static enum err_code
wal_is_there(struct journal *j, struct err *err)
{
	const struct journal_mark *m = &j->lock.mark;
	struct env_file *f = NULL;
	uint8_t mode = 0; /* 2: WAL */
	size_t got = 0;
	bool there = false;
	enum err_code code = lies_there(j, "journal.db-wal", &there, err);

	if (code != ERR_NONE || there || m->stamp == 0 ||
	    (m->flags & MARK_PLACED) != 0 ||
	    memcmp(m->boot, j->env->boot_id, sizeof(m->boot)) == 0)
		return code;
	code = env_open(j->env, j->db_path, ENV_READ, &f, err);
	if (code == ERR_NONE)
		code = env_pread(j->env, f, &mode, 1, 18, &got, err);
	env_close(j->env, &f);
	if (code != ERR_NONE || mode != 2)
		return code;
	return err_set(err, ERR_DAMAGED, 0,
	    "%s went back in time, perhaps: %s-wal is missing since the last "
	    "boot, and with it what was written there.  Nothing is claimed or "
	    "taken in.  Put it back, or: dsrun restore FILE --by NAME / dsrun "
	    "adopt --by NAME",
	    j->db_path, j->db_path);
}

/* What must come to an end before the database may be opened. */
static enum err_code
mend(struct journal *j, struct err *err)
{
	bool there = false;
	enum err_code code = journal_mark_read(&j->lock, err);

	if (code == ERR_NONE && (j->lock.mark.flags & MARK_SWAP) != 0)
		code = journal_swap_finish(j, err);
	if (code == ERR_NONE)
		code = lies_there(j, "journal.db", &there, err);
	if (code == ERR_NONE && !there)
		code = missing(j, err);
	if (code == ERR_NONE && (j->lock.mark.flags & MARK_IO_ERROR) != 0)
		code = journal_rebuild(j, err);
	return code == ERR_NONE ? wal_is_there(j, err) : code;
}

/* The files, then locks, mark, SQLite; each step needs the one before. */
static enum err_code
open_steps(struct journal *j, const struct journal_options *o, bool make,
    struct err *err)
{
	struct journal_mark mark;
	int64_t version = 0;
	enum err_code code = journal_place_open(j, make, err);

	if (code == ERR_NONE && make)
		code = create(j, err);
	if (code == ERR_NONE)
		code = journal_place_ids(j, false, err);
	if (code == ERR_NONE)
		code = join(j, err);
	if (code == ERR_NONE)
		code = mend(j, err);
	mark = j->lock.mark;
	if (code == ERR_NONE)
		code = rooms_make(j, err);
	if (code == ERR_NONE)
		code = connections_open(j, err);
	if (code == ERR_NONE)
		code = schema_version(j, &version, err);
	if (code == ERR_NONE && version < journal_schema_newest())
		code = migrate(j, err);
	if (code == ERR_NONE)
		code = journal_head_read(&j->w, &j->head, err);
	if (code == ERR_NONE)
		code = journal_verify_locks(j, err);
	if (code == ERR_NONE)
		code = journal_verify_mark(j, &mark, err);
	if (code == ERR_NONE && !o->skip_verify)
		code = journal_verify_tail(j, err);
	return code;
}

enum err_code
journal_open(
    const struct journal_options *o, struct journal **out, struct err *err)
{
	struct journal *j = mem_zalloc(1, sizeof(*j));
	char hex[2 * ENV_ID_BYTES + 1];
	enum err_code code;
	bool make = false;

	*out = NULL;
	j->env = o->env;
	j->sinks = 1U << JOURNAL_SINK_FILE;
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
	code = nothing_there(j, &make, err);
	if (code == ERR_NONE && make && o->mode == JOURNAL_CREATE)
		code = env_make_dirs(j->env, o->dir, err);
	else if (code == ERR_NONE && make)
		code = missing(j, err);
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
journal_knew_ms(const struct journal *j)
{
	return j->head.knew_ms;
}

int64_t
journal_group_boot_ms(const struct journal *j)
{
	return j->group_boot_ms;
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
