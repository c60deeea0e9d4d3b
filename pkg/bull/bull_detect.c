#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "bull/bull_priv.h"

#define OLDEST 5
#define NEWEST 6

/* "bullmq:6.7.0": 6; 0: another writer, or nobody said. */
static long
major_of(const char *version)
{
	if (!text_starts(version, "bullmq:"))
		return 0;
	return strtol(version + strlen("bullmq:"), NULL, 10);
}

static enum err_code
refuse(const struct bull *b, const char *is, const char *why, struct err *err)
{
	return err_set(err, ERR_CONFIG, 0,
	    "it is a queue of %s (%s), not of %s as configured", is, why,
	    bull_library_name(b->pinned));
}

static bool
is_mq(enum bull_library library)
{
	return library == BULL_MQ || library == BULL_MQ5 || library == BULL_MQ6;
}

static enum err_code
settle_mq(struct bull *b, const char *why, const char *version, struct err *err)
{
	long major = major_of(version);

	if (b->pinned == BULL_CLASSIC)
		return refuse(b, "BullMQ", why, err);
	if (major != 0 && (major < OLDEST || major > NEWEST))
		return err_set(err, ERR_CONFIG, 0,
		    "it is a queue of %s; known are BullMQ %d and %d", version,
		    OLDEST, NEWEST);
	if ((major == 5 && b->pinned == BULL_MQ6) ||
	    (major == 6 && b->pinned == BULL_MQ5))
		return refuse(b, version, "its meta says so", err);
	/* Unknown: what 5 puts into a paused queue, a resume of 6 finds too;
	 * the other way round a resume of 5 would overwrite it. */
	b->library = major == 6 || b->pinned == BULL_MQ6 ? BULL_MQ6 : BULL_MQ5;
	return ERR_NONE;
}

static enum err_code
read_detect(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	struct bull *b = c->bull;
	const char *found = bull_item_text(v, 1);
	const char *why = bull_item_text(v, 2);

	if (strcmp(word, "type") == 0)
		return err_set(err, ERR_CONFIG, 0,
		    "its key %s is a %s and not a %s: no queue of Bull or BullMQ",
		    found, why, bull_item_text(v, 3));
	c->text = why;
	b->has_metrics = bull_item_i64(v, 5) == 1;
	if (strcmp(found, "both") == 0)
		return err_set(err, ERR_CONFIG, 0,
		    "both libraries have used it (BullMQ: %s; Bull: %s): one of "
		    "them needs another name or prefix",
		    why, bull_item_text(v, 4));
	if (strcmp(found, "bullmq") == 0)
		return settle_mq(b, why, bull_item_text(v, 3), err);
	if (strcmp(found, "bull") == 0 && is_mq(b->pinned))
		return refuse(b, "Bull", why, err);
	if (is_mq(b->pinned))
		b->library = b->pinned == BULL_MQ6 ? BULL_MQ6 : BULL_MQ5;
	else
		b->library = BULL_CLASSIC;
	return ERR_NONE;
}

static const struct bull_verb detect = {"detect", read_detect};

void
bull_detect(struct bull *b, struct bull_call *c)
{
	struct bull_args a = {0};

	bull_arg_text(&a, "");
	bull_start(b, &detect, &a, c);
}
