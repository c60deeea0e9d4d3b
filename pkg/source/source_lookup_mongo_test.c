#include "source/source_lookup_mongo.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "source/source_test.h"

/*
 * What needs no MongoDB: the port against a server that is away, one that says
 * nothing, and an address that cannot be.
 */

struct asking {
	struct world *w;
	struct source_lookup *lookup;
	struct source_lookup_ask ask;
	int done;
};

static void
answered(struct source_lookup_ask *a)
{
	struct asking *k = CONTAINER_OF(a, struct asking, ask);

	k->done++;
	net_env_stop(k->w->env);
}

static void
begin(struct asking *k, const char *uri)
{
	static const char *const ids[] = {"65f0a1b2c3d4e50100000001", "a"};

	k->lookup = source_lookup_mongo_new(
	    k->w->env, &(struct mongo_options){.uri = uri});
	k->ask = (struct source_lookup_ask){.kind = SOURCE_LOOKUP_CONTACT,
	    .ids = ids,
	    .count = 2,
	    .done = answered};
	k->lookup->ops->start(k->lookup->impl, &k->ask);
	assert_int_equal(k->done, 0);
}

static void
end(struct asking *k)
{
	source_lookup_fini(&k->ask);
	source_lookup_mongo_free(&k->lookup);
	assert_null(k->lookup);
}

/* A port of the loopback: listening, or closed again. */
static int
port(int *fd)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(*fd >= 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(*fd, 8), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static void
one_that_is_away_is_told_of_from_the_loop(void **state)
{
	struct asking k = {.w = *state};
	char uri[128];
	int fd;

	(void)snprintf(uri, sizeof(uri),
	    "mongodb://127.0.0.1:%d/t?serverSelectionTimeoutMS=300", port(&fd));
	(void)close(fd);
	begin(&k, uri);
	net_env_run(k.w->env);
	assert_int_equal(k.done, 1);
	assert_int_equal(k.ask.code, ERR_UNREACHABLE);
	assert_null(k.ask.docs);
	end(&k);
}

static void
an_address_that_cannot_be_is_told_of_from_the_loop(void **state)
{
	struct asking k = {.w = *state};

	begin(&k, "http://127.0.0.1/");
	net_env_run(k.w->env);
	assert_int_equal(k.done, 1);
	assert_int_equal(k.ask.code, ERR_CONFIG);
	end(&k);
}

static void
a_cancelled_ask_never_answers(void **state)
{
	struct asking k = {.w = *state};
	char uri[128];
	int fd;

	/* Refused, and on its thread with a server that says nothing. */
	begin(&k, "http://127.0.0.1/");
	k.lookup->ops->cancel(k.lookup->impl, &k.ask);
	k.lookup->ops->cancel(k.lookup->impl, &k.ask);
	end(&k);
	(void)snprintf(uri, sizeof(uri),
	    "mongodb://127.0.0.1:%d/t?serverSelectionTimeoutMS=300&"
	    "connectTimeoutMS=300",
	    port(&fd));
	begin(&k, uri);
	k.lookup->ops->cancel(k.lookup->impl, &k.ask);
	end(&k);
	(void)close(fd);
	assert_int_equal(k.done, 0);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(one_that_is_away_is_told_of_from_the_loop),
	    T(an_address_that_cannot_be_is_told_of_from_the_loop),
	    T(a_cancelled_ask_never_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
