"""An hour of call, encoded for the world."""

HOUR_S = 3600


def encode(b):
    """Once each: the processor's time is what counts, and memory that stays flat."""
    for name in ("wav", "mp3", "opus"):
        path = b.place()
        seconds, _, cpu, grown_kb = b.tool("bench_encode", path, b.count(HOUR_S), name)[0]
        b.say("encoding an hour of call as %s" % name, cpu * HOUR_S / seconds, "CPU s")
        b.below("memory it grew by meanwhile (%s)" % name, grown_kb / 1024, "MB", 8)
        b.away(path)
