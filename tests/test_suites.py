"""Conformance suites that others wrote, run against a workspace of ours. Nothing in them may fail or be left out."""

import json
import re
from collections import Counter

import pytest

import packages

AGENT = "urn:ietf:params:scim:schemas:core:2.0:Agent"
AGENTIC_APPLICATION = "urn:ietf:params:scim:schemas:core:2.0:AgenticApplication"

# Checks of scim2-tester with this version and these resource types. Fewer: something is no longer tested.
TESTER_CHECKS = 138
# Results of scim-sanity when no resource type is missing.
SANITY_CHECKS = 45


def attribute(name, kind="string", **more):
    return {"name": name, "type": kind, "multiValued": False} | more


def resource_type(urn, endpoint):
    """A schema, and the resource type that consists of it: what the draft on agents asks for at least."""
    name = urn.rsplit(":", 1)[1]
    schema = {
        "id": urn,
        "name": name,
        "attributes": [
            attribute("name", required=True, uniqueness="server"),
            attribute("displayName"),
            attribute("description"),
            attribute("active", "boolean"),
        ],
    }
    return schema, {"name": name, "endpoint": endpoint, "schema": urn}


def add_agents(workspace):
    """Defines the resource types that only a workspace with schemas of its own has."""
    definition = workspace.json("schema", "get")
    for urn, endpoint in [(AGENT, "/Agents"), (AGENTIC_APPLICATION, "/AgenticApplications")]:
        schema, kind = resource_type(urn, endpoint)
        definition["schemas"].append(schema)
        definition["resourceTypes"].append(kind)
    workspace.run("schema", "set", "-", stdin=json.dumps(definition))


def park_unknown_members(workspace):
    """Lets clients name members that do not exist yet; without it they get a 400."""
    [token] = workspace.json("token", "list")["tokens"]
    options = json.dumps({"rules": {"unknownMembers": "park"}})
    workspace.run("token", "options", token["id"], "--set", "-", stdin=options)


@pytest.fixture
def workspace(server):
    return server.workspace("Suites")


def scim2_tester(server, token):
    """Status and name of every check, none of which went wrong or was skipped."""
    done = packages.run(
        [packages.tool("scim2"), "--url", f"{server.url}/scim/v2", "test", "--verbose"],
        SCIM_CLI_HEADERS=f"Authorization: Bearer {token}",
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert done.returncode == 0, text[-3000:]
    found = re.findall(r"^([A-Z]{4,})\b *(\w*)", text, re.M)
    bad = re.findall(r"^(?!SUCCESS)[A-Z]{4,}\b.*(?:\n(?!SUCCESS).*)*", text, re.M)
    assert not bad, "\n".join(bad)[:6000]
    return found


@pytest.mark.parametrize("suite", [packages.version("scim2-tester")])
def test_scim2_tester(server, workspace, suite):
    token = workspace.token()
    found = Counter(scim2_tester(server, token))
    assert found.total() >= TESTER_CHECKS, found

    # A workspace's own resource types get the same checks as the others.
    add_agents(workspace)
    more = Counter(scim2_tester(server, token))
    created = ("SUCCESS", "object_creation")
    assert more[created] == found[created] + 2, more


@pytest.mark.parametrize(
    "options",
    [["--strict"], ["--compat"], ["--strict", "--profile", "entra"], ["--strict", "--profile", "fortiauthenticator"]],
    ids=lambda options: f"{packages.version('scim-sanity')} {' '.join(options)}",
)
def test_scim_sanity(server, workspace, options):
    token = workspace.token()
    park_unknown_members(workspace)
    add_agents(workspace)
    command = [packages.tool("scim-sanity"), "probe", f"{server.url}/scim/v2", "--token", token]
    common = ["--user-domain", "northwind.example", "--json-output", "--i-accept-side-effects"]
    report = json.loads(packages.run([*command, *common, *options]).stdout)
    others = [result for result in report["results"] if result["status"] != "pass"]
    assert not others, json.dumps(others, indent=1)[:6000]
    assert not report["issues"], report["issues"]
    assert len(report["results"]) >= SANITY_CHECKS, report["summary"]
