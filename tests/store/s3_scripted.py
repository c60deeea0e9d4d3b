"""An S3 that says what a test wants, where no real one can be made to: refused
rights one by one, a bucket with versions.  Keeps objects in memory and takes
whatever signature it is shown."""
import base64
import hashlib
import http.server
import threading
import urllib.parse

NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def error(code):
    return ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s"
            "</Code><Message>scripted</Message><RequestId>R1</RequestId>"
            "</Error>" % code)


class Scripted:
    """deny: what is answered with AccessDenied, by the right that Amazon would
    ask for ("s3:PutObject"); says: {"versioning": body} and the like."""

    def __init__(self, deny=(), says=None, sse=True):
        self.deny, self.says, self.sse = set(deny), says or {}, sse
        self.objects, self.asked, self.uploads = {}, [], {}
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                owner.serve(self)

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = "http://127.0.0.1:%d" % self._server.server_port
        threading.Thread(target=self._server.serve_forever,
                         daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    # --- one request ---

    @staticmethod
    def right(method, key, query):
        """What it asks for, as Amazon's policies call it."""
        if key is None:
            for word, name in (("lifecycle", "LifecycleConfiguration"),
                               ("encryption", "EncryptionConfiguration"),
                               ("versioning", "BucketVersioning")):
                if word in query:
                    return "s3:%s%s" % (
                        "Put" if method == "PUT" else "Get", name)
            return ("s3:ListBucketMultipartUploads" if "uploads" in query
                    else "s3:ListBucket")
        if method == "DELETE":
            return "s3:AbortMultipartUpload"
        if method == "GET" and "uploadId" in query:
            return "s3:ListMultipartUploadParts"
        return "s3:PutObject" if method in ("PUT", "POST") else "s3:GetObject"

    def serve(self, h):
        path, _, query = h.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query, True))
        key = urllib.parse.unquote(path.lstrip("/")).partition("/")[2] or None
        body = h.rfile.read(int(h.headers.get("Content-Length", 0)))
        right = self.right(h.command, key, query)
        self.asked.append((h.command, key, sorted(query), right))
        if right in self.deny:
            self.send(h, 403, error("AccessDenied"))
        elif key is None:
            self.bucket(h, query, body)
        elif "uploadId" in query or "uploads" in query:
            self.part(h, query, body)
        else:
            self.object(h, key, body)

    def send(self, h, status, text="", headers=None):
        data = text.encode() if isinstance(text, str) else text
        h.send_response(status)
        for name, value in (headers or {}).items():
            h.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            h.send_header("Content-Length", str(len(data)))
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(data)

    def bucket(self, h, query, body):
        word = next((w for w in ("lifecycle", "encryption", "versioning")
                     if w in query), None)
        if h.command == "PUT":
            self.says[word] = body.decode()
            self.send(h, 200)
        elif word in self.says:
            self.send(h, 200, self.says[word])
        elif word == "lifecycle":
            self.send(h, 404, error("NoSuchLifecycleConfiguration"))
        elif word == "encryption":
            self.send(h, 404, error(
                "ServerSideEncryptionConfigurationNotFoundError"))
        elif word == "versioning":
            self.send(h, 200, "<VersioningConfiguration %s/>" % NS)
        elif "uploads" in query:
            self.send(h, 200, "<ListMultipartUploadsResult %s><IsTruncated>"
                      "false</IsTruncated></ListMultipartUploadsResult>" % NS)
        else:
            self.send(h, 200)

    def encrypted(self, h):
        name = "x-amz-server-side-encryption"
        return ({name: h.headers[name]} if self.sse and name in h.headers
                else {})

    def part(self, h, query, body):
        if "uploads" in query:
            self.uploads["u1"] = []
            self.send(h, 200, "<InitiateMultipartUploadResult %s><UploadId>u1"
                      "</UploadId></InitiateMultipartUploadResult>" % NS,
                      self.encrypted(h))
        elif h.command == "PUT":
            self.uploads[query["uploadId"]].append(body)
            self.send(h, 200, "", {"ETag": '"e"'})
        elif h.command == "GET":
            self.send(h, 200, "<ListPartsResult %s><IsTruncated>false"
                      "</IsTruncated></ListPartsResult>" % NS)
        else:
            del self.uploads[query["uploadId"]]
            self.send(h, 204)

    def object(self, h, key, body):
        if h.command == "PUT":
            if key in self.objects:
                self.send(h, 412, error("PreconditionFailed"))
                return
            self.objects[key] = (body, self.encrypted(h))
            self.send(h, 200, "", {"ETag": '"e"', **self.objects[key][1]})
            return
        if key not in self.objects:
            self.send(h, 404, error("NoSuchKey"))
            return
        body, more = self.objects[key]
        sha = base64.b64encode(hashlib.sha256(body).digest()).decode()
        self.send(h, 200, body, {"x-amz-checksum-sha256": sha,
                                 "Content-Length": str(len(body)), **more})


VERSIONED = ("<VersioningConfiguration %s><Status>Enabled</Status>"
             "</VersioningConfiguration>" % NS)
