#!/usr/bin/python3
"""A queue in a Redis Cluster whose slot is moved while dsrun works on it."""
import collections
import contextlib
import random
import threading
import time

import harness
from harness import require
from t_bull import LIBRARIES, configure, person, rang, world

TAG = "{bull}"


class Cluster:
    """Three masters; the queue's slot is moved key by key."""

    def __init__(self):
        self.nodes = [world.Server(
            "--cluster-enabled", "yes", "--cluster-node-timeout", "5000")
            for _ in range(3)]
        self.redis = [world.Redis(node.port) for node in self.nodes]
        self.ids = [r("CLUSTER", "MYID") for r in self.redis]
        for n, (first, last) in enumerate(
                ((0, 5460), (5461, 10922), (10923, 16383))):
            self.redis[n]("CLUSTER", "ADDSLOTSRANGE", first, last)
            for other in self.nodes:
                self.redis[n]("CLUSTER", "MEET", "127.0.0.1", other.port)
        for r in self.redis:
            harness.wait_for(lambda r=r: "cluster_state:ok" in r(
                "CLUSTER", "INFO") and "cluster_known_nodes:3" in r(
                "CLUSTER", "INFO"), timeout_s=30, what="the Cluster")
        self.slot = self.redis[0]("CLUSTER", "KEYSLOT", TAG)
        self.owner = self.slot // 5461 if self.slot < 16383 else 2

    def keys(self, n):
        return self.redis[n]("CLUSTER", "GETKEYSINSLOT", self.slot, 100000)

    def begin(self, to):
        self.redis[to]("CLUSTER", "SETSLOT", self.slot, "IMPORTING",
                       self.ids[self.owner])
        self.redis[self.owner]("CLUSTER", "SETSLOT", self.slot, "MIGRATING",
                               self.ids[to])

    def carry(self, to, keys):
        self.redis[self.owner]("MIGRATE", "127.0.0.1", self.nodes[to].port,
                               "", 0, 5000, "KEYS", *keys)

    def end(self, to):
        self.redis[to]("CLUSTER", "SETSLOT", self.slot, "NODE", self.ids[to])
        time.sleep(random.random() / 10)
        for r in self.redis:
            r("CLUSTER", "SETSLOT", self.slot, "NODE", self.ids[to])
        self.owner = to

    def move(self, to, pause_s):
        self.begin(to)
        while keys := self.keys(self.owner):
            random.shuffle(keys)
            for key in keys:
                self.carry(to, [key])
                time.sleep(pause_s)
        self.end(to)

    def stop(self):
        for r in self.redis:
            r.close()
        for node in self.nodes:
            node.stop()


@contextlib.contextmanager
def cluster_of(library):
    cluster = Cluster()
    peers = [world.Peer(library, node.port, "calls", TAG)
             for node in (cluster.nodes[cluster.owner],)]
    try:
        yield cluster, peers[0]
    finally:
        for peer in peers:
            peer.stop()
        cluster.stop()


def add(peer, numbers):
    return peer.do("""const ids = []
        for (const p of arg)
            ids.push(String((await queue.add('call', p)).id))
        return ids""", [person(n, "+1999200%04d" % n) for n in numbers])


def all_rang_once(box, n):
    calls = collections.Counter(row["to"] for row in rang(box))
    require(len(calls) == n and max(calls.values()) == 1, len(calls),
            [c for c in calls.items() if c[1] > 1])


def moves(box, library):
    with cluster_of(library) as (cluster, peer):
        configure(box, cluster.nodes[0], prefix=TAG,
                  limits={"concurrency": 4}, sim={"speed": 300})
        ids = add(peer, range(60))
        mover = threading.Thread(target=lambda: [
            cluster.move((cluster.owner + 1) % 3, 0.01) for _ in range(3)])
        mover.start()
        said = []
        while mover.is_alive():
            # Some are killed at the n-th answer of the queue.
            env = {"DSRUN_CRASH_AT": "source.bull.answered:%d" %
                   random.randint(2, 12)} if random.random() < 0.3 else {}
            r = box.run("drain", "--quiet", "--max-jobs",
                        random.randint(1, 6), env=env)
            require(r.exit in (0, 5, 137), r.exit, r.err)
            if r.exit == 5:
                said.append(r.err)
        mover.join()
        require(said and all("slot" in s for s in said), said[:3])
        for _ in range(2):
            box.run("drain", "--quiet").expect(0)
        all_rang_once(box, len(ids))
        # The slot is where it began.
        states = peer.do("""const s = []
            for (const id of arg)
                s.push(await (await queue.getJob(id)).getState())
            return s""", ids)
        require(states == ["completed"] * len(ids),
                collections.Counter(states))
        left = [k for k in cluster.keys(cluster.owner) if "lock" in k]
        require(not left, left)
        box.run("check").expect(0)


for one in LIBRARIES:
    def test(box, library=one):
        moves(box, library)
    test.__name__ = "test_a_slot_on_its_way_loses_and_doubles_nothing_of_" + one
    globals()[test.__name__] = test
del test, one


if __name__ == "__main__":
    harness.main()
