"""Many clients at the same moment: no update is lost, one name is given once, a stale version is refused."""

import threading

import pytest

import tenure

PATCHES = 50
CREATIONS = 200
THREADS = 25


@pytest.fixture(params=["sqlite", "postgres"])
def clients(request, new_server):
    """Makes SCIM clients of one workspace; on PostgreSQL they use two servers."""
    if request.param == "sqlite":
        servers = [new_server("server")]
    else:
        database = request.getfixturevalue("database")
        servers = [new_server("one", database)]
        servers.append(new_server("two", database, key_of=servers[0]))
    token = servers[0].workspace("Northwind Mills").token()
    return lambda number: servers[number % len(servers)].scim(token)


def at_once(clients, count, send):
    """What `send(client, number)` gives for each number, from many threads that begin together."""
    results, begin = [None] * count, threading.Barrier(THREADS)

    def work(first):
        client = clients(first)
        begin.wait()
        for number in range(first, count, THREADS):
            results[number] = send(client, number)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def mail(number):
    return {"value": f"a{number}@northwind.example", "type": "other"}


def test_of_many_patches_none_is_lost(clients):
    ada = clients(0).create("Users", tenure.person("Ada Okafor"))

    def patch(client, number):
        operation = {"op": "add", "path": "emails", "value": [mail(number)]}
        body = {"schemas": [tenure.PATCH], "Operations": [operation]}
        return client.request("PATCH", f"/Users/{ada['id']}", body).status_code

    statuses = at_once(clients, PATCHES, patch)
    assert set(statuses) <= {200, 204}
    stored = clients(0).get(f"/Users/{ada['id']}")
    expected = {ada["userName"]} | {mail(number)["value"] for number in range(PATCHES)}
    assert {entry["value"] for entry in stored["emails"]} == expected


def test_of_many_writes_with_one_version_one_succeeds(clients):
    ada = clients(0).create("Users", tenure.person("Ada Okafor"))

    def replace(client, number):
        person = tenure.person("Ada Okafor", title=f"Title {number}")
        headers = {"If-Match": ada["meta"]["version"]}
        return client.request("PUT", f"/Users/{ada['id']}", person, headers=headers).status_code

    statuses = at_once(clients, PATCHES, replace)
    assert sorted(statuses) == [200] + [412] * (PATCHES - 1)
    winner = statuses.index(200)
    assert clients(0).get(f"/Users/{ada['id']}")["title"] == f"Title {winner}"


def test_of_many_creations_of_one_name_one_succeeds(clients):
    def create(client, number):
        # The case of letters makes no other name.
        person = tenure.person("Ada Okafor")
        person["userName"] = person["userName"].upper() if number % 2 else person["userName"]
        return client.request("POST", "/Users", person).status_code

    statuses = at_once(clients, CREATIONS, create)
    assert sorted(statuses) == [201] + [409] * (CREATIONS - 1)
    assert clients(0).total("Users") == 1
