"""RFC 7644 section 3.9: `attributes` and `excludedAttributes`."""

import pytest
from client import DEPARTMENT, message, new_user, path_of, replace, requirement, unique

import tenure


@pytest.fixture(scope="module")
def full(scim):
    """A user with something of everything."""
    boss = scim.user()
    return scim.user(
        externalId=unique("ext"),
        title="Weaver",
        displayName="Ada Okafor",
        name={"givenName": "Ada", "familyName": "Okafor"},
        emails=[{"value": "a@b.example", "type": "work"}, {"value": "c@d.example", "type": "home", "primary": True}],
        **{tenure.ENTERPRISE: {"department": "Dyes", "costCenter": "C", "manager": {"value": boss["id"]}}},
    )


@requirement(
    "7644-3.9-02", "7644-3.9-04", "7644-3.9-07", "7644-3.9-08", "7644-3.9-10", "contested-37", "client habit 12"
)
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("title", {"title": None}),
        ("TITLE", {"title": None}),
        (f"{tenure.USER}:title", {"title": None}),
        ("title,displayName", {"title": None, "displayName": None}),
        (" title , displayName ", {"title": None, "displayName": None}),
        ("name", {"name": {"givenName": "Ada", "familyName": "Okafor"}}),
        ("name.givenName", {"name": {"givenName": "Ada"}}),
        ("NAME.givenname", {"name": {"givenName": "Ada"}}),
        ("emails.value", {"emails": [{"value": "a@b.example"}, {"value": "c@d.example"}]}),
        ("emails.primary", {"emails": [{"primary": True}]}),
        (DEPARTMENT, {tenure.ENTERPRISE: {"department": "Dyes"}}),
        (f"{tenure.USER}:name.familyName", {"name": {"familyName": "Okafor"}}),
        (tenure.ENTERPRISE, {tenure.ENTERPRISE: None}),
        ("id", {}),
        ("shoeSize", {}),
        ("shoeSize,title", {"title": None}),
        ("password", {}),
        ("nickName", {}),
        ("name.honorificPrefix", {}),
    ],
)
def test_attributes(scim, full, attributes, expected):
    shown = scim.read(full, attributes=attributes)
    wanted = {key: full[key] if value is None else value for key, value in expected.items()}
    assert shown == {"schemas": full["schemas"], "id": full["id"]} | wanted


@requirement("7644-3.9-03", "7644-3.9-04", "7644-3.9-06", "7643-7-10")
@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        ("title", ["title"]),
        ("TITLE, displayName", ["title", "displayName"]),
        ("id", []),
        ("schemas,id", []),
        ("shoeSize", []),
        ("name", ["name"]),
        (tenure.ENTERPRISE, [tenure.ENTERPRISE]),
        ("meta,emails", ["meta", "emails"]),
        ("externalId", ["externalId"]),
        ("userName", ["userName"]),
    ],
)
def test_excluded_attributes(scim, full, excluded, gone):
    shown = scim.read(full, excludedAttributes=excluded)
    assert shown == {key: value for key, value in full.items() if key not in gone}


@requirement("7644-3.9-03", "7644-3.9-07")
def test_excluded_parts(scim, full):
    shown = scim.read(full, excludedAttributes=f"name.givenName,emails.type,{DEPARTMENT}")
    assert shown["name"] == {"familyName": "Okafor"}
    assert shown["emails"] == [{"value": "a@b.example"}, {"value": "c@d.example", "primary": True}]
    assert set(shown[tenure.ENTERPRISE]) == {"costCenter", "manager"}


@requirement("7644-3.9-01", "contested-37", "7644-3.5.2-13")
def test_selections_everywhere(scim):
    document = new_user(title="Weaver", nickName="A")
    expected = {"schemas", "id", "title"}
    created = scim.expect(201, "POST", "/Users", document, params={"attributes": "title"})
    assert set(created) == expected
    path = f"/Users/{created['id']}"
    assert set(scim.expect(200, "PUT", path, document, params={"attributes": "title"})) == expected
    patched = scim.expect(200, "PATCH", path, message(replace("nickName", "B")), params={"attributes": "title"})
    assert set(patched) == expected
    assert set(scim.get(path, attributes="title")) == expected
    condition = f'id eq "{created["id"]}"'
    assert [set(found) for found in scim.get("/Users", filter=condition, attributes="title")["Resources"]] == [expected]
    found = scim.search("/Users", filter=condition, attributes=["title"])["Resources"]
    assert [set(user) for user in found] == [expected]
    for method, body in (("PUT", document), ("PATCH", message(replace("nickName", "C"))), ("GET", None)):
        shown = scim.expect(200, method, path, body, params={"excludedAttributes": "nickName,meta"})
        assert set(shown) == {"schemas", "id", "userName", "title"}
    excluded = scim.expect(201, "POST", "/Users", new_user(title="x"), params={"excludedAttributes": "title,meta"})
    assert set(excluded) == {"schemas", "id", "userName"}


@requirement("7644-3.9-01", "7644-3.4.2.1-01")
def test_selections_at_the_root(scim, full):
    page = scim.get("/", attributes="userName,displayName", count=1000)
    for found in page["Resources"]:
        assert set(found) <= {"schemas", "id", "userName", "displayName"}


@requirement("7644-3.9-02", "7644-3.9-03", "client habit 30")
def test_selections_of_groups(scim, user):
    group = scim.group(user)
    assert "members" not in scim.read(group, excludedAttributes="members")
    assert set(scim.read(group, attributes="id")) == {"schemas", "id"}
    assert scim.read(group, attributes="members.value")["members"] == [{"value": user["id"]}]
    found = scim.get("/Groups", filter=f'displayName eq "{group["displayName"]}"', excludedAttributes="members")
    assert [set(shown) for shown in found["Resources"]] == [{"schemas", "id", "displayName", "meta"}]


@requirement("contested-38", "7644-3.9-04")
def test_both_selections(scim, full):
    both = {"attributes": "title", "excludedAttributes": "title"}
    scim.error(400, "invalidValue", "GET", path_of(full), params=both)
    scim.error(400, "invalidValue", "GET", "/Users", params=both)
    scim.error(400, "invalidValue", "POST", "/Users/.search", {"attributes": ["title"], "excludedAttributes": ["meta"]})


@requirement("7644-3.9-02")
def test_empty_selection(scim, full):
    """An empty list is no list: everything is shown as by default."""
    for params in ({"attributes": ""}, {"excludedAttributes": ""}):
        assert scim.read(full, **params) == full
