#include "job/job_reason.h"

#include "base/check.h"

static const struct {
	const char *word;
	const char *text;
} reasons[JOB_REASON_COUNT] = {
#define X(name, word, text) {word, text},
    JOB_REASONS(X)
#undef X
};

const char *
job_reason_word(enum job_reason reason)
{
	CHECK(reason < JOB_REASON_COUNT);
	return reasons[reason].word;
}

const char *
job_reason_text(enum job_reason reason)
{
	CHECK(reason < JOB_REASON_COUNT);
	return reasons[reason].text;
}
