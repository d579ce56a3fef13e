"""Two workspaces on one server: no token, id or name of one reaches anything of the other."""

import json

import pytest
import requests

import tenure

ABSENT_GROUP = "99999999-9999-4999-8999-999999999999"


class Tenant:
    def __init__(self, server, name):
        self.workspace = server.workspace(name)
        self.scim = server.scim(self.workspace.token())
        self.user = self.scim.create("Users", tenure.person("Ada Okafor") | {"displayName": f"Ada of {name}"})
        self.group = self.scim.create(
            "Groups",
            {"schemas": [tenure.GROUP], "displayName": "Weavers", "members": [{"value": self.user["id"]}]},
        )
        self.application = self.workspace.application("Payroll", f"{server.url}/scim", "secret", scope="all")


@pytest.fixture
def tenants(server):
    return Tenant(server, "Northwind Mills"), Tenant(server, "Contoso")


def operations(user, group):
    """Every SCIM operation that names an object."""
    title = [{"op": "replace", "path": "title", "value": "Thief"}]
    member = [{"op": "add", "path": "members", "value": [{"value": user}]}]
    emptied = [{"op": "replace", "path": "members", "value": []}]

    def patch(changes):
        return {"schemas": [tenure.PATCH], "Operations": changes}

    return [
        ("GET", f"/Users/{user}", None),
        ("GET", f"/Groups/{group}", None),
        ("GET", f"/Groups/{group}?excludedAttributes=members", None),
        ("PUT", f"/Users/{user}", tenure.person("Mal Thief")),
        ("PUT", f"/Groups/{group}", {"schemas": [tenure.GROUP], "displayName": "Stolen"}),
        ("PATCH", f"/Users/{user}", patch(title)),
        ("PATCH", f"/Groups/{group}", patch(member)),
        ("PATCH", f"/Groups/{group}", patch(emptied)),
        ("DELETE", f"/Users/{user}", None),
        ("DELETE", f"/Groups/{group}", None),
    ]


def test_ids_of_another_workspace_do_not_exist(tenants):
    one, other = tenants
    before = (one.scim.snapshot(), other.scim.snapshot())
    for base in ("", "/v2"):
        for method, path, body in operations(one.user["id"], one.group["id"]):
            other.scim.error(404, None, method, base + path, body)
    assert (one.scim.snapshot(), other.scim.snapshot()) == before


def test_a_foreign_id_looks_like_one_that_never_was(tenants):
    one, other = tenants
    foreign = other.scim.error(404, None, "GET", f"/Users/{one.user['id']}")
    never = other.scim.error(404, None, "GET", f"/Users/{ABSENT_GROUP}")
    assert foreign.replace(one.user["id"], "ID") == never.replace(ABSENT_GROUP, "ID")


def test_lists_and_filters_see_their_own_workspace_only(tenants):
    for tenant in tenants:
        for condition in (None, f'userName eq "{tenant.user["userName"]}"', 'userName pr', 'displayName co "ada"'):
            params = {"filter": condition} if condition else {}
            found = tenant.scim.get("/Users", **params)
            assert [user["id"] for user in found["Resources"]] == [tenant.user["id"]], condition
            assert found["totalResults"] == 1
        groups = tenant.scim.get("/Groups")["Resources"]
        assert [group["id"] for group in groups] == [tenant.group["id"]]
    one, other = tenants
    for condition in (f'id eq "{one.user["id"]}"', f'displayName eq "{one.user["displayName"]}"'):
        assert other.scim.get("/Users", filter=condition)["totalResults"] == 0
    assert other.scim.get("/Groups", filter=f'members.value eq "{one.user["id"]}"')["totalResults"] == 0


def test_foreign_people_cannot_become_members_or_managers(tenants):
    one, other = tenants
    before = one.scim.snapshot()
    value = [{"value": one.user["id"]}]
    answer = other.scim.request(
        "PATCH",
        f"/Groups/{other.group['id']}",
        {"schemas": [tenure.PATCH], "Operations": [{"op": "add", "path": "members", "value": value}]},
    )
    assert answer.status_code in (200, 204, 400), answer.text
    members = other.scim.get(f"/Groups/{other.group['id']}").get("members", [])
    shown = json.dumps(members)
    assert "Northwind" not in shown, "the name of a person of another workspace leaked"
    assert one.scim.snapshot() == before
    assert one.scim.get(f"/Users/{one.user['id']}").get("groups", []) == before["Users"][0].get("groups", [])


def test_both_may_have_the_same_names(tenants):
    one, other = tenants
    assert one.user["userName"] == other.user["userName"]
    assert one.user["id"] != other.user["id"]


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Users/x", "/Groups/x", "/.search"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_answered_without_a_token(server, method, path):
    for token in (None, "tnr_wrong"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.request(method, f"{server.url}/scim{path}", headers=headers, timeout=10)
        assert answer.status_code == 401, answer.text
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_command_line_names_stay_in_their_workspace(tenants):
    one, other = tenants
    other.workspace.run("application", "assign", one.application.json("show")["id"], "--user", "x", exit_code=3)
    other.application.run("assign", "--user", one.user["id"], exit_code=3)
    assert [item["id"] for item in other.workspace.json("application", "list")["applications"]] == [
        other.application.json("show")["id"]
    ]
    assert other.application.status()["assigned"] == {"users": 0, "groups": 0}
    token = one.workspace.json("token", "list")["tokens"][0]["id"]
    other.workspace.run("token", "revoke", token, exit_code=3)
    assert one.scim.total("Users") == 1


def test_audit_and_log_are_per_workspace(tenants):
    one, other = tenants
    of_one = json.dumps(one.workspace.audit(), ensure_ascii=False)
    assert one.user["id"] in of_one
    assert other.user["id"] not in of_one


def test_a_revoked_token_is_refused_at_once(tenants):
    one, _ = tenants
    token = one.workspace.json("token", "list")["tokens"][0]["id"]
    one.workspace.run("token", "revoke", token)
    one.scim.error(401, None, "GET", "/Users")
