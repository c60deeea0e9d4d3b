#include "job/job_dot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "job/job_state.h"

static size_t
times(const char *text, const char *needle)
{
	size_t n = 0;

	for (; (text = strstr(text, needle)) != NULL; text++)
		n++;
	return n;
}

/* Is event in the label of the one edge from was to next? */
static bool
edge_names(const char *graph, const char *machine, const char *was,
    const char *next, const char *event)
{
	char head[128], copy[512];
	const char *edge;

	(void)snprintf(head, sizeof(head), "%s_%s -> %s_%s [label=\"", machine,
	    was, machine, next);
	if (times(graph, head) != 1)
		return false;
	edge = strstr(graph, head) + strlen(head);
	(void)snprintf(
	    copy, sizeof(copy), "%.*s", (int)strcspn(edge, "\""), edge);
	return strstr(copy, event) != NULL;
}

static void
every_row_of_both_machines_is_an_edge_of_the_graph(void **state)
{
	struct buf b = BUF_INIT(JOB_DOT_MAX);
	size_t n, m;
	const struct job_row *jobs = job_rows(&n);
	const struct attempt_row *attempts = job_attempt_rows(&m);

	(void)state;
	job_dot_graph(&b);
	for (size_t i = 0; i < n; i++)
		assert_true(edge_names(buf_text(&b), "job",
		    job_state_name(jobs[i].was), job_state_name(jobs[i].next),
		    job_event_name(jobs[i].event)));
	for (size_t i = 0; i < m; i++)
		assert_true(edge_names(buf_text(&b), "attempt",
		    job_attempt_state_name(attempts[i].was),
		    job_attempt_state_name(attempts[i].next),
		    job_attempt_event_name(attempts[i].event)));
	buf_free(&b);
}

static void
the_graph_marks_final_and_live_states_and_what_the_job_does(void **state)
{
	struct buf b = BUF_INIT(JOB_DOT_MAX);

	(void)state;
	job_dot_graph(&b);
	assert_int_equal(times(buf_text(&b), "peripheries=2"), 4 + 5);
	assert_int_equal(times(buf_text(&b), "style=filled"), 1 + 6);
	assert_non_null(strstr(buf_text(&b),
	    "attempt_NEW -> attempt_CLAIMED [label=\"CLAIM / CLAIM\"]"));
	assert_non_null(strstr(
	    buf_text(&b), "job_DONE -> job_QUEUED [label=\"RETRY\\nREDIAL\"]"));
	buf_free(&b);
}

static void
the_graph_has_one_node_a_state_and_closes_what_it_opens(void **state)
{
	struct buf b = BUF_INIT(JOB_DOT_MAX);

	(void)state;
	job_dot_graph(&b);
	assert_int_equal(times(buf_text(&b), "tooltip="),
	    JOB_STATE_COUNT + ATTEMPT_STATE_COUNT);
	assert_int_equal(times(buf_text(&b), "{"), times(buf_text(&b), "}"));
	assert_int_equal(times(buf_text(&b), "\"") % 2, 0);
	assert_memory_equal(buf_text(&b), "digraph dsrun {", 15);
	buf_free(&b);
}

static void
the_table_has_every_row_with_its_number(void **state)
{
	struct buf b = BUF_INIT(JOB_DOT_MAX);
	size_t n, m;
	char line[128];

	(void)state;
	(void)job_rows(&n);
	(void)job_attempt_rows(&m);
	job_dot_table(&b);
	for (size_t i = 0; i < n + m; i++) {
		(void)snprintf(
		    line, sizeof(line), "\n  %4zu  ", i < n ? i : 1000 + i - n);
		assert_int_equal(times(buf_text(&b), line), 1);
	}
	assert_non_null(strstr(
	    buf_text(&b), "\n     0  NONE       QUEUE           QUEUED\n"));
	assert_non_null(strstr(buf_text(&b),
	    "\n  1000  NEW        CLAIM           CLAIMED    CLAIM\n"));
	assert_non_null(
	    strstr(buf_text(&b), "\n  HELD       an attempt is live\n"));
	assert_null(strstr(buf_text(&b), " \n"));
	buf_free(&b);
}

static void
what_is_drawn_leaves_ample_room_below_the_promised_size(void **state)
{
	struct buf b = BUF_INIT(JOB_DOT_MAX);

	(void)state;
	job_dot_graph(&b);
	assert_true(b.len < JOB_DOT_MAX / 2);
	buf_clear(&b);
	job_dot_table(&b);
	assert_true(b.len < JOB_DOT_MAX / 2);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		every_row_of_both_machines_is_an_edge_of_the_graph),
	    cmocka_unit_test(
		the_graph_marks_final_and_live_states_and_what_the_job_does),
	    cmocka_unit_test(
		the_graph_has_one_node_a_state_and_closes_what_it_opens),
	    cmocka_unit_test(the_table_has_every_row_with_its_number),
	    cmocka_unit_test(
		what_is_drawn_leaves_ample_room_below_the_promised_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
