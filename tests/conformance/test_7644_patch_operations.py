"""RFC 7644 sections 3.5.2.1 to 3.5.2.3: add, remove, replace."""

import time

import pytest
from client import DEPARTMENT, MANAGER, add, path_of, remove, replace, requirement, values

import tenure

WORK = {"value": "a@b.example", "type": "work", "primary": True}
HOME = {"value": "c@d.example", "type": "home"}
OTHER = {"value": "e@f.example", "type": "other"}


@pytest.fixture
def mia(scim):
    """A user with two addresses and some of everything."""
    return scim.user(
        title="Weaver",
        name={"givenName": "Mia", "familyName": "Lind"},
        emails=[WORK, HOME],
        **{tenure.ENTERPRISE: {"department": "Dyes", "costCenter": "C"}},
    )


# ----------------------------------------------------------------------------------------------- add


@requirement("7644-3.5.2.1-02", "client habit 3")
def test_add_without_path(scim, mia):
    value = {"title": "Dyer", "nickName": "M", "name": {"middleName": "B"}, "emails": [OTHER], DEPARTMENT: "Looms"}
    after = scim.change(mia, {"op": "add", "value": value})
    assert (after["title"], after["nickName"]) == ("Dyer", "M")
    assert after["name"] == {"givenName": "Mia", "middleName": "B", "familyName": "Lind"}
    assert after["emails"] == [WORK, HOME, OTHER]
    assert after[tenure.ENTERPRISE] == {"department": "Looms", "costCenter": "C"}
    after = scim.change(mia, {"op": "add", "value": {tenure.ENTERPRISE: {"division": "North"}}})
    assert after[tenure.ENTERPRISE] == {"division": "North", "department": "Looms", "costCenter": "C"}


@requirement("7644-3.5.2.1-03")
def test_add_to_nothing(scim, user):
    after = scim.change(
        user,
        add("title", "a"),
        add("name.givenName", "b"),
        add("emails", [HOME]),
        add(DEPARTMENT, "c"),
        add("active", True),
    )
    assert (after["title"], after["name"], after["emails"]) == ("a", {"givenName": "b"}, [HOME])
    assert (after[tenure.ENTERPRISE], after["active"]) == ({"department": "c"}, True)


@requirement("7644-3.5.2.1-04")
def test_add_to_a_complex_attribute(scim, mia):
    after = scim.change(mia, add("name", {"givenName": "Ada", "honorificPrefix": "Dr."}))
    assert after["name"] == {"givenName": "Ada", "familyName": "Lind", "honorificPrefix": "Dr."}


@requirement("7644-3.5.2.1-05", "client habit 35")
def test_add_to_several_values(scim, mia):
    assert scim.change(mia, add("emails", [OTHER]))["emails"] == [WORK, HOME, OTHER]
    single = {"value": "g@h.example"}
    assert scim.change(mia, add("emails", single))["emails"] == [WORK, HOME, OTHER, single]
    people = [scim.user() for _ in range(3)]
    group = scim.group(people[0])
    after = scim.change(group, add("members", [{"value": people[1]["id"]}]), add("members", {"value": people[2]["id"]}))
    assert values(after, "members") == sorted(person["id"] for person in people)


@requirement("7644-3.5.2.1-06")
def test_add_to_a_single_value(scim, mia):
    assert scim.change(mia, add("title", "Dyer"))["title"] == "Dyer"
    assert scim.change(mia, add("name.givenName", "Ada"))["name"]["givenName"] == "Ada"


@requirement("7644-3.5.2.1-07", "contested-14")
@pytest.mark.parametrize(
    "operation",
    [
        add("title", "Weaver"),
        add("name.givenName", "Mia"),
        add("name", {"givenName": "Mia"}),
        add("emails", [HOME]),
        add("emails", HOME),
        add("emails", [{"value": "c@d.example"}]),
        add(DEPARTMENT, "Dyes"),
        {"op": "add", "value": {"title": "Weaver", "emails": [HOME, WORK]}},
        replace("title", "Weaver"),
        replace("emails", [WORK, HOME]),
    ],
)
def test_add_of_what_is_there(scim, mia, operation):
    time.sleep(0.002)
    scim.leave(mia, operation)


@requirement("contested-14")
def test_new_parts_of_a_known_value(scim, mia):
    after = scim.change(mia, add("emails", [{"value": "c@d.example", "display": "C"}]))
    assert after["emails"] == [WORK, HOME | {"display": "C"}]


@requirement("7644-3.5.2.1-08", "client habit 23", "contested-14")
def test_add_of_a_member_twice(scim, user):
    group = scim.group(user)
    member = {"value": user["id"]}
    for operation in (
        add("members", [member]),
        add("members", [member, member]),
        add("members", member | {"$ref": None}),
    ):
        scim.leave(group, operation)
    other = scim.user()
    after = scim.change(group, add("members", [{"value": other["id"]}]), add("members", [{"value": other["id"]}]))
    assert values(after, "members") == sorted([user["id"], other["id"]])


@requirement("7644-3.5.2.1-09")
def test_add_to_a_part_of_selected_values(scim, mia):
    after = scim.change(mia, add('emails[type eq "home"].display', "Home"), add("emails[value pr].type", "x"))
    assert after["emails"] == [WORK | {"type": "x"}, HOME | {"display": "Home", "type": "x"}]


@requirement("7644-3.5.2.1-10", "contested-01", "contested-02")
@pytest.mark.parametrize("kind", ["add", "replace", "Replace"])
def test_values_that_do_not_exist_yet(scim, user, kind):
    operations = [
        {"op": kind, "path": 'emails[type eq "work"].value', "value": "a@b.example"},
        {"op": kind, "path": 'emails[type eq "work"].display', "value": "A"},
        {"op": kind, "path": 'phoneNumbers[type eq "fax" and primary eq true].value', "value": "7"},
        {"op": kind, "path": 'addresses[type eq "work"].locality', "value": "Leeds"},
        {"op": kind, "path": 'addresses[type eq "work"].country', "value": "GB"},
        {"op": kind, "path": 'roles[primary eq "True"].value', "value": "dyer"},
    ]
    after = scim.change(user, *operations)
    assert after["emails"] == [{"value": "a@b.example", "display": "A", "type": "work"}]
    assert after["phoneNumbers"] == [{"value": "7", "type": "fax", "primary": True}]
    assert after["addresses"] == [{"locality": "Leeds", "country": "GB", "type": "work"}]
    assert after["roles"] == [{"value": "dyer", "primary": True}]


# -------------------------------------------------------------------------------------------- remove


@requirement("7644-3.5.2.2-01")
def test_remove_without_path(scim, mia):
    for operation in ({"op": "remove"}, {"op": "remove", "path": None}, {"op": "remove", "value": {"title": None}}):
        scim.refuse("noTarget", mia, operation)


@requirement("7644-3.5.2.2-02")
def test_remove_a_single_value(scim, mia):
    after = scim.change(mia, remove("title"), remove("name.givenName"), remove(DEPARTMENT))
    assert "title" not in after
    assert after["name"] == {"familyName": "Lind"}
    assert after[tenure.ENTERPRISE] == {"costCenter": "C"}
    after = scim.change(mia, remove("name"), remove(tenure.ENTERPRISE))
    assert not {"name", tenure.ENTERPRISE} & set(after)


@requirement("7644-3.5.2.2-03", "client habit 7")
def test_remove_all_values(scim, mia):
    assert "emails" not in scim.change(mia, remove("emails"))
    group = scim.group(mia, scim.user())
    assert "members" not in scim.change(group, remove("members"))


@requirement("7644-3.5.2.2-04", "client habit 6")
def test_remove_selected_values(scim, mia):
    assert scim.change(mia, remove('emails[type eq "work"]'))["emails"] == [HOME]
    assert "emails" not in scim.change(mia, remove('emails[type eq "home" or type eq "other"]'))
    people = [scim.user() for _ in range(3)]
    group = scim.group(*people)
    after = scim.change(group, remove(f'members[value eq "{people[1]["id"]}"]'))
    assert values(after, "members") == sorted([people[0]["id"], people[2]["id"]])
    both = " or ".join(f'value eq "{people[number]["id"]}"' for number in (0, 2))
    assert "members" not in scim.change(group, remove(f"members[{both}]"))


@requirement("7644-3.5.2.2-05")
def test_remove_a_part_of_selected_values(scim, mia):
    after = scim.change(mia, remove('emails[type eq "work"].primary'), remove("emails[value pr].type"))
    assert after["emails"] == [{"value": "a@b.example"}, {"value": "c@d.example"}]
    scim.change(mia, remove("emails.value"))
    assert "emails" not in scim.read(mia)


@requirement("7644-3.5.2.2-06")
@pytest.mark.parametrize(
    "path", ["userName", "id", "schemas", "meta", "groups", "meta.created", f"{tenure.USER}:userName"]
)
def test_remove_what_is_needed(scim, mia, path):
    scim.refuse("mutability", mia, remove(path))


@requirement("7644-3.5.2.2-07", "client habit 23", "contested-10")
def test_remove_who_is_no_member(scim, user):
    group, stranger = scim.group(user), scim.user()
    for identifier in (stranger["id"], "nobody"):
        scim.leave(group, remove(f'members[value eq "{identifier}"]'))
        scim.leave(group, remove("members", value=[{"value": identifier}]))


@requirement("7644-3.5.2.2-08", "contested-10")
@pytest.mark.parametrize(
    "path",
    [
        "nickName",
        "name.middleName",
        "phoneNumbers",
        'emails[type eq "other"]',
        'emails[type eq "other"].value',
        MANAGER,
    ],
)
def test_remove_what_has_no_value(scim, mia, path):
    scim.leave(mia, remove(path))


@requirement("7644-3.5.2.2-09", "contested-03", "client habit 5", "client habit 7")
def test_remove_with_a_list(scim):
    people = [scim.user() for _ in range(4)]
    ids = [person["id"] for person in people]
    group = scim.group(*people)
    scim.leave(group, remove("members", value=[]))
    after = scim.change(group, remove("members", value=[{"value": ids[0]}, {"$ref": None, "value": ids[1]}]))
    assert values(after, "members") == sorted(ids[2:])
    after = scim.change(group, remove("members", value={"value": ids[2]}))
    assert values(after, "members") == [ids[3]]
    assert "members" not in scim.change(group, {"op": "Remove", "path": "members"})


@requirement("contested-03", "7644-3.5.2.2-09")
def test_remove_other_values_with_a_list(scim, mia):
    assert scim.change(mia, remove("emails", value=[{"value": "a@b.example"}]))["emails"] == [HOME]
    user = scim.user(roles=[{"value": "a"}, {"value": "b"}])
    assert scim.change(user, remove("roles", value=[{"value": "a"}]))["roles"] == [{"value": "b"}]


# ------------------------------------------------------------------------------------------- replace


@requirement("7644-3.5.2.3-01", "contested-07", "client habit 3")
def test_replace_without_path(scim, mia):
    value = {
        "title": "Dyer",
        "name": {"givenName": "Ada"},
        "emails": [OTHER],
        tenure.ENTERPRISE: {"department": "Looms"},
    }
    after = scim.change(mia, {"op": "replace", "value": value})
    assert after["title"] == "Dyer"
    assert after["userName"] == mia["userName"]
    assert after["name"] == {"givenName": "Ada", "familyName": "Lind"}
    assert after["emails"] == [OTHER]
    assert after[tenure.ENTERPRISE] == {"department": "Looms", "costCenter": "C"}


@requirement("7644-3.5.2.3-02", "client habit 21")
def test_replace_a_single_value(scim, mia):
    after = scim.change(
        mia, replace("title", "Dyer"), replace("userName", mia["userName"] + "x"), replace("active", False)
    )
    assert (after["title"], after["userName"], after["active"]) == ("Dyer", mia["userName"] + "x", False)
    assert after["id"] == mia["id"]
    assert scim.find(f'userName eq "{mia["userName"]}"') == set()


@requirement("7644-3.5.2.3-03")
def test_replace_all_values(scim, mia):
    assert scim.change(mia, replace("emails", [OTHER]))["emails"] == [OTHER]
    one, two = scim.user(), scim.user()
    group = scim.group(mia, one)
    after = scim.change(group, replace("members", [{"value": one["id"]}, {"value": two["id"]}]))
    assert values(after, "members") == sorted([one["id"], two["id"]])
    assert "members" not in scim.change(group, replace("members", []))


@requirement("7644-3.5.2.3-04")
def test_replace_of_nothing(scim, user):
    after = scim.change(
        user, replace("title", "a"), replace("emails", [HOME]), replace(DEPARTMENT, "b"), replace("name.givenName", "c")
    )
    assert (after["title"], after["emails"], after["name"]) == ("a", [HOME], {"givenName": "c"})
    assert after[tenure.ENTERPRISE] == {"department": "b"}
    person = scim.user()
    assert values(scim.change(scim.group(), replace("members", [{"value": person["id"]}])), "members") == [person["id"]]


@requirement("7644-3.5.2.3-05", "contested-07")
def test_replace_a_complex_attribute(scim, mia):
    assert scim.change(mia, replace("name", {"givenName": "Ada"}))["name"] == {"givenName": "Ada", "familyName": "Lind"}
    after = scim.change(mia, replace(tenure.ENTERPRISE, {"department": "Looms"}))
    assert after[tenure.ENTERPRISE] == {"department": "Looms", "costCenter": "C"}
    assert scim.change(mia, replace("name", {"givenName": None}))["name"] == {"familyName": "Lind"}


@requirement("7644-3.5.2.3-06", "contested-08")
def test_replace_selected_values(scim, mia):
    new = {"value": "x@y.example", "type": "home", "display": "X"}
    assert scim.change(mia, replace('emails[type eq "home"]', new))["emails"] == [WORK, new]
    after = scim.change(mia, replace('emails[type eq "home"]', {"value": "z@y.example"}))
    assert after["emails"] == [WORK, {"value": "z@y.example", "type": "home", "display": "X"}]
    after = scim.change(mia, replace('emails[type eq "home"]', {"display": None}))
    assert after["emails"] == [WORK, {"value": "z@y.example", "type": "home"}]


@requirement("7644-3.5.2.3-07")
def test_replace_a_part_of_selected_values(scim, mia):
    after = scim.change(mia, replace('emails[type eq "home"].value', "x@y.example"))
    assert after["emails"] == [WORK, {"value": "x@y.example", "type": "home"}]
    after = scim.change(mia, replace('emails[value co "example"].display', "D"))
    assert [mail["display"] for mail in after["emails"]] == ["D", "D"]
    after = scim.change(mia, replace("emails.type", "t"))
    assert [mail["type"] for mail in after["emails"]] == ["t", "t"]


@requirement("7644-3.5.2.3-08", "contested-01", "contested-02")
@pytest.mark.parametrize("kind", ["add", "replace"])
@pytest.mark.parametrize(
    "path",
    [
        'emails[type co "zzz"].value',
        'emails[type ne "work" and type ne "home"].value',
        'emails[type eq "x" or type eq "y"].value',
        "emails[not (value pr)].value",
        'emails[type sw "zzz"]',
    ],
)
def test_replace_of_values_that_cannot_be_made(scim, mia, kind, path):
    value = "x@y.example" if path.endswith("value") else {"value": "x@y.example"}
    scim.refuse("noTarget", mia, {"op": kind, "path": path, "value": value})


@requirement("7644-3.5.2.3-09")
def test_replace_with_nothing(scim, mia):
    after = scim.change(
        mia, replace("title", None), replace("emails", []), replace(DEPARTMENT, None), replace("name", None)
    )
    assert not {"title", "emails", "name"} & set(after)
    assert after[tenure.ENTERPRISE] == {"costCenter": "C"}
    scim.refuse("invalidValue", after, replace("userName", None))
    scim.refuse("invalidValue", after, {"op": "replace", "value": {"userName": None}})


@requirement("contested-16", "client habit 35")
def test_texts_for_complex_values(scim, mia):
    boss = scim.user()
    for operation in (
        add(MANAGER, boss["id"]),
        replace(MANAGER, {"value": boss["id"]}),
        replace(MANAGER, [{"value": boss["id"], "$ref": None}]),
        {"op": "add", "value": {MANAGER: boss["id"]}},
        {"op": "replace", "value": {tenure.ENTERPRISE: {"manager": boss["id"]}}},
    ):
        user = scim.user()
        assert scim.change(user, operation)[tenure.ENTERPRISE]["manager"]["value"] == boss["id"]
        for nothing in ("", None):
            scim.change(user, add(MANAGER, boss["id"]))
            assert tenure.ENTERPRISE not in scim.change(user, replace(MANAGER, nothing))
    assert scim.change(mia, replace("roles", "dyer"))["roles"] == [{"value": "dyer"}]
    assert scim.change(mia, replace("emails", "x@y.example"))["emails"] == [{"value": "x@y.example"}]


@requirement("contested-17")
def test_selection_on_a_single_complex_attribute(scim, user):
    boss, other = scim.user(), scim.user()
    user = scim.change(user, add(MANAGER, boss["id"]))
    scim.leave(user, remove(f'{MANAGER}[value eq "{other["id"]}"]'))
    after = scim.change(user, replace(f'{MANAGER}[value eq "{boss["id"]}"].value', other["id"]))
    assert after[tenure.ENTERPRISE]["manager"]["value"] == other["id"]
    scim.refuse("noTarget", after, replace(f'{MANAGER}[value eq "{boss["id"]}"].value', boss["id"]))
    assert tenure.ENTERPRISE not in scim.change(user, remove(f'{MANAGER}[value eq "{other["id"]}"]'))
    assert path_of(user)
