"""Wrong input gets the precise error, and changes nothing."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import tenure


@pytest.fixture
def house(server):
    """A workspace with a person and a group, and everything that can be seen of it."""
    return House(server)


class House:
    def __init__(self, server):
        self.server = server
        self.workspace = server.workspace("Northwind Mills")
        self.scim = server.scim(self.workspace.token())
        self.ada = self.scim.create("Users", tenure.person("Ada Okafor"))
        self.group = self.scim.create(
            "Groups", {"schemas": [tenure.GROUP], "displayName": "Weavers", "members": [{"value": self.ada["id"]}]}
        )

    def everything(self):
        return json.dumps([self.scim.snapshot(), self.workspace.audit()], sort_keys=True)


@pytest.fixture
def unchanged(house):
    """Compares the whole workspace, audit log included, before and after the test."""
    before = house.everything()
    yield house
    assert house.everything() == before


def patch(*operations):
    return {"schemas": [tenure.PATCH], "Operations": list(operations)}


# ---------------------------------------------------------------------------------------------- SCIM


@pytest.mark.parametrize("token", ["tnr_wrong", "", "x" * 5000, "tnr_ wrong", "Bearer"])
def test_bad_token(unchanged, token):
    stranger = unchanged.server.scim(token)
    answer = stranger.request("GET", "/Users")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].split(";")[0] == tenure.SCIM_JSON
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    document = answer.json()
    assert (document["schemas"], document["status"]) == ([tenure.ERROR], "401")
    assert "token" in document["detail"].lower()


def test_two_megabytes(unchanged):
    body = json.dumps(tenure.person("Big Body") | {"title": "x" * 2_000_000})
    detail = unchanged.scim.error(413, None, "POST", "/Users", body)
    assert any(character.isdigit() for character in detail), f"the limit is not named: {detail}"
    unchanged.scim.error(413, None, "PATCH", f"/Users/{unchanged.ada['id']}", body)


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ('favouriteColour eq "red"', "favouriteColour"),
        ("userName eq", None),
        ('userName is "a"', "is"),
        ('(userName eq "a"', None),
        ('emails[kind eq "work"]', "kind"),
        ("userName eq 'a'", None),
        ("active gt true", None),
        ("a" * 5000, None),
        ("(" * 200 + "title pr" + ")" * 200, None),
    ],
)
def test_wrong_filter(unchanged, condition, named):
    detail = unchanged.scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": condition})
    assert named is None or named in detail, detail


@pytest.mark.parametrize(
    ("operation", "scim_type", "named"),
    [
        ({"op": "replace", "path": "favouriteColour", "value": "red"}, "invalidPath", "favouriteColour"),
        ({"op": "replace", "path": "name.nick", "value": "A"}, "invalidPath", "nick"),
        ({"op": "replace", "path": "emails[type eq", "value": "A"}, "invalidPath", None),
        ({"op": "replace", "path": "urn:example:none:1.0:User:x", "value": "A"}, "invalidPath", "urn:example:none"),
        ({"op": "remove"}, "noTarget", None),
        ({"op": "shuffle", "path": "title", "value": "x"}, "invalidSyntax", "shuffle"),
        ({"op": "replace", "path": "title", "value": {"a": 1}}, "invalidValue", "title"),
        ({"op": "replace", "path": "active", "value": "maybe"}, "invalidValue", "active"),
        ({"op": "remove", "path": "userName"}, None, "userName"),
    ],
)
def test_wrong_patch(unchanged, operation, scim_type, named):
    answer = unchanged.scim.request("PATCH", f"/Users/{unchanged.ada['id']}", patch(operation))
    document = answer.json()
    assert answer.status_code == 400, document
    assert document["schemas"] == [tenure.ERROR]
    assert scim_type is None or document.get("scimType") == scim_type, document
    assert named is None or named in document["detail"], document


def test_patch_is_all_or_nothing(unchanged):
    good = {"op": "replace", "path": "title", "value": "Changed"}
    bad = {"op": "replace", "path": "favouriteColour", "value": "red"}
    unchanged.scim.error(400, "invalidPath", "PATCH", f"/Users/{unchanged.ada['id']}", patch(good, bad))


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        ("{", "invalidSyntax"),
        ("", "invalidSyntax"),
        ("[]", "invalidSyntax"),
        ('"text"', "invalidSyntax"),
        ("[" * 5000 + "]" * 5000, "invalidSyntax"),
        (b"\xff\xfe\x00", "invalidSyntax"),
        (json.dumps({"schemas": [tenure.USER]}), "invalidValue"),
        (json.dumps({"schemas": [tenure.USER], "userName": 7}), "invalidValue"),
        (json.dumps({"schemas": [tenure.USER], "userName": "x", "emails": 7}), "invalidValue"),
        (json.dumps({"schemas": [tenure.USER], "userName": "x", "active": "maybe"}), "invalidValue"),
    ],
)
def test_wrong_body(unchanged, body, scim_type):
    unchanged.scim.error(400, scim_type, "POST", "/Users", body)


def test_taken_name(unchanged):
    document = tenure.person("Ada Okafor") | {"userName": unchanged.ada["userName"].upper()}
    detail = unchanged.scim.error(409, "uniqueness", "POST", "/Users", document)
    assert "userName" in detail


def test_stale_version(unchanged):
    path = f"/Users/{unchanged.ada['id']}"
    stale = {"If-Match": 'W/"no-such-version"'}
    unchanged.scim.error(412, None, "PUT", path, tenure.person("Ada Okafor") | {"title": "X"}, headers=stale)
    unchanged.scim.error(412, None, "DELETE", path, headers=stale)


def test_wrong_media_type_and_method(unchanged):
    answer = unchanged.scim.request("POST", "/Users", "userName=x", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    answer = unchanged.scim.request("DELETE", "/Users")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    unchanged.scim.error(404, None, "GET", "/Planets")
    unchanged.scim.error(404, None, "GET", "/Users/no-such-id")


# ------------------------------------------------------------------------------------ the other side


def web_page(status=200, kind="text/html", body=b"<html><body>Sign in</body></html>"):
    """A server that is something, but not SCIM."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return listener


@pytest.fixture
def url_of():
    listeners = []

    def start(**options):
        listeners.append(web_page(**options))
        return f"http://127.0.0.1:{listeners[-1].server_port}/scim"

    yield start
    for listener in listeners:
        listener.shutdown()
        listener.server_close()


def refused(application):
    """The text of a connection test that fails."""
    done = application.run("test", exit_code=tenure.UNREACHABLE)
    return done.stdout + done.stderr


def test_html_instead_of_scim(house, url_of):
    application = house.workspace.application("Page", url_of(), "secret", scope="all")
    text = refused(application)
    assert "HTML, not SCIM" in text
    # Nor does a cycle take the page for an empty directory.
    done = application.run("run", exit_code=tenure.UNREACHABLE)
    assert "HTML" in done.stdout + done.stderr
    assert not [entry for entry in application.log() if entry["status"] == "success"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 404}, "404"),
        ({"status": 500, "kind": "text/plain", "body": b"broken"}, "500"),
        ({"kind": "application/json", "body": b"[]"}, "JSON"),
        ({"kind": "application/scim+json", "body": b"{}"}, None),
    ],
)
def test_wrong_tenant_url(house, url_of, answer, said):
    text = refused(house.workspace.application("Wrong", url_of(**answer), "secret"))
    assert said is None or said in text, text


def test_nothing_listens(house):
    application = house.workspace.application("Nobody", f"http://127.0.0.1:{tenure.free_port()}/scim", "secret")
    assert "connect" in refused(application).lower()


def test_wrong_secret_at_a_real_target(pair):
    application = pair.source.application("Exium", f"{pair.receiver.url}/scim", "tnr_wrong", scope="all")
    text = refused(application)
    assert "401" in text
    assert "tnr_wrong" not in text
    pair.people.create("Users", tenure.person("Ada Okafor"))
    application.run("run", exit_code=tenure.UNREACHABLE)
    assert pair.accounts.total("Users") == 0


@pytest.mark.parametrize(
    "url", ["", "scim.example", "ftp://scim.example/", "http://user:pass@scim.example/", "file:///etc"]
)
def test_url_that_is_none(unchanged, url):
    done = unchanged.workspace.run(
        "application", "create", "--name", "Bad", "--tenant-url", url, "--secret-token", "x", exit_code=tenure.USAGE
    )
    assert "error:" in done.stderr
    assert unchanged.workspace.json("application", "list")["applications"] == []


# ------------------------------------------------------------------------------------------- import

CSV = """\
userName,name.givenName,name.familyName,active,title
björn.lind@northwind.example,Björn,Lind,true,Dyer
too.few@northwind.example,Too
chen.fang@northwind.example,Chen,Fang,perhaps,Dyer
,No,Name,true,Dyer
BJÖRN.LIND@northwind.example,Björn,Again,true,Dyer
"dana@northwind.example","Dana ""D"" ","Ibáñez, PhD",true,"two
lines"
eero@northwind.example,Eero,Mäkinen,no,
too.many@northwind.example,a,b,true,c,d
"""
BROKEN = {3, 4, 5, 6, 10}
GOOD = {"björn.lind@northwind.example", "dana@northwind.example", "eero@northwind.example"}


@pytest.fixture
def broken_file(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(CSV)
    return path


def test_broken_lines_in_a_dry_run(unchanged, broken_file):
    done = unchanged.workspace.run("import", broken_file, "--dry-run", "--json", exit_code=tenure.PARTLY)
    report = json.loads(done.stdout)
    assert (report["created"], report["failed"]) == (len(GOOD), len(BROKEN))
    assert {error["line"] for error in report["errors"]} == BROKEN
    for line in BROKEN:
        assert f"people.csv:{line}:" in done.stderr
    assert "perhaps" in done.stderr
    assert "in the file already" in done.stderr


def test_broken_lines_leave_the_good_ones(house, broken_file):
    report = house.workspace.json("import", broken_file, exit_code=tenure.PARTLY)
    assert {error["line"] for error in report["errors"]} == BROKEN
    names = {user["userName"] for user in house.scim.all("Users")} - {house.ada["userName"]}
    assert names == GOOD
    dana = house.scim.user("dana@northwind.example")
    assert dana["name"]["familyName"] == "Ibáñez, PhD"
    assert dana["title"] == "two\nlines"
    assert house.scim.user("eero@northwind.example")["active"] is False


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", tenure.USAGE, "empty"),
        ("title,department\nA,B\n", tenure.USAGE, "userName"),
        ("userName,shoeSize\na@b.example,42\n", tenure.USAGE, "shoeSize"),
        ("userName,userName\na@b.example,b@b.example\n", tenure.USAGE, "userName"),
        ("userName,title\na@b.example,X\xff\n", tenure.FAILED, ":2:"),
        ('userName,title\n"a@b.example,X\n', tenure.FAILED, ":2:"),
    ],
)
def test_file_that_cannot_be_used(unchanged, tmp_path, text, code, said):
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="latin-1")
    done = unchanged.workspace.run("import", path, exit_code=code)
    assert said in done.stderr, done.stderr


def test_wrong_json_lines(unchanged, tmp_path):
    path = tmp_path / "people.jsonl"
    path.write_text('{"userName": "a"\n{"userName": 1}\n[]\n{"displayName": "nobody"}\n')
    report = json.loads(unchanged.workspace.run("import", path, "--json", exit_code=tenure.FAILED).stdout)
    assert [error["line"] for error in report["errors"]] == [1, 2, 3, 4]


def test_missing_file_and_column(unchanged, tmp_path):
    unchanged.workspace.run("import", tmp_path / "none.csv", exit_code=tenure.NOT_FOUND)
    path = tmp_path / "people.csv"
    path.write_text("userName,Cost unit\na@b.example,1\n")
    done = unchanged.workspace.run("import", path, "--map", "Cost unit=shoeSize", exit_code=tenure.USAGE)
    assert "shoeSize" in done.stderr


# ------------------------------------------------------------------------------------- command line


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["token", "list", "--workspace", "Nowhere"], tenure.NOT_FOUND, "Nowhere"),
        (["application", "status", "None", "--workspace", "Northwind Mills"], tenure.NOT_FOUND, "None"),
        (["application", "run", "None", "--workspace", "Northwind Mills"], tenure.NOT_FOUND, "None"),
        (["log", "list", "--application", "None", "--workspace", "Northwind Mills"], tenure.NOT_FOUND, "None"),
        (["user", "get", "nobody", "--workspace", "Northwind Mills"], tenure.NOT_FOUND, "nobody"),
        (["workspace", "create", "northwind MILLS"], tenure.CONFLICT, "northwind MILLS"),
        (["token", "revoke", "tok_none", "--workspace", "Northwind Mills"], tenure.NOT_FOUND, None),
        (["frobnicate"], tenure.USAGE, "frobnicate"),
        (["serve", "--listen", "nowhere"], tenure.USAGE, "nowhere"),
        (["serve", "--listen", "0.0.0.0:0"], tenure.USAGE, "plain http"),
    ],
)
def test_wrong_commands(unchanged, arguments, code, said):
    done = unchanged.server.cli.run(*arguments, exit_code=code)
    assert done.stdout == ""
    assert done.stderr.startswith("error:"), done.stderr
    assert said is None or said in done.stderr, done.stderr
    assert "panicked" not in done.stderr


def test_a_missing_workspace_comes_with_a_hint(unchanged):
    done = unchanged.server.cli.run("token", "list", "--workspace", "Nowhere", exit_code=tenure.NOT_FOUND)
    assert "hint:" in done.stderr


def test_data_directory_that_is_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("not a directory")
    done = tenure.Cli(path).run("workspace", "list", exit_code=None)
    assert done.returncode not in (0, 101)
    assert done.stderr.startswith("error:"), done.stderr
    assert path.read_text() == "not a directory"
