"""A SCIM application that refuses nothing, not even a second account of one name, and remembers every request."""

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import tenure

WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Seen:
    """A request as it came in."""

    def __init__(self, method, path, headers, body):
        self.at = time.monotonic()
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body

    @property
    def trace(self):
        """The trace id of the request."""
        parent = self.headers.get("traceparent")
        return parent and parent.split("-")[1]


class Recorder:
    """Serves until it is closed. `pause_s` is how long each answer takes."""

    def __init__(self, pause_s=0.0):
        self.pause_s = pause_s
        self.users = {}
        self.seen = []
        self.lock = threading.Lock()
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Header and body leave together; otherwise the other side's delayed acknowledgement costs 40 ms.
            wbufsize = -1
            disable_nagle_algorithm = True

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except (ConnectionError, TimeoutError):
                    self.close_connection = True

            def log_message(self, *_):
                pass

            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                time.sleep(recorder.pause_s)
                status, document = recorder.answer(Seen(self.command, self.path, self.headers, body))
                text = json.dumps(document).encode() if document is not None else b""
                self.send_response(status)
                self.send_header("Content-Type", tenure.SCIM_JSON)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/scim"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def writes(self):
        with self.lock:
            return [seen for seen in self.seen if seen.method in WRITES]

    def answer(self, seen):
        target = urlsplit(seen.path)
        parts = target.path.removeprefix("/scim").strip("/").split("/")
        with self.lock:
            self.seen.append(seen)
            if parts[0] != "Users":
                return 404, error(404)
            if len(parts) == 1:
                return self.collection(seen, parse_qs(target.query))
            user = self.users.get(parts[1])
            if user is None:
                return 404, error(404)
            return self.resource(seen, user)

    def collection(self, seen, query):
        if seen.method == "POST":
            user = seen.body | {"id": uuid.uuid4().hex}
            self.users[user["id"]] = user
            return 201, user
        found = list(self.users.values())
        if "filter" in query:
            attribute, _, value = query["filter"][0].split(" ", 2)
            found = [user for user in found if str(user.get(attribute)).lower() == json.loads(value).lower()]
        start, count = int(query.get("startIndex", ["1"])[0]), int(query.get("count", ["100"])[0])
        page = found[start - 1 : start - 1 + count]
        return 200, {
            "schemas": [tenure.LIST],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(page),
            "Resources": page,
        }

    def resource(self, seen, user):
        if seen.method == "DELETE":
            del self.users[user["id"]]
            return 204, None
        if seen.method == "PUT":
            user.clear()
            user.update(seen.body)
        if seen.method == "PATCH":
            for operation in seen.body["Operations"]:
                apply(user, operation)
        return 200, user


def apply(user, operation):
    """The operations that whole attributes need; others are remembered only."""
    path, value = operation.get("path"), operation.get("value")
    if operation["op"].lower() == "remove":
        user.pop(path, None)
    elif path:
        user[path] = value
    else:
        user.update(value)


def error(status):
    return {"schemas": [tenure.ERROR], "status": str(status), "detail": "not here"}
