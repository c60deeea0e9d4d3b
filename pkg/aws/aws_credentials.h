#ifndef DSRUN_AWS_CREDENTIALS_H
#define DSRUN_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/list.h"

#include "aws/aws_sign.h"

struct net_http;

/*
 * Where keys come from, the first of:
 *
 *   config        a pair given by the configuration
 *   environment   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   web identity  AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, asked of STS
 *                 (AWS_ROLE_SESSION_NAME, AWS_ENDPOINT_URL_STS)
 *   container     AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with
 *                 AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or _TOKEN
 *   instance      IMDSv2 of EC2 (AWS_EC2_METADATA_SERVICE_ENDPOINT,
 *                 AWS_EC2_METADATA_DISABLED)
 *
 * Which one is decided once, by what is set; when it fails the others are not
 * tried: another account's keys would be a surprise.  ~/.aws is not read.
 *
 * Keys that end are renewed 5 minutes before; one renewal at a time, however
 * many wait.  When a renewal fails, keys that hold are used on and it is tried
 * again later; those of an instance are used even after their end, with a new
 * try each 5 to 10 minutes (Amazon's "static stability": their service goes
 * on to honour them while theirs is down).
 *
 * Loop's thread only.
 */

struct aws_credentials;

struct aws_credentials_options {
	struct env *env;
	struct net_http *http; /* that trusts the system's authorities */
	const char *access_key, *secret_key; /* "" or NULL: none given */
	const char *session_token;
	const char *region; /* whose STS is asked */
	/* Instead of the process's environment; NULL = that. */
	const char *(*lookup)(void *arg, const char *name);
	void *lookup_arg;
};

/*
 * Everything is copied, env and http are borrowed.  ERR_CONFIG: half a pair, a
 * variable that cannot be used (a plain http URI to another machine), or the
 * instance is forbidden and there is nothing else.
 */
enum err_code aws_credentials_open(const struct aws_credentials_options *o,
    struct aws_credentials **out, struct err *err);
/* Nobody who waits is called any more.  NULL-safe. */
void aws_credentials_close(struct aws_credentials **c);

/* "config", "environment", "web identity", "container", "instance". */
const char *aws_credentials_source(const struct aws_credentials *c);

/* Embedded in its owner, zeroed. */
struct aws_credentials_ask {
	void (*done)(struct aws_credentials_ask *a);
	/*
	 * Out.  keys belong to the chain and are to be used within done().
	 * RETRY: a service did not answer.  ERR_CONFIG: it refused, or there
	 * are no credentials at all.
	 */
	enum err_code code;
	struct err err;
	const struct aws_keys *keys;
	int64_t generation; /* of these keys: for renew */
	struct list node;
};

/* Calls done() later, from the loop, once. */
void aws_credentials_get(
    struct aws_credentials *c, struct aws_credentials_ask *a);
/* It never calls back; repeatable. */
void aws_credentials_cancel(struct aws_credentials_ask *a);

/*
 * A peer said that the keys of this generation have ended: the next get asks
 * anew, unless that has happened since.  false: these keys come from no
 * service, so there are no others.
 */
bool aws_credentials_renew(struct aws_credentials *c, int64_t generation);

#endif
