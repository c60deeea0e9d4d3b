/*
 * How long a commit of the journal takes while others use it too: a process of
 * its own that commits one small row after the other and says when and how
 * long each took.
 *
 *   soak_probe DATA EVERY_MS
 *
 * A line a commit: when it was submitted (CLOCK_BOOTTIME, us), from then until
 * it was told durable (us), and what became of it (0, or the code of the
 * error, whose text goes to standard error).  It is a transaction of the class
 * of claims, through the writer's thread and back to the loop like every one
 * of dsrun's.  Each leaves a row in the table attention.  Runs until TERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#include "carrier/carrier_sim.h"
#include "journal/journal.h"
#include "net/net_env.h"

static volatile sig_atomic_t asked_to_end;

struct probe {
	struct env *env;
	struct journal *j;
	struct journal_tx tx;
	int64_t pid, n;
};

static void
on_term(int sig)
{
	(void)sig;
	asked_to_end = 1;
}

static int
fail(const struct err *err)
{
	(void)fprintf(stderr, "soak_probe: %s\n", err->text);
	return 1;
}

static enum err_code
commit_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct probe *p = CONTAINER_OF(tx, struct probe, tx);
	char what[64];
	bool first = false;

	(void)snprintf(what, sizeof(what), "soak %lld %lld", (long long)p->pid,
	    (long long)p->n);
	return journal_attention_once(j, what, &first, err);
}

static void
commit_done(struct journal_tx *tx)
{
	net_env_stop(CONTAINER_OF(tx, struct probe, tx)->env);
}

static enum err_code
commit(struct probe *p, struct err *err)
{
	int64_t from_us = p->env->ops->boot_us(p->env);

	p->n++;
	p->tx = (struct journal_tx){
	    .run = commit_run, .done = commit_done, .cls = JOURNAL_CLAIM};
	if (journal_submit(p->j, &p->tx, err) != ERR_NONE)
		return err->code;
	net_env_run(p->env);
	(void)printf("%lld %lld %d\n", (long long)from_us,
	    (long long)(p->env->ops->boot_us(p->env) - from_us),
	    (int)p->tx.code);
	(void)fflush(stdout);
	if (p->tx.code == ERR_NONE || p->tx.code == ERR_BUSY)
		return ERR_NONE;
	*err = p->tx.err;
	return err->code;
}

static enum err_code
open_all(struct probe *p, const char *data, struct err *err)
{
	char *sim = mem_printf("%s/sim", data);
	struct journal_options o = {.dir = data, .mode = JOURNAL_MUST_EXIST};
	bool found = false;
	enum err_code code = net_env_open(&p->env, err);

	/* The journal believes no clock but the one that its writers use. */
	if (code == ERR_NONE)
		code = carrier_sim_peek(p->env, sim, &found, err);
	if (code == ERR_NONE && !found)
		code = err_set(err, ERR_NOT_FOUND, 0, "no network in %s", sim);
	if (code == ERR_NONE) {
		o.env = p->env;
		p->pid = p->env->pid;
		code = journal_open(&o, &p->j, err);
	}
	mem_free(&sim);
	return code;
}

int
main(int argc, char **argv)
{
	struct probe p = {0};
	struct err err = {0};
	struct sigaction term = {.sa_handler = on_term};
	long every_ms = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	struct timespec every = {
	    .tv_sec = every_ms / 1000, .tv_nsec = every_ms % 1000 * 1000000};
	enum err_code code;

	if (every_ms <= 0) {
		(void)fprintf(stderr, "usage: soak_probe DATA EVERY_MS\n");
		return 2;
	}
	code = open_all(&p, argv[1], &err);
	(void)sigaction(SIGTERM, &term, NULL);
	while (code == ERR_NONE && !asked_to_end) {
		code = commit(&p, &err);
		(void)nanosleep(&every, NULL);
	}
	journal_close(&p.j);
	net_env_close(&p.env);
	return code == ERR_NONE ? 0 : fail(&err);
}
