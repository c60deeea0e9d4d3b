#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#include "journal/journal_copy.h"

#include "journal/journal_priv.h"

/*
 * What a restore must not forget: who is never to be called, and what is
 * paused.  A backup does not have what was added since, by a person or by a
 * callee who asked, and with it those would be called again.  So the numbers
 * and pauses of the file that is replaced are added to the new one; what was
 * taken off since the backup is on again, which calls nobody too much.
 *
 * They are read row by row from a file that may be damaged elsewhere.  Where
 * they cannot be read the caller says so: only people know them then.
 */

struct journal_stops *
journal_stops_read(struct journal_db *from)
{
	struct journal_stops *s = mem_zalloc(1, sizeof(*s));
	struct err err = {0};
	sqlite3_stmt *st = NULL;
	bool row = true;
	size_t cap = 0;

	st = journal_db_get(from, "SELECT number,kind,at_ms FROM dnc", &err);
	while (st != NULL && row &&
	       journal_db_row(from, st, &row, &err) == ERR_NONE && row) {
		if (s->numbers == cap) {
			cap = cap == 0 ? 64 : 2 * cap;
			s->rows = mem_realloc(s->rows, cap, sizeof(*s->rows));
		}
		s->rows[s->numbers++] =
		    (struct journal_stop){.number = sqlite3_column_int64(st, 0),
			.kind = sqlite3_column_int64(st, 1),
			.at_ms = sqlite3_column_int64(st, 2)};
	}
	row = err.code == ERR_NONE;
	if (row)
		st = journal_db_get(from,
		    "SELECT p.campaign,coalesce(c.name,'') FROM pause p LEFT "
		    "JOIN campaign c ON c.id=p.campaign",
		    &err);
	while (row && st != NULL &&
	       journal_db_row(from, st, &row, &err) == ERR_NONE && row) {
		s->pauses = mem_realloc(
		    s->pauses, s->pause_count + 1, sizeof(*s->pauses));
		s->pauses[s->pause_count++] = sqlite3_column_int64(st, 0) == 0
						  ? NULL
						  : journal_db_dup_text(st, 1);
	}
	s->whole = err.code == ERR_NONE;
	return s;
}

void
journal_stops_free(struct journal_stops **stops)
{
	struct journal_stops *s = *stops;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->pause_count; i++)
		mem_free(&s->pauses[i]);
	mem_free(&s->pauses);
	mem_free(&s->rows);
	mem_free(stops);
}

static enum err_code
add_number(struct journal_db *to, const struct journal_stop *stop, int64_t deed,
    int64_t *added, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(to,
	    "INSERT OR IGNORE INTO dnc(number,kind,at_ms,deed) "
	    "VALUES(?1,?2,?3,?4)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, stop->number);
	journal_db_i64(st, 2, stop->kind);
	journal_db_i64(st, 3, stop->at_ms);
	journal_db_i64(st, 4, deed);
	if (journal_db_done(to, st, err) != ERR_NONE)
		return err->code;
	*added += sqlite3_changes(to->h);
	return ERR_NONE;
}

static enum err_code
add_pause(struct journal_db *to, const char *campaign, int64_t deed,
    int64_t *added, struct err *err)
{
	static const char *const sql[] = {
	    "INSERT OR IGNORE INTO campaign(name) VALUES(?1)",
	    ("INSERT OR IGNORE INTO pause(campaign,deed) SELECT id,?2 FROM "
	     "campaign WHERE name=?1"),
	    "INSERT OR IGNORE INTO pause(campaign,deed) VALUES(0,?2)"};

	for (size_t i = campaign != NULL ? 0 : 2;
	     i < (campaign != NULL ? 2U : 3U); i++) {
		sqlite3_stmt *st = journal_db_get(to, sql[i], err);

		if (st == NULL)
			return err->code;
		if (campaign != NULL)
			journal_db_text(st, 1, campaign);
		if (i > 0)
			journal_db_i64(st, 2, deed);
		if (journal_db_done(to, st, err) != ERR_NONE)
			return err->code;
		if (i > 0)
			*added += sqlite3_changes(to->h);
	}
	return ERR_NONE;
}

enum err_code
journal_stops_write(struct journal_db *to, const struct journal_stops *s,
    struct journal_restored *out, struct err *err)
{
	int64_t deed = 0;
	enum err_code code = journal_db_exec(to, "BEGIN IMMEDIATE", err);

	if (code == ERR_NONE)
		code = journal_db_number(
		    to, "SELECT max(id) FROM deed", &deed, err);
	for (size_t i = 0; i < s->numbers && code == ERR_NONE; i++)
		code = add_number(to, &s->rows[i], deed, &out->numbers, err);
	for (size_t i = 0; i < s->pause_count && code == ERR_NONE; i++)
		code = add_pause(to, s->pauses[i], deed, &out->pauses, err);
	if (code == ERR_NONE)
		code = journal_db_exec(to, "COMMIT", err);
	return code;
}
