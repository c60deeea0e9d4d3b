#ifndef DSRUN_JOB_DOT_H
#define DSRUN_JOB_DOT_H

#include "base/buf.h"

/*
 * The two state machines for people, drawn from the very tables that the code
 * runs on.  Pure; out's max must leave room for JOB_DOT_MAX more bytes.
 */
#define JOB_DOT_MAX 65536

/* Graphviz: one digraph, a cluster per machine, for `dot -Tsvg`. */
void job_dot_graph(struct buf *out);

/* Plain text: states with their meaning, then one row a line with its number.
 */
void job_dot_table(struct buf *out);

#endif
