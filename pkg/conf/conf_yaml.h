#ifndef DSRUN_CONF_YAML_H
#define DSRUN_CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf_problem.h"

/*
 * YAML that people write (settings, kinds of job, personas), as a tree of
 * nodes that know their line.  Any package may read its own files with it.
 *
 * A subset of YAML 1.1 as libyaml reads it: one document of maps, lists and
 * texts.  Refused: anchors, aliases and tags (a small file could unfold into
 * gigabytes), a key given twice, keys that are no plain text, what is no
 * UTF-8, what exceeds the limits.  A text has no type of its own; the reader
 * decides: "on" is a text for conf_node_str and an error for conf_node_bool.
 *
 * Every getter puts what it refuses into the caller's list, with file, line
 * and path, and says so by false; the caller goes on, so that all problems are
 * found.  No globals.
 *
 *	conf_node_only(root, keys, ps);
 *	(void)conf_node_i64(conf_node_get(root, "ring"), 1, 60, &ring, ps);
 *	conf_node_str(conf_node_need(root, "from", ps), &from, ps);
 */

struct conf_yaml; /* a document; owns its nodes and texts */
struct conf_node;

enum conf_node_kind {
	CONF_NODE_TEXT,
	CONF_NODE_MAP,
	CONF_NODE_LIST
};

struct conf_yaml_limits {
	size_t bytes;
	size_t depth; /* at most 64 */
	size_t nodes;
};

#define CONF_YAML_LIMITS_DEFAULT \
	((struct conf_yaml_limits){256 << 10, 16, 20000})

/*
 * Read text (which need not end in NUL).  file is what problems call it.
 * false when it cannot be read: one problem says where and why, *out is NULL.
 * Keys given twice are problems too, but the document is there (the first one
 * counts).  An empty document is an empty map.  Release with conf_yaml_free.
 */
bool conf_yaml_parse(const char *file, const char *text, size_t len,
    const struct conf_yaml_limits *limits, struct conf_yaml **out,
    struct conf_problems *ps);
void conf_yaml_free(struct conf_yaml **y); /* NULL-safe */

const struct conf_node *conf_yaml_root(const struct conf_yaml *y);

/* Walking; map and list may be NULL or another kind: then NULL and 0. */
const struct conf_node *conf_node_get(
    const struct conf_node *map, const char *key);
size_t conf_node_count(const struct conf_node *n);
const struct conf_node *conf_node_at(const struct conf_node *n, size_t index);

enum conf_node_kind conf_node_kind(const struct conf_node *n);
const char *conf_node_key(const struct conf_node *n); /* "" in a list */
/* Where its key stands, or itself in a list; both from 1. */
int conf_node_line(const struct conf_node *n);
int conf_node_column(const struct conf_node *n);
/* Of a text: the line of its character number offset, where that is known. */
int conf_node_text_line(const struct conf_node *n, size_t offset);
/* "retry.no-answer.after", "objections[1].say"; appended. */
void conf_node_path(const struct conf_node *n, struct buf *out);

/* Add a problem at n. */
void conf_node_problem(const struct conf_node *n, struct conf_problems *ps,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The member, or NULL and a problem. */
const struct conf_node *conf_node_need(
    const struct conf_node *map, const char *key, struct conf_problems *ps);

/* n when it is of that kind; NULL otherwise, with a problem unless n is. */
const struct conf_node *conf_node_map(
    const struct conf_node *n, struct conf_problems *ps);
const struct conf_node *conf_node_list(
    const struct conf_node *n, struct conf_problems *ps);

/* Problems for every member that is not in keys (ended by NULL). */
void conf_node_only(const struct conf_node *map, const char *const *keys,
    struct conf_problems *ps);

/*
 * The value of n into *out: true.  n NULL: false, nothing happens, so that
 * *out keeps its default.  Anything else: false and a problem.  A text of
 * str lives as long as the document and is never empty.
 */
bool conf_node_str(
    const struct conf_node *n, const char **out, struct conf_problems *ps);
/* true or false, nothing else. */
bool conf_node_bool(
    const struct conf_node *n, bool *out, struct conf_problems *ps);
bool conf_node_i64(const struct conf_node *n, int64_t min, int64_t max,
    int64_t *out, struct conf_problems *ps);
bool conf_node_double(const struct conf_node *n, double min, double max,
    double *out, struct conf_problems *ps);
/* 500ms, 30s, 10m, 4h, 2d; in ms. */
bool conf_node_duration(const struct conf_node *n, int64_t min_ms,
    int64_t max_ms, int64_t *out, struct conf_problems *ps);
/* One of words (ended by NULL); *out is its index. */
bool conf_node_choice(const struct conf_node *n, const char *const *words,
    size_t *out, struct conf_problems *ps);

#endif
