#include "attention.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

/* Far less than a pipe holds, and than one variable of the environment may. */
#define LINES_MAX 16384

struct attention {
	struct ctx *ctx;
	struct env_timer timer;
	bool gathers;
	struct buf lines;
	size_t more; /* that had no room */
};

/*
 * The command reads what it is about on its standard input, and has it in
 * DSRUN_ATTENTION too: `mail -s "dsrun" ops@example.com` needs no more.  No
 * child runs without exec, so the journal's locks stay ours alone.
 */
static void
run_command(struct ctx *ctx, const char *text)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	pid_t pid = 0;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	(void)signal(SIGCHLD, SIG_IGN); /* the kernel reaps it */
	(void)setenv("DSRUN_ATTENTION", text, 1);
	(void)dprintf(ends[1], "%s\n", text);
	char *shell = mem_strdup("sh");
	char *option = mem_strdup("-c");
	char *command = mem_strdup(ctx->conf->on_attention);
	char *argv[] = {shell, option, command, NULL};

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	int rc = posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ);

	if (rc != 0)
		LOG(ctx_log(ctx), LOG_LEVEL_ERROR, "attention.failed",
		    LOG_INT("errno", rc));
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[0]);
	(void)close(ends[1]);
	mem_free(&command);
	mem_free(&option);
	mem_free(&shell);
}

/* false: there was nothing. */
static bool
tell_gathered(struct attention *a)
{
	if (a->lines.len == 0)
		return false;
	if (a->more > 0)
		buf_printf(
		    &a->lines, "\nand %zu more: see dsrun status", a->more);
	run_command(a->ctx, buf_text(&a->lines));
	buf_clear(&a->lines);
	a->more = 0;
	return true;
}

static void
timer_fired(struct env_timer *t)
{
	struct attention *a = CONTAINER_OF(t, struct attention, timer);

	a->gathers = tell_gathered(a);
	if (a->gathers)
		env_timer_start_real(a->ctx->env, &a->timer, ATTENTION_MS);
}

static void
gather(struct attention *a, const char *what)
{
	if (a->lines.len + strlen(what) > LINES_MAX)
		a->more++;
	else
		buf_printf(
		    &a->lines, "%s%s", a->lines.len > 0 ? "\n" : "", what);
}

void
attention_tell(struct ctx *ctx, const char *what)
{
	struct attention *a = ctx->attention;

	if (ctx->conf == NULL || ctx->conf->on_attention == NULL)
		return;
	if (a == NULL) {
		a = mem_zalloc(1, sizeof(*a));
		a->ctx = ctx;
		a->timer.fn = timer_fired;
		a->lines = BUF_INIT(2 * LINES_MAX);
		ctx->attention = a;
	}
	if (a->gathers) {
		gather(a, what);
		return;
	}
	run_command(ctx, what);
	a->gathers = true;
	env_timer_start_real(ctx->env, &a->timer, ATTENTION_MS);
}

void
attention_end(struct ctx *ctx)
{
	struct attention *a = ctx->attention;

	if (a == NULL)
		return;
	env_timer_stop(ctx->env, &a->timer);
	(void)tell_gathered(a);
	buf_free(&a->lines);
	mem_free(&ctx->attention);
}
