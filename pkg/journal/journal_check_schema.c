#include <string.h>

#include "base/text.h"

#include "journal/journal_check_priv.h"

/*
 * The database as such: pages and constraints, tables, indexes and triggers as
 * this program makes them, the rows of step, and the head.
 */

#define BAD(out, id, ...) \
	journal_check_bad((out), JOURNAL_CHECK_##id, __VA_ARGS__)
#define LL(x) ((long long)(x))

/* One row of SQLite's may hold many lines. */
static void
findings(struct journal_check *out, const char *text)
{
	for (const char *p = journal_db_finding(text); *p != '\0';) {
		size_t len = strcspn(p, "\n");

		BAD(out, DATABASE, "%.*s", (int)len, p);
		p += len + (p[len] == '\n');
	}
}

enum err_code
journal_check_database(struct journal_db *db, bool deep,
    struct journal_check *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    deep ? "PRAGMA integrity_check(20)" : "PRAGMA quick_check(20)",
	    err);
	enum err_code code = st == NULL ? err->code : ERR_NONE;
	bool row = true;

	out->item[JOURNAL_CHECK_DATABASE].checked = 1;
	while (code == ERR_NONE) {
		code = journal_db_row(db, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		const char *text = (const char *)sqlite3_column_text(st, 0);

		if (!text_eq(text, "ok"))
			findings(out, text);
	}
	return code;
}

/* --- schema ----------------------------------------------------------------
 */

/* A table, an index or a trigger. */
struct object {
	char *type, *name, *sql;
};

struct journal_schema {
	struct object *objects;
	size_t count;
	int64_t (*steps)[5]; /* the rows of step */
	size_t step_count;
};

void
journal_schema_free(struct journal_schema **sp)
{
	struct journal_schema *s = *sp;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++) {
		mem_free(&s->objects[i].type);
		mem_free(&s->objects[i].name);
		mem_free(&s->objects[i].sql);
	}
	mem_free(&s->objects);
	mem_free(&s->steps);
	mem_free(sp);
}

static void
object_add(struct journal_schema *s, sqlite3_stmt *st)
{
	s->objects = mem_realloc(s->objects, s->count + 1, sizeof(*s->objects));
	s->objects[s->count++] = (struct object){journal_db_dup_text(st, 0),
	    journal_db_dup_text(st, 1), journal_db_dup_text(st, 2)};
}

static void
step_add(struct journal_schema *s, sqlite3_stmt *st)
{
	s->steps = mem_realloc(s->steps, s->step_count + 1, sizeof(*s->steps));
	for (int i = 0; i < 5; i++)
		s->steps[s->step_count][i] = sqlite3_column_int64(st, i);
	s->step_count++;
}

static enum err_code
rows_add(struct journal_schema *s, struct journal_db *db, const char *sql,
    void (*add)(struct journal_schema *s, sqlite3_stmt *st), struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db, sql, err);
	enum err_code code = st == NULL ? err->code : ERR_NONE;
	bool row = true;

	while (code == ERR_NONE) {
		code = journal_db_row(db, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		add(s, st);
	}
	return code;
}

/* From a journal that is made in memory. */
static enum err_code
schema_make(struct env *env, struct journal_schema **out, struct err *err)
{
	struct journal_schema *s = mem_zalloc(1, sizeof(*s));
	struct journal_db db = {0};
	enum err_code code = journal_db_open(&db, env,
	    ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, err);

	if (code == ERR_NONE)
		code = journal_schema_migrate(&db, 0, err);
	if (code == ERR_NONE)
		code = rows_add(s, &db,
		    "SELECT type,name,sql FROM sqlite_master WHERE sql IS NOT "
		    "NULL",
		    object_add, err);
	if (code == ERR_NONE)
		code = rows_add(s, &db,
		    "SELECT id,machine,was,event,next FROM step", step_add,
		    err);
	journal_db_close(&db);
	if (code != ERR_NONE)
		journal_schema_free(&s);
	*out = s;
	return code;
}

/* Is this object of ours there, word for word? */
static enum err_code
object_compare(struct journal_db *db, struct journal_check *out,
    const struct object *ours, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    db, "SELECT sql FROM sqlite_master WHERE type=?1 AND name=?2", err);
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, ours->type);
	journal_db_text(st, 2, ours->name);
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	out->item[JOURNAL_CHECK_SCHEMA].checked++;
	if (!row)
		BAD(out, SCHEMA, "%s %s is missing", ours->type, ours->name);
	else if (!text_eq((const char *)sqlite3_column_text(st, 0), ours->sql))
		BAD(out, SCHEMA, "%s %s was altered", ours->type, ours->name);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

static enum err_code
step_compare(struct journal_db *db, struct journal_check *out,
    const int64_t ours[5], struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "SELECT 1 FROM step WHERE id=?1 AND machine=?2 AND was=?3 AND "
	    "event=?4 AND next=?5",
	    err);
	bool row = false;

	if (st == NULL)
		return err->code;
	for (int i = 0; i < 5; i++)
		journal_db_i64(st, i + 1, ours[i]);
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	out->item[JOURNAL_CHECK_SCHEMA].checked++;
	if (row)
		(void)sqlite3_reset(st);
	else
		BAD(out, SCHEMA, "step %lld is missing or altered",
		    LL(ours[0]));
	return ERR_NONE;
}

/* Everything in ours against db. */
static enum err_code
schema_compare(struct journal_db *db, const struct journal_schema *ours,
    struct journal_check *out, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < ours->count && code == ERR_NONE; i++)
		code = object_compare(db, out, &ours->objects[i], err);
	for (size_t i = 0; i < ours->step_count && code == ERR_NONE; i++)
		code = step_compare(db, out, ours->steps[i], err);
	return code;
}

enum err_code
journal_check_schema(struct journal_db *db, struct env *env,
    struct journal_schema **known, struct journal_check *out, struct err *err)
{
	struct journal_check_item *item = &out->item[JOURNAL_CHECK_SCHEMA];
	struct journal_schema *own = NULL;
	struct journal_schema **ours = known != NULL ? known : &own;
	int64_t version = 0;
	enum err_code code =
	    journal_db_number(db, "PRAGMA user_version", &version, err);

	if (code == ERR_NONE && version < journal_schema_newest()) {
		item->ok = JOURNAL_UNKNOWN;
		item->why = "made by an older program; the next open migrates "
			    "it";
		return ERR_NONE;
	}
	if (code == ERR_NONE && *ours == NULL)
		code = schema_make(env, ours, err);
	if (code == ERR_NONE)
		code = schema_compare(db, *ours, out, err);
	journal_schema_free(&own);
	return code;
}

/* --- head ------------------------------------------------------------------
 */

static enum err_code
hash_is(struct journal_db *db, const char *sql, int64_t at,
    const uint8_t want[SHA256_BYTES], bool *same, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db, sql, err);
	uint8_t got[SHA256_BYTES];
	bool row = false;

	*same = at == 0;
	if (at == 0)
		return ERR_NONE;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, at);
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	journal_db_copy_blob(st, 0, got, sizeof(got)); /* zeros: no row */
	*same = memcmp(got, want, sizeof(got)) == 0;
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_check_head(
    struct journal_db *db, struct journal_check *out, struct err *err)
{
	struct journal_head h;
	int64_t job = 0;
	int64_t outbox = 0;
	bool same = false;
	enum err_code code = journal_head_read(db, &h, err);

	if (code == ERR_NONE)
		code =
		    journal_db_number(db, "SELECT max(id) FROM job", &job, err);
	if (code == ERR_NONE)
		code = journal_db_number(
		    db, "SELECT max(id) FROM outbox", &outbox, err);
	if (code != ERR_NONE)
		return code;
	out->item[JOURNAL_CHECK_HEAD].checked = 1;
	if (h.seq != out->newest_seq)
		BAD(out, HEAD, "head is at event %lld, the newest is %lld",
		    LL(h.seq), LL(out->newest_seq));
	if (h.sealed != out->seals)
		BAD(out, HEAD, "head counts %lld seals, there are %lld",
		    LL(h.sealed), LL(out->seals));
	if (h.next_job <= job || h.next_outbox <= outbox)
		BAD(out, HEAD, "head would give a number away again");
	code = hash_is(db, "SELECT hash FROM event WHERE seq=?1",
	    out->newest_seq, h.hash, &same, err);
	if (code == ERR_NONE && !same)
		BAD(out, HEAD, "head has another hash than event %lld",
		    LL(out->newest_seq));
	if (code == ERR_NONE)
		code = hash_is(db, "SELECT hash FROM sealed WHERE n=?1",
		    out->seals, h.sealed_hash, &same, err);
	if (code == ERR_NONE && !same)
		BAD(out, HEAD, "head has another hash than seal %lld",
		    LL(out->seals));
	return code;
}
