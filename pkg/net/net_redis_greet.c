#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "net/net_redis_priv.h"

void
net_redis_say(struct net_redis_link *l, enum net_redis_step step,
    const char *const *words)
{
	struct net_redis_arg args[8];
	struct net_redis_flight *f = NULL;
	struct err err;
	size_t n = 0;

	for (; words[n] != NULL; n++) {
		CHECK(n < ARRAY_LEN(args));
		args[n] = (struct net_redis_arg){words[n], strlen(words[n])};
	}
	CHECK(net_redis_flight_new(args, n, &f, &err) == ERR_NONE);
	f->step = (int)step;
	f->deadline_ms = INT64_MAX;
	net_redis_link_put(l, f);
}

void
net_redis_say_auth(
    struct net_redis_link *l, const char *user, const char *password)
{
	if (user != NULL)
		net_redis_say(l, NET_REDIS_AUTH,
		    (const char *const[]){"AUTH", user, password, NULL});
	else if (password != NULL)
		net_redis_say(l, NET_REDIS_AUTH,
		    (const char *const[]){"AUTH", password, NULL});
}

static void
say(struct net_redis *r, enum net_redis_step step, const char *const *words)
{
	r->greetings++;
	net_redis_say(r->link, step, words);
}

/* All at once: one round trip.  What is refused ends it. */
void
net_redis_greet(struct net_redis *r)
{
	char db[16];

	(void)snprintf(db, sizeof(db), "%d", r->url.db);
	r->greetings = r->url.password != NULL ? 1 : 0;
	*r->run_id = *r->role = *r->version = *r->policy = '\0';
	net_redis_say_auth(r->link, r->url.user, r->url.password);
	if (r->url.db != 0)
		say(r, NET_REDIS_SELECT,
		    (const char *const[]){"SELECT", db, NULL});
	if (r->name != NULL)
		say(r, NET_REDIS_NAME,
		    (const char *const[]){"CLIENT", "SETNAME", r->name, NULL});
	say(r, NET_REDIS_INFO_SERVER,
	    (const char *const[]){"INFO", "server", NULL});
	say(r, NET_REDIS_INFO_REPLICATION,
	    (const char *const[]){"INFO", "replication", NULL});
	say(r, NET_REDIS_INFO_MEMORY,
	    (const char *const[]){"INFO", "memory", NULL});
}

/* Of "name:value\r\n" lines; "" when it is not there or too long. */
static void
info(const struct net_redis_value *v, const char *name, char *out, size_t size)
{
	const char *line = v->kind == NET_REDIS_STRING ? v->text : "";
	size_t len = strlen(name);

	*out = '\0';
	for (; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
		line += *line == '\n' ? 1 : 0;
		if (strncmp(line, name, len) != 0 || line[len] != ':')
			continue;
		size_t n = strcspn(line + len + 1, "\r\n");

		if (n < size)
			(void)snprintf(
			    out, size, "%.*s", (int)n, line + len + 1);
		return;
	}
}

static void
keep_node(struct net_redis *r, const struct net_redis_value *node)
{
	struct net_redis_address at = {NULL, 0};
	const struct net_redis_value *i = node->items;

	if (node->kind != NET_REDIS_ARRAY || node->count < 2 ||
	    i[1].kind != NET_REDIS_INT || i[1].integer < 1 ||
	    i[1].integer > 65535 || r->node_count == NET_REDIS_NODES_MAX)
		return;
	/* No host is the one that was asked. */
	at.host = mem_strdup(i[0].kind == NET_REDIS_STRING && i[0].len > 0
				 ? i[0].text
				 : r->at.host);
	at.port = (int)i[1].integer;
	for (size_t k = 0; k < r->node_count; k++)
		if (net_redis_address_eq(&r->nodes[k], &at)) {
			net_redis_address_fini(&at);
			return;
		}
	r->nodes[r->node_count++] = at;
}

/* Masters only: [first, last, [host, port, ...], replicas ...] */
static void
keep_nodes(struct net_redis *r, const struct net_redis_value *v)
{
	if (v->kind != NET_REDIS_ARRAY)
		return;
	while (r->node_count > 0)
		net_redis_address_fini(&r->nodes[--r->node_count]);
	for (size_t i = 0; i < v->count; i++)
		if (v->items[i].kind == NET_REDIS_ARRAY &&
		    v->items[i].count >= 3)
			keep_node(r, &v->items[i].items[2]);
}

/*
 * ERR_NONE: an answer that it may do without.  A name is for others to look
 * at; and without the right to ask who the server is, that stays unknown, but
 * what sentinels name must say that it is master.
 */
static enum err_code
refusal(const struct net_redis *r, const struct net_redis_flight *f,
    const char *text, struct err *err)
{
	enum err_code code = net_redis_error_code(text);
	bool denied = text_starts(text, "NOPERM") ||
		      text_starts(text, "ERR unknown command");

	switch (f->step) {
	case NET_REDIS_AUTH:
	case NET_REDIS_SELECT:
		denied = false;
		code = code == ERR_REJECTED ? ERR_CONFIG : code;
		break;
	case NET_REDIS_NAME:
		denied = denied || code == ERR_REJECTED;
		break;
	case NET_REDIS_INFO_REPLICATION:
		denied = denied && r->sentinel_count == 0;
		break;
	default:
		break;
	}
	if (denied)
		return ERR_NONE;
	if (code == ERR_REJECTED)
		code = ERR_UNREACHABLE;
	return err_set(err, code, 0, "%.300s", text);
}

static void
learn(struct net_redis *r, const struct net_redis_flight *f,
    const struct net_redis_value *v)
{
	char mode[16];

	switch (f->step) {
	case NET_REDIS_INFO_SERVER:
		info(v, "run_id", r->run_id, sizeof(r->run_id));
		info(v, "redis_version", r->version, sizeof(r->version));
		info(v, "redis_mode", mode, sizeof(mode));
		if (text_eq(mode, "cluster"))
			say(r, NET_REDIS_SLOTS,
			    (const char *const[]){"CLUSTER", "SLOTS", NULL});
		break;
	case NET_REDIS_INFO_REPLICATION:
		info(v, "role", r->role, sizeof(r->role));
		break;
	case NET_REDIS_INFO_MEMORY:
		info(v, "maxmemory_policy", r->policy, sizeof(r->policy));
		break;
	case NET_REDIS_SLOTS:
		keep_nodes(r, v);
		break;
	default:
		break;
	}
}

void
net_redis_greeted(struct net_redis *r, struct net_redis_flight *f)
{
	const struct net_redis_value *v = net_redis_reply_value(f->reply);
	enum err_code code = ERR_NONE;
	struct err err;

	if (v->kind == NET_REDIS_ERROR)
		code = refusal(r, f, v->text, &err);
	else
		learn(r, f, v);
	if (code == ERR_NONE && f->step == NET_REDIS_INFO_REPLICATION &&
	    r->sentinel_count > 0 && !text_eq(r->role, "master"))
		code = err_set(&err, ERR_UNREACHABLE, 0,
		    "the sentinels name it master of %s, it says it is a %s",
		    r->sentinel_master,
		    *r->role != '\0' ? r->role : "stranger");
	net_redis_flight_free(&f);
	if (code != ERR_NONE)
		net_redis_lost(r, &err);
	else if (--r->greetings == 0)
		net_redis_is_joined(r);
}
