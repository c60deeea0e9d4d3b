"""A queue of Huey on SQLite for the benchmarks, as durable as it can be.

    huey_bench.py fill DIR N             put N jobs that do nothing into the queue
    huey_bench.py drain DIR N WORKERS    work until none is left

drain prints how many, in how many seconds, with how many of the processor; the
clock stands still until the consumer is ready to begin.  Huey takes a job out
of the file before it works on it, so the last is done when it was worked, and
one that is being worked when the process dies is lost: no mode of it is safer.
"""
import logging
import os
import sys
import threading
import time

import huey

FILE = "queue.db"


class Count:
    """Of the jobs that were worked."""

    def __init__(self):
        self.lock = threading.Lock()
        self.all = threading.Event()
        self.done = self.n = 0

    def one(self):
        with self.lock:
            self.done += 1
            if self.done == self.n:
                self.all.set()


def fill(queue, task, n):
    for i in range(n):
        queue.enqueue(task.s('{"id":"b-%d"}' % i))


def drain(queue, count, n, workers):
    if queue.pending_count() != n:
        sys.exit("huey: the queue has %d jobs, not %d" % (queue.pending_count(), n))
    count.n = n
    # The scheduler and the health check would only take time from the workers.
    consumer = queue.create_consumer(workers=workers, periodic=False, initial_delay=0.001,
                                     max_delay=0.01, check_worker_health=False)
    began, used = time.monotonic(), time.process_time()
    consumer.start()
    count.all.wait()
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    if queue.pending_count() != 0 or count.done != n:
        sys.exit("huey: %d of %d jobs were worked" % (count.done, n))
    print("%d %.6f %.6f" % (n, seconds, cpu), flush=True)
    consumer.stop(graceful=True)


def main(what, path, n, workers="1"):
    logging.getLogger("huey").setLevel(logging.ERROR)
    queue = huey.SqliteHuey("bench", filename=os.path.join(path, FILE), fsync=True,
                            results=False, timeout=60)
    count = Count()

    @queue.task()
    def nothing(_line):
        count.one()

    if what == "fill":
        fill(queue, nothing, int(n))
    elif what == "drain":
        drain(queue, count, int(n), int(workers))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
