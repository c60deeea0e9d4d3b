#include "job/job_dot.h"

#include <stdio.h>

#include "job/job_state.h"

/* Both machines in one shape, so that each is drawn by the same code. */
struct machine {
	const char *name;  /* of the cluster, and before each node */
	const char *title; /* for people */
	int states;
	size_t rows;
	int first_step;
};

struct row {
	int was;
	int next;
	const char *event;
	unsigned job_events;
};

static struct machine
machine_of(enum job_machine which)
{
	struct machine m = {"job", "job", JOB_STATE_COUNT, 0, 0};

	if (which == JOB_MACHINE_JOB) {
		(void)job_rows(&m.rows);
		return m;
	}
	m = (struct machine){"attempt", "attempt (one permission to dial)",
	    ATTEMPT_STATE_COUNT, 0, 1000};
	(void)job_attempt_rows(&m.rows);
	return m;
}

static struct row
row_of(enum job_machine which, size_t i)
{
	size_t n;

	if (which == JOB_MACHINE_JOB) {
		const struct job_row *r = &job_rows(&n)[i];

		return (struct row){
		    (int)r->was, (int)r->next, job_event_name(r->event), 0};
	}
	const struct attempt_row *r = &job_attempt_rows(&n)[i];

	return (struct row){(int)r->was, (int)r->next,
	    job_attempt_event_name(r->event), r->job_events};
}

static const char *
state_name(enum job_machine which, int state)
{
	return which == JOB_MACHINE_JOB
		   ? job_state_name((enum job_state)state)
		   : job_attempt_state_name((enum attempt_state)state);
}

static const char *
state_text(enum job_machine which, int state)
{
	return which == JOB_MACHINE_JOB
		   ? job_state_text((enum job_state)state)
		   : job_attempt_state_text((enum attempt_state)state);
}

/* Final states have a double border, those that hold a slot are filled. */
static const char *
style(enum job_machine which, int state)
{
	bool job = which == JOB_MACHINE_JOB;

	if (job ? job_is_final((enum job_state)state)
		: job_attempt_is_final((enum attempt_state)state))
		return ", peripheries=2";
	if (job ? state == JOB_HELD
		: job_attempt_is_live((enum attempt_state)state))
		return ", style=filled, fillcolor=lightgrey";
	return "";
}

/* "FINISH|LATER": what the job may do with it. */
static void
put_job_events(struct buf *out, unsigned events)
{
	const char *between = "";

	for (int e = 0; e < JOB_EVENT_COUNT; e++)
		if (events >> e & 1U) {
			buf_printf(out, "%s%s", between,
			    job_event_name((enum job_event)e));
			between = "|";
		}
}

static void
put_label(struct buf *out, const struct row *r)
{
	buf_puts(out, r->event);
	if (r->job_events == 0)
		return;
	buf_puts(out, " / ");
	put_job_events(out, r->job_events);
}

/* Rows between the same two states share one edge, drawn at the first. */
static void
put_edge(struct buf *out, enum job_machine which, size_t at)
{
	struct machine m = machine_of(which);
	struct row first = row_of(which, at);

	for (size_t i = 0; i < at; i++) {
		struct row r = row_of(which, i);

		if (r.was == first.was && r.next == first.next)
			return;
	}
	buf_printf(out, "\t\t%s_%s -> %s_%s [label=\"", m.name,
	    state_name(which, first.was), m.name,
	    state_name(which, first.next));
	put_label(out, &first);
	for (size_t i = at + 1; i < m.rows; i++) {
		struct row r = row_of(which, i);

		if (r.was != first.was || r.next != first.next)
			continue;
		buf_puts(out, "\\n");
		put_label(out, &r);
	}
	buf_puts(out, "\"];\n");
}

static void
put_cluster(struct buf *out, enum job_machine which)
{
	struct machine m = machine_of(which);

	buf_printf(out, "\tsubgraph cluster_%s {\n\t\tlabel=\"%s\";\n", m.name,
	    m.title);
	for (int s = 0; s < m.states; s++)
		buf_printf(out, "\t\t%s_%s [label=\"%s\", tooltip=\"%s\"%s];\n",
		    m.name, state_name(which, s), state_name(which, s),
		    state_text(which, s), style(which, s));
	for (size_t i = 0; i < m.rows; i++)
		put_edge(out, which, i);
	buf_puts(out, "\t}\n");
}

void
job_dot_graph(struct buf *out)
{
	buf_puts(out, "digraph dsrun {\n"
		      "\trankdir=LR;\n"
		      "\tnode [shape=box, fontname=\"sans-serif\"];\n"
		      "\tedge [fontname=\"sans-serif\", fontsize=9];\n");
	put_cluster(out, JOB_MACHINE_JOB);
	put_cluster(out, JOB_MACHINE_ATTEMPT);
	buf_puts(out, "}\n");
}

static void
put_machine(struct buf *out, enum job_machine which)
{
	struct machine m = machine_of(which);

	buf_printf(out, "%s\n\n", m.title);
	for (int s = 0; s < m.states; s++)
		buf_printf(out, "  %-9s  %s\n", state_name(which, s),
		    state_text(which, s));
	buf_printf(out, "\n  %4s  %-9s  %-14s  %s\n", "step", "state", "event",
	    which == JOB_MACHINE_ATTEMPT ? "next       the job" : "next");
	for (size_t i = 0; i < m.rows; i++) {
		struct row r = row_of(which, i);

		buf_printf(out, "  %4d  %-9s  %-14s  %-*s",
		    m.first_step + (int)i, state_name(which, r.was), r.event,
		    r.job_events == 0 ? 0 : 11, state_name(which, r.next));
		put_job_events(out, r.job_events);
		buf_putc(out, '\n');
	}
}

void
job_dot_table(struct buf *out)
{
	put_machine(out, JOB_MACHINE_JOB);
	buf_putc(out, '\n');
	put_machine(out, JOB_MACHINE_ATTEMPT);
}
