#ifndef DSRUN_SOURCE_LOOKUP_H
#define DSRUN_SOURCE_LOOKUP_H

#include <stddef.h>

#include "base/err.h"

/*
 * The port to a store that knows who is to be called: a queue's job may name a
 * campaign and no phone.  Many documents are asked for at once.
 *
 * Loop's thread only; a store with a thread of its own comes back to the loop.
 */

enum source_lookup_kind {
	SOURCE_LOOKUP_CAMPAIGN,
	SOURCE_LOOKUP_CONTACT
};

#define SOURCE_LOOKUP_MAX 100             /* ids of one ask */
#define SOURCE_LOOKUP_DOC_MAX (64 * 1024) /* bytes of a document */

/* One document.  ERR_NONE: json is it, an object; ERR_NOT_FOUND; any other
 * code: it is there and cannot be used, err says why. */
struct source_lookup_doc {
	enum err_code code;
	struct err err;
	char *json; /* NULL unless ERR_NONE */
};

/* Embedded in its owner, zeroed before it is filled in. */
struct source_lookup_ask {
	enum source_lookup_kind kind;
	const char *const *ids; /* borrowed until done() or cancel */
	size_t count;           /* 1 to SOURCE_LOOKUP_MAX */
	/* From the loop, exactly once, never before start returns. */
	void (*done)(struct source_lookup_ask *a);

	/*
	 * Out.  ERR_NONE: docs has count of them, in the order of ids.  Any
	 * other code: the store could not be asked, whatever its class; docs is
	 * NULL.
	 */
	enum err_code code;
	struct err err;
	struct source_lookup_doc *docs; /* source_lookup_fini */

	/* the store's own, until done() */
	void *impl;
};

struct source_lookup_ops {
	void (*start)(void *impl, struct source_lookup_ask *a);
	/* It never calls back.  NULL-safe for an ask that is not under way. */
	void (*cancel)(void *impl, struct source_lookup_ask *a);
	void (*free)(void *impl);
};

struct source_lookup {
	const char *name; /* "MongoDB": for texts */
	const struct source_lookup_ops *ops;
	void *impl;
};

/* Releases what came; repeatable. */
void source_lookup_fini(struct source_lookup_ask *a);

#endif
