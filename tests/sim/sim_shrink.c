#include "sim_shrink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "sim_control.h"

/* --- words
 * ---------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	struct sim_deed deed;
} deeds[] = {{"kill", {.act = SIM_ACT_KILL}}, {"stop", {.act = SIM_ACT_STOP}},
    {"clock", {.act = SIM_ACT_CLOCK}}, {"nomem", {.act = SIM_ACT_NOMEM}},
    {"eio", {.act = SIM_ACT_ORDER, .order = SIM_EIO}},
    {"enospc", {.act = SIM_ACT_ORDER, .order = SIM_ENOSPC}},
    {"emfile", {.act = SIM_ACT_ORDER, .order = SIM_EMFILE}},
    {"short", {.act = SIM_ACT_ORDER, .order = SIM_SHORT}},
    {"lie", {.act = SIM_ACT_ORDER, .order = SIM_LIE}},
    {"power", {.act = SIM_ACT_POWER}}};

static void
left_out_words(struct buf *out, const char *flag, const bool *out_of,
    size_t stride, size_t count)
{
	const char *sep = " ";
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		const bool *b =
		    (const bool *)((const char *)out_of + i * stride);

		if (!*b)
			continue;
		if (!any)
			buf_printf(out, " %s", flag);
		buf_printf(out, "%s%zu", any ? "," : sep, i);
		any = true;
	}
}

void
sim_shrink_words(const struct sim_plan *p, struct buf *out)
{
	buf_printf(out, "--seed %" PRIu64, p->seed);
	left_out_words(out, "--without-jobs", &p->jobs[0].left_out,
	    sizeof(p->jobs[0]), p->job_count);
	left_out_words(out, "--without-acts", &p->acts[0].left_out,
	    sizeof(p->acts[0]), p->act_count);
	if (p->preempt_ppm == 0)
		buf_puts(out, " --no-turns");
	for (size_t i = 0; sim_control_names[i].name != NULL; i++)
		if (p->wrong == sim_control_names[i].wrong)
			buf_printf(out, " --control %zu", i);
	if (!p->given)
		return;
	buf_puts(out, " --faults ");
	for (size_t i = 0; i < p->fault_count; i++) {
		const struct sim_fault *f = &p->faults[i];

		buf_printf(out, "%s%" PRId64 ":%s:%" PRId64, i > 0 ? "," : "",
		    f->gate, sim_deed_name(&f->deed),
		    f->deed.act == SIM_ACT_POWER ? (int64_t)f->deed.device
						 : f->deed.value);
	}
	if (p->fault_count == 0)
		buf_puts(out, "none");
}

static bool
read_fault(const char **at, struct sim_fault *f)
{
	char *end = NULL;
	size_t len;

	f->gate = strtoll(*at, &end, 10);
	if (*end != ':')
		return false;
	*at = end + 1;
	len = strcspn(*at, ":,");
	for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
		if (strncmp(*at, deeds[i].name, len) == 0 &&
		    deeds[i].name[len] == '\0')
			f->deed = deeds[i].deed;
	if (f->deed.act == SIM_ACT_NONE)
		return false;
	*at += len;
	if (**at == ':') {
		f->deed.value = strtoll(*at + 1, &end, 10);
		f->deed.device = f->deed.act == SIM_ACT_POWER
				     ? (enum sim_device)f->deed.value
				     : SIM_DEVICE_KEEPS;
		*at = end;
	}
	if (**at == ',')
		(*at)++;
	return true;
}

static bool
read_faults(struct sim_plan *p, const char *text)
{
	p->given = true;
	p->fault_count = 0;
	if (strcmp(text, "none") == 0)
		return true;
	while (*text != '\0') {
		if (p->fault_count == SIM_FAULTS_MAX)
			return false;
		struct sim_fault *f = &p->faults[p->fault_count++];

		memset(f, 0, sizeof(*f));
		if (!read_fault(&text, f))
			return false;
	}
	return true;
}

static bool
read_list(const char *text, bool *out_of, size_t stride, size_t count)
{
	char *end = NULL;

	for (; *text != '\0'; text = *end == ',' ? end + 1 : end) {
		unsigned long n = strtoul(text, &end, 10);

		if (end == text || n >= count)
			return false;
		*(bool *)((char *)out_of + n * stride) = true;
	}
	return true;
}

static bool
read_word(struct sim_plan *p, const char *flag, const char *value)
{
	if (strcmp(flag, "--without-jobs") == 0)
		return read_list(value, &p->jobs[0].left_out,
		    sizeof(p->jobs[0]), p->job_count);
	if (strcmp(flag, "--without-acts") == 0)
		return read_list(value, &p->acts[0].left_out,
		    sizeof(p->acts[0]), p->act_count);
	if (strcmp(flag, "--faults") == 0)
		return read_faults(p, value);
	return false;
}

bool
sim_shrink_read(
    struct sim_plan *p, int argc, char *const *argv, const char **wrong)
{
	unsigned control = 0;

	for (int i = 0; i < argc; i++) {
		*wrong = argv[i];
		if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			sim_plan_make(p, strtoull(argv[++i], NULL, 10));
		else if (strcmp(argv[i], "--control") == 0 && i + 1 < argc) {
			control = 1U << strtoul(argv[++i], NULL, 10);
			p->wrong = control;
			sim_control_tune(p);
		} else if (strcmp(argv[i], "--no-turns") == 0)
			p->preempt_ppm = 0;
		else if (strcmp(argv[i], "--trace") == 0)
			continue;
		else if (i + 1 >= argc || !read_word(p, argv[i], argv[i + 1]))
			return false;
		else
			i++;
	}
	return true;
}

/* --- leaving out
 * ------------------------------------------------------------------------ */

struct shrinking {
	const struct sim_stage *stage;
	struct sim_plan *plan; /* the smallest that failed */
	struct sim_plan *trial;
	char *failure;
	size_t kind; /* bytes of the failure that must stay: "I14" */
	int runs;
};

/* Does the trial fail likewise?  Then it is the smallest. */
static bool
fails(struct shrinking *s)
{
	struct sim_world w;
	bool yes;

	if (s->runs++ >= SIM_SHRINK_RUNS)
		return false;
	memset(&w, 0, sizeof(w));
	sim_world_run(&w, s->stage, s->trial);
	yes = w.failure[0] != '\0' &&
	      strncmp(w.failure, s->failure, s->kind) == 0;
	if (yes) {
		memcpy(s->failure, w.failure, SIM_FAILURE_MAX);
		*s->plan = *s->trial;
		s->plan->given = true;
	}
	sim_world_fini(&w);
	return yes;
}

static void
try_faults(struct shrinking *s)
{
	for (size_t n = s->plan->fault_count; n > 0; n /= 2)
		for (size_t at = 0; at < s->plan->fault_count;) {
			size_t left = s->plan->fault_count - at;
			size_t cut = n < left ? n : left;

			*s->trial = *s->plan;
			memmove(&s->trial->faults[at],
			    &s->trial->faults[at + cut],
			    (left - cut) * sizeof(s->trial->faults[0]));
			s->trial->fault_count -= cut;
			if (!fails(s))
				at += cut;
		}
}

static void
try_rest(struct shrinking *s)
{
	for (size_t i = s->plan->act_count; i-- > 0;) {
		*s->trial = *s->plan;
		s->trial->acts[i].left_out = true;
		if (!s->plan->acts[i].left_out)
			(void)fails(s);
	}
	for (size_t i = s->plan->job_count; i-- > 0;) {
		*s->trial = *s->plan;
		s->trial->jobs[i].left_out = true;
		if (!s->plan->jobs[i].left_out)
			(void)fails(s);
	}
	*s->trial = *s->plan;
	s->trial->preempt_ppm = 0;
	if (s->plan->preempt_ppm != 0)
		(void)fails(s);
}

void
sim_shrink(const struct sim_stage *stage, struct sim_plan *plan,
    const struct sim_world *failed, char failure[SIM_FAILURE_MAX])
{
	struct shrinking s = {.stage = stage,
	    .plan = plan,
	    .trial = mem_zalloc(1, sizeof(*plan)),
	    .failure = failure};

	memcpy(failure, failed->failure, SIM_FAILURE_MAX);
	s.kind = strcspn(failure, ":");
	*s.trial = *plan;
	s.trial->given = true;
	s.trial->fault_count = failed->fault_count < SIM_FAULTS_MAX
				   ? failed->fault_count
				   : SIM_FAULTS_MAX;
	if (s.trial->fault_count > 0)
		memcpy(s.trial->faults, failed->faults,
		    s.trial->fault_count * sizeof(s.trial->faults[0]));
	if (fails(&s))
		for (int before = -1; before != s.runs && s.runs < 300;) {
			before = s.runs;
			try_faults(&s);
			try_rest(&s);
			if (s.plan->fault_count <= 1)
				break;
		}
	mem_free(&s.trial);
}
