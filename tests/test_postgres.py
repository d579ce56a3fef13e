"""Several servers on one PostgreSQL database: no one is special, none loses what another was told."""

import json
import threading
import time

import pytest

import postbox
import tenure

PEOPLE = 150
PATCHES = 40


@pytest.fixture
def nodes(database, new_server):
    """Two servers that share the database and the key."""
    one = new_server("one", database)
    return one, new_server("two", database, key_of=one)


def test_servers_share_what_they_are_told(nodes):
    one, two = nodes
    token = one.workspace("Northwind Mills").token()
    clients = [node.scim(token) for node in nodes]
    ada = clients[0].create("Users", tenure.person("Ada Okafor"))
    seen = [client.get(f"/Users/{ada['id']}") for client in clients]
    for document in seen:
        # Each server names itself, since no public URL was given.
        del document["meta"]["location"]
    assert seen[0] == seen[1]
    clients[1].error(409, "uniqueness", "POST", "/Users", tenure.person("Ada Okafor"))

    def patch(client, first):
        for index in range(first, PATCHES, 2):
            mail = {"value": f"a{index}@northwind.example", "type": "other"}
            client.patch("Users", ada["id"], {"op": "add", "path": "emails", "value": [mail]})

    threads = [threading.Thread(target=patch, args=(client, first)) for first, client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = {mail["value"] for mail in clients[0].get(f"/Users/{ada['id']}")["emails"]}
    assert values == {ada["userName"]} | {f"a{index}@northwind.example" for index in range(PATCHES)}
    assert one.cli.json("workspace", "list") == two.cli.json("workspace", "list")


def test_another_key_is_refused(nodes, database, tmp_path):
    stranger = tenure.Cli(tmp_path / "stranger", database)
    refused = stranger.run("workspace", "create", "Exium", exit_code=tenure.USAGE)
    assert "master.key" in refused.stderr
    assert "postgres://" not in refused.stderr


def test_a_killed_server_is_replaced_by_the_others(nodes):
    one, two = nodes
    source, target = one.workspace("Northwind Mills"), one.workspace("Exium")
    people, accounts = two.scim(source.token()), two.scim(target.token())
    # The second server receives in any case; which one sends is their business.
    application = source.application("Exium", f"{two.url}/scim", target.token(), scope="all")
    for index in range(PEOPLE):
        people.create("Users", tenure.number(index))
    application.run("start")
    tenure.wait_until(lambda: accounts.total("Users") > 0, "a first account")
    one.kill()
    tenure.wait_until(lambda: accounts.total("Users") == PEOPLE, "all accounts", timeout_s=120)
    people.create("Users", tenure.person("Ada Okafor"))
    tenure.wait_until(lambda: accounts.user("ada.okafor@northwind.example"), "an account of who joined later")
    assert accounts.total("Users") == PEOPLE + 1
    log = tenure.Workspace(two.cli, source.name).log("Exium")
    assert len({entry["source"]["id"] for entry in log if entry["action"] == "create"}) == PEOPLE + 1


def test_each_notification_is_sent_once(database, new_server):
    box = postbox.Mailbox()
    options = ["--smtp-url", box.url, "--smtp-from", "tenure@example.com"]
    one = new_server("one", database, options=options)
    two = new_server("two", database, key_of=one, options=options)
    workspace = one.workspace("Northwind Mills")
    two.scim(workspace.token()).create("Users", tenure.person("Ada Okafor"))
    names = [f"Application {number}" for number in range(8)]
    for name in names:
        application = workspace.application(name, f"{two.url}/scim", "not a token", scope="all")
        config = json.loads(application.run("config").stdout) | {"notification_email": "ops@example.com"}
        application.run("config", "--set", "-", stdin=json.dumps(config))
        application.run("start")
    # Both have something to send at the same moment.
    tenure.wait_until(
        lambda: all(tenure.Application(workspace, name).status()["quarantine"] for name in names), "all are quarantined"
    )
    box.open()
    try:
        box.wait_for("is in quarantine", len(names), timeout_s=60)
        time.sleep(5)
        subjects = sorted(mail["Subject"] for mail in box.mails)
        assert subjects == [f"[Tenure] Northwind Mills: {name} is in quarantine" for name in names]
        # Whoever lives sends what is left.
        one.kill()
        workspace.run("application", "start", names[0])
        box.wait_for(f"{names[0]} has left quarantine", timeout_s=60)
    finally:
        box.close()
