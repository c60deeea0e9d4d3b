#include "wire_sim_log.h"

#include "base/mem.h"

#include "carrier/carrier_sim_log.h"

struct network {
	struct env *env;
	char *path;
};

/* The requests of one call, among those of its key. */
static size_t
requests_of(const struct carrier_sim_log_key *key, size_t call,
    struct run_check_request **out)
{
	size_t n = 0;

	*out = mem_zalloc(key->request_count + 1, sizeof(**out));
	for (size_t i = 0; i < key->request_count; i++) {
		const struct carrier_sim_log_request *r = &key->requests[i];

		if (r->call == call)
			(*out)[n++] =
			    (struct run_check_request){.at_ms = r->at_ms,
				.event = r->event,
				.hash = r->hash};
	}
	return n;
}

static enum err_code
each_call(void *impl, void (*fn)(void *arg, const struct run_check_call *call),
    void *arg, struct err *err)
{
	struct network *n = impl;
	struct carrier_sim_log log;
	enum err_code code = carrier_sim_log_read(n->env, n->path, &log, err);

	for (size_t i = 0; code == ERR_NONE && i < log.call_count; i++) {
		const struct carrier_sim_log_call *c = &log.calls[i];
		struct run_check_request *requests = NULL;
		struct run_check_call call = {.id = c->id,
		    .key = log.keys[c->key].key,
		    .placed = c->placed,
		    .outcome = c->outcome};

		call.request_count =
		    requests_of(&log.keys[c->key], i, &requests);
		call.requests = requests;
		fn(arg, &call);
		mem_free(&requests);
	}
	if (code == ERR_NONE)
		carrier_sim_log_free(&log);
	return code;
}

enum err_code
wire_sim_log(struct env *env, const char *path, struct run_check_network *out,
    struct err *err)
{
	struct network *n = mem_zalloc(1, sizeof(*n));
	struct env_stat st;
	enum err_code code = env_stat(env, path, &st, err);

	n->env = env;
	n->path = mem_strdup(path);
	*out = (struct run_check_network){.impl = n};
	if (code == ERR_NOT_FOUND) {
		out->why = "there is no log of the network (sim/calls.jsonl)";
		return ERR_NONE;
	}
	out->each = each_call;
	return code;
}

void
wire_sim_log_free(struct run_check_network *network)
{
	struct network *n = network->impl;

	if (n != NULL)
		mem_free(&n->path);
	mem_free(&n);
	network->impl = NULL;
}
