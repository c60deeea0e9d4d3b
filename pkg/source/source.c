#include "source/source.h"

#include "base/crash.h"
#include "base/mem.h"

struct source_job *
source_job_new(void)
{
	struct source_job *j = mem_zalloc(1, sizeof(*j));

	j->source = "";
	return j;
}

void
source_job_free(struct source_job **j)
{
	if (*j == NULL)
		return;
	mem_free(&(*j)->id);
	mem_free(&(*j)->kind);
	mem_free(&(*j)->phone);
	mem_free(&(*j)->campaign);
	mem_free(&(*j)->org);
	mem_free(&(*j)->contact);
	mem_free(&(*j)->data);
	mem_free(&(*j)->raw);
	mem_free(&(*j)->lease);
	mem_free(j);
}

enum err_code
source_batch(struct source *s, struct source_job **jobs, size_t max,
    size_t *count, struct err *err)
{
	enum err_code code = ERR_NONE;

	*count = 0;
	while (*count < max && code == ERR_NONE) {
		struct source_job *j = NULL;

		code = s->ops->next(s->impl, &j, err);
		if (code != ERR_NONE || j == NULL)
			break;
		jobs[(*count)++] = j;
	}
	if (*count > 0)
		CRASH_POINT("source.batch");
	return code;
}
