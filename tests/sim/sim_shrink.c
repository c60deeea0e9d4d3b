#include "sim_shrink.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
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
    {"lost", {.act = SIM_ACT_ORDER, .order = SIM_LOST}},
    {"mute", {.act = SIM_ACT_ORDER, .order = SIM_MUTE}},
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

/* --- a run in a process of its own
 * ------------------------------------------------------------------------ */

/* What comes of it; shared with that process. */
struct ending {
	char failure[SIM_FAILURE_MAX];
	size_t fault_count;
	struct sim_fault faults[SIM_FAULTS_MAX];
};

static struct ending *dying;
static const struct sim_world *dying_world;

static void
write_down(struct ending *e, const struct sim_world *w)
{
	e->fault_count =
	    w->fault_count < SIM_FAULTS_MAX ? w->fault_count : SIM_FAULTS_MAX;
	if (e->fault_count > 0)
		memcpy(e->faults, w->faults,
		    e->fault_count * sizeof(e->faults[0]));
}

static void
on_death(int sig)
{
	write_down(dying, dying_world);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void
run_and_exit(const struct sim_stage *stage, struct sim_plan *plan,
    struct ending *e, int words)
{
	static struct sim_world w;

	dying = e;
	dying_world = &w;
	(void)signal(SIGABRT, on_death);
	(void)signal(SIGSEGV, on_death);
	(void)dup2(words, STDERR_FILENO);
	sim_world_run(&w, stage, plan);
	memcpy(e->failure, w.failure, sizeof(e->failure));
	write_down(e, &w);
	_exit(0);
}

/* What a CHECK said, or else by which signal it ended. */
static void
say_death(struct ending *e, FILE *words, int status)
{
	char line[SIM_FAILURE_MAX];

	(void)snprintf(e->failure, sizeof(e->failure), "ended by signal %d",
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	rewind(words);
	while (fgets(line, sizeof(line), words) != NULL)
		if (strncmp(line, "level=panic", 11) == 0)
			(void)snprintf(e->failure, sizeof(e->failure), "%.*s",
			    (int)strcspn(line, "\n"), line);
}

/* false: no process could be made. */
static bool
run_apart(const struct sim_stage *stage, const struct sim_plan *plan,
    struct ending *e)
{
	struct sim_plan *own = mem_dup(plan, sizeof(*plan));
	FILE *words = tmpfile();
	int status = 0;
	pid_t pid;

	memset(e, 0, sizeof(*e));
	(void)fflush(stdout);
	pid = words != NULL ? fork() : -1;
	if (pid == 0)
		run_and_exit(stage, own, e, fileno(words));
	if (pid > 0 && waitpid(pid, &status, 0) == pid &&
	    (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		say_death(e, words, status);
	if (words != NULL)
		(void)fclose(words);
	mem_free(&own);
	return pid > 0;
}

/* --- leaving out
 * ------------------------------------------------------------------------ */

struct shrinking {
	const struct sim_stage *stage;
	struct sim_plan *plan; /* the smallest that failed */
	struct sim_plan *trial;
	struct ending *e;
	char *failure;
	size_t kind; /* bytes of the failure that must stay: "I14" */
	int runs;
};

/* Does the trial fail likewise?  Then it is the smallest. */
static bool
fails(struct shrinking *s)
{
	if (s->runs++ >= SIM_SHRINK_RUNS ||
	    !run_apart(s->stage, s->trial, s->e) || s->e->failure[0] == '\0' ||
	    strncmp(s->e->failure, s->failure, s->kind) != 0)
		return false;
	memcpy(s->failure, s->e->failure, SIM_FAILURE_MAX);
	*s->plan = *s->trial;
	s->plan->given = true;
	return true;
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

static void
make_small(struct shrinking *s)
{
	*s->trial = *s->plan;
	s->trial->given = true;
	s->trial->fault_count = s->e->fault_count;
	memcpy(s->trial->faults, s->e->faults, sizeof(s->trial->faults));
	if (!fails(s))
		return;
	for (int before = -1; before != s->runs && s->runs < 300;) {
		before = s->runs;
		try_faults(s);
		try_rest(s);
		if (s->plan->fault_count <= 1)
			break;
	}
}

bool
sim_shrink(const struct sim_stage *stage, struct sim_plan *plan,
    char failure[SIM_FAILURE_MAX], bool small,
    void (*told)(const struct sim_plan *plan, const char *failure))
{
	struct shrinking s = {.stage = stage, .plan = plan, .failure = failure};
	bool failed;

	s.e = mmap(NULL, sizeof(*s.e), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(s.e != MAP_FAILED);
	s.trial = mem_zalloc(1, sizeof(*plan));
	failed = run_apart(stage, plan, s.e) && s.e->failure[0] != '\0';
	memcpy(failure, s.e->failure, SIM_FAILURE_MAX);
	/* Of a CHECK the place must stay, else the promise. */
	s.kind = strncmp(failure, "level=", 6) == 0 ? strlen(failure)
						    : strcspn(failure, ":");
	if (failed)
		told(plan, failure);
	if (failed && small)
		make_small(&s);
	mem_free(&s.trial);
	(void)munmap(s.e, sizeof(*s.e));
	return failed;
}
