#include <sys/stat.h>
#include <sys/vfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_env_priv.h"

/*
 * Files and locks of the real world.  These calls keep no state of their own
 * besides the open file, so any thread may make them.
 */
struct env_file {
	int fd;
	bool append;
	char path[]; /* for messages */
};

static int
open_flags(unsigned flags)
{
	bool writes = (flags & (ENV_WRITE | ENV_APPEND)) != 0;
	int how = O_CLOEXEC | O_NOCTTY;

	CHECK(writes || (flags & ENV_READ) != 0);
	if (writes)
		how |= (flags & ENV_READ) != 0 ? O_RDWR : O_WRONLY;
	if ((flags & ENV_CREATE) != 0)
		how |= O_CREAT;
	if ((flags & ENV_EXCLUSIVE) != 0)
		how |= O_EXCL;
	if ((flags & ENV_TRUNCATE) != 0)
		how |= O_TRUNC;
	if ((flags & ENV_APPEND) != 0)
		how |= O_APPEND;
	return how;
}

static enum err_code
file_open(struct env *env, const char *path, unsigned flags,
    struct env_file **out, struct err *err)
{
	size_t len = strlen(path);
	int fd;

	(void)env;
	do
		fd = open(path, open_flags(flags), 0600);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 && errno == EEXIST)
		return err_set(
		    err, ERR_EXISTS, EEXIST, "open %s: exists already", path);
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);

	struct env_file *f = mem_zalloc(1, sizeof(*f) + len + 1);
	f->fd = fd;
	f->append = (flags & ENV_APPEND) != 0;
	memcpy(f->path, path, len);
	*out = f;
	return ERR_NONE;
}

static void
file_close(struct env_file *f)
{
	/* Never again after EINTR: Linux has let go of the number by then. */
	(void)close(f->fd);
	mem_free(&f);
}

static enum err_code
file_pread(struct env_file *f, void *bytes, size_t len, int64_t offset,
    size_t *got, struct err *err)
{
	*got = 0;
	while (*got < len) {
		ssize_t n = pread(f->fd, (char *)bytes + *got, len - *got,
		    offset + (int64_t)*got);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return err_sys(err, errno, "read %s", f->path);
		*got += n > 0 ? (size_t)n : 0;
	}
	return ERR_NONE;
}

static enum err_code
write_all(struct env_file *f, const char *p, size_t len, int64_t offset,
    struct err *err)
{
	while (len > 0) {
		ssize_t n = f->append ? write(f->fd, p, len)
				      : pwrite(f->fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(
			    err, n < 0 ? errno : ENOSPC, "write %s", f->path);
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return ERR_NONE;
}

static enum err_code
file_pwrite(struct env_file *f, const void *bytes, size_t len, int64_t offset,
    struct err *err)
{
	/* Linux would ignore the offset. */
	CHECK(!f->append);
	return write_all(f, bytes, len, offset, err);
}

static enum err_code
file_append(struct env_file *f, const void *bytes, size_t len, struct err *err)
{
	CHECK(f->append);
	return write_all(f, bytes, len, 0, err);
}

static enum err_code
file_truncate(struct env_file *f, int64_t size, struct err *err)
{
	while (ftruncate(f->fd, size) != 0)
		if (errno != EINTR)
			return err_sys(err, errno, "truncate %s", f->path);
	return ERR_NONE;
}

static enum err_code
file_allocate(struct env_file *f, int64_t size, struct err *err)
{
	int rc;

	do
		rc = posix_fallocate(f->fd, 0, size);
	while (rc == EINTR);
	return rc == 0 ? ERR_NONE : err_sys(err, rc, "allocate %s", f->path);
}

static enum err_code
file_sync(struct env_file *f, struct err *err)
{
	while (fsync(f->fd) != 0)
		if (errno != EINTR)
			return err_sys(err, errno, "fsync %s", f->path);
	return ERR_NONE;
}

static void
fill_stat(const struct stat *st, struct env_stat *out)
{
	*out = (struct env_stat){.size_bytes = st->st_size,
	    .inode = st->st_ino,
	    .links = st->st_nlink,
	    .uid = st->st_uid,
	    .mode = st->st_mode,
	    .mtime_ms = (int64_t)st->st_mtim.tv_sec * 1000 +
			st->st_mtim.tv_nsec / 1000000,
	    .is_dir = S_ISDIR(st->st_mode)};
}

static enum err_code
file_fstat(struct env_file *f, struct env_stat *out, struct err *err)
{
	struct stat st;

	if (fstat(f->fd, &st) != 0)
		return err_sys(err, errno, "stat %s", f->path);
	fill_stat(&st, out);
	return ERR_NONE;
}

static enum err_code
set_lock(struct env_file *f, int64_t byte, short type, struct err *err)
{
	struct flock l = {
	    .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	while (fcntl(f->fd, F_OFD_SETLK, &l) != 0) {
		if (errno == EAGAIN || errno == EACCES)
			return err_set(err, ERR_BUSY, errno,
			    "lock byte %lld of %s: held by another",
			    (long long)byte, f->path);
		if (errno != EINTR)
			return err_sys(err, errno, "lock byte %lld of %s",
			    (long long)byte, f->path);
	}
	return ERR_NONE;
}

static enum err_code
file_lock(struct env_file *f, int64_t byte, bool exclusive, struct err *err)
{
	return set_lock(f, byte, exclusive ? F_WRLCK : F_RDLCK, err);
}

static enum err_code
file_unlock(struct env_file *f, int64_t byte, struct err *err)
{
	return set_lock(f, byte, F_UNLCK, err);
}

static enum err_code
path_stat(
    struct env *env, const char *path, struct env_stat *out, struct err *err)
{
	struct stat st;

	(void)env;
	if (stat(path, &st) != 0)
		return err_sys(err, errno, "stat %s", path);
	fill_stat(&st, out);
	return ERR_NONE;
}

static enum err_code
path_rename(struct env *env, const char *from, const char *to, struct err *err)
{
	(void)env;
	if (rename(from, to) != 0)
		return err_sys(err, errno, "rename %s to %s", from, to);
	return ERR_NONE;
}

static enum err_code
path_remove(struct env *env, const char *path, struct err *err)
{
	(void)env;
	if (remove(path) != 0)
		return err_sys(err, errno, "remove %s", path);
	return ERR_NONE;
}

static enum err_code
path_make_dir(struct env *env, const char *path, struct err *err)
{
	struct stat st;

	(void)env;
	if (mkdir(path, 0700) == 0)
		return ERR_NONE;
	if (errno != EEXIST)
		return err_sys(err, errno, "make directory %s", path);
	if (stat(path, &st) != 0)
		return err_sys(err, errno, "stat %s", path);
	return S_ISDIR(st.st_mode)
		   ? ERR_NONE
		   : err_sys(err, ENOTDIR, "make directory %s", path);
}

static enum err_code
path_sync_dir(struct env *env, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code code = ERR_NONE;

	(void)env;
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	while (code == ERR_NONE && fsync(fd) != 0)
		if (errno != EINTR)
			code = err_sys(err, errno, "fsync %s", path);
	(void)close(fd);
	return code;
}

static enum err_code
path_list_dir(struct env *env, const char *path,
    void (*each)(void *arg, const char *name), void *arg, struct err *err)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	(void)env;
	if (dir == NULL)
		return err_sys(err, errno, "list %s", path);
	while (errno = 0, (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			each(arg, e->d_name);
	int failed = errno;
	(void)closedir(dir);
	return failed == 0 ? ERR_NONE : err_sys(err, failed, "list %s", path);
}

static enum err_code
path_space(
    struct env *env, const char *path, struct env_space *out, struct err *err)
{
	struct statfs fs;

	(void)env;
	while (statfs(path, &fs) != 0)
		if (errno != EINTR)
			return err_sys(err, errno, "statfs %s", path);
	uint64_t unit = (uint64_t)fs.f_bsize;
	uint64_t most = (uint64_t)INT64_MAX;

	out->free_bytes = unit > 0 && fs.f_bavail > most / unit
			      ? INT64_MAX
			      : (int64_t)(fs.f_bavail * unit);
	out->fs_magic = (uint64_t)fs.f_type;
	return ERR_NONE;
}

void
net_file_ops(struct env_ops *ops)
{
	ops->open = file_open;
	ops->close = file_close;
	ops->pread = file_pread;
	ops->pwrite = file_pwrite;
	ops->append = file_append;
	ops->truncate = file_truncate;
	ops->allocate = file_allocate;
	ops->sync = file_sync;
	ops->fstat = file_fstat;
	ops->lock = file_lock;
	ops->unlock = file_unlock;
	ops->stat = path_stat;
	ops->rename = path_rename;
	ops->remove = path_remove;
	ops->make_dir = path_make_dir;
	ops->sync_dir = path_sync_dir;
	ops->list_dir = path_list_dir;
	ops->space = path_space;
}
