#include "run/run_push_test.h"

/* A push that came to nothing: when it is made again, and when never. */

static void
a_row_that_is_refused_for_good_is_a_dead_letter(void **state)
{
	struct world *w = *state;

	finished(w, 3);
	peer.id = "j1";
	peer.code = ERR_REJECTED;
	peer.times = 1;
	sync_once(w);
	assert_int_equal(outbox(w).done, 2);
	assert_int_equal(outbox(w).dead, 1);
	assert_int_equal(w->p.dead, 1);
	assert_non_null(strstr(w->attention, "dead letter"));
	assert_int_equal(w->code, ERR_NONE);
}

static void
a_broken_network_is_tried_twice_at_once(void **state)
{
	struct world *w = *state;

	finished(w, 1);
	peer.code = ERR_UNREACHABLE;
	peer.blame = true;
	peer.times = 2;
	sync_once(w);
	assert_int_equal(peer.started, 3);
	assert_int_equal(outbox(w).done, 1);
	assert_int_equal(w->code, ERR_NONE);
}

static void
a_service_that_stays_away_never_makes_a_dead_letter(void **state)
{
	struct world *w = *state;

	finished(w, 1);
	peer.code = ERR_UNREACHABLE;
	peer.blame = true;
	peer.times = 1000;
	sync_once(w);
	assert_int_equal(w->code, ERR_UNREACHABLE);
	assert_non_null(strstr(w->err.text, "webhook: the service says no"));
	/* twice at once, then by outbox.retry */
	assert_int_equal(peer.started, 3);
	for (int i = 0; i < 4; i++) {
		/* an hour (its breaker's time, in real life) later */
		w->env->origin_ms += 2 * WORLD_SPEED * HOUR;
		sync_once(w);
	}
	assert_true(peer.started >= 5);
	assert_int_equal(outbox(w).pending, 1);
	assert_int_equal(outbox(w).dead, 0);
	assert_string_equal(outbox(w).error, "the service says no");
}

/* One request that many rows were in is one failure, and tried again in the
 * same run. */
static void
a_bulk_that_came_to_nothing_opens_no_breaker(void **state)
{
	struct world *w = *state;

	finished(w, 8);
	peer.together = true;
	peer.code = ERR_UNREACHABLE;
	peer.blame = true;
	peer.times = 8;
	sync_once(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(outbox(w).done, 8);
	assert_int_equal(peer.started, 16);
	assert_int_equal(service(w).failures, 1);
	assert_int_equal(service(w).breaker, 0);
}

static void
what_the_row_itself_does_wrong_is_a_try(void **state)
{
	struct world *w = *state;

	finished(w, 1);
	peer.code = ERR_BUSY;
	peer.times = 1000;
	for (int i = 0; i < 3; i++) {
		sync_once(w);
		w->env->origin_ms += 2 * WORLD_SPEED * HOUR;
	}
	assert_int_equal(peer.started, 3);
	assert_int_equal(outbox(w).dead, 1);
}

static void
a_service_says_when_to_come_again(void **state)
{
	struct world *w = *state;

	finished(w, 1);
	peer.code = ERR_THROTTLED;
	peer.times = 1;
	peer.retry_after_ms = 7 * HOUR;
	int64_t before = env_now_ms(w->env);

	sync_once(w);
	/* real hours, on a clock that runs a thousand times as fast */
	assert_true(outbox(w).next_ms >= before + WORLD_SPEED * 7 * HOUR);
}

static void
a_refused_password_ends_the_sink_for_this_run(void **state)
{
	struct world *w = *state;

	finished(w, 30);
	peer.code = ERR_CONFIG;
	peer.times = 1000;
	sync_once(w);
	assert_int_equal(w->code, ERR_CONFIG);
	assert_int_equal(outbox(w).pending, 30);
	assert_true(peer.started <= 8);
}

/* The person that mended it runs it at once, and all is as it was. */
static void
a_set_up_that_was_mended_is_found_by_the_next_sync(void **state)
{
	struct world *w = *state;

	finished_with(w, 3, TOUGH);
	peer.code = ERR_CONFIG;
	for (int i = 0; i < 5; i++) {
		peer.times = 3;
		sync_once(w);
		assert_int_equal(w->code, ERR_CONFIG);
		w->env->origin_ms += 2 * WORLD_SPEED * SECOND;
	}
	/* Without blame: the breaker is closed, and status knows why. */
	assert_string_equal(service(w).last_error, "the service says no");
	assert_int_equal(service(w).breaker, 0);
	/* Nor did it bring the rows nearer to their end. */
	peer.code = ERR_BUSY;
	peer.times = 3;
	sync_once(w);
	assert_int_equal(outbox(w).pending, 3);
	w->env->origin_ms += 2 * WORLD_SPEED * HOUR;
	sync_once(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(outbox(w).done, 3);
}

/* A second sink, of the same service here, that the set-up keeps out. */
static void
refuse_start(void *s, struct sink_push *p)
{
	enum err_code code = peer.code;

	peer.code = ERR_CONFIG;
	peer.times++;
	peer_start(s, p);
	peer.code = code;
}

static void
ends_with_what_must_be_mended(struct world *w, int first)
{
	struct sink_push_ops ops = peer_ops;
	struct sink_pusher other = {"s3", "s3", &ops, &peer, .at_once = 1};
	struct run_pusher both[2];

	ops.start = refuse_start;
	opened(w);
	both[first] = pushers[0];
	both[1 - first] = (struct run_pusher){JOURNAL_SINK_S3, &other, false};
	journal_set_sinks(w->j, BIT(FILE) | BIT(WEBHOOK) | BIT(S3));
	w->o.pushers = both;
	w->o.pusher_count = 2;
	(void)JOB(w, .id = "a", .expires_ms = WORLD_START_MS + 1);
	world_drain(w);
	peer.code = ERR_UNREACHABLE;
	peer.blame = true;
	peer.times = 100;
	sync_once(w);
	assert_int_equal(w->code, ERR_CONFIG);
	assert_non_null(strstr(w->err.text, "s3: "));
	assert_int_equal(outbox(w).pending, 1);
}

static void
what_must_be_mended_ends_a_run_before_what_is_away(void **state)
{
	ends_with_what_must_be_mended(*state, 1);
}

static void
what_is_away_first_does_not_hide_what_must_be_mended(void **state)
{
	ends_with_what_must_be_mended(*state, 0);
}

static void
left_alone(struct world *w, const char *box)
{
	opened_with(w, box);
	(void)JOB(w, .id = "a", .expires_ms = WORLD_START_MS + 1);
	world_drain(w);
	peer.code = ERR_CONFIG;
	peer.times = 1;
	w->o.mode = RUN_WORKER;
	world_begin(w);
	world_for(w, 200);
	assert_int_equal(peer.started, 1);
	assert_non_null(strstr(w->attention, "sink webhook left alone"));
}

static void
a_worker_comes_back_to_a_sink_that_it_left_alone(void **state)
{
	struct world *w = *state;

	/* The row would be due before. */
	left_alone(w, "outbox: {retry: {after: 1500ms, jitter: none}}\n");
	world_for(w, 1000);
	assert_int_equal(peer.started, 1);
	world_for(w, 800);
	assert_int_equal(peer.started, 2);
	assert_int_equal(outbox(w).done, 1);
	run_stop(w->run, false);
	world_finish(w);
	w->o.mode = RUN_DRAIN;
}

static void
a_worker_that_left_a_sink_alone_lets_others_have_it(void **state)
{
	struct world *w = *state;
	struct env_file *lock = NULL;
	char *path;

	left_alone(w, BOX);
	path = mem_printf("%s/data/out/push.lock", w->dir);
	OK(env_open(w->env, path, ENV_READ | ENV_WRITE, &lock, &w->err));
	OK(env_lock(w->env, lock, JOURNAL_SINK_WEBHOOK, true, &w->err));
	mem_free(&path);
	env_close(w->env, &lock);
	run_stop(w->run, false);
	world_finish(w);
	w->o.mode = RUN_DRAIN;
}

static void
what_a_service_did_wrong_leaves_a_row_its_own_tries(void **state)
{
	struct world *w = *state;

	finished_with(w, 1, TOUGH);
	for (int i = 0; i < 8; i++) {
		/* Away, and a disk that is full here. */
		peer.code = i % 2 == 0 ? ERR_THROTTLED : ERR_SPACE;
		peer.blame = i % 2 == 0;
		peer.times = 1;
		sync_once(w);
		assert_int_equal(outbox(w).pending, 1);
		w->env->origin_ms += 2 * WORLD_SPEED * HOUR;
	}
	peer.code = ERR_BUSY;
	peer.blame = false;
	peer.times = 1;
	sync_once(w);
	assert_int_equal(outbox(w).pending, 1);
	assert_int_equal(outbox(w).dead, 0);
}

static void
a_slow_answer_is_asked_for_again_in_the_same_run(void **state)
{
	struct world *w = *state;

	finished(w, 1);
	peer.code = ERR_TIMEOUT;
	peer.blame = true;
	peer.times = 1;
	sync_once(w);
	assert_int_equal(peer.started, 2);
	assert_int_equal(outbox(w).done, 1);
	assert_int_equal(w->code, ERR_NONE);
}

static void
a_database_is_asked_again_after_a_pause(void **state)
{
	struct world *w = *state;

	opened(w);
	pushers[0].number = JOURNAL_SINK_MONGO;
	journal_set_sinks(w->j, BIT(FILE) | BIT(MONGO));
	(void)JOB(w, .id = "a", .expires_ms = WORLD_START_MS + 1);
	world_drain(w);
	peer.code = ERR_UNREACHABLE;
	peer.blame = true;
	peer.times = 1;
	sync_once(w);
	pushers[0].number = JOURNAL_SINK_WEBHOOK;
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(peer.started, 2);
	assert_int_equal(w->p.pushed, 1);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_row_that_is_refused_for_good_is_a_dead_letter),
	    T(a_broken_network_is_tried_twice_at_once),
	    T(a_service_that_stays_away_never_makes_a_dead_letter),
	    T(a_bulk_that_came_to_nothing_opens_no_breaker),
	    T(what_the_row_itself_does_wrong_is_a_try),
	    T(a_service_says_when_to_come_again),
	    T(a_refused_password_ends_the_sink_for_this_run),
	    T(a_set_up_that_was_mended_is_found_by_the_next_sync),
	    T(what_must_be_mended_ends_a_run_before_what_is_away),
	    T(what_is_away_first_does_not_hide_what_must_be_mended),
	    T(a_worker_comes_back_to_a_sink_that_it_left_alone),
	    T(a_worker_that_left_a_sink_alone_lets_others_have_it),
	    T(what_a_service_did_wrong_leaves_a_row_its_own_tries),
	    T(a_slow_answer_is_asked_for_again_in_the_same_run),
	    T(a_database_is_asked_again_after_a_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
