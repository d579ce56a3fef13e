"""RFC 7643 sections 4.2 and 4.3: groups, and the enterprise extension."""

import pytest
from client import MANAGER, add, new_group, new_user, path_of, remove, replace, requirement, unique, values

import tenure


@requirement("7643-4.2-01")
def test_group_has_a_name(scim):
    for wrong in ({}, {"displayName": ""}, {"displayName": None}, {"displayName": 7}):
        scim.error(400, "invalidValue", "POST", "/Groups", {"schemas": [tenure.GROUP]} | wrong)
    group = scim.group()
    scim.refuse("mutability", group, remove("displayName"))
    scim.refuse("invalidValue", group, replace("displayName", None))
    scim.error(400, "invalidValue", "PUT", path_of(group), {"schemas": [tenure.GROUP], "members": []})
    schema = {item["name"]: item for item in scim.get(f"/Schemas/{tenure.GROUP}")["attributes"]}
    assert schema["displayName"]["required"] is True


@requirement("7643-4.2-02", "7643-7-08", "7644-3.5.2-06")
def test_parts_of_members_cannot_be_changed(scim):
    one, two = scim.user(), scim.user()
    group = scim.group(one)
    here = f'members[value eq "{one["id"]}"]'
    for part, value in (("value", two["id"]), ("type", "Group"), ("$ref", two["meta"]["location"])):
        scim.refuse("mutability", group, replace(f"{here}.{part}", value))
    scim.leave(group, replace(f"{here}.value", one["id"]))
    group = scim.change(group, remove(here), add("members", [{"value": two["id"]}]))
    assert values(group, "members") == [two["id"]]


@requirement("7643-4.2-03", "7643-4.2-04")
def test_members(scim):
    person, inner = scim.user(), scim.group()
    group = scim.group(person, inner)
    members = {member["value"]: member for member in group["members"]}
    for resource, kind in ((person, "User"), (inner, "Group")):
        member = members[resource["id"]]
        assert (member["type"], member["$ref"]) == (kind, resource["meta"]["location"])
        assert scim.find(f'members.value eq "{resource["id"]}"', "Groups") == {group["id"]}
    assert group["id"] in scim.find('members.type eq "Group"', "Groups")


@requirement("7643-4.2-04")
def test_wrong_types_of_members(scim):
    person, inner = scim.user(), scim.group()
    for member, kind in ((person, "Group"), (inner, "User"), (person, "Device")):
        wrong = [{"value": member["id"], "type": kind}]
        answer = scim.request("POST", "/Groups", new_group(members=wrong))
        # What the type says may be refused or corrected, but not stored.
        assert answer.status_code in (201, 400)
        if answer.status_code == 201:
            assert answer.json()["members"][0]["type"] == ("User" if member is person else "Group")


@requirement("7643-4.2-04")
def test_groups_in_circles(scim):
    outer = scim.group()
    inner = scim.group(outer)
    for group, member in ((outer, inner), (outer, outer)):
        answer = scim.request("PATCH", path_of(group), {"Operations": [add("members", [{"value": member["id"]}])]})
        assert answer.status_code in (200, 204, 400)
    assert scim.request("GET", path_of(outer)).status_code == 200


@requirement("7643-4.2-05")
def test_members_are_named(scim, user):
    scim.error(400, "invalidValue", "POST", "/Groups", new_group(members=[{"display": "Ada"}]))
    scim.error(400, "invalidValue", "POST", "/Groups", new_group(members=[{"type": "User"}]))
    group = scim.group(members=[{"$ref": user["meta"]["location"]}])
    assert values(group, "members") == [user["id"]]


@requirement("7643-4.2-06", "client habit 25")
def test_two_groups_of_one_name(scim):
    name = unique("Line Leads")
    one, two = scim.group(displayName=name), scim.group(displayName=name)
    assert scim.find(f'displayName eq "{name}"', "Groups") == {one["id"], two["id"]}


@requirement("7643-4.3-02", "7643-4.3-03")
def test_managers(scim):
    boss = scim.user(displayName="Mira Okafor")
    given = {"value": boss["id"], "displayName": "Somebody Else"}
    user = scim.user(**{tenure.ENTERPRISE: {"manager": given}})
    manager = user[tenure.ENTERPRISE]["manager"]
    assert manager["value"] == boss["id"]
    assert manager.get("displayName") in (None, "Mira Okafor")
    assert scim.find(f'{MANAGER}.value eq "{boss["id"]}"') == {user["id"]}
    assert scim.find(f'{tenure.ENTERPRISE}:manager[value eq "{boss["id"]}"]') == {user["id"]}
    scim.refuse("mutability", user, replace(f"{MANAGER}.displayName", "Somebody Else"))
    assert "manager" not in scim.change(user, remove(MANAGER)).get(tenure.ENTERPRISE, {})


@requirement("7643-4.3-02")
def test_manager_without_value(scim):
    """Recommended, not required: a manager may also be known by reference only, or not at all."""
    reference = f"{scim.base}/Users/somebody"
    user = scim.user(**{tenure.ENTERPRISE: {"manager": {"$ref": reference}, "department": "Dyes"}})
    assert user[tenure.ENTERPRISE]["department"] == "Dyes"
    assert user[tenure.ENTERPRISE]["manager"]["$ref"] == reference


@requirement("7643-4.3-01")
@pytest.mark.parametrize("part", ["employeeNumber", "costCenter", "organization", "division", "department"])
def test_enterprise_attributes(scim, part):
    text = unique(part)
    user = scim.user(**{tenure.ENTERPRISE: {part: text}})
    assert user[tenure.ENTERPRISE] == {part: text}
    path = f"{tenure.ENTERPRISE}:{part}"
    assert scim.find(f'{path} eq "{text}"') == {user["id"]}
    assert scim.change(user, replace(path, "other"))[tenure.ENTERPRISE] == {part: "other"}
    assert tenure.ENTERPRISE not in scim.change(user, remove(path))
    scim.error(400, "invalidValue", "POST", "/Users", new_user(**{tenure.ENTERPRISE: {part: 7}}))
