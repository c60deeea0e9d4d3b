#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"

#include "bull/bull.h"
#include "bull/bull_ticket.h"
#include "fuzz.h"
#include "mem_env.h"
#include "net/net_redis_reply.h"

/*
 * What a queue's scripts answer, whose strings any producer may have written.
 * The first byte says which call it is an answer to (t: a ticket as the journal
 * keeps it), the second of which library; the rest are bytes of a Redis.  A
 * call ends once, with a code and its text, and what it gives can be used:
 * texts that are there, numbers within what they count, jobs that are a whole
 * delivery.  The connection of pkg/net is not linked: its functions are here.
 */

#define REPLY_MAX (1 << 20)
#define COUNT 3

static const struct bull_lease leases[COUNT] = {
    {"1", "tok:1", 0}, {"2", "tok:2", 0}, {"c:x", "tok:3", 0}};
static const struct bull_ref ref = {"1", "tok:1", "1767603600000", 0};

static struct {
	struct net_redis_command *under_way;
	size_t asked, done;
} redis;

void
net_redis_run(struct net_redis *r, struct net_redis_script *script,
    const struct net_redis_arg *keys, size_t key_count,
    const struct net_redis_arg *args, size_t arg_count,
    struct net_redis_command *c)
{
	(void)r;
	CHECK(redis.under_way == NULL && script->text[0] != '\0');
	for (size_t i = 0; i < key_count; i++)
		CHECK(keys[i].bytes != NULL);
	for (size_t i = 0; i < arg_count; i++)
		CHECK(args[i].bytes != NULL || args[i].len == 0);
	redis.under_way = c;
	redis.asked++;
}

void
net_redis_cancel(struct net_redis_command *c)
{
	if (redis.under_way == c)
		redis.under_way = NULL;
}

void
net_redis_command_fini(struct net_redis_command *c)
{
	net_redis_reply_free(&c->reply);
	c->value = NULL;
}

const char *
net_redis_policy(const struct net_redis *r)
{
	(void)r;
	return "noeviction";
}

void
net_redis_why(const struct net_redis *r, struct err *err)
{
	(void)r;
	memset(err, 0, sizeof(*err));
}

static void
on_random(struct env *env, void *bytes, size_t len)
{
	(void)env;
	memset(bytes, 0x5a, len);
}

static void
answer(const uint8_t *bytes, size_t len)
{
	struct net_redis_command *c = redis.under_way;
	struct net_redis_parser *p = net_redis_parser_new(REPLY_MAX);

	redis.under_way = NULL;
	net_redis_parser_feed(p, bytes, len);
	c->sent = true;
	c->code = net_redis_parser_next(p, &c->reply, &c->err);
	if (c->code == ERR_NONE && c->reply == NULL)
		c->code = err_set(&c->err, ERR_TIMEOUT, 0, "no answer");
	if (c->code == ERR_NONE)
		c->value = net_redis_reply_value(c->reply);
	net_redis_parser_free(&p);
	c->done(c);
}

static void
on_done(struct bull_call *c)
{
	(void)c;
	redis.done++;
}

static void
check_job(const struct bull_job *j)
{
	/* They go into the journal, and back in a call. */
	CHECK(j->ref.id != NULL && j->ref.lease != NULL);
	CHECK(j->ref.stamp != NULL);
	CHECK(j->name != NULL && j->data != NULL && j->opts != NULL);
	CHECK(j->data[j->data_len] == '\0' && j->opts[j->opts_len] == '\0');
	CHECK(j->attempts >= 1 && j->timeout_ms >= 0);
	CHECK(j->parent != NULL && j->dedup != NULL && j->doomed != NULL);
	CHECK(j->again_detail != NULL && j->again <= BULL_REPEAT_UNREADABLE);

	struct buf text = BUF_INIT(REPLY_MAX);
	struct bull_ticket t;
	struct err err;

	bull_ticket_write(&j->ref, j->attempts, &text);
	enum err_code code = bull_ticket_read(buf_text(&text), &t, &err);

	if (code == ERR_NONE && text_is_utf8(j->ref.id, strlen(j->ref.id)))
		CHECK(strcmp(t.ref.id, j->ref.id) == 0);
	bull_ticket_fini(&t);
	buf_free(&text);
}

static void
check_call(const struct bull_call *c)
{
	CHECK(c->text != NULL);
	if (c->code != ERR_NONE) {
		fuzz_refused(c->code, &c->err);
		return;
	}
	CHECK(bull_answer_name(c->answer) != NULL);
	for (size_t i = 0; i < c->job_count; i++)
		check_job(&c->jobs[i]);
	for (size_t i = 0; i < c->lease_count; i++) {
		CHECK(c->leases[i].id != NULL && c->leases[i].lease != NULL);
		(void)bull_lease_taken_ms(c->leases[i].lease);
	}
	CHECK(c->held_count == 0 || c->held != NULL);
	for (size_t i = 0; i < c->id_count; i++)
		CHECK(c->ids[i] != NULL);
	for (size_t i = 0; i < c->failed_count; i++)
		CHECK(c->failed_ids[i] != NULL);
	(void)bull_was_put_back(c);
}

static void
ask(struct bull *b, char what, struct bull_call *c)
{
	struct err err;

	switch (what) {
	case 'd':
		bull_detect(b, c);
		break;
	case 'a':
		bull_take(b, COUNT, 30000, c);
		break;
	case 'o':
		bull_ours(b, c);
		break;
	case 'r':
		bull_read(b, leases, COUNT, c);
		break;
	case 'R':
		bull_reclaim(b, &ref, 30000, c);
		break;
	case 'n':
		bull_renew(b, leases, COUNT, 30000, c);
		break;
	case 'c':
		(void)bull_complete(b, &ref, "{}", 2, c, &err);
		break;
	case 'f':
		bull_fail(b, &ref, "no", "", false, -1, c);
		break;
	case 'D':
		bull_delay(b, &ref, 1767603600000, c);
		break;
	case 'h':
		bull_hand_back(b, &ref, c);
		break;
	case 'p':
		bull_promote(b, c);
		break;
	case 's':
		bull_check_stalled(b, 1, 30000, c);
		break;
	case 'P':
		(void)bull_progress(b, &ref, "1", 1, c, &err);
		break;
	case 'l':
		bull_log(b, &ref, "line", c);
		break;
	default:
		bull_look(b, c);
		break;
	}
}

/* Which library's it is, as detect was told. */
static void
settle(struct bull *b, bool mq)
{
	static const char classic[] = "*3\r\n$5\r\nfound\r\n$4\r\nbull\r\n"
				      "$1\r\nx\r\n";
	static const char bullmq[] =
	    "*4\r\n$5\r\nfound\r\n$6\r\nbullmq\r\n$4\r\nmeta\r\n"
	    "$8\r\nbullmq:6\r\n";
	struct bull_call c = {.done = on_done};
	const char *said = mq ? bullmq : classic;

	bull_detect(b, &c);
	answer((const uint8_t *)said, strlen(said));
	CHECK(c.code == ERR_NONE && bull_library(b) != BULL_ANY);
	bull_call_fini(&c);
	redis.asked = redis.done = 0;
}

static void
read_ticket(const uint8_t *bytes, size_t len)
{
	char *text =
	    mem_strndup((const char *)bytes, strnlen((const char *)bytes, len));
	struct bull_ticket t;
	struct err err = {.code = ERR_NONE};
	enum err_code code = bull_ticket_read(text, &t, &err);

	if (code != ERR_NONE) {
		CHECK(code == ERR_DAMAGED);
		fuzz_refused(code, &err);
	} else {
		CHECK(t.ref.id != NULL && t.ref.lease != NULL &&
		      t.ref.stamp != NULL);
	}
	bull_ticket_fini(&t);
	mem_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_in in = {bytes, len};
	char what = (char)fuzz_u8(&in);
	struct bull_options o = {
	    .redis = (void *)&redis, .queue = "calls", .token = "tok"};
	struct bull_call call = {.done = on_done};
	struct bull *b = NULL;
	struct err err;

	if (what == 't') {
		read_ticket(in.at, in.left);
		return 0;
	}
	struct env *env = mem_env_new();
	struct env_ops ops = *env->ops;

	ops.random = on_random;
	env->ops = &ops;
	o.env = env;
	memset(&redis, 0, sizeof(redis));
	CHECK(bull_open(&o, &b, &err) == ERR_NONE);
	bool mq = (fuzz_u8(&in) & 1) != 0;

	if (what != 'd')
		settle(b, mq);
	ask(b, what, &call);
	CHECK(redis.asked == 1);
	answer(in.at, in.left);
	CHECK(redis.done == 1 && redis.asked == 1);
	check_call(&call);
	bull_call_fini(&call);
	bull_close(&b);
	mem_env_free(&env);
	return 0;
}
