#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crash.h"
#include "base/mem.h"

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

struct pid_search {
	struct journal *j;
	struct buf *out;
	const char *pid;
	char needle[80];
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

	if (*name < '1' || *name > '9' ||
	    strtoll(name, NULL, 10) == s->j->env->pid)
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

bool
journal_owner_is_pid(struct journal *j, int64_t owner, int64_t pid)
{
	struct buf text = BUF_INIT(256);
	struct pid_search s = {.j = j, .out = &text};
	char name[24];

	if (owner == j->owner)
		return pid == j->env->pid;
	(void)snprintf(s.needle, sizeof(s.needle), ":%llu %lld %lld\n",
	    (unsigned long long)j->owners_inode, (long long)owner,
	    (long long)owner);
	(void)snprintf(name, sizeof(name), "%lld", (long long)pid);
	search_process(&s, name);
	bool is = text.len > 0;

	buf_free(&text);
	return is;
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
