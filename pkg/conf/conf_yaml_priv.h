#ifndef DSRUN_CONF_YAML_PRIV_H
#define DSRUN_CONF_YAML_PRIV_H

#include "conf/conf_yaml.h"

/* What conf_yaml.c and conf_node.c share. */

struct conf_yaml {
	char *file;
	struct conf_node *root;
	size_t count;
};

struct conf_node {
	const struct conf_yaml *doc;
	const struct conf_node *parent;
	enum conf_node_kind kind;
	char *key;    /* NULL in a list and for the root */
	char *text;   /* of a text */
	bool plain;   /* not in quotes */
	bool literal; /* after "|": its lines are the file's */
	int line;     /* of the key */
	int column;
	int text_line; /* of the value */
	struct conf_node **children;
	size_t count;
	size_t room;
};

/* Number of the first line (from 0) that is no UTF-8 or holds a NUL. */
size_t conf_yaml_bad_line(const char *text, size_t len);

#endif
