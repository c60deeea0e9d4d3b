#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "journal/journal_read.h"
#include "run/run_replay.h"

#include "run/run_check_priv.h"

/*
 * Are the recordings, transcripts and talk files the ones that their calls'
 * last transactions hashed?  Read in pages, so that no long look keeps the
 * -wal from being started over.  A file that is not there is told, not
 * counted: old recordings may be taken away by whoever owns them.
 */

#define PAGE 128

static const char *const what[] = {
    [RUN_ARTIFACT_RECORDING] = "recording",
    [RUN_ARTIFACT_TRANSCRIPT] = "transcript",
    [RUN_ARTIFACT_TALK] = "talk file",
};

static const char *
name_of(int kind)
{
	return (unsigned)kind < RUN_ARTIFACT_COUNT ? what[kind] : "file";
}

/* Pruned since the page was read? */
static enum err_code
still_there(struct journal *j, const struct journal_artifact_row *row,
    bool *there, struct err *err)
{
	struct journal_artifact now;
	enum err_code code = journal_read_artifact(
	    j, row->attempt, row->artifact.kind, &now, err);

	*there = code == ERR_NONE && now.path[0] != '\0';
	return code;
}

static enum err_code
file_check(const struct run_check_options *o, struct run_check *c,
    const struct journal_artifact_row *row, struct err *err)
{
	const struct journal_artifact *a = &row->artifact;
	char *path =
	    mem_printf("%s/recordings/%s", journal_dir(o->journal), a->path);
	long long number = (long long)journal_attempt_number(row->attempt);
	long long job = (long long)journal_attempt_job(row->attempt);
	uint8_t hash[SHA256_BYTES];
	struct env_stat st;
	bool there = true;
	enum err_code code = env_stat(o->env, path, &st, err);

	c->files.checked++;
	if (code == ERR_NONE && st.size_bytes == a->bytes)
		code = run_replay_hash(o->env, path, hash, err);
	if (code == ERR_NOT_FOUND) {
		code = still_there(o->journal, row, &there, err);
		if (code == ERR_NONE && there)
			run_check_list(c,
			    "recordings/%s, the %s of attempt %lld of job "
			    "#%lld, is gone",
			    a->path, name_of(a->kind), number, job);
	} else if (code == ERR_NONE && st.size_bytes != a->bytes) {
		run_check_file_bad(c,
		    "recordings/%s, the %s of attempt %lld of job #%lld, has "
		    "%lld bytes, %lld were written: put it back, or away",
		    a->path, name_of(a->kind), number, job,
		    (long long)st.size_bytes, (long long)a->bytes);
	} else if (code == ERR_NONE &&
		   memcmp(hash, a->sha256, sizeof(hash)) != 0) {
		run_check_file_bad(c,
		    "recordings/%s, the %s of attempt %lld of job #%lld, was "
		    "altered: its hash is not the journal's: put it back, or "
		    "away",
		    a->path, name_of(a->kind), number, job);
	} else if (code == ERR_IO) {
		/* Not to be read is an answer too. */
		run_check_file_bad(c, "%s", err->text);
		code = ERR_NONE;
	}
	mem_free(&path);
	return code;
}

enum err_code
run_check_files(
    const struct run_check_options *o, struct run_check *c, struct err *err)
{
	struct journal_artifact_row *rows = mem_zalloc(PAGE, sizeof(*rows));
	int64_t attempt = 0;
	int kind = -1;
	size_t count = PAGE;
	enum err_code code = ERR_NONE;

	while (code == ERR_NONE && count == PAGE) {
		code = journal_read_artifacts(
		    o->journal, attempt, kind, rows, PAGE, &count, err);
		for (size_t i = 0; i < count && code == ERR_NONE; i++)
			code = file_check(o, c, &rows[i], err);
		if (code == ERR_NONE && count > 0) {
			attempt = rows[count - 1].attempt;
			kind = rows[count - 1].artifact.kind;
		}
	}
	mem_free(&rows);
	return code;
}
