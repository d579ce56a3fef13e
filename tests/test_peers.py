"""SCIM servers that others wrote, which we provision into."""

import pytest
import requests

import flow
import packages
import tenure

PEER_TOKEN = "peer-secret-token"


def start_scim2_server(log):
    port = tenure.free_port()
    process = tenure.Process([packages.tool("scim2-server"), "--port", port, "--bearer-token", PEER_TOKEN], log)
    return process, f"http://127.0.0.1:{port}/v2"


def start_scimmy(log):
    command, settings = packages.node("scimmy.mjs", 0, PEER_TOKEN)
    process = tenure.Process(command, log, env=settings)
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


each_server = pytest.mark.parametrize("peer", SERVERS, indirect=True, ids=packages.version)


@each_server
def test_peer_is_an_independent_server(peer):
    """The peers themselves: without this a broken peer looks like a fault of ours."""
    created = peer.create("Users", tenure.person("Ada Okafor"))
    assert tenure.essence(peer.user(flow.ADA)) == tenure.essence(tenure.person("Ada Okafor"))
    assert peer.total("Users") == 1
    peer.delete("Users", created["id"])
    assert peer.user(flow.ADA) is None
    assert requests.get(f"{peer.base}/Users", timeout=10).status_code == 401


@each_server
def test_people_join_move_and_leave_at_a_peer(peer, server):
    source = server.workspace("Northwind Mills")
    directory = flow.Directory(server.scim(source.token("identity provider")))
    application = source.application("Peer", peer.base, PEER_TOKEN)
    application.run("test")
    told = flow.Flow(directory, application, peer)
    told.everything()
    assert not application.log("--status", "failure")
