#include "base/crash.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	bool awake;
	char *want;
	int sig;
	atomic_long countdown;
	int trace_fd;
	void (*hook)(void *arg, const char *name);
	void *hook_arg;
} crash = {.trace_fd = -1};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
read_environment(void)
{
	const char *spec = getenv("DSRUN_CRASH_AT");
	const char *trace = getenv("DSRUN_CRASH_TRACE");

	if (trace != NULL)
		crash.trace_fd = open(
		    trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (spec != NULL && (crash.want = strdup(spec)) != NULL) {
		char *n = strchr(crash.want, ':');
		char *end = NULL;

		if (n != NULL) {
			*n = '\0';
			atomic_store(&crash.countdown, strtol(n + 1, &end, 10));
			crash.sig =
			    strcmp(end, ":stop") == 0 ? SIGSTOP : SIGKILL;
		}
	}
	crash.awake = crash.trace_fd >= 0 || crash.sig != 0;
}

void
crash_point(const char *name)
{
	if (crash.hook != NULL) {
		crash.hook(crash.hook_arg, name);
		return;
	}
	(void)pthread_once(&once, read_environment);
	if (!crash.awake)
		return;
	if (crash.trace_fd >= 0) {
		char line[128];
		size_t len = strnlen(name, sizeof(line) - 1);

		memcpy(line, name, len);
		line[len] = '\n';
		if (write(crash.trace_fd, line, len + 1) < 0)
			crash.trace_fd = -1;
	}
	if (crash.sig != 0 &&
	    (strcmp(crash.want, "*") == 0 || strcmp(crash.want, name) == 0) &&
	    atomic_fetch_sub(&crash.countdown, 1) == 1)
		(void)kill(getpid(), crash.sig);
}

void
crash_hook(void (*fn)(void *arg, const char *name), void *arg)
{
	crash.hook = fn;
	crash.hook_arg = arg;
}
