#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crash.h"
#include "base/mem.h"

#include "journal/journal_copy.h"

#include "journal/journal_priv.h"

/*
 * The directory and its two lock files: may a journal lie here, are these the
 * files it was made with, and who else is using it.
 *
 * Both files begin with a random id that stands in the journal too, with the
 * file's inode.  An id is written only with the users' lock held exclusively:
 * two who make a journal at once would else each believe in their own.
 */

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
	enum err_code code = env_open(j->env, path,
	    ENV_READ | ENV_WRITE | (create ? ENV_CREATE : 0U), &j->owners, err);

	if (code == ERR_NOT_FOUND)
		code = err_set(err, ERR_DAMAGED, 0,
		    "%s is missing: see `dsrun help adopt`", path);
	if (code == ERR_NONE)
		code = env_fstat(j->env, j->owners, &st, err);
	if (code == ERR_NONE)
		j->owners_inode = st.inode;
	mem_free(&path);
	return code;
}

/* What the text of a refused open leaves unsaid. */
static enum err_code
advise(struct err *err)
{
	const struct err was = *err;

	if (was.code != ERR_IO ||
	    (was.sys != EACCES && was.sys != EPERM && was.sys != EROFS))
		return was.code;
	return err_set(err, was.code, was.sys,
	    "%s: dsrun must be able to read and write it: look at its owner "
	    "and mode, and at the mount",
	    was.text);
}

enum err_code
journal_place_open(struct journal *j, bool create, struct err *err)
{
	enum err_code code = owners_open(j, create, err);

	if (code == ERR_NONE)
		code = journal_lock_open(&j->lock, j->env, j->dir, create, err);
	if (code != ERR_NONE)
		return advise(err);
	return create ? env_sync_dir(j->env, j->dir, err) : ERR_NONE;
}

/* The first bytes of a lock file: read, or made when they are not there. */
static enum err_code
id_of(struct journal *j, struct env_file *f, const char *name, bool make,
    uint8_t id[ENV_ID_BYTES], struct err *err)
{
	size_t got = 0;
	enum err_code code =
	    env_pread(j->env, f, id, ENV_ID_BYTES, 0, &got, err);

	if (code != ERR_NONE)
		return code;
	/* Whoever wrote it may have died before it was on the disk. */
	if (got == ENV_ID_BYTES)
		return make ? env_sync(j->env, f, err) : ERR_NONE;
	if (!make)
		return err_set(err, ERR_DAMAGED, 0,
		    "%s/%s is empty: see `dsrun help adopt`", j->dir, name);
	env_random(j->env, id, ENV_ID_BYTES);
	code = env_pwrite(j->env, f, id, ENV_ID_BYTES, 0, err);
	if (code == ERR_NONE)
		code = env_sync(j->env, f, err);
	CRASH_POINT("journal.place.id");
	return code;
}

enum err_code
journal_place_ids(struct journal *j, bool make, struct err *err)
{
	enum err_code code =
	    id_of(j, j->owners, "owners.lock", make, j->owners_id, err);

	if (code == ERR_NONE)
		code = id_of(
		    j, j->lock.file, "journal.lock", make, j->lock.id, err);
	return code;
}

/*
 * Who uses a directory, as the kernel shows it: F_OFD_GETLK gives pid -1, but
 * /proc/PID/fdinfo names each lock's inode and bytes.
 */
struct pid_search {
	struct env *env;
	const char *pid;
	char needles[2][80]; /* one of them in a lock's line; "" is none */
	const uint8_t *id;   /* and the file begins so; NULL: however */
	int64_t pids[JOURNAL_PIDS_MAX];
	size_t count;
};

static bool
begins_with_id(struct pid_search *s, const char *fd)
{
	char *path = mem_printf("/proc/%s/fd/%s", s->pid, fd);
	struct env_file *f = NULL;
	uint8_t id[ENV_ID_BYTES];
	size_t got = 0;
	struct err ignored;
	bool is = env_open(s->env, path, ENV_READ, &f, &ignored) == ERR_NONE &&
		  env_pread(s->env, f, id, sizeof(id), 0, &got, &ignored) ==
		      ERR_NONE &&
		  got == sizeof(id) && memcmp(id, s->id, sizeof(id)) == 0;

	env_close(s->env, &f);
	mem_free(&path);
	return is;
}

static void
add_pid(struct pid_search *s)
{
	int64_t pid = strtoll(s->pid, NULL, 10);

	for (size_t i = 0; i < s->count; i++)
		if (s->pids[i] == pid)
			return;
	if (s->count < ARRAY_LEN(s->pids))
		s->pids[s->count++] = pid;
}

/* One open file of one process: is one of the locks on it? */
static void
search_file(void *arg, const char *fd)
{
	struct pid_search *s = arg;
	char *path = mem_printf("/proc/%s/fdinfo/%s", s->pid, fd);
	struct env_file *f = NULL;
	char text[2048];
	size_t got = 0;
	bool has = false;
	struct err ignored;

	if (env_open(s->env, path, ENV_READ, &f, &ignored) == ERR_NONE &&
	    env_pread(s->env, f, text, sizeof(text) - 1, 0, &got, &ignored) ==
		ERR_NONE) {
		text[got] = '\0';
		for (size_t i = 0; i < ARRAY_LEN(s->needles); i++)
			has |= s->needles[i][0] != '\0' &&
			       strstr(text, s->needles[i]) != NULL;
	}
	env_close(s->env, &f);
	if (has && (s->id == NULL || begins_with_id(s, fd)))
		add_pid(s);
	mem_free(&path);
}

static void
search_process(void *arg, const char *name)
{
	struct pid_search *s = arg;
	char *path = NULL;
	struct err ignored;

	if (*name < '1' || *name > '9' ||
	    strtoll(name, NULL, 10) == s->env->pid)
		return;
	s->pid = name;
	path = mem_printf("/proc/%s/fdinfo", name);
	(void)env_list_dir(s->env, path, search_file, s, &ignored);
	mem_free(&path);
}

static void
search_all(struct pid_search *s)
{
	struct err ignored;

	(void)env_list_dir(s->env, "/proc", search_process, s, &ignored);
}

/* "pid 12, 13"; "" when nobody is seen. */
static void
print_pids(const struct pid_search *s, char *out, size_t size)
{
	struct buf text = BUF_INIT(1024);

	for (size_t i = 0; i < s->count; i++)
		buf_printf(&text, "%s%lld", i > 0 ? ", " : "pid ",
		    (long long)s->pids[i]);
	(void)snprintf(out, size, "%s", buf_text(&text));
	buf_free(&text);
}

static void
needle_of_users(char needle[80], uint64_t owners_inode)
{
	(void)snprintf(
	    needle, 80, ":%llu 0 0", (unsigned long long)owners_inode);
}

void
journal_users_pids(struct journal *j, char *out, size_t size)
{
	struct pid_search s = {.env = j->env};

	needle_of_users(s.needles[0], j->owners_inode);
	search_all(&s);
	print_pids(&s, out, size);
}

bool
journal_owner_is_pid(struct journal *j, int64_t owner, int64_t pid)
{
	struct pid_search s = {.env = j->env};
	char name[24];

	if (owner == j->owner)
		return pid == j->env->pid;
	(void)snprintf(s.needles[0], sizeof(s.needles[0]), ":%llu %lld %lld\n",
	    (unsigned long long)j->owners_inode, (long long)owner,
	    (long long)owner);
	(void)snprintf(name, sizeof(name), "%lld", (long long)pid);
	search_process(&s, name);
	return s.count > 0;
}

/*
 * By the users' lock, or by SQLite's own shared lock on the database, which it
 * keeps for as long as it has a WAL open: so they are found also when the lock
 * files were removed under them.
 */
static void
needles_of_dir(struct pid_search *s, const char *dir)
{
	char *owners = mem_printf("%s/owners.lock", dir);
	char *db = mem_printf("%s/journal.db", dir);
	struct env_stat st;
	struct err ignored;

	if (env_stat(s->env, owners, &st, &ignored) == ERR_NONE)
		needle_of_users(s->needles[0], st.inode);
	if (env_stat(s->env, db, &st, &ignored) == ERR_NONE)
		(void)snprintf(s->needles[1], sizeof(s->needles[1]),
		    ":%llu 1073741826 ", (unsigned long long)st.inode);
	mem_free(&db);
	mem_free(&owners);
}

size_t
journal_users_of(
    struct env *env, const char *dir, int64_t pids[JOURNAL_PIDS_MAX])
{
	struct pid_search s = {.env = env};

	needles_of_dir(&s, dir);
	search_all(&s);
	memcpy(pids, s.pids, s.count * sizeof(*pids));
	return s.count;
}

bool
journal_is_user(struct env *env, const char *dir, int64_t pid)
{
	struct pid_search s = {.env = env};
	char name[24];

	needles_of_dir(&s, dir);
	(void)snprintf(name, sizeof(name), "%lld", (long long)pid);
	search_process(&s, name);
	return s.count > 0;
}

enum err_code
journal_refuse_twin(struct journal *j, const struct journal_head *was,
    const char *what, struct err *err)
{
	struct pid_search s = {.env = j->env, .id = was->owners_id};
	char pids[128];

	/* Its users are ours, and gone: their lock is held exclusively. */
	if (was->owners_inode == j->owners_inode)
		return ERR_NONE;
	needle_of_users(s.needles[0], was->owners_inode);
	search_all(&s);
	/* Who has this very database open is told by SQLite's lock on it. */
	for (size_t i = s.count; i-- > 0;)
		if (journal_is_user(j->env, j->dir, s.pids[i]))
			s.pids[i] = s.pids[--s.count];
	if (s.count == 0)
		return ERR_NONE;
	print_pids(&s, pids, sizeof(pids));
	return err_set(err, ERR_BUSY, 0,
	    "%s is a copy of a journal that is in use by %s: both would call "
	    "the same people.  End that one for good first (workers and cron), "
	    "or leave the copy alone",
	    what, pids);
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
		    "%s is in use by %s: end them first (dsrun stop --all), "
		    "then try again",
		    j->dir, pids[0] != '\0' ? pids : "other dsrun processes");
	return err_set(err, ERR_BUSY, 0,
	    "%s is being restored, migrated or rebuilt by %s: try again soon",
	    j->dir, pids[0] != '\0' ? pids : "another dsrun");
}
