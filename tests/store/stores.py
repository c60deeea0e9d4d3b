"""Real S3 servers for tests: found, started on loopback, asked, ended.

They come from tests/peers (`tests/peers/setup versitygw minio moto
toxiproxy`).  One that is missing is a skip; with DSRUN_NEED_PEERS set it is a
failure.
"""
import base64
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "scenario"))

import harness  # noqa: E402  (found by the line above)
from harness import Failure, Skip, require  # noqa: E402

ACCESS, SECRET, BUCKET = "AKIDEXAMPLE", "secret-of-the-test", "bkt"
KMS_KEY = "test-key"


def peer(name):
    """Its directory."""
    found = subprocess.run([str(ROOT / "tests/peers/setup"), "--where", name],
                           capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return pathlib.Path(found.stdout.strip())
    why = "%s is not here: tests/peers/setup %s" % (name, name)
    raise (Failure if os.environ.get("DSRUN_NEED_PEERS") else Skip)(why)


def program(name):
    path = pathlib.Path(harness.dsrun_path()).parent / "tests/store" / name
    require(path.exists(), "no %s: make %s" % (path, path))
    return str(path)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A process with a port; harness ends it with the box."""

    def __init__(self, box, name, argv, port, env=None, alive=None):
        self.box, self.port = box, port
        log = open(box.path(name + ".log"), "wb")
        self.popen = subprocess.Popen(
            [str(a) for a in argv], cwd=box.dir, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(box.dir),
                 **(env or {})})
        log.close()
        box._processes.append(self)
        self.wait_until_up(name, alive)

    def wait_until_up(self, name, alive):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            require(self.popen.poll() is None, name, "ended:",
                    self.box.path(name + ".log").read_text()[-500:])
            try:
                if alive is None:
                    socket.create_connection(("127.0.0.1", self.port),
                                             1).close()
                else:
                    urllib.request.urlopen(alive, timeout=2).close()
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.05)
        raise Failure("%s does not answer" % name)

    def end(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()


class Boto:
    """boto.py, running; started when first asked, since it takes a second."""

    def __init__(self, store):
        argv = [peer("moto") / "python/bin/python", HERE / "boto.py",
                store.endpoint, ACCESS, SECRET]
        if store.ca:
            argv.append(store.ca)
        self.popen = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.PIPE, text=True,
            stdout=subprocess.PIPE, start_new_session=True,
            stderr=open(store.box.path("boto.log"), "w"))
        self.log = store.box.path("boto.log")
        store.box._processes.append(self)

    def ask(self, do, args):
        print(json.dumps({"do": do, "args": args}), file=self.popen.stdin,
              flush=True)
        said = self.popen.stdout.readline()
        require(said, "boto3 ended:", self.log.read_text()[-1000:])
        return said

    def end(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()


class Store:
    """A bucket on a server, and who asks it."""

    def __init__(self, box, server, endpoint, ca=None):
        self.box, self.server, self.endpoint, self.ca = (box, server,
                                                         endpoint, ca)
        self.options = []
        self._boto = None

    def boto(self, do, **args):
        if self._boto is None:
            self._boto = Boto(self)
        said = self._boto.ask(do, args)
        self.box.note("boto3 %s %s: %s" % (do, args, said.strip()[:600]))
        return json.loads(said)

    def make_bucket(self):
        said = self.boto("create_bucket", Bucket=BUCKET)
        require("error" not in said, "no bucket:", said)
        return self

    def object(self, key):
        """Headers, "sha256" and "length" as the official client has them."""
        return self.boto("hash", Bucket=BUCKET, Key=key)

    def keys(self):
        said = self.boto("list_objects_v2", Bucket=BUCKET)
        return [o["Key"] for o in said.get("Contents", [])]

    def uploads(self, prefix=""):
        said = self.boto("list_multipart_uploads", Bucket=BUCKET,
                         Prefix=prefix)
        return said.get("Uploads", [])

    def argv(self, name, args, endpoint=None):
        argv = [program(name), "--endpoint", endpoint or self.endpoint,
                "--bucket", BUCKET, "--access", ACCESS, "--secret", SECRET]
        if self.ca:
            argv += ["--ca", str(self.ca)]
        return argv + self.options + [str(a) for a in args]

    def run(self, name, *args, env=None, endpoint=None, killed=False):
        """The last document it printed; None when it was killed."""
        argv = self.argv(name, args, endpoint)
        p = subprocess.run(argv, cwd=self.box.dir, capture_output=True,
                           text=True, timeout=300, check=False,
                           env=self.box.environment(env))
        self.box.record(harness.Result([name] + argv[1:], p.returncode,
                                       p.stdout, p.stderr, 0))
        if killed and p.returncode == -9:
            return None
        require(p.returncode in (0, 1), name, "exit", p.returncode, p.stderr)
        return json.loads(p.stdout.splitlines()[-1])

    def client(self, *args, **more):
        return self.run("s3_client", *args, **more)

    def push(self, *args, **more):
        return self.run("s3_driver", *args, "push", **more)


def versitygw(box, tls=None):
    where = peer("versitygw")
    peer("moto")
    port = free_port()
    for name in ("iam", "store"):
        box.path(name).mkdir()
    argv = [where / "versitygw", "--quiet", "--keep-alive", "--port",
            "127.0.0.1:%d" % port, "--access", ACCESS, "--secret", SECRET,
            "--region", "us-east-1", "--virtual-domain", "localhost",
            "--iam-dir", box.path("iam")]
    if tls:
        argv += ["--cert", tls.cert, "--key", tls.key]
    server = Server(box, "versitygw", argv + ["posix", box.path("store")],
                    port)
    url = "https://localhost:%d" if tls else "http://127.0.0.1:%d"
    return Store(box, server, url % port, tls and tls.ca).make_bucket()


def minio(box):
    where = peer("minio")
    peer("moto")
    port = free_port()
    key = base64.b64encode(bytes(range(32))).decode()
    server = Server(
        box, "minio",
        [where / "minio", "server", "--quiet", "--address",
         "127.0.0.1:%d" % port, box.path("minio")], port,
        {"MINIO_ROOT_USER": ACCESS, "MINIO_ROOT_PASSWORD": SECRET,
         "MINIO_DOMAIN": "localhost", "MINIO_SITE_REGION": "us-east-1",
         "MINIO_BROWSER": "off", "MINIO_CI_CD": "1",
         "MINIO_KMS_SECRET_KEY": "%s:%s" % (KMS_KEY, key)},
        "http://127.0.0.1:%d/minio/health/ready" % port)
    return Store(box, server, "http://127.0.0.1:%d" % port).make_bucket()


def moto(box):
    where = peer("moto")
    port = free_port()
    server = Server(box, "moto",
                    [where / "python/bin/moto_server", "-H", "127.0.0.1",
                     "-p", port], port)
    return Store(box, server, "http://127.0.0.1:%d" % port).make_bucket()


class Proxy:
    """toxiproxy before a server."""

    def __init__(self, box, port):
        self.api = free_port()
        Server(box, "toxiproxy",
               [peer("toxiproxy") / "toxiproxy-server", "-host", "127.0.0.1",
                "-port", self.api], self.api,
               alive="http://127.0.0.1:%d/version" % self.api)
        self.port = free_port()
        self.endpoint = "http://127.0.0.1:%d" % self.port
        self.call("POST", "/proxies", {
            "name": "s3", "enabled": True,
            "listen": "127.0.0.1:%d" % self.port,
            "upstream": "127.0.0.1:%d" % port})

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            "http://127.0.0.1:%d%s" % (self.api, path), method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"User-Agent": "tests"})
        with urllib.request.urlopen(request, timeout=10) as r:
            return r.read()

    def toxic(self, kind, stream="downstream", **attributes):
        self.call("POST", "/proxies/s3/toxics",
                  {"name": kind, "type": kind, "stream": stream,
                   "attributes": attributes})

    def heal(self):
        self.call("POST", "/reset")


class Certificates:
    """An authority of one's own, and a server's certificate of it."""

    def __init__(self, box, names="DNS:localhost,IP:127.0.0.1"):
        self.ca, self.cert, self.key = (box.path("ca.pem"),
                                        box.path("server.pem"),
                                        box.path("server.key"))
        ca_key, csr = box.path("ca.key"), box.path("server.csr")
        ext = box.write("ext", "subjectAltName=%s\n" % names)
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes"]
        for argv in (
                ["req", "-x509", *new, "-keyout", ca_key, "-out", self.ca,
                 "-days", "2", "-subj", "/CN=An authority of the tests"],
                ["req", *new, "-keyout", self.key, "-out", csr, "-subj",
                 "/CN=localhost"],
                ["x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey",
                 ca_key, "-CAcreateserial", "-days", "2", "-extfile", ext,
                 "-out", self.cert]):
            subprocess.run(["openssl", *[str(a) for a in argv]],
                           capture_output=True, check=True)
