"""The rows of a run as text, as Markdown, and in the README."""
import re

from harness import ROOT, number

HEAD = ("what", "median", "", "beside it", "of", "ratio", "by cpu", "goal", "")
RIGHT = {1, 3, 5, 6}
MARK = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.S)


def ratio(v):
    if v is None:
        return ""
    return "%.3f" % v if v < 0.1 else "%.2f" % v


def verdict(r):
    if r["skipped"]:
        return "skipped: " + r["skipped"]
    return {None: "", True: "met", False: "MISSED"}[r["met"]]


def cells(r):
    return (r["what"], number(r["value"]), r["unit"], number(r["limit"]), r["limit_is"],
            ratio(r["ratio"]), ratio(r["cpu_ratio"]), r["goal"], verdict(r))


def text(rows):
    lines = [HEAD] + [cells(r) for r in rows]
    width = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(c.rjust(w) if i in RIGHT else c.ljust(w)
                  for i, (c, w) in enumerate(zip(line, width))).rstrip() for line in lines)


def markdown(rows, foot):
    """Narrower: the unit beside the number, what is compared beside its own."""
    lines = ["| what | median | beside it | ratio | by cpu | goal | |",
             "| --- | --: | --: | --: | --: | --- | --- |"]
    for r in rows:
        value = ("%s %s" % (number(r["value"]), r["unit"])).strip()
        limit = ("%s %s" % (number(r["limit"]), r["limit_is"])).strip()
        lines.append("| " + " | ".join((r["what"], value, limit, ratio(r["ratio"]),
                                        ratio(r["cpu_ratio"]), r["goal"], verdict(r))) + " |")
    return "\n".join(lines) + "\n\n" + foot + "\n"


def into_readme(page, path=ROOT + "/README.md"):
    """Put it between the README's two marks."""
    with open(path) as f:
        readme = f.read()
    if not MARK.search(readme):
        raise ValueError("%s has no <!-- bench --> ... <!-- /bench -->" % path)
    with open(path, "w") as f:
        f.write(MARK.sub(lambda m: m.group(1) + page + m.group(2), readme, count=1))
