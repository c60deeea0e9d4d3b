#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "fuzz.h"

/*
 * An ordinary main for a target: every file of its corpus once, so that what a
 * fuzzer found stays a test wherever there is a C compiler.
 *
 *	build/tests/fuzz/fuzz_json [FILE...]
 *
 * Without files: tests/fuzz/corpus/json, from the root of the tree.  Each input
 * is named before it is tried; a crash is the last one named.
 */

#define INPUT_MAX (1 << 20)

static void
replay(const char *path)
{
	uint8_t *bytes = NULL;
	uint8_t *exact = NULL;
	size_t len = 0;
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	bytes = mem_zalloc(1, INPUT_MAX);
	len = fread(bytes, 1, INPUT_MAX, f);
	(void)fclose(f);
	/* Not one byte behind it is ours, so that a sanitizer sees any read. */
	exact = mem_dup(bytes, len);
	mem_free(&bytes);
	(void)printf("# %s\n", path);
	(void)fflush(stdout);
	(void)LLVMFuzzerTestOneInput(exact, len);
	mem_free(&exact);
}

static int
is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
replay_all(const char *dir)
{
	struct dirent **names = NULL;
	int count = scandir(dir, &names, is_input, alphasort);

	for (int i = 0; i < count; i++) {
		char *path = mem_printf("%s/%s", dir, names[i]->d_name);

		replay(path);
		mem_free(&path);
		free(names[i]);
	}
	free(names);
	return count;
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '_');
	char *dir = mem_printf(
	    "tests/fuzz/corpus/%s", name != NULL ? name + 1 : argv[0]);
	int count = argc - 1;

	(void)printf("1..1\n");
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1)
		count = replay_all(dir);
	(void)printf("%s 1 - %d inputs of %s\n", count > 0 ? "ok" : "not ok",
	    count, dir);
	mem_free(&dir);
	return count > 0 ? 0 : 1;
}
