#include <string.h>

#include "journal/journal_check_priv.h"

/*
 * Seals beside finishes: both in the order in which they happened, so the next
 * seal that was not pruned must be that of the next finish.
 */

#define BAD(f, id, ...) \
	journal_check_bad((f)->out, JOURNAL_CHECK_##id, __VA_ARGS__)
#define LL(x) ((long long)(x))

static void
seal_verify(struct journal_fold *f, const struct job_sealed_fields *s,
    const uint8_t identity[SHA256_BYTES], int64_t expect)
{
	struct journal_fold_seal *seal = &f->seal;
	uint8_t want[SHA256_BYTES];

	journal_db_copy_blob(f->seals, 7, f->seal_hash, sizeof(f->seal_hash));
	if (seal->n != expect)
		BAD(f, I8, "seal %lld follows seal %lld", LL(seal->n),
		    LL(expect - 1));
	if (seal->state < 0 || seal->state > UINT8_MAX || seal->outcome < 0 ||
	    seal->outcome > UINT8_MAX) {
		BAD(f, I8, "seal %lld (job #%lld): impossible numbers",
		    LL(seal->n), LL(seal->job));
		return;
	}
	job_hash_sealed(s, want);
	if (memcmp(want, f->seal_hash, sizeof(want)) != 0)
		BAD(f, I8,
		    "seal %lld (job #%lld): its hash is not of what it "
		    "says, or the seal before was altered",
		    LL(seal->n), LL(seal->job));
	if (memcmp(identity, s->identity, SHA256_BYTES) != 0)
		BAD(f, I8,
		    "seal %lld: job #%lld is another one now than when "
		    "it was sealed",
		    LL(seal->n), LL(seal->job));
}

enum err_code
journal_fold_seal_next(struct journal_fold *f, struct err *err)
{
	struct journal_fold_seal *seal = &f->seal;
	uint8_t before[SHA256_BYTES], identity[SHA256_BYTES] = {0};
	uint8_t claimed[SHA256_BYTES];
	int64_t expect = f->out->seals + 1;
	bool there = false;

	if (f->seals == NULL)
		f->seals = journal_db_get(f->db,
		    "SELECT n,job,revision,state,outcome,identity,last,hash "
		    "FROM sealed ORDER BY n",
		    err);
	if (f->seals == NULL ||
	    journal_db_row(f->db, f->seals, &seal->there, err) != ERR_NONE)
		return err->code;
	if (!seal->there)
		return ERR_NONE;
	seal->n = sqlite3_column_int64(f->seals, 0);
	seal->job = sqlite3_column_int64(f->seals, 1);
	seal->revision = sqlite3_column_int64(f->seals, 2);
	seal->state = sqlite3_column_int(f->seals, 3);
	seal->outcome = sqlite3_column_int(f->seals, 4);
	journal_db_copy_blob(f->seals, 5, claimed, sizeof(claimed));
	journal_db_copy_blob(f->seals, 6, seal->last, sizeof(seal->last));
	memcpy(before, f->seal_hash, sizeof(before));
	struct job_sealed_fields s = {.identity = claimed,
	    .state = seal->state,
	    .outcome = seal->outcome,
	    .revision = seal->revision,
	    .last = seal->last,
	    .before = before};

	if (journal_fold_identity(f, seal->job, identity, &there, err) !=
	    ERR_NONE)
		return err->code;
	seal_verify(f, &s, identity, expect);
	f->out->seals = seal->n;
	f->out->item[JOURNAL_CHECK_I8].checked++;
	return ERR_NONE;
}

enum err_code
journal_fold_seal_match(struct journal_fold *f,
    const struct journal_fold_event *e, struct journal_fold_job *job,
    struct err *err)
{
	struct journal_fold_seal *seal = &f->seal;
	bool archived = true;

	if (f->seals_lost)
		return ERR_NONE;
	while (seal->there && seal->job != e->f.job && archived) {
		if (journal_fold_archived(f, seal->job, &archived, err) !=
		    ERR_NONE)
			return err->code;
		if (archived && journal_fold_seal_next(f, err) != ERR_NONE)
			return err->code;
	}
	if (!seal->there || seal->job != e->f.job) {
		BAD(f, I8, "event %lld made job #%lld %s, but no seal says so",
		    LL(e->f.seq), LL(e->f.job),
		    job_state_name((enum job_state)e->f.job_state));
		f->seals_lost = true;
		return ERR_NONE;
	}
	if (memcmp(seal->last, e->hash, sizeof(e->hash)) != 0 ||
	    seal->state != e->f.job_state || seal->revision != job->revision)
		BAD(f, I8,
		    "event %lld made job #%lld %s (revision %u), but seal "
		    "%lld says otherwise",
		    LL(e->f.seq), LL(e->f.job),
		    job_state_name((enum job_state)e->f.job_state),
		    job->revision, LL(seal->n));
	job->outcome = (uint8_t)seal->outcome;
	return journal_fold_seal_next(f, err);
}

enum err_code
journal_fold_seal_rest(struct journal_fold *f, struct err *err)
{
	while (f->seal.there) {
		bool archived = false;

		if (journal_fold_archived(f, f->seal.job, &archived, err) !=
		    ERR_NONE)
			return err->code;
		if (!archived && !f->seals_lost)
			BAD(f, I8, "seal %lld: no event finished job #%lld so",
			    LL(f->seal.n), LL(f->seal.job));
		if (journal_fold_seal_next(f, err) != ERR_NONE)
			return err->code;
	}
	return ERR_NONE;
}
