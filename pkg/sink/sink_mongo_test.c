#include "sink/sink_mongo.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include "sink/sink_test.h"

/*
 * What needs no MongoDB: what a result becomes, and the port against a server
 * that is away, one that says nothing, and options that cannot be used.
 */

static struct sink_result
completed(void)
{
	return (struct sink_result){.id = "a",
	    .source = "file",
	    .campaign = "c",
	    .kind = "intro",
	    .step = 2,
	    .final_step = true,
	    .state = JOB_DONE,
	    .outcome = JOB_OUTCOME_COMPLETED,
	    .reason = "",
	    .attempts = 2,
	    .revision = 3,
	    .carrier = "sim",
	    .call_id = "sim-7",
	    .to = "+15125550100",
	    .placed_ms = 1000,
	    .answered_ms = 6000,
	    .ended_ms = 10021,
	    .answered_by = "human",
	    .decline_reason = "",
	    .meeting_json = "",
	    .cost_micros = 9,
	    .recording_path = "",
	    .transcript_path = "",
	    .recording_url = "s3://r",
	    .transcript_url = "s3://t"};
}

static struct mongo_row
row_of(const struct sink_result *r)
{
	struct mongo_row row;

	sink_mongo_row(r, 77, &row);
	return row;
}

static void
a_result_becomes_a_row(void **state)
{
	struct sink_result r = completed();
	struct mongo_row row = row_of(&r);

	(void)state;
	assert_string_equal(row.campaign, "c");
	assert_string_equal(row.carrier, "sim");
	assert_string_equal(row.call_id, "sim-7");
	assert_string_equal(row.outcome, "completed");
	assert_string_equal(row.recording_url, "s3://r");
	assert_string_equal(row.transcript_url, "s3://t");
	assert_int_equal(row.step, 2);
	assert_int_equal(row.completed_ms, 10021);
	assert_int_equal(row.revision, 3);
	assert_int_equal(row.now_ms, 77);
	assert_int_equal(row.call_ms, 1000);
	assert_int_equal(row.duration_ms, 4021);
	assert_int_equal(row.attempts, 2);
	assert_int_equal(row.cost_micros, 9);
	r.answered_ms = 0;
	assert_int_equal(row_of(&r).duration_ms, 0);
	r.state = JOB_FAILED;
	assert_int_equal(row_of(&r).completed_ms, 0);
	r = completed();
	r.outcome = JOB_OUTCOME_NONE;
	r.call_id = "";
	assert_string_equal(row_of(&r).outcome, "");
	assert_int_equal(row_of(&r).completed_ms, 0);
}

static void
a_campaign_is_closed_by_its_last_step_a_meeting_or_a_refusal(void **state)
{
	struct sink_result r = completed();

	(void)state;
	assert_int_equal(row_of(&r).status, MONGO_COMPLETED);
	r.outcome = JOB_OUTCOME_VOICEMAIL;
	assert_int_equal(row_of(&r).status, MONGO_COMPLETED);
	r.outcome = JOB_OUTCOME_NO_ANSWER;
	assert_int_equal(row_of(&r).status, MONGO_FAILED);
	r.state = JOB_EXPIRED;
	r.outcome = JOB_OUTCOME_NONE;
	assert_int_equal(row_of(&r).status, MONGO_FAILED);
	r.final_step = false;
	assert_int_equal(row_of(&r).status, MONGO_IN_PROGRESS);
	r.decline_reason = "no_decision";
	assert_int_equal(row_of(&r).status, MONGO_IN_PROGRESS);
	r.decline_reason = "no time";
	assert_int_equal(row_of(&r).status, MONGO_DECLINED);
	r.meeting_json = "{}";
	assert_int_equal(row_of(&r).status, MONGO_BOOKED);
}

#define PUSHES 3

struct pushing {
	struct world *w;
	struct sink_pusher *sink;
	struct sink_result result;
	struct sink_push push[PUSHES];
	int done;
	struct sink_push *cancel; /* by the first done() */
	bool again;               /* the first done() starts it once more */
};

static struct pushing *now;

static void begin(struct sink_push *p);

static void
on_done(struct sink_push *p)
{
	now->done++;
	if (now->cancel != NULL) {
		now->sink->ops->cancel(now->sink->impl, now->cancel);
		now->cancel = NULL;
	}
	if (now->again) {
		now->again = false;
		begin(p);
		now->sink->ops->flush(now->sink->impl);
	}
}

static void
begin(struct sink_push *p)
{
	*p = (struct sink_push){.result = &now->result, .done = on_done};
	now->sink->ops->start(now->sink->impl, p);
}

static void
set_up(struct pushing *x, struct world *w, const char *uri)
{
	*x = (struct pushing){.w = w, .result = completed()};
	x->sink = sink_mongo_new(w->env, &(struct mongo_options){.uri = uri});
	now = x;
	for (int i = 0; i < PUSHES; i++)
		begin(&x->push[i]);
}

static void
a_server_that_is_away_is_told_from_the_loop_and_may_be_tried_again(void **state)
{
	struct pushing x;

	set_up(&x, *state, "mongodb://127.0.0.1:1/db");
	x.again = true;
	x.cancel = &x.push[2];
	x.sink->ops->flush(x.sink->impl);
	assert_int_equal(x.done, 0);
	net_env_run(x.w->env);
	assert_int_equal(x.done, 3);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(x.push[i].code, ERR_UNREACHABLE);
		assert_int_equal(x.push[i].retry_after_ms, -1);
		assert_true(x.push[i].blame);
	}
	assert_int_equal(x.push[2].code, ERR_NONE);
	x.sink->ops->free(x.sink->impl);
}

static void
options_that_cannot_be_used_are_told_from_the_loop(void **state)
{
	struct pushing x;

	set_up(&x, *state, "mongodb://u:hunter2@127.0.0.1:1");
	x.cancel = &x.push[1];
	x.sink->ops->flush(x.sink->impl);
	assert_int_equal(x.done, 0);
	net_env_run(x.w->env);
	assert_int_equal(x.done, 2);
	assert_int_equal(x.push[0].code, ERR_CONFIG);
	assert_int_equal(x.push[1].code, ERR_NONE);
	assert_true(x.push[0].blame);
	assert_null(strstr(x.push[0].err.text, "hunter2"));
	begin(&x.push[0]);
	x.sink->ops->flush(x.sink->impl);
	x.sink->ops->free(x.sink->impl);
	net_env_run(x.w->env);
	assert_int_equal(x.done, 2);
}

static void
cancelled_before_it_is_sent_it_is_forgotten(void **state)
{
	struct pushing x;

	set_up(&x, *state, "mongodb://127.0.0.1:1/db");
	for (int i = 0; i < PUSHES; i++)
		x.sink->ops->cancel(x.sink->impl, &x.push[i]);
	x.sink->ops->cancel(x.sink->impl, &x.push[0]);
	x.sink->ops->flush(x.sink->impl);
	net_env_run(x.w->env);
	assert_int_equal(x.done, 0);
	x.sink->ops->free(x.sink->impl);
}

/* A socket that listens and says nothing; its port. */
static int
listen_mutely(int *fd)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(*fd >= 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(*fd, 8), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static void
freed_with_work_under_way_it_calls_nobody_back(void **state)
{
	struct pushing x;
	int fd;
	char uri[128];

	(void)snprintf(uri, sizeof(uri),
	    "mongodb://127.0.0.1:%d/db?connectTimeoutMS=300&"
	    "socketTimeoutMS=300&serverSelectionTimeoutMS=300",
	    listen_mutely(&fd));
	set_up(&x, *state, uri);
	x.sink->ops->flush(x.sink->impl);
	env_pause(x.w->env, 50000);
	x.sink->ops->free(x.sink->impl);
	net_env_run(x.w->env);
	assert_int_equal(x.done, 0);
	(void)close(fd);
}

int
main(void)
{
#define WORLD(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_result_becomes_a_row),
	    cmocka_unit_test(
		a_campaign_is_closed_by_its_last_step_a_meeting_or_a_refusal),
	    WORLD(
		a_server_that_is_away_is_told_from_the_loop_and_may_be_tried_again),
	    WORLD(options_that_cannot_be_used_are_told_from_the_loop),
	    WORLD(cancelled_before_it_is_sent_it_is_forgotten),
	    WORLD(freed_with_work_under_way_it_calls_nobody_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
