"""Many at once: no change is lost, and a name is given once, on either database."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import tenure

PATCHES, CREATIONS = 50, 200


@pytest.fixture(params=["sqlite", "postgres"])
def clients(request, new_server):
    """One SCIM client for each of many hands."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else None
    server = new_server("server", database)
    token = server.workspace("Northwind Mills").token()
    return lambda: server.scim(token)


def at_once(count, act):
    with ThreadPoolExecutor(count) as hands:
        return list(hands.map(act, range(count)))


def test_fifty_patches_of_one_person_lose_nothing(clients):
    ada = clients().create("Users", tenure.person("Ada Okafor"))

    def patch(index):
        mail = {"value": f"a{index}@northwind.example", "type": "other"}
        clients().patch("Users", ada["id"], {"op": "add", "path": "emails", "value": [mail]})

    at_once(PATCHES, patch)
    now = clients().get(f"/Users/{ada['id']}")
    expected = {ada["userName"]} | {f"a{index}@northwind.example" for index in range(PATCHES)}
    assert {mail["value"] for mail in now["emails"]} == expected
    assert now["meta"]["version"] == f'W/"{PATCHES + 1}"'


def test_a_stale_version_is_refused_however_many_try(clients):
    ada = clients().create("Users", tenure.person("Ada Okafor"))

    def patch(index):
        body = {"schemas": [tenure.PATCH], "Operations": [{"op": "replace", "path": "title", "value": f"T{index}"}]}
        headers = {"If-Match": ada["meta"]["version"]}
        return clients().request("PATCH", f"/Users/{ada['id']}", body, headers=headers).status_code

    statuses = Counter(at_once(PATCHES, patch))
    assert statuses[412] == PATCHES - 1, statuses
    assert statuses[200] + statuses[204] == 1, statuses


def test_of_two_hundred_creations_of_one_name_one_succeeds(clients):
    def create(index):
        # However it is written, it is the same name.
        name = "".join(c.upper() if index >> at % 8 & 1 else c for at, c in enumerate("ada@northwind.example"))
        answer = clients().request("POST", "/Users", {"schemas": [tenure.USER], "userName": name})
        return answer.status_code, answer.json().get("scimType")

    outcomes = Counter(at_once(CREATIONS, create))
    assert outcomes == {(201, None): 1, (409, "uniqueness"): CREATIONS - 1}
    assert clients().total("Users") == 1
