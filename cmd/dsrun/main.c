#include <stddef.h>

#include "app.h"
#include "commands.h"

/* In the order that help shows them; groups stand together. */
static const struct command *const commands[] = {
    &cmd_enqueue,
    &cmd_drain,
    &cmd_states,
    &cmd_init,
    &cmd_doctor,
    &cmd_config,
    &cmd_completion,
    &cmd_help,
    &cmd_version,
    NULL,
};

int
main(int argc, char **argv)
{
	return app_run(commands, argc, argv);
}
