"""What a soak's samples say: quantiles, growth, and how many calls were live.

Nothing here runs or reads anything: tests/lint/test_soak.py holds it.
"""
import bisect

# By design a simulated network keeps so much of a call that is over, in every
# process that uses it (docs/simulated-network.md, "Limits").
NETWORK_BYTES_A_CALL = 75

# What still counts as flat, over the second half of a soak.  In half an hour
# that is some 5,000 calls: 200 bytes or one handle in 1,000 calls kept are
# more than this, the noise of calls that come and go is less.  In a few
# minutes it is not, and the rise is only said.
JUDGED_FROM_MS = 10 * 60 * 1000
RSS_RISE_MB = 1.0
RSS_RISE_SHARE = 0.05
FD_RISE = 2.0
FD_RISE_SHARE = 0.05
RSS_MOST_MB = 64.0  # the goal of make bench for 30 calls that record


def quantile(values, q):
    """The value below which a share q of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * q))]


def rise(points):
    """How much the line of least squares through (x, y) climbs from the first
    x to the last."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    square = sum((x - mean_x) ** 2 for x, _ in points)
    if square == 0:
        return 0.0
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / square
    return slope * (points[-1][0] - points[0][0])


def second_half(points):
    middle = (points[0][0] + points[-1][0]) / 2
    return [p for p in points if p[0] >= middle]


def first_half(points):
    middle = (points[0][0] + points[-1][0]) / 2
    return [p for p in points if p[0] < middle]


def without_design(points, ended):
    """Megabytes without what the network keeps by design: points (ms, MB),
    ended: the moments (ms, in order) at which calls were over."""
    return [(at, mb - bisect.bisect_right(ended, at) *
             NETWORK_BYTES_A_CALL / 1048576) for at, mb in points]


def call_ends(lines):
    return sorted(line["at_ms"] for line in lines if line["ev"] == "ended")


def live_over_time(lines, begin_ms, end_ms):
    """[(calls that ring or talk, for how many ms)] between two moments, from
    the network's own log: every moment, not samples."""
    steps = sorted((line["at_ms"], 1 if line["ev"] == "placed" else -1)
                   for line in lines if line["ev"] in ("placed", "ended"))
    spans, live, at = [], 0, begin_ms
    for when, step in steps:
        if begin_ms < when < end_ms and when > at:
            spans.append((live, when - at))
            at = when
        if when < end_ms:
            live += step
    spans.append((live, end_ms - at))
    return spans


def least(spans):
    return min(live for live, ms in spans if ms > 0)


def share_below(spans, live):
    """Of the time, how much had fewer calls than that."""
    whole = sum(ms for _, ms in spans)
    return sum(ms for n, ms in spans if n < live) / whole


def mean(spans):
    return sum(n * ms for n, ms in spans) / sum(ms for _, ms in spans)


def apart(samples, spans):
    """Samples (when, how long, ...) that touch none of spans (from, to)."""
    spans = sorted(spans)
    return [s for s in samples
            if not any(a <= s[0] + s[1] and s[0] <= b for a, b in spans)]


class Verdict:
    """Lines of a summary; bad ones are remembered."""

    def __init__(self):
        self.lines, self.bad = [], []

    def say(self, what, text):
        self.lines.append("  %-34s %s" % (what, text))

    def must(self, holds, what, text):
        self.say(what, text + ("" if holds else "   <-- BROKEN"))
        if not holds:
            self.bad.append("%s: %s" % (what, text))


def judge(v, what, unit, points, allowed, most=None, known=None):
    """A series (ms, value) after its warm-up must be flat: it does not climb
    by more than allowed over the second half, and never above most.  known: by
    what a rise that is left is judged more exactly than here."""
    half = second_half(points)
    up = rise(half)
    if points[-1][0] - points[0][0] < JUDGED_FROM_MS:
        known = "too short to judge"
    v.must(known is not None or up <= allowed, what + ", rise",
           "%+.2f %s over the second half, at most %.2f%s" %
           (up, unit, allowed, " (%s)" % known if known else ""))
    top, before = max(y for _, y in half), max(y for _, y in first_half(points))
    text = "%.1f %s in the second half, %.1f in the first" % (top, unit, before)
    if most is None:
        v.say(what + ", most", text)
    else:
        v.must(max(top, before) <= most, what + ", most",
               "%s, at most %.0f" % (text, most))
    v.say(what + ", mean", "%.1f %s" % (
        sum(y for _, y in points) / len(points), unit))


def judge_memory(v, points):
    typical = quantile([mb for _, mb in points], 0.5)
    judge(v, "resident memory", "MB", points,
          max(RSS_RISE_MB, RSS_RISE_SHARE * typical), RSS_MOST_MB)


def judge_files(v, points, before, after):
    """before, after: at rest; after None: it did not come to rest.  Calls open
    and close some dozen all the time, so that their line may climb by chance;
    at rest one handle kept by ten thousand calls is seen."""
    typical = quantile([n for _, n in points], 0.5)
    judge(v, "file handles", "open", points,
          max(FD_RISE, FD_RISE_SHARE * typical),
          known=None if after is None else "judged at rest")
    if after is not None:
        v.must(after <= before, "file handles, idle",
               "%d before the first call, %d after the last" % (before, after))
