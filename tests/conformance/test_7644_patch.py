"""RFC 7644 section 3.5.2: the PATCH message, and what holds for every operation."""

import pytest
from client import DEPARTMENT, MANAGER, add, message, new_user, path_of, remove, replace, requirement, unique, values

import tenure


def patch(scim, resource, body, **options):
    return scim.request("PATCH", path_of(resource), body, **options)


@requirement("7644-3.5.2-02", "contested-29", "7644-3.12-05")
def test_schema_of_the_message(scim, user):
    operations = [replace("title", "Weaver")]
    for wrong in ([tenure.USER], ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "x", 5):
        answer = patch(scim, user, {"schemas": wrong, "Operations": operations})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidSyntax")
    assert scim.read(user) == user
    for right in ({"schemas": [tenure.PATCH]}, {"schemas": [tenure.PATCH.upper()]}, {"schemas": []}, {}):
        assert patch(scim, user, right | {"Operations": operations}).status_code == 200


@requirement("7644-3.5.2-03", "7644-3.5.2-15")
@pytest.mark.parametrize(
    "wrong", [{}, {"Operations": []}, {"Operations": None}, {"Operations": "x"}, {"Operations": [5]}]
)
def test_operations_are_needed(scim, user, wrong):
    scim.error(400, "invalidSyntax", "PATCH", path_of(user), {"schemas": [tenure.PATCH]} | wrong)
    assert scim.read(user) == user


@requirement("7644-3.5.2-04", "7644-3.5.2-15", "contested-15", "client habit 1")
def test_kinds_of_operations(scim, user):
    for kind in ("add", "Add", "ADD", "replace", "Replace", "rePLACE"):
        text = unique(kind)
        assert scim.change(user, {"op": kind, "path": "title", "value": text})["title"] == text
    for kind in ("remove", "Remove"):
        scim.change(user, add("title", "x"))
        assert "title" not in scim.change(user, {"op": kind, "path": "title"})
    user = scim.read(user)
    for wrong in ({"op": "shuffle"}, {"op": ""}, {"op": None}, {"op": 5}, {"op": ["add"]}, {}, {"op": "delete"}):
        scim.refuse("invalidSyntax", user, {"path": "title", "value": "x"} | wrong)


@requirement("7644-3.5.2-05", "7644-3.5.2.3-07")
def test_kinds_of_paths(scim):
    user = scim.user(emails=[{"value": "a@b.example", "type": "work"}, {"value": "c@d.example", "type": "home"}])
    work = 'emails[type eq "work"]'
    for path, value, expected in (
        ("title", "x", {"title": "x"}),
        ("name.givenName", "Ada", {"name": {"givenName": "Ada"}}),
        (f"{tenure.USER}:title", "y", {"title": "y"}),
        (f"{tenure.USER}:name.familyName", "O", {"name": {"givenName": "Ada", "familyName": "O"}}),
        (DEPARTMENT, "Dyes", {tenure.ENTERPRISE: {"department": "Dyes"}}),
    ):
        after = scim.change(user, replace(path, value))
        assert expected.items() <= after.items()
    after = scim.change(user, replace(f"{work}.value", "e@f.example"), replace(work, {"display": "E"}))
    assert after["emails"][0] == {"value": "e@f.example", "display": "E", "type": "work"}
    assert after["emails"][1] == {"value": "c@d.example", "type": "home"}
    after = scim.change(user, replace(f"{tenure.USER}:{work}.value", "g@h.example"))
    assert values(after, "emails") == ["c@d.example", "g@h.example"]


@requirement("7644-3.5.2-06", "7643-7-07", "contested-09")
@pytest.mark.parametrize(
    "operation",
    [
        replace("id", "mine"),
        add("id", "mine"),
        remove("id"),
        remove("meta"),
        replace("meta.version", "mine"),
        replace("groups", []),
        add("groups", [{"value": "x"}]),
        remove('groups[value eq "x"]'),
        replace(f"{MANAGER}.displayName", "mine"),
        {"op": "replace", "value": {"id": "mine"}},
    ],
)
def test_what_may_not_be_changed(scim, user, operation):
    scim.refuse("mutability", user, operation)


@requirement("contested-09", "client habit 4")
def test_unchanged_read_only_values(scim, user):
    for operation in (
        replace("id", user["id"]),
        {"op": "replace", "value": {"id": user["id"], "schemas": user["schemas"], "meta": {"created": "x"}}},
        replace("meta.version", user["meta"]["version"]),
    ):
        scim.leave(user, operation)


@requirement("7644-3.5.2-08", "7644-3.12-06", "7644-3.12-07", "7644-3.12-04")
@pytest.mark.parametrize(
    ("scim_type", "operation"),
    [
        ("invalidPath", replace("shoeSize", "x")),
        ("invalidPath", replace("name.shoe", "x")),
        ("invalidPath", replace("emails.shoe", "x")),
        ("invalidPath", replace("title.part", "x")),
        ("invalidPath", replace("urn:example:none:1.0:User:x", "x")),
        # An empty path is none, and then the value has to be an object.
        ("invalidValue", replace("", "x")),
        ("invalidPath", replace("title title", "x")),
        ("invalidPath", replace("emails[type eq", "x")),
        ("invalidPath", replace("members", [])),
        ("invalidPath", replace("[type eq 1]", "x")),
        ("invalidValue", replace("title", 5)),
        ("invalidValue", replace("title", {"a": 1})),
        ("invalidValue", replace("title", ["a"])),
        ("invalidValue", replace("active", "maybe")),
        ("invalidValue", replace("name", 5)),
        ("invalidValue", replace("emails", 5)),
        ("invalidValue", add("emails", [{"value": 5}])),
        ("invalidValue", replace(DEPARTMENT, 5)),
        ("invalidValue", {"op": "replace", "value": {"title": 5}}),
    ],
)
def test_what_does_not_fit_the_schema(scim, user, scim_type, operation):
    scim.refuse(scim_type, user, operation)


@requirement("7644-3.12-04", "7644-3.5.2-08")
@pytest.mark.parametrize(
    "path", ['emails[type xx "a"].value', "emails[type eq].value", 'emails[shoe eq "a"].value', "emails[].value"]
)
def test_bad_filters_in_paths(scim, user, path):
    answer = patch(scim, user, message(replace(path, "x")))
    assert answer.status_code == 400
    assert answer.json()["scimType"] in ("invalidFilter", "invalidPath")
    assert scim.read(user) == user


@requirement("7644-3.5.2-09")
def test_extensions_are_listed(scim, user):
    assert user["schemas"] == [tenure.USER]
    for operation in (add(DEPARTMENT, "Dyes"), {"op": "add", "value": {DEPARTMENT: "Dyes"}}):
        after = scim.change(user, operation)
        assert sorted(after["schemas"]) == sorted([tenure.USER, tenure.ENTERPRISE])
        after = scim.change(user, remove(DEPARTMENT))
        assert after["schemas"] == [tenure.USER]


@requirement("7644-3.5.2-10")
def test_operations_in_order(scim, user):
    after = scim.change(
        user,
        add("title", "a"),
        replace("title", "b"),
        remove("title"),
        add("nickName", "c"),
        add("emails", [{"value": "a@b.example", "type": "work"}]),
        replace('emails[type eq "work"].value', "c@d.example"),
        add("emails", [{"value": "e@f.example", "type": "home"}]),
        remove('emails[value eq "c@d.example"]'),
    )
    assert "title" not in after
    assert after["nickName"] == "c"
    assert after["emails"] == [{"value": "e@f.example", "type": "home"}]


@requirement("7644-3.5.2-11")
@pytest.mark.parametrize(
    "operation",
    [
        add("emails", [{"value": "c@d.example", "type": "home", "primary": True}]),
        replace('emails[type eq "home"].primary', True),
        add('emails[type eq "home"].primary', True),
        replace('emails[type eq "home"]', {"primary": True}),
        add('emails[type eq "other"]', {"value": "e@f.example", "primary": True}),
        {"op": "add", "value": {"emails": [{"value": "e@f.example", "primary": True}]}},
    ],
)
def test_new_primary_value(scim, operation):
    old = {"value": "a@b.example", "type": "work", "primary": True}
    user = scim.user(emails=[old, {"value": "c@d.example", "type": "home"}])
    after = {mail["value"]: mail.get("primary", False) for mail in scim.change(user, operation)["emails"]}
    assert list(after.values()).count(True) == 1
    assert not after["a@b.example"]


@requirement("7644-3.5.2-12")
@pytest.mark.parametrize(
    "bad", [replace("shoeSize", 1), replace("active", "maybe"), {"op": "remove"}, replace("id", "x"), {"op": "shuffle"}]
)
def test_all_or_nothing(scim, user, bad):
    good = [add("title", "Weaver"), add(DEPARTMENT, "Dyes"), add("emails", [{"value": "a@b.example"}])]
    for operations in ([*good, bad], [bad, *good], [good[0], bad, *good[1:]]):
        before = scim.read(user)
        assert patch(scim, user, message(*operations)).status_code == 400
        assert scim.read(user) == before


@requirement("7644-3.5.2-12")
def test_all_or_nothing_for_members(scim):
    one, two = scim.user(), scim.user()
    group = scim.group(one)
    scim.refuse("invalidValue", group, add("members", [{"value": two["id"]}]), add("members", [{"value": "nobody"}]))
    scim.refuse("invalidPath", group, remove("members"), replace("shoeSize", 1))
    assert "groups" not in scim.read(two)


@requirement("7644-3.5.2-13", "contested-13", "client habit 29")
def test_answers_to_a_patch(scim):
    person = scim.user()
    for resource in (person, scim.group(person)):
        answer = patch(scim, resource, message(replace("displayName", "x")))
        assert answer.status_code == 200
        assert answer.json() == scim.read(resource)
        minimal = patch(scim, resource, message(replace("displayName", "y")), headers={"Prefer": "return=minimal"})
        assert (minimal.status_code, minimal.content) == (204, b"")
        assert minimal.headers["ETag"] == scim.read(resource)["meta"]["version"]
        named = message(replace("displayName", "z"))
        answer = patch(
            scim, resource, named, params={"attributes": "displayName"}, headers={"Prefer": "return=minimal"}
        )
        assert answer.status_code == 200
        assert answer.json()["displayName"] == "z"


@requirement("7644-3.5.2-13", "contested-13", "client habit 31")
def test_patch_of_a_large_group(new_workspace, tmp_path):
    """Up to 1,000 members the group comes back, above it does not."""
    scim = new_workspace("Large groups")
    file = tmp_path / "people.csv"
    file.write_text("userName\n" + "".join(f"u{number}\n" for number in range(1001)))
    scim.workspace.run("import", file)
    everyone = [{"value": user["id"]} for user in scim.all("Users", attributes="id")]
    group = scim.group()
    answer = patch(scim, group, message(*(add("members", [member]) for member in everyone[:1000])))
    assert answer.status_code == 200
    assert len(answer.json()["members"]) == 1000
    answer = patch(scim, group, message(add("members", everyone)))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["ETag"] != group["meta"]["version"]
    answer = patch(scim, group, message(replace("displayName", "x")), params={"attributes": "displayName"})
    assert (answer.status_code, answer.json()["displayName"]) == (200, "x")
    assert len(scim.read(group)["members"]) == 1001
    assert scim.change(group, remove("members", value=everyone[:999]))["members"][0]["value"] in str(everyone[999:])


@requirement("7644-3.5.2-14")
def test_failing_patch_has_a_body(scim, user):
    document = patch(scim, user, message(replace("shoeSize", 1))).json()
    assert document["schemas"] == [tenure.ERROR]
    assert (document["status"], document["scimType"]) == ("400", "invalidPath")
    assert "shoeSize" in document["detail"]


@requirement("7644-3.5.2-15")
def test_operations_without_value(scim, user):
    for operation in (
        {"op": "add", "path": "title"},
        {"op": "replace", "path": "title"},
        {"op": "add"},
        {"op": "replace"},
    ):
        answer = patch(scim, user, message(operation))
        assert answer.status_code == 400, operation
        assert answer.json()["scimType"] in ("invalidSyntax", "invalidValue")
    for value in ("x", 5, ["title"], True):
        answer = patch(scim, user, message({"op": "replace", "value": value}))
        assert answer.json().get("scimType") in ("invalidSyntax", "invalidValue"), value
    assert scim.read(user) == user


@requirement("7644-3.5.2-16", "contested-30", "client habit 12")
def test_case_of_paths(scim):
    user = scim.user(emails=[{"value": "a@b.example", "type": "work"}])
    after = scim.change(
        user,
        add("TITLE", "Weaver"),
        add("NAME.GIVENNAME", "Ada"),
        add(DEPARTMENT.upper(), "Dyes"),
        replace('EMAILS[TYPE EQ "WORK"].VALUE', "c@d.example"),
        {"op": "add", "value": {"NICKNAME": "A", "NAME": {"FAMILYNAME": "O"}}},
    )
    assert (after["title"], after["nickName"]) == ("Weaver", "A")
    assert after["name"] == {"givenName": "Ada", "familyName": "O"}
    assert after[tenure.ENTERPRISE] == {"department": "Dyes"}
    assert after["emails"] == [{"value": "c@d.example", "type": "work"}]


@requirement("7644-3.5.2-17", "contested-45")
def test_patch_of_an_unknown_resource(scim):
    for kind in ("Users", "Groups"):
        for body in (message(replace("displayName", "x")), {}, "{", message({"op": "shuffle"}), new_user()):
            scim.error(404, None, "PATCH", f"/{kind}/none", body)


@requirement("7644-3.5.2-01")
def test_patch_is_announced(scim):
    assert scim.get("/ServiceProviderConfig")["patch"] == {"supported": True}
