#ifndef DSRUN_BULL_PRIV_H
#define DSRUN_BULL_PRIV_H

#include "base/list.h"

#include "bull/bull.h"

struct bull {
	struct env *env;
	struct net_redis *redis;
	enum bull_library pinned;
	enum bull_library library; /* ANY until detected */
	char *name;                /* "bull:calls" */
	char *keys;                /* "bull:calls:" */
	char *token, *worker;
	size_t field_max, answer_max;
	int64_t limit, limit_ms;
	int64_t metrics;       /* as configured */
	bool has_metrics;      /* the queue, when it was detected */
	bool told_drained;     /* Bull's listeners know that it ran empty */
	int64_t known_us;      /* the latest delivery that we heard of */
	int64_t gone;          /* ends that found no such job */
	struct list under_way; /* bull_call.node */
};

/* That of lua/NAME.lua. */
struct net_redis_script *bull_script(const char *name);

/* One kind of call: its script and how its answer is read. */
struct bull_verb {
	const char *script;
	enum err_code (*read)(struct bull_call *c,
	    const struct net_redis_value *v, const char *word, struct err *err);
};

/* What a script gets after the library's name. */
struct bull_args {
	struct net_redis_arg *list;
	size_t count, cap;
	size_t numbers_used;
	char numbers[8][24];
};
/* The library first; detect must have found it. */
void bull_args_begin(const struct bull *b, struct bull_args *a);
void bull_arg_bytes(struct bull_args *a, const void *bytes, size_t len);
void bull_arg_text(struct bull_args *a, const char *text);
void bull_arg_i64(struct bull_args *a, int64_t n);

/* Sends it; takes what args hold and frees it. */
void bull_start(struct bull *b, const struct bull_verb *verb,
    struct bull_args *args, struct bull_call *c);

#define BULL_METRICS_DEFAULT 20160 /* minutes */
int64_t bull_metrics(const struct bull *b);

/* When it was minted; 0 = it is none of a dsrun's. */
int64_t bull_lease_taken_us(const char *lease);
/* Redis must remember as much. */
void bull_know(struct bull *b, const char *lease);

/* Items of an answer; NULL, "" and 0 for what is not there. */
const struct net_redis_value *bull_item(
    const struct net_redis_value *v, size_t i);
const char *bull_item_text(const struct net_redis_value *v, size_t i);
int64_t bull_item_i64(const struct net_redis_value *v, size_t i);

/* GONE, OTHERS and MOVED: what every end of a delivery may answer. */
void bull_read_elsewhere(
    struct bull_call *c, const struct net_redis_value *v, const char *word);

/* A take's rows; those whose id holds a NUL are left to the stalled check. */
void bull_read_jobs(struct bull_call *c, const struct net_redis_value *rows);

/* ERR_MALFORMED, saying what, unless it is JSON. */
enum err_code bull_check_json(
    const char *what, const char *text, size_t len, struct err *err);

#endif
