"""Habits of clients that a server has to live with. Most are covered beside the section that they bend."""

import json
import re
import threading

import pytest
from client import add, message, new_group, new_user, path_of, remove, replace, requirement, unique, values

import tenure


@requirement("client habit 7")
def test_whole_group_is_emptied(scim):
    people = [scim.user() for _ in range(3)]
    group = scim.group(*people)
    after = scim.change(group, {"op": "Remove", "path": "members"})
    assert "members" not in after
    assert [path_of(person) for person in people if "groups" in scim.read(person)] == []


@requirement("client habit 8")
@pytest.mark.parametrize("key", ["operations", "OPERATIONS", "Operations"])
def test_operations_in_other_forms(scim, user, key):
    for operations in ([add("title", "list")], add("title", "single")):
        scim.expect(200, "PATCH", path_of(user), {"schemas": [tenure.PATCH], key: operations})
        assert scim.read(user)["title"] in ("list", "single")
    assert scim.read(user)["title"] == "single"


@requirement("client habit 9", "client habit 10")
def test_put_after_get(scim):
    """Okta reads, changes one value and sends everything back."""
    user = scim.user(active=True, title="Weaver", name={"givenName": "Ada", "familyName": "O"})
    scim.group(user)
    read = scim.read(user)
    read["name"]["familyName"] = "Lind"
    after = scim.put(user, read)
    assert after["name"]["familyName"] == "Lind"
    assert {key: after[key] for key in after if key not in ("name", "meta")} == {
        key: read[key] for key in read if key not in ("name", "meta")
    }


@requirement("client habit 14")
def test_blanks_encoded_twice(scim, user):
    """A client that encodes twice sees an error or nothing, and never everybody."""
    answer = scim.request("GET", f'/Users?filter=userName%2520eq%2520"{user["userName"]}"')
    assert answer.status_code == 400 or answer.json()["totalResults"] <= 1


@requirement("client habit 20")
def test_user_name_keeps_its_case(scim):
    user = scim.user(userName=unique("Ada.Okafor@Mills"))
    assert scim.find(f'userName eq "{user["userName"].swapcase()}"') == {user["id"]}
    changed = scim.change(user, replace("userName", user["userName"].lower()))
    assert changed["userName"] == user["userName"].lower()
    assert changed["id"] == user["id"]


@requirement("client habit 21")
def test_renamed_person_stays_the_same(scim):
    user = scim.user(externalId=unique("ext"))
    group = scim.group(user)
    new = unique("married")
    for rename in (
        lambda: scim.change(user, replace("userName", new)),
        lambda: scim.put(user, new_user(userName=new + "x", externalId=user["externalId"])),
        lambda: scim.change(user, {"op": "replace", "value": {"userName": new}}),
    ):
        after = rename()
        assert (after["id"], after["externalId"]) == (user["id"], user["externalId"])
        assert values(after, "groups") == [group["id"]]
        assert after["meta"]["created"] == user["meta"]["created"]


@requirement("client habit 23")
def test_present_and_absent_members(scim):
    one, two = scim.user(), scim.user()
    group = scim.group(one)
    scim.leave(group, add("members", [{"value": one["id"]}]))
    scim.leave(group, remove("members", value=[{"value": two["id"]}]))
    scim.leave(group, remove(f'members[value eq "{two["id"]}"]'))


@requirement("client habit 24")
def test_renaming_a_group(scim):
    member = scim.user()
    group = scim.group(member)
    for number, rename in enumerate(
        (
            lambda name: scim.change(group, replace("displayName", name)),
            lambda name: scim.change(group, {"op": "replace", "value": {"displayName": name}}),
            lambda name: scim.change(group, {"op": "replace", "value": {"id": group["id"], "displayName": name}}),
            lambda name: scim.put(group, new_group(member, displayName=name)),
        )
    ):
        after = rename(f"name {number}")
        assert after["displayName"] == f"name {number}"
        assert values(after, "members") == [member["id"]]
        assert scim.read(member)["groups"][0]["display"] == f"name {number}"


@requirement("client habit 29")
@pytest.mark.parametrize("prefer", ["return=minimal", "respond-async, return=minimal", "return=representation", ""])
def test_preferences(scim, user, prefer):
    answer = scim.request("PATCH", path_of(user), message(replace("title", unique())), headers={"Prefer": prefer})
    assert answer.status_code == (204 if "minimal" in prefer else 200)


@pytest.fixture(scope="module")
def mills(new_workspace, tmp_path_factory):
    """A workspace with 2,500 people."""
    scim = new_workspace("Mills")
    file = tmp_path_factory.mktemp("mills") / "people.csv"
    file.write_text("userName\n" + "".join(f"u{number}\n" for number in range(2500)))
    scim.workspace.run("import", file)
    scim.ids = [user["id"] for user in scim.all("Users", page=1000, attributes="id")]
    return scim


@requirement("client habit 31")
def test_many_operations_in_one_patch(mills):
    """Okta sends up to 256 membership changes, scripts send thousands."""
    group = mills.group()
    ids = mills.ids
    for operations in (
        [add("members", [{"value": identifier}]) for identifier in ids[:256]],
        [remove(f'members[value eq "{identifier}"]') for identifier in ids[:256]],
        [add("members", [{"value": identifier}]) for identifier in ids],
    ):
        mills.expect((200, 204), "PATCH", path_of(group), message(*operations))
    assert len(mills.read(group)["members"]) == len(ids)


@requirement("client habit 31")
def test_many_members_in_one_operation(mills):
    group = mills.group()
    everyone = [{"value": identifier} for identifier in mills.ids]
    mills.expect(204, "PATCH", path_of(group), message(add("members", everyone)))
    assert len(mills.read(group)["members"]) == len(everyone)
    mills.expect((200, 204), "PATCH", path_of(group), message(remove("members", value=everyone[1:])))
    assert values(mills.read(group), "members") == [mills.ids[0]]


@requirement("client habit 30")
def test_groups_without_members_are_cheap(mills):
    """The answer without members does not grow with the group."""
    group = mills.group()
    mills.expect(
        204, "PATCH", path_of(group), message(add("members", [{"value": identifier} for identifier in mills.ids]))
    )
    for params in ({"excludedAttributes": "members"}, {"attributes": "id"}):
        assert len(mills.request("GET", path_of(group), params=params).content) < 1000
        assert len(mills.request("GET", "/Groups", params=params | {"filter": f'id eq "{group["id"]}"'}).content) < 1000


@requirement("client habit 33")
def test_answers_to_a_burst(scim):
    """Whoever is told to wait is told for how many whole seconds."""
    token = scim.http.headers["Authorization"].split(" ")[1]
    answers = []

    def hurry():
        client = tenure.Scim(scim.base, token)
        answers.extend(client.request("POST", "/Users", new_user()) for _ in range(25))

    threads = [threading.Thread(target=hurry) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 200
    for answer in answers:
        assert answer.status_code in (201, 429, 503)
        assert answer.status_code == 201 or re.fullmatch(r"\d+", answer.headers["Retry-After"])


@requirement("client habit 35")
def test_one_for_many_and_text_for_objects(scim):
    boss = scim.user()
    user = scim.user(
        emails={"value": "a@b.example", "type": "work"},
        phoneNumbers="tel:7",
        roles=["weaver", {"value": "dyer"}],
        **{tenure.ENTERPRISE: {"manager": boss["id"]}},
    )
    assert user["emails"] == [{"value": "a@b.example", "type": "work"}]
    assert user["phoneNumbers"] == [{"value": "tel:7"}]
    assert user["roles"] == [{"value": "weaver"}, {"value": "dyer"}]
    assert user[tenure.ENTERPRISE]["manager"]["value"] == boss["id"]
    group = scim.group(members={"value": user["id"]})
    assert values(group, "members") == [user["id"]]
    assert values(scim.change(group, replace("members", {"value": boss["id"]})), "members") == [boss["id"]]


@requirement("client habit 36")
@pytest.mark.parametrize("kind", ["Add", "Replace"])
def test_roles_as_json_in_a_text(scim, kind):
    """Entra ID puts a role's id, value and name into the value, as JSON."""
    role = json.dumps({"id": "r-1", "value": "25", "displayName": "Weaver"})
    user = scim.change(scim.user(), {"op": kind, "path": "roles", "value": [{"value": role}]})
    assert user["roles"] == [{"value": "25", "display": "Weaver"}]
    assert user["id"] in scim.find('roles.value eq "25"')


@requirement("client habit 36")
def test_whole_roles_as_json_in_a_text(scim):
    text = json.dumps({"value": "25", "primary": "True"})
    expected = [{"value": "25", "primary": True}]
    assert scim.user(roles=[text])["roles"] == expected
    assert scim.change(scim.user(), add("roles", [text]))["roles"] == expected


@requirement("client habit 37")
@pytest.mark.parametrize("schemas", [["urn:scim:schemas:core:1.0"], [], None, "urn:scim:schemas:core:1.0"])
def test_old_and_missing_schemas(scim, schemas):
    user = scim.create("Users", new_user(schemas=schemas))
    assert user["schemas"] == [tenure.USER]
    group = scim.create("Groups", new_group(schemas=schemas))
    assert group["schemas"] == [tenure.GROUP]
    bare = {"userName": unique()}
    assert scim.put(user, bare)["userName"] == bare["userName"]


@requirement("client habit 19", "client habit 18")
def test_inactive_person_is_created_again(scim):
    user = scim.user(active=False)
    scim.error(409, "uniqueness", "POST", "/Users", new_user(userName=user["userName"], active=True))
    (found,) = scim.get("/Users", filter=f'userName eq "{user["userName"]}"')["Resources"]
    assert (found["id"], found["active"]) == (user["id"], False)
