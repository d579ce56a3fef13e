"""RFC 7644 section 3.7: bulk."""

import json

import pytest
from client import BULK, MANAGER, add, message, new_group, new_user, path_of, replace, requirement, unique, values

import tenure


def post(kind, document, bulk_id="one", **more):
    return {"method": "POST", "path": f"/{kind}", "bulkId": bulk_id, "data": document} | more


def on(resource, method, data=None, **more):
    operation = {"method": method, "path": path_of(resource)} | more
    return operation if data is None else operation | {"data": data}


def located(scim, result):
    """The resource that a result is about."""
    return scim.get(result["location"].removeprefix(scim.base))


@requirement("7644-3.7-01", "7644-3.7-02", "7644-3.7-05", "7644-3.7-08", "7644-3.7.3-01", "7644-3.7.3-02")
def test_bulk_of_every_method(scim):
    replaced, patched, deleted = scim.user(), scim.user(), scim.user()
    results = scim.bulk(
        post("Users", new_user(title="new"), "u"),
        on(replaced, "PUT", new_user(userName=replaced["userName"], title="put")),
        on(patched, "PATCH", message(add("title", "patched"))),
        on(deleted, "DELETE"),
        post("Groups", new_group(patched), "g"),
    )
    assert [result["method"] for result in results] == ["POST", "PUT", "PATCH", "DELETE", "POST"]
    statuses = [result["status"] for result in results]
    assert statuses in (["201", "200", status, "204", "201"] for status in ("200", "204"))
    assert [result.get("bulkId") for result in results] == ["u", None, None, None, "g"]
    assert [located(scim, results[number])["title"] for number in range(3)] == ["new", "put", "patched"]
    assert results[3]["location"] == deleted["meta"]["location"]
    assert scim.request("GET", path_of(deleted)).status_code == 404
    assert values(located(scim, results[4]), "members") == [patched["id"]]


@requirement("7644-3.7.3-03", "contested-47")
def test_statuses_are_texts(scim):
    taken = scim.user()["userName"]
    results = scim.bulk(post("Users", new_user(), "a"), post("Users", new_user(userName=taken), "b"))
    assert [result["status"] for result in results] == ["201", "409"]


@requirement("7644-3.7.3-04", "7644-3.7.3-02", "contested-34")
def test_failed_operations_have_an_error(scim, user):
    results = scim.bulk(
        post("Users", new_user(userName=user["userName"]), "taken"),
        post("Users", {"schemas": [tenure.USER]}, "nameless"),
        on(user, "PATCH", message(replace("shoeSize", 1))),
        {"method": "DELETE", "path": "/Users/none"},
        {"method": "POST", "path": "/Planets", "bulkId": "p", "data": {}},
    )
    assert [result["status"] for result in results[:4]] == ["409", "400", "400", "404"]
    assert results[4]["status"] in ("400", "404")
    keywords = [result["response"].get("scimType") for result in results]
    assert keywords[:4] == ["uniqueness", "invalidValue", "invalidPath", None]
    for result in results:
        assert result["response"]["schemas"] == [tenure.ERROR]
        assert result["response"]["status"] == result["status"]
        assert result["response"]["detail"]
    assert "location" not in results[0]
    assert results[2]["location"] == user["meta"]["location"]


@requirement("7644-3.7.3-05", "7644-3.14-03")
def test_versions_in_bulk(scim):
    one, two, three = scim.user(), scim.user(), scim.user()
    change = message(add("title", "x"))
    results = scim.bulk(
        on(one, "PATCH", change, version=one["meta"]["version"]),
        on(two, "PATCH", change, version='W/"none"'),
        on(three, "DELETE", version='W/"none"'),
        post("Users", new_user()),
    )
    assert results[0]["status"] in ("200", "204")
    assert [result["status"] for result in results[1:]] == ["412", "412", "201"]
    assert results[0]["version"] == scim.read(one)["meta"]["version"]
    assert results[3]["version"] == located(scim, results[3])["meta"]["version"]
    assert (scim.read(two), scim.read(three)) == (two, three)


@requirement("7644-3.7-06")
def test_failures_do_not_stop_the_others(scim):
    bad = {"schemas": [tenure.USER]}
    results = scim.bulk(
        post("Users", bad, "a"), post("Users", new_user(), "b"), post("Users", bad, "c"), post("Users", new_user(), "d")
    )
    assert [result["status"] for result in results] == ["400", "201", "400", "201"]


@requirement("7644-3.7-07")
@pytest.mark.parametrize(("limit", "processed"), [(1, 2), (2, 4), (3, 5), (None, 5)])
def test_fail_on_errors(scim, limit, processed):
    bad = {"schemas": [tenure.USER]}
    names = [unique(), unique()]
    operations = [
        post("Users", new_user(userName=names[0]), "a"),
        post("Users", bad, "b"),
        post("Users", new_user(userName=names[1]), "c"),
        post("Users", bad, "d"),
        post("Users", new_user(), "e"),
    ]
    results = scim.bulk(*operations, **({} if limit is None else {"failOnErrors": limit}))
    assert len(results) == processed
    assert [result["status"] for result in results] == ["201", "400", "201", "400", "201"][:processed]
    assert len(scim.find(f'userName eq "{names[1]}"')) == (processed > 2)


@requirement("7644-3.7-09", "7644-3.7.2-02")
def test_order_does_not_change_the_outcome(scim):
    person = post("Users", new_user(), "person")
    for position in (0, 1):
        team = post("Groups", new_group(members=[{"value": "bulkId:person", "type": "User"}]), "team")
        operations = [team]
        operations.insert(position, person | {"data": new_user()})
        results = {result["bulkId"]: result for result in scim.bulk(*operations)}
        assert {result["status"] for result in results.values()} == {"201"}
        members = values(located(scim, results["team"]), "members")
        assert members == [located(scim, results["person"])["id"]]


@requirement("7644-3.7-11", "7644-3.12-05")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"schemas": [BULK]},
        {"schemas": [BULK], "Operations": 5},
        {"schemas": [BULK], "Operations": {"a": 1}},
        {"schemas": [tenure.PATCH], "Operations": []},
        {"schemas": [BULK], "Operations": [5]},
        "{",
        "[]",
    ],
)
def test_malformed_bulk(scim, body):
    scim.error(400, "invalidSyntax", "POST", "/Bulk", body)


@requirement("7644-3.7-11", "7644-3.7.3-04")
@pytest.mark.parametrize(
    "operation",
    [
        {"path": "/Users", "bulkId": "x", "data": {}},
        {"method": "GET", "path": "/Users"},
        {"method": "POST", "bulkId": "x", "data": {}},
        {"method": "PATCH", "path": "/Users/none"},
        {"method": "POST", "path": "/Users", "bulkId": "x"},
        {"method": "DELETE", "path": "/Users"},
        {"method": "POST", "path": "/Bulk", "bulkId": "x", "data": {}},
        {"method": "POST", "path": "https://elsewhere.example/Users", "bulkId": "x", "data": {}},
        {"method": "PUT", "path": "/ServiceProviderConfig", "data": {}},
    ],
)
def test_malformed_operation(scim, operation):
    """Whole or single: such an operation is refused, and the good one beside it is refused with it or carried out."""
    name = unique()
    body = {"schemas": [BULK], "Operations": [operation, post("Users", new_user(userName=name), "good")]}
    answer = scim.request("POST", "/Bulk", body)
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        statuses = [result["status"] for result in answer.json()["Operations"]]
        assert statuses[0][0] == "4"
        assert statuses[1] == "201"
    assert len(scim.find(f'userName eq "{name}"')) == (answer.status_code == 200)


@requirement("7644-3.7.1-01", "contested-48")
def test_circles(scim):
    results = scim.bulk(
        post("Groups", new_group(members=[{"value": "bulkId:inner"}]), "outer"),
        post("Groups", new_group(members=[{"value": "bulkId:outer"}]), "inner"),
    )
    assert [result["status"] for result in results] == ["201", "201"]
    outer, inner = (located(scim, result) for result in results)
    assert values(outer, "members") == [inner["id"]]
    assert values(inner, "members") == [outer["id"]]


@requirement("7644-3.7.1-01", "contested-48")
def test_circles_of_managers(scim):
    def managed(by):
        return new_user(**{tenure.ENTERPRISE: {"manager": {"value": f"bulkId:{by}"}}})

    results = scim.bulk(
        post("Users", managed("b"), "a"), post("Users", managed("a"), "b"), post("Users", managed("c"), "c")
    )
    assert [result["status"] for result in results] == ["201"] * 3
    one, two, own = (located(scim, result) for result in results)
    managers = [user[tenure.ENTERPRISE]["manager"]["value"] for user in (one, two, own)]
    assert managers == [two["id"], one["id"], own["id"]]


@requirement("7644-3.7.2-01", "contested-48")
def test_references_everywhere(scim):
    """In data, in extensions, in paths, in PATCH values and in references."""
    group = scim.group()
    member = {"value": "bulkId:person"}
    results = scim.bulk(
        post("Users", new_user(), "person"),
        post("Users", new_user(**{tenure.ENTERPRISE: {"manager": {"value": "bulkId:person"}}}), "managed"),
        post("Users", new_user(), "patched"),
        {"method": "PATCH", "path": "/Users/bulkId:person", "data": message(add("title", "by path"))},
        {"method": "PATCH", "path": "/Users/bulkId:patched", "data": message(add(MANAGER, "bulkId:person"))},
        on(group, "PATCH", message(add("members", [member]))),
        post("Groups", new_group(members=[member, {"value": "bulkId:managed"}]), "team"),
    )
    assert {result["status"] for result in results} <= {"200", "201", "204"}
    person, managed, patched = (located(scim, results[number]) for number in range(3))
    assert person["title"] == "by path"
    for user in (managed, patched):
        assert user[tenure.ENTERPRISE]["manager"]["value"] == person["id"]
    assert values(scim.read(group), "members") == [person["id"]]
    assert values(located(scim, results[6]), "members") == sorted([person["id"], managed["id"]])
    # A text that only looks like a reference, where none can be, stays as it is.
    (kept,) = scim.bulk(post("Users", new_user(title="bulkId:person"), "person"))
    assert located(scim, kept)["title"] in ("bulkId:person", located(scim, kept)["id"])


@requirement("7644-3.7.2-03")
def test_references_to_nothing(scim):
    results = scim.bulk(
        post("Groups", new_group(members=[{"value": "bulkId:nobody"}]), "a"),
        post("Users", {"schemas": [tenure.USER]}, "failed"),
        post("Groups", new_group(members=[{"value": "bulkId:failed"}]), "b"),
        {"method": "DELETE", "path": "/Users/bulkId:nobody"},
        post("Users", new_user(), "good"),
    )
    assert results[0]["status"] in ("400", "409")
    assert results[1]["status"] == "400"
    assert results[2]["status"] in ("400", "409")
    assert results[3]["status"] in ("400", "404", "409")
    assert results[4]["status"] == "201"


@requirement("7644-3.7-08", "7644-3.7-11")
def test_bulk_ids_are_unique(scim):
    names = [unique(), unique()]
    operations = [post("Users", new_user(userName=name), "same") for name in names]
    answer = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert [result["status"] for result in answer.json()["Operations"]][1] == "400"


@requirement("7644-3.7.4-01")
def test_too_many_operations(scim):
    name = unique()
    operations = [post("Users", new_user(userName=f"{name}{number}"), str(number)) for number in range(1001)]
    detail = scim.error(413, None, "POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert "1000" in detail or "1,000" in detail
    assert scim.find(f'userName sw "{name}"') == set()
    results = scim.bulk(*operations[:1000])
    assert {result["status"] for result in results} == {"201"}


@requirement("7644-3.7.4-01")
def test_too_large_a_bulk(scim):
    name = unique()
    padding = "x" * 60_000
    operations = [post("Users", new_user(userName=f"{name}{n}", title=padding), str(n)) for n in range(150)]
    detail = scim.error(413, None, "POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert "8388608" in detail or "8 MiB" in detail
    assert scim.find(f'userName sw "{name}"') == set()
    fits = {"schemas": [BULK], "Operations": operations[:100]}
    assert len(json.dumps(fits)) > 5_000_000
    assert scim.request("POST", "/Bulk", fits).status_code == 200


@requirement("7644-3.7-01", "7644-2-03")
def test_bulk_needs_a_token(service):
    stranger = service.scim("tnr_none")
    assert stranger.request("POST", "/Bulk", {"schemas": [BULK], "Operations": []}).status_code == 401


@requirement("7643-4.1.1-12", "7644-3.7.3-01")
def test_no_password_in_bulk(scim):
    secret = unique("secret")
    body = {
        "schemas": [BULK],
        "Operations": [post("Users", new_user(password=secret)), post("Users", {"password": secret}, "b")],
    }
    answer = scim.request("POST", "/Bulk", body)
    assert answer.status_code == 200
    assert secret not in answer.text
