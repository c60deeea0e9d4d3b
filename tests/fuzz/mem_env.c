#include "mem_env.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct mem_node {
	char *path;
	struct buf bytes;
	bool is_dir;
};

struct mem_env {
	struct env env;
	struct mem_node nodes[MEM_ENV_FILES_MAX];
	size_t count;
	size_t room;
};

struct env_file {
	struct mem_env *m;
	char *path;
	unsigned flags;
};

static struct mem_env *
mem_of(struct env *env)
{
	return CONTAINER_OF(env, struct mem_env, env);
}

static struct mem_node *
find(struct mem_env *m, const char *path)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->nodes[i].path, path) == 0)
			return &m->nodes[i];
	return NULL;
}

static struct mem_node *
make(struct mem_env *m, const char *path, bool is_dir)
{
	struct mem_node *n = &m->nodes[m->count];

	CHECK(m->count < MEM_ENV_FILES_MAX);
	m->count++;
	*n = (struct mem_node){
	    mem_strdup(path), BUF_INIT(MEM_ENV_BYTES_MAX), is_dir};
	return n;
}

static void
drop(struct mem_env *m, struct mem_node *n)
{
	mem_free(&n->path);
	buf_free(&n->bytes);
	*n = m->nodes[--m->count];
}

/* What stands behind "dir/" in path; NULL when path does not lie in dir. */
static const char *
within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/' ? path + n + 1
							    : NULL;
}

static enum err_code
absent(const char *path, struct err *err)
{
	return err_sys(err, ENOENT, "%s", path);
}

static int64_t
clock_us(struct env *env)
{
	(void)env;
	return 0;
}

static enum err_code
op_open(struct env *env, const char *path, unsigned flags,
    struct env_file **out, struct err *err)
{
	struct mem_env *m = mem_of(env);
	struct mem_node *n = find(m, path);

	if (n == NULL && (flags & ENV_CREATE) == 0)
		return absent(path, err);
	if (n != NULL && (flags & ENV_EXCLUSIVE) != 0)
		return err_set(err, ERR_EXISTS, EEXIST, "%s is there", path);
	if (n != NULL && n->is_dir)
		return err_sys(err, EISDIR, "%s", path);
	if (n == NULL)
		n = make(m, path, false);
	if ((flags & ENV_TRUNCATE) != 0)
		buf_clear(&n->bytes);
	*out = mem_zalloc(1, sizeof(**out));
	**out = (struct env_file){m, mem_strdup(path), flags};
	return ERR_NONE;
}

static void
op_close(struct env_file *f)
{
	mem_free(&f->path);
	mem_free(&f);
}

/* A file that was renamed while it is open is not followed: nobody does. */
static struct buf *
bytes_of(struct env_file *f)
{
	struct mem_node *n = find(f->m, f->path);

	CHECK(n != NULL);
	return &n->bytes;
}

static enum err_code
op_pread(struct env_file *f, void *bytes, size_t len, int64_t offset,
    size_t *got, struct err *err)
{
	const struct buf *b = bytes_of(f);

	(void)err;
	CHECK((f->flags & ENV_READ) != 0 && offset >= 0);
	*got = 0;
	if ((uint64_t)offset >= b->len)
		return ERR_NONE;
	*got = b->len - (size_t)offset < len ? b->len - (size_t)offset : len;
	memcpy(bytes, b->bytes + offset, *got);
	return ERR_NONE;
}

static void
resize(struct buf *b, size_t size)
{
	static const char zeros[4096];

	while (b->len < size)
		buf_put(b, zeros,
		    size - b->len < sizeof(zeros) ? size - b->len
						  : sizeof(zeros));
	if (b->len > size) {
		b->len = size;
		b->bytes[size] = '\0';
	}
}

static enum err_code
op_pwrite(struct env_file *f, const void *bytes, size_t len, int64_t offset,
    struct err *err)
{
	struct buf *b = bytes_of(f);
	size_t fits = len < f->m->room ? len : f->m->room;
	size_t at = (size_t)offset;

	CHECK((f->flags & (ENV_WRITE | ENV_APPEND)) != 0 && offset >= 0);
	if (b->len < at + fits)
		resize(b, at + fits);
	if (fits > 0)
		memcpy(b->bytes + at, bytes, fits);
	if (f->m->room != SIZE_MAX)
		f->m->room -= fits;
	return fits == len ? ERR_NONE : err_sys(err, ENOSPC, "%s", f->path);
}

static enum err_code
op_append(struct env_file *f, const void *bytes, size_t len, struct err *err)
{
	return op_pwrite(f, bytes, len, (int64_t)bytes_of(f)->len, err);
}

static enum err_code
op_truncate(struct env_file *f, int64_t size, struct err *err)
{
	(void)err;
	CHECK((f->flags & ENV_WRITE) != 0 && size >= 0);
	resize(bytes_of(f), (size_t)size);
	return ERR_NONE;
}

static enum err_code
op_sync(struct env_file *f, struct err *err)
{
	(void)f;
	(void)err;
	return ERR_NONE;
}

static enum err_code
op_stat(
    struct env *env, const char *path, struct env_stat *out, struct err *err)
{
	struct mem_env *m = mem_of(env);
	const struct mem_node *n = find(m, path);
	bool is_dir = n != NULL && n->is_dir;

	for (size_t i = 0; n == NULL && !is_dir && i < m->count; i++)
		is_dir = within(m->nodes[i].path, path) != NULL;
	if (n == NULL && !is_dir)
		return absent(path, err);
	*out = (struct env_stat){.links = 1, .mode = 0600, .is_dir = is_dir};
	if (n != NULL)
		out->size_bytes = (int64_t)n->bytes.len;
	return ERR_NONE;
}

static enum err_code
op_fstat(struct env_file *f, struct env_stat *out, struct err *err)
{
	return op_stat(&f->m->env, f->path, out, err);
}

static enum err_code
op_rename(struct env *env, const char *from, const char *to, struct err *err)
{
	struct mem_env *m = mem_of(env);
	struct mem_node *n = find(m, from);
	struct mem_node moved;

	if (n == NULL)
		return absent(from, err);
	moved = *n;
	*n = m->nodes[--m->count];
	n = find(m, to);
	if (n != NULL)
		drop(m, n);
	mem_free(&moved.path);
	moved.path = mem_strdup(to);
	m->nodes[m->count++] = moved;
	return ERR_NONE;
}

static enum err_code
op_remove(struct env *env, const char *path, struct err *err)
{
	struct mem_node *n = find(mem_of(env), path);

	if (n == NULL)
		return absent(path, err);
	drop(mem_of(env), n);
	return ERR_NONE;
}

static enum err_code
op_make_dir(struct env *env, const char *path, struct err *err)
{
	struct env_stat st;

	if (op_stat(env, path, &st, err) != ERR_NONE)
		(void)make(mem_of(env), path, true);
	return ERR_NONE;
}

static enum err_code
op_sync_dir(struct env *env, const char *path, struct err *err)
{
	(void)env;
	(void)path;
	(void)err;
	return ERR_NONE;
}

static enum err_code
op_list_dir(struct env *env, const char *path,
    void (*each)(void *arg, const char *name), void *arg, struct err *err)
{
	struct mem_env *m = mem_of(env);
	struct env_stat st;

	if (op_stat(env, path, &st, err) != ERR_NONE)
		return err->code;
	for (size_t i = 0; i < m->count; i++) {
		const char *name = within(m->nodes[i].path, path);

		if (name != NULL && strchr(name, '/') == NULL)
			each(arg, name);
	}
	return ERR_NONE;
}

static const struct env_ops ops = {
    .wall_us = clock_us,
    .boot_us = clock_us,
    .open = op_open,
    .close = op_close,
    .pread = op_pread,
    .pwrite = op_pwrite,
    .append = op_append,
    .truncate = op_truncate,
    .sync = op_sync,
    .fstat = op_fstat,
    .stat = op_stat,
    .rename = op_rename,
    .remove = op_remove,
    .make_dir = op_make_dir,
    .sync_dir = op_sync_dir,
    .list_dir = op_list_dir,
};

struct env *
mem_env_new(void)
{
	struct mem_env *m = mem_zalloc(1, sizeof(*m));

	m->env.ops = &ops;
	m->env.pid = 1;
	m->room = SIZE_MAX;
	return &m->env;
}

void
mem_env_free(struct env **env)
{
	struct mem_env *m;

	if (*env == NULL)
		return;
	m = mem_of(*env);
	while (m->count > 0)
		drop(m, &m->nodes[0]);
	mem_free(&m);
	*env = NULL;
}

void
mem_env_put(struct env *env, const char *path, const void *bytes, size_t len)
{
	struct mem_env *m = mem_of(env);
	struct mem_node *n = find(m, path);

	if (n == NULL)
		n = make(m, path, false);
	buf_clear(&n->bytes);
	buf_put(&n->bytes, bytes, len);
}

const struct buf *
mem_env_get(struct env *env, const char *path)
{
	const struct mem_node *n = find(mem_of(env), path);

	return n != NULL && !n->is_dir ? &n->bytes : NULL;
}

size_t
mem_env_count(const struct env *env)
{
	const struct mem_env *m =
	    (const void *)((const char *)env - offsetof(struct mem_env, env));
	size_t files = 0;

	for (size_t i = 0; i < m->count; i++)
		files += !m->nodes[i].is_dir;
	return files;
}

void
mem_env_room(struct env *env, size_t bytes)
{
	mem_of(env)->room = bytes;
}
