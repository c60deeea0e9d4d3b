#include <string.h>

#include "base/mem.h"

#include "conf_priv.h"

char *
conf_path_join(const char *dir, const char *path)
{
	size_t len;
	char *joined = NULL;

	while (path[0] == '.' && path[1] == '/')
		path += 2;
	if (strcmp(path, ".") == 0 || *path == '\0')
		joined = mem_strdup(dir);
	else if (*path == '/')
		joined = mem_strdup(path);
	else
		joined = mem_printf(
		    "%s%s%s", dir, strcmp(dir, "/") == 0 ? "" : "/", path);
	len = strlen(joined);
	while (len > 1 && joined[len - 1] == '/')
		joined[--len] = '\0';
	return joined;
}

char *
conf_path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/")
			     : mem_strndup(path, (size_t)(slash - path));
}

const char *
conf_path_shown(const char *cwd, const char *path)
{
	size_t n = strlen(cwd);

	if (strncmp(path, cwd, n) == 0 && path[n] == '/' && n > 1)
		return path + n + 1;
	return path;
}

bool
conf_path_is_dir(struct env *env, const char *path)
{
	struct env_stat st;
	struct err err;

	return env_stat(env, path, &st, &err) == ERR_NONE && st.is_dir;
}

bool
conf_path_is_file(struct env *env, const char *path)
{
	struct env_stat st;
	struct err err;

	return env_stat(env, path, &st, &err) == ERR_NONE && !st.is_dir;
}
