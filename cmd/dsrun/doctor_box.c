#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "doctor.h"

/* dir, or the nearest directory above it that exists; NULL when none does. */
static char *
nearest_dir(struct env *env, const char *dir)
{
	char *path = mem_strdup(dir);
	struct env_stat st;
	struct err err;

	while (env_stat(env, path, &st, &err) != ERR_NONE) {
		char *slash = strrchr(path, '/');

		if (slash == NULL || path[1] == '\0') {
			mem_free(&path);
			return NULL;
		}
		slash[slash == path ? 1 : 0] = '\0';
	}
	return path;
}

static void
say_mode(struct doctor *d, const char *name, const struct env_stat *st)
{
	const char *dir = d->conf->dir;

	if (!st->is_dir)
		doctor_say(d, DOCTOR_FAIL, name,
		    "name a directory with --dir or dir:", "%s is no directory",
		    dir);
	else if (st->uid != d->ctx->env->uid)
		doctor_say(d, DOCTOR_FAIL, name,
		    "run dsrun as the user who owns the directory, or chown "
		    "it: one directory is one runner, owned by one user",
		    "%s belongs to user %u, dsrun runs as user %u", dir,
		    st->uid, d->ctx->env->uid);
	else if ((st->mode & 022U) != 0)
		doctor_say(d, DOCTOR_FAIL, name, "chmod go-rwx that directory",
		    "%s can be written by others (mode %03o)", dir,
		    st->mode & 0777U);
	else if ((st->mode & 077U) != 0)
		doctor_say(d, DOCTOR_WARN, name,
		    "chmod go-rwx that directory: it holds numbers, names and "
		    "recordings",
		    "%s can be read by others (mode %03o)", dir,
		    st->mode & 0777U);
	else
		doctor_say(d, DOCTOR_OK, name, NULL, "%s (mode %03o)", dir,
		    st->mode & 0777U);
}

void
doctor_dir(struct doctor *d, const char *name)
{
	struct env_stat st;
	struct err err;

	if (env_stat(d->ctx->env, d->conf->dir, &st, &err) == ERR_NONE)
		say_mode(d, name, &st);
	else if (err.code == ERR_NOT_FOUND)
		doctor_say(d, DOCTOR_WARN, name,
		    "`dsrun init` makes it, if the path is the right one",
		    "%s does not exist yet", d->conf->dir);
	else
		doctor_say(d, DOCTOR_FAIL, name,
		    "make it readable for the user who runs dsrun", "%s",
		    err.text);
}

void
doctor_space(struct doctor *d, const char *name)
{
	char *dir = nearest_dir(d->ctx->env, d->conf->dir);
	long long least = (long long)d->conf->disk.min_free_bytes >> 20;
	struct env_space space;
	struct err err;

	if (dir == NULL ||
	    env_space(d->ctx->env, dir, &space, &err) != ERR_NONE) {
		doctor_say(d, DOCTOR_FAIL, name, "look at the disk",
		    "free space of %s cannot be read", d->conf->dir);
	} else {
		long long free_mb = (long long)space.free_bytes >> 20;

		if (space.free_bytes < d->conf->disk.min_free_bytes)
			doctor_say(d, DOCTOR_FAIL, name,
			    "make room: below disk.min_free no call is begun",
			    "%lld MB free at %s, at least %lld MB are needed",
			    free_mb, dir, least);
		else if (space.free_bytes / 4 < d->conf->disk.min_free_bytes)
			doctor_say(d, DOCTOR_WARN, name,
			    "make room soon: below disk.min_free no call is "
			    "begun",
			    "%lld MB free at %s, the floor is %lld MB", free_mb,
			    dir, least);
		else
			doctor_say(d, DOCTOR_OK, name, NULL,
			    "%lld MB free at %s, the floor is %lld MB", free_mb,
			    dir, least);
	}
	mem_free(&dir);
}

/*
 * statfs(2) f_type of file systems whose locks or shared memory do not hold
 * what SQLite's WAL needs (linux/magic.h; Lustre and AFS from their sources).
 * virtiofs shows itself as FUSE.
 */
static const struct {
	uint64_t magic;
	const char *name;
} refused[] = {
    {0x6969, "NFS"},
    {0x517b, "SMB"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB2"},
    {0x01021997, "9P"},
    {0x65735546, "FUSE"},
    {0x00c36400, "Ceph"},
    {0x5346414f, "AFS"},
    {0x6b414653, "AFS"},
    {0x0bd00bd0, "Lustre"},
};

void
doctor_file_system(struct doctor *d, const char *name)
{
	char *dir = nearest_dir(d->ctx->env, d->conf->dir);
	struct env_space space;
	struct err err;

	if (dir == NULL ||
	    env_space(d->ctx->env, dir, &space, &err) != ERR_NONE) {
		doctor_say(d, DOCTOR_FAIL, name, "look at the disk",
		    "the file system of %s cannot be read", d->conf->dir);
		mem_free(&dir);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (refused[i].magic == space.fs_magic) {
			doctor_say(d, DOCTOR_FAIL, name,
			    "keep the directory on a disk of this machine",
			    "%s lies on %s, which does not keep locks as a "
			    "journal needs them",
			    dir, refused[i].name);
			mem_free(&dir);
			return;
		}
	doctor_say(d, DOCTOR_OK, name, NULL,
	    "%s lies on a local file system (type 0x%llx)", dir,
	    (unsigned long long)space.fs_magic);
	mem_free(&dir);
}

void
doctor_clock(struct doctor *d, const char *name)
{
	char now[TEXT_TIME_MAX];

	(void)text_of_time(env_now_ms(d->ctx->env), now);
	if (env_synced(d->ctx->env))
		doctor_say(d, DOCTOR_OK, name, NULL,
		    "%s, synchronised says the kernel", now);
	else
		doctor_say(d, DOCTOR_WARN, name,
		    "run a time service (apt install chrony); without one "
		    "dsrun stops dialling when the clock has jumped",
		    "%s, but the kernel does not say that it is synchronised",
		    now);
}

/* The zone that most callees of the default rules live in. */
#define ZONE "America/New_York"

void
doctor_zones(struct doctor *d, const char *name)
{
	const char *dir = getenv("TZDIR");
	char *path = mem_printf("%s/" ZONE,
	    dir != NULL && *dir != '\0' ? dir : "/usr/share/zoneinfo");
	char *bytes = NULL;
	size_t len = 0;
	struct err err;

	if (env_read_whole(d->ctx->env, path, (size_t)1 << 20, &bytes, &len,
		&err) != ERR_NONE ||
	    len < 4 || memcmp(bytes, "TZif", 4) != 0)
		doctor_say(d, DOCTOR_FAIL, name, "apt install tzdata",
		    "%s cannot be read: no calling hours can be known", path);
	else
		doctor_say(d, DOCTOR_OK, name, NULL, "%s can be read", path);
	mem_free(&bytes);
	mem_free(&path);
}
