#include "net/net_redis_link.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <hiredis/hiredis.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

#include "net/net_redis_dial.h"

#define WIRE_MAX ((size_t)512 << 20)
#define READ_BYTES 32768
/* Then the others of the loop have their turn. */
#define READS_MAX 32
#define IOV_COUNT 64
/* Of one record of TLS. */
#define RECORD_BYTES 16384

enum state {
	LINK_DIALLING,
	LINK_SHAKING,
	LINK_OPEN,
	LINK_DEAD
};

struct net_redis_link {
	struct net_redis_link_options o;
	enum state state;
	struct net_redis_address at;
	struct net_redis_dial *dial;
	int fd;
	struct net_redis_watch *watch;
	struct net_redis_tls *tls;
	struct buf cipher; /* what TLS made and the kernel has not taken */
	struct net_redis_parser *parser;
	struct list flights;
	struct list *unwritten; /* first of them not all gone; else the head */
	size_t offset;          /* of it that is gone */
	struct env_post flush;
	int refused; /* errno of a write */
	int depth;   /* calls of ours below this one */
	bool closed; /* released once they are over */
	struct err err;
};

static struct net_redis_flight *
flight_of(struct list *node)
{
	return CONTAINER_OF(node, struct net_redis_flight, node);
}

enum err_code
net_redis_flight_new(const struct net_redis_arg *args, size_t count,
    struct net_redis_flight **out, struct err *err)
{
	const char **bytes = mem_zalloc(count, sizeof(bytes[0]));
	size_t *lens = mem_zalloc(count, sizeof(lens[0]));
	struct net_redis_flight *f = NULL;
	size_t sum = 0;

	for (size_t i = 0; i < count && sum <= WIRE_MAX; i++) {
		bytes[i] = args[i].bytes;
		lens[i] = args[i].len;
		sum = lens[i] > WIRE_MAX ? lens[i] : sum + lens[i] + 32;
	}
	*out = NULL;
	if (sum <= WIRE_MAX) {
		char *wire = NULL;
		int len =
		    redisFormatCommandArgv(&wire, (int)count, bytes, lens);

		CHECK(len > 0);
		f = mem_zalloc(1, sizeof(*f));
		f->wire = wire;
		f->len = (size_t)len;
		*out = f;
	}
	mem_free(&bytes);
	mem_free(&lens);
	return f != NULL ? ERR_NONE
			 : err_set(err, ERR_MALFORMED, 0,
			       "a command of more than %zu bytes", WIRE_MAX);
}

/* Commands may carry passwords. */
void
net_redis_flight_free(struct net_redis_flight **f)
{
	if (*f == NULL)
		return;
	if ((*f)->wire != NULL && (*f)->step != 0)
		mem_wipe((*f)->wire, (*f)->len);
	/* hiredis's malloc is ours: free() either way. */
	free((*f)->wire);
	net_redis_reply_free(&(*f)->reply);
	mem_free(f);
}

void
net_redis_flight_free_all(struct list *flights)
{
	struct list *node;

	while ((node = list_pop(flights)) != NULL) {
		struct net_redis_flight *f = flight_of(node);

		net_redis_flight_free(&f);
	}
}

static void
stop(struct net_redis_link *l)
{
	net_redis_dial_close(&l->dial);
	net_redis_watch_close(&l->watch);
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
	list_remove(&l->flush.node);
	l->state = LINK_DEAD;
}

static void
destroy(struct net_redis_link *l)
{
	net_redis_flight_free_all(&l->flights);
	net_redis_parser_free(&l->parser);
	net_redis_tls_free(&l->tls);
	buf_free(&l->cipher);
	net_redis_address_fini(&l->at);
	mem_free(&l);
}

static void
enter(struct net_redis_link *l)
{
	l->depth++;
}

/* The last of each turn: after it the link may be gone. */
static void
leave(struct net_redis_link *l)
{
	void (*settled)(void *root) = l->o.ops->settled;
	void *root = l->o.root;

	if (--l->depth == 0 && l->closed)
		destroy(l);
	settled(root);
}

static void
fail(struct net_redis_link *l, const struct err *err)
{
	if (l->state == LINK_DEAD)
		return;
	l->err = *err;
	stop(l);
	l->o.ops->failed(l->o.arg, &l->err);
}

static void
fail_sys(struct net_redis_link *l, int sys)
{
	struct err err;

	(void)err_set(&err, ERR_UNREACHABLE, sys, "%s",
	    sys == 0 ? "connection closed by the server" : strerror(sys));
	fail(l, &err);
}

/* --- Out ------------------------------------------------------------------ */

static bool
all_written(const struct net_redis_link *l)
{
	return l->unwritten == &l->flights;
}

/* n bytes more of what is unwritten are gone. */
static void
advance(struct net_redis_link *l, size_t n)
{
	while (n > 0) {
		struct net_redis_flight *f = flight_of(l->unwritten);
		size_t rest = f->len - l->offset;

		if (n < rest) {
			l->offset += n;
			return;
		}
		n -= rest;
		f->sent = true;
		l->offset = 0;
		l->unwritten = l->unwritten->next;
	}
}

static size_t
gather(struct net_redis_link *l, struct iovec *iov)
{
	size_t n = 0;
	size_t offset = l->offset;

	for (struct list *at = l->unwritten; at != &l->flights && n < IOV_COUNT;
	     at = at->next) {
		iov[n].iov_base = flight_of(at)->wire + offset;
		iov[n++].iov_len = flight_of(at)->len - offset;
		offset = 0;
	}
	return n;
}

/* Bytes that the kernel took; 0 = not now, or never again (l->refused). */
static size_t
give(struct net_redis_link *l, struct iovec *iov, size_t count)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = count};
	ssize_t n;

	do
		n = sendmsg(l->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		l->refused = errno;
	return n > 0 ? (size_t)n : 0;
}

static void
write_plain(struct net_redis_link *l)
{
	while (l->state == LINK_OPEN && !all_written(l)) {
		struct iovec iov[IOV_COUNT];
		size_t n = give(l, iov, gather(l, iov));

		if (n == 0)
			return;
		advance(l, n);
	}
}

/* What TLS has to say, to the kernel; false: it takes no more now. */
static bool
write_cipher(struct net_redis_link *l)
{
	for (;;) {
		if (l->cipher.len == 0) {
			char bytes[RECORD_BYTES];
			size_t n =
			    net_redis_tls_take(l->tls, bytes, sizeof(bytes));

			if (n == 0)
				return true;
			buf_put(&l->cipher, bytes, n);
		}
		struct iovec iov = {l->cipher.bytes, l->cipher.len};
		size_t n = give(l, &iov, 1);

		if (n == 0)
			return false;
		buf_consume(&l->cipher, n);
	}
}

/* A record at a time, so that only one waits enciphered. */
static void
write_tls(struct net_redis_link *l)
{
	while (write_cipher(l) && l->state == LINK_OPEN && !all_written(l)) {
		char bytes[RECORD_BYTES];
		struct iovec iov[IOV_COUNT];
		size_t count = gather(l, iov);
		size_t len = 0;
		struct err err;

		for (size_t i = 0; i < count && len < sizeof(bytes); i++) {
			size_t n = sizeof(bytes) - len;

			n = iov[i].iov_len < n ? iov[i].iov_len : n;
			memcpy(bytes + len, iov[i].iov_base, n);
			len += n;
		}
		if (net_redis_tls_write(l->tls, bytes, len, &err) != ERR_NONE) {
			fail(l, &err);
			return;
		}
		advance(l, len);
	}
}

/* --- In ------------------------------------------------------------------- */

static void
hear(struct net_redis_link *l, const struct net_redis_reply *reply)
{
	const struct net_redis_value *v = net_redis_reply_value(reply);
	bool said = v->kind == NET_REDIS_ERROR;
	struct err err;

	if (l->o.ops->heard != NULL) {
		l->o.ops->heard(l->o.arg, v);
		return;
	}
	(void)err_set(&err, ERR_MALFORMED, 0,
	    "a reply to nothing that was asked%s%.200s", said ? ": " : "",
	    said ? v->text : "");
	fail(l, &err);
}

static void
give_reply(struct net_redis_link *l, struct net_redis_reply **reply)
{
	struct list *first = l->flights.next;

	if (list_empty(&l->flights) || first == l->unwritten) {
		hear(l, *reply);
		net_redis_reply_free(reply);
		return;
	}
	list_remove(first);
	flight_of(first)->on = NULL;
	flight_of(first)->reply = *reply;
	l->o.ops->replied(l->o.arg, flight_of(first));
}

static void
take_plain(struct net_redis_link *l, const char *bytes, size_t len)
{
	struct net_redis_reply *reply = NULL;
	struct err err;

	net_redis_parser_feed(l->parser, bytes, len);
	while (l->state == LINK_OPEN) {
		if (net_redis_parser_next(l->parser, &reply, &err) !=
		    ERR_NONE) {
			fail(l, &err);
			return;
		}
		if (reply == NULL)
			return;
		give_reply(l, &reply);
	}
}

static void
opened(struct net_redis_link *l)
{
	l->state = LINK_OPEN;
	l->o.ops->opened(l->o.arg);
}

static void
shake(struct net_redis_link *l)
{
	bool done = false;
	struct err err;

	if (net_redis_tls_shake(l->tls, &done, &err) != ERR_NONE)
		fail(l, &err);
	else if (done)
		opened(l);
}

static void
take_cipher(struct net_redis_link *l, const char *cipher, size_t len)
{
	char bytes[RECORD_BYTES];
	bool ended = false;
	size_t got = 1;
	struct err err;

	net_redis_tls_feed(l->tls, cipher, len);
	if (l->state == LINK_SHAKING)
		shake(l);
	while (l->state == LINK_OPEN && got > 0) {
		if (net_redis_tls_read(l->tls, bytes, sizeof(bytes), &got,
			&ended, &err) != ERR_NONE)
			fail(l, &err);
		else if (ended)
			fail_sys(l, 0);
		else if (got > 0)
			take_plain(l, bytes, got);
	}
}

static void
read_in(struct net_redis_link *l)
{
	char bytes[READ_BYTES];
	ssize_t n = (ssize_t)sizeof(bytes);

	for (int i = 0; i < READS_MAX && l->state != LINK_DEAD; i++) {
		/* A short one was all there is: epoll tells of more. */
		if (n < (ssize_t)sizeof(bytes))
			return;
		n = recv(l->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR) {
			n = (ssize_t)sizeof(bytes);
			continue;
		}
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			fail_sys(l, n == 0 ? 0 : errno);
		else if (l->tls != NULL)
			take_cipher(l, bytes, (size_t)n);
		else
			take_plain(l, bytes, (size_t)n);
	}
}

static void
write_out(struct net_redis_link *l)
{
	if (l->state == LINK_DEAD)
		return;
	if (l->tls != NULL)
		write_tls(l);
	else
		write_plain(l);
	/* It may have said why, before it closed. */
	if (l->refused != 0) {
		read_in(l);
		fail_sys(l, l->refused);
	}
	if (l->state == LINK_DEAD)
		return;

	bool more =
	    l->cipher.len > 0 || (l->state == LINK_OPEN && !all_written(l));

	net_redis_watch_set(
	    l->watch, more ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void
on_flush(struct env_post *p)
{
	struct net_redis_link *l =
	    CONTAINER_OF(p, struct net_redis_link, flush);

	enter(l);
	write_out(l);
	leave(l);
}

static void
on_event(void *arg, int events)
{
	struct net_redis_link *l = arg;

	enter(l);
	if ((events & UV_READABLE) != 0)
		read_in(l);
	write_out(l);
	leave(l);
}

/* --- Its life ------------------------------------------------------------- */

static void
on_dialled(void *arg, int fd, const struct err *dial_err)
{
	struct net_redis_link *l = arg;
	struct err err = {.code = ERR_NONE};

	enter(l);
	if (fd < 0)
		err = *dial_err;
	l->fd = fd;
	net_redis_dial_close(&l->dial);
	if (fd >= 0 && net_redis_watch_open(l->o.env, fd, on_event, l,
			   &l->watch, &err) != ERR_NONE)
		err.code = ERR_UNREACHABLE;
	if (err.code == ERR_NONE && l->o.tls != NULL)
		(void)net_redis_tls_new(l->o.tls, l->at.host, &l->tls, &err);
	if (err.code != ERR_NONE) {
		fail(l, &err);
	} else if (l->tls != NULL) {
		l->state = LINK_SHAKING;
		shake(l);
	} else {
		opened(l);
	}
	write_out(l);
	leave(l);
}

struct net_redis_link *
net_redis_link_open(const struct net_redis_link_options *o)
{
	struct net_redis_link *l = mem_zalloc(1, sizeof(*l));

	l->o = *o;
	net_redis_address_copy(&l->at, o->at);
	l->o.at = NULL;
	l->fd = -1;
	l->cipher.max = (size_t)4 * RECORD_BYTES;
	l->parser = net_redis_parser_new(o->reply_max);
	list_init(&l->flights);
	l->unwritten = &l->flights;
	l->flush.fn = on_flush;
	l->dial = net_redis_dial_open(o->env, &l->at, o->turn, on_dialled, l);
	return l;
}

void
net_redis_link_close(struct net_redis_link **l)
{
	if (*l == NULL)
		return;
	stop(*l);
	(*l)->closed = true;
	if ((*l)->depth == 0)
		destroy(*l);
	*l = NULL;
}

void
net_redis_link_put(struct net_redis_link *l, struct net_redis_flight *f)
{
	list_add_tail(&l->flights, &f->node);
	f->on = l;
	if (all_written(l))
		l->unwritten = &f->node;
	if (l->state == LINK_OPEN)
		env_post(l->o.env, &l->flush);
}

const struct list *
net_redis_link_flights(const struct net_redis_link *l)
{
	return &l->flights;
}

void
net_redis_link_take(struct net_redis_link *l, struct list *to)
{
	struct list *node;

	while ((node = list_pop(&l->flights)) != NULL) {
		flight_of(node)->on = NULL;
		list_add_tail(to, node);
	}
	l->unwritten = &l->flights;
	l->offset = 0;
}

bool
net_redis_link_drop(struct net_redis_link *l, struct net_redis_flight *f)
{
	if (f->sent || (l->unwritten == &f->node && l->offset > 0))
		return false;
	if (l->unwritten == &f->node)
		l->unwritten = f->node.next;
	list_remove(&f->node);
	f->on = NULL;
	return true;
}
