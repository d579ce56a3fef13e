"""RFC 7644 sections 3.5.1, 3.14 and RFC 7232: PUT, and versions."""

import pytest
from client import add, message, new_group, new_user, path_of, remove, replace, requirement, unique, values

import tenure

FULL = {
    "title": "Weaver",
    "nickName": "A",
    "externalId": "ext",
    "active": True,
    "name": {"givenName": "Ada", "familyName": "Okafor"},
    "emails": [{"value": "a@b.example", "type": "work"}],
    "roles": [{"value": "dyer"}],
    tenure.ENTERPRISE: {"department": "Dyes", "costCenter": "C"},
}


@requirement("7644-3.5.1-01", "7644-3.5.1-03", "7644-3.5.1-09")
def test_put_replaces(scim):
    user = scim.user(**FULL)
    document = new_user(
        title="Dyer",
        name={"givenName": "Bea"},
        emails=[{"value": "c@d.example"}],
        **{tenure.ENTERPRISE: {"department": "Looms"}},
    )
    after = scim.put(user, document)
    for attribute in ("userName", "title", "name", "emails", tenure.ENTERPRISE):
        assert after[attribute] == document[attribute]
    assert scim.read(user) == after


@requirement("7644-3.5.1-04", "contested-33")
def test_put_clears_what_it_leaves_out(scim):
    user = scim.user(**FULL)
    after = scim.put(user, {"schemas": [tenure.USER], "userName": user["userName"]})
    assert set(after) == {"schemas", "id", "userName", "meta"}
    assert after["schemas"] == [tenure.USER]


@requirement("7644-3.5.1-05")
@pytest.mark.parametrize(("nothing", "attributes"), [(None, list(FULL)), ([], ["emails", "roles"])])
def test_put_of_nothing_clears(scim, nothing, attributes):
    user = scim.user(**FULL)
    after = scim.put(user, user | dict.fromkeys(attributes, nothing))
    assert not set(attributes) & set(after)
    assert set(FULL) - set(after) == set(attributes)


@requirement("7644-3.5.1-06", "7644-3.5.1-12", "client habit 9")
def test_put_of_what_get_gave(scim):
    boss = scim.user(displayName="Mira")
    user = scim.user(**FULL | {tenure.ENTERPRISE: {"manager": {"value": boss["id"]}}})
    scim.group(user)
    user = scim.read(user)
    assert user["groups"]
    assert scim.put(user, user) == user
    forged = user | {"id": boss["id"], "groups": [], "meta": {"created": "2001-01-01T00:00:00Z"}, "title": "Dyer"}
    after = scim.put(user, forged)
    assert after["title"] == "Dyer"
    for attribute in ("id", "groups"):
        assert after[attribute] == user[attribute]
    assert after["meta"]["created"] == user["meta"]["created"]
    assert scim.read(boss) == boss


@requirement("7644-3.5.1-06", "client habit 9")
def test_put_of_a_group_that_get_gave(scim):
    group = scim.group(scim.user(), scim.group())
    assert scim.put(group, group) == group


@requirement("7644-3.5.1-07", "7643-7-08", "contested-11")
def test_put_and_immutable_values(scim):
    """The only immutable values are the parts of members, which come and go as a whole."""
    one, two = scim.user(), scim.user()
    group = scim.group(one)
    same = [{"value": one["id"], "type": "User", "$ref": one["meta"]["location"]}]
    assert scim.put(group, group | {"members": same})["members"] == group["members"]
    after = scim.put(group, group | {"members": [{"value": two["id"]}]})
    assert values(after, "members") == [two["id"]]


@requirement("7644-3.5.1-10", "client habit 10")
def test_put_without_password(scim):
    user = scim.user(password="secret-1")
    after = scim.put(user, {"userName": user["userName"]})
    assert after == user


@requirement("client habit 10")
def test_put_of_a_group_without_members(scim):
    group = scim.group(scim.user())
    assert "members" not in scim.put(group, {"schemas": [tenure.GROUP], "displayName": group["displayName"]})
    kept = scim.user(title="x")
    group = scim.group(kept)
    assert scim.put(scim.read(kept), {"userName": kept["userName"]})["groups"][0]["value"] == group["id"]


@requirement("7644-3.5.1-03")
def test_put_of_members(scim):
    one, two, three = scim.user(), scim.user(), scim.user()
    group = scim.group(one, two)
    after = scim.put(group, new_group(two, three))
    assert values(after, "members") == sorted([two["id"], three["id"]])
    assert "groups" not in scim.read(one)


@requirement("7644-3.14-04", "contested-14")
def test_put_that_changes_nothing(scim):
    user = scim.user(**FULL)
    answer = scim.request("PUT", path_of(user), user)
    assert answer.headers["ETag"] == user["meta"]["version"]
    assert answer.json()["meta"] == user["meta"]


# ------------------------------------------------------------------------------------------- versions


def changes(resource):
    """Ways to change a resource, as method and body."""
    make = new_user if resource["meta"]["resourceType"] == "User" else new_group
    yield "PUT", make()
    yield "PATCH", message(replace("displayName", unique("name")))
    yield "DELETE", None


@requirement("7644-3.14-02", "7232-3.2-01", "7232-4.1-01")
def test_reading_a_known_version(scim):
    for resource in (scim.user(), scim.group()):
        path, tag = path_of(resource), resource["meta"]["version"]
        for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
            answer = scim.request("GET", path, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
        for other in ('W/"other"', '"x", "y"'):
            answer = scim.request("GET", path, headers={"If-None-Match": other})
            assert (answer.status_code, answer.json()) == (200, resource)


@requirement("7232-3.2-01")
def test_changing_what_should_not_be_there(scim, user):
    """If-None-Match on another method: a match is 412."""
    for method, body in changes(user):
        for tag in (user["meta"]["version"], "*"):
            scim.error(412, None, method, path_of(user), body, headers={"If-None-Match": tag})
    assert scim.read(user) == user


@requirement("7644-3.14-03", "7232-5-01", "contested-41", "client habit 34")
def test_changing_another_version(scim):
    for resource in (scim.user(), scim.group()):
        for method, body in changes(resource):
            for stale in ('W/"none"', '"none"', '"a", "b"', "none"):
                scim.error(412, None, method, path_of(resource), body, headers={"If-Match": stale})
        assert scim.read(resource) == resource


@requirement("7644-3.14-03", "7232-3.1-01", "7232-3.1-02", "contested-41", "client habit 34")
def test_changing_the_expected_version(scim):
    for method in ("PUT", "PATCH", "DELETE"):
        for form in ("{}", '"other", {}', "*"):
            for resource in (scim.user(), scim.group()):
                body = dict(changes(resource))[method]
                tag = form.replace("{}", resource["meta"]["version"])
                answer = scim.request(method, path_of(resource), body, headers={"If-Match": tag})
                assert answer.status_code in (200, 204)
        user = scim.user()
        strong = user["meta"]["version"].removeprefix("W/")
        answer = scim.request(method, path_of(user), dict(changes(user))[method], headers={"If-Match": strong})
        assert answer.status_code in (200, 204)


@requirement("7644-3.14-04", "7643-3.1-11")
def test_versions_move_with_changes(scim):
    user, group = scim.user(), scim.group()
    seen = {user["meta"]["version"]}
    for operation in (add("title", "a"), replace("title", "b"), remove("title")):
        seen.add(scim.change(user, operation)["meta"]["version"])
    assert len(seen) == 4
    before = scim.read(user)["meta"]
    assert scim.read(user)["meta"] == before
    after = scim.change(group, add("members", [{"value": user["id"]}]))
    assert after["meta"]["version"] != group["meta"]["version"]


@requirement("7644-3.14-05")
def test_versions_of_selections(scim, user):
    tags = set()
    for params in ({}, {"attributes": "id"}, {"excludedAttributes": "meta"}, {"attributes": "userName"}):
        tags.add(scim.request("GET", path_of(user), params=params).headers["ETag"])
    assert tags == {user["meta"]["version"]}


@requirement("7232-5-01", "contested-45")
def test_order_of_refusals(scim, service, user):
    """401, 404, 412, 415, 400, 409."""
    stranger = service.scim("tnr_none")
    stale = {"If-Match": 'W/"none"'}
    taken = scim.user()["userName"]
    path = path_of(user)
    bad_patch = message({"op": "shuffle"})
    assert stranger.request("PATCH", "/Users/none", "{", headers=stale).status_code == 401
    assert stranger.request("GET", "/Planets").status_code == 401
    plain = {"Content-Type": "text/plain"}
    for body in ("{", message(), bad_patch):
        assert scim.request("PATCH", "/Users/none", body, headers=stale).status_code == 404
        assert scim.request("PATCH", "/Users/none", body, headers=plain).status_code == 404
        assert scim.request("PATCH", path, body, headers=stale | plain).status_code == 412
        assert scim.request("PATCH", path, body, headers=plain).status_code == 415
        assert scim.request("PATCH", path, body).status_code == 400
    assert scim.request("PUT", "/Users/none", "{", headers=stale).status_code == 404
    assert scim.request("PUT", path, "{", headers=stale).status_code == 412
    assert scim.request("PUT", path, {"userName": taken}, headers=stale).status_code == 412
    assert scim.request("PUT", path, {"userName": taken, "title": 7}).status_code == 400
    assert scim.request("PUT", path, {"userName": taken}).status_code == 409
    assert scim.request("DELETE", "/Users/none", headers=stale).status_code == 404
    assert scim.read(user) == user
