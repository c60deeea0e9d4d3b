#include "net/net_redis_tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

/* OpenSSL has a type of this name, base/err.h an error. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/check.h"
#include "base/dynlib.h"
#include "base/mem.h"

struct net_redis_tls_context {
	SSL_CTX *ctx;
};

struct net_redis_tls {
	SSL *ssl;
	BIO *in, *out; /* belong to ssl */
	char *host;
};

#define CALLS(X)                              \
	X(TLS_client_method)                  \
	X(SSL_CTX_new)                        \
	X(SSL_CTX_free)                       \
	X(SSL_CTX_ctrl)                       \
	X(SSL_CTX_set_verify)                 \
	X(SSL_CTX_load_verify_file)           \
	X(SSL_CTX_set_default_verify_paths)   \
	X(SSL_CTX_use_certificate_chain_file) \
	X(SSL_CTX_use_PrivateKey_file)        \
	X(SSL_CTX_check_private_key)          \
	X(SSL_new)                            \
	X(SSL_free)                           \
	X(SSL_ctrl)                           \
	X(SSL_set_bio)                        \
	X(SSL_set_connect_state)              \
	X(SSL_set1_host)                      \
	X(SSL_get0_param)                     \
	X(SSL_do_handshake)                   \
	X(SSL_read_ex)                        \
	X(SSL_write_ex)                       \
	X(SSL_get_error)                      \
	X(SSL_get_verify_result)              \
	X(X509_VERIFY_PARAM_set1_ip_asc)      \
	X(X509_verify_cert_error_string)      \
	X(BIO_new)                            \
	X(BIO_s_mem)                          \
	X(BIO_read)                           \
	X(BIO_write)                          \
	X(ERR_get_error)                      \
	X(ERR_clear_error)                    \
	X(ERR_reason_error_string)

#define X(name) __typeof__(name) *name;
static struct {
	CALLS(X)
} ssl;
#undef X

#define X(name) {#name, &ssl.name},
static const struct dynlib_symbol symbols[] = {CALLS(X){NULL, NULL}};
#undef X

static const char *const sonames[] = {"libssl.so.3", NULL};

/* The first reason, and no more of them for the next to find. */
static const char *
reason(void)
{
	unsigned long e = ssl.ERR_get_error();
	const char *text = NULL;

	if (e != 0 && ERR_SYSTEM_ERROR(e))
		text = strerror(ERR_GET_REASON(e));
	else if (e != 0)
		text = ssl.ERR_reason_error_string(e);

	ssl.ERR_clear_error();
	return text != NULL ? text : "unknown reason";
}

static enum err_code
load_files(SSL_CTX *ctx, const char *ca, const char *cert, const char *key,
    struct err *err)
{
	if (ca == NULL && ssl.SSL_CTX_set_default_verify_paths(ctx) != 1)
		return err_set(err, ERR_CONFIG, 0,
		    "the system's certificates: %s", reason());
	if (ca != NULL && ssl.SSL_CTX_load_verify_file(ctx, ca) != 1)
		return err_set(
		    err, ERR_CONFIG, 0, "CA file %s: %s", ca, reason());
	if (cert == NULL)
		return ERR_NONE;
	if (ssl.SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return err_set(
		    err, ERR_CONFIG, 0, "certificate %s: %s", cert, reason());
	if (ssl.SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    ssl.SSL_CTX_check_private_key(ctx) != 1)
		return err_set(err, ERR_CONFIG, 0, "key %s: %s", key, reason());
	return ERR_NONE;
}

enum err_code
net_redis_tls_context_new(const char *ca, const char *cert, const char *key,
    struct net_redis_tls_context **out, struct err *err)
{
	struct net_redis_tls_context *c;
	enum err_code code;

	*out = NULL;
	if ((cert == NULL) != (key == NULL))
		return err_set(err, ERR_CONFIG, 0,
		    "a client certificate needs its key, and a key its "
		    "certificate");
	code = dynlib_open(sonames, "libssl3", symbols, err);
	if (code != ERR_NONE)
		return code;
	ssl.ERR_clear_error();
	c = mem_zalloc(1, sizeof(*c));
	c->ctx = ssl.SSL_CTX_new(ssl.TLS_client_method());
	CHECK(c->ctx != NULL);
	CHECK(ssl.SSL_CTX_ctrl(c->ctx, SSL_CTRL_SET_MIN_PROTO_VERSION,
		  TLS1_2_VERSION, NULL) == 1);
	ssl.SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	code = load_files(c->ctx, ca, cert, key, err);
	if (code != ERR_NONE)
		net_redis_tls_context_free(&c);
	*out = c;
	return code;
}

void
net_redis_tls_context_free(struct net_redis_tls_context **c)
{
	if (*c == NULL)
		return;
	ssl.SSL_CTX_free((*c)->ctx);
	mem_free(c);
}

static bool
is_ip(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 ||
	       inet_pton(AF_INET6, host, bytes) == 1;
}

/* Which certificate will do; and its name to a server that has several. */
static bool
set_host(SSL *s, const char *host)
{
	char *name;
	bool ok;

	if (is_ip(host))
		return ssl.X509_VERIFY_PARAM_set1_ip_asc(
			   ssl.SSL_get0_param(s), host) == 1;
	name = mem_strdup(host); /* the call's argument is not const */
	ok = ssl.SSL_set1_host(s, host) == 1 &&
	     ssl.SSL_ctrl(s, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		 TLSEXT_NAMETYPE_host_name, name) == 1;
	mem_free(&name);
	return ok;
}

enum err_code
net_redis_tls_new(struct net_redis_tls_context *c, const char *host,
    struct net_redis_tls **out, struct err *err)
{
	struct net_redis_tls *t = mem_zalloc(1, sizeof(*t));

	t->ssl = ssl.SSL_new(c->ctx);
	t->in = ssl.BIO_new(ssl.BIO_s_mem());
	t->out = ssl.BIO_new(ssl.BIO_s_mem());
	CHECK(t->ssl != NULL && t->in != NULL && t->out != NULL);
	ssl.SSL_set_bio(t->ssl, t->in, t->out);
	ssl.SSL_set_connect_state(t->ssl);
	t->host = mem_strdup(host);
	*out = t;
	if (set_host(t->ssl, host))
		return ERR_NONE;
	net_redis_tls_free(out);
	return err_set(
	    err, ERR_CONFIG, 0, "no host that TLS can check: %s", reason());
}

void
net_redis_tls_free(struct net_redis_tls **t)
{
	if (*t == NULL)
		return;
	ssl.SSL_free((*t)->ssl);
	mem_free(&(*t)->host);
	mem_free(t);
}

void
net_redis_tls_feed(struct net_redis_tls *t, const void *bytes, size_t len)
{
	CHECK(len <= INT_MAX);
	CHECK(len == 0 || ssl.BIO_write(t->in, bytes, (int)len) == (int)len);
}

size_t
net_redis_tls_take(struct net_redis_tls *t, void *bytes, size_t max)
{
	int n = ssl.BIO_read(t->out, bytes, max < INT_MAX ? (int)max : INT_MAX);

	return n > 0 ? (size_t)n : 0;
}

static enum err_code
failed(struct net_redis_tls *t, const char *what, struct err *err)
{
	long verified = ssl.SSL_get_verify_result(t->ssl);

	if (verified != X509_V_OK) {
		ssl.ERR_clear_error();
		return err_set(err, ERR_UNREACHABLE, 0,
		    "TLS: the certificate of %s is refused: %s", t->host,
		    ssl.X509_verify_cert_error_string(verified));
	}
	return err_set(err, ERR_UNREACHABLE, 0, "TLS: %s: %s", what, reason());
}

enum err_code
net_redis_tls_shake(struct net_redis_tls *t, bool *done, struct err *err)
{
	ssl.ERR_clear_error();
	int rc = ssl.SSL_do_handshake(t->ssl);

	*done = rc == 1;
	if (rc == 1 || ssl.SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ)
		return ERR_NONE;
	return failed(t, "handshake", err);
}

enum err_code
net_redis_tls_read(struct net_redis_tls *t, void *bytes, size_t max,
    size_t *got, bool *ended, struct err *err)
{
	*got = 0;
	*ended = false;
	ssl.ERR_clear_error();
	int rc = ssl.SSL_read_ex(t->ssl, bytes, max, got);

	if (rc == 1)
		return ERR_NONE;
	switch (ssl.SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return ERR_NONE;
	case SSL_ERROR_ZERO_RETURN:
		*ended = true;
		return ERR_NONE;
	default:
		return failed(t, "read", err);
	}
}

enum err_code
net_redis_tls_write(
    struct net_redis_tls *t, const void *bytes, size_t len, struct err *err)
{
	size_t written = 0;

	ssl.ERR_clear_error();
	/* The memory behind it takes everything. */
	if (ssl.SSL_write_ex(t->ssl, bytes, len, &written) == 1) {
		CHECK(written == len);
		return ERR_NONE;
	}
	return failed(t, "write", err);
}
