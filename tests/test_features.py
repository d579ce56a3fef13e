"""What a SCIM server can be asked to do, one thing a test: by the standard, and as Entra ID and Okta really ask.

Every test says yes or no to one feature, so that a list of them is a description of the server.
"""

import pytest

import tenure
from features import feature, newcomer, op, patch_of

ADA, BJORN, CHEN = "ada.okafor@northwind.example", "björn.lind@northwind.example", "chen.fang@northwind.example"
EVERYBODY = {ADA, BJORN, CHEN}
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
EMPLOYEE = f"{tenure.ENTERPRISE}:employeeNumber"


@pytest.fixture(scope="module")
def directory(shared_server):
    """Three people that no test changes."""
    scim = shared_server.scim(shared_server.workspace("Directory").token())
    ada = tenure.person("Ada Okafor", externalId="x-ada")
    ada[tenure.ENTERPRISE]["employeeNumber"] = "42"
    ada["emails"].append({"type": "home", "value": "ada@home.example"})
    for document in (ada, tenure.person("Björn Lind"), tenure.person("Chen Fang", active=False)):
        scim.create("Users", document)
    return scim


def found(scim, **params):
    return [user["userName"] for user in scim.get("/Users", **params).get("Resources", [])]


def value_at(document, path):
    """The value at a path of keys and positions, or None."""
    for step in path:
        try:
            document = document[step]
        except (KeyError, IndexError):
            return None
    return document


# ----------------------------------------------------------------------------------------- discovery


@feature(
    "path",
    [
        ("configuration", "/ServiceProviderConfig"),
        ("resource types", "/ResourceTypes"),
        ("one resource type", "/ResourceTypes/User"),
        ("schemas", "/Schemas"),
        ("one schema", f"/Schemas/{tenure.USER}"),
    ],
)
def test_discovery(directory, path):
    assert directory.get(path)["schemas"]
    assert directory.request("POST", path, {}).status_code == 405


@feature(
    "name",
    [(name, name) for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag")],
)
def test_configuration_announces(directory, name):
    assert directory.get("/ServiceProviderConfig")[name]["supported"] is (name != "changePassword")


def test_configuration_announces_both_kinds_of_pages(directory):
    """RFC 9865 section 4."""
    pagination = directory.get("/ServiceProviderConfig")["pagination"]
    assert (pagination["cursor"], pagination["index"]) == (True, True)
    assert pagination["defaultPageSize"] <= pagination["maxPageSize"]


def test_wrong_token_is_401(shared_server):
    answer = shared_server.scim("wrong").request("GET", "/Users")
    assert (answer.status_code, answer.json()["schemas"]) == (401, [tenure.ERROR])


def test_unknown_endpoint_is_404(directory):
    directory.error(404, None, "GET", "/Planets")


def test_me_says_that_there_is_nobody(directory):
    assert directory.request("GET", "/Me").status_code in (404, 501)


# ------------------------------------------------------------------------------------------- finding

FILTERS = [
    ("eq", f'userName eq "{ADA}"', {ADA}),
    ("value in capitals", f'userName eq "{ADA.upper()}"', {ADA}),
    ("value in capitals beyond ASCII", 'userName eq "BJÖRN.LIND@northwind.example"', {BJORN}),
    ("attribute and operator in capitals", f'USERNAME EQ "{ADA}"', {ADA}),
    ("externalId", 'externalId eq "x-ada"', {ADA}),
    ("externalId is exact", 'externalId eq "X-ADA"', set()),
    ("ne", f'userName ne "{ADA}"', {BJORN, CHEN}),
    ("co", 'userName co "okaf"', {ADA}),
    ("sw", 'userName sw "björn"', {BJORN}),
    ("ew", 'userName ew "@northwind.example"', EVERYBODY),
    ("pr", "externalId pr", {ADA}),
    ("a boolean", "active eq false", {CHEN}),
    ("and", 'active eq true and title eq "Weaver"', {ADA, BJORN}),
    ("or", f'userName eq "{ADA}" or userName eq "{CHEN}"', {ADA, CHEN}),
    ("not", "not (active eq true)", {CHEN}),
    ("and before or", f'userName eq "{ADA}" or active eq true and active eq false', {ADA}),
    ("parentheses", f'(userName eq "{ADA}" or active eq true) and active eq false', set()),
    ("gt with a date", 'meta.created gt "2020-01-01T00:00:00Z"', EVERYBODY),
    ("lt with a date", 'meta.created lt "2020-01-01T00:00:00+02:00"', set()),
    ("a sub-attribute", 'name.familyName eq "fang"', {CHEN}),
    ("a sub-attribute of many values", f'emails.value eq "{ADA}"', {ADA}),
    ("many values without sub-attribute", f'emails eq "{ADA}"', {ADA}),
    ("conditions on one value", f'emails[type eq "work" and value eq "{ADA}"]', {ADA}),
    ("conditions that no one value fulfils", 'emails[type eq "work" and value ew "home.example"]', set()),
    ("URN before a core attribute", f'{tenure.USER}:userName eq "{ADA}"', {ADA}),
    ("an attribute of an extension", f'{EMPLOYEE} eq "42"', {ADA}),
]


@feature("text", "names", FILTERS)
def test_filter(directory, text, names):
    assert set(found(directory, filter=text)) == names


@feature("text", "names", FILTERS)
def test_search_by_post(directory, text, names):
    body = {"schemas": [SEARCH], "filter": text, "attributes": ["userName"]}
    answer = directory.expect(200, "POST", "/Users/.search", body)
    assert {user["userName"] for user in answer["Resources"]} == names


def test_search_over_all_types(directory):
    body = {"schemas": [SEARCH], "filter": f'userName eq "{ADA}"'}
    answer = directory.expect(200, "POST", "/.search", body)
    assert [user["userName"] for user in answer["Resources"]] == [ADA]


def test_filter_that_is_none_is_refused(directory):
    directory.error(400, "invalidFilter", "GET", "/Users", params={"filter": "userName zz"})


@feature("order", [("ascending", "ascending"), ("descending", "descending")])
def test_sort(directory, order):
    names = found(directory, sortBy="userName", sortOrder=order)
    assert names == sorted(EVERYBODY, reverse=order == "descending")


@feature(
    "params",
    "start",
    "size",
    [
        ("startIndex and count", {"startIndex": 2, "count": 1}, 2, 1),
        ("count alone", {"count": 2}, 1, 2),
        ("count of nothing", {"count": 0}, 1, 0),
        ("negative count", {"count": -1}, 1, 0),
        ("startIndex of nothing", {"startIndex": 0, "count": 1}, 1, 1),
        ("more than there are", {"count": 100}, 1, 3),
        ("behind the end", {"startIndex": 50}, 50, 0),
    ],
)
def test_page(directory, params, start, size):
    answer = directory.get("/Users", **params)
    assert len(answer.get("Resources", [])) == size
    # Okta wants the number of what is there, not of what was asked for.
    assert (answer["startIndex"], answer["itemsPerPage"], answer["totalResults"]) == (start, size, 3)


def test_cursor(directory):
    """RFC 9865: an empty cursor begins, `nextCursor` goes on, and its absence ends."""
    names, cursor = [], ""
    for _ in range(4):
        answer = directory.get("/Users", cursor=cursor, count=1)
        names += [user["userName"] for user in answer["Resources"]]
        cursor = answer.get("nextCursor")
        if not cursor:
            break
    assert sorted(names) == sorted(EVERYBODY)


@feature(
    "params",
    "there",
    "missing",
    [
        ("attributes", {"attributes": "userName"}, {"id", "userName"}, {"emails", "title", "name"}),
        ("sub-attributes", {"attributes": "name.familyName"}, {"id", "name"}, {"userName", "emails"}),
        ("excludedAttributes", {"excludedAttributes": "emails"}, {"id", "userName", "title"}, {"emails"}),
    ],
)
def test_projection(directory, params, there, missing):
    [user] = directory.get("/Users", filter=f'userName eq "{ADA}"', **params)["Resources"]
    assert there <= user.keys()
    assert not missing & user.keys()
    assert directory.get(f"/Users/{user['id']}", **params) == user


# ------------------------------------------------------------------------------------------ creating


def test_create_says_where(workshop):
    answer = workshop.request("POST", "/Users", newcomer())
    document = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Content-Type"].startswith(tenure.SCIM_JSON)
    assert answer.headers["Location"] == document["meta"]["location"]
    assert document["meta"]["created"] == document["meta"]["lastModified"]


@feature(
    "kind",
    [(kind, kind) for kind in ("application/json", "application/scim+json; charset=utf-8", "Application/SCIM+JSON")],
)
def test_media_type(workshop, kind):
    workshop.expect(201, "POST", "/Users", newcomer(), headers={"Content-Type": kind})


@feature("spelled", [("as it is", str), ("in capitals", str.upper)])
def test_taken_name_is_409(workshop, person, spelled):
    workshop.error(409, "uniqueness", "POST", "/Users", newcomer(userName=spelled(person["userName"])))


@feature(
    "body",
    "scim_type",
    [
        ("no userName", {"schemas": [tenure.USER], "displayName": "Nobody"}, "invalidValue"),
        ("broken JSON", b"{nope", "invalidSyntax"),
    ],
)
def test_bad_body_is_400(workshop, body, scim_type):
    workshop.error(400, scim_type, "POST", "/Users", body)


def test_names_of_attributes_in_capitals(workshop):
    document = newcomer()
    created = workshop.create("Users", {name.upper(): value for name, value in document.items()})
    assert tenure.essence(created) == tenure.essence(document)


def test_password_is_taken_and_never_shown(workshop):
    answer = workshop.request("POST", "/Users", newcomer(password="correct horse 9!"))
    again = workshop.request("GET", f"/Users/{answer.json()['id']}")
    assert answer.status_code == 201
    for shown in (answer, again):
        assert "password" not in shown.json()
        assert "horse" not in shown.text


def test_extension_is_kept(workshop):
    document = newcomer()
    created = workshop.create("Users", document)
    assert workshop.get(f"/Users/{created['id']}")[tenure.ENTERPRISE] == document[tenure.ENTERPRISE]


def test_unknown_extension_is_ignored(workshop):
    urn = "urn:example:custom:2.0:User"
    created = workshop.create("Users", newcomer(schemas=[tenure.USER, urn], **{urn: {"badge": "1"}}))
    assert urn not in created


# ------------------------------------------------------------------------------------------ versions


def test_version_is_the_etag(workshop, person):
    answer = workshop.request("GET", f"/Users/{person['id']}")
    assert answer.headers["ETag"] == answer.json()["meta"]["version"]


@feature(
    "method",
    "header",
    "status",
    [
        ("unchanged", "GET", "If-None-Match", 304),
        ("replace", "PUT", "If-Match", 412),
        ("change", "PATCH", "If-Match", 412),
        ("delete", "DELETE", "If-Match", 412),
    ],
)
def test_precondition(workshop, person, method, header, status):
    path = f"/Users/{person['id']}"
    body = {"PUT": newcomer(), "PATCH": patch_of({"op": "replace", "path": "title", "value": "X"})}.get(method)
    value = person["meta"]["version"] if status == 304 else 'W/"stale"'
    assert workshop.request(method, path, body, headers={header: value}).status_code == status
    assert workshop.get(path) == person


# --------------------------------------------------------------------------------------------- PATCH


WORK = 'emails[type eq "work"]'


@feature(
    "operation",
    "path",
    "value",
    [
        ("replace", op("replace", "active", False), ["active"], False),
        ("replace without path", op("replace", value={"title": "Dyer"}), ["title"], "Dyer"),
        ("add without path", op("add", value={"nickName": "Nick"}), ["nickName"], "Nick"),
        ("sub-attribute", op("replace", "name.givenName", "Roberta"), ["name", "givenName"], "Roberta"),
        ("value path", op("replace", f"{WORK}.value", "a@new.example"), ["emails", 0, "value"], "a@new.example"),
        (
            "add a value",
            op("add", "emails", [{"type": "home", "value": "a@home.example"}]),
            ["emails", 1, "value"],
            "a@home.example",
        ),
        ("remove a value", op("remove", WORK), ["emails"], None),
        ("remove", op("remove", "title"), ["title"], None),
        ("extension", op("add", f"{tenure.ENTERPRISE}:division", "Looms"), [tenure.ENTERPRISE, "division"], "Looms"),
        ("Entra: verb in capitals", op("Replace", "title", "Dyer"), ["title"], "Dyer"),
        ("Entra: boolean as text", op("Replace", "active", "False"), ["active"], False),
        ("Entra: path as key", op("replace", value={"name.familyName": "Dot"}), ["name", "familyName"], "Dot"),
        ("Entra: URN as key", op("replace", value={EMPLOYEE: "77"}), [tenure.ENTERPRISE, "employeeNumber"], "77"),
        (
            "Entra: value path without a value",
            op("Add", 'phoneNumbers[type eq "work"].value', "+15550100"),
            ["phoneNumbers"],
            [{"type": "work", "value": "+15550100"}],
        ),
        (
            "Entra: manager as text",
            op("Add", f"{tenure.ENTERPRISE}:manager", "MANAGER"),
            [tenure.ENTERPRISE, "manager", "value"],
            "MANAGER",
        ),
        (
            "Entra: primary role",
            op("Add", 'roles[primary eq "True"].value', "admin"),
            ["roles"],
            [{"primary": True, "value": "admin"}],
        ),
    ],
)
def test_patch(workshop, person, operation, path, value):
    if value == "MANAGER":
        value = workshop.create("Users", newcomer())["id"]
        operation = operation | {"value": value}
    workshop.patch("Users", person["id"], operation)
    assert value_at(workshop.get(f"/Users/{person['id']}"), path) == value


@feature(
    "operations",
    [
        ("all or nothing", [op("replace", "title", "Half"), op("replace", "nosuch[", 1)]),
        ("id cannot be changed", [op("replace", "id", "other")]),
    ],
)
def test_patch_is_refused(workshop, person, operations):
    answer = workshop.request("PATCH", f"/Users/{person['id']}", patch_of(*operations))
    assert answer.status_code == 400
    assert workshop.get(f"/Users/{person['id']}") == person


@feature("more", [("Okta: everything", {}), ("Okta: everything it read, and no groups", {"groups": []})])
def test_put(workshop, person, more):
    path = f"/Users/{person['id']}"
    assert workshop.expect(200, "PUT", path, person | more | {"displayName": "Put"})["displayName"] == "Put"
    assert workshop.get(path)["title"] == person["title"]


def test_delete_is_204_and_then_404(workshop, person):
    workshop.delete("Users", person["id"])
    workshop.error(404, None, "GET", f"/Users/{person['id']}")
    workshop.error(404, None, "DELETE", f"/Users/{person['id']}")
