"""RFC 7644 sections 3.8, 3.11 and 3.12: media types, `/Me`, errors."""

import json
import re
import socket
import time

import pytest
from client import BULK, message, new_group, new_user, path_of, replace, requirement, unique

import tenure


@requirement("7644-3.8-01")
def test_utf_8(scim):
    name = unique("Zoë-漢字-\U0001f9f6")
    body = json.dumps(new_user(userName=name), ensure_ascii=False).encode()
    answer = scim.request("POST", "/Users", body)
    assert answer.status_code == 201
    assert json.loads(answer.content.decode("utf-8"))["userName"] == name
    for wrong in (body.decode().encode("utf-16"), b'{"userName":"\xff"}', '{"userName":"ä"}'.encode("latin-1")):
        scim.error(400, "invalidSyntax", "POST", "/Users", wrong)


@requirement("7644-3.8-02", "7644-3.8-03", "7644-3.8-06", "client habit 28")
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/scim+json", "application/scim+json"),
        (None, "application/scim+json"),
        ("*/*", "application/scim+json"),
        ("application/*", "application/scim+json"),
        ("application/json, application/scim+json", "application/scim+json"),
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/xml", "application/scim+json"),
        ("text/html", "application/scim+json"),
        ("nonsense", "application/scim+json"),
    ],
)
def test_media_types_of_answers(scim, user, accept, media_type):
    for path, status in ((path_of(user), 200), ("/Users/none", 404), ("/Schemas", 200)):
        answer = scim.request("GET", path, headers={"Accept": accept})
        assert answer.status_code == status
        assert answer.headers["Content-Type"].split(";")[0] == media_type
        assert answer.json()["schemas"]


@requirement("7644-3.8-04", "client habit 27")
@pytest.mark.parametrize(
    "media_type",
    [
        "application/scim+json",
        "application/json",
        "text/json",
        "application/scim+json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "Application/SCIM+JSON",
        None,
    ],
)
def test_media_types_of_bodies(scim, media_type):
    headers = {"Content-Type": media_type}
    created = scim.request("POST", "/Users", new_user(), headers=headers)
    assert created.status_code == 201
    patched = scim.request("PATCH", path_of(created.json()), message(replace("title", "x")), headers=headers)
    assert patched.status_code == 200


@requirement("7644-3.8-05")
@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "text/html"]
)
def test_other_media_types(scim, media_type):
    name = unique()
    scim.error(415, None, "POST", "/Users", new_user(userName=name), headers={"Content-Type": media_type})
    scim.error(415, None, "POST", "/Users/.search", {"count": 1}, headers={"Content-Type": media_type})
    assert scim.find(f'userName eq "{name}"') == set()


@requirement("7644-3.11-01", "contested-44")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_me(scim, method):
    scim.error(501, None, method, "/Me", None if method in ("GET", "DELETE") else new_user())


# --------------------------------------------------------------------------------------------- errors


@requirement("7644-3.12-01", "7644-3.12-02", "7644-3.12-03", "client habit 32", "contested-46")
def test_statuses_and_keywords(scim, service, user):
    path = path_of(user)
    stranger = service.scim("tnr_none")
    stale = {"If-Match": 'W/"none"'}
    cases = [
        (400, "invalidFilter", scim, "GET", "/Users?filter=x", None, {}),
        (400, "invalidSyntax", scim, "POST", "/Users", "{", {}),
        (400, "invalidValue", scim, "POST", "/Users", {}, {}),
        (400, "invalidPath", scim, "PATCH", path, message(replace("shoeSize", 1)), {}),
        (400, "noTarget", scim, "PATCH", path, message({"op": "remove"}), {}),
        (400, "mutability", scim, "PATCH", path, message({"op": "remove", "path": "userName"}), {}),
        (401, None, stranger, "GET", "/Users", None, {}),
        (404, None, scim, "GET", "/Users/none", None, {}),
        (404, None, scim, "GET", "/Planets", None, {}),
        (405, None, scim, "DELETE", "/Users", None, {}),
        (409, "uniqueness", scim, "POST", "/Users", new_user(userName=user["userName"]), {}),
        (412, None, scim, "DELETE", path, None, stale),
        (413, None, scim, "POST", "/Users", new_user(title="x" * 9_000_000), {}),
        (415, None, scim, "POST", "/Users", new_user(), {"Content-Type": "text/plain"}),
        (501, None, scim, "GET", "/Me", None, {}),
    ]
    for status, scim_type, client, method, target, body, headers in cases:
        document = client.expect(status, method, target, body, headers=headers)
        assert document["schemas"] == [tenure.ERROR], target
        assert (document["status"], document.get("scimType")) == (str(status), scim_type), target
        assert document["detail"], target


@requirement("7644-3.12-05")
@pytest.mark.parametrize(
    "body",
    ["", " ", "{", "[]", "null", "5", '"x"', '{"userName": "x"', "{'userName': 'x'}", '{"userName":"x"}}', "\ufeff{}"],
)
def test_bodies_that_are_no_message(scim, user, body):
    data = body.encode()
    scim.error(400, "invalidSyntax", "POST", "/Users", data)
    scim.error(400, "invalidSyntax", "PUT", path_of(user), data)
    scim.error(400, "invalidSyntax", "PATCH", path_of(user), data)
    scim.error(400, "invalidSyntax", "POST", "/Users/.search", data)
    assert scim.read(user) == user


@requirement("7644-3.12-05")
def test_keys_that_occur_twice(scim, user):
    name = unique()
    for body in (f'{{"userName":"{name}","userName":"x"}}', f'{{"userName":"{name}","USERNAME":"x"}}'):
        scim.error(400, "invalidSyntax", "POST", "/Users", body)
    assert scim.find(f'userName eq "{name}"') == set()
    for operation in (
        '{"op":"add","path":"title","Path":"nickName","value":"x"}',
        '{"op":"add","OP":"remove","path":"title"}',
    ):
        scim.error(400, "invalidSyntax", "PATCH", path_of(user), f'{{"Operations":[{operation}]}}')
    two = '{"Operations":[{"op":"add","path":"title","value":"x"}],"operations":[]}'
    scim.error(400, "invalidSyntax", "PATCH", path_of(user), two)
    assert scim.read(user) == user


@requirement("7644-3.12-09")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_no_mistake_is_the_servers_failure(scim, user, method):
    """Hostile ids, paths, queries and bodies: whatever it is, it is 2xx or 4xx."""
    before = scim.read(user)
    targets = [
        "/Users/%00",
        "/Users/%ff",
        "/Users/..%2f..",
        "/Users/" + "x" * 3000,
        "/Users/'%20or%20'1'='1",
        "/Users/%252e",
    ]
    targets += [
        "/Groups/\u00e4",
        "/Schemas/%",
        "/Users?filter=%ff",
        "/Users?count=" + "9" * 400,
        "/Users?startIndex=&count=",
    ]
    targets += [
        f"{path_of(user)}?attributes=" + "a," * 2000,
        "/Users?filter=a&filter=b",
        "/Users/.search",
        "//",
        "/./Users",
    ]
    bodies = [
        None,
        "",
        "{}",
        "[" * 9000,
        '{"a":' * 500,
        json.dumps({"emails": [{}] * 3000}),
        b"\x00\xff",
        '{"userName":1e999}',
    ]
    for target in targets:
        for body in bodies[:2]:
            if method != "DELETE" or not target.startswith(path_of(user)):
                assert scim.request(method, target, body).status_code < 500, target
    if method in ("POST", "PUT", "PATCH"):
        target = "/Users" if method == "POST" else path_of(user)
        for body in bodies:
            assert 400 <= scim.request(method, target, body).status_code < 500
    assert scim.read(user) == before


@requirement("7644-3.12-10")
def test_errors_give_nothing_away(scim, service, user):
    secret = unique("hunter")
    token = f"tnr_{secret}"
    answers = [
        service.scim(token).request("GET", "/Users"),
        scim.request("POST", "/Users", new_user(password=secret, active="maybe")),
        scim.request("PATCH", path_of(user), message(replace("password", secret), replace("shoeSize", 1))),
        scim.request("GET", "/Users", params={"filter": f'password eq "{secret}"'}),
        scim.request("POST", "/Users", "{"),
        scim.request("GET", "/Users/none"),
    ]
    inside = re.compile(r"panicked|\.rs:\d|SQL|sqlite|stack backtrace|/root/|src/", re.IGNORECASE)
    for answer in answers:
        assert answer.status_code >= 400
        assert secret not in answer.text
        assert not inside.search(answer.text), answer.text


def exchange(scim, head, rest=b""):
    """Sends a request in two parts, the second after the answer to the first, and another request; the answers."""
    host, port = scim.base.removeprefix("http://").split("/")[0].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(head)
        first = connection.recv(65536)
        # Time enough for a server that closes after its answer to have done so.
        time.sleep(0.05)
        try:
            connection.sendall(rest + b"GET /scim/ServiceProviderConfig HTTP/1.1\r\nHost: x\r\n\r\n")
            return first, connection.recv(65536)
        except OSError:
            return first, b""


@requirement("contested-46", "7644-3.12-02")
@pytest.mark.parametrize("target", ["/scim/Schemas", "/scim/Planets", "/scim/Me", "/scim/Users"])
def test_answer_before_the_body(scim, target):
    """A refusal that comes before the body either leaves the connection usable or says that it ends."""
    token = scim.http.headers["Authorization"] if target != "/scim/Users" else "Bearer tnr_none"
    lines = [f"POST {target} HTTP/1.1", "Host: x", f"Authorization: {token}", "Content-Type: application/json"]
    head = "\r\n".join([*lines, "Content-Length: 2", "", ""])
    first, second = exchange(scim, head.encode(), b"{}")
    if not first:
        pytest.skip("the server waits for the body first")
    assert first.split(b" ")[1][:1] in (b"4", b"5")
    assert b"connection: close" in first.lower() or second.startswith(b"HTTP/1.1 200")


@requirement("7644-3.12-02", "7644-3.8-05")
def test_bodies_that_are_too_large(scim, user):
    for method, target, document in (
        ("POST", "/Users", new_user()),
        ("PUT", path_of(user), new_user()),
        ("POST", "/Groups", new_group()),
    ):
        document |= {"title": "x" * 9_000_000}
        assert scim.expect(413, method, target, document)["status"] == "413"
    assert scim.read(user) == user
    assert (
        scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": [], "padding": "x" * 9_000_000}).status_code
        == 413
    )
