#ifndef DSRUN_NET_REDIS_FAKE_TEST_H
#define DSRUN_NET_REDIS_FAKE_TEST_H

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

/*
 * A server that says what a test wants: the worst ones, and sentinels.  Each
 * connection has a thread; what was asked is written down, so that a test can
 * see that nothing came twice.
 */

#define FAKE_FN static __attribute__((unused))
#define FAKE_CONNS 64

struct fake;

enum fake_then {
	FAKE_GO_ON,
	FAKE_CLOSE,
	FAKE_RESET,
	FAKE_HANG, /* keeps it open, reads no more */
	FAKE_DRIP  /* a byte every 20 ms, then goes on */
};

struct fake_answer {
	const char *bytes; /* NULL: nothing */
	size_t len;        /* 0: strlen */
	enum fake_then then;
};

struct fake_conn {
	struct fake *fake;
	int fd;
	int number; /* from 1 on, in the order of coming */
	pthread_t thread;
};

struct fake {
	/* Of the greeting and PING: answered as a master does, unless the test
	 * says something itself. */
	void (*answer)(struct fake *f, int conn, const char *command,
	    struct fake_answer *out);
	const char *role;      /* NULL = "master" */
	const char *on_accept; /* said at once; NULL: nothing */
	int listener;
	int port;
	pthread_t thread;
	pthread_mutex_t lock;
	struct fake_conn conns[FAKE_CONNS];
	int count;         /* by lock */
	bool stopping;     /* by lock */
	char log[1 << 16]; /* by lock: a line a command */
	size_t log_len;
};

FAKE_FN bool
fake_is_stopping(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	bool yes = f->stopping;
	pthread_mutex_unlock(&f->lock);
	return yes;
}

/* False: the peer is gone, or the test over. */
FAKE_FN bool
fake_say(struct fake_conn *c, const char *bytes, size_t len, size_t piece)
{
	for (size_t at = 0; at < len;) {
		size_t n = len - at < piece ? len - at : piece;
		ssize_t put = send(c->fd, bytes + at, n, MSG_NOSIGNAL);

		if (put <= 0)
			return false;
		at += (size_t)put;
		if (piece == 1)
			(void)usleep(20000);
		if (fake_is_stopping(c->fake))
			return false;
	}
	return true;
}

FAKE_FN void
fake_greet(struct fake *f, const char *command, char *out, size_t size)
{
	char info[256];
	const char *role = f->role != NULL ? f->role : "master";

	*out = '\0';
	if (strncmp(command, "INFO", 4) == 0) {
		(void)snprintf(info, sizeof(info),
		    "# x\r\nrun_id:%040d\r\nredis_version:7.0.0\r\nrole:%s\r\n"
		    "maxmemory_policy:noeviction\r\n",
		    f->port, role);
		(void)snprintf(out, size, "$%zu\r\n%s\r\n", strlen(info), info);
	} else if (strncmp(command, "AUTH", 4) == 0 ||
		   strncmp(command, "SELECT", 6) == 0 ||
		   strncmp(command, "ASKING", 6) == 0 ||
		   strncmp(command, "CLIENT SETNAME", 14) == 0) {
		(void)snprintf(out, size, "+OK\r\n");
	} else if (strcmp(command, "PING") == 0) {
		(void)snprintf(out, size, "+PONG\r\n");
	}
}

FAKE_FN bool
fake_serve(struct fake_conn *c, const redisReply *r)
{
	struct fake *f = c->fake;
	struct fake_answer a = {NULL, 0, FAKE_GO_ON};
	char command[512] = "";
	char greeting[512];
	size_t n = 0;

	for (size_t i = 0; i < r->elements && n < sizeof(command) - 1; i++)
		n += (size_t)snprintf(command + n, sizeof(command) - n,
		    "%s%.100s", i > 0 ? " " : "", r->element[i]->str);
	pthread_mutex_lock(&f->lock);
	if (f->log_len + n + 2 < sizeof(f->log))
		f->log_len += (size_t)snprintf(f->log + f->log_len,
		    sizeof(f->log) - f->log_len, "%s\n", command);
	pthread_mutex_unlock(&f->lock);
	if (f->answer != NULL)
		f->answer(f, c->number, command, &a);
	if (a.bytes == NULL && a.then == FAKE_GO_ON) {
		fake_greet(f, command, greeting, sizeof(greeting));
		a.bytes = greeting;
	}
	if (a.bytes != NULL &&
	    !fake_say(c, a.bytes, a.len > 0 ? a.len : strlen(a.bytes),
		a.then == FAKE_DRIP ? 1 : SIZE_MAX))
		return false;
	if (a.then == FAKE_RESET)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER,
		    &(struct linger){1, 0}, sizeof(struct linger));
	while (a.then == FAKE_HANG && !fake_is_stopping(f))
		(void)usleep(2000);
	return a.then == FAKE_GO_ON || a.then == FAKE_DRIP;
}

FAKE_FN void *
fake_conn_main(void *arg)
{
	struct fake_conn *c = arg;
	redisReader *reader = redisReaderCreate();
	char bytes[4096];
	bool open = true;

	if (c->fake->on_accept != NULL)
		open = fake_say(c, c->fake->on_accept,
		    strlen(c->fake->on_accept), SIZE_MAX);
	while (open && !fake_is_stopping(c->fake)) {
		struct pollfd p = {c->fd, POLLIN, 0};
		void *r = NULL;

		if (poll(&p, 1, 20) == 0)
			continue;
		ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

		if (n <= 0)
			break;
		(void)redisReaderFeed(reader, bytes, (size_t)n);
		while (open && redisReaderGetReply(reader, &r) == REDIS_OK &&
		       r != NULL) {
			open = fake_serve(c, r);
			freeReplyObject(r);
		}
	}
	redisReaderFree(reader);
	(void)close(c->fd);
	return NULL;
}

FAKE_FN void *
fake_main(void *arg)
{
	struct fake *f = arg;

	while (!fake_is_stopping(f)) {
		struct pollfd p = {f->listener, POLLIN, 0};

		if (poll(&p, 1, 20) == 0)
			continue;
		int fd = accept(f->listener, NULL, NULL);

		if (fd < 0 || f->count == FAKE_CONNS)
			break;
		pthread_mutex_lock(&f->lock);
		struct fake_conn *c = &f->conns[f->count++];

		*c =
		    (struct fake_conn){.fake = f, .fd = fd, .number = f->count};
		(void)pthread_create(&c->thread, NULL, fake_conn_main, c);
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

FAKE_FN void
fake_start(struct fake *f)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(f->listener, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(f->listener, 64), 0);
	assert_int_equal(
	    getsockname(f->listener, (struct sockaddr *)(void *)&at, &len), 0);
	f->port = ntohs(at.sin_port);
	f->stopping = false;
	f->count = 0;
	f->log_len = 0;
	f->log[0] = '\0';
	assert_int_equal(pthread_mutex_init(&f->lock, NULL), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_main, f), 0);
}

FAKE_FN void
fake_stop(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_mutex_unlock(&f->lock);
	(void)pthread_join(f->thread, NULL);
	(void)close(f->listener);
	for (int i = 0; i < f->count; i++)
		(void)pthread_join(f->conns[i].thread, NULL);
	(void)pthread_mutex_destroy(&f->lock);
}

/* How often that whole command came. */
FAKE_FN int
fake_count(struct fake *f, const char *command)
{
	char line[520];
	int n = 0;

	(void)snprintf(line, sizeof(line), "%s\n", command);
	pthread_mutex_lock(&f->lock);
	for (const char *at = f->log; (at = strstr(at, line)) != NULL; at++)
		n += at == f->log || at[-1] == '\n';
	pthread_mutex_unlock(&f->lock);
	return n;
}

FAKE_FN int
fake_conn_count(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	int n = f->count;
	pthread_mutex_unlock(&f->lock);
	return n;
}

#endif
