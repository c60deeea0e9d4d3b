#ifndef DSRUN_CARRIER_SIM_SCRIPT_H
#define DSRUN_CARRIER_SIM_SCRIPT_H

#include "carrier/carrier_sim_persona.h"
#include "conf/conf_yaml.h"

/*
 * The script of a persona: scenes, each a list of steps that ends in goto,
 * menu or hangup, laid out one after the other with `start` first.  For the
 * persona loader only.
 */
void carrier_sim_script_read(const struct conf_node *script,
    struct carrier_sim_persona *out, struct conf_problems *ps);
void carrier_sim_script_free(struct carrier_sim_persona *p);

/* "2s" or "2s..9s". */
void carrier_sim_script_range(const struct conf_node *n,
    struct carrier_sim_range *out, struct conf_problems *ps);
/* An outcome of the network's; "auto" is NONE. */
void carrier_sim_script_outcome(
    const struct conf_node *n, enum job_outcome *out, struct conf_problems *ps);

#endif
