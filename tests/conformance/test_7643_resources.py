"""RFC 7643 section 3: schemas, common attributes, extensions."""

import re
import time

import pytest
from client import DEPARTMENT, add, new_group, new_user, path_of, remove, replace, requirement, unique, values

import tenure


def both(scim, **more):
    """A user and a group with the same extra attributes."""
    return [scim.user(**more), scim.group(**more)]


@requirement("7643-3-01", "7643-3-02", "7643-3-03")
def test_schemas_of_resources(scim):
    plain, extended = scim.user(), scim.user(**{tenure.ENTERPRISE: {"department": "Dyes"}})
    assert plain["schemas"] == [tenure.USER]
    assert sorted(extended["schemas"]) == sorted([tenure.USER, tenure.ENTERPRISE])
    given = [tenure.ENTERPRISE, tenure.USER, tenure.USER, "urn:example:unknown:1.0:User"]
    user = scim.user(schemas=given, **{tenure.ENTERPRISE: {"department": "Dyes"}})
    assert sorted(user["schemas"]) == sorted([tenure.USER, tenure.ENTERPRISE])
    user = scim.change(user, remove(DEPARTMENT))
    assert user["schemas"] == [tenure.USER]
    assert tenure.ENTERPRISE not in user


@requirement("7643-3-04", "7643-3.1-16")
def test_common_attributes_of_every_resource(scim):
    for resource in both(scim, externalId=unique("ext")):
        kind = f"{resource['meta']['resourceType']}s"
        assert {"id", "externalId", "meta"} <= set(resource)
        assert scim.find(f'externalId eq "{resource["externalId"]}"', kind) == {resource["id"]}
        assert scim.find(f'id eq "{resource["id"]}" and meta.created pr', kind) == {resource["id"]}
    for schema in (tenure.USER, tenure.GROUP):
        for attribute in scim.get(f"/Schemas/{schema}")["attributes"]:
            assert attribute["name"] != "id" or attribute["returned"] == "always"


@requirement("7643-3-05", "7643-3.3-01", "7643-4.3-01")
def test_extensions_have_an_object_of_their_own(scim):
    extension = {
        "employeeNumber": "7",
        "costCenter": "C",
        "organization": "Mills",
        "division": "North",
        "department": "Dyes",
    }
    user = scim.user(**{tenure.ENTERPRISE: extension})
    assert user[tenure.ENTERPRISE] == extension
    assert not set(extension) & set(user)
    # At the top level the same names are unknown, and so not stored.
    stray = scim.user(department="Dyes", employeeNumber="7")
    assert not {"department", "employeeNumber", tenure.ENTERPRISE} & set(stray)


@requirement("7643-3.3-02")
def test_extensions_define_nothing_anew(scim):
    core = {attribute["name"].lower() for attribute in scim.get(f"/Schemas/{tenure.USER}")["attributes"]}
    extension = {attribute["name"].lower() for attribute in scim.get(f"/Schemas/{tenure.ENTERPRISE}")["attributes"]}
    assert not extension & (core | {"id", "externalid", "meta", "schemas"})


@requirement("7643-3.3-03", "7643-3-01")
def test_order_of_schemas_means_nothing(scim):
    for schemas in ([tenure.USER, tenure.ENTERPRISE], [tenure.ENTERPRISE, tenure.USER]):
        user = scim.user(schemas=schemas, title="Weaver", **{tenure.ENTERPRISE: {"department": "Dyes"}})
        assert (user["title"], user[tenure.ENTERPRISE]) == ("Weaver", {"department": "Dyes"})


@requirement("7643-3.1-01", "7643-3.1-02", "7643-3.1-03", "7643-9-02")
def test_ids(scim):
    resources = [scim.user(id="mine"), scim.user(id="mine"), scim.group(id="mine"), scim.user()]
    ids = [resource["id"] for resource in resources]
    assert len(set(ids)) == len(ids)
    for resource in resources:
        assert resource["id"]
        assert resource["id"] != "mine"
        assert "bulkid" not in resource["id"].lower()
        assert resource.get("userName", resource.get("displayName")).split(".")[1] not in resource["id"]
        path = path_of(resource)
        for params in ({}, {"attributes": "externalId"}, {"excludedAttributes": "id"}):
            assert scim.get(path, **params)["id"] == resource["id"]
    for found in scim.get("/Users", excludedAttributes="id", count=5)["Resources"]:
        assert found["id"]
    user = scim.put(resources[0], new_user(id="other"))
    assert user["id"] == ids[0]


@requirement("7643-3.1-04")
def test_ids_are_compared_to_the_letter(scim, user):
    upper = user["id"].upper()
    assert upper != user["id"]
    scim.error(404, None, "GET", f"/Users/{upper}")
    assert scim.find(f'id eq "{upper}"') == set()
    assert scim.find(f'id eq "{user["id"]}"') == {user["id"]}


@requirement("7643-3.1-05", "7643-3.1-06")
@pytest.mark.parametrize("make", [new_user, new_group])
def test_external_ids(scim, make):
    kind = "Users" if make is new_user else "Groups"
    external = unique("Ext")
    one, two = (scim.create(kind, make(externalId=external)) for _ in range(2))
    assert scim.find(f'externalId eq "{external}"', kind) == {one["id"], two["id"]}
    assert scim.find(f'externalId eq "{external.lower()}"', kind) == set()
    bare = scim.create(kind, make())
    assert "externalId" not in bare
    assert scim.change(bare, add("externalId", external))["externalId"] == external
    assert scim.change(bare, replace("externalId", "other"))["externalId"] == "other"
    assert "externalId" not in scim.change(bare, remove("externalId"))


@requirement("7643-3.1-07", "7643-7-07")
def test_meta_cannot_be_written(scim):
    fake = {
        "resourceType": "Group",
        "created": "2001-01-01T00:00:00Z",
        "lastModified": "2001-01-01T00:00:00Z",
        "location": "https://elsewhere.example/1",
        "version": 'W/"mine"',
    }
    user = scim.user(meta=fake)
    assert user["meta"]["resourceType"] == "User"
    assert not set(fake.values()) & set(user["meta"].values())
    replaced = scim.put(user, new_user(meta=fake))
    assert replaced["meta"]["created"] == user["meta"]["created"]
    assert not set(fake.values()) & set(replaced["meta"].values())
    scim.refuse("mutability", replaced, replace("meta.created", fake["created"]))


@requirement("7643-3.1-08")
def test_parts_of_meta(scim, user):
    parts = {"resourceType", "created", "lastModified", "location", "version"}
    assert set(user["meta"]) == parts
    assert scim.read(user, attributes="meta.created")["meta"] == {"created": user["meta"]["created"]}
    assert set(scim.read(user, excludedAttributes="meta.created")["meta"]) == parts - {"created"}
    assert "meta" not in scim.read(user, excludedAttributes="meta")
    assert scim.read(user, attributes="meta")["meta"] == user["meta"]


@requirement("7643-3.1-09", "7643-6-02", "7644-3.3.1-01")
def test_meta_of_each_type(scim):
    for resource, kind in zip(both(scim), ("User", "Group"), strict=True):
        meta = resource["meta"]
        assert meta["resourceType"] == kind
        assert scim.get(f"/ResourceTypes/{kind}")["name"] == kind
        assert meta["location"] == f"{scim.base}/{kind}s/{resource['id']}"
        assert meta["created"].endswith("Z")
        assert meta["lastModified"].endswith("Z")


@requirement("7643-3.1-10", "7643-3.1-11")
def test_times_of_changes(scim):
    for resource in both(scim):
        meta = resource["meta"]
        assert meta["lastModified"] == meta["created"]
        time.sleep(0.005)
        changed = scim.change(resource, replace("displayName", unique("name")))["meta"]
        assert changed["created"] == meta["created"]
        assert changed["lastModified"] > meta["lastModified"]
    group, member = scim.group(), scim.user()
    time.sleep(0.005)
    after = scim.change(group, add("members", [{"value": member["id"]}]))
    assert after["meta"]["lastModified"] > group["meta"]["lastModified"]


@requirement("7643-3.1-12", "contested-42")
def test_location_headers(scim):
    forged = {"Host": "elsewhere.example"}
    for kind, document in (("Users", new_user()), ("Groups", new_group())):
        answer = scim.request("POST", f"/{kind}", document, headers=forged)
        assert answer.status_code == 201
        location = answer.json()["meta"]["location"]
        assert location.startswith(f"{scim.base}/{kind}/")
        assert answer.headers["Location"] == location
        path = location.removeprefix(scim.base)
        for method, body in (
            ("GET", None),
            ("PUT", document),
            ("PATCH", {"Operations": [replace("displayName", "x")]}),
        ):
            answer = scim.request(method, path, body, headers=forged)
            assert answer.status_code == 200
            assert answer.headers["Content-Location"] == location == answer.json()["meta"]["location"]
            assert "Location" not in answer.headers


@requirement("7643-3.1-13")
def test_type_and_version_to_the_letter(scim, user):
    assert scim.find(f'id eq "{user["id"]}" and meta.resourceType eq "User"') == {user["id"]}
    assert scim.find(f'id eq "{user["id"]}" and meta.resourceType eq "user"') == set()
    schema = {attribute["name"]: attribute for attribute in scim.get(f"/Schemas/{tenure.USER}")["attributes"]}
    for part in schema.get("meta", {}).get("subAttributes", []):
        assert part["name"] not in ("resourceType", "version") or part["caseExact"]


@requirement("7643-3.1-14", "7643-3.1-15", "7644-3.14-01", "7232-2.3-01")
def test_versions_and_tags(scim):
    for resource in both(scim):
        path = path_of(resource)
        for method, body in (("GET", None), ("PATCH", {"Operations": [replace("displayName", "x")]})):
            answer = scim.request(method, path, body)
            tag = answer.headers["ETag"]
            assert re.fullmatch(r'(W/)?"[^"]*"', tag)
            assert tag.startswith("W/")
            assert answer.json()["meta"]["version"] == tag
    created = scim.request("POST", "/Users", new_user())
    assert created.headers["ETag"] == created.json()["meta"]["version"]
    replaced = scim.request("PUT", path_of(created.json()), new_user())
    assert replaced.headers["ETag"] == replaced.json()["meta"]["version"]


@requirement("7643-3-01")
def test_schemas_that_are_none(scim):
    for wrong in (5, [5], {"a": 1}):
        answer = scim.request("POST", "/Users", new_user(schemas=wrong))
        assert answer.status_code == 400, wrong


@requirement("7643-3.1-02")
def test_ids_are_never_used_again(scim):
    name = unique()
    seen = set()
    for _ in range(3):
        user = scim.user(userName=name)
        assert user["id"] not in seen
        seen.add(user["id"])
        scim.gone(user)


@requirement("7643-3.1-06")
def test_external_id_and_put(scim):
    group = scim.group(externalId="one")
    put = scim.put(group, new_group(externalId="two"))
    assert put["externalId"] == "two"
    assert "externalId" not in scim.put(group, new_group())
    assert values(put, "members") == []
