#include <string.h>

#include "base/text.h"

#include "rules/rules_phone.h"

#include "run/run_priv.h"

/*
 * A row of the outbox and the facts that its result is made of, read when it
 * is sent: an outbox row holds no body.
 */

#define TO_MAX 24

struct gathering {
	const struct journal *journal;
	struct run_row *row;
};

/* A text of the result, which goes where its end is. */
struct piece {
	const char **to;
	const char *text;
};

static void
copy_texts(struct run_row *r, const struct piece *pieces, size_t n)
{
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < n; i++)
		size += strlen(pieces[i].text) + 1;
	at = r->texts = mem_zalloc(size, 1);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(pieces[i].text) + 1;

		memcpy(at, pieces[i].text, len);
		*pieces[i].to = at;
		at += len;
	}
}

/* mem_free; NULL: none. */
static char *
absolute(const struct journal *j, const char *path)
{
	return *path != '\0'
		   ? mem_printf("%s/recordings/%s", journal_dir(j), path)
		   : NULL;
}

static const char *
or_none(const char *text)
{
	return text != NULL ? text : "";
}

static void
take_texts(const struct gathering *g, const struct journal_facts *f)
{
	struct run_row *r = g->row;
	struct sink_result *out = &r->result;
	char to[TO_MAX] = "";
	char *recording = absolute(g->journal, f->files[0].path);
	char *transcript = absolute(g->journal, f->files[1].path);
	const struct piece pieces[] = {{&out->id, f->ext},
	    {&out->source, f->source}, {&out->campaign, f->campaign},
	    {&out->kind, f->kind}, {&out->call_id, f->carrier_call},
	    {&out->to, to}, {&out->answered_by, f->answered_by},
	    {&out->decline_reason, f->decline},
	    {&out->meeting_json, f->meeting},
	    {&out->recording_path, or_none(recording)},
	    {&out->transcript_path, or_none(transcript)}, {&r->kept, f->kept}};

	if (f->number != 0)
		(void)rules_phone_text(f->number, to);
	copy_texts(r, pieces, ARRAY_LEN(pieces));
	mem_free(&recording);
	mem_free(&transcript);
}

static void
take(void *arg, const struct journal_facts *f)
{
	const struct gathering *g = arg;
	struct run_row *r = g->row;

	r->terms_id = f->terms_id;
	r->result = (struct sink_result){.job = r->box.job,
	    .step = f->step,
	    .final_step = f->final_step,
	    .state = f->state,
	    .outcome = f->outcome,
	    .reason = job_reason_word(f->reason),
	    .attempts = f->tries,
	    .revision = f->revision,
	    .attempt = journal_attempt_number(r->box.attempt),
	    .carrier = r->carrier,
	    .placed_ms = f->placed_ms,
	    .answered_ms = f->answered_ms,
	    .ended_ms = f->ended_ms,
	    .recording_url = "",
	    .transcript_url = ""};
	memcpy(r->result.recording_sha256, f->files[0].sha256, SHA256_BYTES);
	memcpy(r->result.transcript_sha256, f->files[1].sha256, SHA256_BYTES);
	take_texts(g, f);
}

static enum err_code
carrier_of(struct journal *j, const struct run_row *before, struct run_row *r,
    struct err *err)
{
	struct run_terms terms;
	char text[JOURNAL_TERMS_MAX];

	if (r->terms_id == 0)
		return ERR_NONE;
	/* Few terms are shared by many: read and parsed once a batch. */
	if (before != NULL && before->terms_id == r->terms_id) {
		memcpy(r->carrier, before->carrier, sizeof(r->carrier));
		return ERR_NONE;
	}
	if (journal_read_terms(j, r->terms_id, text, err) != ERR_NONE ||
	    run_terms_read(text, &terms, err) != ERR_NONE)
		return err->code;
	memcpy(r->carrier, terms.terms.carrier, sizeof(r->carrier));
	return ERR_NONE;
}

/* The job was called again since: as it was at that end. */
static enum err_code
as_it_was(struct journal *j, struct run_row *r, struct err *err)
{
	struct sink_result *out = &r->result;
	struct journal_job job = {.id = r->box.job,
	    .state = out->state,
	    .outcome = out->outcome,
	    .tries = out->attempts,
	    .revision = out->revision};

	if (out->revision == r->box.revision && job_is_final(out->state))
		return ERR_NONE;
	if (run_past(j, r->box.revision, &job, err) != ERR_NONE)
		return err->code;
	out->state = job.state;
	out->outcome = job.outcome;
	out->attempts = job.tries;
	out->revision = job.revision;
	out->reason = job_reason_word(job.reason);
	return ERR_NONE;
}

enum err_code
run_row_gather(struct journal *j, const struct run_row *before,
    struct run_row *r, struct err *err)
{
	static const int kinds[] = {
	    RUN_ARTIFACT_RECORDING, RUN_ARTIFACT_TRANSCRIPT};
	struct gathering g = {j, r};
	enum err_code code =
	    journal_read_facts(j, &r->box, kinds, take, &g, err);

	if (code == ERR_NONE)
		code = as_it_was(j, r, err);
	if (code == ERR_NONE)
		code = carrier_of(j, before, r, err);
	return code;
}

void
run_row_error(struct run_row *r, const char *error)
{
	mem_free(&r->error);
	r->error = mem_printf("%.159s", error);
}

void
run_row_fini(struct run_row *r)
{
	mem_free(&r->texts);
	mem_free(&r->error);
}

static bool
is_of_files(enum err_code code)
{
	return code == ERR_DAMAGED || code == ERR_NOT_FOUND ||
	       code == ERR_MALFORMED;
}

enum err_code
run_row_render(struct run_row *r,
    enum err_code (*render)(
	void *arg, const struct sink_result *result, struct err *err),
    void *arg, struct err *err)
{
	const char *recording = r->result.recording_path;
	const char *transcript = r->result.transcript_path;
	const char *const tries[][2] = {
	    {recording, ""}, {"", transcript}, {"", ""}};
	enum err_code code = render(arg, &r->result, err);

	if (!is_of_files(code))
		return code;
	r->lame = true;
	run_row_error(r, err->text);
	for (size_t i = 0; i < ARRAY_LEN(tries) && is_of_files(code); i++) {
		r->result.recording_path = tries[i][0];
		r->result.transcript_path = tries[i][1];
		code = render(arg, &r->result, err);
	}
	return code;
}
