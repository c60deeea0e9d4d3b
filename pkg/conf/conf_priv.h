#ifndef DSRUN_CONF_PRIV_H
#define DSRUN_CONF_PRIV_H

#include "conf/conf.h"
#include "conf/conf_table.h"
#include "conf/conf_yaml.h"

/* What pkg/conf's own files share. */

/* path, made absolute from dir (absolute); mem_free. */
char *conf_path_join(const char *dir, const char *path);
/* The directory it lies in; mem_free. */
char *conf_path_dir(const char *path);
/* As a person in cwd would type it; points into path. */
const char *conf_path_shown(const char *cwd, const char *path);
bool conf_path_is_dir(struct env *env, const char *path);
bool conf_path_is_file(struct env *env, const char *path);

/* Parse text into the row's field; the field is untouched after an error. */
enum err_code conf_value_set(const struct conf_row *row, void *base,
    const char *text, const char *dir, struct err *err);
bool conf_value_is_text(const struct conf_row *row);
/* What `dsrun config` shows; given: the text that was set; mem_free. */
char *conf_value_shown(
    const struct conf_row *row, const void *base, const char *given);
void conf_value_release(const struct conf_row *row, void *base);

/* Problems for keys of a settings file that no row knows. */
void conf_table_unknown(const struct conf_row *rows, size_t count,
    const struct conf_node *root, struct conf_problems *ps);

/* Read dir/jobs/NAME.yaml into c->kinds. */
void conf_kinds_read(
    struct env *env, struct conf *c, const char *cwd, struct conf_problems *ps);
void conf_kind_release(struct conf_kind *k);

/* The parts of a kind's file; n may be NULL. */
void conf_windows_read(struct env *env, const struct conf_node *n,
    struct conf_windows *out, struct conf_problems *ps);
void conf_retry_read(
    const struct conf_node *n, struct conf_kind *k, struct conf_problems *ps);
void conf_script_read(const struct conf_node *n, const struct conf_node *agent,
    struct conf_kind *k, struct conf_problems *ps);

/* What no row can know alone. */
void conf_check(
    struct env *env, const struct conf *c, struct conf_problems *ps);

/* Names of adapters that are built in, ended by NULL. */
extern const char *const conf_carriers[];
extern const char *const conf_models[];

#endif
