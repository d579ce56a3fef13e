"""RFC 7643 sections 5 to 8 and RFC 7644 section 4: what a server tells about itself."""

import pytest
import requests
from client import new_user, requirement, unique

import tenure

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
RESOURCE_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
CONFIGURATION = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"


@pytest.fixture(scope="module")
def configuration(scim):
    return scim.get("/ServiceProviderConfig")


@pytest.fixture(scope="module")
def schemas(scim):
    return {schema["id"]: schema for schema in scim.get("/Schemas")["Resources"]}


@pytest.fixture(scope="module")
def types(scim):
    return {found["name"]: found for found in scim.get("/ResourceTypes")["Resources"]}


def items(schemas):
    """All attributes and their parts, each with a name for messages."""
    for urn, schema in schemas.items():
        for attribute in schema["attributes"]:
            yield f"{urn}:{attribute['name']}", attribute
            for part in attribute.get("subAttributes", []):
                yield f"{urn}:{attribute['name']}.{part['name']}", part


@requirement("7643-5-01", "7643-5-06", "7644-4-01", "7644-3.4.2.3-01", "7644-3.5.2-01", "7644-3.7-01")
def test_features(configuration):
    assert configuration["schemas"] == [CONFIGURATION]
    assert "Resources" not in configuration
    supported = {
        feature: configuration[feature]["supported"]
        for feature in ("patch", "bulk", "filter", "changePassword", "sort", "etag")
    }
    assert all(type(flag) is bool for flag in supported.values())
    assert supported == {
        "patch": True,
        "bulk": True,
        "filter": True,
        "changePassword": False,
        "sort": True,
        "etag": True,
    }


@requirement("7643-5-02")
def test_limits(configuration):
    limits = [configuration["bulk"]["maxOperations"], configuration["bulk"]["maxPayloadSize"]]
    limits.append(configuration["filter"]["maxResults"])
    assert all(type(limit) is int for limit in limits)
    assert limits == [1000, 8_388_608, 1000]


@requirement("7643-5-03")
def test_ways_to_sign_in(configuration):
    assert configuration["authenticationSchemes"]
    for scheme in configuration["authenticationSchemes"]:
        assert scheme["type"] in ("oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest")
        assert scheme["name"]
        assert scheme["description"]


@requirement("7643-5-04", "contested-50")
def test_what_is_public(scim, configuration):
    assert requests.get(f"{scim.base}/ServiceProviderConfig", timeout=9).json() == configuration
    for path in ("/Schemas", "/ResourceTypes", "/Users"):
        assert requests.get(scim.base + path, timeout=9).status_code == 401


@requirement("7643-5-05", "7643-6-06", "7643-7-16", "7644-4-06", "7644-3.2-04", "contested-43")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_discovery_cannot_be_changed(scim, method):
    paths = ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes", f"/Schemas/{tenure.USER}", "/ResourceTypes/User"]
    before = [scim.get(path) for path in paths]
    for path in paths:
        answer = scim.request(method, path, None if method == "DELETE" else {})
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]
        assert method not in answer.headers["Allow"]
        assert answer.json()["schemas"] == [tenure.ERROR]
    assert [scim.get(path) for path in paths] == before


@requirement("7643-6-01", "7643-6-04", "7643-6-06", "7644-4-03", "7644-3.2-01")
def test_resource_types(scim, types):
    assert set(types) == {"User", "Group"}
    for name, found in types.items():
        assert found["schemas"] == [RESOURCE_TYPE]
        assert found["endpoint"] == f"/{name}s"
        assert found["description"]
        assert found["meta"]["resourceType"] == "ResourceType"
        for extension in found.get("schemaExtensions", []):
            assert type(extension["required"]) is bool
        assert scim.get(f"/ResourceTypes/{name}") == found
        assert scim.get(found["endpoint"], count=0)["schemas"] == [tenure.LIST]
    assert types["User"]["schema"] == tenure.USER
    assert [extension["schema"] for extension in types["User"]["schemaExtensions"]] == [tenure.ENTERPRISE]


@requirement("7643-6-03", "7643-7-01", "7644-4-02")
def test_schemas_of_the_types(scim, types, schemas):
    used = {CONFIGURATION, SCHEMA, RESOURCE_TYPE}
    for found in types.values():
        used |= {found["schema"], *(extension["schema"] for extension in found.get("schemaExtensions", []))}
    assert used <= set(schemas)
    for urn in used:
        schema = scim.get(f"/Schemas/{urn}")
        assert schema == schemas[urn]
        assert schema["id"] == urn
        assert schema["schemas"] == [SCHEMA]
        assert schema["name"]
        assert schema["description"]


@requirement("7643-6-05")
def test_no_extension_is_required(scim, types):
    assert not any(extension["required"] for extension in types["User"]["schemaExtensions"])
    assert tenure.ENTERPRISE not in scim.user()


@requirement("7643-7-02", "7643-7-04", "7643-7-05", "7643-7-03")
def test_characteristics_are_stated(schemas):
    allowed = {
        "mutability": {"readOnly", "readWrite", "immutable", "writeOnly"},
        "returned": {"always", "never", "default", "request"},
        "uniqueness": {"none", "server", "global"},
    }
    for name, item in items(schemas):
        assert {"name", "type", "multiValued", "description", "required", "mutability", "returned"} <= set(item), name
        assert item["description"], name
        for key, wanted in allowed.items():
            assert item.get(key, "none") in wanted or (key != "uniqueness" and item[key] in wanted), name
        if item["type"] not in ("boolean", "complex"):
            assert type(item["caseExact"]) is bool, name
            assert "uniqueness" in item, name
        assert (item["type"] == "complex") == ("subAttributes" in item), name
        assert all(value is not None for value in item.values()), name


@requirement("7643-7-15")
def test_types_of_references(schemas):
    known = {"User", "Group", "external", "uri"}
    for name, item in items(schemas):
        if item["type"] == "reference":
            assert item["referenceTypes"], name
            assert set(item["referenceTypes"]) <= known, name
        else:
            assert "referenceTypes" not in item, name


# What the text of the standard says, where its JSON or a reader's guess may say something else.
CHARACTERISTICS = {
    f"{tenure.USER}:userName": {"required": True, "uniqueness": "server", "caseExact": False},
    f"{tenure.USER}:password": {"mutability": "writeOnly", "returned": "never"},
    f"{tenure.USER}:groups": {"mutability": "readOnly", "multiValued": True},
    f"{tenure.USER}:groups.value": {"mutability": "readOnly"},
    f"{tenure.USER}:profileUrl": {"type": "reference", "caseExact": True, "referenceTypes": ["external"]},
    f"{tenure.USER}:x509Certificates.value": {"type": "binary", "caseExact": True},
    f"{tenure.USER}:photos.value": {"type": "reference"},
    f"{tenure.USER}:addresses.primary": {"type": "boolean"},
    f"{tenure.GROUP}:displayName": {"required": True, "uniqueness": "none"},
    f"{tenure.GROUP}:members": {"multiValued": True, "mutability": "readWrite"},
    f"{tenure.GROUP}:members.value": {"mutability": "immutable"},
    f"{tenure.GROUP}:members.$ref": {"mutability": "immutable", "type": "reference"},
    f"{tenure.GROUP}:members.type": {"mutability": "immutable", "canonicalValues": ["User", "Group"]},
    f"{tenure.GROUP}:members.display": {"mutability": "readOnly"},
    f"{tenure.ENTERPRISE}:manager.displayName": {"mutability": "readOnly"},
    f"{tenure.ENTERPRISE}:manager.value": {"required": False},
    f"{tenure.ENTERPRISE}:manager.$ref": {"type": "reference", "referenceTypes": ["User"]},
    f"{CONFIGURATION}:etag": {"type": "complex", "mutability": "readOnly"},
    f"{CONFIGURATION}:authenticationSchemes.type": {"type": "string"},
    f"{SCHEMA}:attributes": {"multiValued": True},
}


@requirement("contested-31", "7643-7-02", "7643-7-05")
@pytest.mark.parametrize("name", CHARACTERISTICS)
def test_corrected_schemas(schemas, name):
    item = dict(items(schemas))[name]
    expected = CHARACTERISTICS[name]
    assert {key: item.get(key) for key in expected} == expected


@requirement("contested-31", "contested-32")
def test_no_empty_suggestions(schemas):
    assert not [name for name, item in items(schemas) if item.get("canonicalValues") == []]


@requirement("7643-7-06")
def test_case_is_kept(scim, schemas):
    """Every text attribute of the served schemas comes back in the case in which it was sent."""
    text = unique("MiXeD")
    for item in schemas[tenure.USER]["attributes"]:
        if item["type"] == "string" and item["mutability"] == "readWrite" and not item["multiValued"]:
            assert scim.user(**{item["name"]: f"{text}.{item['name']}"})[item["name"]] == f"{text}.{item['name']}"
    assert scim.user(externalId=text)["externalId"] == text


@requirement("7643-7-07", "7643-7-08", "7643-7-09", "7643-7-10", "7643-7-12")
def test_served_characteristics_are_true(scim, schemas):
    """What the schema says about users is what a user does."""
    user = scim.user(title="Weaver", emails=[{"value": "a@b.example"}], password="secret-1")
    for item in schemas[tenure.USER]["attributes"]:
        shown = scim.get(f"/Users/{user['id']}", attributes=item["name"])
        hidden = scim.get(f"/Users/{user['id']}", excludedAttributes=item["name"])
        if item["returned"] == "never":
            assert item["name"] not in shown
        if item["returned"] == "default":
            assert item["name"] not in hidden
            assert (item["name"] in shown) == (item["name"] in user)
        if item["mutability"] == "readOnly":
            answer = scim.request(
                "PATCH", f"/Users/{user['id']}", {"Operations": [{"op": "remove", "path": item["name"]}]}
            )
            assert answer.json()["scimType"] == "mutability"
        assert scim.get(f"/Users/{user['id']}", attributes=item["name"])["id"] == user["id"]


@requirement("7643-7-13")
def test_what_is_returned_on_request(scim, schemas):
    """A member's name is such a value: clients compare members with what they sent."""
    names = [name for name, item in items(schemas) if item["returned"] == "request"]
    assert names == [f"{tenure.GROUP}:members.display"]
    person = scim.user(displayName="Ada Okafor")
    group = scim.group(person)
    assert "display" not in group["members"][0]
    assert "display" not in scim.read(group)["members"][0]
    assert "display" not in scim.get("/Groups", filter=f'id eq "{group["id"]}"')["Resources"][0]["members"][0]
    for read in (
        scim.read(group, attributes="members.display"),
        scim.get("/Groups", filter=f'id eq "{group["id"]}"', attributes="members.display")["Resources"][0],
    ):
        assert read["members"] == [{"display": "Ada Okafor"}]


@requirement("7644-3.1-02")
def test_messages_are_not_listed(scim, schemas):
    assert not [urn for urn in schemas if ":api:" in urn]
    scim.error(404, None, "GET", f"/Schemas/{tenure.PATCH}")


@requirement("7644-4-02", "7644-4-03", "7644-3.4.2-02")
def test_lists_of_discovery(scim):
    for path in ("/Schemas", "/ResourceTypes"):
        page = scim.get(path)
        assert page["schemas"] == [tenure.LIST]
        assert page["totalResults"] == page["itemsPerPage"] == len(page["Resources"])
        assert page["startIndex"] == 1


@requirement("7644-4-04")
def test_discovery_ignores_paging(scim):
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        assert scim.get(path, startIndex=2, count=1, sortBy="id", sortOrder="descending") == scim.get(path)


@requirement("7644-4-05", "contested-43")
def test_discovery_refuses_filters(scim):
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig", f"/Schemas/{tenure.USER}"):
        scim.error(403, None, "GET", path, params={"filter": 'name eq "User"'})


@requirement("7644-4-07")
def test_what_is_not_there(scim):
    for path in ("/Schemas/urn:example:none", "/ResourceTypes/Device", "/Schemas/x/y", "/ServiceProviderConfig/1"):
        scim.error(404, None, "GET", path)


@requirement("7644-3.2-07", "7644-4-02", "contested-30")
def test_urns_in_paths(scim):
    urn = tenure.ENTERPRISE
    for spelling in (urn, urn.replace(":", "%3A"), urn.upper()):
        assert scim.get(f"/Schemas/{spelling}")["id"] == urn


@requirement("7643-6-05", "7644-3.1-05")
def test_schema_of_a_user_that_says_nothing(scim):
    assert scim.create("Users", {"userName": unique()})["schemas"] == [tenure.USER]
    assert scim.create("Users", new_user(schemas=[tenure.USER, tenure.ENTERPRISE]))["schemas"] == [tenure.USER]
