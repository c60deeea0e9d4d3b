"""A MongoDB that says what a test wants: OP_MSG over plain TCP, from memory.

It shows itself as the primary of a replica set (or as a server alone), keeps
every command it was sent, answers each command from a script, and OK where the
script has nothing more.  For what no other peer shows: retryable errors and
their labels, write concern, step-down, a server that hangs, cuts an answer in
half, or counts wrongly.  Replies are as MongoDB's documentation gives them.
"""
import collections
import socket
import socketserver
import struct
import threading

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013


# --- BSON, as much of it as drivers use ---

class Long(int):
    """A number that is sent as int64."""


class Id(bytes):
    """An ObjectId."""


class Date(int):
    """Milliseconds."""


def _element(key, v):
    name = key.encode() + b"\0"
    if isinstance(v, bool):
        return b"\x08" + name + bytes([v])
    if isinstance(v, Date):
        return b"\x09" + name + struct.pack("<q", v)
    if isinstance(v, Long) or isinstance(v, int) and not -2**31 <= v < 2**31:
        return b"\x12" + name + struct.pack("<q", v)
    if isinstance(v, int):
        return b"\x10" + name + struct.pack("<i", v)
    if isinstance(v, float):
        return b"\x01" + name + struct.pack("<d", v)
    if isinstance(v, str):
        text = v.encode() + b"\0"
        return b"\x02" + name + struct.pack("<i", len(text)) + text
    if isinstance(v, Id):
        return b"\x07" + name + v
    if isinstance(v, dict):
        return b"\x03" + name + encode(v)
    if isinstance(v, (list, tuple)):
        return b"\x04" + name + encode(
            {str(i): x for i, x in enumerate(v)})
    if v is None:
        return b"\x0a" + name
    raise TypeError("no BSON for %r" % (v,))


def encode(doc):
    body = b"".join(_element(k, v) for k, v in doc.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def _cstring(data, at):
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1


def decode(data, at=0, array=False):
    """The document at that place, and where it ends."""
    end = at + struct.unpack_from("<i", data, at)[0]
    out = {}
    at += 4
    while data[at] != 0:
        kind = data[at]
        key, at = _cstring(data, at + 1)
        if kind == 0x01:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif kind == 0x02:
            size = struct.unpack_from("<i", data, at)[0]
            value, at = data[at + 4:at + 3 + size].decode(), at + 4 + size
        elif kind in (0x03, 0x04):
            value, at = decode(data, at, kind == 0x04)
        elif kind == 0x05:
            size = struct.unpack_from("<i", data, at)[0]
            value, at = bytes(data[at + 5:at + 5 + size]), at + 5 + size
        elif kind == 0x07:
            value, at = Id(data[at:at + 12]), at + 12
        elif kind == 0x08:
            value, at = data[at] == 1, at + 1
        elif kind == 0x09:
            value, at = Date(struct.unpack_from("<q", data, at)[0]), at + 8
        elif kind == 0x0a:
            value = None
        elif kind == 0x10:
            value, at = struct.unpack_from("<i", data, at)[0], at + 4
        elif kind in (0x11, 0x12):
            value, at = struct.unpack_from("<q", data, at)[0], at + 8
        else:
            raise ValueError("BSON type %#x" % kind)
        out[key] = value
    return (list(out.values()) if array else out), end


# --- the script's words ---

def failed(code, text="scripted", labels=()):
    """The whole command fails."""
    reply = {"ok": 0.0, "errmsg": text, "code": code, "codeName": "Scripted"}
    if labels:
        reply["errorLabels"] = list(labels)
    return reply


def updated(n, *errors, concern=None, upserted=()):
    """n were matched or upserted; errors are (index, code); upserted are
    indexes, or the _id of each by its index."""
    reply = {"ok": 1.0, "n": n, "nModified": n - len(upserted)}
    if upserted:
        ids = upserted if isinstance(upserted, dict) else {}
        reply["upserted"] = [{"index": i, "_id": ids.get(i, "x")}
                             for i in upserted]
    if errors:
        reply["writeErrors"] = [
            {"index": i, "code": code, "errmsg": "scripted %d" % code}
            for i, code in errors]
    if concern:
        reply["writeConcernError"] = {
            "code": concern, "errmsg": "waiting for replication timed out",
            "errInfo": {"wtimeout": True}}
    return reply


HANG = "hang"     # no answer, until the client goes
CUT = "cut"       # the connection ends without an answer
HALF = "half"     # half of an answer, then the end


class Scripted:
    """with Scripted({"update": [reply, ...]}) as s: ... s.uri ... s.asked"""

    def __init__(self, script=None, replica=True):
        self.script = {k: collections.deque(v)
                       for k, v in (script or {}).items()}
        self.replica = replica
        self.asked = []  # documents of commands, in order, without hello
        self.hellos = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    while owner._serve(self.request):
                        pass
                except (OSError, EOFError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.address = "127.0.0.1:%d" % self.port
        self.uri = "mongodb://%s/t?socketTimeoutMS=700" % self.address
        if replica:
            self.uri += "&replicaSet=rs"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever,
                         kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def commands(self, name):
        with self._lock:
            return [c for c in self.asked if name in c]

    def left(self, name):
        return len(self.script.get(name, ()))

    # --- the wire ---

    @staticmethod
    def _read(sock, n):
        data = b""
        while len(data) < n:
            more = sock.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _serve(self, sock):
        size, request, _, op = struct.unpack("<iiii", self._read(sock, 16))
        body = self._read(sock, size - 16)
        if op == OP_QUERY:
            _, at = _cstring(body, 4)
            command, _ = decode(body, at + 8)
        elif op == OP_MSG:
            command = self._sections(body)
        else:
            raise EOFError
        reply = self._reply(command)
        if reply == HANG:
            self._stopped.wait(30)
            return False
        if reply == CUT:
            return False
        if op == OP_QUERY:
            head = struct.pack("<iqii", 8, 0, 0, 1)
            data = head + encode({"ok": 1.0} if reply == HALF else reply)
            kind = OP_REPLY
        else:
            data = struct.pack("<iB", 0, 0) + encode(
                {"ok": 1.0, "n": 1} if reply == HALF else reply)
            kind = OP_MSG
        packet = struct.pack(
            "<iiii", 16 + len(data), 1, request, kind) + data
        if reply == HALF:
            sock.sendall(packet[:len(packet) // 2])
            return False
        sock.sendall(packet)
        return True

    @staticmethod
    def _sections(body):
        flags = struct.unpack_from("<I", body)[0]
        at, end, command = 4, len(body) - (4 if flags & 1 else 0), {}
        while at < end:
            kind, at = body[at], at + 1
            if kind == 0:
                doc, at = decode(body, at)
                command.update(doc)
            else:
                stop = at + struct.unpack_from("<i", body, at)[0]
                name, at = _cstring(body, at + 4)
                command[name] = []
                while at < stop:
                    doc, at = decode(body, at)
                    command[name].append(doc)
        return command

    def _hello(self):
        hello = {"ok": 1.0, "ismaster": True, "isWritablePrimary": True,
                 "helloOk": True, "maxBsonObjectSize": 16777216,
                 "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000,
                 "localTime": Date(0), "minWireVersion": 0,
                 "maxWireVersion": 17, "readOnly": False,
                 "logicalSessionTimeoutMinutes": 30}
        if self.replica:
            hello.update(setName="rs", setVersion=1, secondary=False,
                         hosts=[self.address], primary=self.address,
                         me=self.address)
        return hello

    def _reply(self, command):
        name = next(iter(command))
        with self._lock:
            if name.lower() in ("hello", "ismaster"):
                self.hellos.append(command)
                waiting = self.script.get("hello")
                return waiting.popleft() if waiting else self._hello()
            self.asked.append(command)
            waiting = self.script.get(name)
            if waiting:
                return waiting.popleft()
        if name == "update":
            return updated(len(command["updates"]))
        if name == "listIndexes":
            return {"ok": 1.0, "cursor": {
                "id": Long(0), "ns": "t." + command["listIndexes"],
                "firstBatch": []}}
        if name == "find":
            # Are they there?  Unless the script says no, they are.
            asked = command["filter"].get("_id")
            there = ([{"_id": i} for i in asked["$in"]]
                     if command.get("projection") == {"_id": 1} else [])
            return {"ok": 1.0, "cursor": {
                "id": Long(0), "ns": "t." + command["find"],
                "firstBatch": there}}
        return {"ok": 1.0}
