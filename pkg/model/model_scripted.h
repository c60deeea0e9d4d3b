#ifndef DSRUN_MODEL_SCRIPTED_H
#define DSRUN_MODEL_SCRIPTED_H

#include "base/env.h"
#include "base/err.h"

#include "model/model.h"

/*
 * A model without a service: it says what talk's script gives it, with the
 * recorded phrases and the synthesiser of media/.  It understands nothing
 * itself (captions come from the carrier) and calls no tools.
 *
 * A sentence is put together while it is played, phrase by phrase straight out
 * of the shared library, so a call holds no audio but single synthesised words
 * (at most 24 kB).
 */

#define MODEL_SCRIPTED_QUEUE 4 /* texts waiting to be said */

/*
 * speech_dir as media_speech_open takes it (NULL: everything synthesised).
 * *out is filled in; release with out->ops->free(out->impl).  Errors as
 * media_speech_open.  env is borrowed.
 */
enum err_code model_scripted_new(struct env *env, const char *speech_dir,
    struct model *out, struct err *err);

#endif
