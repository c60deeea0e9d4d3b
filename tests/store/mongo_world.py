"""What the tests of MongoDB stand on: the driver program, servers, rows."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenario"))

import harness  # noqa: E402
from harness import Skip, dsrun_path, require, wait_for  # noqa: E402

PENDING, IN_PROGRESS, FAILED, COMPLETED, DECLINED, BOOKED = range(6)
CAMPAIGN, CALL_RECORD, CONTACT, BATCH, SEQUENCE = range(5)
KEY = "QUJD" * 32  # base64 of 96 bytes
UNREACHABLE = "ERR_UNREACHABLE"
NONE = "ERR_NONE"


def peer(name):
    """The peer's directory; skips where it is missing, unless it must not."""
    setup = HERE.parent / "peers" / "setup"
    r = subprocess.run([str(setup), "--where", name], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if r.returncode == 0:
        return r.stdout.strip()
    word = "no %s: tests/peers/setup %s brings it" % (name, name)
    require(not os.environ.get("DSRUN_NEED_PEERS"), word)
    raise Skip(word)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
        return True
    except OSError:
        return False


class Server:
    """A process with a port; killed and started again at the same place."""

    def __init__(self, argv, port, cwd=None, env=None):
        self.argv, self.port, self.cwd, self.env = argv, port, cwd, env
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.argv, cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: answers(self.port), 60, "port %d" % self.port)

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def java_server():
    where = peer("mongo-java-server")
    port = free_port()
    s = Server(["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp",
                "%s:%s/lib/*" % (where, where), "Server", str(port)], port)
    s.uri = "mongodb://127.0.0.1:%d/t" % port
    return s


class Postgres(Server):
    """PostgreSQL of Debian with a database of its own, under a user that is
    not root, whom it refuses."""

    def __init__(self):
        self.bin = self.find()
        self.dir = tempfile.mkdtemp(prefix="dsrun-postgres-")
        self.as_user = []
        if os.getuid() == 0:
            shutil.chown(self.dir, "postgres", "postgres")
            self.as_user = ["setpriv", "--reuid=postgres",
                            "--regid=postgres", "--init-groups"]
        port = free_port()
        subprocess.run([*self.as_user, self.bin + "/initdb", "-D", self.dir,
                        "-U", "ferret", "-A", "trust", "--no-sync",
                        "--encoding=UTF8", "--locale=C.UTF-8"], check=True,
                       cwd=self.dir, stdout=subprocess.DEVNULL)
        super().__init__([*self.as_user, self.bin + "/postgres", "-D",
                          self.dir, "-h", "127.0.0.1", "-p", str(port),
                          "-k", self.dir, "-c", "fsync=off"], port,
                         cwd=self.dir)
        wait_for(self.is_ready, 60, "PostgreSQL")
        self.url = ("postgres://ferret@127.0.0.1:%d/postgres"
                    "?pool_max_conns=50" % port)

    @staticmethod
    def find():
        """Where its programs lie; None: it is not installed."""
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob(
            "*/bin/initdb"))
        return str(found[-1].parent) if found else None

    def is_ready(self):
        return subprocess.run([self.bin + "/pg_isready", "-q", "-h",
                               "127.0.0.1", "-p", str(self.port)]
                              ).returncode == 0

    def sql(self, text):
        r = subprocess.run([*self.as_user, self.bin + "/psql", "-q", "-h",
                            "127.0.0.1", "-p", str(self.port), "-U", "ferret",
                            "postgres"], input="SET default_transaction_"
                           "read_only = off; " + text, text=True, cwd="/",
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        require(r.returncode == 0 and not r.stdout, text, r.stdout)

    def kill(self):
        # By its own hand: it has segments of shared memory to give back.
        if self.process:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        super().kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class Ferret(Server):
    """And what lies below it, which goes with it."""

    below = None

    def __exit__(self, *what):
        super().__exit__(*what)
        if self.below:
            self.below.kill()


def ferretdb(box, user="u", password="p:w@/1", tls=None):
    """On PostgreSQL where that is installed, else on SQLite in the box; with
    SCRAM, and TLS when tls is (cert, key) or (cert, key, the CA of its
    clients)."""
    where = peer("ferretdb")
    below = Postgres() if Postgres.find() else None
    require(below or not os.environ.get("DSRUN_NEED_PEERS"),
            "no PostgreSQL: tests/bootstrap.sh bench brings it")
    if not below:
        box.note("no PostgreSQL here (tests/bootstrap.sh bench brings it): "
                 "FerretDB runs on SQLite")
    try:
        s = start_ferretdb(box, where, below, user, password, tls)
    except BaseException:
        if below:
            below.kill()
        raise
    s.below = below
    return s


def start_ferretdb(box, where, below, user, password, tls):
    state = box.path("ferret")
    state.mkdir(exist_ok=True)
    port = free_port()
    argv = [where + "/ferretdb", *(
                ["--handler=postgresql", "--postgresql-url=" + below.url]
                if below else
                ["--handler=sqlite", "--sqlite-url=file:%s/" % state]),
            "--state-dir=%s" % state, "--debug-addr=-",
            "--telemetry=disable", "--log-level=error",
            "--test-enable-new-auth", "--setup-database=admin",
            "--setup-username=" + user, "--setup-password=" + password]
    if tls:
        argv += ["--listen-addr=", "--listen-tls=127.0.0.1:%d" % port,
                 "--listen-tls-cert-file=%s" % tls[0],
                 "--listen-tls-key-file=%s" % tls[1]]
        argv += ["--listen-tls-ca-file=%s" % ca for ca in tls[2:]]
    else:
        argv.append("--listen-addr=127.0.0.1:%d" % port)
    s = Ferret(argv, port, cwd=state,
               env={**os.environ, "DO_NOT_TRACK": "1"})
    s.uri = ("mongodb://u:p%%3Aw%%40%%2F1@127.0.0.1:%d/t?authSource=admin" %
             port)
    return s


class Cutter:
    """A proxy before a server that ends a connection at the n-th message:
    "answer": the server did it, and nobody hears; "half": half of the answer;
    "request": half of the request came.  Counted over all connections, hello
    too; after that it lets everything through.  hit: it came so far."""

    def __init__(self, port, where, n):
        self.port, self.where, self.n, self.hit = port, where, n, False
        self._lock = threading.Lock()
        self._count = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # shutdown wakes accept, close alone does not
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                return
            for a, b, asked in ((client, server, True),
                                (server, client, False)):
                threading.Thread(target=self._pump, args=(a, b, asked),
                                 daemon=True).start()

    @staticmethod
    def _message(sock):
        data = b""
        while len(data) < 4 or len(data) < int.from_bytes(data[:4], "little"):
            want = int.from_bytes(data[:4], "little") if len(data) >= 4 else 4
            more = sock.recv(want - len(data))
            if not more:
                return None
            data += more
        return data

    def _is_it(self, asked):
        if asked != (self.where == "request"):
            return False
        with self._lock:
            self._count += 1
            self.hit = self.hit or self._count == self.n
            return self._count == self.n

    def _pump(self, a, b, asked):
        try:
            data = self._message(a)
            while data is not None:
                if self._is_it(asked):
                    if self.where != "answer":
                        b.sendall(data[:len(data) // 2])
                    break
                b.sendall(data)
                data = self._message(a)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Driver:
    """tests/store/mongo_driver as a child: ask(do=...) gives its answer."""

    def __init__(self, uri, env=None, **options):
        program = pathlib.Path(dsrun_path()).parent / "tests/store/mongo_driver"
        if not program.exists():
            raise Skip("no %s: make builds it by that name" % program)
        self.process = subprocess.Popen(
            [str(program), json.dumps({"uri": uri, **options})], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, **(env or {})})

    def send(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()

    def receive(self, timeout_s=100):
        # One that hangs is ended, which ends its line.
        timer = threading.Timer(timeout_s, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        require(line, "the driver ended:", self.process.poll(),
                self.process.stderr.read() if not line else "")
        return json.loads(line)

    def ask(self, **question):
        self.send(**question)
        return self.receive()

    def write(self, rows):
        return self.ask(do="write", rows=rows)["rows"]

    def must_write(self, rows):
        for i, r in enumerate(self.write(rows)):
            require(r["code"] == NONE, "row", i, r)

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(60)
        said = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, said

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code, said = self.close()
        if kind is None:
            require(code == 0 and not said, "driver:", code, said)


def node(script, *args):
    """A script of the peer mongoose; its one line of JSON."""
    where = peer("mongoose")
    r = subprocess.run(["node", where + "/" + script, *map(str, args)],
                       text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    require(r.returncode == 0, script, args, r.stderr)
    return json.loads(r.stdout)


def dump(server):
    """All campaigns and call records as another driver reads them."""
    return node("dump.js", server.uri)


def without_times(state):
    """Two writers may differ in when they wrote, and in the order of calls
    that a campaign's history has."""
    for doc in state["campaigns"] + state["callrecords"]:
        doc.pop("updatedAt", None)
        doc.pop("createdAt", None)
    for doc in state["campaigns"]:
        doc.get("callHistory", []).sort(key=lambda e: e["callId"])
    return state


def campaign_id(n):
    return "65f0a1b2c3d4e5f6%08x" % n


def row(n, campaign=0, **more):
    """The n-th call."""
    return {"campaign": campaign_id(campaign), "status": IN_PROGRESS,
            "step": n, "completed_ms": 1767603600000 + n * 60000,
            "revision": 1, "now_ms": 1767700000000, "carrier": "sim",
            "call_id": "sim-%d" % n, "call_ms": 1767603590000 + n * 60000,
            "duration_ms": 4021, "outcome": "completed", "attempts": 1,
            "cost_micros": 1250, "recording_url": "s3://b/%d.wav" % n,
            "transcript_url": "s3://b/%d.json" % n, **more}


class Later(threading.Thread):
    """fn() meanwhile; join() gives what it returned."""

    def __init__(self, fn):
        super().__init__(daemon=True)
        self.fn, self.result, self.error = fn, None, None
        self.start()

    def run(self):
        try:
            self.result = self.fn()
        except Exception as e:  # told by get
            self.error = e

    def get(self, timeout_s=120):
        self.join(timeout_s)
        require(not self.is_alive(), "still at work after", timeout_s, "s")
        if self.error:
            raise self.error
        return self.result


__all__ = [n for n in dir() if not n.startswith("_")]
