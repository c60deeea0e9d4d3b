#include "journal/journal_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "journal/journal_check_priv.h"

static const char *const names[] = {
#define X(id, text) text,
    JOURNAL_CHECK_ITEMS(X)
#undef X
};

static struct journal_check *
check_new(void)
{
	struct journal_check *c = mem_zalloc(1, sizeof(*c));

	c->ok = true;
	for (size_t i = 0; i < JOURNAL_CHECK_COUNT; i++) {
		c->item[i].name = names[i];
		c->item[i].ok = JOURNAL_TRUE;
	}
	c->item[JOURNAL_CHECK_I5].ok = JOURNAL_UNKNOWN;
	c->item[JOURNAL_CHECK_I5].why =
	    "the limits in force at each arm are not in the journal";
	c->item[JOURNAL_CHECK_I13].ok = JOURNAL_UNKNOWN;
	c->item[JOURNAL_CHECK_I13].why =
	    "a file shows one moment, not what comes of it";
	return c;
}

void
journal_check_free(struct journal_check **c)
{
	if (*c == NULL)
		return;
	for (size_t i = 0; i < JOURNAL_CHECK_COUNT; i++)
		for (size_t v = 0; v < (*c)->item[i].shown; v++)
			mem_free(&(*c)->item[i].violation[v]);
	mem_free(c);
}

void
journal_check_bad(
    struct journal_check *c, enum journal_check_name name, const char *fmt, ...)
{
	struct journal_check_item *item = &c->item[name];
	char text[ERR_TEXT_MAX];
	va_list args;

	c->ok = false;
	item->ok = JOURNAL_FALSE;
	item->violations++;
	if (item->shown == JOURNAL_CHECK_SHOWN)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	item->violation[item->shown++] = mem_strdup(text);
}

const char *
journal_check_first(const struct journal_check *c, char *out, size_t size)
{
	for (size_t i = 0; i < JOURNAL_CHECK_COUNT; i++)
		if (c->item[i].shown > 0) {
			(void)snprintf(out, size, "%s: %s", c->item[i].name,
			    c->item[i].violation[0]);
			return out;
		}
	return NULL;
}

/* What was not looked at to its end must not count as true. */
static void
given_up(struct journal_check *c, const struct err *err)
{
	journal_check_bad(c, JOURNAL_CHECK_DATABASE, "%s", err->text);
	for (size_t i = 0; i < JOURNAL_CHECK_COUNT; i++)
		if (c->item[i].ok == JOURNAL_TRUE) {
			c->item[i].ok = JOURNAL_UNKNOWN;
			c->item[i].why = "the database cannot be read to its "
					 "end";
		}
}

static enum err_code
check_all(struct journal_db *db, struct env *env,
    const struct journal_check_options *o, struct journal_check *c,
    struct err *err)
{
	struct journal_fold *f = journal_fold_new(db, c);
	enum err_code code = journal_check_database(db, o->deep, c, err);

	if (code == ERR_NONE)
		code = journal_check_schema(db, env, o->schema, c, err);
	if (code == ERR_NONE)
		code = journal_fold_run(f, err);
	if (code == ERR_NONE)
		code = journal_check_head(db, c, err);
	if (code == ERR_NONE)
		code = journal_check_outbox(db, f, c, err);
	if (code == ERR_NONE)
		code = journal_check_persons(db, c, err);
	if (code == ERR_NONE)
		code = journal_check_jobs(db, f, o, c, err);
	if (code == ERR_NONE)
		code = journal_check_attempts(db, f, o, c, err);
	journal_fold_free(&f);
	/* Broken pages, a missing table or column: that is an answer too. */
	if (code == ERR_DAMAGED ||
	    (code == ERR_STORE && err->sys == SQLITE_ERROR)) {
		given_up(c, err);
		return ERR_NONE;
	}
	c->whole = code == ERR_NONE;
	return code;
}

static enum err_code
check_snapshot(struct journal_db *db, struct env *env,
    const struct journal_check_options *options, struct journal_check **out,
    struct err *err)
{
	static const struct journal_check_options none;
	struct journal_check *c = check_new();
	enum err_code code = journal_db_exec(db, "BEGIN", err);

	if (code == ERR_NONE) {
		code = check_all(
		    db, env, options != NULL ? options : &none, c, err);
		(void)sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
	}
	if (code != ERR_NONE)
		journal_check_free(&c);
	*out = c;
	return code;
}

enum err_code
journal_check(struct journal *j, const struct journal_check_options *options,
    struct journal_check **out, struct err *err)
{
	return check_snapshot(&j->r, j->env, options, out, err);
}

static enum err_code
is_journal(struct journal_db *db, const char *path, struct err *err)
{
	int64_t application = 0;
	int64_t version = 0;
	enum err_code code =
	    journal_db_number(db, "PRAGMA application_id", &application, err);

	if (code == ERR_NONE && application != JOURNAL_APPLICATION_ID)
		code = err_set(err, ERR_CONFIG, 0,
		    "%s is a database, but not a journal of dsrun", path);
	if (code == ERR_NONE)
		code =
		    journal_db_number(db, "PRAGMA user_version", &version, err);
	if (code == ERR_NONE && version > journal_schema_newest())
		code = err_set(err, ERR_CONFIG, 0,
		    "%s has schema %lld, this program knows up to %d: use the "
		    "newer dsrun",
		    path, (long long)version, journal_schema_newest());
	return code;
}

enum err_code
journal_check_file(struct env *env, const char *path,
    const struct journal_check_options *options, struct journal_check **out,
    struct err *err)
{
	struct journal_db db = {0};
	struct env_stat st;
	enum err_code code = env_stat(env, path, &st, err);

	*out = NULL;
	if (code == ERR_NONE && st.is_dir)
		code = err_set(err, ERR_CONFIG, 0, "%s is a directory", path);
	if (code == ERR_NONE)
		code =
		    journal_db_open(&db, env, path, SQLITE_OPEN_READONLY, err);
	if (code == ERR_NONE)
		code = journal_db_exec(&db, "PRAGMA query_only=ON", err);
	if (code == ERR_NONE)
		code = is_journal(&db, path, err);
	if (code == ERR_NONE)
		code = check_snapshot(&db, env, options, out, err);
	journal_db_close(&db);
	return code == ERR_NONE ? code : err_wrap(err, "%s", path);
}
