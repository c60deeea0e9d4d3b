#ifndef DSRUN_TESTS_FUZZ_TALK_KIND_H
#define DSRUN_TESTS_FUZZ_TALK_KIND_H

#include <stdint.h>

#include "conf/conf.h"

/* The kind of job whose script the targets of pkg/talk follow. */
#define TALK_KIND_TEXT(text) ((char *)(uintptr_t)(text))

static struct conf_objection talk_kind_objections[] = {
    {TALK_KIND_TEXT("not interested"), TALK_KIND_TEXT("May I ask why?")},
    {TALK_KIND_TEXT("cost, price"), TALK_KIND_TEXT("It costs nothing.")},
};

static const struct conf_kind talk_kind = {
    .name = TALK_KIND_TEXT("intro-call"),
    .max_call_ms = 300000,
    .script =
	{
	    .greeting = TALK_KIND_TEXT("Hello {{contact.first_name}}, an "
				       "automated assistant."),
	    .intro = TALK_KIND_TEXT("We help practices save."),
	    .meeting = TALK_KIND_TEXT("Could we meet this week?"),
	    .voicemail = TALK_KIND_TEXT("Please call us back."),
	    .goodbye = TALK_KIND_TEXT("Bye now."),
	    .goal = TALK_KIND_TEXT("reach the practice administrator"),
	    .objections = talk_kind_objections,
	    .objection_count = 2,
	},
    .agent_name = TALK_KIND_TEXT("Sarah"),
};

#endif
