#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/check.h"
#include "base/dynlib.h"
#include "base/mem.h"

#include "net/net_http_priv.h"

#define CONNECT_MS 10000
#define UPLOAD_BYTES (256L << 10)
#define SMALL_BYTES (16L << 10) /* libcurl's least */
#define DOWNLOAD_BYTES (64L << 10)

struct net_http_curl net_http_curl;

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * CURLOPT_QUICK_EXIT (7.87) lets go of a look-up that hangs; without it the
 * loop would wait for getaddrinfo after the deadline.
 */
static enum err_code
judge_version(struct err *err)
{
	static const int needed = CURL_VERSION_SSL | CURL_VERSION_ASYNCHDNS;
	const curl_version_info_data *v =
	    net_http_curl.version_info(CURLVERSION_NOW);

	if (v->version_num < 0x075700 || (v->features & needed) != needed ||
	    v->ssl_version == NULL || strstr(v->ssl_version, "OpenSSL") == NULL)
		return err_set(err, ERR_CONFIG, 0,
		    "libcurl %s (%s) will not do: 7.87 or newer with OpenSSL "
		    "and threaded DNS is needed (package libcurl4)",
		    v->version,
		    v->ssl_version != NULL ? v->ssl_version : "no TLS");
	return ERR_NONE;
}

enum err_code
net_http_curl_load(struct err *err)
{
	static const char *const sonames[] = {"libcurl.so.4", NULL};
	static const struct dynlib_symbol symbols[] = {
#define X(name) {"curl_" #name, &net_http_curl.name},
	    NET_HTTP_CALLS(X)
#undef X
		{NULL, NULL}};
	static bool loaded;
	enum err_code code = ERR_NONE;

	CHECK(pthread_mutex_lock(&load_lock) == 0);
	if (!loaded) {
		code = dynlib_open(sonames, "libcurl4", symbols, err);
		if (code == ERR_NONE)
			code = judge_version(err);
		if (code == ERR_NONE) {
			CHECK(net_http_curl.global_init(CURL_GLOBAL_DEFAULT) ==
			      CURLE_OK);
			loaded = true;
		}
	}
	CHECK(pthread_mutex_unlock(&load_lock) == 0);
	return code;
}

void
net_http_fault(struct net_http_exchange *x, const struct err *err)
{
	if (x->fault != ERR_NONE)
		return;
	x->fault = err->code;
	x->fault_err = *err;
}

/* The authority ends where path, query or fragment begin. */
enum err_code
net_http_key(const char *url, char **key, struct err *err)
{
	size_t skip = 0;
	size_t len = 0;

	*key = NULL;
	if (url == NULL)
		return err_set(err, ERR_CONFIG, 0, "no URL");
	if (strncasecmp(url, "http://", 7) == 0)
		skip = 7;
	else if (strncasecmp(url, "https://", 8) == 0)
		skip = 8;
	else
		return err_set(err, ERR_CONFIG, 0,
		    "a URL must begin with http:// or https://");
	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return err_set(err, ERR_CONFIG, 0,
			    "a URL may hold printable ASCII only, byte %zu "
			    "is none: write it as %%XX",
			    (size_t)(c - url));
	len = strcspn(url + skip, "/?#");
	if (len == 0)
		return err_set(err, ERR_CONFIG, 0, "a URL without a host");
	if (memchr(url + skip, '@', len) != NULL)
		return err_set(err, ERR_CONFIG, 0,
		    "a URL with a user or password in it is not taken: "
		    "send a header Authorization");
	*key = mem_strndup(url, skip + len);
	for (char *c = *key; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return ERR_NONE;
}

static bool
is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    strchr("!#$%&'*+-.^_`|~", text[i]) == NULL)
			return false;
	return len > 0;
}

/* A header without a value is written "Name;" for libcurl: a colon would take
 * one of its own away. */
static enum err_code
add_header(struct net_http_exchange *x, const char *line, struct err *err)
{
	static const char *const own[] = {"Host", "Content-Length",
	    "Transfer-Encoding", "Connection", "Expect"};
	size_t len = strcspn(line, ":");
	const char *value = line + len + (line[len] == ':');
	char *empty = NULL;

	if (line[len] != ':' || !is_token(line, len))
		return err_set(err, ERR_CONFIG, 0,
		    "a header must be written \"Name: value\"");
	for (const char *c = value; *c != '\0'; c++)
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
			return err_set(err, ERR_CONFIG, 0,
			    "header %.*s: a control character in its value",
			    (int)len, line);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (len == strlen(own[i]) &&
		    strncasecmp(line, own[i], len) == 0)
			return err_set(err, ERR_CONFIG, 0,
			    "header %s is the client's own", own[i]);
	value += strspn(value, " \t");
	if (*value == '\0')
		empty = mem_printf("%.*s;", (int)len, line);
	struct curl_slist *more = net_http_curl.slist_append(
	    x->headers, empty != NULL ? empty : line);
	mem_free(&empty);
	CHECK(more != NULL);
	x->headers = more;
	return ERR_NONE;
}

static enum err_code
add_headers(struct net_http_exchange *x, struct err *err)
{
	const char *const *line = x->r->headers;
	enum err_code code = ERR_NONE;

	/* Without a value: libcurl is not to send its own. */
	x->headers = net_http_curl.slist_append(NULL, "Expect:");
	CHECK(x->headers != NULL);
	for (; code == ERR_NONE && line != NULL && *line != NULL; line++)
		code = add_header(x, *line, err);
	return code;
}

/* --- What libcurl calls ----------------------------------------------------
 */

/*
 * Just before the request goes out, on every connection.  libcurl repeats a
 * request when the connection was used before and ended without a byte of an
 * answer (Curl_retry_request), and comes by here a second time: it is known
 * then that the first may have arrived, so there is no second.  A connection
 * that has ended already is another matter: nothing was sent, and the client
 * begins anew.
 */
static int
before_send(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	struct net_http_exchange *x = arg;

	(void)local;
	if (x->sent)
		x->again = true;
	if (x->sent || x->r == NULL)
		return CURL_PREREQFUNC_ABORT;
	if (!x->opened &&
	    net_http_socket_is_stale(x->http, peer, peer_port, local_port)) {
		x->stale = true;
		return CURL_PREREQFUNC_ABORT;
	}
	x->sent = true;
	x->moved_us = net_env_boot_us(&x->http->net->env);
	return CURL_PREREQFUNC_OK;
}

/* The same, earlier: the peer need not see a connection for nothing. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct net_http_exchange *x = arg;

	(void)purpose;
	if (x->sent)
		x->again = true;
	if (x->sent || x->r == NULL)
		return CURL_SOCKET_BAD;
	x->opened = true;
	return net_http_socket_open(x->http, a, x->r);
}

static size_t
give(char *to, size_t size, size_t count, void *arg)
{
	struct net_http_exchange *x = arg;
	struct net_http_request *r = x->r;
	size_t max = size * count;
	size_t got = 0;
	struct err err;

	if (r == NULL)
		return CURL_READFUNC_ABORT;
	if (max > r->body_len - x->given)
		max = r->body_len - x->given;
	if (max == 0)
		return 0;
	if (r->read == NULL) {
		memcpy(to, (const char *)r->body + x->given, max);
		got = max;
	} else if (r->read(r, to, max, &got, &err) != ERR_NONE) {
		net_http_fault(x, &err);
		return CURL_READFUNC_ABORT;
	}
	if (x->r == NULL) /* read() cancelled it */
		return CURL_READFUNC_ABORT;
	CHECK(got <= max);
	if (got == 0) {
		(void)err_set(&err, ERR_MALFORMED, 0,
		    "the body ended after %zu of %zu bytes", x->given,
		    r->body_len);
		net_http_fault(x, &err);
		return CURL_READFUNC_ABORT;
	}
	x->given += got;
	return got;
}

/* A body is never sent twice, so there is nothing to go back to. */
static int
rewind_body(void *arg, curl_off_t offset, int origin)
{
	(void)arg;
	(void)offset;
	(void)origin;
	return CURL_SEEKFUNC_FAIL;
}

/*
 * One line a call.  A 1xx has headers too, and trailers come after the body:
 * only those of the answer itself are kept.
 */
static size_t
take_header(char *line, size_t size, size_t count, void *arg)
{
	struct net_http_exchange *x = arg;
	struct net_http_request *r = x->r;
	size_t all = size * count;
	size_t len = all;
	struct err err;

	if (r == NULL)
		return 0;
	x->header_bytes += all;
	if (x->header_bytes > NET_HTTP_HEADERS_MAX) {
		(void)err_set(&err, ERR_MALFORMED, 0,
		    "headers of more than %d bytes", NET_HTTP_HEADERS_MAX);
		net_http_fault(x, &err);
		return 0;
	}
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (x->headers_whole)
		return all;
	if (len == 0) {
		x->headers_whole = !x->interim;
	} else if (len > 9 && memcmp(line, "HTTP/", 5) == 0) {
		x->interim = line[9] == '1';
		buf_clear(&r->headers_in);
	} else {
		buf_put(&r->headers_in, line, len);
		buf_puts(&r->headers_in, "\r\n");
	}
	return all;
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct net_http_exchange *x = arg;
	struct err err;

	if (x->r == NULL)
		return 0;
	if (buf_try_put(&x->r->body_in, bytes, size * count, &err) == ERR_NONE)
		return size * count;
	(void)err_wrap(&err, "the answer's body");
	net_http_fault(x, &err);
	return 0;
}

/* --- One easy handle -------------------------------------------------------
 */

#define SET(option, value) \
	CHECK(net_http_curl.easy_setopt(x->easy, option, value) == CURLE_OK)

static void
set_callbacks(struct net_http_exchange *x)
{
	SET(CURLOPT_PRIVATE, x);
	SET(CURLOPT_ERRORBUFFER, x->text);
	SET(CURLOPT_PREREQFUNCTION, before_send);
	SET(CURLOPT_PREREQDATA, x);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, x);
	SET(CURLOPT_CLOSESOCKETFUNCTION, net_http_socket_close);
	SET(CURLOPT_CLOSESOCKETDATA, x->http);
	SET(CURLOPT_READFUNCTION, give);
	SET(CURLOPT_READDATA, x);
	SET(CURLOPT_SEEKFUNCTION, rewind_body);
	SET(CURLOPT_SEEKDATA, x);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, x);
}

/*
 * Authorities stand in one file alone: with a folder beside it (CAPATH, a
 * default of Debian's) that would be trusted as well, and libcurl would read
 * the file anew for each connection.
 */
static void
set_tls(struct net_http_exchange *x)
{
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (x->http->ca_file != NULL)
		SET(CURLOPT_CAINFO, x->http->ca_file);
	if (x->http->ca_file != NULL ||
	    net_http_curl.version_info(CURLVERSION_NOW)->cainfo != NULL)
		SET(CURLOPT_CAPATH, NULL);
}

static void
set_rules(struct net_http_exchange *x)
{
	const struct net_http_request *r = x->r;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_USERAGENT, x->http->user_agent);
	SET(CURLOPT_MAXAGE_CONN, (long)NET_HTTP_KEEP_S);
	SET(CURLOPT_BUFFERSIZE, DOWNLOAD_BYTES);
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(r->connect_ms > 0 ? r->connect_ms : CONNECT_MS));
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->body_in.max);
	SET(CURLOPT_FRESH_CONNECT, r->fresh || x->stale ? 1L : 0L);
	SET(CURLOPT_FORBID_REUSE, r->fresh ? 1L : 0L);
}

static void
set_method(struct net_http_exchange *x)
{
	static const char *const with_body[] = {"POST", "PUT", "PATCH"};
	const struct net_http_request *r = x->r;
	bool body = r->body_len > 0;

	for (size_t i = 0; i < ARRAY_LEN(with_body); i++)
		body = body || strcmp(r->method, with_body[i]) == 0;
	if (body) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_len);
		SET(CURLOPT_UPLOAD_BUFFERSIZE,
		    r->body_len < SMALL_BYTES ? SMALL_BYTES : UPLOAD_BYTES);
	} else if (strcmp(r->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
	}
	SET(CURLOPT_CUSTOMREQUEST, r->method);
	SET(CURLOPT_HTTPHEADER, x->headers);
	SET(CURLOPT_URL, r->url);
}

enum err_code
net_http_prepare(struct net_http_exchange *x, struct err *err)
{
	const char *method = x->r->method;
	enum err_code code = ERR_NONE;

	if (method == NULL || !is_token(method, strlen(method)))
		return err_set(err, ERR_CONFIG, 0, "no method of HTTP");
	code = add_headers(x, err);
	if (code != ERR_NONE)
		return code;
	x->easy = net_http_curl.easy_init();
	CHECK(x->easy != NULL);
	set_callbacks(x);
	set_tls(x);
	set_rules(x);
	set_method(x);
	return ERR_NONE;
}

int64_t
net_http_moved(const struct net_http_exchange *x)
{
	curl_off_t up = 0;
	curl_off_t down = 0;
	long request = 0;

	(void)net_http_curl.easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	(void)net_http_curl.easy_getinfo(
	    x->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	(void)net_http_curl.easy_getinfo(
	    x->easy, CURLINFO_REQUEST_SIZE, &request);
	return (int64_t)(up + down) + request + (int64_t)x->header_bytes;
}

/* --- What came of it -------------------------------------------------------
 */

/* Those that are not a matter of reaching the peer. */
static enum err_code
code_of(CURLcode rc)
{
	static const struct {
		CURLcode rc;
		enum err_code code;
	} table[] = {
	    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
	    {CURLE_PEER_FAILED_VERIFICATION, ERR_REJECTED},
	    {CURLE_UNSUPPORTED_PROTOCOL, ERR_MALFORMED}, /* HTTP/0.9 */
	    {CURLE_WEIRD_SERVER_REPLY, ERR_MALFORMED},
	    {CURLE_FILESIZE_EXCEEDED, ERR_MALFORMED},
	    {CURLE_WRITE_ERROR, ERR_MALFORMED},
	    /* It says so also of a header line above 100 KB. */
	    {CURLE_OUT_OF_MEMORY, ERR_MALFORMED},
	    {CURLE_URL_MALFORMAT, ERR_CONFIG},
	    {CURLE_LOGIN_DENIED, ERR_CONFIG},
	    {CURLE_SSL_CACERT_BADFILE, ERR_CONFIG},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].rc == rc)
			return table[i].code;
	return ERR_UNREACHABLE;
}

static enum err_code
judge_failure(struct net_http_exchange *x, CURLcode rc, struct err *err)
{
	const char *text =
	    x->text[0] != '\0' ? x->text : net_http_curl.easy_strerror(rc);

	if (x->again)
		return err_set(err, ERR_UNREACHABLE, 0,
		    "the connection ended before an answer came, and the "
		    "request may have arrived");
	if (rc == CURLE_OK)
		return err_set(err, ERR_UNREACHABLE, 0,
		    "the connection ended within the answer's headers");
	if (rc == CURLE_OUT_OF_MEMORY)
		text = "a header of more than 100 KB";
	return err_set(err, code_of(rc), 0, "%s", text);
}

void
net_http_judge(struct net_http_exchange *x, CURLcode rc)
{
	struct net_http_request *r = x->r;
	long status = 0;

	r->sent = x->sent;
	if (x->easy != NULL)
		(void)net_http_curl.easy_getinfo(
		    x->easy, CURLINFO_RESPONSE_CODE, &status);
	r->status = (int)status;
	if (x->fault != ERR_NONE)
		r->err = x->fault_err;
	else if (rc != CURLE_OK || !x->headers_whole)
		(void)judge_failure(x, rc, &r->err);
	else
		return;
	r->code =
	    err_wrap(&r->err, "%s %s", r->method != NULL ? r->method : "?",
		x->host != NULL ? x->host->key : "?");
}
