#include "bull/bull_add.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "json/json_write.h"

#include "bull/bull_priv.h"

#define ID_MAX 200
#define PRIORITY_MAX 2097151
#define RULE_MAX 65536 /* bytes of a backoff or a rule of removal */

/* A job's hash lies beside these keys of the queue. */
static const char *const reserved[] = {"id", "wait", "paused", "active", "meta",
    "meta-paused", "delayed", "priority", "prioritized", "pc", "completed",
    "failed", "waiting-children", "stalled", "stalled-check", "marker",
    "events", "limiter", "repeat", "metrics", NULL};

static enum err_code
check_id(const struct bull *b, const char *id, struct err *err)
{
	if (id[0] == '\0' || strlen(id) > ID_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "a job's id has 1 to %d bytes", ID_MAX);
	for (const char *const *r = reserved; *r != NULL; r++)
		if (strcmp(id, *r) == 0)
			return err_set(err, ERR_MALFORMED, 0,
			    "no job can be called \"%s\": a key of the queue is",
			    id);
	if (b->library == BULL_CLASSIC)
		return ERR_NONE;
	if (id[strspn(id, "0123456789")] == '\0')
		return err_set(err, ERR_MALFORMED, 0,
		    "BullMQ takes no number as an id of one's own: \"%s\"", id);
	if (strchr(id, ':') != NULL)
		return err_set(err, ERR_MALFORMED, 0,
		    "BullMQ takes no colon in an id: \"%s\"", id);
	return ERR_NONE;
}

static enum err_code
put_json(
    struct json_writer *w, const char *key, const char *text, struct err *err)
{
	enum err_code code;

	if (text == NULL)
		return ERR_NONE;
	if (strlen(text) > RULE_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "%s has more than %d bytes", key, RULE_MAX);
	if ((code = bull_check_json(key, text, strlen(text), err)) != ERR_NONE)
		return code;
	json_write_key(w, key);
	return json_write_raw(w, text, strlen(text), err);
}

/* The members of opts, as each library's producer stores them. */
static enum err_code
write_opts(const struct bull *b, const struct bull_new *n, struct buf *out,
    struct err *err)
{
	struct json_writer w = JSON_WRITER_INIT(out);
	bool classic = b->library == BULL_CLASSIC;
	enum err_code code;

	json_write_object(&w);
	json_field_i64(&w, "attempts",
	    n->attempts > 0 ? n->attempts
	    : classic       ? 1
			    : 0);
	if (classic || n->delay_ms > 0)
		json_field_i64(&w, "delay", n->delay_ms);
	if (n->priority > 0)
		json_field_i64(&w, "priority", n->priority);
	if (n->lifo)
		json_field_bool(&w, "lifo", true);
	if (n->id != NULL)
		json_field_str(&w, "jobId", n->id);
	if ((code = put_json(&w, "backoff", n->backoff, err)) != ERR_NONE ||
	    (code = put_json(&w, "removeOnComplete", n->remove_on_complete,
		 err)) != ERR_NONE ||
	    (code = put_json(&w, "removeOnFail", n->remove_on_fail, err)) !=
		ERR_NONE)
		return code;
	json_write_end(&w);
	return ERR_NONE;
}

static enum err_code
check_new(const struct bull *b, const struct bull_new *n, struct err *err)
{
	enum err_code code;

	if (n->id != NULL && (code = check_id(b, n->id, err)) != ERR_NONE)
		return code;
	if (n->name != NULL && !text_is_utf8(n->name, strlen(n->name)))
		return err_set(err, ERR_MALFORMED, 0, "a name is no UTF-8");
	if (n->priority < 0 || n->priority > PRIORITY_MAX)
		return err_set(err, ERR_MALFORMED, 0, "a priority is 0 to %d",
		    PRIORITY_MAX);
	if (n->attempts < 0 || n->delay_ms < 0)
		return err_set(err, ERR_MALFORMED, 0,
		    "attempts and delay are not negative");
	return bull_check_json("data", n->data, n->data_len, err);
}

static enum err_code
read_add(struct bull_call *c, const struct net_redis_value *v, const char *word,
    struct err *err)
{
	(void)err;
	c->answer = strcmp(word, "added") == 0 ? BULL_DONE : BULL_ALREADY;
	c->text = bull_item_text(v, 1);
	return ERR_NONE;
}

static const struct bull_verb add = {"add", read_add};

enum err_code
bull_add(struct bull *b, const struct bull_new *n, struct bull_call *c,
    struct err *err)
{
	struct buf opts = BUF_INIT((size_t)1 << 20);
	struct bull_args a = {0};
	enum err_code code;

	CHECK(b->library != BULL_ANY);
	if ((code = check_new(b, n, err)) != ERR_NONE ||
	    (code = write_opts(b, n, &opts, err)) != ERR_NONE)
		goto out;
	bull_args_begin(b, &a);
	bull_arg_text(&a, n->id != NULL ? n->id : "");
	bull_arg_text(&a, n->name != NULL ? n->name : "__default__");
	bull_arg_bytes(&a, n->data, n->data_len);
	/* Without its braces: the script adds what only it knows. */
	bull_arg_bytes(&a, opts.bytes + 1, opts.len - 2);
	bull_arg_text(&a, b->token);
	bull_start(b, &add, &a, c);
out:
	buf_free(&opts);
	return code;
}
