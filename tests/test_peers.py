"""Other people's SCIM implementations: servers that we provision into, clients and suites that call us."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import flow
import tenure

HERE = Path(__file__).resolve().parent
PEER_PACKAGES = tenure.SCRATCH / "peers"
PEER_TOKEN = "peer-secret-token"
SUITE_S = 280


def tool(name):
    """A program that was installed beside the Python that runs the tests."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed; `scripts/test` installs it"
    return found


def start_scim2_server(log):
    port = tenure.free_port()
    process = tenure.Process([tool("scim2-server"), "--port", port, "--bearer-token", PEER_TOKEN], log)
    return process, f"http://127.0.0.1:{port}/v2"


def start_scimmy(log):
    node = shutil.which("node")
    assert node, "node is not installed; `scripts/test` installs it"
    assert (PEER_PACKAGES / "node_modules").is_dir(), "no npm packages in .test/peers; `scripts/test` installs them"
    settings = tenure.environment() | {"PEERS": str(PEER_PACKAGES), "NODE_ENV": "production"}
    process = tenure.Process([node, HERE / "peers" / "scimmy.mjs", 0, PEER_TOKEN], log, env=settings)
    return process, process.wait_for_line(r"^listening on (http://\S+)$")[1]


SERVERS = {"scim2-server": start_scim2_server, "scimmy": start_scimmy}


def answers(scim, process):
    assert process.alive(), process.errors()
    try:
        return scim.request("GET", "/Users").status_code == 200
    except requests.ConnectionError:
        return False


@pytest.fixture
def peer(request, tmp_path):
    """A SCIM client for a server from a package registry."""
    process, base = SERVERS[request.param](tmp_path / "peer.log")
    try:
        scim = tenure.Scim(base, PEER_TOKEN)
        tenure.wait_until(lambda: answers(scim, process), f"{request.param} answers", tenure.START_S)
        yield scim
    finally:
        process.kill()


@pytest.mark.parametrize("peer", SERVERS, indirect=True)
def test_peer_is_an_independent_server(peer):
    """The peers themselves: without this a broken peer looks like a fault of ours."""
    created = peer.create("Users", tenure.person("Ada Okafor"))
    assert tenure.essence(peer.user(flow.ADA)) == tenure.essence(tenure.person("Ada Okafor"))
    assert peer.total("Users") == 1
    peer.delete("Users", created["id"])
    assert peer.user(flow.ADA) is None
    assert requests.get(f"{peer.base}/Users", timeout=10).status_code == 401


@pytest.mark.parametrize("peer", SERVERS, indirect=True)
def test_people_join_move_and_leave_at_a_peer(peer, server):
    source = server.workspace("Northwind Mills")
    directory = flow.Directory(server.scim(source.token("identity provider")))
    application = source.application("Peer", peer.base, PEER_TOKEN)
    application.run("test")
    told = flow.Flow(directory, application, peer)
    told.everything()
    assert not application.log("--status", "failure")


@pytest.fixture
def endpoint(server):
    """Base URL and token of an empty workspace."""
    return f"{server.url}/scim/v2", server.workspace("Suites").token("suite")


def suite(command, **settings):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=SUITE_S, env=tenure.environment() | settings, check=False
    )


def test_scim2_tester_finds_no_error(endpoint):
    base, token = endpoint
    done = suite(
        [tool("scim2"), "--url", base, "test", "--verbose"],
        SCIM_CLI_HEADERS=f"Authorization: Bearer {token}",
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    bad = re.findall(r"^(?:ERROR|CRITICAL)\b.*(?:\n(?!SUCCESS|SKIPPED|COMPLIANT|ACCEPTABLE).*)*", text, re.M)
    assert not bad, "\n".join(bad)[:6000]
    assert done.returncode == 0, text[-3000:]
    # A suite that found nothing to do would also find no error.
    assert len(re.findall(r"^SUCCESS\b", text, re.M)) > 50, text[-3000:]


def test_scim_sanity_strict(endpoint):
    base, token = endpoint
    done = suite(
        [
            tool("scim-sanity"),
            "probe",
            base,
            "--token",
            token,
            "--strict",
            "--user-domain",
            "northwind.example",
            "--json-output",
            "--i-accept-side-effects",
        ]
    )
    report = json.loads(done.stdout)
    failed = [result for result in report["results"] if str(result.get("status", "")).lower() in ("fail", "error")]
    # The suite adds a member that does not exist and wants a 200; Tenure does not say yes to what it cannot do.
    unknown_member = "PATCH /Groups/{id} add member"
    failed = [result for result in failed if result["name"] != unknown_member or "got 400" not in result["message"]]
    assert not failed, json.dumps(failed, indent=1)[:6000]
    assert report["summary"]["passed"] > 20, report["summary"]


def test_scim2_client_works_with_its_typed_models(endpoint):
    from httpx2 import Client
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_models import PatchOp, PatchOperation, SearchRequest

    base, token = endpoint
    http = Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    client = SyncSCIMClient(http)
    client.discover()
    assert client.service_provider_config.patch.supported

    Person = client.get_resource_model("User")
    Team = client.get_resource_model("Group")
    created = client.create(Person(user_name=flow.ADA, display_name="Ada Okafor", active=True))
    assert created.id and created.meta.location
    assert client.query(Person, created.id).user_name == flow.ADA

    found = client.query(Person, SearchRequest(filter=f'userName eq "{flow.ADA}"'))
    assert [user.id for user in found.resources] == [created.id]

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
