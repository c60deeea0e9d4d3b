#ifndef DSRUN_CARRIER_SIM_PARAMS_H
#define DSRUN_CARRIER_SIM_PARAMS_H

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

#include "carrier/carrier_sim_line.h"
#include "conf/conf.h"

/*
 * What a network was made with, as its first line keeps it: a later run with
 * other settings would read another history out of the same log.
 */

/* Fill in an origin line; its params point into *text, which is borrowed. */
void carrier_sim_params_origin(struct env *env, const struct conf_sim *conf,
    struct buf *text, struct carrier_sim_line *out);

/* ERR_CONFIG naming every setting that differs, with both values. */
enum err_code carrier_sim_params_compare(const struct conf_sim *conf,
    const struct carrier_sim_line *origin, struct err *err);

/* What must hold among the settings themselves. */
enum err_code carrier_sim_params_check(
    const struct conf_sim *conf, struct err *err);

/* How slow the network may be at worst. */
int64_t carrier_sim_params_slowest_ms(const struct conf_sim *conf);

#endif
