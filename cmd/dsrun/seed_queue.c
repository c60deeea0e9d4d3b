#include "seed_queue.h"

#include "base/mem.h"

#include "bull/bull_add.h"
#include "net/net_env.h"
#include "net/net_redis.h"
#include "wire_queue.h"

#define ANSWER_MS 5000 /* also how long a Redis that is away is waited for */

struct adding {
	struct env *env;
	struct bull_call call;
	bool answered;
};

static void
call_done(struct bull_call *c)
{
	struct adding *a = CONTAINER_OF(c, struct adding, call);

	a->answered = true;
	net_env_stop(a->env);
}

static struct bull_call *
fresh(struct adding *a)
{
	bull_call_fini(&a->call);
	a->call = (struct bull_call){.done = call_done};
	a->answered = false;
	return &a->call;
}

static enum err_code
await(struct adding *a, struct err *err)
{
	while (!a->answered)
		net_env_run(a->env);
	if (a->call.code != ERR_NONE)
		*err = a->call.err;
	return a->call.code;
}

static enum err_code
add_person(struct adding *a, struct bull *bull, const struct seed_run *run,
    int64_t n, struct err *err)
{
	struct buf line = BUF_INIT(4096);
	char *id = mem_printf("%s-%03lld", run->label, (long long)n + 1);
	struct bull_new job = {.id = id, .name = run->kind};
	enum err_code code;

	seed_person(run, n, &line);
	job.data = (const char *)line.bytes;
	job.data_len = line.len - 1; /* its newline */
	code = bull_add(bull, &job, fresh(a), err);
	if (code == ERR_NONE)
		code = await(a, err);
	mem_free(&id);
	buf_free(&line);
	return code;
}

static enum err_code
add_all(struct adding *a, struct bull *bull, const struct seed_run *run,
    int64_t count, int64_t *added, struct err *err)
{
	enum err_code code;

	bull_detect(bull, fresh(a));
	code = await(a, err);
	while (code == ERR_NONE && *added < count) {
		code = add_person(a, bull, run, *added, err);
		*added += code == ERR_NONE;
	}
	bull_call_fini(&a->call);
	return code;
}

enum err_code
seed_queue(struct ctx *ctx, const struct conf *conf, const struct seed_run *run,
    int64_t count, int64_t *added, struct err *err)
{
	struct net_redis_options o = wire_queue_redis(ctx->env, &conf->bull);
	struct adding a = {.env = ctx->env};
	struct net_redis *redis = NULL;
	struct bull *bull = NULL;
	enum err_code code;

	*added = 0;
	if (!wire_queue_is_set(conf))
		return err_set(err, ERR_CONFIG, 0,
		    "--queue: no queue is configured; set bull.queue");
	o.command_ms = ANSWER_MS;
	code = net_redis_open(&o, &redis, err);
	if (code == ERR_NONE)
		code = wire_queue_bull(
		    ctx->env, &conf->bull, NULL, redis, &bull, err);
	if (code == ERR_NONE)
		code = add_all(&a, bull, run, count, added, err);
	if (code != ERR_NONE && *added > 0)
		(void)err_wrap(err, "%lld of %lld are added", (long long)*added,
		    (long long)count);
	bull_close(&bull);
	net_redis_close(&redis);
	return code;
}
