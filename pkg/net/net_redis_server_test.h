#ifndef DSRUN_NET_REDIS_SERVER_TEST_H
#define DSRUN_NET_REDIS_SERVER_TEST_H

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

/*
 * Real redis-servers for tests: on loopback, on free ports, in directories of
 * their own under /tmp, ended by pid and with the test that started them.
 *
 *	struct redis_server s = {0};
 *	redis_server_need();
 *	redis_server_start(&s, (const char *const[]){"--appendonly", "yes",
 *NULL});
 *	...
 *	redis_server_stop(&s);
 *
 * redis_server_need() skips the test where there is no redis-server, and
 * fails it there when DSRUN_NEED_PEERS is set.  Start and ask wait until it
 * answers, at most REDIS_SERVER_WAIT_MS, and fail the test otherwise.
 */

#define REDIS_SERVER_WAIT_MS 10000
#define REDIS_SERVER_ARGS_MAX 48

struct redis_server {
	pid_t pid; /* 0: not running */
	int port;
	char dir[64];
	char socket[96]; /* a UNIX socket that it listens at too */
	char *args[REDIS_SERVER_ARGS_MAX];
	/* How redis_ask gets in; NULL = as nobody. */
	const char *user, *password;
	bool tls; /* its port speaks TLS: redis_ask takes the socket */
};

/* Every function is for some test that includes this. */
#define REDIS_SERVER_FN static __attribute__((unused))

REDIS_SERVER_FN int64_t
redis_server_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

REDIS_SERVER_FN void
redis_server_sleep_ms(int ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&t, NULL);
}

REDIS_SERVER_FN bool
redis_server_has(const char *program)
{
	char command[128];

	(void)snprintf(
	    command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

REDIS_SERVER_FN void
redis_server_need_program(const char *program)
{
	const char *must = getenv("DSRUN_NEED_PEERS");

	if (redis_server_has(program))
		return;
	if (must != NULL && *must != '\0')
		fail_msg("%s is missing and DSRUN_NEED_PEERS is set", program);
	print_message(
	    "skipped: %s is missing (tests/bootstrap.sh bench)\n", program);
	skip();
}

REDIS_SERVER_FN void
redis_server_need(void)
{
	redis_server_need_program("redis-server");
}

/* Free now; who starts on it looks whether it got it. */
REDIS_SERVER_FN int
redis_server_free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
	assert_int_equal(
	    getsockname(fd, (struct sockaddr *)(void *)&at, &len), 0);
	(void)close(fd);
	return ntohs(at.sin_port);
}

/* Its output goes to DIR/log; it dies with us. */
REDIS_SERVER_FN pid_t
redis_server_spawn(const char *dir, char *const *args)
{
	char log[96];
	pid_t parent = getpid();
	pid_t pid;

	(void)snprintf(log, sizeof(log), "%s/log", dir);
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || fd < 0 || dup2(fd, 1) < 0 ||
		    dup2(fd, 2) < 0 || chdir(dir) != 0)
			_exit(126);
		(void)execvp(args[0], args);
		_exit(127);
	}
	return pid;
}

REDIS_SERVER_FN void
redis_server_print_log(const struct redis_server *s)
{
	char command[128];

	(void)snprintf(
	    command, sizeof(command), "tail -n 20 %s/log >&2", s->dir);
	(void)!system(command);
}

/* Blocking, for tests' own use; NULL: it is not there (yet). */
REDIS_SERVER_FN redisContext *
redis_server_connect(const struct redis_server *s)
{
	struct timeval limit = {5, 0};
	redisContext *c =
	    *s->socket != '\0'
		? redisConnectUnixWithTimeout(s->socket, limit)
		: redisConnectWithTimeout("127.0.0.1", s->port, limit);
	redisReply *r = NULL;

	if (c != NULL && c->err == 0 && s->user != NULL)
		r = redisCommand(c, "AUTH %s %s", s->user, s->password);
	else if (c != NULL && c->err == 0 && s->password != NULL)
		r = redisCommand(c, "AUTH %s", s->password);
	if (r != NULL)
		freeReplyObject(r);
	if (c != NULL && c->err != 0) {
		redisFree(c);
		return NULL;
	}
	return c;
}

/* One command of words, ended by NULL.  Release with freeReplyObject. */
REDIS_SERVER_FN redisReply *
redis_server_try(const struct redis_server *s, const char *const *words)
{
	redisContext *c = redis_server_connect(s);
	const char *argv[32];
	redisReply *r = NULL;
	int argc = 0;

	while (argc < 32 && words[argc] != NULL) {
		argv[argc] = words[argc];
		argc++;
	}
	if (c != NULL) {
		(void)redisSetTimeout(c, (struct timeval){5, 0});
		r = redisCommandArgv(c, argc, argv, NULL);
		redisFree(c);
	}
	return r;
}

/* As text: a string, an integer in decimal, "" for nil, the first of an array.
 * The result stays valid until the next call.  An error fails the test. */
REDIS_SERVER_FN const char *
redis_server_ask(const struct redis_server *s, const char *const *words)
{
	static char text[4096];
	redisReply *r = redis_server_try(s, words);

	assert_non_null(r);
	if (r->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", words[0], r->str);
	if (r->type == REDIS_REPLY_INTEGER)
		(void)snprintf(text, sizeof(text), "%lld", r->integer);
	else if (r->type == REDIS_REPLY_ARRAY)
		(void)snprintf(text, sizeof(text), "%s",
		    r->elements > 0 && r->element[0]->str != NULL
			? r->element[0]->str
			: "");
	else
		(void)snprintf(
		    text, sizeof(text), "%s", r->str != NULL ? r->str : "");
	freeReplyObject(r);
	return text;
}
#define REDIS_ASK(s, ...) \
	redis_server_ask(s, (const char *const[]){__VA_ARGS__, NULL})

REDIS_SERVER_FN bool
redis_server_is_running(struct redis_server *s)
{
	if (s->pid != 0 && waitpid(s->pid, NULL, WNOHANG) == s->pid)
		s->pid = 0;
	return s->pid != 0;
}

/* True once it answers PING (also with LOADING or NOAUTH). */
REDIS_SERVER_FN bool
redis_server_await(struct redis_server *s)
{
	int64_t until = redis_server_now_ms() + REDIS_SERVER_WAIT_MS;

	while (redis_server_is_running(s) && redis_server_now_ms() < until) {
		redisReply *r =
		    redis_server_try(s, (const char *const[]){"PING", NULL});
		bool ok = r != NULL && (r->type == REDIS_REPLY_STATUS ||
					   strncmp(r->str, "NOAUTH", 6) == 0);

		if (r != NULL)
			freeReplyObject(r);
		if (ok)
			return true;
		redis_server_sleep_ms(5);
	}
	return false;
}

REDIS_SERVER_FN int
redis_server_unlink(
    const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

/* kill -9; the directory stays, for redis_server_again. */
REDIS_SERVER_FN void
redis_server_kill(struct redis_server *s)
{
	if (s->pid == 0)
		return;
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

/* Also of one that never started; repeatable. */
REDIS_SERVER_FN void
redis_server_stop(struct redis_server *s)
{
	redis_server_kill(s);
	for (size_t i = 0; i < REDIS_SERVER_ARGS_MAX; i++) {
		free(s->args[i]);
		s->args[i] = NULL;
	}
	if (*s->dir != '\0')
		(void)nftw(
		    s->dir, redis_server_unlink, 16, FTW_DEPTH | FTW_PHYS);
	*s->dir = '\0';
}

/* Once more what redis_server_start started: same port, same directory. */
REDIS_SERVER_FN void
redis_server_again(struct redis_server *s)
{
	s->pid = redis_server_spawn(s->dir, s->args);
	if (!redis_server_await(s)) {
		redis_server_print_log(s);
		fail_msg("redis-server does not answer");
	}
}

REDIS_SERVER_FN void
redis_server_make_dir(struct redis_server *s)
{
	(void)strcpy(s->dir, "/tmp/net_redis_test.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
}

/*
 * Starts one; extra words are ended by NULL, and NULL is none.  In them "%d"
 * becomes the directory and "%p" the port.  The directory is made unless the
 * caller made it (to put certificates into it, for one).
 */
REDIS_SERVER_FN void
redis_server_start(struct redis_server *s, const char *const *extra)
{
	static const char *const words[] = {"redis-server", "--bind",
	    "127.0.0.1", "--dir", "%d", "--unixsocket", "%d/s", "--save", "",
	    "--daemonize", "no"};
	size_t n = 0;

	if (*s->dir == '\0')
		redis_server_make_dir(s);
	memcpy(s->socket, s->dir, sizeof(s->dir));
	strcat(s->socket, "/s");
	/* A port that another took in between ends it at once: once more. */
	for (int try = 0; try < 5; try++) {
		size_t fixed = sizeof(words) / sizeof(words[0]);

		s->port = redis_server_free_port();
		for (n = 0; n < REDIS_SERVER_ARGS_MAX; n++) {
			free(s->args[n]);
			s->args[n] = NULL;
		}
		n = 0;
		for (size_t i = 0;
		     i < fixed || (extra != NULL && extra[i - fixed] != NULL);
		     i++) {
			const char *w = i < fixed ? words[i] : extra[i - fixed];
			char word[256];
			const char *mark = strchr(w, '%');

			assert_true(n + 3 < REDIS_SERVER_ARGS_MAX);
			if (mark != NULL && mark[1] == 'd')
				(void)snprintf(word, sizeof(word), "%.*s%s%s",
				    (int)(mark - w), w, s->dir, mark + 2);
			else if (mark != NULL && mark[1] == 'p')
				(void)snprintf(word, sizeof(word), "%.*s%d%s",
				    (int)(mark - w), w, s->port, mark + 2);
			else
				(void)snprintf(word, sizeof(word), "%s", w);
			s->args[n++] = strdup(word);
		}
		if (!s->tls) {
			char port[16];

			(void)snprintf(port, sizeof(port), "%d", s->port);
			s->args[n++] = strdup("--port");
			s->args[n++] = strdup(port);
		}
		s->pid = redis_server_spawn(s->dir, s->args);
		if (redis_server_await(s))
			return;
		redis_server_kill(s);
	}
	redis_server_print_log(s);
	fail_msg("redis-server does not start");
}

/*
 * Into the server's directory: ca.crt, and NAME.crt with NAME.key signed by it
 * for the alternative names `san` ("DNS:localhost,IP:127.0.0.1").
 */
REDIS_SERVER_FN void
redis_server_cert(struct redis_server *s, const char *name, const char *san)
{
	char command[2048];

	if (*s->dir == '\0')
		redis_server_make_dir(s);
	(void)snprintf(command, sizeof(command),
	    "cd %s && exec 2>>log && k='-newkey ec -pkeyopt "
	    "ec_paramgen_curve:prime256v1 -nodes' && "
	    "{ test -f ca.crt || openssl req -x509 $k -keyout ca.key "
	    "-out ca.crt -subj /CN=ca-of-%s -days 2; } && "
	    "openssl req $k -keyout %s.key -out %s.csr -subj /CN=%s "
	    "-addext subjectAltName=%s && "
	    "openssl x509 -req -in %s.csr -CA ca.crt -CAkey ca.key "
	    "-CAcreateserial -copy_extensions copy -days 2 -out %s.crt",
	    s->dir, name, name, name, name, san, name, name);
	if (system(command) != 0) {
		redis_server_print_log(s);
		fail_msg("openssl makes no certificate");
	}
}

/*
 * With TLS, after redis_server_cert(s, "server", ...); clients: "yes" when they
 * need certificates too, else "no".  acl is the text of the ACL file, or NULL.
 */
REDIS_SERVER_FN void
redis_server_start_tls(
    struct redis_server *s, const char *clients, const char *acl)
{
	const char *words[] = {"--port", "0", "--tls-port", "%p",
	    "--tls-cert-file", "%d/server.crt", "--tls-key-file",
	    "%d/server.key", "--tls-ca-cert-file", "%d/ca.crt",
	    "--tls-auth-clients", clients, "--aclfile", "%d/acl", NULL};
	char path[96];
	FILE *f = NULL;

	if (acl == NULL) {
		words[12] = NULL;
	} else {
		(void)snprintf(path, sizeof(path), "%s/acl", s->dir);
		f = fopen(path, "w");
		assert_non_null(f);
		(void)fputs(acl, f);
		(void)fclose(f);
	}
	s->tls = true;
	redis_server_start(s, words);
}

/* --- Sentinel ------------------------------------------------------------- */

/* A master, a replica and three sentinels that know each other. */
struct redis_trio {
	struct redis_server node[2]; /* 0: the first master */
	struct redis_server sentinel[3];
	char list[96]; /* "127.0.0.1:P,..." */
};
#define REDIS_TRIO_MASTER "m"

/* value of `name` in a reply of name, value, name, value ...; "" */
REDIS_SERVER_FN void
redis_server_field(
    const redisReply *r, const char *name, char *out, size_t size)
{
	*out = '\0';
	for (size_t i = 0; r != NULL && i + 1 < r->elements; i += 2)
		if (strcmp(r->element[i]->str, name) == 0)
			(void)snprintf(out, size, "%s", r->element[i + 1]->str);
}

REDIS_SERVER_FN bool
redis_trio_is_ready(const struct redis_server *sentinel)
{
	redisReply *r =
	    redis_server_try(sentinel, (const char *const[]){"SENTINEL",
					   "MASTER", REDIS_TRIO_MASTER, NULL});
	char others[16], replicas[16];

	redis_server_field(r, "num-other-sentinels", others, sizeof(others));
	redis_server_field(r, "num-slaves", replicas, sizeof(replicas));
	if (r != NULL)
		freeReplyObject(r);
	return strcmp(others, "2") == 0 && strcmp(replicas, "1") == 0;
}

REDIS_SERVER_FN void
redis_trio_start_sentinel(struct redis_server *s, int master_port)
{
	char conf[96];
	FILE *f;

	redis_server_make_dir(s);
	s->port = redis_server_free_port();
	(void)snprintf(conf, sizeof(conf), "%s/sentinel.conf", s->dir);
	f = fopen(conf, "w");
	assert_non_null(f);
	(void)fprintf(f,
	    "port %d\nbind 127.0.0.1\ndir %s\n"
	    "sentinel monitor m 127.0.0.1 %d 2\n"
	    "sentinel down-after-milliseconds m 2000\n"
	    "sentinel failover-timeout m 3000\n",
	    s->port, s->dir, master_port);
	(void)fclose(f);
	s->args[0] = strdup("redis-server");
	s->args[1] = strdup(conf);
	s->args[2] = strdup("--sentinel");
	redis_server_again(s);
}

/* Three to five seconds, until each sentinel knows the others. */
REDIS_SERVER_FN void
redis_trio_start(struct redis_trio *t)
{
	int64_t until;
	char port[16];

	redis_server_start(&t->node[0], NULL);
	(void)snprintf(port, sizeof(port), "%d", t->node[0].port);
	redis_server_start(
	    &t->node[1], (const char *const[]){"--replicaof", "127.0.0.1", port,
			     "--repl-diskless-sync", "yes",
			     "--repl-diskless-sync-delay", "0", NULL});
	for (int i = 0; i < 3; i++)
		redis_trio_start_sentinel(&t->sentinel[i], t->node[0].port);
	(void)snprintf(t->list, sizeof(t->list),
	    "127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d", t->sentinel[0].port,
	    t->sentinel[1].port, t->sentinel[2].port);
	until = redis_server_now_ms() + 2 * REDIS_SERVER_WAIT_MS;
	for (int i = 0; i < 3; i++)
		while (!redis_trio_is_ready(&t->sentinel[i])) {
			if (redis_server_now_ms() > until)
				fail_msg("the sentinels do not find together");
			redis_server_sleep_ms(20);
		}
}

REDIS_SERVER_FN void
redis_trio_stop(struct redis_trio *t)
{
	for (int i = 0; i < 3; i++)
		redis_server_stop(&t->sentinel[i]);
	redis_server_stop(&t->node[0]);
	redis_server_stop(&t->node[1]);
}

/* --- Cluster -------------------------------------------------------------- */

/* Three masters, each with a third of the slots. */
struct redis_cluster {
	struct redis_server node[3];
	char id[3][48]; /* CLUSTER MYID */
};

REDIS_SERVER_FN void
redis_cluster_start(struct redis_cluster *c)
{
	static const char *const from[] = {"0", "5461", "10923"};
	static const char *const to[] = {"5460", "10922", "16383"};
	int64_t until;
	char port[16], bus[16];

	for (int i = 0; i < 3; i++) {
		/* The bus is not at port + 10000, which may be above 65535. */
		(void)snprintf(
		    bus, sizeof(bus), "%d", redis_server_free_port());
		redis_server_start(
		    &c->node[i], (const char *const[]){"--cluster-enabled",
				     "yes", "--cluster-node-timeout", "2000",
				     "--cluster-port", bus, NULL});
		(void)snprintf(c->id[i], sizeof(c->id[i]), "%s",
		    REDIS_ASK(&c->node[i], "CLUSTER", "MYID"));
		(void)REDIS_ASK(
		    &c->node[i], "CLUSTER", "ADDSLOTSRANGE", from[i], to[i]);
		(void)snprintf(port, sizeof(port), "%d", c->node[i].port);
		(void)REDIS_ASK(
		    &c->node[0], "CLUSTER", "MEET", "127.0.0.1", port, bus);
	}
	until = redis_server_now_ms() + 2 * REDIS_SERVER_WAIT_MS;
	for (int i = 0; i < 3; i++)
		while (strstr(REDIS_ASK(&c->node[i], "CLUSTER", "INFO"),
			   "cluster_state:ok") == NULL ||
		       strstr(REDIS_ASK(&c->node[i], "CLUSTER", "INFO"),
			   "cluster_known_nodes:3") == NULL) {
			if (redis_server_now_ms() > until)
				fail_msg("the nodes do not find together");
			redis_server_sleep_ms(20);
		}
}

REDIS_SERVER_FN void
redis_cluster_stop(struct redis_cluster *c)
{
	for (int i = 0; i < 3; i++)
		redis_server_stop(&c->node[i]);
}

#endif
