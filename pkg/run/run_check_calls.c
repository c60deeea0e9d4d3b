#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "run/run_check_priv.h"

/* Memory: some 200 bytes a call. */

static void
add_requests(struct run_check_calls *c, const struct run_check_call *call)
{
	for (size_t i = 0; i < call->request_count; i++) {
		struct run_check_asked *a;

		if (c->asked_count == c->asked_cap) {
			c->asked_cap =
			    c->asked_cap == 0 ? 256 : 2 * c->asked_cap;
			c->asked = mem_realloc(
			    c->asked, c->asked_cap, sizeof(*c->asked));
		}
		a = &c->asked[c->asked_count++];
		a->at_ms = call->requests[i].at_ms;
		a->event = call->requests[i].event;
		memcpy(a->hash, call->requests[i].hash, SHA256_BYTES);
	}
}

static void
add_call(void *arg, const struct run_check_call *call)
{
	struct run_check_calls *c = arg;
	struct run_check_rang r = {.first = c->asked_count,
	    .count = call->request_count,
	    .placed = call->placed,
	    .outcome = call->outcome};

	if (!text_unhex(call->key, r.key, sizeof(r.key))) {
		(void)snprintf(
		    c->strange_id, sizeof(c->strange_id), "%s", call->id);
		c->strange++;
		return;
	}
	r.id = mem_strdup(call->id);
	add_requests(c, call);
	if (c->count == c->cap) {
		c->cap = c->cap == 0 ? 256 : 2 * c->cap;
		c->call = mem_realloc(c->call, c->cap, sizeof(*c->call));
	}
	c->call[c->count++] = r;
}

static int
by_key(const void *a, const void *b)
{
	const struct run_check_rang *x = a;
	const struct run_check_rang *y = b;
	int order = memcmp(x->key, y->key, sizeof(x->key));

	/* requests lie in the order of the log, so that this is stable */
	return order != 0 ? order
			  : (x->first > y->first) - (x->first < y->first);
}

enum err_code
run_check_calls_read(const struct run_check_network *network,
    struct run_check_calls *out, struct err *err)
{
	enum err_code code;

	memset(out, 0, sizeof(*out));
	code = network->each(network->impl, add_call, out, err);
	if (code != ERR_NONE) {
		run_check_calls_free(out);
		return err_wrap(err, "the network's log");
	}
	if (out->count > 0)
		qsort(out->call, out->count, sizeof(*out->call), by_key);
	return ERR_NONE;
}

void
run_check_calls_free(struct run_check_calls *c)
{
	for (size_t i = 0; i < c->count; i++)
		mem_free(&c->call[i].id);
	mem_free(&c->call);
	mem_free(&c->asked);
	c->count = 0;
}

struct run_check_rang *
run_check_calls_find(const struct run_check_calls *c,
    const uint8_t key[SHA256_BYTES], size_t *count)
{
	size_t low = 0;
	size_t high = c->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(c->call[mid].key, key, SHA256_BYTES) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*count = 0;
	while (low + *count < c->count &&
	       memcmp(c->call[low + *count].key, key, SHA256_BYTES) == 0)
		(*count)++;
	return *count > 0 ? &c->call[low] : NULL;
}
