#!/usr/bin/python3
"""Mutation check of the two state tables of pkg/job/job_state.c.

    mutate.py --write FILE              a copy whose tables can be mutated
    mutate.py [--behaviour] [--sample N] [--seed N] PROGRAM...

Each row of the tables is removed, and given each other state, event and next
state, and each job event more or less; each of these mutants must make one of
the PROGRAMs fail (tests linked with the copy).  Those that do not are listed
and fail the check.

The copy reads which mutant it is from JOB_MUTANT, "TABLE ROW FIELD VALUE", as
the program starts, so that one build serves thousands of mutants; without it,
it is the original.  With JOB_USED=FILE it appends each row that was asked for,
once a process.

job_state_test.c holds the tables once more and sees any flip.  --behaviour
asks what else does: it takes fewer mutants (a row removed, one other next
state, one job event less), runs only the programs that ask for the row, and
lists, row by row, who saw it.  Leave job_state_test out of the PROGRAMs then.
"""
import argparse
import collections
import itertools
import os
import random
import re
import signal
import subprocess
import sys
import tempfile

SOURCE = "pkg/job/job_state.c"
LIMIT_S = 120

# Mutants that change nothing anybody could see: name, and why.  In the check
# of behaviour only: the designed table sees each.
UNSEEN = {}

Mutant = collections.namedtuple("Mutant", "table row field value words")

ENUMS = {"jobs": ("JOB_STATES", "JOB_EVENTS"),
         "attempts": ("ATTEMPT_STATES", "ATTEMPT_EVENTS")}
PREFIX = {"jobs": ("JOB_", "JOB_EV_"), "attempts": ("ATTEMPT_", "ATTEMPT_EV_")}

# What the copy has more: mutates before main(), and notes what is asked for.
COPY_HEAD = """
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static size_t mutant_count[2];
static int mutant_log = -1;

static void
mutant_used(int table, size_t row)
{
	static unsigned char seen[2][128];
	char line[32];
	int len;

	if (mutant_log < 0 || seen[table][row])
		return;
	seen[table][row] = 1;
	len = snprintf(line, sizeof(line), "%s %zu\\n",
	    table == 0 ? "jobs" : "attempts", row);
	if (write(mutant_log, line, (size_t)len) != len)
		abort();
}
"""
COPY_TAIL = """
static void __attribute__((constructor))
mutant_begin(void)
{
	const char *spec = getenv("JOB_MUTANT");
	const char *log = getenv("JOB_USED");
	char table[16], field[16];
	unsigned row, value;

	mutant_count[0] = ARRAY_LEN(jobs);
	mutant_count[1] = ARRAY_LEN(attempts);
	if (log != NULL)
		mutant_log = open(
		    log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (spec == NULL)
		return;
	if (sscanf(spec, "%15s %u %15s %u", table, &row, field, &value) != 4)
		abort();
	if (strcmp(table, "jobs") == 0) {
		struct job_row *r = &jobs[row];

		CHECK(row < mutant_count[0]);
		if (strcmp(field, "was") == 0)
			r->was = value;
		else if (strcmp(field, "event") == 0)
			r->event = value;
		else if (strcmp(field, "next") == 0)
			r->next = value;
		else
			memmove(r, r + 1,
			    (--mutant_count[0] - row) * sizeof(*r));
		return;
	}
	struct attempt_row *r = &attempts[row];

	CHECK(row < mutant_count[1]);
	if (strcmp(field, "was") == 0)
		r->was = value;
	else if (strcmp(field, "event") == 0)
		r->event = value;
	else if (strcmp(field, "next") == 0)
		r->next = value;
	else if (strcmp(field, "job_events") == 0)
		r->job_events = value;
	else
		memmove(r, r + 1, (--mutant_count[1] - row) * sizeof(*r));
}
"""


def put(text, old, new, times=1):
    if text.count(old) != times:
        raise SystemExit("%s: \"%s\" stands there %d times, not %d" %
                         (SOURCE, old, text.count(old), times))
    return text.replace(old, new)


def write_copy(path):
    with open(SOURCE, encoding="utf-8") as f:
        text = f.read()
    for n, table in enumerate(("jobs", "attempts")):
        row = "job_row" if n == 0 else "attempt_row"
        text = put(text, "static const struct %s %s[]" % (row, table),
                   "static struct %s %s[]" % (row, table))
        # In the two functions that hand the table out and search it.
        text = put(text, "ARRAY_LEN(%s)" % table, "mutant_count[%d]" % n, 2)
        text = put(text, "*row = &%s[i];" % table,
                   "mutant_used(%d, i);\n\t\t\t*row = &%s[i];" % (n, table))
    at = text.index("/* clang-format off */")
    text = text[:at] + COPY_HEAD.lstrip() + "\n" + text[at:] + COPY_TAIL
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def enum_names(macro):
    with open("pkg/job/job_state.h", encoding="utf-8") as f:
        text = f.read()
    body = re.search(r"#define %s\(X\)(.*?)(?<!\\)\n" % macro, text,
                     re.S).group(1)
    return re.findall(r"\bX\((\w+)", body)


def bits(expression, macros, events):
    value = 0
    for word in expression.split("|"):
        word = word.strip().strip("()").strip()
        found = re.match(r"JOB_BIT\((\w+)\)?$", word)
        if found:
            value |= 1 << events.index(found.group(1))
        elif word != "0":
            value |= bits(macros[word], macros, events)
    return value


def rows_of(table):
    """[(was, event, next[, job_events])] as numbers, with their enums' names."""
    with open(SOURCE, encoding="utf-8") as f:
        text = f.read()
    states, events = (enum_names(macro) for macro in ENUMS[table])
    macros = dict(re.findall(r"#define (\w+)\s+(\(JOB_BIT.*)", text))
    body = re.search(r"\b%s\[\] = \{(.*?)\n\};" % table, text, re.S).group(1)
    rows = []
    for fields in re.findall(r"^\t\{(.*)\},$", body, re.M):
        parts = [part.strip() for part in fields.split(",")]
        row = [states.index(parts[0][len(PREFIX[table][0]):]),
               events.index(parts[1][len(PREFIX[table][1]):]),
               states.index(parts[2][len(PREFIX[table][0]):])]
        if table == "attempts":
            row.append(bits(parts[3], macros, enum_names("JOB_EVENTS")))
        rows.append(row)
    if len(rows) != body.count("{"):
        raise SystemExit("%s: not each row of %s was understood" %
                         (SOURCE, table))
    return rows, states, events


def mutants():
    job_events = enum_names("JOB_EVENTS")
    for table in ("jobs", "attempts"):
        rows, states, events = rows_of(table)
        for n, row in enumerate(rows):
            name = "%s %s -> %s" % (states[row[0]], events[row[1]],
                                    states[row[2]])

            def mutant(field, value, words):
                return Mutant(table, n, field, value,
                              "%s %d (%s): %s" % (table, n, name, words))

            yield mutant("remove", 0, "removed")
            for at, field, names in ((0, "was", states), (1, "event", events),
                                     (2, "next", states)):
                for value, word in enumerate(names):
                    if value != row[at]:
                        yield mutant(field, value,
                                     "%s is %s" % (field, word))
            for bit, word in enumerate(job_events):
                if table == "jobs":
                    break
                yield mutant("job_events", row[3] ^ 1 << bit,
                             ("without " if row[3] >> bit & 1 else "with ") +
                             word)


def run(program, variables):
    """Did the program fail?  Whatever it left behind is ended with it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("DSRUN")}
    p = subprocess.Popen([program], env=dict(env, **variables),
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        failed = p.wait(LIMIT_S) != 0
    except subprocess.TimeoutExpired:
        failed = True
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    p.wait()
    return failed


def killer(mutant, programs):
    """The first program that fails, or None; it will be tried first next."""
    spec = {"JOB_MUTANT": "%s %d %s %d" % mutant[:4]}
    for i, program in enumerate(programs):
        if run(program, spec):
            programs.insert(0, programs.pop(i))
            return program
    return None


def uses(programs):
    """{(table, row): [program]} of who asks for which row."""
    used = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for program in programs:
            path = os.path.join(folder, "used")
            if run(program, {"JOB_USED": path}):
                raise SystemExit("%s fails without a mutant" % program)
            if not os.path.exists(path):
                continue
            with open(path, encoding="utf-8") as f:
                for line in sorted(set(f)):
                    table, row = line.split()
                    used[table, int(row)].append(program)
            os.remove(path)
    return used


def fewer(all_of_them, seed):
    """A row removed, one other next state, each job event less."""
    for _, group in itertools.groupby(all_of_them, lambda m: m[:2]):
        row = list(group)
        yield from (m for m in row if m.field == "remove")
        yield random.Random("%d %s" % (seed, row[0][:2])).choice(
            [m for m in row if m.field == "next"])
        yield from (m for m in row if ": without " in m.words)


def check(programs, chosen):
    for program in programs:
        if run(program, {}):
            raise SystemExit("%s fails without a mutant" % program)
    survivors = [m for m in chosen if killer(m, programs) is None]
    for m in survivors:
        print("survives: " + m.words)
    return survivors


def check_behaviour(programs, chosen):
    used = uses(programs)
    survivors = []
    for m in chosen:
        who = used[m.table, m.row]
        seen = killer(m, who)
        if seen is not None:
            print("%-66s %s" % (m.words, os.path.basename(seen)))
        elif m.words in UNSEEN:
            print("%-66s cannot be seen: %s" % (m.words, UNSEEN[m.words]))
        else:
            survivors.append(m)
            print("%-66s NOBODY%s" % (m.words, "" if who else " (not used)"))
        sys.stdout.flush()
    return survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write")
    parser.add_argument("--behaviour", action="store_true")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    if args.write:
        write_copy(args.write)
        return 0
    programs = [os.path.abspath(p) for p in args.programs]
    if not programs:
        parser.error("no program to run")
    chosen = list(mutants())
    if args.behaviour:
        chosen = list(fewer(chosen, args.seed))
    if args.sample:
        chosen = random.Random(args.seed).sample(
            chosen, min(args.sample, len(chosen)))
    survivors = (check_behaviour if args.behaviour else check)(programs,
                                                               chosen)
    print("mutants: %d, of which %d survive" % (len(chosen), len(survivors)))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
