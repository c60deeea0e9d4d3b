#ifndef DSRUN_AWS_PRIV_H
#define DSRUN_AWS_PRIV_H

#include <stdint.h>

#include "base/env.h"

/*
 * Unix time of the kernel's clock, not of a simulated network: peers compare
 * it with theirs.
 */
static inline int64_t
aws_now_ms(struct env *env)
{
	return env->ops->wall_us(env) / 1000 + env->wall_offset_ms;
}

#endif
