"""What Okta asks of a SCIM server before it lists it: the steps of its published test, sent as Okta sends them."""

import uuid

import pytest

import tenure

HEADERS = {
    "User-Agent": "OKTA SCIM Integration",
    "Accept-Charset": "utf-8",
    "Content-Type": "application/scim+json; charset=utf-8",
}
UNKNOWN_ID = "010101001010101011001010101011"


def newcomer():
    """A user as Okta creates it, with a name nobody has."""
    mark = uuid.uuid4().hex[:12]
    address = f"okta.{mark}@northwind.example"
    return {
        "schemas": [tenure.USER],
        "userName": address,
        "name": {"givenName": f"Given {mark}", "familyName": f"Family {mark}"},
        "emails": [{"primary": True, "value": address, "type": "work"}],
        "displayName": f"Given {mark} Family {mark}",
        "active": True,
    }


@pytest.fixture(scope="module")
def okta(shared_server):
    """Okta's client, at a workspace that has a user already, as Okta's test wants it."""
    scim = shared_server.scim(shared_server.workspace("Okta").token())
    scim.http.headers.update(HEADERS)
    scim.create("Users", newcomer())
    return scim


def listed(okta, **params):
    answer = okta.get("/Users", **params)
    assert tenure.LIST in answer["schemas"]
    return answer


def has_what_okta_reads(user):
    assert all(isinstance(user[name], str) and user[name] for name in ("id", "userName"))
    assert user["name"]["givenName"]
    assert user["name"]["familyName"]
    assert user["emails"][0]["value"]
    assert isinstance(user["active"], bool)


def same_person(answer, sent):
    assert answer["userName"] == sent["userName"]
    assert answer["name"]["givenName"] == sent["name"]["givenName"]
    assert answer["name"]["familyName"] == sent["name"]["familyName"]


def test_users_are_listed(okta):
    answer = listed(okta, count=1, startIndex=1)
    for name in ("itemsPerPage", "startIndex", "totalResults"):
        assert type(answer[name]) is int, name
    assert len(answer["Resources"]) == 1
    has_what_okta_reads(answer["Resources"][0])


def test_a_listed_user_can_be_read_by_its_id(okta):
    [first] = listed(okta, count=1, startIndex=1)["Resources"]
    user = okta.get(f"/Users/{first['id']}")
    has_what_okta_reads(user)
    assert user["id"] == first["id"]


def test_a_name_that_nobody_has_is_an_empty_list(okta):
    answer = listed(okta, filter=f'userName eq "{uuid.uuid4().hex}@northwind.example"', startIndex=1, count=100)
    assert answer["totalResults"] == 0
    assert not answer.get("Resources")


def test_an_unknown_id_is_not_found(okta):
    assert okta.error(404, None, "GET", f"/Users/{UNKNOWN_ID}")


def test_a_user_is_created_and_read_back(okta):
    sent = newcomer()
    created = okta.create("Users", sent)
    assert created["id"]
    assert created["active"] is True
    assert tenure.USER in created["schemas"]
    same_person(created, sent)
    same_person(okta.get(f"/Users/{created['id']}"), sent)


def test_a_second_user_of_that_name_is_a_conflict(okta):
    sent = newcomer()
    okta.create("Users", sent)
    okta.error(409, "uniqueness", "POST", "/Users", sent)


def test_names_are_found_in_capitals(okta):
    sent = newcomer()
    created = okta.create("Users", sent)
    answer = listed(okta, filter=f'userName eq "{sent["userName"].upper()}"')
    assert [user["id"] for user in answer["Resources"]] == [created["id"]]


def test_groups_are_listed(okta):
    # Okta also wants this within 600 ms.
    answer = okta.get("/Groups")
    assert tenure.LIST in answer["schemas"]
    assert answer["totalResults"] == 0
