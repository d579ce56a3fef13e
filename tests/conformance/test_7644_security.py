"""RFC 7644 sections 2, 5, 6 and 7, and RFC 6750: tokens, tenants, international strings."""

import unicodedata

import pytest
import requests
from client import Client, message, new_group, new_user, path_of, replace, requirement, unique

import tenure


@pytest.fixture(scope="module")
def neighbour(new_workspace):
    """Another workspace of the same server, with a user and a group."""
    scim = new_workspace("Exium")
    scim.person = scim.user(userName="neighbour", externalId="shared")
    scim.team = scim.group(scim.person)
    return scim


@requirement("7644-2-01", "6750-2-01")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_bearer_tokens(scim, user, scheme):
    token = scim.http.headers["Authorization"].split(" ")[1]
    answer = scim.request("GET", path_of(user), headers={"Authorization": f"{scheme} {token}"})
    assert answer.json() == user


@requirement("7644-2-02", "6750-3-01", "6750-3-02")
@pytest.mark.parametrize(
    "credentials", [None, "Bearer tnr_none", "Bearer", "Bearer  ", "Basic YTpi", "nonsense", "Bearer a b"]
)
def test_bad_credentials(scim, user, credentials):
    bodies = {"POST": new_user(), "PUT": new_user(), "PATCH": message(replace("title", "x"))}
    for method, path in (
        ("GET", "/Users"),
        ("POST", "/Users"),
        ("PUT", path_of(user)),
        ("PATCH", path_of(user)),
        ("DELETE", path_of(user)),
    ):
        answer = scim.request(method, path, bodies.get(method), headers={"Authorization": credentials})
        assert answer.status_code == 401
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith("Bearer")
        assert ('error="invalid_token"' in challenge) == (credentials is not None)
        assert answer.json()["schemas"] == [tenure.ERROR]
        assert answer.json()["status"] == "401"
    assert scim.read(user) == user


@requirement("7644-2-03", "7644-6-01")
def test_other_workspaces(scim, neighbour):
    person, team = neighbour.person, neighbour.team
    for resource, document in ((person, new_user()), (team, new_group())):
        for method, body in (
            ("GET", None),
            ("PUT", document),
            ("PATCH", message(replace("displayName", "x"))),
            ("DELETE", None),
        ):
            scim.error(404, None, method, path_of(resource), body)
    assert scim.find(f'id eq "{person["id"]}" or userName eq "{person["userName"]}"') == set()
    assert not {person["id"], team["id"]} & {found["id"] for found in scim.search(count=1000)["Resources"]}
    scim.error(400, "invalidValue", "POST", "/Groups", new_group(person))
    scim.error(400, "invalidValue", "POST", "/Groups", new_group(members=[{"$ref": person["meta"]["location"]}]))
    assert neighbour.read(person) == neighbour.read(person)
    assert neighbour.total("Users") == 1


@requirement("7644-6-02", "7643-4.1.1-02", "7643-3.1-05")
def test_names_in_two_workspaces(scim, neighbour):
    user = scim.user(userName="neighbour", externalId="shared")
    assert user["id"] != neighbour.person["id"]
    assert scim.find('externalId eq "shared"') == {user["id"]}
    assert neighbour.find('externalId eq "shared"') == {neighbour.person["id"]}
    scim.gone(user)


@requirement("7644-2.1-01", "7644-7.4-01")
def test_life_of_tokens(scim, service):
    made = [scim.workspace.json("token", "create", "--name", unique("token")) for _ in range(3)]
    secrets = [token["token"] for token in made]
    assert len(set(secrets)) == 3
    for secret in secrets:
        assert len(secret.rsplit("_", 1)[-1]) >= 32
    client = Client(scim.base, secrets[0])
    assert client.request("GET", "/Users").status_code == 200
    listed = scim.workspace.json("token", "list")
    assert not any(secret in str(listed) for secret in secrets)
    (identifier,) = [token["id"] for token in listed["tokens"] if token["name"] == made[0]["name"]]
    scim.workspace.run("token", "revoke", identifier)
    assert client.request("GET", "/Users").status_code == 401
    ending = scim.workspace.json("token", "create", "--name", unique("token"), "--expires-days", 1)
    assert Client(scim.base, ending["token"]).request("GET", "/Users").status_code == 200
    entry = [token for token in scim.workspace.json("token", "list")["tokens"] if token["name"] == ending["name"]]
    assert "expires" in str(entry)


@requirement("7644-2.2-01")
def test_nobody_without_a_token(scim):
    for method, path in (
        ("POST", "/Users"),
        ("GET", "/Users"),
        ("GET", "/Schemas"),
        ("POST", "/.search"),
        ("POST", "/Bulk"),
    ):
        answer = requests.request(method, scim.base + path, json=new_user(), timeout=9)
        assert answer.status_code == 401, path


@requirement("6750-2-02")
def test_tokens_elsewhere(scim):
    token = scim.http.headers["Authorization"].split(" ")[1]
    for options in (
        {"params": {"access_token": token}},
        {"params": {"token": token}},
        {"headers": {"X-Api-Key": token}},
        {"headers": {"Cookie": f"token={token}"}},
    ):
        assert requests.get(f"{scim.base}/Users", timeout=9, **options).status_code == 401
    answer = requests.post(f"{scim.base}/Users", data={"access_token": token}, timeout=9)
    assert answer.status_code == 401


@requirement("7644-7.2-01", "7644-2-01", "7644-7.4-01")
def test_no_clear_text_beyond_the_machine(tmp_path):
    done = tenure.Cli(tmp_path / "data").run("serve", "--listen", "0.0.0.0:0", exit_code=tenure.USAGE)
    assert "http" in done.stderr


@requirement("7644-7.7-01")
@pytest.mark.parametrize(
    "text",
    ["' or '1'='1", "'; drop table users; --", '" or true or "', "%", "_", "\\", "${7*7}", "{{7*7}}", "\x00", "$(id)"],
)
def test_values_are_data(scim, text):
    literal = text.replace("\\", "\\\\").replace('"', '\\"').replace("\x00", "\\u0000")
    for operator in ("eq", "co", "sw", "ew"):
        for path in ("userName", "id", "externalId", "members.value"):
            kind = "Groups" if path == "members.value" else "Users"
            answer = scim.request("GET", f"/{kind}", params={"filter": f'{path} {operator} "{literal}"', "count": 1000})
            assert answer.status_code in (200, 400)
            if answer.status_code == 200:
                for found in answer.json()["Resources"]:
                    assert text.lower() in str(found.get(path)).lower()
    assert scim.request("GET", "/Users", params={"sortBy": text}).status_code in (200, 400)
    assert scim.request("GET", f"/Users/{requests.utils.quote(text, safe='')}").status_code in (400, 404)


@requirement("7644-7.7-02", "7643-9-01")
def test_tokens_are_not_stored_in_clear(scim, service):
    token = scim.http.headers["Authorization"].split(" ")[1]
    secret = token.rsplit("_", 1)[-1].encode()
    for path in service.data.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
    assert secret.decode() not in service.log.read_text()


# ---------------------------------------------------------------------------------------------- text

PAIRS = [
    ("Straße", "STRA\u1e9eE"),
    ("ÅNGSTRÖM", "ångström"),
    ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
    ("ЖЕНЯ", "женя"),
    ("Ǆ", "ǆ"),
]


@requirement("7644-5-02", "7643-4.1.1-03")
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_case_in_all_of_unicode(scim, one, other):
    tag = unique("x")
    user = scim.user(userName=f"{one}.{tag}", title=f"{one}.{tag}")
    assert scim.find(f'userName eq "{other}.{tag}"') == {user["id"]}
    assert scim.find(f'title sw "{other}.{tag}"') == {user["id"]}
    scim.error(409, "uniqueness", "POST", "/Users", new_user(userName=f"{other}.{tag}"))


@requirement("7644-5-01", "7644-5-03", "contested-35")
def test_forms_of_one_name(scim):
    tag = unique("x")
    composed = unicodedata.normalize("NFC", f"Zoë Ünal.{tag}")
    decomposed = unicodedata.normalize("NFD", composed)
    wide = "\uff21\uff24\uff21" + tag
    assert composed != decomposed
    user, other = scim.user(userName=decomposed), scim.user(userName=wide)
    assert user["userName"] == decomposed
    for name in (composed, decomposed, composed.upper(), decomposed.lower()):
        assert scim.find(f'userName eq "{name}"') == {user["id"]}
        scim.error(409, "uniqueness", "POST", "/Users", new_user(userName=name))
    assert scim.find(f'userName eq "ada{tag}"') == {other["id"]}
    scim.error(409, "uniqueness", "POST", "/Users", new_user(userName=f"ADA{tag}"))


@requirement("contested-35")
@pytest.mark.parametrize(
    "name", ["Ada Okafor", "ada+loom@mills.example", "DOMAIN\\ada", "o'neil", "ada/7", "a;b,c", "ада", "\U0001f9f6"]
)
def test_names_that_people_have(scim, name):
    name = f"{name} {unique('x')}"
    user = scim.user(userName=name)
    assert user["userName"] == name
    literal = name.replace("\\", "\\\\")
    assert scim.find(f'userName eq "{literal}"') == {user["id"]}


@requirement("contested-35")
@pytest.mark.parametrize("name", ["a\nb", "a\x00b", "a\x7fb", "\x1b[31m", "a\tb"])
def test_names_with_control_characters(scim, name):
    document = scim.expect(400, "POST", "/Users", new_user(userName=name))
    # NUL is refused by the JSON parser already.
    assert document["scimType"] == ("invalidSyntax" if "\x00" in name else "invalidValue")
