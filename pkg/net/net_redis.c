#include "net/net_redis.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_env_priv.h"
#include "net/net_redis_priv.h"

#define CONNECT_MS 3000
#define COMMAND_MS 10000
/* When one has waited its whole time for a connection the next need not. */
#define IN_VAIN_MS 250
#define REPLY_MAX ((size_t)64 << 20)
#define PIPELINE_MAX 1024
#define NAME_MAX_BYTES 200
#define SENTINEL_PORT 26379

/* --- Calling back --------------------------------------------------------- */

static void
destroy(struct net_redis *r)
{
	net_redis_flight_free_all(&r->waiting);
	net_redis_flight_free_all(&r->moved);
	net_redis_flight_free_all(&r->finished);
	net_redis_flight_free_all(&r->round);
	net_redis_tls_context_free(&r->tls);
	net_redis_url_fini(&r->url);
	net_redis_address_fini(&r->at);
	net_redis_address_fini(&r->side_at);
	for (size_t i = 0; i < r->sentinel_count; i++)
		net_redis_address_fini(&r->sentinels[i]);
	for (size_t i = 0; i < r->node_count; i++)
		net_redis_address_fini(&r->nodes[i]);
	if (r->sentinel_password != NULL)
		mem_wipe(r->sentinel_password, strlen(r->sentinel_password));
	mem_free(&r->sentinel_password);
	mem_free(&r->sentinel_user);
	mem_free(&r->sentinel_master);
	mem_free(&r->name);
	mem_free(&r->shown);
	mem_free(&r);
}

void
net_redis_finish(struct net_redis *r, struct net_redis_flight *f,
    enum err_code code, const struct err *err)
{
	if (f->command == NULL) {
		r->count--;
		net_redis_flight_free(&f);
		return;
	}
	f->command->code = code;
	f->command->sent = f->sent;
	if (code != ERR_NONE) {
		f->command->err = *err;
		net_redis_reply_free(&f->reply);
	}
	list_add_tail(&r->finished, &f->node);
}

static void
call_back(struct net_redis *r, struct net_redis_flight *f)
{
	struct net_redis_command *c = f->command;

	c->flight = NULL;
	c->reply = f->reply;
	f->reply = NULL;
	c->value = c->reply != NULL ? net_redis_reply_value(c->reply) : NULL;
	r->count--;
	net_redis_flight_free(&f);
	c->done(c);
}

/*
 * What a callback brings about waits for the next turn, so that one which
 * sends again and again shares the loop with the others.
 */
void
net_redis_deliver(struct net_redis *r)
{
	struct list *node;

	if (r->delivering)
		return;
	net_redis_poke(r);
	r->delivering = true;
	while ((node = list_pop(&r->finished)) != NULL)
		list_add_tail(&r->round, node);
	if (r->notify) {
		r->notify = false;
		if (r->changed != NULL)
			r->changed(r->arg, r);
	}
	while (!r->closed && (node = list_pop(&r->round)) != NULL)
		call_back(r, net_redis_flight_of(node));
	r->delivering = false;
	if (r->closed) {
		destroy(r);
		return;
	}
	if (r->count == 0) {
		env_timer_stop(r->env, &r->deadline);
		r->deadline_at = 0;
	}
	if (r->notify || !list_empty(&r->finished))
		env_post(r->env, &r->post);
}

static void
on_post(struct env_post *p)
{
	net_redis_deliver(CONTAINER_OF(p, struct net_redis, post));
}

/* --- Deadlines ------------------------------------------------------------ */

static void
watch_deadline(struct net_redis *r, struct net_redis_flight *f)
{
	int64_t left = f->deadline_ms - env_real_boot_ms(r->env);

	if (r->deadline_at != 0 && r->deadline_at <= f->deadline_ms)
		return;
	r->deadline_at = f->deadline_ms;
	env_timer_start_real(r->env, &r->deadline, left > 0 ? left : 0);
}

/* Of those that nobody has sent: they are told why it is not up. */
static void
expire_waiting(struct net_redis *r, struct list *flights, int64_t now_ms)
{
	struct err err;

	LIST_FOREACH_SAFE (node, flights) {
		struct net_redis_flight *f = net_redis_flight_of(node);

		if (f->deadline_ms > now_ms)
			continue;
		list_remove(node);
		r->in_vain = r->why.code != ERR_NONE;
		if (r->in_vain)
			(void)err_set(&err, ERR_UNREACHABLE, r->why.sys, "%s",
			    r->why.text);
		else
			(void)err_set(&err, ERR_TIMEOUT, 0,
			    "%s: no connection in time", r->shown);
		net_redis_finish(r, f, err.code, &err);
	}
}

static bool
any_late(const struct list *flights, int64_t now_ms)
{
	LIST_FOREACH (node, flights)
		if (net_redis_flight_of(node)->deadline_ms <= now_ms)
			return true;
	return false;
}

static void
earliest(const struct list *flights, int64_t *at)
{
	LIST_FOREACH (node, flights) {
		const struct net_redis_flight *f = net_redis_flight_of(node);

		if (f->deadline_ms != INT64_MAX &&
		    (*at == 0 || f->deadline_ms < *at))
			*at = f->deadline_ms;
	}
}

static void
arm_deadline(struct net_redis *r, int64_t now_ms)
{
	r->deadline_at = 0;
	earliest(&r->waiting, &r->deadline_at);
	earliest(&r->moved, &r->deadline_at);
	if (r->link != NULL)
		earliest(net_redis_link_flights(r->link), &r->deadline_at);
	if (r->side != NULL)
		earliest(net_redis_link_flights(r->side), &r->deadline_at);
	if (r->deadline_at != 0)
		env_timer_start_real(r->env, &r->deadline,
		    r->deadline_at > now_ms ? r->deadline_at - now_ms : 0);
}

/*
 * An answer that is late may still come, and the next would be taken for it:
 * that connection is given up.
 */
static void
on_deadline(struct env_timer *t)
{
	struct net_redis *r = CONTAINER_OF(t, struct net_redis, deadline);
	int64_t now_ms = env_real_boot_ms(r->env);
	struct err err;

	expire_waiting(r, &r->waiting, now_ms);
	expire_waiting(r, &r->moved, now_ms);
	(void)err_set(&err, ERR_TIMEOUT, 0, "no answer in time");
	if (r->side != NULL &&
	    any_late(net_redis_link_flights(r->side), now_ms))
		net_redis_side_lost(r, &err);
	if (r->link != NULL &&
	    any_late(net_redis_link_flights(r->link), now_ms))
		net_redis_lost(r, &err);
	arm_deadline(r, now_ms);
	net_redis_deliver(r);
}

/* --- Open and close ------------------------------------------------------- */

static enum err_code
read_sentinels(struct net_redis *r, const char *text, struct err *err)
{
	enum err_code code = ERR_NONE;

	while (code == ERR_NONE && *text != '\0') {
		size_t len = strcspn(text, ",");
		size_t from = strspn(text, " ");

		if (r->sentinel_count == NET_REDIS_SENTINELS_MAX)
			return err_set(err, ERR_CONFIG, 0,
			    "more than %d sentinels", NET_REDIS_SENTINELS_MAX);
		if (from > len)
			from = len;
		code = net_redis_address_parse(text + from, len - from,
		    SENTINEL_PORT, &r->sentinels[r->sentinel_count], err);
		if (code != ERR_NONE)
			return err_wrap(err, "sentinels");
		r->sentinel_count++;
		text += len + (text[len] == ',' ? 1 : 0);
	}
	return code;
}

/* CLIENT SETNAME takes what is printed and no space. */
static bool
is_client_name(const char *name)
{
	size_t n = 0;

	for (; name[n] != '\0'; n++)
		if (name[n] < '!' || name[n] > '~')
			return false;
	return n > 0 && n <= NAME_MAX_BYTES;
}

static enum err_code
read_options(
    struct net_redis *r, const struct net_redis_options *o, struct err *err)
{
	enum err_code code = net_redis_url_parse(o->url, &r->url, err);

	if (code == ERR_NONE && o->sentinels != NULL)
		code = read_sentinels(r, o->sentinels, err);
	if (code != ERR_NONE)
		return code;
	if (o->sentinels != NULL &&
	    (r->sentinel_count == 0 || o->sentinel_master == NULL ||
		*o->sentinel_master == '\0' || r->url.at.port == 0))
		return err_set(err, ERR_CONFIG, 0,
		    "sentinels need at least one host, the master's name and "
		    "a redis:// or rediss:// url");
	if (o->name != NULL && !is_client_name(o->name))
		return err_set(err, ERR_CONFIG, 0,
		    "a client's name has 1 to %d printable characters and no "
		    "space",
		    NAME_MAX_BYTES);
	if (r->url.user == NULL)
		r->url.user = mem_strdup(o->user);
	if (r->url.password == NULL)
		r->url.password = mem_strdup(o->password);
	if (r->url.user != NULL && r->url.password == NULL)
		return err_set(err, ERR_CONFIG, 0,
		    "%s: a user without a password", r->shown);
	if (!r->url.tls && (o->ca_file != NULL || o->client_cert != NULL ||
			       o->client_key != NULL))
		return err_set(err, ERR_CONFIG, 0,
		    "%s: certificates are for rediss://", r->shown);
	if (r->url.tls)
		code = net_redis_tls_context_new(
		    o->ca_file, o->client_cert, o->client_key, &r->tls, err);
	return code;
}

static struct net_redis *
make(const struct net_redis_options *o)
{
	struct net_redis *r = mem_zalloc(1, sizeof(*r));

	r->env = o->env;
	r->shown = net_redis_url_shown(o->url);
	r->name = mem_strdup(o->name);
	r->sentinel_master = mem_strdup(o->sentinel_master);
	r->sentinel_user = mem_strdup(o->sentinel_user);
	r->sentinel_password = mem_strdup(o->sentinel_password);
	r->connect_ms = o->connect_ms > 0 ? o->connect_ms : CONNECT_MS;
	r->command_ms = o->command_ms > 0 ? o->command_ms : COMMAND_MS;
	r->reply_max = o->reply_max > 0 ? o->reply_max : REPLY_MAX;
	r->pipeline_max = o->pipeline_max > 0 ? o->pipeline_max : PIPELINE_MAX;
	r->changed = o->changed;
	r->arg = o->arg;
	list_init(&r->waiting);
	list_init(&r->moved);
	list_init(&r->finished);
	list_init(&r->round);
	r->attempt.fn = net_redis_on_attempt;
	r->deadline.fn = on_deadline;
	r->post.fn = on_post;
	return r;
}

enum err_code
net_redis_open(const struct net_redis_options *options, struct net_redis **out,
    struct err *err)
{
	struct net_redis *r = make(options);
	enum err_code code = read_options(r, options, err);

	net_env_own_thread(net_env_of(options->env));
	*out = NULL;
	if (code != ERR_NONE) {
		destroy(r);
		return err_wrap(err, "redis");
	}
	net_redis_address_copy(&r->at, &r->url.at);
	net_redis_begin(r);
	*out = r;
	return ERR_NONE;
}

static void
disown(struct list *flights)
{
	LIST_FOREACH (node, flights) {
		struct net_redis_flight *f = net_redis_flight_of(node);

		if (f->command != NULL)
			f->command->flight = NULL;
		f->command = NULL;
	}
}

void
net_redis_close(struct net_redis **r)
{
	struct net_redis *x = *r;

	if (x == NULL)
		return;
	net_env_own_thread(net_env_of(x->env));
	*r = NULL;
	net_redis_stop(x);
	disown(&x->waiting);
	disown(&x->moved);
	disown(&x->finished);
	disown(&x->round);
	env_timer_stop(x->env, &x->attempt);
	env_timer_stop(x->env, &x->deadline);
	list_remove(&x->post.node);
	x->closed = true;
	if (!x->delivering)
		destroy(x);
}

/* --- Commands ------------------------------------------------------------- */

void
net_redis_begin_command(struct net_redis *r, struct net_redis_command *c)
{
	net_env_own_thread(net_env_of(r->env));
	CHECK(!r->closed && c->done != NULL && c->flight == NULL);
	net_redis_command_fini(c);
	c->redis = r;
	c->code = ERR_NONE;
	c->err = (struct err){.code = ERR_NONE};
	c->sent = false;
}

void
net_redis_start(struct net_redis *r, struct net_redis_command *c,
    struct net_redis_flight *f, const struct err *err)
{
	int64_t timeout = c->timeout_ms > 0 ? c->timeout_ms : r->command_ms;
	int64_t now = env_real_boot_ms(r->env);
	struct err full;

	if (r->in_vain && timeout > IN_VAIN_MS)
		timeout = IN_VAIN_MS;
	if (f == NULL)
		f = mem_zalloc(1, sizeof(*f));
	f->command = c;
	f->deadline_ms =
	    timeout < INT64_MAX - now ? now + timeout : INT64_MAX - 1;
	c->flight = f;
	r->count++;
	if (err->code != ERR_NONE) {
		net_redis_finish(r, f, err->code, err);
	} else if (r->count > r->pipeline_max) {
		(void)err_set(&full, ERR_BUSY, 0,
		    "%s: %zu commands are under way, and no more may be",
		    r->shown, r->pipeline_max);
		net_redis_finish(r, f, ERR_BUSY, &full);
	} else {
		list_add_tail(&r->waiting, &f->node);
		watch_deadline(r, f);
		net_redis_poke(r);
		return;
	}
	env_post(r->env, &r->post);
}

void
net_redis_send(struct net_redis *r, struct net_redis_command *c)
{
	struct net_redis_flight *f = NULL;
	struct err err = {.code = ERR_NONE};

	CHECK(c->arg_count > 0);
	net_redis_begin_command(r, c);
	(void)net_redis_flight_new(c->args, c->arg_count, &f, &err);
	net_redis_start(r, c, f, &err);
}

void
net_redis_cancel(struct net_redis_command *c)
{
	struct net_redis_flight *f = c->flight;
	struct net_redis *r = c->redis;

	if (f == NULL)
		return;
	net_env_own_thread(net_env_of(r->env));
	c->flight = NULL;
	f->command = NULL;
	/* On its way: its answer must be read, and is nobody's. */
	if (f->on != NULL && !net_redis_link_drop(f->on, f))
		return;
	list_remove(&f->node);
	r->count--;
	net_redis_flight_free(&f);
	env_post(r->env, &r->post);
}

void
net_redis_command_fini(struct net_redis_command *c)
{
	net_redis_reply_free(&c->reply);
	c->value = NULL;
}

/* --- What is known of it -------------------------------------------------- */

bool
net_redis_is_up(const struct net_redis *r)
{
	return r->phase == NET_REDIS_UP;
}

void
net_redis_why(const struct net_redis *r, struct err *err)
{
	*err = r->why;
}

const char *
net_redis_run_id(const struct net_redis *r)
{
	return r->run_id;
}

const char *
net_redis_version(const struct net_redis *r)
{
	return r->version;
}

const char *
net_redis_policy(const struct net_redis *r)
{
	return r->policy;
}

int64_t
net_redis_epoch(const struct net_redis *r)
{
	return r->epoch;
}
