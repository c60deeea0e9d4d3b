#include <sys/syscall.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#include "journal/journal_copy.h"
#include "journal/journal_read.h"
#include "status.h"
#include "wire.h"
#include "words/stop.h"

/*
 * Ending runs of this directory.
 *
 * A process number in the journal may be another process by now.  So the
 * process is opened first (pidfd), then /proc must show it with the lock of
 * that very owner, and the signal goes through the open: it cannot reach
 * whoever gets the number next.
 */

#define LOOK_US 20000
#define MORE_MS 10000

enum fate {
	FATE_SIGNALLED,
	FATE_ELSEWHERE, /* alive, but not to be seen from here */
	FATE_GONE,
	FATE_STAYS, /* still there when the wait was over */
};

static const char *const fate_names[] = {
    "signalled", "elsewhere", "gone", "still running"};

struct target {
	struct journal_owner_row row;
	enum fate fate;
};

struct stop {
	struct ctx *ctx;
	struct journal *journal; /* NULL: it is refused */
	const char *dir;
	const char *only; /* NULL = every worker */
	bool all;
	int sig;
	struct target *targets;
	size_t count;
};

static void
seen(void *arg, const struct journal_owner_row *o)
{
	struct stop *s = arg;
	bool meant = s->only != NULL
			 ? status_is(o, s->only)
			 : s->all || strcmp(o->command, "worker") == 0;

	if (!meant || !o->alive || o->pid == s->ctx->env->pid)
		return;
	s->targets = mem_realloc(s->targets, s->count + 1, sizeof(*s->targets));
	s->targets[s->count++] =
	    (struct target){.row = *o, .fate = FATE_ELSEWHERE};
}

/* A journal that is refused cannot be asked who works on it, and whoever the
 * kernel shows with its files must end before it can be mended: all are meant.
 * false: nobody is seen. */
static bool
see_users(struct stop *s)
{
	int64_t pids[JOURNAL_PIDS_MAX];
	size_t n = journal_users_of(s->ctx->env, s->dir, pids);

	s->all = true;
	for (size_t i = 0; i < n; i++)
		seen(s,
		    &(struct journal_owner_row){
			.command = "process", .alive = true, .pid = pids[i]});
	return n > 0;
}

static bool
is_it(struct stop *s, const struct target *t)
{
	return s->journal != NULL
		   ? journal_owner_is_pid(s->journal, t->row.id, t->row.pid)
		   : journal_is_user(s->ctx->env, s->dir, t->row.pid);
}

/* glibc before 2.36 has no names for these calls. */
static enum fate
signal_one(struct stop *s, const struct target *t)
{
	long fd = syscall(SYS_pidfd_open, (pid_t)t->row.pid, 0);
	enum fate fate = FATE_ELSEWHERE;

	if (fd < 0)
		return FATE_ELSEWHERE;
	if (is_it(s, t) &&
	    syscall(SYS_pidfd_send_signal, (int)fd, s->sig, NULL, 0) == 0)
		fate = FATE_SIGNALLED;
	(void)close((int)fd);
	return fate;
}

static enum err_code
look(struct stop *s, size_t *left, struct err *err)
{
	*left = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct target *t = &s->targets[i];
		bool alive = false;

		if (t->fate == FATE_GONE)
			continue;
		if (s->journal == NULL)
			alive = is_it(s, t);
		else if (journal_owner_live(
			     s->journal, t->row.id, &alive, err) != ERR_NONE)
			return err->code;
		if (!alive)
			t->fate = FATE_GONE;
		*left += alive && t->fate == FATE_SIGNALLED;
	}
	return ERR_NONE;
}

static enum err_code
wait_for(struct stop *s, int64_t wait_ms, struct err *err)
{
	int64_t until_ms = env_real_boot_ms(s->ctx->env) + wait_ms;
	size_t left = 0;
	enum err_code code = look(s, &left, err);

	while (code == ERR_NONE && left > 0 &&
	       env_real_boot_ms(s->ctx->env) < until_ms) {
		env_pause(s->ctx->env, LOOK_US);
		code = look(s, &left, err);
	}
	for (size_t i = 0; i < s->count && wait_ms > 0; i++)
		if (s->targets[i].fate == FATE_SIGNALLED)
			s->targets[i].fate = FATE_STAYS;
	return code;
}

/* --- what came of it ------------------------------------------------------ */

static void
show_json(struct stop *s)
{
	struct ctx_document d;

	ctx_json_begin(s->ctx, &d);
	json_field_str(&d.w, "signal", s->sig == SIGKILL ? "KILL" : "TERM");
	json_write_key(&d.w, "workers");
	json_write_array(&d.w);
	for (size_t i = 0; i < s->count; i++) {
		const struct target *t = &s->targets[i];

		json_write_object(&d.w);
		json_field_i64(&d.w, "id", t->row.id);
		json_field_str(&d.w, "name",
		    t->row.worker[0] != '\0' ? t->row.worker : NULL);
		json_field_str(&d.w, "command", t->row.command);
		json_field_i64(&d.w, "pid", t->row.pid);
		json_field_str(&d.w, "result", fate_names[t->fate]);
		json_write_end(&d.w);
	}
	json_write_end(&d.w);
	ctx_json_end(s->ctx, &d);
}

static void
show_text(struct stop *s)
{
	size_t gone = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct target *t = &s->targets[i];

		const char *what =
		    t->fate == FATE_ELSEWHERE
			? "not to be seen or signalled from here (another "
			  "container?): stop it there"
			: fate_names[t->fate];

		gone += t->fate == FATE_GONE;
		if (t->row.id == 0)
			ctx_say(s->ctx, "process %lld: %s",
			    (long long)t->row.pid, what);
		else
			ctx_say(s->ctx, "%s %lld%s%s (process %lld): %s",
			    t->row.command, (long long)t->row.id,
			    t->row.worker[0] != '\0' ? " " : "", t->row.worker,
			    (long long)t->row.pid, what);
	}
	if (s->count == 0)
		ctx_say(s->ctx, "nothing runs here%s",
		    s->all ? "" : " (drains are ended with --all)");
	if (s->sig == SIGKILL && gone > 0)
		ctx_say(s->ctx,
		    "their calls are taken over by the next run: dsrun drain");
}

static void
show(struct stop *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->targets[i].fate == FATE_STAYS ||
		    s->targets[i].fate == FATE_ELSEWHERE)
			ctx_exit(s->ctx, EXIT_HELD);
	if (s->ctx->json)
		show_json(s);
	else
		show_text(s);
}

static enum err_code
stop(struct stop *s, int64_t wait_ms, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (s->journal != NULL)
		code = journal_read_owners(s->journal, true, seen, s, err);
	if (code == ERR_NONE && s->count == 0 && s->only != NULL)
		return err_set(err, ERR_NOT_FOUND, 0,
		    "no worker \"%.80s\" runs here: see `dsrun status`",
		    s->only);
	for (size_t i = 0; code == ERR_NONE && i < s->count; i++)
		s->targets[i].fate = signal_one(s, &s->targets[i]);
	if (code == ERR_NONE && s->ctx->term.err_tty && wait_ms > 0 &&
	    s->count > 0 && s->sig == SIGTERM)
		ctx_say(s->ctx,
		    "asked to stop; live calls may end first (Ctrl-C leaves "
		    "them to it)");
	if (code == ERR_NONE)
		code = wait_for(s, wait_ms, err);
	if (code == ERR_NONE)
		show(s);
	return code;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const char *option = cli_text(&ctx->args, "worker-id");
	struct stop s = {.ctx = ctx,
	    .only = cli_word(&ctx->args, 0),
	    .all = cli_flag(&ctx->args, "all", false),
	    .sig = cli_flag(&ctx->args, "force", false) ? SIGKILL : SIGTERM};
	const struct conf *conf = NULL;
	enum err_code code = ERR_NONE;

	if (s.only != NULL && option != NULL && strcmp(s.only, option) != 0)
		code = err_set(err, ERR_USAGE, 0,
		    "two workers, %.60s and --worker-id %.60s: say one", s.only,
		    option);
	s.only = s.only != NULL ? s.only : option;
	if (code == ERR_NONE && s.only != NULL && s.all)
		code = err_set(err, ERR_USAGE, 0,
		    "one worker (%.60s) or --all, not both", s.only);
	if (code == ERR_NONE)
		code = ctx_conf(ctx, &conf, err);
	if (code == ERR_NONE) {
		s.dir = conf->dir;
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &s.journal, err);
		if (code != ERR_NONE && s.only == NULL && see_users(&s)) {
			ctx_say(ctx, "%s", err->text);
			code = ERR_NONE;
		}
	}
	if (code == ERR_NONE)
		code = stop(&s,
		    cli_duration_ms(&ctx->args, "wait",
			(s.sig == SIGKILL ? 0 : conf->run.grace_ms) + MORE_MS),
		    err);
	mem_free(&s.targets);
	journal_close(&s.journal);
	return code;
}

const struct command cmd_stop = {STOP_WORDS, .is_brake = true, .run = run};
