#ifndef DSRUN_CMD_WORDS_DOCTOR_H
#define DSRUN_CMD_WORDS_DOCTOR_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun doctor` says about itself; only cmd_doctor.c includes it. */

static const struct cli_example doctor_examples[] = {
    {"dsrun doctor", "is this box fit to run?"},
    {"dsrun doctor -q", "only what is wrong"},
    {"dsrun doctor --mongo --s3 --queue", "and the services: are they fit?"},
    {"dsrun doctor --mongo --fix", "make the indexes that are missing"},
    {"dsrun doctor --s3 --fix", "set the bucket's lifecycle, try to write"},
    {NULL, NULL},
};

static const struct cli_option doctor_options[] = {
    {.name = "mongo",
	.type = CLI_FLAG,
	.help = "ask MongoDB: reachable, version, indexes"},
    {.name = "s3",
	.type = CLI_FLAG,
	.help = "ask S3: reachable, encryption, versions, lifecycle"},
    {.name = "queue",
	.type = CLI_FLAG,
	.help = "ask Redis: reachable, memory, disk, the queue, our leases"},
    {.name = "fix",
	.type = CLI_FLAG,
	.help = "make indexes that are missing, set the lifecycle, "
		"write a small object"},
    {.name = NULL},
};

static const char doctor_details[] =
    "It only looks, and calls nobody but the services that are asked for by "
    "name.  Nothing is changed without --fix, and with it only what lies at "
    "MongoDB and S3.  Exit code 0 when nothing fails, 78 for the "
    "configuration (a refused password too), 5 when a service did not "
    "answer, else 1.";

#define DOCTOR_WORDS                                                   \
	.name = "doctor", .group = GROUP_BOX,                          \
	.summary = "look at this box and say what is wrong, and what " \
		   "to do",                                            \
	.examples = doctor_examples, .details = doctor_details,        \
	.options = doctor_options

#endif
