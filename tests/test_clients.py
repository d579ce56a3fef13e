"""SCIM clients that others wrote, at work on a workspace of ours."""

import json
import re

import pytest

import flow
import packages
import tenure


@pytest.fixture
def endpoint(server):
    """Base URL and token of an empty workspace."""
    return f"{server.url}/scim/v2", server.workspace("Clients").token("client")


def client(*names):
    """Names the versions of the clients in the name of the test."""
    return pytest.mark.parametrize("client", ["+".join(packages.version(name) for name in names)])


@client("scim2-client", "scim2-models")
def test_scim2_client_works_with_its_typed_models(endpoint, client):
    from httpx2 import Client
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_models import PatchOp, PatchOperation, SearchRequest

    base, token = endpoint
    http = Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    client = SyncSCIMClient(http)
    client.discover()
    assert client.provider.config.patch.supported

    Person = client.get_resource_model("User")
    Team = client.get_resource_model("Group")
    created = client.create(Person(user_name=flow.ADA, display_name="Ada Okafor", active=True))
    assert created.id and created.meta.location
    assert client.query(Person, created.id).user_name == flow.ADA

    found = client.query(Person, SearchRequest(filter=f'userName eq "{flow.ADA}"'))
    assert [user.id for user in found.resources] == [created.id]
    found = client.search(SearchRequest(filter=f'userName eq "{flow.ADA}"', attributes=["userName"]))
    assert [user.id for user in found.resources] == [created.id]
    assert found.resources[0].display_name is None

    created.display_name = "Ada O."
    assert client.replace(created).display_name == "Ada O."
    change = PatchOp[Person](operations=[PatchOperation(op=PatchOperation.Op.replace_, path="title", value="Weaver")])
    client.modify(Person, created.id, change)
    assert client.query(Person, created.id).title == "Weaver"

    team = client.create(Team(display_name="Weavers", members=[Team.Members(value=created.id)]))
    assert [member.value for member in client.query(Team, team.id).members] == [created.id]
    client.delete(Team, team.id)
    client.delete(Person, created.id)
    assert client.query(Person).total_results == 0


@client("scim_client")
def test_scim_client_keeps_users(endpoint, client):
    from urllib.error import HTTPError

    from scim_client import SCIMClient
    from scim_client.resources import User

    base, token = endpoint
    client = SCIMClient(base, token, max_retries=1)

    def user(user_name, **more):
        return User(
            **{
                "id": "",
                "external_id": f"x-{user_name}",
                "user_name": user_name,
                "active": True,
                "name": {"given_name": "Ada", "family_name": "Okafor"},
                "display_name": "Ada Okafor",
                "emails": [{"value": user_name, "type": "work", "primary": True}],
            }
            | more
        )

    created = client.create_user(user(flow.ADA))
    assert created.id
    assert (created.user_name, created.name.family_name, created.active) == (flow.ADA, "Okafor", True)
    assert created.emails[0].primary is True
    client.create_user(user(flow.BJORN))

    read = client.read_user(created.id)
    assert read.meta["resource_type"] == "User"
    read.display_name = "Ada O."
    read.active = False
    # It sends back whatever it read, with `null` for what it does not know.
    assert client.update_user(read).display_name == "Ada O."
    assert client.read_user(created.id).active is False

    found = client.search_users(f'userName eq "{flow.ADA}"')
    assert [one.id for one in found.resources] == [created.id]
    assert client.search_users("", count=1).total_results == 2
    second = client.search_users("", count=1, start_index=2)
    assert (len(second.resources), second.start_index, second.items_per_page) == (1, 2, 1)

    with pytest.raises(HTTPError) as refused:
        client.create_user(user(flow.ADA))
    assert refused.value.code == 409
    assert client.delete_user(user=created).status_code == 204
    with pytest.raises(HTTPError) as refused:
        client.read_user(created.id)
    assert refused.value.code == 404
    assert client.search_users("").total_results == 1


class Simulator:
    """The program `scim-sim`: an identity provider on the command line, with random people."""

    def __init__(self, home, base, token):
        self.home = home
        self.call("setup", stdin=f"{base}\n{token}\n", said="saved successfully")

    def call(self, *arguments, said, stdin=None):
        done = packages.run([packages.tool("scim-sim"), *arguments], stdin=stdin, HOME=str(self.home), PYTHONUTF8="1")
        text = done.stdout + done.stderr
        assert done.returncode == 0 and said in text and "❌" not in text, text[-3000:]
        return text

    def add(self, *arguments):
        """Creates something; the id that it got."""
        return re.search(r"ID: (\S+)", self.call(*arguments, said="created successfully"))[1]


@client("scim-sim")
def test_scim_sim_provisions_people_and_groups(endpoint, tmp_path, client):
    base, token = endpoint
    simulator = Simulator(tmp_path, base, token)
    scim = tenure.Scim(base, token)

    people = [simulator.add("add-user") for _ in range(3)]
    assert {user["id"] for user in scim.all("Users")} == set(people)
    assert all(user["emails"][0]["primary"] and user["nickName"] and user["active"] for user in scim.all("Users"))
    group = simulator.add("create-group", "Weavers")

    def members():
        return {member["value"] for member in scim.get(f"/Groups/{group}").get("members", [])}

    assert members() == set()
    for person in people[:2]:
        simulator.call("add-to-group", person, group, said="added to group")
    assert members() == set(people[:2])
    simulator.call("remove-from-group", people[0], group, said="removed from group")
    assert members() == {people[1]}
    shown = simulator.call("show", said="Weavers")
    assert all(scim.get(f"/Users/{person}")["userName"] in shown for person in people)

    simulator.call("remove-user", people[0], said="deleted successfully")
    # Deleting a group takes its members along, one by one.
    simulator.call("delete-group", group, said="deleted successfully")
    assert {user["id"] for user in scim.all("Users")} == {people[2]}
    assert scim.total("Groups") == 0


@client("scim2-cli")
def test_scim2_cli_keeps_people(endpoint, client):
    base, token = endpoint

    def cli(*arguments, fails=False):
        command = [packages.tool("scim2"), "--url", base, *arguments]
        done = packages.run(command, SCIM_CLI_HEADERS=f"Authorization: Bearer {token}")
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout + done.stderr

    created = cli("create", "user", "--user-name", flow.ADA, "--display-name", "Ada Okafor")
    assert (created["userName"], created["displayName"]) == (flow.ADA, "Ada Okafor")
    replaced = cli("replace", "user", "--id", created["id"], "--user-name", flow.ADA, "--display-name", "Ada O.")
    assert replaced["displayName"] == "Ada O."
    found = cli("search", "--filter", f'userName eq "{flow.ADA}"')
    assert [user["id"] for user in found["Resources"]] == [created["id"]]
    assert "uniqueness" in json.dumps(cli("create", "user", "--user-name", flow.ADA, fails=True))
    cli("delete", "user", created["id"])
    assert "404" in json.dumps(cli("query", "user", created["id"], fails=True))
