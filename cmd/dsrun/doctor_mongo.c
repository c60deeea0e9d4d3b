#include "base/buf.h"
#include "base/mem.h"

#include "doctor.h"
#include "mongo/mongo.h"
#include "wire_sinks.h"

/* MongoDB, asked from this thread: nothing else runs in it. */

#define URI_MAX 4096

struct looking {
	struct doctor *d;
	int64_t there, missing;
};

static void
index_seen(void *arg, const struct mongo_index *i)
{
	static const char name[] = "mongo indexes";
	struct looking *l = arg;

	l->there += i->state == MONGO_INDEX_THERE;
	if (i->state == MONGO_INDEX_MADE)
		doctor_say(l->d, DOCTOR_OK, name, NULL, "made %s.%s",
		    i->collection, i->name);
	else if (i->state == MONGO_INDEX_MISSING)
		doctor_say(l->d, DOCTOR_WARN, name,
		    "`dsrun doctor --mongo --fix` makes it", "%s.%s is missing",
		    i->collection, i->name);
	else if (i->state == MONGO_INDEX_REFUSED)
		doctor_say(l->d, DOCTOR_FAIL, name,
		    "give its user the role readWrite, or make the index as "
		    "another user",
		    "%s.%s cannot be made: %s", i->collection, i->name,
		    i->text);
}

/* Whoever may only read sees all indexes, and no result is ever written. */
static void
try_write(struct doctor *d, struct mongo *m)
{
	static const char name[] = "mongo write";
	struct err err;
	enum err_code code = mongo_try_write(m, &err);

	if (code == ERR_NONE)
		doctor_say(d, DOCTOR_OK, name, NULL, "%s and %s may be written",
		    mongo_collection_name(m, MONGO_CALL_RECORD),
		    mongo_collection_name(m, MONGO_CAMPAIGN));
	else
		doctor_fail(d, name,
		    code == ERR_CONFIG
			? "give its user the role readWrite on the database"
			: NULL,
		    &err);
}

static enum err_code
look(struct doctor *d, const char *name, struct mongo *m, struct err *err)
{
	struct buf uri = BUF_INIT(URI_MAX);
	struct looking l = {.d = d};
	struct mongo_server s = {.replicated = false};
	enum err_code code = mongo_ping(m, &s, err);

	if (code != ERR_NONE)
		return code;
	mongo_uri_shown(d->conf->mongo.uri, &uri);
	doctor_say(d, DOCTOR_OK, name, NULL, "%s answers, version %s, %s",
	    buf_text(&uri), s.version,
	    s.replicated ? "a replica set" : "a server alone");
	buf_free(&uri);
	try_write(d, m);
	code = mongo_indexes(m, d->fix, index_seen, &l, err);
	if (code == ERR_NONE && l.there > 0)
		doctor_say(d, DOCTOR_OK, "mongo indexes", NULL,
		    "%lld are there", (long long)l.there);
	return code;
}

void
doctor_mongo(struct doctor *d, const char *name)
{
	uint8_t key[MONGO_MASTER_KEY_BYTES];
	struct mongo_options o;
	struct mongo *m = NULL;
	struct err err;
	enum err_code code;

	if (d->conf->mongo.uri == NULL) {
		(void)err_set(&err, ERR_CONFIG, 0, "mongo.uri is not set");
		doctor_fail(d, name,
		    "set DSRUN_MONGO_URI, in the environment or in .env", &err);
		return;
	}
	code = wire_sinks_mongo(&d->conf->mongo, key, &o, &err);
	if (code == ERR_NONE)
		code = mongo_open(&o, &m, &err);
	if (code == ERR_NONE)
		code = look(d, name, m, &err);
	if (code != ERR_NONE)
		doctor_fail(d, name, NULL, &err);
	mongo_close(&m);
	mem_wipe(key, sizeof(key));
}
