#include "source/source_bull.h"

#include "base/buf.h"

#include "bull/bull_add.h"
#include "bull/bull_ticket.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_lease.h"
#include "net/net_redis.h"
#include "net/net_redis_server_test.h"
#include "source/source.h"
#include "source/source_lookup.h"

/*
 * The source on a real Redis, with intake as run/ does it, and without Node:
 * what it owes the jobs it holds when the connection is cut, when locks ran
 * out, when Redis lost its memory, and when a run is stopped in the midst.
 */

#define LIMIT_MS 20000
#define LOCK_MS 60000
#define JOBS 3

static struct redis_server server;

struct world {
	struct fix *f;
	struct net_redis *redis;
	struct bull *b;
	struct source_bull *s;
	struct source *port;
	struct env_timer tick;
	struct bull_call c;
	struct source_lookup *lookup;
	bool answered, no_intake;
	int64_t until;
};

/* --- the loop --------------------------------------------------------------
 */

static void
ticked(struct env_timer *t)
{
	struct world *w = CONTAINER_OF(t, struct world, tick);

	net_env_stop(w->f->env);
}

static void
turn(struct world *w)
{
	if (redis_server_now_ms() > w->until)
		fail_msg("waited in vain");
	env_timer_start_real(w->f->env, &w->tick, 2);
	net_env_run(w->f->env);
	env_timer_stop(w->f->env, &w->tick);
}

static void
limit(struct world *w)
{
	w->until = redis_server_now_ms() + LIMIT_MS;
}

/* As a run does: begin nothing more, and let what is written come to its end.
 */
static void
close_source(struct world *w)
{
	if (w->s != NULL) {
		source_bull_port(w->s)->ready = NULL;
		limit(w);
		while (journal_pending(w->f->j) > 0)
			turn(w);
	}
	source_bull_free(&w->s);
}

struct batch {
	struct journal_tx tx;
	bool done;
	struct source_job *jobs[64];
	enum source_taken how[64];
	size_t count;
};

static enum err_code
intake_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct batch *b = CONTAINER_OF(tx, struct batch, tx);

	for (size_t i = 0; i < b->count; i++) {
		const struct source_job *s = b->jobs[i];
		struct journal_new_job n = {.source = s->source,
		    .ext = s->id,
		    .kind = s->kind,
		    .campaign = s->campaign,
		    .content = s->content,
		    .phone = s->phone,
		    .contact = s->contact,
		    .data = s->data,
		    .not_before_ms = s->not_before_ms};
		enum journal_added added = JOURNAL_ADDED;
		enum journal_met met = JOURNAL_MET_NEW;
		int64_t id = 0;

		if (journal_job_add(j, &n, &added, &id, err) != ERR_NONE ||
		    journal_lease_take(j, id, s->lease, s->own_ladder,
			s->lease_until_ms, &met, err) != ERR_NONE)
			return err->code;
		b->how[i] =
		    added == JOURNAL_ADDED ? SOURCE_ADDED : SOURCE_KNOWN;
	}
	return ERR_NONE;
}

static void
intake_done(struct journal_tx *tx)
{
	CONTAINER_OF(tx, struct batch, tx)->done = true;
}

/* What the source has goes into the journal; how many that were. */
static size_t
intake(struct world *w)
{
	struct fix *f = w->f;
	struct batch b = {
	    .tx = {
		.run = intake_run, .done = intake_done, .cls = JOURNAL_CLAIM}};

	OK(source_batch(w->port, b.jobs, 64, &b.count, &f->err));
	if (b.count == 0)
		return 0;
	OK(journal_submit(f->j, &b.tx, &f->err));
	while (!b.done)
		turn(w);
	assert_int_equal(b.tx.code, ERR_NONE);
	for (size_t i = 0; i < b.count; i++)
		OK(w->port->ops->taken(
		    w->port->impl, &b.jobs[i], b.how[i], &f->err));
	return b.count;
}

/* Until the source has nothing more to do, over cuts. */
static void
rest(struct world *w)
{
	struct err err;

	limit(w);
	do {
		turn(w);
		if (!w->no_intake)
			(void)intake(w);
	} while (!w->port->ops->resting(w->port->impl) ||
		 w->port->ops->trouble(w->port->impl, &err));
}

/* --- the world ---------------------------------------------------------------
 */

static void
on_ready(void *arg)
{
	(void)arg;
}

static void
open_source(struct world *w, bool shared, int64_t lock_ms)
{
	struct source_bull_options o = {.env = w->f->env,
	    .journal = w->f->j,
	    .bull = w->b,
	    .name = "bull:bull:calls",
	    .default_kind = "call",
	    .names = "call",
	    .shared = shared,
	    .lock_ms = lock_ms,
	    .margin_ms = lock_ms / 4,
	    .lookup = w->lookup,
	    .again_ms = 50};
	static const char *const kinds[] = {"call", NULL};

	o.kinds = kinds;
	w->s = source_bull_new(&o);
	w->port = source_bull_port(w->s);
	w->port->ready = on_ready;
	w->port->ops->want(w->port->impl, 0);
}

static void
on_call(struct bull_call *c)
{
	CONTAINER_OF(c, struct world, c)->answered = true;
}

static struct bull_call *
fresh(struct world *w)
{
	bull_call_fini(&w->c);
	w->c = (struct bull_call){.done = on_call};
	w->answered = false;
	limit(w);
	return &w->c;
}

static void
await(struct world *w)
{
	while (!w->answered)
		turn(w);
	if (w->c.code != ERR_NONE)
		fail_msg("%s", w->c.err.text);
}

static void
add_one(struct world *w, const char *data)
{
	struct bull_new n = {
	    .name = "call", .data = data, .data_len = strlen(data)};
	struct fix *f = w->f;

	OK(bull_add(w->b, &n, fresh(w), &f->err));
	await(w);
}

static void
add(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		char *data =
		    mem_printf("{\"phone\":\"+1202555%04d\"}", 101 + i);

		add_one(w, data);
		mem_free(&data);
	}
}

/* A connection, and a token, of one journal. */
static void
connect_world(struct world *w, const char *token)
{
	char url[64];
	struct fix *f = w->f;

	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d", server.port);
	OK(net_redis_open(
	    &(struct net_redis_options){.env = f->env, .url = url}, &w->redis,
	    &f->err));
	OK(bull_open(&(struct bull_options){.env = f->env,
			 .redis = w->redis,
			 .queue = "calls",
			 .token = token,
			 .library = BULL_CLASSIC},
	    &w->b, &f->err));
	bull_detect(w->b, fresh(w));
	await(w);
}

static void
begin(struct world *w, struct fix *f)
{
	*w = (struct world){.f = f, .tick.fn = ticked};
	(void)REDIS_ASK(&server, "FLUSHALL");
	(void)REDIS_ASK(
	    &server, "CONFIG", "SET", "maxmemory-policy", "noeviction");
	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	connect_world(w, "j1");
}

static void
end(struct world *w)
{
	close_source(w);
	bull_call_fini(&w->c);
	bull_close(&w->b);
	net_redis_close(&w->redis);
}

/* JOBS jobs, taken and in the journal; the run that took them is over. */
static void
take_some(struct world *w, bool shared)
{
	add(w, JOBS);
	open_source(w, shared, LOCK_MS);
	w->port->ops->want(w->port->impl, JOBS);
	rest(w);
	close_source(w);
}

/* --- what holds --------------------------------------------------------------
 */

static void
count_one(void *arg, const struct journal_lease *l)
{
	(void)l;
	++*(int *)arg;
}

static int
leases(struct world *w, enum journal_lease_state state)
{
	struct fix *f = w->f;
	int n = 0;

	OK(journal_read_leases(
	    f->j, "bull:bull:calls", state, 0, 1000, count_one, &n, &f->err));
	return n;
}

static int64_t
with_reason(struct world *w, enum job_reason reason)
{
	char *sql =
	    mem_printf("SELECT count(*) FROM job WHERE reason=%d", reason);
	int64_t n = number_on(w->f, "journal.db", sql);

	mem_free(&sql);
	return n;
}

static int64_t
away(struct world *w)
{
	return with_reason(w, JOB_REASON_AWAY);
}

static long
list_length(const char *list)
{
	char *key = mem_printf("bull:calls:%s", list);
	long n = atol(REDIS_ASK(&server, "LLEN", key));

	mem_free(&key);
	return n;
}

/* Our lock is on each of them, and each is in active once. */
static void
all_are_ours(struct world *w)
{
	assert_int_equal(leases(w, JOURNAL_LEASE_HELD), JOBS);
	assert_int_equal(list_length("active"), JOBS);
	assert_int_equal(list_length("wait"), 0);
	for (int i = 1; i <= JOBS; i++) {
		char *key = mem_printf("bull:calls:%d:lock", i);

		assert_true(
		    strncmp(REDIS_ASK(&server, "GET", key), "j1:", 3) == 0);
		mem_free(&key);
	}
}

static void
unlock_all(void)
{
	(void)REDIS_ASK(&server, "DEL", "bull:calls:1:lock",
	    "bull:calls:2:lock", "bull:calls:3:lock");
}

struct cut {
	int at, seen;
};

/* The connection is gone by the time the source says its next word. */
static void
cut_hook(void *arg, const char *name)
{
	struct cut *c = arg;

	if (strcmp(name, "source.bull.answered") == 0 && ++c->seen == c->at)
		(void)REDIS_ASK(&server, "CLIENT", "KILL", "TYPE", "normal",
		    "SKIPME", "yes");
}

static long lowest_ttl_ms;

/* At intake of what was adopted, before any round of renewing. */
static void
first_intake(void *arg, const char *name)
{
	(void)arg;
	if (strcmp(name, "journal.lease.put") == 0 && lowest_ttl_ms == 0)
		lowest_ttl_ms =
		    atol(REDIS_ASK(&server, "PTTL", "bull:calls:1:lock"));
}

/* --- cut connections ---------------------------------------------------------
 */

/* What was to be reclaimed is reclaimed, and never handed back instead: one of
 * the three is being called, and whoever took it would call it again. */
static void
a_cut_while_locks_are_reclaimed_gives_nothing_back(void **state)
{
	struct fix *f = *state;
	struct cut cut = {.at = 1};

	do {
		struct world w;
		struct life called = {0};

		begin(&w, f);
		take_some(&w, false);
		called.id = 0;
		assert_true(life_claim(f, &called));
		unlock_all();
		cut.seen = 0;
		crash_hook(cut_hook, &cut);
		open_source(&w, false, LOCK_MS);
		rest(&w);
		crash_hook(NULL, NULL);
		all_are_ours(&w);
		assert_int_equal(away(&w), 0);
		end(&w);
		shell(f, "rm -rf ./*");
	} while (cut.at++ < cut.seen && cut.at < 30);
	assert_true(cut.at > 5);
}

/* --- stops -------------------------------------------------------------------
 */

static void
all_went_back(struct world *w)
{
	assert_int_equal(leases(w, JOURNAL_LEASE_HELD), 0);
	assert_int_equal(leases(w, JOURNAL_LEASE_RETURNING), 0);
	assert_int_equal(list_length("wait"), JOBS);
	assert_int_equal(list_length("active"), 0);
	assert_string_equal(REDIS_ASK(&server, "EXISTS", "bull:calls:1:lock",
				"bull:calls:2:lock", "bull:calls:3:lock"),
	    "0");
}

static void
a_stop_in_the_midst_of_a_take_gives_all_of_it_back(void **state)
{
	struct world w;

	begin(&w, *state);
	add(&w, JOBS);
	open_source(&w, false, LOCK_MS);
	rest(&w);
	w.port->ops->want(w.port->impl, JOBS);
	w.port->ops->give_back(w.port->impl);
	rest(&w);
	all_went_back(&w);
	assert_int_equal(away(&w), JOBS);
	end(&w);
}

/* A process died after its take and before its journal; the next is stopped
 * as soon as it begins. */
static void
a_stop_in_the_midst_of_adoption_gives_all_of_it_back(void **state)
{
	struct world w;

	begin(&w, *state);
	add(&w, JOBS);
	bull_take(w.b, JOBS, LOCK_MS, fresh(&w));
	await(&w);
	assert_int_equal(w.c.job_count, JOBS);
	open_source(&w, false, LOCK_MS);
	w.port->ops->give_back(w.port->impl);
	rest(&w);
	all_went_back(&w);
	end(&w);
}

struct taker {
	struct world *w;
	bool took;
};

static enum err_code
again_run(struct journal *j, void *arg, struct err *err)
{
	enum journal_met met;

	(void)arg;
	return journal_lease_take(j, 1,
	    "{\"id\":\"1\",\"lease\":\"j1:99.1\",\"stamp\":\"1\",\"tries\":0,"
	    "\"attempts\":1}",
	    true, INT64_C(9999999999999), &met, err);
}

/* As another process of this journal: as soon as the first went back. */
static void
take_again(void *arg, const char *name)
{
	struct taker *t = arg;
	struct fix *f = t->w->f;

	if (t->took || strcmp(name, "source.bull.answered") != 0 ||
	    list_length("wait") == 0)
		return;
	t->took = true;
	OK(once(f, again_run, t));
}

static void
a_late_note_leaves_a_newer_lease_alone(void **state)
{
	struct world w;
	struct taker t = {.w = &w};

	begin(&w, *state);
	take_some(&w, false);
	open_source(&w, false, LOCK_MS);
	rest(&w);
	crash_hook(take_again, &t);
	w.port->ops->give_back(w.port->impl);
	rest(&w);
	crash_hook(NULL, NULL);
	assert_true(t.took);
	assert_int_equal(leases(&w, JOURNAL_LEASE_HELD), 1);
	assert_int_equal(away(&w), JOBS - 1);
	end(&w);
}

/* --- Redis forgets -----------------------------------------------------------
 */

static void
what_redis_lost_under_our_lock_stays_ours(void **state)
{
	for (int shared = 0; shared < 2; shared++) {
		struct world w;

		begin(&w, *state);
		take_some(&w, shared);
		(void)REDIS_ASK(&server, "FLUSHALL");
		open_source(&w, shared, LOCK_MS);
		rest(&w);
		/* Where others work too, one of them may have finished it. */
		assert_int_equal(
		    leases(&w, JOURNAL_LEASE_HELD), shared ? 0 : JOBS);
		assert_int_equal(away(&w), shared ? JOBS : 0);
		end(&w);
		shell(w.f, "rm -rf ./*");
	}
}

/* Nothing waits for a Redis that is away, then. */
static void
where_nothing_is_held_nothing_can_be_gone(void **state)
{
	struct world w;

	begin(&w, *state);
	open_source(&w, false, LOCK_MS);
	assert_true(w.port->ops->sure(w.port->impl));
	rest(&w);
	end(&w);
}

/* Nobody who obeys locks does that, but queue.obliterate() does. */
static void
what_was_removed_under_our_lock_is_over(void **state)
{
	for (int evicts = 0; evicts < 2; evicts++) {
		struct world w;

		begin(&w, *state);
		take_some(&w, false);
		if (evicts) {
			(void)REDIS_ASK(&server, "CONFIG", "SET",
			    "maxmemory-policy", "allkeys-lru");
			bull_close(&w.b);
			net_redis_close(&w.redis);
			connect_world(&w, "j1");
		}
		(void)REDIS_ASK(
		    &server, "DEL", "bull:calls:2", "bull:calls:2:lock");
		(void)REDIS_ASK(&server, "LREM", "bull:calls:active", "0", "2");
		open_source(&w, false, LOCK_MS);
		assert_false(w.port->ops->sure(w.port->impl));
		rest(&w);
		assert_true(w.port->ops->sure(w.port->impl));
		/* Unless Redis itself throws things away. */
		assert_int_equal(
		    with_reason(&w, JOB_REASON_GONE), evicts ? 0 : 1);
		assert_int_equal(
		    leases(&w, JOURNAL_LEASE_HELD), evicts ? JOBS : JOBS - 1);
		assert_int_equal(away(&w), 0);
		end(&w);
		shell(w.f, "rm -rf ./*");
	}
}

/* More than are asked for at once. */
static void
what_was_removed_after_it_went_back_is_over(void **state)
{
	const int many = 700;
	struct world w;

	begin(&w, *state);
	add(&w, many);
	open_source(&w, false, LOCK_MS);
	for (int i = 0; i < many; i += 100) {
		w.port->ops->want(w.port->impl, 100);
		rest(&w);
	}
	w.port->ops->give_back(w.port->impl);
	rest(&w);
	close_source(&w);
	assert_int_equal(away(&w), many);
	for (int i = 5; i <= many; i += 5) {
		char *key = mem_printf("bull:calls:%d", i);

		(void)REDIS_ASK(&server, "DEL", key);
		mem_free(&key);
	}
	open_source(&w, false, LOCK_MS);
	rest(&w);
	assert_int_equal(with_reason(&w, JOB_REASON_GONE), many / 5);
	assert_int_equal(away(&w), many - many / 5);
	assert_non_null(w.port->ops->notice(w.port->impl));
	assert_null(w.port->ops->notice(w.port->impl));
	end(&w);
}

static void
what_another_took_is_let_go(void **state)
{
	struct world w;

	begin(&w, *state);
	take_some(&w, false);
	(void)REDIS_ASK(&server, "SET", "bull:calls:2:lock", "other:7");
	open_source(&w, false, LOCK_MS);
	rest(&w);
	assert_int_equal(leases(&w, JOURNAL_LEASE_HELD), JOBS - 1);
	assert_int_equal(away(&w), 1);
	assert_string_equal(
	    REDIS_ASK(&server, "GET", "bull:calls:2:lock"), "other:7");
	end(&w);
}

/* More than are written down at once; every second one must be reclaimed. */
static void
many_leases_are_renewed_and_reclaimed(void **state)
{
	const int many = 230;
	struct world w;

	begin(&w, *state);
	add(&w, many);
	open_source(&w, false, LOCK_MS);
	for (int i = 0; i < 3; i++) {
		w.port->ops->want(w.port->impl, 100);
		rest(&w);
	}
	close_source(&w);
	assert_int_equal(leases(&w, JOURNAL_LEASE_HELD), many);
	for (int i = 1; i <= many; i += 2) {
		char *key = mem_printf("bull:calls:%d:lock", i);

		(void)REDIS_ASK(&server, "DEL", key);
		mem_free(&key);
	}
	open_source(&w, false, LOCK_MS);
	rest(&w);
	assert_int_equal(leases(&w, JOURNAL_LEASE_HELD), many);
	assert_int_equal(away(&w), 0);
	for (int i = 1; i <= many; i++) {
		char *key = mem_printf("bull:calls:%d:lock", i);

		assert_string_equal(REDIS_ASK(&server, "EXISTS", key), "1");
		mem_free(&key);
	}
	end(&w);
}

static void
a_parked_job_that_was_put_back_is_failed_all_the_same(void **state)
{
	struct fix *f = *state;
	struct life l = {0};
	struct world w;

	begin(&w, f);
	take_some(&w, false);
	assert_true(life_claim(f, &l));
	life_step(f, &l, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &l, ATTEMPT_EV_PARK, JOB_EV_PARK);
	unlock_all();
	/* A stalled check's doing. */
	for (int i = 1; i <= JOBS; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "%d", i);
		(void)REDIS_ASK(&server, "LREM", "bull:calls:active", "0", id);
		(void)REDIS_ASK(&server, "RPUSH", "bull:calls:wait", id);
	}
	open_source(&w, false, LOCK_MS);
	rest(&w);
	assert_string_equal(
	    REDIS_ASK(&server, "ZCARD", "bull:calls:failed"), "1");
	assert_int_equal(leases(&w, JOURNAL_LEASE_HELD), JOBS - 1);
	assert_int_equal(list_length("wait"), 0);
	end(&w);
}

/* --- shared
 * -------------------------------------------------------------------
 */

/* A Redis that does not answer is no reason to trust a lock. */
static void
shared_leases_are_given_up_while_redis_hangs(void **state)
{
	const int64_t lock_ms = 2000;
	struct world w;
	int64_t began;

	begin(&w, *state);
	add(&w, JOBS);
	open_source(&w, true, lock_ms);
	w.port->ops->want(w.port->impl, JOBS);
	rest(&w);
	assert_int_equal(leases(&w, JOURNAL_LEASE_HELD), JOBS);
	began = redis_server_now_ms();
	assert_int_equal(kill(server.pid, SIGSTOP), 0);
	limit(&w);
	while (away(&w) < JOBS && redis_server_now_ms() - began < 2 * lock_ms)
		turn(&w);
	assert_int_equal(kill(server.pid, SIGCONT), 0);
	assert_int_equal(away(&w), JOBS);
	assert_true(redis_server_now_ms() - began < lock_ms);
	rest(&w);
	end(&w);
}

/* It is freed soon, and could not wait for a transaction. */
static void
nothing_begins_once_the_run_is_over(void **state)
{
	struct world w;
	int64_t began;

	begin(&w, *state);
	add(&w, JOBS);
	open_source(&w, true, 800);
	w.port->ops->want(w.port->impl, JOBS);
	rest(&w);
	w.port->ready = NULL;
	assert_int_equal(away(&w), 0);
	began = redis_server_now_ms();
	limit(&w);
	while (redis_server_now_ms() - began < 1200)
		turn(&w);
	assert_int_equal(away(&w), 0);
	assert_int_equal(leases(&w, JOURNAL_LEASE_HELD), JOBS);
	end(&w);
}

/* What ran out while nobody was here is not begun, whatever Redis says. */
static void
shared_leases_that_ran_out_are_given_up_before_the_run(void **state)
{
	struct world w;

	begin(&w, *state);
	add(&w, JOBS);
	open_source(&w, true, 1000);
	w.port->ops->want(w.port->impl, JOBS);
	rest(&w);
	close_source(&w);
	redis_server_sleep_ms(1000);
	open_source(&w, true, 1000);
	/* The loop has not run. */
	assert_int_equal(away(&w), JOBS);
	end(&w);
}

/* --- people who are looked up
 * --------------------------------------------------
 */

/* Never answers. */
static void
lookup_start(void *impl, struct source_lookup_ask *a)
{
	(void)impl;
	(void)a;
}

static void
lookup_cancel(void *impl, struct source_lookup_ask *a)
{
	(void)impl;
	(void)a;
}

static struct source_lookup silent = {.name = "nobody",
    .ops = &(const struct source_lookup_ops){.start = lookup_start,
	.cancel = lookup_cancel}};

/* Taken twice, for Redis lost its lock, and stopped while it is looked up: it
 * is being called. */
static void
a_stop_gives_no_job_back_that_is_being_called(void **state)
{
	struct fix *f = *state;
	struct life l = {0};
	struct world w;

	begin(&w, f);
	add_one(&w, "{\"phone\":\"+12025550101\",\"campaignId\":\"c1\"}");
	w.lookup = &silent;
	open_source(&w, false, LOCK_MS);
	w.port->ops->want(w.port->impl, 1);
	rest(&w);
	assert_true(life_claim(f, &l));
	(void)REDIS_ASK(&server, "DEL", "bull:calls:1:lock");
	(void)REDIS_ASK(&server, "LREM", "bull:calls:active", "0", "1");
	(void)REDIS_ASK(&server, "RPUSH", "bull:calls:wait", "1");
	(void)REDIS_ASK(
	    &server, "HSET", "bull:calls:1", "data", "{\"campaignId\":\"c1\"}");
	w.port->ops->want(w.port->impl, 1);
	w.port->ops->give_back(w.port->impl);
	rest(&w);
	assert_int_equal(leases(&w, JOURNAL_LEASE_HELD), 1);
	assert_int_equal(list_length("active"), 1);
	assert_int_equal(list_length("wait"), 0);
	end(&w);
}

/* Its predecessor died after the take: what the journal notes of the lock's
 * end must be what Redis has. */
static void
what_is_adopted_has_a_whole_lock(void **state)
{
	struct world w;

	begin(&w, *state);
	add(&w, JOBS);
	bull_take(w.b, JOBS, 5000, fresh(&w));
	await(&w);
	crash_hook(first_intake, NULL);
	open_source(&w, false, LOCK_MS);
	limit(&w);
	while (leases(&w, JOURNAL_LEASE_HELD) == 0) {
		turn(&w);
		if (w.port->ops->resting(w.port->impl))
			break;
		if (intake(&w) > 0)
			break;
	}
	assert_int_equal(leases(&w, JOURNAL_LEASE_HELD), JOBS);
	assert_true(lowest_ttl_ms > LOCK_MS - 10000);
	crash_hook(NULL, NULL);
	end(&w);
}

static int
opened(void **state)
{
	redis_server_need();
	return setup(state);
}

static int
start(void **state)
{
	(void)state;
	if (redis_server_has("redis-server"))
		redis_server_start(&server, NULL);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	redis_server_stop(&server);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, opened, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_cut_while_locks_are_reclaimed_gives_nothing_back),
	    TEST(a_stop_in_the_midst_of_a_take_gives_all_of_it_back),
	    TEST(a_stop_in_the_midst_of_adoption_gives_all_of_it_back),
	    TEST(a_late_note_leaves_a_newer_lease_alone),
	    TEST(what_redis_lost_under_our_lock_stays_ours),
	    TEST(where_nothing_is_held_nothing_can_be_gone),
	    TEST(what_was_removed_under_our_lock_is_over),
	    TEST(what_was_removed_after_it_went_back_is_over),
	    TEST(what_another_took_is_let_go),
	    TEST(many_leases_are_renewed_and_reclaimed),
	    TEST(a_parked_job_that_was_put_back_is_failed_all_the_same),
	    TEST(shared_leases_are_given_up_while_redis_hangs),
	    TEST(nothing_begins_once_the_run_is_over),
	    TEST(shared_leases_that_ran_out_are_given_up_before_the_run),
	    TEST(a_stop_gives_no_job_back_that_is_being_called),
	    TEST(what_is_adopted_has_a_whole_lock),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
