"""Points on which implementers of SCIM disagree, and what this product does. Most are covered beside their section."""

import threading

import pytest
from client import DEPARTMENT, MANAGER, add, message, new_user, path_of, remove, replace, requirement, unique

import tenure


@requirement("contested-04", "client habit 2")
@pytest.mark.parametrize(("text", "flag"), [("True", True), ("true", True), ("FALSE", False), ("False", False)])
def test_booleans_as_text(scim, text, flag):
    mail = {"value": "a@b.example", "primary": text}
    user = scim.user(active=text, emails=[mail])
    assert (user["active"], user["emails"][0]["primary"]) == (flag, flag)
    user = scim.put(user, new_user(active=text, emails=[mail]))
    assert (user["active"], user["emails"][0]["primary"]) == (flag, flag)
    for operation in (
        {"op": "Replace", "path": "active", "value": text},
        {"op": "Add", "path": "active", "value": text},
        {"op": "replace", "value": {"active": text}},
    ):
        person = scim.user(active=not flag)
        assert scim.change(person, operation)["active"] is flag
    assert scim.find(f'id eq "{user["id"]}" and active eq "{text}"') == {user["id"]}
    assert scim.find(f'id eq "{user["id"]}" and active eq {text}') == {user["id"]}
    for wrong in ("yes", "1", " true"):
        scim.error(400, "invalidValue", "POST", "/Users", new_user(active=wrong))
        scim.refuse("invalidValue", user, replace("active", wrong))


@requirement("contested-05", "client habit 4", "client habit 3")
@pytest.mark.parametrize("kind", ["add", "replace", "Replace"])
def test_keys_that_are_paths(scim, kind):
    boss = scim.user()
    user = scim.user(name={"givenName": "Ada", "familyName": "Okafor"})
    value = {
        "displayName": "Bea Lind",
        "name.givenName": "Bea",
        DEPARTMENT: "Dyes",
        MANAGER: boss["id"],
        f"{tenure.USER}:title": "Weaver",
        'emails[type eq "work"].value': "bea@mills.example",
        "active": "True",
        "id": user["id"],
    }
    after = scim.change(user, {"op": kind, "value": value})
    assert (after["displayName"], after["title"], after["active"]) == ("Bea Lind", "Weaver", True)
    assert after["name"] == {"givenName": "Bea", "familyName": "Okafor"}
    assert after[tenure.ENTERPRISE]["department"] == "Dyes"
    assert after[tenure.ENTERPRISE]["manager"]["value"] == boss["id"]
    assert after["emails"] == [{"value": "bea@mills.example", "type": "work"}]


@requirement("contested-05")
def test_urn_as_key(scim, user):
    after = scim.change(user, {"op": "add", "value": {tenure.ENTERPRISE: {"department": "Dyes"}}})
    assert after[tenure.ENTERPRISE] == {"department": "Dyes"}
    after = scim.change(user, {"op": "replace", "value": {tenure.USER: {"title": "Weaver"}}})
    assert after["title"] == "Weaver"
    for prefixed in (f"{tenure.USER}:name.givenName", f"{tenure.USER.upper()}:NAME.GIVENNAME"):
        assert scim.change(user, {"op": "replace", "value": {prefixed: prefixed}})["name"]["givenName"] == prefixed


@requirement("contested-06")
@pytest.mark.parametrize("separator", [".", "/", " "])
def test_dot_after_the_urn(scim, user, separator):
    path = f"{tenure.ENTERPRISE}{separator}department"
    for operation in (add(path, "Dyes"), replace(path, "Dyes"), remove(path)):
        scim.refuse("invalidPath", user, operation)
    scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": f'{path} eq "Dyes"'})


@requirement("contested-12")
def test_empty_texts(scim):
    user = scim.user(
        title="",
        nickName="",
        profileUrl="",
        emails=[{"value": ""}],
        **{tenure.ENTERPRISE: {"department": "", "manager": ""}},
    )
    assert (user["title"], user["nickName"]) == ("", "")
    assert "profileUrl" not in user
    assert user[tenure.ENTERPRISE] == {"department": ""}
    assert scim.find(f'id eq "{user["id"]}" and (title pr or {DEPARTMENT} pr)') == set()
    assert scim.find(f'id eq "{user["id"]}" and title eq ""') == {user["id"]}
    full = scim.user(
        title="Weaver",
        profileUrl="https://a.example",
        name={"givenName": "A"},
        **{tenure.ENTERPRISE: {"manager": {"value": "M"}}},
    )
    after = scim.change(
        full, replace("title", ""), replace("profileUrl", ""), replace("name", ""), replace(MANAGER, "")
    )
    assert after["title"] == ""
    assert not {"profileUrl", "name", tenure.ENTERPRISE} & set(after)
    scim.refuse("invalidValue", full, replace("userName", ""))


@requirement("contested-27")
def test_plus_is_a_space(scim, user):
    found = scim.get(f'/Users?filter=userName+eq+"{user["userName"]}"+and+userName+pr')
    assert found["Resources"] == [user]
    tagged = scim.user(userName=unique("ada+tag"))
    encoded = tagged["userName"].replace("+", "%2B")
    assert scim.get(f'/Users?filter=userName%20eq%20"{encoded}"')["totalResults"] == 1
    assert scim.get(f'/Users?filter=userName%20eq%20"{tagged["userName"]}"')["totalResults"] == 0


@requirement("contested-34")
def test_taken_names(scim, user):
    other = scim.user()
    taken = user["userName"].upper()
    scim.error(409, "uniqueness", "POST", "/Users", new_user(userName=taken))
    scim.error(409, "uniqueness", "PUT", path_of(other), new_user(userName=taken))
    scim.error(409, "uniqueness", "PATCH", path_of(other), message(replace("userName", taken)))
    scim.error(409, "uniqueness", "PATCH", path_of(other), message({"op": "add", "value": {"userName": taken}}))
    assert scim.read(other) == other
    name = unique("group")
    assert scim.group(displayName=name)["id"] != scim.group(displayName=name)["id"]


@requirement("contested-34")
def test_one_name_at_the_same_moment(scim):
    """Of many clients that create one name at once, exactly one succeeds."""
    name, statuses = unique(), []

    def create():
        statuses.append(tenure.Scim(scim.base, token).request("POST", "/Users", new_user(userName=name)).status_code)

    token = scim.http.headers["Authorization"].split(" ")[1]
    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 7
    assert len(scim.find(f'userName eq "{name}"')) == 1


@requirement("contested-36", "client habit 18", "client habit 19")
def test_deactivated_and_deleted(scim):
    user = scim.user(active=True)
    user = scim.change(user, replace("active", False))
    assert scim.find(f'userName eq "{user["userName"]}"') == {user["id"]}
    assert user["id"] in {found["id"] for found in scim.all("Users")}
    scim.error(409, "uniqueness", "POST", "/Users", new_user(userName=user["userName"]))
    assert scim.change(user, replace("active", True))["active"] is True
    scim.gone(user)
    scim.error(404, None, "GET", path_of(user))
    assert scim.user(userName=user["userName"])["id"] != user["id"]


@requirement("contested-41", "contested-14")
def test_lost_updates(scim, user):
    """Of many clients that change one version at once, exactly one succeeds."""
    statuses = []
    token = scim.http.headers["Authorization"].split(" ")[1]
    headers = {"If-Match": user["meta"]["version"]}

    def change(number):
        client = tenure.Scim(scim.base, token)
        body = message(replace("title", f"T{number}"))
        statuses.append(client.request("PATCH", path_of(user), body, headers=headers).status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 7


@requirement("contested-48", "contested-47")
def test_bulk_is_announced(scim):
    """What bulk does is tested beside its section; here: it is there, as the configuration says."""
    bulk = scim.get("/ServiceProviderConfig")["bulk"]
    assert bulk == {"supported": True, "maxOperations": 1000, "maxPayloadSize": 8_388_608}
    assert scim.bulk({"method": "DELETE", "path": path_of(scim.user())})[0]["status"] == "204"


@requirement("contested-10")
def test_removing_read_only_values_that_are_not_there(scim, user):
    for path in ("groups", 'groups[value eq "x"]', f"{MANAGER}.displayName", "meta.version"):
        scim.refuse("mutability", user, remove(path))
    group = scim.group()
    for path in ("members", 'members[value eq "x"]', 'members[value eq "x"].display'):
        answer = scim.request("PATCH", path_of(group), message(remove(path)))
        assert answer.status_code in (200, 204, 400)
        assert answer.status_code != 400 or answer.json()["scimType"] == "mutability"
    assert scim.read(group) == group


@requirement("contested-31", "contested-28")
def test_schemas_of_microsoft(scim):
    """Group creations of Entra ID carry a schema of Microsoft's."""
    legacy = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
    group = scim.group(schemas=[tenure.GROUP, legacy])
    assert group["schemas"] == [tenure.GROUP]
