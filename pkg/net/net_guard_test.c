#include "net/net_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const uint8_t boot_a[ENV_ID_BYTES] = {0xa};
static const uint8_t boot_b[ENV_ID_BYTES] = {0xb};

#define DAY INT64_C(86400000)

/* Reproducible, and not the library's: xorshift. */
static uint64_t seed;

static int64_t
upto(int64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int64_t)(seed % (uint64_t)n);
}

static struct net_guard_terms
limiter(enum net_limit_kind kind, int64_t limit, int64_t window_ms)
{
	return (struct net_guard_terms){
	    .kind = kind, .limit = limit, .window_ms = window_ms};
}

static struct net_guard_terms
breaker(int64_t threshold, int64_t in_ms, int64_t open_ms, int64_t quiet_ms)
{
	return (struct net_guard_terms){.threshold = threshold,
	    .threshold_ms = in_ms,
	    .open_ms = open_ms,
	    .quiet_ms = quiet_ms};
}

/* What was let through, one time a request. */
struct passed {
	int64_t at_ms[20000];
	size_t count;
};

static void
pass(struct passed *p, int64_t at_ms)
{
	assert_true(p->count < ARRAY_LEN(p->at_ms));
	p->at_ms[p->count++] = at_ms;
}

/*
 * Asks at random moments: bursts, pauses, exactly when it was told to, and a
 * millisecond before.  What it was told must be true both ways.
 */
static void
run_at_random(const struct net_guard_terms *t, struct passed *p, int steps)
{
	struct net_guard g;
	struct net_guard before;
	int64_t now = upto(INT64_C(1) << 40);

	p->count = 0;
	net_guard_init(&g, t, boot_a, now);
	for (int i = 0; i < steps; i++) {
		before = g;
		int64_t wait = net_guard_ask(&g, t, boot_a, now, 1);

		if (wait == 0) {
			pass(p, now);
			now += upto(3) == 0 ? upto(2 * t->window_ms) : 0;
			continue;
		}
		assert_true(wait >= 1);
		assert_memory_equal(&g, &before, sizeof(g));
		if (upto(2) == 0) {
			now += upto(wait);
			continue;
		}
		/* Not a millisecond before what it said, and then surely. */
		if (wait > 1)
			assert_true(net_guard_ask(
					&g, t, boot_a, now + wait - 1, 1) > 0);
		now += wait;
		assert_int_equal(net_guard_ask(&g, t, boot_a, now, 1), 0);
		pass(p, now);
	}
}

/* For any two requests: no more between them than burst and refill allow. */
static void
check_bound(
    const struct passed *p, int64_t burst, int64_t limit, int64_t window_ms)
{
	for (size_t from = 0; from < p->count; from++)
		for (size_t to = from; to < p->count && to < from + 300; to++) {
			int64_t n = (int64_t)(to - from) + 1;
			int64_t time = p->at_ms[to] - p->at_ms[from];

			assert_true((n - burst) * window_ms <= time * limit);
		}
}

static const struct {
	int64_t limit;
	int64_t window_ms;
} shapes[] = {{1, 1}, {1, 1000}, {7, 1000}, {100, 60000}, {3, 7}, {100, 1000},
    {1, DAY}, {13, 31 * DAY}, {3000, 60000}};

static void
a_token_bucket_gives_its_limit_and_the_refill_and_no_more(void **state)
{
	static struct passed p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct net_guard_terms t = limiter(
		    NET_LIMIT_TOKEN, shapes[i].limit, shapes[i].window_ms);

		seed = 88172645463325252U + i;
		run_at_random(&t, &p, 4000);
		assert_true(p.count > 100);
		check_bound(&p, t.limit, t.limit, t.window_ms);
	}
}

static void
a_leaky_bucket_keeps_its_distance(void **state)
{
	static struct passed p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct net_guard_terms t = limiter(
		    NET_LIMIT_LEAKY, shapes[i].limit, shapes[i].window_ms);

		seed = 98172645463325252U + i;
		run_at_random(&t, &p, 4000);
		assert_true(p.count > 100);
		check_bound(&p, 1, t.limit, t.window_ms);
		for (size_t k = 1; k < p.count; k++)
			assert_true((p.at_ms[k] - p.at_ms[k - 1]) * t.limit >=
				    t.window_ms);
	}
}

static void
a_fixed_window_gives_its_limit_from_each_start(void **state)
{
	static struct passed p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct net_guard_terms t = limiter(
		    NET_LIMIT_FIXED, shapes[i].limit, shapes[i].window_ms);
		int64_t start = 0;
		int64_t in_window = 0;

		seed = 78172645463325252U + i;
		run_at_random(&t, &p, 4000);
		assert_true(p.count > 100);
		start = p.at_ms[0];
		for (size_t k = 0; k < p.count; k++) {
			if (p.at_ms[k] - start >= t.window_ms) {
				start = p.at_ms[k];
				in_window = 0;
			}
			assert_true(++in_window <= t.limit);
		}
		/* Two windows meet anywhere: never more than both. */
		check_bound(&p, 2 * t.limit, t.limit, t.window_ms);
	}
}

/* A patient caller gets all that is allowed: no refill is lost to rounding. */
static void
limiters_give_all_they_promise(void **state)
{
	(void)state;
	for (int kind = NET_LIMIT_TOKEN; kind <= NET_LIMIT_FIXED; kind++)
		for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
			struct net_guard_terms t =
			    limiter((enum net_limit_kind)kind, shapes[i].limit,
				shapes[i].window_ms);
			struct net_guard g;
			int64_t now = 12345;
			int64_t windows = 4000 / t.limit + 1;
			int64_t end = now + windows * t.window_ms;
			int64_t count = 0;
			int64_t wait;

			net_guard_init(&g, &t, boot_a, now);
			while (now < end) {
				wait = net_guard_ask(&g, &t, boot_a, now, 1);
				count += wait == 0;
				now += wait;
				if (kind == NET_LIMIT_LEAKY && wait == 0)
					now++;
			}
			/* A leaky bucket waits for whole milliseconds. */
			int64_t every = (t.window_ms + t.limit - 1) / t.limit;
			int64_t least = kind == NET_LIMIT_LEAKY
					    ? windows * t.window_ms / every
					    : windows * t.limit;
			assert_true(count >= least);
			assert_true(count <= (windows + 1) * t.limit);
		}
}

static void
asking_often_costs_nothing(void **state)
{
	struct net_guard_terms t = limiter(NET_LIMIT_TOKEN, 1, DAY);
	struct net_guard g;

	(void)state;
	net_guard_init(&g, &t, boot_a, 0);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 0, 1), 0);
	for (int64_t now = 0; now < DAY; now += 997)
		assert_int_equal(
		    net_guard_ask(&g, &t, boot_a, now, 1), DAY - now);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, DAY, 1), 0);
}

static void
many_at_once_are_counted_as_many(void **state)
{
	struct net_guard_terms t = limiter(NET_LIMIT_TOKEN, 100, 1000);
	struct net_guard g;

	(void)state;
	net_guard_init(&g, &t, boot_a, 0);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 0, 60), 0);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 0, 60), 200);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 0, 40), 0);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 0, 1), 10);
}

static void
more_than_it_ever_holds_goes_when_full_and_is_paid_for(void **state)
{
	struct net_guard_terms t = limiter(NET_LIMIT_TOKEN, 100, 1000);
	struct net_guard_terms leaky = limiter(NET_LIMIT_LEAKY, 10, 1000);
	struct net_guard_terms fixed = limiter(NET_LIMIT_FIXED, 10, 1000);
	struct net_guard g;

	(void)state;
	net_guard_init(&g, &t, boot_a, 0);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 0, 1), 0);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 0, 350), 10);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 10, 350), 0);
	/* 250 are owed, and 1 is asked for: 2.51 s. */
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 10, 1), 1000);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 2519, 1), 1);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 2520, 1), 0);

	net_guard_init(&g, &leaky, boot_a, 0);
	assert_int_equal(net_guard_ask(&g, &leaky, boot_a, 0, 5), 0);
	assert_int_equal(net_guard_ask(&g, &leaky, boot_a, 499, 1), 1);
	assert_int_equal(net_guard_ask(&g, &leaky, boot_a, 500, 1), 0);

	net_guard_init(&g, &fixed, boot_a, 0);
	assert_int_equal(net_guard_ask(&g, &fixed, boot_a, 0, 25), 0);
	assert_int_equal(net_guard_ask(&g, &fixed, boot_a, 1500, 1), 500);
	assert_int_equal(net_guard_ask(&g, &fixed, boot_a, 2000, 5), 0);
	assert_int_equal(net_guard_ask(&g, &fixed, boot_a, 2000, 1), 1000);
}

static void
fast_leaky_buckets_give_a_millisecond_s_worth(void **state)
{
	struct net_guard_terms t = limiter(NET_LIMIT_LEAKY, 5500, 1000);
	struct net_guard g;
	int64_t count = 0;

	(void)state;
	net_guard_init(&g, &t, boot_a, 0);
	for (int64_t now = 0; now < 1000; now++)
		while (net_guard_ask(&g, &t, boot_a, now, 1) == 0)
			count++;
	assert_in_range(count, 4995, 5505);
}

/* Another boot or a clock gone back: wait, never hurry. */
static void
an_unknown_distance_gives_nothing(void **state)
{
	static const enum net_limit_kind kinds[] = {
	    NET_LIMIT_TOKEN, NET_LIMIT_LEAKY, NET_LIMIT_FIXED};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (int back = 0; back < 2; back++) {
			struct net_guard_terms t = limiter(kinds[i], 10, 1000);
			struct net_guard g;
			/* Elsewhere a day has gone by. */
			int64_t now = back ? 5000 - 1 : 5000 + DAY;
			const uint8_t *boot = back ? boot_a : boot_b;
			int64_t used = kinds[i] == NET_LIMIT_LEAKY ? 1 : 10;

			net_guard_init(&g, &t, boot_a, 5000);
			for (int64_t n = 0; n < used; n++)
				assert_int_equal(
				    net_guard_ask(&g, &t, boot_a, 5000, 1), 0);
			int64_t wait = net_guard_ask(&g, &t, boot, now, 1);
			assert_int_equal(
			    wait, kinds[i] == NET_LIMIT_FIXED ? 1000 : 100);
			assert_memory_equal(g.boot, boot, ENV_ID_BYTES);
			assert_true(
			    net_guard_ask(&g, &t, boot, now + wait - 1, 1) > 0);
			assert_int_equal(
			    net_guard_ask(&g, &t, boot, now + wait, 1), 0);
		}
}

static void
what_was_left_is_left_after_another_boot(void **state)
{
	struct net_guard_terms t = limiter(NET_LIMIT_TOKEN, 10, 1000);
	struct net_guard g;

	(void)state;
	net_guard_init(&g, &t, boot_a, 5000);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 5000, 7), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(net_guard_ask(&g, &t, boot_b, 17, 1), 0);
	assert_int_equal(net_guard_ask(&g, &t, boot_b, 17, 1), 100);
}

static void
boots_that_alternate_never_make_more(void **state)
{
	struct net_guard_terms t = limiter(NET_LIMIT_TOKEN, 10, 1000);
	struct net_guard g;
	int64_t count = 0;

	(void)state;
	net_guard_init(&g, &t, boot_a, 50000);
	/* Each ask is of another boot: no time is known to have passed. */
	for (int i = 0; i < 500; i++)
		count += net_guard_ask(&g, &t, i % 2 ? boot_a : boot_b,
			     50000 + i % 2 * 10, 1) == 0;
	assert_int_equal(count, 10);
}

/* A row of the journal may say anything; sums must not overflow. */
static void
any_state_and_terms_give_an_answer(void **state)
{
	static const int64_t odd[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, 2,
	    1000000, INT64_C(1000000000000000), INT64_MAX - 1, INT64_MAX};

	(void)state;
	seed = 1234567;
	for (int i = 0; i < 200000; i++) {
		int64_t v[9];

		for (size_t k = 0; k < ARRAY_LEN(v); k++)
			v[k] = upto(4) == 0 ? upto(1 << 20)
					    : odd[upto(ARRAY_LEN(odd))];
		struct net_guard_terms t = {(enum net_limit_kind)upto(4), v[0],
		    v[1], v[2], v[3], v[4], v[5]};
		struct net_guard g = {.breaker = (enum net_breaker)upto(3),
		    .failures = v[6],
		    .since_ms = v[7],
		    .tokens_micro = v[8],
		    .filled_ms = v[3]};
		int64_t now = v[5];

		assert_true(net_guard_ask(&g, &t, boot_a, now,
				1 + upto(1000000000)) >= 0);
		net_guard_error(&g, &t, boot_a, now);
		net_guard_ok(&g, &t, boot_b, v[4]);
		assert_true(net_guard_ask(&g, &t, boot_b, v[1], 1) >= 0);
		assert_true(g.breaker <= NET_BREAKER_HALF);
	}
}

static void
fail_times(
    struct net_guard *g, const struct net_guard_terms *t, int64_t at_ms, int n)
{
	for (int i = 0; i < n; i++)
		net_guard_error(g, t, boot_a, at_ms);
}

/* The table: state, what happens, when, and what stands then. */
static void
the_breaker_goes_its_way(void **state)
{
	enum what {
		ASK,
		OK,
		ERROR
	};
	static const struct {
		int64_t at_ms;
		enum what what;
		int64_t wait_ms; /* ASK's answer */
		enum net_breaker then;
	} way[] = {
	    {0, ASK, 0, NET_BREAKER_CLOSED},
	    {0, ERROR, 0, NET_BREAKER_CLOSED},
	    {1, OK, 0, NET_BREAKER_CLOSED}, /* does not undo the errors */
	    {2, ERROR, 0, NET_BREAKER_CLOSED},
	    {3, ASK, 0, NET_BREAKER_CLOSED},
	    {59999, ERROR, 0, NET_BREAKER_OPEN},
	    {59999, ASK, 45000, NET_BREAKER_OPEN},
	    {60000, OK, 0, NET_BREAKER_OPEN},    /* of before: says nothing */
	    {60001, ERROR, 0, NET_BREAKER_OPEN}, /* nor longer for it */
	    {104998, ASK, 1, NET_BREAKER_OPEN},
	    {104999, ASK, 0, NET_BREAKER_HALF}, /* one */
	    {104999, ASK, 1000, NET_BREAKER_HALF},
	    {104999 + 89999, ASK, 1, NET_BREAKER_HALF},
	    {104999 + 90000, ASK, 0, NET_BREAKER_HALF}, /* the one died */
	    {195000, ERROR, 0, NET_BREAKER_OPEN},
	    {195000, ASK, 45000, NET_BREAKER_OPEN},
	    {240000, ASK, 0, NET_BREAKER_HALF},
	    {240001, OK, 0, NET_BREAKER_CLOSED},
	    {240001, ASK, 0, NET_BREAKER_CLOSED},
	    {240001, ASK, 0, NET_BREAKER_CLOSED},
	    {240002, ERROR, 0, NET_BREAKER_CLOSED}, /* the count is new */
	    {240003, ERROR, 0, NET_BREAKER_CLOSED},
	    {300002, ERROR, 0, NET_BREAKER_CLOSED}, /* a minute: new again */
	    {300003, ERROR, 0, NET_BREAKER_CLOSED},
	    {300004, ERROR, 0, NET_BREAKER_OPEN},
	};
	struct net_guard_terms t = breaker(3, 60000, 45000, 90000);
	struct net_guard g;

	(void)state;
	net_guard_init(&g, &t, boot_a, 0);
	for (size_t i = 0; i < ARRAY_LEN(way); i++) {
		if (way[i].what == OK)
			net_guard_ok(&g, &t, boot_a, way[i].at_ms);
		else if (way[i].what == ERROR)
			net_guard_error(&g, &t, boot_a, way[i].at_ms);
		else
			assert_int_equal(
			    net_guard_ask(&g, &t, boot_a, way[i].at_ms, 1),
			    way[i].wait_ms);
		assert_int_equal(g.breaker, way[i].then);
	}
}

/* Fewer than threshold never open it, 2 * threshold - 1 always do. */
static void
the_count_is_neither_short_nor_long(void **state)
{
	struct net_guard_terms t = breaker(5, 60000, 1, 1);

	(void)state;
	seed = 42;
	for (int run = 0; run < 2000; run++) {
		struct net_guard g;
		int64_t at[64];
		size_t n = 0;
		int64_t now = 0;

		net_guard_init(&g, &t, boot_a, now);
		while (g.breaker == NET_BREAKER_CLOSED && n < ARRAY_LEN(at)) {
			now += upto(2) ? upto(3000) : upto(40000);
			at[n++] = now;
			net_guard_error(&g, &t, boot_a, now);
		}
		size_t most = 0;
		for (size_t i = 0; i < n; i++) {
			size_t k = i;

			while (k < n && at[k] - at[i] < 60000)
				k++;
			most = k - i > most ? k - i : most;
		}
		if (g.breaker == NET_BREAKER_OPEN)
			assert_true(most >= 5);
		assert_true(most <= 9);
	}
}

static void
an_open_breaker_waits_all_of_it_again_after_another_boot(void **state)
{
	struct net_guard_terms t = breaker(2, 60000, 30000, 60000);
	struct net_guard g;

	(void)state;
	net_guard_init(&g, &t, boot_a, 500000);
	fail_times(&g, &t, 500000, 2);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 520000, 1), 10000);
	assert_int_equal(net_guard_ask(&g, &t, boot_b, 900000, 1), 30000);
	assert_int_equal(net_guard_ask(&g, &t, boot_b, 910000, 1), 20000);
	/* Back by a minute in the same boot. */
	assert_int_equal(net_guard_ask(&g, &t, boot_b, 850000, 1), 30000);
	assert_int_equal(net_guard_ask(&g, &t, boot_b, 880000, 1), 0);
}

/* What the limiter refuses is not the one that a half-open breaker tries. */
static void
a_limiter_that_waits_keeps_the_breaker_open(void **state)
{
	struct net_guard_terms t = breaker(1, 60000, 100, 60000);
	struct net_guard g;

	(void)state;
	t.kind = NET_LIMIT_TOKEN;
	t.limit = 1;
	t.window_ms = 1000;
	net_guard_init(&g, &t, boot_a, 0);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 0, 1), 0);
	net_guard_error(&g, &t, boot_a, 1);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 50, 1), 51);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 101, 1), 899);
	assert_int_equal(g.breaker, NET_BREAKER_OPEN);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 1000, 1), 0);
	assert_int_equal(g.breaker, NET_BREAKER_HALF);
}

static void
without_a_threshold_nothing_opens(void **state)
{
	struct net_guard_terms t = limiter(NET_LIMIT_NONE, 0, 0);
	struct net_guard g;

	(void)state;
	net_guard_init(&g, &t, boot_a, 0);
	fail_times(&g, &t, 1, 1000);
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 1, 1000), 0);
	assert_int_equal(g.breaker, NET_BREAKER_CLOSED);
	/* Nor does one that an earlier configuration opened hold on. */
	g.breaker = NET_BREAKER_OPEN;
	assert_int_equal(net_guard_ask(&g, &t, boot_a, 1, 1), 0);
}

/* The specification's rows, once more and by hand. */
static void
the_defaults_are_the_specification_s(void **state)
{
	static const struct {
		const char *name;
		struct net_guard_terms t;
	} rows[] = {
	    {"livekit", {NET_LIMIT_TOKEN, 100, 60000, 5, 60000, 30000, 60000}},
	    {"openai", {NET_LIMIT_LEAKY, 3000, 60000, 3, 60000, 45000, 90000}},
	    {"calendar",
		{NET_LIMIT_FIXED, 1000000, DAY, 10, 60000, 60000, 120000}},
	    {"s3", {NET_LIMIT_NONE, 5500, 1000, 20, 60000, 15000, 30000}},
	};
	static const char *const names[] = {
	    "logtail", "mongo", "redis", "webhook", "bull", "other"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_memory_equal(net_guard_defaults(rows[i].name),
		    &rows[i].t, sizeof(rows[i].t));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_non_null(net_guard_defaults(names[i]));
	assert_int_equal(net_guard_defaults("logtail")->kind, NET_LIMIT_TOKEN);
	assert_int_equal(net_guard_defaults("logtail")->limit, 100);
	assert_int_equal(net_guard_defaults("logtail")->window_ms, 1000);
	assert_int_equal(net_guard_defaults("bull")->open_ms, 1000);
	assert_null(net_guard_defaults("twilio"));
	assert_string_equal(net_breaker_name(NET_BREAKER_CLOSED), "closed");
	assert_string_equal(net_breaker_name(NET_BREAKER_OPEN), "open");
	assert_string_equal(net_breaker_name(NET_BREAKER_HALF), "half-open");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_token_bucket_gives_its_limit_and_the_refill_and_no_more),
	    cmocka_unit_test(a_leaky_bucket_keeps_its_distance),
	    cmocka_unit_test(a_fixed_window_gives_its_limit_from_each_start),
	    cmocka_unit_test(limiters_give_all_they_promise),
	    cmocka_unit_test(asking_often_costs_nothing),
	    cmocka_unit_test(many_at_once_are_counted_as_many),
	    cmocka_unit_test(
		more_than_it_ever_holds_goes_when_full_and_is_paid_for),
	    cmocka_unit_test(fast_leaky_buckets_give_a_millisecond_s_worth),
	    cmocka_unit_test(an_unknown_distance_gives_nothing),
	    cmocka_unit_test(what_was_left_is_left_after_another_boot),
	    cmocka_unit_test(boots_that_alternate_never_make_more),
	    cmocka_unit_test(any_state_and_terms_give_an_answer),
	    cmocka_unit_test(the_breaker_goes_its_way),
	    cmocka_unit_test(the_count_is_neither_short_nor_long),
	    cmocka_unit_test(
		an_open_breaker_waits_all_of_it_again_after_another_boot),
	    cmocka_unit_test(a_limiter_that_waits_keeps_the_breaker_open),
	    cmocka_unit_test(without_a_threshold_nothing_opens),
	    cmocka_unit_test(the_defaults_are_the_specification_s),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
