"""HTTP by hand: requests that no client library would send, and bodies that are made while they are sent."""

import json
import select
import socket

ANSWER_S = 60
PIECE = 64 * 1024


class Answer:
    """Status, header lines and body of an answer. Status 0: the connection was closed without one."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        self.lines = head.decode("latin-1").split("\r\n")
        words = self.lines[0].split(" ")
        self.status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    @property
    def document(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


class Wire:
    """Sends requests to a server, each over a connection of its own, as the client with that token."""

    def __init__(self, port, token):
        self.port = port
        self.token = token

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_S)

    def head(self, method, path, *lines):
        """Request line and headers, without the empty line that ends them."""
        base = [f"{method} /scim/v2{path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close"]
        return "\r\n".join([*base, f"Authorization: Bearer {self.token}", *lines]).encode("latin-1") + b"\r\n"

    def request(self, method, path, pieces=None, size=None, lines=()):
        """Sends a request; `pieces` are those of the body, `size` their bytes together."""
        more = [f"Content-Length: {size}", "Content-Type: application/scim+json"] if pieces is not None else []
        return self.send(self.head(method, path, *more, *lines) + b"\r\n", pieces or ())

    def send(self, head, pieces=()):
        """Sends bytes until there is an answer, as the server need not wait for the end of a body that it refuses."""
        with self.connect() as connection:
            try:
                connection.sendall(head)
                for piece in pieces:
                    if select.select([connection], [], [], 0)[0]:
                        break
                    connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass
            return Answer(everything(connection))


def everything(connection):
    """What arrives until the other side closes the connection."""
    received = bytearray()
    try:
        while part := connection.recv(PIECE):
            received += part
    except ConnectionResetError:
        pass
    return bytes(received)


class Body:
    """A body of `count` times the same text between a beginning and an end, made piece by piece."""

    def __init__(self, before, text, count, after, between=","):
        self.before, self.text, self.count, self.after, self.between = before, text, count, after, between

    def __len__(self):
        joined = len(self.text.encode()) * self.count + len(self.between.encode()) * max(0, self.count - 1)
        return len(self.before.encode()) + joined + len(self.after.encode())

    def __iter__(self):
        yield self.before.encode()
        at_once = max(1, PIECE // (len(self.text) + len(self.between)))
        for done in range(0, self.count, at_once):
            part = min(at_once, self.count - done)
            piece = self.between.join([self.text] * part)
            yield (piece if done + part >= self.count else piece + self.between).encode()
        yield self.after.encode()
