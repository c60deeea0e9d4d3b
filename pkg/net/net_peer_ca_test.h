#ifndef DSRUN_NET_PEER_CA_TEST_H
#define DSRUN_NET_PEER_CA_TEST_H

/* Part of net_peer_test.h, which is what a test includes: certificates. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

/* OpenSSL has an ERR_STATE too, which nobody needs. */
#define ERR_STATE peer_openssl_err_state
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/check.h"
#include "base/mem.h"

struct net_peer_ca {
	EVP_PKEY *key;
	X509 *cert;
};

/* --- Certificates ----------------------------------------------------------
 */

NET_PEER_FN X509 *
peer_certificate(EVP_PKEY *key, const char *name, int64_t from_s, int64_t to_s)
{
	X509 *cert = X509_new();
	static long serial = 1000;

	CHECK(cert != NULL && X509_set_version(cert, 2) == 1);
	CHECK(ASN1_INTEGER_set(X509_get_serialNumber(cert),
		  __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST) +
		      (long)getpid() * 10000) == 1);
	CHECK(X509_gmtime_adj(X509_getm_notBefore(cert), (long)from_s) != NULL);
	CHECK(X509_gmtime_adj(X509_getm_notAfter(cert), (long)to_s) != NULL);
	CHECK(X509_set_pubkey(cert, key) == 1);
	CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
		  MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1);
	return cert;
}

NET_PEER_FN void
peer_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	CHECK(e != NULL && X509_add_ext(cert, e, -1) == 1);
	X509_EXTENSION_free(e);
}

NET_PEER_FN struct net_peer_ca *
net_peer_ca_new(const char *name)
{
	struct net_peer_ca *ca = mem_zalloc(1, sizeof(*ca));

	ca->key = EVP_EC_gen("P-256");
	CHECK(ca->key != NULL);
	ca->cert = peer_certificate(ca->key, name, -86400, 86400);
	CHECK(X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert)) ==
	      1);
	peer_extension(ca->cert, NID_basic_constraints, "critical,CA:TRUE");
	CHECK(X509_sign(ca->cert, ca->key, EVP_sha256()) > 0);
	return ca;
}

NET_PEER_FN void
net_peer_ca_free(struct net_peer_ca **ca)
{
	if (*ca == NULL)
		return;
	EVP_PKEY_free((*ca)->key);
	X509_free((*ca)->cert);
	mem_free(ca);
}

NET_PEER_FN X509 *
peer_issue(const struct net_peer_ca *ca, const char *name, int64_t from_s,
    int64_t to_s, EVP_PKEY **key)
{
	struct in_addr ip;
	char *san = NULL;

	if (name == NULL)
		name = "localhost";
	*key = EVP_EC_gen("P-256");
	CHECK(*key != NULL);
	X509 *cert = peer_certificate(*key, name,
	    from_s == 0 && to_s == 0 ? -3600 : from_s,
	    from_s == 0 && to_s == 0 ? 3600 : to_s);
	san = mem_printf(
	    "%s:%s", inet_pton(AF_INET, name, &ip) == 1 ? "IP" : "DNS", name);
	peer_extension(cert, NID_subject_alt_name, san);
	CHECK(X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) == 1);
	CHECK(X509_sign(cert, ca->key, EVP_sha256()) > 0);
	mem_free(&san);
	return cert;
}

NET_PEER_FN FILE *
peer_file(const char *path)
{
	FILE *f = fopen(path, "w");

	CHECK(f != NULL);
	return f;
}

NET_PEER_FN void
net_peer_ca_write(const struct net_peer_ca *ca, const char *path)
{
	FILE *f = peer_file(path);

	CHECK(PEM_write_X509(f, ca->cert) == 1);
	CHECK(fclose(f) == 0);
}

NET_PEER_FN void
net_peer_ca_issue(const struct net_peer_ca *ca, const char *name,
    int64_t from_s, int64_t to_s, const char *cert_path, const char *key_path)
{
	EVP_PKEY *key = NULL;
	X509 *cert = peer_issue(ca, name, from_s, to_s, &key);
	FILE *f = peer_file(cert_path);

	CHECK(PEM_write_X509(f, cert) == 1);
	CHECK(fclose(f) == 0);
	f = peer_file(key_path);
	CHECK(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
	CHECK(fclose(f) == 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

NET_PEER_FN SSL_CTX *
peer_tls(const struct net_peer_options *o)
{
	EVP_PKEY *key = NULL;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *cert = peer_issue(o->ca, o->name, o->from_s, o->to_s, &key);

	CHECK(ctx != NULL);
	if (o->tls_max != 0) {
		/* What is too old is also too weak for Debian's default. */
		SSL_CTX_set_security_level(ctx, 0);
		CHECK(SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) == 1);
		CHECK(SSL_CTX_set_max_proto_version(ctx, o->tls_max) == 1);
	}
	CHECK(SSL_CTX_use_certificate(ctx, cert) == 1);
	CHECK(SSL_CTX_use_PrivateKey(ctx, key) == 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

#endif
