#include <stdio.h>
#include <string.h>

#include "rules/rules_phone.h"

#include "run/run_priv.h"

/*
 * A row of the outbox and the facts that its result is made of, read when it
 * is sent: an outbox row holds no body.
 */

static char *
artifact_path(const struct journal *j, const struct journal_artifact *a)
{
	return a->path[0] != '\0'
		   ? mem_printf("%s/recordings/%s", journal_dir(j), a->path)
		   : mem_strdup("");
}

static enum err_code
carrier_of(struct journal *j, const struct run_row *before, struct run_row *r,
    struct err *err)
{
	struct run_terms terms;
	char text[JOURNAL_TERMS_MAX];

	if (r->attempt.terms_id == 0)
		return ERR_NONE;
	/* Few terms are shared by many: read and parsed once a batch. */
	if (before != NULL && before->attempt.terms_id == r->attempt.terms_id) {
		memcpy(r->carrier, before->carrier, sizeof(r->carrier));
		return ERR_NONE;
	}
	if (journal_read_terms(j, r->attempt.terms_id, text, err) != ERR_NONE ||
	    run_terms_read(text, &terms, err) != ERR_NONE)
		return err->code;
	(void)snprintf(
	    r->carrier, sizeof(r->carrier), "%s", terms.terms.carrier);
	return ERR_NONE;
}

enum err_code
run_row_gather(struct journal *j, const struct run_row *before,
    struct run_row *r, struct err *err)
{
	struct journal_person person = {0};
	enum err_code code = journal_read_job(j, r->box.job, &r->job, err);

	if (code == ERR_NONE)
		code = run_past(j, r->box.revision, &r->job, err);
	if (code == ERR_NONE)
		code = journal_read_person(j, r->box.job, &person, err);
	if (code == ERR_NONE)
		(void)rules_phone_text(person.number, r->to);
	if (code == ERR_NOT_FOUND)
		code = ERR_NONE; /* erased */
	journal_person_free(&person);
	r->has_attempt = r->box.attempt != 0;
	if (code == ERR_NONE && r->has_attempt) {
		code =
		    journal_read_attempt(j, r->box.attempt, &r->attempt, err);
		if (code == ERR_NONE)
			code = carrier_of(j, before, r, err);
		if (code == ERR_NONE)
			code = journal_read_artifact(j, r->box.attempt,
			    RUN_ARTIFACT_RECORDING, &r->recording, err);
		if (code == ERR_NONE)
			code = journal_read_artifact(j, r->box.attempt,
			    RUN_ARTIFACT_TRANSCRIPT, &r->transcript, err);
		if (code == ERR_NONE)
			code = journal_read_finding(
			    j, r->box.attempt, &r->finding, err);
	}
	r->recording_path = artifact_path(j, &r->recording);
	r->transcript_path = artifact_path(j, &r->transcript);
	return code;
}

void
run_row_result(const struct run_row *r, struct sink_result *out)
{
	*out = (struct sink_result){.job = r->job.id,
	    .id = r->job.ext,
	    .source = r->job.source,
	    .campaign = r->job.campaign,
	    .kind = r->job.kind,
	    .step = r->job.step,
	    .final_step = r->job.final_step,
	    .state = r->job.state,
	    .outcome = r->job.outcome,
	    .reason = job_reason_word(r->job.reason),
	    .attempts = r->job.tries,
	    .revision = r->box.revision,
	    .carrier = "",
	    .call_id = "",
	    .to = r->to,
	    .answered_by = r->finding.answered_by,
	    .decline_reason = r->finding.decline,
	    .meeting_json =
		r->finding.meeting != NULL ? r->finding.meeting : "",
	    .recording_path = r->lame ? "" : r->recording_path,
	    .transcript_path = r->lame ? "" : r->transcript_path,
	    .recording_url = "",
	    .transcript_url = ""};
	memcpy(out->recording_sha256, r->recording.sha256, SHA256_BYTES);
	memcpy(out->transcript_sha256, r->transcript.sha256, SHA256_BYTES);
	if (!r->has_attempt)
		return;
	out->attempt = journal_attempt_number(r->attempt.id);
	out->carrier = r->carrier;
	out->call_id = r->attempt.carrier_call;
	out->placed_ms = r->attempt.placed_ms;
	out->answered_ms = r->attempt.answered_ms;
	out->ended_ms = r->attempt.ended_ms;
}

void
run_row_fini(struct run_row *r)
{
	mem_free(&r->recording_path);
	mem_free(&r->transcript_path);
	mem_free(&r->finding.meeting);
}
