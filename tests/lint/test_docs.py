"""What the documentation says against what is there.

    test_docs.py          the tests (DSRUN names the program)
    test_docs.py write    copy what the program prints into the pages

Copied are the state tables (docs/design.md) and the list of commands
(README.md).  Tests and files that the pages name must exist.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(os.environ.get("DSRUN_ROOT", os.getcwd()))
DSRUN = os.environ.get("DSRUN", str(ROOT / "build/dsrun"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DESIGN = ROOT / "docs/design.md"
README = ROOT / "README.md"


def program(*args):
    return subprocess.run([DSRUN, *args], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, check=True).stdout


def states():
    return program("states").strip("\n")


def commands():
    """The groups of `dsrun help`: everything between usage and options."""
    text = program("help")
    text = text[text.index("Usage:"):text.index("Options of every command")]
    return text.split("\n\n", 1)[1].strip("\n")


COPIES = {"dsrun states": (DESIGN, states), "dsrun help": (README, commands)}


def block(name):
    """The fenced text after the comment that names it."""
    return re.compile(r"(<!-- %s -->\n```text\n)(.*?)(\n```)" % name, re.S)


def copy_of(name):
    m = block(name).search(COPIES[name][0].read_text())
    return m.group(2) if m else None


def defined_tests(root):
    """Names of all tests of the tree: cmocka's and Python's."""
    names = set()
    for path in [p for where in ("pkg", "cmd", "tests") for p in root.glob(where + "/*/*_test.c")]:
        names.update(re.findall(r"^([a-z0-9_]+)\(void \*\*", path.read_text(),
                                re.M))
    for path in root.glob("tests/*/*.py"):
        names.update(re.findall(r"^\s*def (test_\w+)\(", path.read_text(),
                                re.M))
    return names


def proofs(text):
    """Rows of the table after the comment "proofs": promise, names."""
    rows = []
    for line in text[text.index("<!-- proofs -->"):].splitlines()[3:]:
        if not line.startswith("|"):
            break
        _, promise, held, _ = re.split(r"(?<!\\)\|", line)
        rows.append((promise.strip(), re.findall(r"`(\w+)`", held)))
    return rows


def named_paths(text):
    return re.findall(r"`((?:pkg|cmd|tests|docs|migrations|fixtures|jobs|rules)"
                      r"/[\w./*-]*)`", text)


def exists(path):
    """NAME stands for a name that the reader gives."""
    return any(ROOT.glob(path.rstrip("/").replace("NAME", "*")))


class TheCopies(unittest.TestCase):
    maxDiff = None

    def same(self, name):
        page, now = COPIES[name]
        self.assertEqual(copy_of(name), now(), "%s differs from `%s`: run "
                         "tests/lint/test_docs.py write" % (page.name, name))

    def test_the_state_tables_are_what_the_program_prints(self):
        self.same("dsrun states")

    def test_the_readme_names_the_commands_that_exist_and_no_others(self):
        self.same("dsrun help")
        listed = re.findall(r"^  (\w+) ", copy_of("dsrun help"), re.M)
        there = [c["name"] for c in
                 json.loads(program("help", "--json"))["commands"]]
        self.assertEqual(sorted(listed), sorted(there))

    def test_commands_in_the_text_exist(self):
        there = set()
        for c in json.loads(program("help", "--json"))["commands"]:
            there.update([c["name"], *c["aliases"]])
        for page in PAGES:
            said = re.findall(r"`dsrun ([a-z][\w-]*)", page.read_text())
            said += re.findall(r"^    (?:build/)?dsrun ([a-z][\w-]*)(?![\w:-])",
                               page.read_text(), re.M)
            self.assertEqual(sorted(set(said) - there), [], page.name)


class TheProofs(unittest.TestCase):
    def test_every_promise_names_tests_that_exist(self):
        there = defined_tests(ROOT)
        rows = proofs(DESIGN.read_text())
        self.assertGreater(len(rows), 20)
        for promise, names in rows:
            self.assertTrue(names, promise + ": no test")
            missing = [n for n in names if n not in there]
            self.assertEqual(missing, [], promise)

    def test_a_name_that_is_not_there_is_seen(self):
        there = defined_tests(ROOT)
        self.assertGreater(len(there), 300)
        self.assertNotIn("no_test_has_this_name", there)
        rows = proofs("<!-- proofs -->\n| a | b |\n| --- | --- |\n"
                      "| one | `x_y` `z` |\n| two | none |\n\n| no | `n` |\n")
        self.assertEqual(rows, [("one", ["x_y", "z"]), ("two", [])])


class TheFiles(unittest.TestCase):
    def test_files_that_pages_name_exist(self):
        for page in PAGES:
            missing = [p for p in named_paths(page.read_text())
                       if not exists(p)]
            self.assertEqual(missing, [], page.name)

    def test_links_lead_somewhere(self):
        for page in PAGES:
            text = page.read_text()
            heads = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-")
                     for h in re.findall(r"^#+ (.*)$", text, re.M)}
            for link in re.findall(r"\]\(([^)\s]+)\)", text):
                if link.startswith("#"):
                    self.assertIn(link[1:], heads, page.name)
                elif "://" not in link:
                    there = (page.parent / link.split("#")[0]).exists()
                    self.assertTrue(there, "%s: %s" % (page.name, link))

    def test_every_package_has_its_row_and_every_page_is_in_the_index(self):
        rows = set(re.findall(r"^\| \d \| `([^`]+)`", DESIGN.read_text(),
                              re.M))
        there = {"pkg/" + p.parent.name for p in ROOT.glob("pkg/*/*.c")}
        self.assertEqual(rows, there | {"cmd/dsrun"})
        index = (ROOT / "docs/README.md").read_text()
        for page in PAGES[1:]:
            if page.name != "README.md":
                self.assertIn("](%s)" % page.name, index)


def write():
    for name, (page, now) in COPIES.items():
        text = page.read_text()
        fresh = block(name).sub(lambda m: m[1] + now() + m[3], text)
        if fresh != text:
            page.write_text(fresh)
            print("wrote", page)


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        write()
    else:
        unittest.main()
