#include "net/net_redis_fake_test.h"
#include "net/net_redis_fix_test.h"
#include "net/net_redis_server_test.h"

/*
 * Which master is believed, and which node is asked: sentinels and nodes of a
 * Cluster that say what a test wants.  The real ones: net_redis_sentinel_test.c
 * and net_redis_cluster_test.c.
 */

static struct fake nodes[3]; /* Redis servers, each a master by its word */
static struct fake sentinels[3];
static struct {
	int names; /* which of nodes; -1: no such master, -2: silence */
	int epoch;
	bool refuses; /* the password */
} says[3];

static void
answer_as_sentinel(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	static char bytes[3][256];
	size_t i = (size_t)(f - sentinels);
	char port[8];

	(void)conn;
	if (strncmp(command, "AUTH", 4) == 0 && says[i].refuses)
		out->bytes = "-WRONGPASS no\r\n";
	if (strncmp(command, "SUBSCRIBE", 9) == 0)
		out->bytes = "*3\r\n$9\r\nsubscribe\r\n"
			     "$14\r\n+switch-master\r\n:1\r\n";
	if (strncmp(command, "SENTINEL", 8) != 0)
		return;
	if (says[i].names == -2) {
		out->then = FAKE_HANG;
	} else if (strcmp(command, "SENTINEL MASTER m") == 0) {
		(void)snprintf(bytes[i], sizeof(bytes[i]),
		    "*4\r\n+name\r\n+m\r\n+config-epoch\r\n+%d\r\n",
		    says[i].epoch);
		out->bytes = bytes[i];
	} else if (says[i].names == -1) {
		out->bytes = "*-1\r\n";
	} else {
		(void)snprintf(
		    port, sizeof(port), "%d", nodes[says[i].names].port);
		(void)snprintf(bytes[i], sizeof(bytes[i]),
		    "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port),
		    port);
		out->bytes = bytes[i];
	}
}

static void
begin(struct fix *f, struct net_redis_options o)
{
	char list[96];

	for (int i = 0; i < 3; i++) {
		nodes[i].role = NULL;
		nodes[i].answer = NULL;
		fake_start(&nodes[i]);
		sentinels[i].answer = answer_as_sentinel;
		fake_start(&sentinels[i]);
	}
	(void)snprintf(list, sizeof(list),
	    "127.0.0.1:%d, 127.0.0.1:%d,127.0.0.1:%d", sentinels[0].port,
	    sentinels[1].port, sentinels[2].port);
	fix_open_env(f);
	o.url = "redis://:pw@unused:1/2";
	o.sentinels = list;
	o.sentinel_master = "m";
	fix_open(f, o);
}

static void
end(struct fix *f)
{
	fix_close(f);
	for (int i = 0; i < 3; i++) {
		fake_stop(&nodes[i]);
		fake_stop(&sentinels[i]);
	}
	memset(says, 0, sizeof(says));
}

/* A fake's run id is its port. */
static void
expect_node(struct fix *f, int node)
{
	char id[48];

	(void)snprintf(id, sizeof(id), "%040d", nodes[node].port);
	assert_string_equal(net_redis_run_id(f->r), id);
}

static void
say(int a, int b, int c)
{
	says[0].names = a;
	says[1].names = b;
	says[2].names = c;
}

static void
the_master_of_the_majority_is_taken(void **state)
{
	static const int rows[][4] = {
	    {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 1, 1}, {2, 1, 2, 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fix f;

		say(rows[i][0], rows[i][1], rows[i][2]);
		/* The lone one's newer epoch does not help it. */
		for (int k = 0; k < 3; k++)
			says[k].epoch = says[k].names == rows[i][3] ? 1 : 9;
		begin(&f, (struct net_redis_options){.name = NULL});
		fix_run(&f, fix_is_up);
		expect_node(&f, rows[i][3]);
		assert_int_equal(fake_count(&nodes[rows[i][3]], "SELECT 2"), 1);
		assert_int_equal(fake_count(&nodes[rows[i][3]], "AUTH pw"), 1);
		end(&f);
	}
}

/* The majority is enough: the third may be silent. */
static void
a_silent_sentinel_holds_nobody_up(void **state)
{
	struct fix f;
	int64_t begun;

	(void)state;
	say(-2, 1, 1);
	begun = redis_server_now_ms();
	begin(&f, (struct net_redis_options){.connect_ms = 2000});
	fix_run(&f, fix_is_up);
	expect_node(&f, 1);
	assert_true(redis_server_now_ms() - begun < 1500);
	end(&f);
}

static void
without_a_majority_the_newest_epoch_is_taken(void **state)
{
	struct fix f;

	(void)state;
	say(0, 1, -2);
	says[0].epoch = 7;
	says[1].epoch = 8;
	begin(&f, (struct net_redis_options){.connect_ms = 300});
	fix_run(&f, fix_is_up);
	expect_node(&f, 1);
	end(&f);
}

static void
one_that_is_left_is_believed(void **state)
{
	struct fix f;

	(void)state;
	say(-1, -1, 2);
	begin(&f, (struct net_redis_options){.name = NULL});
	fix_run(&f, fix_is_up);
	expect_node(&f, 2);
	end(&f);
}

static void
when_none_knows_the_master_it_says_so(void **state)
{
	struct fix f;

	(void)state;
	say(-1, -1, -1);
	begin(&f, (struct net_redis_options){.name = NULL});
	fix_run(&f, fix_is_down);
	fix_why(&f, ERR_UNREACHABLE, "knows no such master");
	say(1, 1, 1);
	fix_run(&f, fix_is_up);
	end(&f);
}

static void
when_none_answers_in_time_it_says_so(void **state)
{
	struct fix f;

	(void)state;
	say(-2, -2, -2);
	begin(&f, (struct net_redis_options){.connect_ms = 150});
	fix_run(&f, fix_is_down);
	fix_why(&f, ERR_UNREACHABLE, "no answer in time");
	end(&f);
}

static void
sentinels_have_a_password_of_their_own(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, (struct net_redis_options){
		      .sentinel_user = "su", .sentinel_password = "sp"});
	fix_run(&f, fix_is_up);
	int asked = 0;

	for (int i = 0; i < 3; i++)
		asked += fake_count(&sentinels[i], "AUTH su sp");
	/* Two agree; the third may not have been heard. */
	assert_in_range(asked, 2, 3);
	end(&f);
	for (int i = 0; i < 3; i++)
		says[i].refuses = true;
	begin(&f, (struct net_redis_options){.sentinel_password = "sp"});
	fix_run(&f, fix_is_down);
	fix_why(&f, ERR_CONFIG, "WRONGPASS");
	end(&f);
}

/* What sentinels name has the last word on itself. */
static void
a_replica_is_not_taken_for_the_master(void **state)
{
	struct fix f;
	struct asked a;

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	nodes[0].role = "slave";
	SEND(&f, &a, "PING");
	fix_run(&f, fix_is_down);
	fix_why(&f, ERR_UNREACHABLE, "it says it is a slave");
	assert_int_equal(a.order, 0);
	nodes[0].role = "master";
	fix_wait(&f);
	assert_int_equal(a.c.code, ERR_NONE);
	assert_int_equal(fake_count(&nodes[0], "PING"), 1);
	net_redis_command_fini(&a.c);
	end(&f);
}

static void
answer_readonly(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	(void)f;
	(void)conn;
	if (strncmp(command, "SET", 3) == 0)
		out->bytes = "-READONLY You can't write against a read only "
			     "replica.\r\n";
}

static void
answer_ok(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	(void)f;
	(void)conn;
	if (strncmp(command, "SET", 3) == 0)
		out->bytes = "+OK\r\n";
}

static void
a_master_that_was_deposed_meanwhile_is_left(void **state)
{
	struct fix f;
	struct asked a, b, c;
	struct err err;

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	nodes[0].answer = answer_readonly;
	nodes[1].answer = answer_ok;
	fix_run(&f, fix_is_up);
	expect_node(&f, 0);
	say(1, 1, 1);
	SEND(&f, &a, "SET", "a", "1");
	SEND(&f, &b, "PING"); /* behind it, and answered by the old one */
	fix_run(&f, fix_all_done);
	assert_int_equal(net_redis_check(&a.c, &err), ERR_UNREACHABLE);
	assert_int_equal(b.c.code, ERR_NONE);
	SEND(&f, &c, "SET", "c", "1");
	fix_wait(&f);
	assert_int_equal(net_redis_check(&c.c, &err), ERR_NONE);
	expect_node(&f, 1);
	assert_int_equal(net_redis_epoch(f.r), 2);
	net_redis_command_fini(&a.c);
	net_redis_command_fini(&b.c);
	net_redis_command_fini(&c.c);
	end(&f);
}

static bool
is_elsewhere(struct fix *f)
{
	return net_redis_is_up(f->r) && net_redis_epoch(f->r) > 1;
}

/* Each says it for itself: one is not enough. */
static void
switch_master(int i, int node)
{
	char text[256];
	char what[64];

	(void)snprintf(what, sizeof(what), "m 127.0.0.1 %d 127.0.0.1 %d",
	    nodes[0].port, nodes[node].port);
	(void)snprintf(text, sizeof(text),
	    "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$%zu\r\n%s\r\n",
	    strlen(what), what);
	assert_true(
	    fake_say(&sentinels[i].conns[0], text, strlen(text), SIZE_MAX));
}

static void
run_for(struct fix *f, int64_t ms)
{
	int64_t until = redis_server_now_ms() + ms;

	while (redis_server_now_ms() < until) {
		env_timer_start_real(f->env, &f->look, 5);
		net_env_drain(f->env);
		env_timer_stop(f->env, &f->look);
		redis_server_sleep_ms(1);
		EXPECT(f, "PONG", "PING");
	}
}

static void
an_idle_connection_leaves_a_master_that_the_majority_has_left(void **state)
{
	struct fix f;
	struct asked a;

	(void)state;
	begin(&f, (struct net_redis_options){.name = NULL});
	fix_run(&f, fix_is_up);
	expect_node(&f, 0);
	run_for(&f, 50);
	switch_master(0, 2);
	run_for(&f, 50);
	expect_node(&f, 0);
	say(2, 2, 0);
	switch_master(1, 2);
	fix_run(&f, is_elsewhere);
	expect_node(&f, 2);
	assert_int_equal(net_redis_epoch(f.r), 2);
	assert_int_equal(fake_conn_count(&nodes[0]), 1);
	SEND(&f, &a, "PING");
	fix_wait(&f);
	assert_int_equal(fake_count(&nodes[2], "PING"), 1);
	net_redis_command_fini(&a.c);
	end(&f);
}

/* --- A Cluster ------------------------------------------------------------ */

/* What each node says to GET; "%d" is the port of the next one. */
static const char *said[3];

static void
answer_as_node(
    struct fake *f, int conn, const char *command, struct fake_answer *out)
{
	static char bytes[3][128];
	size_t i = (size_t)(f - nodes);
	const char *mark = said[i] != NULL ? strstr(said[i], "%d") : NULL;

	(void)conn;
	if (strncmp(command, "GET", 3) != 0 && strncmp(command, "EVAL", 4) != 0)
		return;
	if (strncmp(command, "EVALSHA", 7) == 0 && mark == NULL) {
		out->bytes = "-NOSCRIPT No matching script.\r\n";
		return;
	}
	if (mark == NULL)
		(void)snprintf(bytes[i], sizeof(bytes[i]), ":%zu\r\n", i);
	else
		(void)snprintf(bytes[i], sizeof(bytes[i]), "%.*s%d%s\r\n",
		    (int)(mark - said[i]), said[i], nodes[(i + 1) % 3].port,
		    mark + 2);
	out->bytes = bytes[i];
}

static void
begin_cluster(struct fix *f, const char *a, const char *b, const char *c)
{
	char url[64];

	said[0] = a;
	said[1] = b;
	said[2] = c;
	for (int i = 0; i < 3; i++) {
		nodes[i].role = NULL;
		nodes[i].answer = answer_as_node;
		fake_start(&nodes[i]);
	}
	(void)snprintf(
	    url, sizeof(url), "redis://:pw@127.0.0.1:%d", nodes[0].port);
	fix_open_env(f);
	fix_open(f, (struct net_redis_options){.url = url, .name = "n"});
	fix_run(f, fix_is_up);
}

static void
end_cluster(struct fix *f)
{
	fix_close(f);
	for (int i = 0; i < 3; i++)
		fake_stop(&nodes[i]);
}

/* All that were under way follow, in their order, and stay there. */
static void
moved_is_followed_once_for_all(void **state)
{
	struct fix f;
	struct asked a[20];

	(void)state;
	begin_cluster(&f, "-MOVED 7 127.0.0.1:%d", NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		SEND(&f, &a[i], "GET", "k");
	fix_wait(&f);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		assert_int_equal(a[i].order, i + 1);
		assert_int_equal(a[i].c.code, ERR_NONE);
		assert_int_equal(a[i].c.value->integer, 1);
		net_redis_command_fini(&a[i].c);
	}
	EXPECT(&f, "1", "GET", "k");
	expect_node(&f, 1);
	assert_int_equal(net_redis_epoch(f.r), 2);
	assert_int_equal(fake_count(&nodes[0], "GET k"), 20);
	assert_int_equal(fake_count(&nodes[1], "GET k"), 21);
	assert_int_equal(fake_conn_count(&nodes[1]), 1);
	end_cluster(&f);
}

static void
moved_without_a_host_means_the_same_host(void **state)
{
	struct fix f;

	(void)state;
	begin_cluster(&f, "-MOVED 7 :%d", "-MOVED 7 127.0.0.1:%d", NULL);
	EXPECT(&f, "2", "GET", "k");
	expect_node(&f, 2);
	end_cluster(&f);
}

/* Each time with ASKING before it, and the main connection stays. */
static void
ask_is_followed_for_that_one(void **state)
{
	static struct net_redis_script script = {
	    .name = "s", .text = "return 1"};
	struct fix f;
	struct asked a;

	(void)state;
	begin_cluster(&f, "-ASK 7 127.0.0.1:%d", NULL, NULL);
	for (int i = 0; i < 5; i++)
		EXPECT(&f, "1", "GET", "k");
	assert_int_equal(fake_count(&nodes[1], "ASKING"), 5);
	assert_int_equal(fake_count(&nodes[1], "GET k"), 5);
	assert_int_equal(fake_count(&nodes[1], "AUTH pw"), 1);
	assert_int_equal(fake_conn_count(&nodes[1]), 1);
	expect_node(&f, 0);
	/* A script that the other does not know is asked for once more. */
	a = (struct asked){.f = &f, .c.done = fix_done};
	f.want++;
	net_redis_run(f.r, &script, NULL, 0, NULL, 0, &a.c);
	fix_wait(&f);
	assert_int_equal(a.c.code, ERR_NONE);
	assert_int_equal(a.c.value->integer, 1);
	assert_int_equal(fake_count(&nodes[1], "ASKING"), 7);
	assert_int_equal(fake_count(&nodes[1], "EVAL return 1 0"), 1);
	net_redis_command_fini(&a.c);
	end_cluster(&f);
}

static void
a_node_named_by_ask_that_is_away_ends_it(void **state)
{
	struct fix f;
	struct asked a;
	struct err err;

	(void)state;
	begin_cluster(&f, NULL, NULL, NULL);
	said[0] = "-ASK 7 none.invalid:%d";
	SEND(&f, &a, "GET", "k");
	fix_wait(&f);
	assert_int_equal(net_redis_check(&a.c, &err), ERR_THROTTLED);
	net_redis_command_fini(&a.c);
	assert_true(net_redis_is_up(f.r));
	end_cluster(&f);
}

/* Nodes that send one round and round: an end, and the server's word. */
static void
redirections_have_an_end(void **state)
{
	struct fix f;
	struct asked a;
	struct err err;

	(void)state;
	begin_cluster(&f, "-MOVED 7 127.0.0.1:%d", "-MOVED 7 127.0.0.1:%d",
	    "-MOVED 7 127.0.0.1:%d");
	SEND(&f, &a, "GET", "k");
	fix_wait(&f);
	assert_int_equal(net_redis_check(&a.c, &err), ERR_THROTTLED);
	assert_non_null(strstr(err.text, "MOVED 7"));
	net_redis_command_fini(&a.c);
	end_cluster(&f);
}

static void
words_that_only_look_like_moved_are_answers(void **state)
{
	static const char *const rows[] = {"-MOVED 7 nowhere %d",
	    "-MOVED 7 h:0%dx", "-MOVED", "-ASK h:%d:", "-MOVEDX 7 h:%d"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fix f;
		struct asked a;

		begin_cluster(&f, NULL, NULL, NULL);
		said[0] = rows[i];
		SEND(&f, &a, "GET", "k");
		fix_wait(&f);
		assert_int_equal(a.c.code, ERR_NONE);
		if (strstr(rows[i], "%d") != NULL)
			assert_int_equal(a.c.value->kind, NET_REDIS_ERROR);
		net_redis_command_fini(&a.c);
		end_cluster(&f);
	}
}

static bool
is_not_up(struct fix *f)
{
	return !net_redis_is_up(f->r);
}

/* Cancelled on the way, and closed on the way. */
static void
what_is_moved_can_be_cancelled_and_closed(void **state)
{
	struct fix f;
	struct asked a, b;

	(void)state;
	begin_cluster(&f, "-MOVED 7 127.0.0.1:%d", NULL, NULL);
	SEND(&f, &a, "GET", "k");
	SEND(&f, &b, "GET", "k");
	fix_run(&f, is_not_up);
	net_redis_cancel(&a.c);
	f.want--;
	fix_wait(&f);
	assert_int_equal(a.order, 0);
	assert_int_equal(b.c.code, ERR_NONE);
	net_redis_command_fini(&b.c);
	end_cluster(&f);
	begin_cluster(&f, "-ASK 7 127.0.0.1:%d", NULL, NULL);
	SEND(&f, &a, "GET", "k");
	net_env_drain(f.env);
	end_cluster(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_master_of_the_majority_is_taken),
	    cmocka_unit_test(a_silent_sentinel_holds_nobody_up),
	    cmocka_unit_test(without_a_majority_the_newest_epoch_is_taken),
	    cmocka_unit_test(one_that_is_left_is_believed),
	    cmocka_unit_test(when_none_knows_the_master_it_says_so),
	    cmocka_unit_test(when_none_answers_in_time_it_says_so),
	    cmocka_unit_test(sentinels_have_a_password_of_their_own),
	    cmocka_unit_test(a_replica_is_not_taken_for_the_master),
	    cmocka_unit_test(a_master_that_was_deposed_meanwhile_is_left),
	    cmocka_unit_test(
		an_idle_connection_leaves_a_master_that_the_majority_has_left),
	    cmocka_unit_test(moved_is_followed_once_for_all),
	    cmocka_unit_test(moved_without_a_host_means_the_same_host),
	    cmocka_unit_test(ask_is_followed_for_that_one),
	    cmocka_unit_test(a_node_named_by_ask_that_is_away_ends_it),
	    cmocka_unit_test(redirections_have_an_end),
	    cmocka_unit_test(words_that_only_look_like_moved_are_answers),
	    cmocka_unit_test(what_is_moved_can_be_cancelled_and_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
