#ifndef DSRUN_AWS_CREDENTIALS_PRIV_H
#define DSRUN_AWS_CREDENTIALS_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

#include "aws/aws_credentials.h"
#include "net/net_http.h"

/* What aws_credentials.c and aws_fetch*.c share: one asking of a service. */

#define AWS_FETCH_URL_MAX 4096
#define AWS_FETCH_ANSWER_MAX 65536 /* bytes */

enum aws_source {
	AWS_SOURCE_CONFIG,
	AWS_SOURCE_ENVIRONMENT,
	AWS_SOURCE_WEB_IDENTITY,
	AWS_SOURCE_CONTAINER,
	AWS_SOURCE_INSTANCE
};

struct aws_keyring {
	char *access_key; /* NULL: none */
	char *secret_key;
	char *session_token; /* "" = none */
	int64_t expires_ms;  /* INT64_MAX = never */
};

void aws_keyring_fini(struct aws_keyring *k); /* wipes; repeatable */

enum aws_fetch_stage {
	AWS_FETCH_KEYS,  /* the only one of all but the instance */
	AWS_FETCH_TOKEN, /* IMDSv2: a session first */
	AWS_FETCH_ROLE,  /* then the role's name */
};

struct aws_fetch {
	void (*done)(struct aws_fetch *f);
	enum aws_source source;
	/* out */
	enum err_code code;
	struct err err;
	struct aws_keyring ring;

	/* its own */
	struct env *env;
	struct net_http *http;
	const char *(*lookup)(void *arg, const char *name);
	void *lookup_arg;
	char *region;
	enum aws_fetch_stage stage;
	char *endpoint; /* of the instance's service, without '/' at its end */
	char *imds_token;
	char *role; /* its path segment, encoded */
	struct buf url, body, header[2];
	const char *lines[3];
	bool flying;
	bool worked; /* once, so the service is there */
	struct net_http_request r;
};

void aws_fetch_init(struct aws_fetch *f,
    const struct aws_credentials_options *o,
    const char *(*lookup)(void *arg, const char *name));
void aws_fetch_fini(struct aws_fetch *f);

/* "" when it is not set. */
const char *aws_fetch_var(const struct aws_fetch *f, const char *name);

/* Which service is to be asked. */
enum err_code aws_fetch_choose(struct aws_fetch *f, struct err *err);

/* Calls done() later. */
void aws_fetch_start(struct aws_fetch *f);

/* Into a header: no control character may end its line early. */
bool aws_fetch_is_safe(const char *text);
void aws_fetch_wipe(struct buf *b); /* and release */

/* What the answer brought: the keys, in ring, or more stages to ask. */
enum err_code aws_fetch_judge(struct aws_fetch *f, bool *more, struct err *err);

#endif
