#include <stdlib.h>

#include "base/dynlib.h"

#include "mongo/mongo_priv.h"

struct mongo_lib mongo_lib;

#define X(name) {#name, &mongo_lib.name},
static const struct dynlib_symbol bson_symbols[] = {MONGO_BSON(X){NULL, NULL}};
static const struct dynlib_symbol mongoc_symbols[] = {
    MONGO_MONGOC(X){NULL, NULL}};
#undef X

static const char *const bson_names[] = {"libbson-1.0.so.0", NULL};
static const char *const mongoc_names[] = {"libmongoc-1.0.so.0", NULL};

/*
 * By default libmongoc writes warnings to standard error, and counters to a
 * file /dev/shm/mongoc-PID that a killed process leaves behind; it makes that
 * file when it is loaded, before anything of it can be called.  The first
 * setenv of a name leaves the old environment whole for threads that read it.
 */
enum err_code
mongo_lib_load(struct err *err)
{
	static bool loaded;
	enum err_code code;

	if (loaded)
		return ERR_NONE;
	if (getenv("MONGOC_DISABLE_SHM") == NULL &&
	    setenv("MONGOC_DISABLE_SHM", "1", 0) != 0)
		return err_set(err, ERR_CONFIG, 0, "no room to set a variable");
	code = dynlib_open(bson_names, "libbson-1.0-0", bson_symbols, err);
	if (code == ERR_NONE)
		code = dynlib_open(
		    mongoc_names, "libmongoc-1.0-0", mongoc_symbols, err);
	if (code != ERR_NONE)
		return code;
	MC(log_set_handler)(NULL, NULL);
	MC(init)();
	loaded = true;
	return ERR_NONE;
}
