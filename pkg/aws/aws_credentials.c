#include "aws/aws_credentials.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "net/net_http.h"

#include "aws/aws_credentials_priv.h"
#include "aws/aws_priv.h"

/* Renewed so long before their end. */
#define EARLY_MS (5 * 60 * 1000)
/* After a renewal that failed; an instance's is drawn from 5 to 10 minutes. */
#define AGAIN_MS (30 * 1000)
#define AGAIN_INSTANCE_MS (5 * 60 * 1000)

struct aws_credentials {
	struct env *env;
	struct aws_fetch fetch;
	struct aws_keyring ring; /* the keys in use; zeroed = none yet */
	int64_t generation;
	int64_t renew_ms; /* not before; real BOOTTIME */
	bool must_renew;  /* a peer refused the present ones */
	bool fetching;
	struct list waiting; /* for a renewal */
	struct list ready;   /* for the post */
	struct env_post post;
};

static const char *const source_names[] = {
    [AWS_SOURCE_CONFIG] = "config",
    [AWS_SOURCE_ENVIRONMENT] = "environment",
    [AWS_SOURCE_WEB_IDENTITY] = "web identity",
    [AWS_SOURCE_CONTAINER] = "container",
    [AWS_SOURCE_INSTANCE] = "instance",
};

static void
wiped(char **text)
{
	if (*text != NULL)
		mem_wipe(*text, strlen(*text));
	mem_free(text);
}

void
aws_keyring_fini(struct aws_keyring *k)
{
	mem_free(&k->access_key);
	wiped(&k->secret_key);
	wiped(&k->session_token);
	k->expires_ms = 0;
}

static const char *
of_process(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static enum err_code
take_pair(struct aws_credentials *c, enum aws_source source, const char *access,
    const char *secret, const char *token, struct err *err)
{
	if (*access == '\0' || *secret == '\0')
		return err_set(err, ERR_CONFIG, 0,
		    "AWS credentials (%s): an access key needs its secret key, "
		    "and the other way round",
		    source_names[source]);
	c->fetch.source = source;
	c->ring.access_key = mem_strdup(access);
	c->ring.secret_key = mem_strdup(secret);
	c->ring.session_token = mem_strdup(token);
	c->ring.expires_ms = INT64_MAX;
	return ERR_NONE;
}

static enum err_code
choose(struct aws_credentials *c, const struct aws_credentials_options *o,
    struct err *err)
{
	const char *access = or_empty(o->access_key);
	const char *secret = or_empty(o->secret_key);

	if (*access != '\0' || *secret != '\0')
		return take_pair(c, AWS_SOURCE_CONFIG, access, secret,
		    or_empty(o->session_token), err);
	access = aws_fetch_var(&c->fetch, "AWS_ACCESS_KEY_ID");
	secret = aws_fetch_var(&c->fetch, "AWS_SECRET_ACCESS_KEY");
	if (*access != '\0' || *secret != '\0')
		return take_pair(c, AWS_SOURCE_ENVIRONMENT, access, secret,
		    aws_fetch_var(&c->fetch, "AWS_SESSION_TOKEN"), err);
	return aws_fetch_choose(&c->fetch, err);
}

static void
call_ready(struct env_post *p)
{
	struct aws_credentials *c =
	    CONTAINER_OF(p, struct aws_credentials, post);
	struct aws_keys keys;
	struct list now, *node;

	/* Those who ask from within done() have their turn in another post. */
	list_init(&now);
	while ((node = list_pop(&c->ready)) != NULL)
		list_add_tail(&now, node);
	while ((node = list_pop(&now)) != NULL) {
		struct aws_credentials_ask *a =
		    CONTAINER_OF(node, struct aws_credentials_ask, node);

		keys.access_key = or_empty(c->ring.access_key);
		keys.secret_key = or_empty(c->ring.secret_key);
		keys.session_token = or_empty(c->ring.session_token);
		a->keys = a->code == ERR_NONE ? &keys : NULL;
		a->generation = c->generation;
		a->done(a);
	}
}

static void
answer(struct aws_credentials *c, enum err_code code, const struct err *err)
{
	struct list *node;

	while ((node = list_pop(&c->waiting)) != NULL) {
		struct aws_credentials_ask *a =
		    CONTAINER_OF(node, struct aws_credentials_ask, node);

		a->code = code;
		a->err = *err;
		list_add_tail(&c->ready, node);
	}
	env_post(c->env, &c->post);
}

/* When a renewal failed: may the keys at hand be used on? */
static bool
still_good(const struct aws_credentials *c)
{
	if (c->ring.access_key == NULL || c->must_renew)
		return false;
	return c->fetch.source == AWS_SOURCE_INSTANCE ||
	       c->ring.expires_ms > aws_now_ms(c->env);
}

static int64_t
again_ms(struct aws_credentials *c)
{
	uint32_t r = 0;

	if (c->fetch.source != AWS_SOURCE_INSTANCE)
		return AGAIN_MS;
	env_random(c->env, &r, sizeof(r));
	return AGAIN_INSTANCE_MS + (int64_t)(r % AGAIN_INSTANCE_MS);
}

static void
on_fetched(struct aws_fetch *f)
{
	struct aws_credentials *c =
	    CONTAINER_OF(f, struct aws_credentials, fetch);
	enum err_code code = f->code;

	c->fetching = false;
	if (code == ERR_NONE) {
		aws_keyring_fini(&c->ring);
		c->ring = f->ring;
		f->ring = (struct aws_keyring){0};
		c->generation++;
		c->must_renew = false;
		c->renew_ms = 0;
	} else if (still_good(c)) {
		code = ERR_NONE;
		c->renew_ms = env_real_boot_ms(c->env) + again_ms(c);
	}
	answer(c, code, &f->err);
}

static bool
is_due(const struct aws_credentials *c)
{
	if (c->ring.access_key == NULL || c->must_renew)
		return true;
	if (c->ring.expires_ms == INT64_MAX)
		return false;
	return c->ring.expires_ms - EARLY_MS <= aws_now_ms(c->env) &&
	       env_real_boot_ms(c->env) >= c->renew_ms;
}

void
aws_credentials_get(struct aws_credentials *c, struct aws_credentials_ask *a)
{
	a->code = ERR_NONE;
	if (!is_due(c)) {
		list_add_tail(&c->ready, &a->node);
		env_post(c->env, &c->post);
		return;
	}
	list_add_tail(&c->waiting, &a->node);
	if (c->fetching)
		return;
	c->fetching = true;
	aws_fetch_start(&c->fetch);
}

void
aws_credentials_cancel(struct aws_credentials_ask *a)
{
	list_remove(&a->node);
}

bool
aws_credentials_renew(struct aws_credentials *c, int64_t generation)
{
	if (c->ring.expires_ms == INT64_MAX)
		return false;
	if (generation == c->generation)
		c->must_renew = true;
	return true;
}

const char *
aws_credentials_source(const struct aws_credentials *c)
{
	return source_names[c->fetch.source];
}

enum err_code
aws_credentials_open(const struct aws_credentials_options *o,
    struct aws_credentials **out, struct err *err)
{
	struct aws_credentials *c = mem_zalloc(1, sizeof(*c));
	enum err_code code;

	c->env = o->env;
	c->post.fn = call_ready;
	list_init(&c->waiting);
	list_init(&c->ready);
	aws_fetch_init(
	    &c->fetch, o, o->lookup != NULL ? o->lookup : of_process);
	c->fetch.done = on_fetched;
	code = choose(c, o, err);
	if (code != ERR_NONE)
		aws_credentials_close(&c);
	*out = c;
	return code;
}

static void
forget(struct list *l)
{
	while (list_pop(l) != NULL)
		;
}

void
aws_credentials_close(struct aws_credentials **cp)
{
	struct aws_credentials *c = *cp;

	if (c == NULL)
		return;
	aws_fetch_fini(&c->fetch);
	forget(&c->waiting);
	forget(&c->ready);
	/* A post that is under way must not find us gone. */
	list_remove(&c->post.node);
	aws_keyring_fini(&c->ring);
	mem_free(cp);
}
