#include "base/env.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

static int64_t
mapped_us(struct env *env)
{
	return env->origin_ms * 1000 +
	       (env->ops->boot_us(env) - env->origin_boot_us) * env->speed;
}

int64_t
env_now_ms(struct env *env)
{
	return (env->speed > 0 ? mapped_us(env) : env->ops->wall_us(env)) /
		   1000 +
	       env->wall_offset_ms;
}

int64_t
env_boot_ms(struct env *env)
{
	return (env->speed > 0 ? mapped_us(env) : env->ops->boot_us(env)) /
	       1000;
}

int64_t
env_real_boot_ms(struct env *env)
{
	return env->ops->boot_us(env) / 1000;
}

bool
env_synced(struct env *env)
{
	return env->wall_offset_ms == 0 &&
	       (env->speed > 0 || env->ops->synced(env));
}

void
env_follow(struct env *env, int64_t at_ms, int64_t boot_us, int64_t speed)
{
	CHECK(speed > 0);
	env->origin_ms = at_ms;
	env->origin_boot_us = boot_us;
	env->speed = speed;
}

void
env_random(struct env *env, void *bytes, size_t len)
{
	env->ops->random(env, bytes, len);
}

void
env_pause(struct env *env, int64_t real_us)
{
	env->ops->pause(env, real_us);
}

static int64_t
us_of_delay(int64_t ms)
{
	if (ms <= 0)
		return 0;
	return ms <= INT64_MAX / 1000 ? ms * 1000 : INT64_MAX;
}

void
env_timer_start(struct env *env, struct env_timer *t, int64_t delay_ms)
{
	int64_t us = us_of_delay(delay_ms);

	if (env->speed > 0)
		us = us / env->speed + (us % env->speed != 0);
	env->ops->timer_start(env, t, us);
}

void
env_timer_start_real(struct env *env, struct env_timer *t, int64_t delay_ms)
{
	env->ops->timer_start(env, t, us_of_delay(delay_ms));
}

void
env_timer_stop(struct env *env, struct env_timer *t)
{
	env->ops->timer_stop(env, t);
}

bool
env_timer_running(const struct env_timer *t)
{
	return t->heap_index != 0;
}

void
env_post(struct env *env, struct env_post *p)
{
	env->ops->post(env, p);
}

void
env_work(struct env *env, struct env_work *w)
{
	env->ops->work(env, w);
}

enum err_code
env_open(struct env *env, const char *path, unsigned flags,
    struct env_file **out, struct err *err)
{
	*out = NULL;
	return env->ops->open(env, path, flags, out, err);
}

void
env_close(struct env *env, struct env_file **f)
{
	if (*f == NULL)
		return;
	env->ops->close(*f);
	*f = NULL;
}

enum err_code
env_pread(struct env *env, struct env_file *f, void *bytes, size_t len,
    int64_t offset, size_t *got, struct err *err)
{
	return env->ops->pread(f, bytes, len, offset, got, err);
}

enum err_code
env_pwrite(struct env *env, struct env_file *f, const void *bytes, size_t len,
    int64_t offset, struct err *err)
{
	return env->ops->pwrite(f, bytes, len, offset, err);
}

enum err_code
env_append(struct env *env, struct env_file *f, const void *bytes, size_t len,
    struct err *err)
{
	return env->ops->append(f, bytes, len, err);
}

enum err_code
env_truncate(struct env *env, struct env_file *f, int64_t size, struct err *err)
{
	return env->ops->truncate(f, size, err);
}

enum err_code
env_allocate(struct env *env, struct env_file *f, int64_t size, struct err *err)
{
	return env->ops->allocate(f, size, err);
}

enum err_code
env_sync(struct env *env, struct env_file *f, struct err *err)
{
	return env->ops->sync(f, err);
}

enum err_code
env_fstat(
    struct env *env, struct env_file *f, struct env_stat *out, struct err *err)
{
	return env->ops->fstat(f, out, err);
}

enum err_code
env_stat(
    struct env *env, const char *path, struct env_stat *out, struct err *err)
{
	return env->ops->stat(env, path, out, err);
}

enum err_code
env_rename(struct env *env, const char *from, const char *to, struct err *err)
{
	return env->ops->rename(env, from, to, err);
}

enum err_code
env_remove(struct env *env, const char *path, struct err *err)
{
	return env->ops->remove(env, path, err);
}

enum err_code
env_make_dir(struct env *env, const char *path, struct err *err)
{
	return env->ops->make_dir(env, path, err);
}

enum err_code
env_make_dirs(struct env *env, const char *path, struct err *err)
{
	char *copy = mem_strdup(path);
	enum err_code code = ERR_NONE;

	for (char *p = copy + 1; code == ERR_NONE && *copy != '\0'; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		code = env_make_dir(env, copy, err);
		if (c == '\0')
			break;
		*p = '/';
	}
	mem_free(&copy);
	return code;
}

enum err_code
env_sync_dir(struct env *env, const char *path, struct err *err)
{
	return env->ops->sync_dir(env, path, err);
}

enum err_code
env_list_dir(struct env *env, const char *path,
    void (*each)(void *arg, const char *name), void *arg, struct err *err)
{
	return env->ops->list_dir(env, path, each, arg, err);
}

enum err_code
env_space(
    struct env *env, const char *path, struct env_space *out, struct err *err)
{
	return env->ops->space(env, path, out, err);
}

enum err_code
env_read_whole(struct env *env, const char *path, size_t max, char **out,
    size_t *len, struct err *err)
{
	struct env_file *f = NULL;
	struct env_stat st;
	enum err_code code = env_open(env, path, ENV_READ, &f, err);

	*out = NULL;
	*len = 0;
	if (code == ERR_NONE)
		code = env_fstat(env, f, &st, err);
	if (code == ERR_NONE &&
	    (st.size_bytes < 0 || (uint64_t)st.size_bytes > max))
		code = err_set(err, ERR_MALFORMED, 0,
		    "%s: larger than %zu bytes", path, max);
	if (code == ERR_NONE) {
		*out = mem_zalloc((size_t)st.size_bytes + 1, 1);
		code =
		    env_pread(env, f, *out, (size_t)st.size_bytes, 0, len, err);
	}
	if (code != ERR_NONE)
		mem_free(out);
	env_close(env, &f);
	return code;
}

static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/")
			     : mem_strndup(path, (size_t)(slash - path));
}

enum err_code
env_replace(struct env *env, const char *tmp, const char *path, struct err *err)
{
	char *dir = directory_of(path);
	enum err_code code = env_rename(env, tmp, path, err);

	CRASH_POINT("env.whole.renamed");
	if (code == ERR_NONE)
		code = env_sync_dir(env, dir, err);
	mem_free(&dir);
	return code;
}

enum err_code
env_write_whole(struct env *env, const char *path, const void *bytes,
    size_t len, struct err *err)
{
	struct env_file *f = NULL;
	char *tmp = mem_printf("%s.%lld.tmp", path, (long long)env->pid);
	enum err_code code =
	    env_open(env, tmp, ENV_WRITE | ENV_CREATE | ENV_TRUNCATE, &f, err);

	if (code == ERR_NONE)
		code = env_pwrite(env, f, bytes, len, 0, err);
	CRASH_POINT("env.whole.written");
	if (code == ERR_NONE)
		code = env_sync(env, f, err);
	env_close(env, &f);
	CRASH_POINT("env.whole.synced");
	if (code == ERR_NONE)
		code = env_replace(env, tmp, path, err);
	if (code != ERR_NONE) {
		struct err ignored;

		(void)env_remove(env, tmp, &ignored);
	}
	mem_free(&tmp);
	return code;
}

enum err_code
env_lock(struct env *env, struct env_file *f, int64_t byte, bool exclusive,
    struct err *err)
{
	return env->ops->lock(f, byte, exclusive, err);
}

enum err_code
env_unlock(struct env *env, struct env_file *f, int64_t byte, struct err *err)
{
	return env->ops->unlock(f, byte, err);
}
