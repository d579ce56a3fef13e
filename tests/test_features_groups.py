"""What a SCIM server can be asked to do with groups, in bulk, and by many at once: goes on from test_features.py."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import tenure
from features import feature, newcomer, numbers, op, patch_of

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_ANSWER = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
NOBODY = "00000000-0000-4000-8000-000000000000"
AT_ONCE = 16


@pytest.fixture
def team(workshop, person):
    """A group with one member."""
    return workshop.create("Groups", group(person["id"]))


@pytest.fixture
def other(workshop):
    """The identifier of someone who is not in the team."""
    return workshop.create("Users", newcomer())["id"]


def group(*members):
    """The document of a group that nobody else has."""
    values = [{"value": member} for member in members]
    return {"schemas": [tenure.GROUP], "displayName": f"Team {next(numbers)}", "members": values}


def members(workshop, team):
    return sorted(member["value"] for member in workshop.get(f"/Groups/{team['id']}").get("members", []))


def groups_found(workshop, text, **params):
    return workshop.get("/Groups", filter=text, **params).get("Resources", [])


# -------------------------------------------------------------------------------------------- groups


def test_group_with_members(workshop, team, person):
    assert members(workshop, team) == [person["id"]]


@feature("times", [("once", 1), ("twice", 2)])
def test_add_member(workshop, team, person, other, times):
    for _ in range(times):
        workshop.patch("Groups", team["id"], op("add", "members", [{"value": other}]))
    assert members(workshop, team) == sorted([person["id"], other])


@feature(
    "path",
    "listed",
    [("Okta: by a condition", 'members[value eq "{}"]', False), ("Entra: by a list", "members", True)],
)
def test_remove_member(workshop, team, person, other, path, listed):
    workshop.patch("Groups", team["id"], op("Add", "members", [{"value": other}]))
    operation = op("Remove", path.format(other), [{"value": other}] if listed else None)
    workshop.patch("Groups", team["id"], operation)
    assert members(workshop, team) == [person["id"]]


def test_replace_and_remove_all_members(workshop, team, other):
    workshop.patch("Groups", team["id"], op("replace", "members", [{"value": other}]))
    assert members(workshop, team) == [other]
    workshop.patch("Groups", team["id"], op("remove", "members"))
    assert members(workshop, team) == []


def test_member_who_does_not_exist_is_refused(workshop, team, person):
    body = patch_of(op("add", "members", [{"value": NOBODY}]))
    answer = workshop.request("PATCH", f"/Groups/{team['id']}", body)
    assert answer.status_code == 400
    assert NOBODY in answer.json()["detail"]
    assert members(workshop, team) == [person["id"]]


def test_okta_renames_a_group(workshop, team):
    workshop.patch("Groups", team["id"], op("replace", value={"id": team["id"], "displayName": "Renamed"}))
    assert workshop.get(f"/Groups/{team['id']}")["displayName"] == "Renamed"


def test_entra_looks_for_a_group_without_members(workshop, team):
    [found] = groups_found(workshop, f'displayName eq "{team["displayName"]}"', excludedAttributes="members")
    assert found["id"] == team["id"]
    assert "members" not in found


@feature("text", [("conditions on a member", 'members[value eq "{}"]'), ("value of a member", 'members.value eq "{}"')])
def test_groups_of_a_member(workshop, team, person, text):
    found = groups_found(workshop, text.format(person["id"]))
    assert [one["id"] for one in found] == [team["id"]]


def test_person_shows_its_groups(workshop, team, person):
    assert [one["value"] for one in workshop.get(f"/Users/{person['id']}")["groups"]] == [team["id"]]


def test_who_is_deleted_leaves_its_groups(workshop, team, person):
    workshop.delete("Users", person["id"])
    assert members(workshop, team) == []


def test_group_in_a_group(workshop, team):
    outer = workshop.create("Groups", group(team["id"]))
    [member] = workshop.get(f"/Groups/{outer['id']}")["members"]
    assert (member["value"], member["type"]) == (team["id"], "Group")


# --------------------------------------------------------------------------------------- many at once


def at_once(call):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(call, range(AT_ONCE)))


def test_members_added_at_once_are_all_there(workshop, team, person):
    people = [workshop.create("Users", newcomer())["id"] for _ in range(AT_ONCE)]

    def add(index):
        body = patch_of(op("add", "members", [{"value": people[index]}]))
        client = tenure.Scim(workshop.base, workshop.http.headers["Authorization"].removeprefix("Bearer "))
        return client.request("PATCH", f"/Groups/{team['id']}", body).status_code

    assert set(at_once(add)) <= {200, 204}
    assert members(workshop, team) == sorted([person["id"], *people])


def test_a_name_taken_at_once_is_taken_once(workshop):
    document = newcomer()

    def create(_):
        client = tenure.Scim(workshop.base, workshop.http.headers["Authorization"].removeprefix("Bearer "))
        return client.request("POST", "/Users", document).status_code

    assert Counter(at_once(create)) == {201: 1, 409: AT_ONCE - 1}


# ---------------------------------------------------------------------------------------------- bulk


def bulk(workshop, *operations, **more):
    """The operations of the answer."""
    body = {"schemas": [BULK], "Operations": list(operations)} | more
    answer = workshop.expect(200, "POST", "/Bulk", body)
    assert answer["schemas"] == [BULK_ANSWER]
    return answer["Operations"]


def post(kind, name, document):
    return {"method": "POST", "path": f"/{kind}", "bulkId": name, "data": document}


def statuses(answer):
    return [one["status"] for one in answer]


def identifier(operation):
    return operation["location"].rsplit("/", 1)[1]


def test_bulk_refers_to_what_comes_before(workshop):
    answer = bulk(workshop, post("Users", "one", newcomer()), post("Groups", "two", group("bulkId:one")))
    assert statuses(answer) == ["201", "201"]
    assert [one["bulkId"] for one in answer] == ["one", "two"]
    assert members(workshop, {"id": identifier(answer[1])}) == [identifier(answer[0])]


def test_bulk_refers_to_what_comes_after(workshop):
    answer = bulk(workshop, post("Groups", "two", group("bulkId:one")), post("Users", "one", newcomer()))
    assert statuses(answer) == ["201", "201"]
    ids = {one["bulkId"]: identifier(one) for one in answer}
    assert members(workshop, {"id": ids["two"]}) == [ids["one"]]


def test_bulk_does_every_kind_of_change(workshop, person, team, other):
    answer = bulk(
        workshop,
        {"method": "PUT", "path": f"/Users/{person['id']}", "data": person | {"title": "Put"}},
        {
            "method": "PATCH",
            "path": f"/Groups/{team['id']}",
            "data": patch_of(op("add", "members", [{"value": other}])),
        },
        {"method": "DELETE", "path": f"/Users/{other}"},
    )
    assert [status[0] for status in statuses(answer)] == ["2", "2", "2"]
    assert workshop.get(f"/Users/{person['id']}")["title"] == "Put"
    workshop.error(404, None, "GET", f"/Users/{other}")


@feature(
    "limit",
    "expected",
    [("goes on", None, ["201", "409", "201"]), ("stops", 1, ["201", "409"])],
)
def test_bulk_after_an_error(workshop, limit, expected):
    first, last = newcomer(), newcomer()
    taken = [post("Users", "a", first), post("Users", "b", first), post("Users", "c", last)]
    answer = bulk(workshop, *taken, **({"failOnErrors": limit} if limit else {}))
    assert statuses(answer) == expected
    assert answer[1]["response"]["scimType"] == "uniqueness"
    assert (workshop.user(last["userName"]) is None) == (limit == 1)
