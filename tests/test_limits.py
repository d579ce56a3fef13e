"""Limits of the SCIM side: what is allowed works, one more is refused with a word on the limit, and so is far more.

The tests share one server, whose memory must not have grown at the end, and which must answer after each of them.
"""

import gzip
import itertools
import json
import threading
from urllib.parse import quote

import pytest

import tenure
from wire import Body, Wire, everything

KIB, MIB = 1024, 1024 * 1024
MEMORY_GROWTH = 64 * MIB
FAR = 100
CONNECTIONS = 200
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

CHANGE = json.dumps({"schemas": [tenure.PATCH], "Operations": [{"op": "add", "path": "title", "value": "x"}]})

FIRST = json.dumps({"method": "DELETE", "path": "/Users/nobody"})

numbers = itertools.count(1)


class House:
    """A server with one person, whom some requests change, and its memory before anything was asked."""

    def __init__(self, server):
        self.server = server
        token = server.workspace("Limits").token()
        self.scim = server.scim(token)
        self.wire = Wire(server.port, token)
        self.person = self.scim.create("Users", tenure.number(0, "limits"))
        for _ in range(20):
            self.scim.get("/Users", count=10)
        self.memory = tenure.peak_memory_bytes(server.pid)

    def flat(self):
        """No request so far has cost much memory."""
        grown = tenure.peak_memory_bytes(self.server.pid) - self.memory
        assert grown < MEMORY_GROWTH, f"{grown / MIB:.0f} MiB more than at the start"

    def send(self, method, path, body=None):
        pieces = [body.encode()] if isinstance(body, str) else body
        size = None if body is None else len(pieces[0]) if isinstance(body, str) else len(body)
        return self.wire.request(method, path, pieces, size)


@pytest.fixture(scope="module")
def shared_house(shared_server):
    return House(shared_server)


@pytest.fixture
def house(shared_house):
    """The house, which must be in order after the test."""
    yield shared_house
    assert shared_house.wire.request("GET", f"/Users/{shared_house.person['id']}").document["userName"]
    assert shared_house.server.process.alive()


# ------------------------------------------------------------------------------- requests of any size


def opening():
    """The beginning of a user's document, with a name nobody has."""
    return f'{{"schemas":["{tenure.USER}"],"userName":"limits {next(numbers)}"'


def create(before, text, count, after, between=","):
    return "POST", "/Users", Body(f"{opening()},{before}", text, count, f"{after}}}", between)


def filtered(text):
    return "GET", f"/Users?count=0&filter={quote(text)}", None


def searched(text):
    return "POST", "/Users/.search", json.dumps({"schemas": [SEARCH], "count": 0, "filter": text})


def patched(house, before, text, count, after, between=","):
    body = Body(f'{{"schemas":["{tenure.PATCH}"],"Operations":[{before}', text, count, f"{after}]}}", between)
    return "PATCH", f"/Users/{house.person['id']}", body


def bulk(before, text, count, after, between=","):
    return "POST", "/Bulk", Body(f'{{"schemas":["{BULK}"],"Operations":[{before}', text, count, f"{after}]}}", between)


def padded(method, path, beginning, size):
    """A document with white space up to a size."""
    return method, path, Body(beginning, " ", size - len(beginning) - 1, "}", between="")


def filter_of_length(size):
    return f'userName eq "{"x" * (size - len("userName eq ") - 2)}"'


def keys(count):
    members = ",".join(f'"k{key}":0' for key in range(count))
    return "POST", "/Users", f'{opening()},"unknown":{{{members}}}}}'


def nested(depth):
    # The document itself is one level.
    return create('"unknown":' + "[" * (depth - 1), "0", 1, "]" * (depth - 1))


# Name, size, request of a size, status and scimType of a refusal, what its text says, statuses of far too much.
LIMITS = [
    ("filter length", 2048, lambda h, n: filtered(filter_of_length(n)), (400, "invalidFilter"), "2048", {400, 431}),
    (
        "length of a posted filter",
        2048,
        lambda h, n: searched(filter_of_length(n)),
        (400, "invalidFilter"),
        "2048",
        {400},
    ),
    ("filter depth", 16, lambda h, n: searched("(" * n + "title pr" + ")" * n), (400, "invalidFilter"), "16", {400}),
    # One part is the `or` itself.
    (
        "filter parts",
        64,
        lambda h, n: searched(" or ".join(["title pr"] * (n - 1))),
        (400, "invalidFilter"),
        "64",
        {400},
    ),
    (
        "path length",
        2048,
        lambda h, n: patched(
            h, '{"op":"replace","value":"x","path":"emails[type eq \\"', "x", n - 24, '\\"].value"}', ""
        ),
        (400, "invalidPath"),
        "2048",
        {400},
    ),
    (
        "operations of a PATCH",
        10_000,
        lambda h, n: patched(h, "", '{"op":"add","path":"title","value":"x"}', n, ""),
        (400, "tooMany"),
        "10000",
        {400, 413},
    ),
    ("JSON depth", 32, lambda h, n: nested(n), (400, "invalidSyntax"), "32", {400}),
    ("JSON keys", 1000, lambda h, n: keys(n), (400, "invalidSyntax"), "1000", {400, 413}),
    (
        "JSON array",
        100_000,
        lambda h, n: create('"unknown":[', "0", n, "]"),
        (400, "invalidSyntax"),
        "100000",
        {400, 413},
    ),
    (
        "JSON string",
        64 * KIB,
        lambda h, n: create('"title":"', "x", n, '"', between=""),
        (400, "invalidSyntax"),
        "65536",
        {400, 413},
    ),
    (
        "values of an attribute",
        1000,
        lambda h, n: create('"emails":[', '{"value":"a@b.example"}', n, "]"),
        (400, "invalidValue"),
        "1000",
        {400, 413},
    ),
    ("body", MIB, lambda h, n: padded("POST", "/Users", opening(), n), (413, None), "1048576", {413}),
    (
        "operations of a bulk request",
        1000,
        lambda h, n: bulk("", f'{{"method":"PATCH","path":"/Users/{h.person["id"]}","data":{CHANGE}}}', n, ""),
        (413, None),
        "1000",
        {413},
    ),
    (
        "bulk body",
        8 * MIB,
        lambda h, n: padded("POST", "/Bulk", f'{{"schemas":["{BULK}"],"Operations":[{FIRST}]', n),
        (413, None),
        "8388608",
        {413},
    ),
    (
        "bulkId",
        256,
        lambda h, n: bulk('{"method":"POST","path":"/Groups","data":{},"bulkId":"', "x", n, '"}', ""),
        (400, "invalidSyntax"),
        "256",
        {400},
    ),
]


@pytest.mark.parametrize(("size", "make"), [row[1:3] for row in LIMITS], ids=[row[0] for row in LIMITS])
def test_as_much_as_allowed(house, size, make):
    answer = house.send(*make(house, size))
    assert answer.status in (200, 201, 204), answer


@pytest.mark.parametrize(
    ("size", "make", "refusal", "named"), [row[1:5] for row in LIMITS], ids=[row[0] for row in LIMITS]
)
def test_one_more(house, size, make, refusal, named):
    answer = house.send(*make(house, size + 1))
    assert (answer.status, answer.document.get("scimType")) == refusal, answer
    assert named in answer.document["detail"].replace(",", ""), answer


@pytest.mark.parametrize(
    ("size", "make", "statuses"), [(*row[1:3], row[5]) for row in LIMITS], ids=[row[0] for row in LIMITS]
)
def test_far_more(house, size, make, statuses):
    answer = house.send(*make(house, size * FAR))
    assert answer.status in statuses, answer
    assert answer.status == 431 or answer.document["schemas"] == [tenure.ERROR], answer


def test_body_without_length(house):
    """Chunks that never end are cut off at the same limit."""
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = house.wire.head("POST", "/Users", "Transfer-Encoding: chunked", "Content-Type: application/scim+json")
    answer = house.wire.send(head + b"\r\n", itertools.repeat(chunk, FAR * MIB // 0x10000))
    assert answer.status == 413, answer
    assert "1048576" in answer.document["detail"]


# ------------------------------------------------------------------------------------------- headers


def header_lines(house, count):
    """A request with that many header lines."""
    head = house.wire.head("GET", "/Users?count=0")
    there = head.count(b"\r\n") - 1
    return head + b"".join(b"X-%d: y\r\n" % index for index in range(count - there)) + b"\r\n"


def header_bytes(house, size):
    """A request whose request line and headers have that many bytes."""
    head = house.wire.head("GET", "/Users?count=0") + b"X-Long: "
    return head + b"y" * (size - len(head) - 4) + b"\r\n\r\n"


def long_path(house, size):
    return house.wire.head("GET", f"/Users?count=0&x={'y' * size}") + b"\r\n"


HEADS = [("lines", header_lines, 64), ("bytes", header_bytes, 16 * KIB), ("path", long_path, 15 * KIB)]


@pytest.mark.parametrize(("make", "size"), [row[1:] for row in HEADS], ids=[row[0] for row in HEADS])
def test_headers(house, make, size):
    assert house.wire.send(make(house, size)).status == 200
    assert house.wire.send(make(house, size + 2 * KIB if size > KIB else size + 1)).status == 431
    # Far too much: the connection may end without a word.
    assert house.wire.send(make(house, size * FAR)).status in (431, 414, 0)


# --------------------------------------------------------------------------------------------- pages


def test_count_is_cut(house):
    operation = '{"method":"POST","path":"/Users","bulkId":"%d","data":{"schemas":["%s"],"userName":"page %d"}}'
    for start in (0, 1000):
        operations = ",".join(operation % (index, tenure.USER, start + index) for index in range(1000))
        body = f'{{"schemas":["{BULK}"],"Operations":[{operations}]}}'
        assert house.send("POST", "/Bulk", body).status == 200
    for count in (1000, 1001, 100_000):
        answer = house.scim.get("/Users", count=count, attributes="id")
        assert (answer["itemsPerPage"], len(answer["Resources"])) == (1000, 1000)
        assert answer["totalResults"] > 2000


def test_start_index(house):
    """Deep pages are for cursors."""
    assert house.scim.get("/Users", startIndex=100_000, count=1).get("Resources", []) == []
    # Behind the end there is nothing to page over; `tests/conformance` asks where there is.
    for start in (100_001, 10_000_000):
        assert house.scim.get("/Users", startIndex=start, count=1).get("Resources", []) == []


# ------------------------------------------------------------------------------------ what no one sends

MALFORMED = {
    "a key twice": '"title":"a","title":"b"',
    "a key twice within": '"name":{"givenName":"a","givenName":"b"}',
    "NaN": '"title":NaN',
    "Infinity": '"title":-Infinity',
    "a number without end": '"title":1e999',
    "lone surrogate": '"title":"\\ud800"',
    "surrogates in the wrong order": '"title":"\\udc00\\ud800"',
    "escaped NUL": '"title":"a\\u0000b"',
    "NUL": b'"title":"a\x00b"',
    "control character": '"title":"a\nb"',
    "half a character": b'"title":"\xc3"',
    "overlong character": b'"title":"\xc0\xaf"',
    "surrogate in UTF-8": b'"title":"\xed\xa0\x80"',
    "comment": '"title":"a" /* no */',
    "comma at the end": '"title":"a",',
    "quotes of the wrong kind": "'title':'a'",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_malformed_json(house, text):
    body = opening().encode() + b"," + (text if isinstance(text, bytes) else text.encode()) + b"}"
    answer = house.wire.request("POST", "/Users", [body], len(body))
    assert (answer.status, answer.document.get("scimType")) == (400, "invalidSyntax"), answer


ENCODED = {
    "gzip": (["Content-Encoding: gzip"], lambda: gzip.compress(b" " * 50 * MIB)),
    "unknown encoding": (["Content-Encoding: zstd"], lambda: b"\x28\xb5\x2f\xfd"),
    "UTF-16": (["Content-Type: application/scim+json; charset=utf-16"], lambda: (opening() + "}").encode("utf-16")),
    "XML": (["Content-Type: application/xml"], lambda: b"<user/>"),
}


@pytest.mark.parametrize(("lines", "make"), ENCODED.values(), ids=ENCODED)
def test_encoded_body(house, lines, make):
    body = make()
    kind = [] if any(line.startswith("Content-Type") for line in lines) else ["Content-Type: application/scim+json"]
    head = house.wire.head("POST", "/Users", f"Content-Length: {len(body)}", *kind, *lines)
    answer = house.wire.send(head + b"\r\n", [body])
    assert answer.status == 415, answer


PATHS = ["/Users/%00", "/Users/%ff", "/Users/..%2f..%2fetc%2fpasswd", "/Users/../../console", "/Users/" + "x" * 8000]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:30])
def test_strange_path(house, path):
    assert house.wire.request("GET", path).status in (400, 404)


GARBAGE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "NUL in a header": b"GET /scim/v2/Users HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
    "two lengths": b"POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "negative length": b"POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{}",
    "endless length": b"POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    "long method": b"X" * 9000 + b" /scim/v2/Users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "HTTP 9.9": b"GET /scim/v2/Users HTTP/9.9\r\nHost: a\r\n\r\n",
    "space before the colon": b"GET /scim/v2/Users HTTP/1.1\r\nHost : a\r\n\r\n",
    "no size of a chunk": b"POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
}


@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE)
def test_garbage(house, raw):
    status = house.wire.send(raw + b"\r\n" * 2).status
    assert status == 0 or 400 <= status < 500


# Small documents that become large in memory, as large as they may be.
BOMBS = {"empty lists": "[]", "small objects": '{"a":0}', "empty texts": '""'}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize(("path", "limit"), [("/Users", MIB), ("/Bulk", 8 * MIB)], ids=["user", "bulk"])
def test_small_document_that_grows(server, path, limit, text):
    house = House(server)
    part = "[" + ",".join([text] * 90_000) + "]"
    # Its end is missing, so that nothing else is wrong with it before it is read.
    body = Body('{"unknown":[', part, (limit - KIB) // (len(part) + 1), "]")
    answer = house.send("POST", path, body)
    assert (answer.status, answer.document.get("scimType")) == (400, "invalidSyntax"), answer
    house.flat()


# --------------------------------------------------------------------------------------- slow and many


def seconds_until_closed(connection):
    """What arrives until the server closes; sends nothing more."""
    connection.settimeout(40)
    return everything(connection)


def test_slow_clients(house):
    """Headers that drip and bodies that stop end the connection, and nobody else waits for them."""
    results = {}

    def drip():
        with house.wire.connect() as connection:
            head = house.wire.head("GET", "/Users")
            ended = threading.Event()
            try:
                for byte in itertools.islice(itertools.cycle(head), 60):
                    connection.sendall(bytes([byte]))
                    ended.wait(0.5)
                results["drip"] = "still open after 30 s"
            except (BrokenPipeError, ConnectionResetError):
                results["drip"] = b""

    def silent():
        with house.wire.connect() as connection:
            connection.sendall(b"GET /scim/v2/Users HTTP/1.1\r\nHost:")
            results["silent"] = seconds_until_closed(connection)

    def stop():
        with house.wire.connect() as connection:
            lines = ["Content-Length: 1000", "Content-Type: application/scim+json"]
            connection.sendall(house.wire.head("POST", "/Users", *lines) + b"\r\n{")
            results["stop"] = seconds_until_closed(connection)

    threads = [threading.Thread(target=client) for client in (drip, silent, stop) for _ in range(20)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert house.scim.get("/Users", count=0)["totalResults"] > 0
        threads[-1].join(0.5)
        for thread in threads:
            thread.join(0.01)
    assert results["drip"] == b""
    assert results["silent"] == b"" or b" 408 " in results["silent"].split(b"\r\n")[0]
    assert b" 408 " in results["stop"].split(b"\r\n")[0]
    assert tenure.ERROR.encode() in results["stop"]


def test_many_connections(house):
    """Each of them is answered while all are open."""
    head = house.wire.head("GET", "/Users?count=0") + b"\r\n"
    connections = [house.wire.connect() for _ in range(CONNECTIONS)]
    try:
        for connection in connections:
            connection.sendall(head[:20])
        assert house.scim.get("/Users", count=0)["totalResults"] > 0
        for connection in connections:
            connection.sendall(head[20:])
        answers = [everything(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)


# --------------------------------------------------------------------------------------------- the end


def test_memory_has_not_grown(house):
    """Runs last: no request of this file may cost much memory, however large it says it is."""
    house.flat()


def test_no_error_of_the_server(house):
    """Runs last: whatever was sent, the fault was never the server's."""
    statuses = [line for line in house.server.process.errors().splitlines() if '"status":5' in line]
    assert not statuses, statuses[:5]
    assert "panicked" not in house.server.process.errors()
