#include "net/net_redis_fix_test.h"
#include "net/net_redis_server_test.h"

/* A real Cluster: a slot is found, moved and followed, and a node dies. */

static struct redis_cluster cluster;

static int
stop_all(void **state)
{
	(void)state;
	redis_cluster_stop(&cluster);
	return 0;
}

static void
need_cluster(void)
{
	redis_server_need();
	if (cluster.node[0].pid == 0)
		redis_cluster_start(&cluster);
}

/* The key's slot lies at node `owner` of the three. */
static int
slot_of(const char *key, int *owner)
{
	int slot = atoi(REDIS_ASK(&cluster.node[0], "CLUSTER", "KEYSLOT", key));

	*owner = slot <= 5460 ? 0 : slot <= 10922 ? 1 : 2;
	return slot;
}

static void
open_by_node(struct fix *f, int node)
{
	char url[64];

	(void)snprintf(
	    url, sizeof(url), "redis://127.0.0.1:%d", cluster.node[node].port);
	fix_open_env(f);
	fix_open(f, (struct net_redis_options){.url = url});
}

static void
run_take(struct fix *f, struct asked *a)
{
	static struct net_redis_script take = {.name = "take",
	    .text = "return redis.call('RPOPLPUSH', KEYS[1], KEYS[2])"};
	static const struct net_redis_arg keys[] = {
	    {"{bull}:wait", 11}, {"{bull}:active", 13}};

	*a = (struct asked){.f = f, .c.done = fix_done};
	f->want++;
	net_redis_run(f->r, &take, keys, 2, NULL, 0, &a->c);
}

/* A key that never is there names the slot. */
static void
run_staying(struct fix *f, struct asked *a)
{
	static struct net_redis_script stays = {.name = "stays",
	    .stays = true,
	    .text = "return redis.call('INCR', KEYS[1] .. 'counter')"};
	static const struct net_redis_arg key = {"{bull}:", 7};

	*a = (struct asked){.f = f, .c.done = fix_done};
	f->want++;
	net_redis_run(f->r, &stays, &key, 1, NULL, 0, &a->c);
	fix_wait(f);
}

/*
 * From the wrong node to the right one; then the slot is moved to a third:
 * what is not there any more is asked for there (ASK), and in the end all of
 * it is (MOVED).
 */
static void
a_cluster_s_slot_is_found_and_followed(void **state)
{
	struct fix f;
	struct asked a;
	int owner = 0;
	int slot;
	char number[16];

	(void)state;
	need_cluster();
	slot = slot_of("{bull}", &owner);
	(void)snprintf(number, sizeof(number), "%d", slot);

	int target = (owner + 1) % 3;
	const struct redis_server *from = &cluster.node[owner];
	const struct redis_server *to = &cluster.node[target];

	open_by_node(&f, target);
	EXPECT(&f, "3", "LPUSH", "{bull}:wait", "1", "2", "3");
	assert_int_equal(fix_port(&f), from->port);
	run_take(&f, &a);
	fix_wait(&f);
	assert_string_equal(a.c.value->text, "1");
	net_redis_command_fini(&a.c);

	(void)REDIS_ASK(
	    to, "CLUSTER", "SETSLOT", number, "IMPORTING", cluster.id[owner]);
	(void)REDIS_ASK(from, "CLUSTER", "SETSLOT", number, "MIGRATING",
	    cluster.id[target]);
	/* Not there: so it would be at the other, and is made there. */
	EXPECT(&f, "1", "INCR", "{bull}:new");
	EXPECT(&f, "2", "INCR", "{bull}:new");
	assert_int_equal(fix_port(&f), from->port);
	/* Both here: here. */
	run_take(&f, &a);
	fix_wait(&f);
	assert_string_equal(a.c.value->text, "2");
	net_redis_command_fini(&a.c);
	/* One here, one there: later. */
	SEND(&f, &a, "MGET", "{bull}:new", "{bull}:active");
	fix_wait(&f);
	struct err err;
	assert_int_equal(net_redis_check(&a.c, &err), ERR_THROTTLED);
	net_redis_command_fini(&a.c);

	/* Not before all of it is at one node: known to the server or not. */
	for (int i = 0; i < 2; i++) {
		run_staying(&f, &a);
		assert_int_equal(net_redis_check(&a.c, &err), ERR_THROTTLED);
		assert_non_null(strstr(err.text, "ASK "));
		net_redis_command_fini(&a.c);
	}

	char port[16];
	(void)snprintf(port, sizeof(port), "%d", to->port);
	(void)REDIS_ASK(from, "MIGRATE", "127.0.0.1", port, "", "0", "5000",
	    "KEYS", "{bull}:active", "{bull}:wait");
	(void)REDIS_ASK(
	    to, "CLUSTER", "SETSLOT", number, "NODE", cluster.id[target]);
	(void)REDIS_ASK(
	    from, "CLUSTER", "SETSLOT", number, "NODE", cluster.id[target]);
	EXPECT(&f, "3", "INCR", "{bull}:new");
	assert_int_equal(fix_port(&f), to->port);
	run_staying(&f, &a);
	assert_int_equal(a.c.value->integer, 1);
	net_redis_command_fini(&a.c);
	EXPECT(&f, "2", "LLEN", "{bull}:active");
	assert_int_equal(net_redis_epoch(f.r), 3);
	fix_close(&f);
}

/* The node that the url names is away: another that was heard of is asked. */
static void
a_cluster_is_reached_by_any_node_once_it_is_known(void **state)
{
	struct fix f;

	(void)state;
	need_cluster();
	open_by_node(&f, 0);
	fix_run(&f, fix_is_up);
	redis_server_kill(&cluster.node[0]);
	fix_run(&f, fix_is_down);
	fix_run(&f, fix_is_up);
	assert_int_not_equal(fix_port(&f), cluster.node[0].port);
	fix_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_cluster_s_slot_is_found_and_followed),
	    cmocka_unit_test(a_cluster_is_reached_by_any_node_once_it_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, stop_all);
}
