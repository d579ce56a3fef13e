"""RFC 7644 sections 1.3, 3.1 to 3.4.1 and 3.6: endpoints, creating, reading, deleting."""

import time

import pytest
from client import add, message, new_group, new_user, path_of, replace, requirement, unique, values

import tenure


@requirement("7644-1.3-01", "client habit 14")
@pytest.mark.parametrize(
    "text", ['quote " and \\', "plus+plus", "per%cent %41", "Zoë Ünal", "a&b=c#d?e", "漢字", "two  blanks"]
)
def test_encoded_filters(scim, text):
    user = scim.user(displayName=unique(text))
    literal = user["displayName"].replace("\\", "\\\\").replace('"', '\\"')
    assert scim.find(f'displayName eq "{literal}"') == {user["id"]}


@requirement("7644-1.3-02", "client habit 38")
def test_query_at_the_base(scim, user):
    for base in ("?aadOptscim062020", "?x=1&y"):
        assert scim.get(f"/Users/{user['id']}{base}") == user
        assert scim.expect(201, "POST", f"/Users{base}", new_user())
    assert scim.base.endswith("/scim")


@requirement("7644-3.1-04")
def test_answers_show_what_is_stored(scim):
    given = new_user(active="True", ACTIVE2=True, emails={"value": "a@b.example"}, id="mine", nickName=None)
    user = scim.create("Users", given)
    assert user["active"] is True
    assert user["emails"] == [{"value": "a@b.example"}]
    assert not {"ACTIVE2", "nickName"} & set(user)
    assert scim.read(user) == user


@requirement("7644-3.1-05", "contested-28", "client habit 11")
def test_unknown_parts_of_a_body(scim):
    more = {"shoeSize": 43, "name": {"givenName": "Ada", "shoe": 1}, "urn:example:shoes:2.0:User": {"size": 43}}
    stray = {"schemas": [tenure.USER, "urn:example:shoes:2.0:User"], "emails": [{"value": "a@b.example", "shoe": 1}]}
    user = scim.create("Users", new_user() | more | stray)
    assert user["schemas"] == [tenure.USER]
    assert user["name"] == {"givenName": "Ada"}
    assert "shoe" not in str(user)
    user = scim.put(user, new_user() | more | stray)
    assert "shoe" not in str(user)
    changed = scim.change(user, {"op": "replace", "value": {"title": "Weaver", "shoeSize": 43}})
    assert changed["title"] == "Weaver"
    assert "shoe" not in str(changed)
    scim.refuse("invalidPath", changed, replace("shoeSize", 43))
    scim.error(400, "invalidValue", "POST", "/Users", new_user(schemas=[tenure.GROUP]))


@requirement("7644-3.2-01")
def test_endpoints_of_the_types(scim):
    assert scim.user()["meta"]["location"].startswith(f"{scim.base}/Users/")
    assert scim.group()["meta"]["location"].startswith(f"{scim.base}/Groups/")
    endpoints = {found["name"]: found["endpoint"] for found in scim.get("/ResourceTypes")["Resources"]}
    assert endpoints == {"User": "/Users", "Group": "/Groups"}


@requirement("7644-3.2-02", "7644-3.5.1-02", "7644-3.5.1-13")
def test_put_creates_nothing(scim):
    name = unique()
    for path, document in (("/Users/mine", new_user(userName=name)), ("/Groups/mine", new_group())):
        scim.error(404, None, "PUT", path, document)
    assert scim.find(f'userName eq "{name}"') == set()


@requirement("7644-3.2-03", "7644-3.12-01")
def test_errors_repeat_the_status(scim, user):
    path = path_of(user)
    cases = [
        (400, "POST", "/Users", {}),
        (404, "GET", "/Users/none", None),
        (405, "DELETE", "/Users", None),
        (409, "POST", "/Users", new_user(userName=user["userName"])),
    ]
    for status, method, target, body in cases:
        answer = scim.request(method, target, body)
        document = answer.json()
        assert answer.status_code == status
        assert document["schemas"] == [tenure.ERROR]
        assert document["status"] == str(status)
        assert type(document["detail"]) is str
        assert set(document) <= {"schemas", "status", "scimType", "detail"}
    stale = scim.request("DELETE", path, headers={"If-Match": 'W/"none"'})
    assert (stale.status_code, stale.json()["status"]) == (412, "412")


@requirement("7644-3.2-04")
def test_methods_that_an_endpoint_lacks(scim, user):
    cases = [
        ("DELETE", "/Users"),
        ("PUT", "/Users"),
        ("PATCH", "/Groups"),
        ("POST", path_of(user)),
        ("GET", "/Users/.search"),
        ("GET", "/Bulk"),
        ("PUT", "/.search"),
        ("TRACE", "/Users"),
    ]
    for method, path in cases:
        answer = scim.request(method, path)
        assert answer.status_code == 405, (method, path)
        assert answer.headers["Allow"]
        assert method not in answer.headers["Allow"].split(", ")
        assert answer.json()["status"] == "405"


@requirement("7644-3.2-05", "contested-46")
@pytest.mark.parametrize(
    "path", ["/Planets", "/Users/a/b", "/Schemas/a/b", "/users", "/Bulk/1", "/v1/Users", "/.well-known"]
)
def test_endpoints_that_do_not_exist(scim, path):
    for method in ("GET", "POST", "DELETE"):
        scim.error(404, None, method, path)


@requirement("7644-3.2-06")
def test_methods_cannot_be_overridden(scim, user):
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        answer = scim.request("GET", path_of(user), headers={header: "DELETE"})
        assert answer.status_code == 200
        assert scim.request("POST", path_of(user), {}, headers={header: "DELETE"}).status_code == 405
    assert scim.read(user) == user


@requirement("7644-3.2-07", "client habit 38")
def test_uris(scim, user):
    encoded = "".join(f"%{ord(character):02X}" for character in user["id"])
    for path in (f"/Users/{encoded}", f"/Users/{user['id']}/", f"//Users//{user['id']}", f"/v2/v2/Users/{user['id']}"):
        assert scim.get(path) == user
    for path in ("/Users/.search", "/Groups/.search", "/.search"):
        assert scim.search(path.removesuffix("/.search"), count=1)["schemas"] == [tenure.LIST]
    assert scim.request("PUT", "/Users/.search", new_user()).status_code == 405


@requirement("7644-3.3-01")
def test_read_only_values_of_a_new_resource(scim):
    boss, group = scim.user(), scim.group()
    user = scim.user(
        id="mine",
        meta={"version": "mine"},
        groups=[{"value": group["id"]}],
        **{tenure.ENTERPRISE: {"manager": {"value": boss["id"], "displayName": "mine"}}},
    )
    assert "mine" not in str(user)
    assert "groups" not in user


@requirement("7644-3.3-02", "7644-3.3-03", "7644-3.3-04")
@pytest.mark.parametrize(("kind", "make"), [("Users", new_user), ("Groups", new_group)])
def test_creating(scim, kind, make):
    document = make(externalId=unique("ext"))
    answer = scim.request("POST", f"/{kind}", document)
    assert answer.status_code == 201
    resource = answer.json()
    assert document.items() <= resource.items()
    assert answer.headers["Location"] == resource["meta"]["location"]
    assert scim.http.get(answer.headers["Location"], timeout=9).json() == resource == scim.read(resource)


@requirement("7644-3.3-06")
def test_nothing_is_made_up(scim, user):
    assert set(user) == {"schemas", "id", "userName", "meta"}
    assert set(scim.group()) == {"schemas", "id", "displayName", "meta"}


@requirement("7644-3.3-08", "7644-3.12-07")
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("userName", None),
        ("title", 7),
        ("title", ["Weaver"]),
        ("title", {"value": "Weaver"}),
        ("active", "maybe"),
        ("name", "Ada"),
        ("name", {"givenName": 7}),
        ("emails", 7),
        ("emails", [["a@b.example"]]),
        ("emails", [{"value": 7}]),
        ("emails", [{"value": "a@b.example", "primary": "perhaps"}]),
        (tenure.ENTERPRISE, "Dyes"),
        (tenure.ENTERPRISE, {"department": ["Dyes"]}),
        (tenure.ENTERPRISE, {"manager": [1, 2]}),
    ],
)
def test_values_of_the_wrong_type(scim, user, attribute, value):
    detail = scim.error(400, "invalidValue", "POST", "/Users", new_user() | {attribute: value})
    names = [attribute, *value] if isinstance(value, dict) else [attribute]
    assert any(name in detail for name in names), detail
    scim.error(400, "invalidValue", "PUT", path_of(user), new_user() | {attribute: value})
    assert scim.read(user) == user


@requirement("7644-3.3-09", "contested-29")
def test_schemas_of_a_body(scim):
    for kind, other in (("Users", tenure.GROUP), ("Groups", tenure.USER), ("Users", tenure.PATCH)):
        document = {"schemas": [other], "userName": unique(), "displayName": unique()}
        assert scim.request("POST", f"/{kind}", document).status_code == 400
    for nothing in ({}, {"schemas": None}, {"schemas": []}):
        body = {"userName": unique(), tenure.ENTERPRISE: {"department": "Dyes"}} | nothing
        user = scim.create("Users", body)
        assert user["schemas"] == [tenure.USER, tenure.ENTERPRISE]
    assert scim.put(user, {"userName": unique()})["schemas"] == [tenure.USER]


@requirement("7644-3.4.1-01")
def test_reading(scim):
    for resource in (scim.user(), scim.group()):
        assert scim.read(resource) == resource
    for path in ("/Users/none", "/Groups/none", f"/Groups/{scim.user()['id']}", f"/Users/{scim.group()['id']}"):
        scim.error(404, None, "GET", path)


@requirement("7644-3.4-01", "7643-7-12")
def test_what_is_shown_by_default(scim):
    person = scim.user(password="secret-1", title="Weaver")
    group = scim.group(person)
    assert set(scim.read(person)) == {"schemas", "id", "userName", "title", "groups", "meta"}
    assert set(scim.read(group)) == {"schemas", "id", "displayName", "members", "meta"}
    listed = scim.get("/Users", filter=f'id eq "{person["id"]}"')["Resources"]
    assert listed == [scim.read(person)]


# ------------------------------------------------------------------------------------------ deleting


@requirement("7644-3.6-01", "7644-3.6-02", "7644-3.6-03", "7644-3.6-05")
def test_deleting(scim):
    member = scim.user()
    for resource, document in ((scim.user(), new_user()), (scim.group(member), new_group())):
        path, kind = path_of(resource), f"{resource['meta']['resourceType']}s"
        answer = scim.request("DELETE", path)
        assert (answer.status_code, answer.content) == (204, b"")
        for method, body in (("GET", None), ("PUT", document), ("PATCH", message(replace("displayName", "x")))):
            scim.error(404, None, method, path, body)
        scim.error(404, None, "DELETE", path)
        assert scim.find(f'id eq "{resource["id"]}"', kind) == set()
        assert resource["id"] not in {found["id"] for found in scim.all(kind)}
        assert resource["id"] not in {found["id"] for found in scim.search(count=1000)["Resources"]}


@requirement("7644-3.6-04", "7644-3.6-06", "contested-36")
def test_names_of_deleted_users(scim):
    user = scim.user(externalId="ext", title="Weaver")
    scim.gone(user)
    again = scim.user(userName=user["userName"])
    assert again["id"] != user["id"]
    assert not {"externalId", "title", "groups"} & set(again)
    other = scim.user()
    scim.gone(again)
    assert scim.change(other, replace("userName", user["userName"]))["userName"] == user["userName"]


@requirement("7644-3.6-07")
def test_deleted_members(scim):
    one, two, inner = scim.user(), scim.user(), scim.group()
    group = scim.group(one, two, inner)
    version = group["meta"]["version"]
    time.sleep(0.002)
    scim.gone(one)
    scim.gone(inner)
    after = scim.read(group)
    assert values(after, "members") == [two["id"]]
    assert after["meta"]["version"] != version
    scim.gone(group)
    assert "groups" not in scim.read(two)
    scim.refuse("invalidValue", scim.group(), add("members", [{"value": one["id"]}]))
