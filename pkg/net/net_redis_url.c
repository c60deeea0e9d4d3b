#include "net/net_redis_url.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/net_redis.h"

#define URL_MAX 4096
#define REDIS_PORT 6379

void
net_redis_address_fini(struct net_redis_address *a)
{
	mem_free(&a->host);
	a->port = 0;
}

void
net_redis_address_copy(
    struct net_redis_address *to, const struct net_redis_address *from)
{
	char *host = mem_strdup(from->host);

	mem_free(&to->host);
	to->host = host;
	to->port = from->port;
}

bool
net_redis_address_eq(
    const struct net_redis_address *a, const struct net_redis_address *b)
{
	return a->port == b->port && text_eq(a->host, b->host);
}

char *
net_redis_address_text(const struct net_redis_address *a)
{
	if (a->port == 0)
		return mem_printf("%s", a->host != NULL ? a->host : "");
	return mem_printf(strchr(a->host, ':') != NULL ? "[%s]:%d" : "%s:%d",
	    a->host, a->port);
}

static enum err_code
bad_address(const char *text, size_t len, const char *why, struct err *err)
{
	return err_set(err, ERR_CONFIG, 0, "\"%.*s\": %s",
	    (int)(len < 200 ? len : 200), text, why);
}

enum err_code
net_redis_address_parse(const char *text, size_t len, int default_port,
    struct net_redis_address *out, struct err *err)
{
	char port[8] = "";
	int64_t number = default_port;
	size_t host = len;
	size_t from = 0;
	size_t after = len; /* where ":port" begins */

	if (len > 0 && text[0] == '[') {
		const char *end = memchr(text, ']', len);

		if (end == NULL)
			return bad_address(text, len, "no ] after [", err);
		from = 1;
		host = (size_t)(end - text);
		after = host + 1;
	} else {
		const char *colon = memchr(text, ':', len);

		/* More than one colon is an IPv6 address without a port. */
		if (colon != NULL &&
		    memchr(colon + 1, ':', len - (size_t)(colon - text) - 1) ==
			NULL)
			host = after = (size_t)(colon - text);
	}
	if (host <= from || memchr(text, '\0', len) != NULL)
		return bad_address(text, len, "no host", err);
	if (after < len) {
		if (text[after] != ':' || len - after - 1 >= sizeof(port))
			return bad_address(
			    text, len, "no port behind the host", err);
		memcpy(port, text + after + 1, len - after - 1);
		port[len - after - 1] = '\0';
		if (text_i64(port, 1, 65535, &number, err) != ERR_NONE)
			return bad_address(text, len,
			    "the port is no number from 1 to 65535", err);
	}
	net_redis_address_fini(out);
	out->host = mem_strndup(text + from, host - from);
	out->port = (int)number;
	return ERR_NONE;
}

void
net_redis_url_fini(struct net_redis_url *u)
{
	net_redis_address_fini(&u->at);
	mem_free(&u->user);
	if (u->password != NULL)
		mem_wipe(u->password, strlen(u->password));
	mem_free(&u->password);
}

/* NULL when a % is not followed by two hex digits, or hides a NUL. */
static char *
decoded(const char *text, size_t len)
{
	char *out = mem_zalloc(len + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char hex[3] = "";

		if (text[i] != '%') {
			out[n++] = text[i];
			continue;
		}
		if (len - i > 2)
			memcpy(hex, text + i + 1, 2);
		if (!text_unhex(hex, &out[n], 1) || out[n] == '\0') {
			mem_wipe(out, len);
			mem_free(&out);
			return NULL;
		}
		n++;
		i += 2;
	}
	out[n] = '\0';
	return out;
}

/* [user[:password]@]; an empty part is none. */
static enum err_code
read_user(
    const char *text, size_t len, struct net_redis_url *out, struct err *err)
{
	const char *colon = memchr(text, ':', len);
	size_t user = colon != NULL ? (size_t)(colon - text) : len;

	if (user > 0)
		out->user = decoded(text, user);
	if (colon != NULL && len - user > 1)
		out->password = decoded(colon + 1, len - user - 1);
	if ((user > 0 && out->user == NULL) ||
	    (colon != NULL && len - user > 1 && out->password == NULL))
		return err_set(err, ERR_CONFIG, 0,
		    "user and password: %% must be followed by two hex "
		    "digits");
	return ERR_NONE;
}

static enum err_code
read_db(const char *text, struct net_redis_url *out, struct err *err)
{
	int64_t db = 0;

	if (text_i64(text, 0, 65535, &db, err) != ERR_NONE)
		return err_set(err, ERR_CONFIG, 0,
		    "the database must be a number from 0 to 65535");
	out->db = (int)db;
	return ERR_NONE;
}

/* "" or "?db=N". */
static enum err_code
read_query(const char *text, struct net_redis_url *out, struct err *err)
{
	if (*text == '\0')
		return ERR_NONE;
	if (!text_starts(text, "?db="))
		return err_set(
		    err, ERR_CONFIG, 0, "behind the path only ?db=N may stand");
	return read_db(text + 4, out, err);
}

/* host[:port][/db][?db=N] */
static enum err_code
read_tcp(const char *text, struct net_redis_url *out, struct err *err)
{
	size_t host = strcspn(text, "/?");
	const char *query = strchrnul(text, '?');
	enum err_code code =
	    net_redis_address_parse(text, host, REDIS_PORT, &out->at, err);

	if (code == ERR_NONE && query > text + host + 1) {
		char *db = mem_strndup(
		    text + host + 1, (size_t)(query - text) - host - 1);

		code = read_db(db, out, err);
		mem_free(&db);
	}
	return code == ERR_NONE ? read_query(query, out, err) : code;
}

/* /path[?db=N] */
static enum err_code
read_unix(const char *text, struct net_redis_url *out, struct err *err)
{
	const char *query = strchrnul(text, '?');

	if (text[0] != '/' || query - text < 2)
		return err_set(err, ERR_CONFIG, 0,
		    "a socket needs an absolute path: unix:///path");
	out->at.host = decoded(text, (size_t)(query - text));
	out->at.port = 0;
	if (out->at.host == NULL)
		return err_set(err, ERR_CONFIG, 0,
		    "the path: %% must be followed by two hex digits");
	return read_query(query, out, err);
}

static const struct {
	const char *prefix;
	bool tls;
	bool path;
} schemes[] = {{"redis://", false, false}, {"rediss://", true, false},
    {"unix://", false, true}, {"redis+unix://", false, true}};

static enum err_code
read_scheme(const char *text, struct net_redis_url *out, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		enum err_code code = ERR_NONE;

		if (!text_starts(text, schemes[i].prefix))
			continue;
		text += strlen(schemes[i].prefix);
		/* Of a socket the path may have an @, the user is before it. */
		size_t most =
		    schemes[i].path ? strcspn(text, "/") : strcspn(text, "/?");
		const char *at = memrchr(text, '@', most);

		out->tls = schemes[i].tls;
		if (at != NULL) {
			code = read_user(text, (size_t)(at - text), out, err);
			text = at + 1;
		}
		if (code != ERR_NONE)
			return code;
		return schemes[i].path ? read_unix(text, out, err)
				       : read_tcp(text, out, err);
	}
	return err_set(err, ERR_CONFIG, 0,
	    "expected redis://, rediss://, unix:// or redis+unix://");
}

enum err_code
net_redis_url_parse(
    const char *text, struct net_redis_url *out, struct err *err)
{
	enum err_code code;

	*out = (struct net_redis_url){.db = 0};
	if (strlen(text) > URL_MAX)
		return err_set(
		    err, ERR_CONFIG, 0, "a url of more than %d bytes", URL_MAX);
	code = read_scheme(text, out, err);
	if (code != ERR_NONE) {
		char *shown = net_redis_url_shown(text);

		(void)err_wrap(err, "%s", shown);
		mem_free(&shown);
		net_redis_url_fini(out);
	}
	return code;
}

/*
 * Also of what is no url: whatever stands before the last @ may hold a
 * password, and so may any query but ?db=N.
 */
char *
net_redis_url_shown(const char *url)
{
	const char *slashes = strstr(url, "://");
	const char *from = slashes != NULL ? slashes + 3 : url;
	const char *at = strrchr(from, '@');
	const char *rest = at != NULL ? at + 1 : from;
	const char *colon =
	    at != NULL ? memchr(from, ':', (size_t)(at - from)) : NULL;
	const char *query = strchrnul(rest, '?');
	size_t digits = 0;

	if (text_starts(query, "?db="))
		digits = 4 + strspn(query + 4, "0123456789");
	size_t keep = (size_t)(query - rest) + digits;
	int user = (int)((colon != NULL   ? colon
			     : at != NULL ? at
					  : from) -
			 from);

	return mem_printf("%.*s%.*s%s%s%.*s", (int)(from - url), url, user,
	    from, colon != NULL ? ":***" : "", at != NULL ? "@" : "", (int)keep,
	    rest);
}
