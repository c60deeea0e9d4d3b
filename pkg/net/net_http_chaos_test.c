#include <stdlib.h>

#include "net/net_http.h"
#include "net/net_http_test.h"

/*
 * Hundreds of requests at a peer that fails at random, cancelled at random:
 * whatever happens, each arrives at most once, an answer means that it
 * arrived, and what is said to be unsent did not.
 */

#define REQUESTS 800
#define AT_ONCE 24

static struct net_peer_ca *ca;
static char ca_file[64];

struct chaos {
	struct world *w;
	struct ask asks[REQUESTS];
	char urls[REQUESTS][64];
	bool cancelled[REQUESTS];
	size_t begun;
	uint32_t random;
	uint32_t peer_random;
	const char *body;
};

static uint32_t
any(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

/* By one of the peer's threads; half of the answers are good. */
static void
answer_somehow(
    void *arg, const struct net_peer_got *got, struct net_peer_reply *out)
{
	static const enum net_peer_then ends[] = {
	    NET_PEER_CUT, NET_PEER_CLOSE, NET_PEER_RESET};
	struct chaos *c = arg;
	uint32_t *seed = &c->peer_random;

	(void)got;
	out->body = "a body of some length, so that it can be cut";
	out->chunk = any(seed, 3) * 5;
	out->status = any(seed, 4) == 0 ? 503 : 200;
	if (any(seed, 4) == 0)
		out->wait_ms = any(seed, 8);
	if (any(seed, 2) == 0)
		return;
	out->cut = any(seed, 3) > 0;
	out->cut_at = any(seed, 2) == 0 ? 0 : any(seed, 120);
	out->then = ends[any(seed, 3)];
	if (any(seed, 16) == 0)
		out->raw = "nonsense\r\n";
}

static void begin_one(struct chaos *c);
static struct chaos *running;

static void
on_end(struct ask *a)
{
	struct chaos *c = running;

	if (c->begun < REQUESTS)
		begin_one(c);
	if (any(&c->random, 16) == 0) {
		/* Any, whatever became of it. */
		size_t i = any(&c->random, (uint32_t)c->begun);

		c->cancelled[i] = c->asks[i].dones == 0;
		net_http_cancel(&c->asks[i].r);
		if (c->cancelled[i] && c->begun < REQUESTS)
			begin_one(c);
	}
	(void)a;
}

static void
begin_one(struct chaos *c)
{
	size_t i = c->begun++;
	struct ask *a = &c->asks[i];
	char path[32];

	(void)snprintf(path, sizeof(path), "/%zu", i);
	net_peer_url(c->w->peer, path, c->urls[i], sizeof(c->urls[i]));
	a->r.url = c->urls[i];
	a->then = on_end;
	if (any(&c->random, 2) == 0) {
		a->r.body = c->body;
		a->r.body_len = any(&c->random, 4) == 0
				    ? any(&c->random, 1 << 20)
				    : any(&c->random, 2000);
	}
	a->r.fresh = any(&c->random, 8) == 0;
	if (any(&c->random, 8) == 0)
		a->r.total_ms = 1 + any(&c->random, 10);
	start(c->w, a, a->r.body_len > 0 ? "PUT" : "DELETE");
}

static void
judge(struct chaos *c)
{
	size_t seen[REQUESTS] = {0};
	size_t good = 0;

	for (size_t i = 0; i < net_peer_count(c->w->peer); i++) {
		const char *target = net_peer_request(c->w->peer, i)->target;
		size_t n = strtoul(target + 1, NULL, 10);

		assert_true(n < REQUESTS);
		if (++seen[n] > 1)
			fail_msg("%s arrived twice", target);
	}
	for (size_t i = 0; i < REQUESTS; i++) {
		struct ask *a = &c->asks[i];

		if (a->dones != (c->cancelled[i] ? 0 : 1))
			fail_msg("%zu: %d times done", i, a->dones);
		if (a->dones == 1 && a->r.code == ERR_NONE) {
			assert_int_equal(seen[i], 1);
			good++;
		}
		if (a->dones == 1 && !a->r.sent)
			assert_int_equal(seen[i], 0);
		net_http_request_fini(&a->r);
	}
	/* The peer is bad, but not that bad. */
	assert_true(good > REQUESTS / 4);
	assert_true(good < REQUESTS);
}

static void
run_chaos(struct world *w, bool tls, uint32_t seed)
{
	struct chaos *c = mem_zalloc(1, sizeof(*c));
	char *body = mem_zalloc(1, 1 << 20);

	net_http_close(&w->http);
	net_peer_close(&w->peer);
	open_http(w, tls ? ca_file : NULL, 0);
	c->w = w;
	c->random = seed;
	c->peer_random = seed * 7;
	c->body = body;
	running = c;
	open_peer(w, &(struct net_peer_options){.ca = tls ? ca : NULL,
			 .keep_body = 1,
			 .answer = answer_somehow,
			 .arg = c});
	while (c->begun < AT_ONCE)
		begin_one(c);
	net_env_run(w->env);
	assert_int_equal(c->begun, REQUESTS);
	/* What the peer still reads. */
	net_http_close(&w->http);
	for (int i = 0; i < 1500 && net_peer_connected(w->peer) > 0; i++)
		env_pause(w->env, 1000);
	judge(c);
	net_peer_close(&w->peer);
	mem_free(&body);
	mem_free(&c);
}

static void
nothing_arrives_twice_in_plain_text(void **state)
{
	for (uint32_t seed = 1; seed <= 2; seed++)
		run_chaos(*state, false, seed);
}

static void
nothing_arrives_twice_over_tls(void **state)
{
	run_chaos(*state, true, 4);
}

static int
make_authority(void **state)
{
	(void)state;
	(void)snprintf(ca_file, sizeof(ca_file), "/tmp/net_http_chaos.XXXXXX");
	int fd = mkstemp(ca_file);

	assert_true(fd >= 0);
	(void)close(fd);
	ca = net_peer_ca_new("Chaos");
	net_peer_ca_write(ca, ca_file);
	return 0;
}

static int
drop_authority(void **state)
{
	(void)state;
	net_peer_ca_free(&ca);
	return unlink(ca_file);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(nothing_arrives_twice_in_plain_text),
	    TEST(nothing_arrives_twice_over_tls),
	};

	return cmocka_run_group_tests(tests, make_authority, drop_authority);
}
