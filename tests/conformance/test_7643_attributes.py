"""RFC 7643 section 2: names, types and values of attributes."""

import base64
import re

import pytest
from client import DEPARTMENT, add, new_user, path_of, remove, replace, requirement, unique, values

import tenure


@requirement("7643-2.1-01", "7643-2.1-04")
def test_names_in_any_case(scim):
    name = unique()
    body = {
        "SCHEMAS": [tenure.USER],
        "USERNAME": name,
        "Name": {"GIVENNAME": "Ada"},
        "eMAILS": [{"VALUE": "a@b.example"}],
    }
    user = scim.create("Users", body)
    assert user["userName"] == name
    assert user["name"] == {"givenName": "Ada"}
    assert user["emails"] == [{"value": "a@b.example"}]
    assert not {"SCHEMAS", "USERNAME", "Name", "eMAILS"} & set(user)
    assert scim.find(f'USERNAME eq "{name}" and NAME.givenname eq "ada"') == {user["id"]}
    assert set(scim.read(user, attributes="USERNAME")) == {"schemas", "id", "userName"}
    user = scim.change(user, replace("NAME.FamilyName", "Okafor"), add(DEPARTMENT.upper(), "Dyes"))
    assert user["name"] == {"givenName": "Ada", "familyName": "Okafor"}
    assert user[tenure.ENTERPRISE] == {"department": "Dyes"}


@requirement("7643-2.1-01")
def test_parameters_in_any_case(scim, user):
    found = scim.get("/Users", FILTER=f'userName eq "{user["userName"]}"', STARTINDEX=1, Count=1, ATTRIBUTES="id")
    assert found["Resources"] == [{"schemas": user["schemas"], "id": user["id"]}]


@requirement("7643-2.1-02")
def test_spelling_of_names(scim):
    member = scim.user()
    group = scim.group(member)
    assert group["members"][0]["$ref"].endswith(path_of(member))
    assert set(scim.read(group, attributes="members.$ref")["members"][0]) == {"$ref"}
    for wrong in ("user name", "1title", "ti*tle", "-title"):
        scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": f'{wrong} eq "x"'})
        scim.refuse("invalidPath", member, replace(wrong, "x"))


@requirement("7643-2.1-03", "7644-3.1-01")
def test_schemas_everywhere(scim, user):
    assert user["schemas"] == [tenure.USER]
    assert scim.group()["schemas"] == [tenure.GROUP]
    assert scim.get("/Users", count=0)["schemas"] == [tenure.LIST]
    assert scim.expect(404, "GET", "/Users/none")["schemas"] == [tenure.ERROR]
    for kind in ("/Schemas", "/ResourceTypes"):
        assert all(found["schemas"] for found in scim.get(kind)["Resources"])
    assert scim.get("/ServiceProviderConfig")["schemas"]


@requirement("7643-2.1-05")
@pytest.mark.parametrize("condition", ["userName EQ {}", "userName Eq {} AND userName PR", "NOT (userName nE {})"])
def test_keywords_in_any_case(scim, user, condition):
    assert scim.find(condition.format(f'"{user["userName"]}"')) == {user["id"]}


def every_attribute(scim):
    """All attributes and parts of the schemas of users and groups, each with its qualified name."""
    for urn in (tenure.USER, tenure.ENTERPRISE, tenure.GROUP):
        for attribute in scim.get(f"/Schemas/{urn}")["attributes"]:
            yield f"{urn}:{attribute['name']}", attribute
            for part in attribute.get("subAttributes", []):
                yield f"{urn}:{attribute['name']}.{part['name']}", part


@requirement("7643-2.2-01")
def test_default_characteristics(scim):
    attributes = dict(every_attribute(scim))
    title = attributes[f"{tenure.USER}:title"]
    expected = {
        "type": "string",
        "multiValued": False,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    assert {key: title[key] for key in expected} == expected
    assert "canonicalValues" not in title


@requirement("7643-2.3-01", "7643-7-04")
def test_data_types(scim):
    known = {"string", "boolean", "decimal", "integer", "dateTime", "reference", "complex", "binary"}
    for schema in scim.get("/Schemas")["Resources"]:
        for attribute in schema["attributes"]:
            for item in [attribute, *attribute.get("subAttributes", [])]:
                assert item["type"] in known, (schema["id"], item["name"])


TEXTS = [
    "",
    " both ends ",
    "Zoë Müller",
    "\u0645\u0631\u062d\u0628\u0627",
    "漢字",
    "\U0001f9f6",
    "e\u0301",
    'a"b\\c/d',
    "a\nb\tc",
    "\u200d",
]


@requirement("7643-2.3.1-01", "7644-3.8-01")
@pytest.mark.parametrize("text", TEXTS)
def test_texts_come_back(scim, text):
    user = scim.user(title=text)
    assert user["title"] == scim.read(user)["title"] == text
    assert scim.change(user, replace("nickName", text))["nickName"] == text


@requirement("7643-2.3.1-02", "contested-32", "7643-4.1.2-12", "7643-4.1.2-11")
def test_values_beyond_the_suggested_ones(scim):
    given = {
        "emails": [{"value": "a@b.example", "type": "carrier pigeon"}],
        "phoneNumbers": [{"value": "tel:+44-20-7946-0000", "type": "loom"}],
        "ims": [{"value": "ada", "type": "own"}],
        "photos": [{"value": "https://photos.example/ada.png", "type": "portrait"}],
        "addresses": [{"locality": "Leeds", "type": "mill"}],
        "roles": [{"value": "anything at all", "type": "own"}],
        "entitlements": [{"value": "loom 7", "type": "key"}],
        "x509Certificates": [{"value": base64.b64encode(b"one").decode(), "type": "own"}],
    }
    user = scim.user(**given)
    assert {key: user[key] for key in given} == given


@requirement("7643-2.3.2-01", "7643-4.1.1-11")
def test_booleans(scim):
    user = scim.user(active=False, emails=[{"value": "a@b.example", "primary": True}])
    assert user["active"] is False
    assert user["emails"][0]["primary"] is True
    for wrong in ("maybe", "1", 1, 0, [True], {"a": 1}):
        scim.error(400, "invalidValue", "POST", "/Users", new_user(active=wrong))
    schema = {name: item for name, item in every_attribute(scim) if item["type"] == "boolean"}
    assert schema
    assert not any("caseExact" in item or "uniqueness" in item for item in schema.values())


@requirement("7643-2.3.3-01")
def test_numbers_are_real_numbers(scim, user):
    """No attribute of users and groups is a number, so this is about how a literal is read and refused."""
    assert not [name for name, item in every_attribute(scim) if item["type"] in ("decimal", "integer")]
    for literal in ("5", "-1.5", "2.5e3", "1E-2"):
        detail = scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": f"title eq {literal}"})
        assert "title" in detail
    for literal in ("1.", ".5", "+1", "0x1", "1e"):
        scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": f"title eq {literal}"})
    scim.error(400, "invalidValue", "POST", "/Users", new_user(title=1.5))


@requirement("7643-2.3.4-01")
def test_integers(scim):
    page = scim.get("/Users", count=1)
    assert all(type(page[key]) is int for key in ("totalResults", "startIndex", "itemsPerPage"))
    scim.error(400, "invalidValue", "GET", "/Users", params={"count": "1.5"})
    scim.error(400, "invalidValue", "POST", "/Users/.search", {"count": 1.5})


@requirement("7643-2.3.5-01", "7643-3.1-09")
def test_times(scim, user):
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z"
    for key in ("created", "lastModified"):
        assert re.fullmatch(pattern, user["meta"][key])
    for wrong in ("2026-11-24", "12:00:00Z", "yesterday", "2026-13-01T00:00:00Z", ""):
        scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": f'meta.created gt "{wrong}"'})


@requirement("7643-2.3.6-01", "7643-2.3.6-02", "7643-4.1.2-10")
def test_binary_values(scim):
    padded, bare = base64.b64encode(b"DER bytes!").decode(), base64.b64encode(b"other bytes").decode().rstrip("=")
    whole = base64.b64encode(b"nine byte").decode()
    user = scim.user(x509Certificates=[{"value": padded}, {"value": bare}, {"value": whole}])
    assert [value["value"] for value in user["x509Certificates"]] == [padded, bare, whole]
    for value in (padded, bare, whole):
        assert user["id"] in scim.find(f'x509Certificates.value eq "{value}"')
    assert user["id"] not in scim.find(f'x509Certificates.value eq "{whole.swapcase()}"')
    for wrong in ("not base64!", "a", 5):
        scim.error(400, "invalidValue", "POST", "/Users", new_user(x509Certificates=[{"value": wrong}]))


@requirement("7643-2.3.7-01", "7643-4.1.1-06", "7643-4.1.2-04")
def test_references(scim):
    page, photo = f"https://people.example/{unique('Ada')}", f"https://photos.example/{unique()}.png"
    user = scim.user(profileUrl=page, photos=[{"value": photo, "type": "photo"}])
    assert (user["profileUrl"], user["photos"][0]["value"]) == (page, photo)
    assert scim.find(f'profileUrl eq "{page}"') == {user["id"]}
    assert scim.find(f'profileUrl eq "{page.lower()}"') == set()
    assert scim.find(f'photos.value eq "{photo.upper()}"') == set()
    relative = scim.user(profileUrl="people/ada")
    assert relative["profileUrl"] == "people/ada"
    scim.error(400, "invalidValue", "POST", "/Users", new_user(profileUrl=7))


@requirement("7643-2.3.7-02")
def test_relative_references(scim, user):
    group = scim.create("Groups", {"displayName": unique("group"), "members": [{"$ref": f"Users/{user['id']}"}]})
    assert values(group, "members") == [user["id"]]


@requirement("7643-2.3.7-03")
def test_references_can_be_followed(scim, user):
    group = scim.group(user)
    boss = scim.user()
    user = scim.change(user, add(f"{tenure.ENTERPRISE}:manager", {"value": boss["id"]}))
    references = [user["meta"]["location"], group["meta"]["location"], group["members"][0]["$ref"]]
    references += [user["groups"][0]["$ref"]]
    if "$ref" in user[tenure.ENTERPRISE]["manager"]:
        references.append(user[tenure.ENTERPRISE]["manager"]["$ref"])
    for reference in references:
        url = reference if reference.startswith("http") else f"{scim.base}/{reference.lstrip('/')}"
        answer = scim.http.get(url, timeout=tenure.REQUEST_S)
        assert answer.status_code == 200, reference
        assert answer.json()["id"] in reference


@requirement("7643-2.3.7-04", "client habit 22")
def test_members_exist(scim, user):
    detail = scim.error(400, "invalidValue", "POST", "/Groups", {"displayName": "x", "members": [{"value": "nobody"}]})
    assert "nobody" in detail
    group = scim.group(user)
    scim.refuse("invalidValue", group, add("members", [{"value": "nobody"}]))
    scim.error(400, "invalidValue", "PUT", path_of(group), {"displayName": "x", "members": [{"value": "nobody"}]})
    scim.gone(user)
    assert "members" not in scim.read(group)


@requirement("7643-2.3.8-01")
def test_order_of_members_of_objects(scim):
    name = unique()
    body = f'{{"emails":[{{"primary":true,"value":"a@b.example"}}],"userName":"{name}","schemas":["{tenure.USER}"]}}'
    user = scim.expect(201, "POST", "/Users", body)
    reordered = {"schemas": [tenure.USER], "userName": name, "emails": [{"value": "a@b.example", "primary": True}]}
    version = user["meta"]["version"]
    assert scim.put(user, reordered)["meta"]["version"] == version


@requirement("7643-2.3.8-02", "7643-7-03")
def test_depth_of_complex_attributes(scim):
    for name, item in every_attribute(scim):
        is_part = "." in name.rsplit(":", 1)[1]
        assert not (is_part and item["type"] == "complex"), name
        assert (item["type"] == "complex") == bool(item.get("subAttributes")), name


@requirement("7643-2.4-01")
def test_parts_of_multi_valued_attributes(scim):
    types = {"type": "string", "primary": "boolean", "display": "string", "$ref": "reference"}
    for name, item in every_attribute(scim):
        if item["multiValued"]:
            for part in item.get("subAttributes", []):
                assert part["type"] == types.get(part["name"], part["type"]), name
    mail = {"value": "a@b.example", "display": "A", "type": "work", "primary": True}
    assert scim.user(emails=[mail])["emails"] == [mail]


@requirement("7643-2.4-02", "7643-2.4-03")
def test_one_primary_value(scim):
    two = [{"value": "a@b.example", "primary": True}, {"value": "c@d.example", "primary": True}]
    scim.error(400, "invalidValue", "POST", "/Users", new_user(emails=two))
    user = scim.user(emails=[{"value": "a@b.example", "primary": True}, {"value": "c@d.example"}])
    assert [mail.get("primary", False) for mail in user["emails"]] == [True, False]
    scim.error(400, "invalidValue", "PUT", path_of(user), new_user(emails=two))
    scim.refuse("invalidValue", user, replace("emails", two))
    assert user["id"] in scim.find("emails[primary eq true]")
    assert scim.user(emails=[{"value": "e@f.example"}])["id"] not in scim.find("emails[primary eq true]")


@requirement("7643-2.4-04", "7643-4.1.2-01", "7643-4.1.2-03")
def test_usual_form_of_values(scim):
    """Clients compare with what they sent, so values come back as given; case is folded where values are compared."""
    tag = unique("Ada")
    user = scim.user(emails=[{"value": f"{tag}@Mills.Example"}], ims=[{"value": f"{tag}@IM"}])
    assert user["emails"][0]["value"].lower() == f"{tag}@mills.example".lower()
    assert scim.find(f'emails.value eq "{tag.lower()}@mills.example"') == {user["id"]}
    assert scim.find(f'ims.value eq "{tag.upper()}@im"') == {user["id"]}


@requirement("7643-2.4-05")
def test_no_value_twice(scim):
    work, home = {"value": "a@b.example", "type": "work"}, {"value": "a@b.example", "type": "home"}
    user = scim.user(emails=[work, work, home])
    assert user["emails"] == [work, home]
    user = scim.change(user, add("emails", [home]))
    assert user["emails"] == [work, home]


@requirement("7643-2.4-06", "7644-3.13-01")
def test_version_in_the_path(scim, user):
    for root in ("/v2", ""):
        assert scim.get(f"{root}/Users/{user['id']}") == user
    for wrong in ("/v1", "/v3", "/2.0"):
        assert scim.request("GET", f"{wrong}/Users").status_code in (400, 404)


@requirement("7643-2.5-01", "7643-2.5-03")
def test_no_value_in_three_forms(scim):
    bare = new_user()
    expected = {"schemas", "id", "userName", "meta"}
    for nothing in ({}, {"title": None, "name": None, "emails": None}, {"emails": [], "roles": []}):
        user = scim.create("Users", bare | nothing | {"userName": unique()})
        assert set(user) == expected
        assert user["id"] not in scim.find("title pr or emails pr or name pr")


@requirement("7643-2.5-02")
def test_taking_values_away(scim):
    full = {"title": "Weaver", "emails": [{"value": "a@b.example"}], "name": {"givenName": "Ada", "familyName": "O"}}
    user = scim.user(**full)
    user = scim.change(user, replace("title", None), replace("emails", []), replace("name.givenName", None))
    assert {"title", "emails"}.isdisjoint(user)
    assert user["name"] == {"familyName": "O"}
    user = scim.put(user, {"userName": user["userName"], "title": None, "emails": [], "name": None})
    assert {"title", "emails", "name"}.isdisjoint(user)
    user = scim.user(**full)
    user = scim.change(user, {"op": "replace", "value": {"title": None, "emails": []}}, remove("name"))
    assert {"title", "emails", "name"}.isdisjoint(user)
