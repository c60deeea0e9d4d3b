#include "base/dynlib.h"

#include <dlfcn.h>
#include <string.h>

/* dlerror() begins with the file's name, which says all when it is missing. */
static enum err_code
refuse(const char *soname, const char *package, struct err *err)
{
	const char *why = dlerror();

	return err_set(err, ERR_CONFIG, 0,
	    "cannot load %s (%s); install the package %s", soname,
	    why != NULL ? why : "unknown reason", package);
}

static enum err_code
check(void *lib, const struct dynlib_symbol *symbols, const char *soname,
    const char *package, struct err *err)
{
	for (const struct dynlib_symbol *s = symbols; s->name != NULL; s++)
		if (dlsym(lib, s->name) == NULL)
			return refuse(soname, package, err);
	return ERR_NONE;
}

/* By memcpy, since a slot is a pointer to a function of any type. */
static void
fill(void *lib, const struct dynlib_symbol *symbols)
{
	for (const struct dynlib_symbol *s = symbols; s->name != NULL; s++) {
		void *at = dlsym(lib, s->name);

		memcpy(s->slot, &at, sizeof(at));
	}
}

/* The first name's error is told: it is the one that was wished for. */
enum err_code
dynlib_open(const char *const *sonames, const char *package,
    const struct dynlib_symbol *symbols, struct err *err)
{
	struct err later = {.code = ERR_NONE};
	enum err_code code = ERR_CONFIG;

	for (const char *const *name = sonames; *name != NULL; name++) {
		struct err *e = name == sonames ? err : &later;
		void *lib = dlopen(*name, RTLD_NOW | RTLD_LOCAL);

		if (lib == NULL) {
			(void)refuse(*name, package, e);
			continue;
		}
		code = check(lib, symbols, *name, package, e);
		if (code == ERR_NONE) {
			fill(lib, symbols);
			return ERR_NONE;
		}
		(void)dlclose(lib);
	}
	return code;
}
