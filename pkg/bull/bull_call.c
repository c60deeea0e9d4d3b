#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "json/json.h"

#include "bull/bull_priv.h"

static const char *const answer_names[] = {
    [BULL_DONE] = "done",
    [BULL_ALREADY] = "already",
    [BULL_GONE] = "gone",
    [BULL_OTHERS] = "others",
    [BULL_MOVED] = "moved",
    [BULL_FAILED] = "failed",
    [BULL_RETRIED] = "retried",
    [BULL_DELAYED] = "delayed",
    [BULL_BACKOFF] = "backoff",
    [BULL_CHILDREN] = "children",
    [BULL_TAKEN] = "taken",
    [BULL_EMPTY] = "empty",
    [BULL_PAUSED] = "paused",
    [BULL_FULL] = "full",
    [BULL_LIMITED] = "limited",
    [BULL_NOT_YET] = "not-yet",
};

const char *
bull_answer_name(enum bull_answer answer)
{
	CHECK((size_t)answer < ARRAY_LEN(answer_names));
	return answer_names[answer];
}

void
bull_args_begin(const struct bull *b, struct bull_args *a)
{
	CHECK(b->library != BULL_ANY);
	bull_arg_text(a, bull_library_name(b->library));
}

void
bull_arg_bytes(struct bull_args *a, const void *bytes, size_t len)
{
	if (a->count == a->cap) {
		a->cap = a->cap > 0 ? 2 * a->cap : 16;
		a->list = mem_realloc(a->list, a->cap, sizeof(*a->list));
	}
	a->list[a->count++] = (struct net_redis_arg){bytes, len};
}

void
bull_arg_text(struct bull_args *a, const char *text)
{
	bull_arg_bytes(a, text, strlen(text));
}

void
bull_arg_i64(struct bull_args *a, int64_t n)
{
	char *out = a->numbers[a->numbers_used];

	CHECK(a->numbers_used < ARRAY_LEN(a->numbers));
	a->numbers_used++;
	(void)snprintf(out, sizeof(a->numbers[0]), "%" PRId64, n);
	bull_arg_text(a, out);
}

const struct net_redis_value *
bull_item(const struct net_redis_value *v, size_t i)
{
	if (v == NULL || v->kind != NET_REDIS_ARRAY || i >= v->count)
		return NULL;
	return &v->items[i];
}

const char *
bull_item_text(const struct net_redis_value *v, size_t i)
{
	const struct net_redis_value *item = bull_item(v, i);

	if (item == NULL || item->kind != NET_REDIS_STRING)
		return "";
	return item->text;
}

int64_t
bull_item_i64(const struct net_redis_value *v, size_t i)
{
	const struct net_redis_value *item = bull_item(v, i);

	if (item == NULL || item->kind != NET_REDIS_INT)
		return 0;
	return item->integer;
}

void
bull_read_elsewhere(
    struct bull_call *c, const struct net_redis_value *v, const char *word)
{
	if (strcmp(word, "gone") == 0) {
		c->answer = BULL_GONE;
	} else if (strcmp(word, "others") == 0) {
		c->answer = BULL_OTHERS;
		c->text = bull_item_text(v, 1);
	} else {
		c->answer = BULL_MOVED;
		c->text = word;
	}
}

static enum err_code
read_answer(struct bull_call *c, struct err *err)
{
	const struct net_redis_value *v = c->command.value;
	const char *word = bull_item_text(v, 0);
	enum err_code code = net_redis_check(&c->command, err);

	if (code == ERR_SPACE && text_starts(err->text, "OOM "))
		code = err_set(err, code, 0,
		    "this Redis is full: raise its maxmemory, or make room in "
		    "it (removeOnComplete, queue.clean()); jobs and results "
		    "wait until then");
	if (code == ERR_THROTTLED && text_starts(err->text, "ASK "))
		code = err_set(err, code, 0,
		    "its Cluster moves its slot to another node: nothing is "
		    "done in it until all of it is there");
	if (code == ERR_NONE && word[0] == '\0')
		code = err_set(
		    err, ERR_MALFORMED, 0, "no answer of a script of ours");
	if (code == ERR_NONE)
		code = c->verb->read(c, v, word, err);
	return code;
}

/* That waited in vain for a connection; waiting longer will not help. */
static void
shut_out(struct bull_call *c)
{
	struct err why;

	net_redis_why(c->bull->redis, &why);
	c->shut_out = !c->sent && why.code == ERR_CONFIG;
	if (c->shut_out)
		c->code = err_set(&c->err, ERR_CONFIG, why.sys, "%s", why.text);
}

static void
on_answer(struct net_redis_command *command)
{
	struct bull_call *c = CONTAINER_OF(command, struct bull_call, command);

	list_remove(&c->node);
	c->sent = command->sent;
	c->err = command->err;
	c->code = command->code;
	if (c->code == ERR_UNREACHABLE)
		shut_out(c);
	if (c->code == ERR_NONE)
		c->code = read_answer(c, &c->err);
	if (c->code != ERR_NONE)
		c->code = err_wrap(
		    &c->err, "queue %s: %s", c->bull->name, c->verb->script);
	c->done(c);
}

void
bull_start(struct bull *b, const struct bull_verb *verb, struct bull_args *args,
    struct bull_call *c)
{
	struct net_redis_arg key = {b->keys, strlen(b->keys)};

	c->bull = b;
	c->verb = verb;
	c->text = "";
	c->command.done = on_answer;
	list_add_tail(&b->under_way, &c->node);
	net_redis_run(b->redis, bull_script(verb->script), &key, 1, args->list,
	    args->count, &c->command);
	mem_free(&args->list);
}

void
bull_cancel(struct bull_call *c)
{
	list_remove(&c->node);
	net_redis_cancel(&c->command);
}

void
bull_call_fini(struct bull_call *c)
{
	mem_free(&c->jobs);
	mem_free(&c->leases);
	mem_free(&c->held);
	mem_free(&c->ended);
	mem_free(&c->ids);
	mem_free(&c->failed_ids);
	c->job_count = c->lease_count = c->held_count = 0;
	c->ended_count = 0;
	c->id_count = c->failed_count = 0;
	c->text = "";
	net_redis_command_fini(&c->command);
}

enum err_code
bull_check_json(const char *what, const char *text, size_t len, struct err *err)
{
	const struct json_limits limits = {(size_t)16 << 20, 200, 1000000};
	struct json *doc = NULL;
	enum err_code code = json_parse(text, len, &limits, &doc, err);

	json_free(&doc);
	return code == ERR_NONE ? code : err_wrap(err, "%s", what);
}

bool
bull_was_put_back(const struct bull_call *c)
{
	return c->answer == BULL_MOVED &&
	       (strcmp(c->text, "wait") == 0 ||
		   strcmp(c->text, "paused") == 0 ||
		   strcmp(c->text, "prioritized") == 0);
}
