#include <stddef.h>

#include "app.h"
#include "commands.h"

/* In the order that help shows them; groups stand together. */
static const struct command *const commands[] = {
    &cmd_enqueue,
    &cmd_seed,
    &cmd_drain,
    &cmd_worker,
    &cmd_stop,
    &cmd_sync,
    &cmd_status,
    &cmd_jobs,
    &cmd_show,
    &cmd_outbox,
    &cmd_why,
    &cmd_replay,
    &cmd_states,
    &cmd_parked,
    &cmd_resolve,
    &cmd_cancel,
    &cmd_retry,
    &cmd_pause,
    &cmd_resume,
    &cmd_dnc,
    &cmd_clock,
    &cmd_incarnation,
    &cmd_sql,
    &cmd_init,
    &cmd_check,
    &cmd_backup,
    &cmd_restore,
    &cmd_adopt,
    &cmd_prune,
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
