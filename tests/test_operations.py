"""What operators do with everything: backup, restore, moving to another database, doctor, export."""

import json
import os
import stat
import threading

import pytest

import tenure

ENGINES = ["sqlite", "postgres"]


@pytest.fixture(params=ENGINES)
def database(request):
    """The database of the server under test."""
    return request.getfixturevalue("new_database")() if request.param == "postgres" else None


def restored(server, file, tmp_path, name="restored", database=None, *options, exit_code=tenure.DONE):
    """A second server's files, made from a backup."""
    other = tenure.Server(tmp_path / name, database)
    key = ["--key-file", server.data / "master.key"]
    other.outcome = other.cli.run("restore", file, *key, *options, exit_code=exit_code)
    return other


def exported(cli, workspace="Northwind Mills"):
    """An export without what says when it was made."""
    lines = [json.loads(line) for line in cli.run("export", "--workspace", workspace, "-").stdout.splitlines()]
    del lines[0]["workspace"]["exported"]
    return lines


def furnish(server):
    """A workspace with people, a group, a schema of its own, settings and an application."""
    workspace = server.workspace("Northwind Mills")
    scim = server.scim(workspace.token())
    people = [scim.create("Users", tenure.number(index)) for index in range(20)]
    members = [{"value": person["id"]} for person in people]
    scim.create("Groups", {"schemas": [tenure.GROUP], "displayName": "Mill", "members": members})
    scim.delete("Users", people[-1]["id"])
    workspace.run("workspace", "settings", "--set", "-", stdin=json.dumps({"keepDeletedDays": 7}))
    application = workspace.application("Payroll", "http://127.0.0.1:9/scim", "a-very-secret-token")
    application.assign(people[0]["userName"], groups=["Mill"])
    return scim, application


def test_backup_under_load_comes_back_whole(new_server, database, tmp_path, request):
    server = new_server("server", database)
    scim, _ = furnish(server)
    acknowledged, halt = [], threading.Event()

    def load():
        index = 1_000
        while not halt.is_set():
            person = scim.create("Users", tenure.number(index))
            scim.create("Groups", {"displayName": f"Group {index}", "members": [{"value": person["id"]}]})
            acknowledged.append(person["userName"])
            index += 1

    writer = threading.Thread(target=load)
    writer.start()
    try:
        tenure.wait_until(lambda: len(acknowledged) > 20, "there is a load")
        before = set(acknowledged)
        made = server.cli.json("backup", tmp_path / "one.backup")
        after = len(acknowledged)
        tenure.wait_until(lambda: len(acknowledged) > after + 5, "the writer goes on")
    finally:
        halt.set()
        writer.join()
    file = tmp_path / "one.backup"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_size == made["bytes"]
    assert server.cli.json("backup", "--verify", file)["sha256"] == made["sha256"]
    assert b"a-very-secret-token" not in file.read_bytes()
    other = restored(server, file, tmp_path, database=database and request.getfixturevalue("new_database")())
    try:
        other.start()
        there = other.scim(scim.http.headers["Authorization"].removeprefix("Bearer "))
        users = {user["id"]: user["userName"] for user in there.all("Users")}
        assert before <= set(users.values())
        for group in there.all("Groups"):
            full = there.get(f"/Groups/{group['id']}")
            assert all(member["value"] in users for member in full["members"])
            assert len(full["members"]) == (19 if full["displayName"] == "Mill" else 1)
        there.create("Users", tenure.number(100_000))
        assert other.cli.json("doctor")["ok"]
        other.stop()
    finally:
        other.end()


def test_a_move_to_the_other_engine_keeps_everything(new_server, new_database, tmp_path):
    first = new_server("first")
    scim, _ = furnish(first)
    first.stop()
    places = [first]
    for name, database in [("second", new_database()), ("third", None), ("fourth", new_database())]:
        file = tmp_path / f"for-{name}.backup"
        places[-1].cli.run("backup", file)
        places.append(restored(first, file, tmp_path, name, database, "--moved"))
    before = exported(first.cli)
    assert len(before) > 20
    for place in places[1:]:
        assert exported(place.cli) == before, place.data.name
        assert place.cli.json("doctor")["ok"]
    last = places[-1]
    try:
        last.start()
        there = last.scim(scim.http.headers["Authorization"].removeprefix("Bearer "))
        assert there.total("Users") == 19
        there.create("Users", tenure.number(100_000))
        last.stop()
    finally:
        last.end()


def test_after_a_restore_nothing_is_sent_until_somebody_says_so(new_server, tmp_path):
    pair = tenure.Pair(new_server("s"), new_server("r"))
    for index in range(20):
        pair.people.create("Users", tenure.number(index))
    application = pair.application(scope="all")
    application.run("start")
    tenure.wait_until(lambda: pair.accounts.total("Users") == 20, "all accounts")
    tenure.wait_until(lambda: application.status()["lag"] == 0, "the cycle ends")
    file = tmp_path / "one.backup"
    pair.sender.cli.run("backup", file)
    # What the backup does not know: one joins, one leaves, one is renamed.
    pair.people.create("Users", tenure.number(20))
    leaver, mover = tenure.number(0)["userName"], tenure.number(1)["userName"]
    pair.people.delete("Users", pair.people.user(leaver)["id"])
    title = {"op": "replace", "path": "title", "value": "Foreman"}
    pair.people.patch("Users", pair.people.user(mover)["id"], title)
    tenure.wait_until(lambda: pair.accounts.user(mover)["title"] == "Foreman", "the change arrives")
    newcomer = tenure.number(20)["userName"]
    tenure.wait_until(lambda: pair.accounts.user(newcomer), "the newcomer arrives")
    tenure.wait_until(
        lambda: not (pair.accounts.user(leaver) or {"active": False})["active"], "the leaver has no access any more"
    )
    pair.sender.kill()
    other = restored(pair.sender, file, tmp_path)
    try:
        assert "switched off" in other.outcome.stderr
        other.start()
        workspace = tenure.Workspace(other.cli, "Northwind Mills")
        again = tenure.Application(workspace, "Exium")
        state = again.status()
        assert state["state"] == "paused"
        assert "backup" in state["quarantine"]["reason"]
        assert not (pair.accounts.user(leaver) or {"active": False})["active"], "nothing was sent"
        # The directory is brought up to date by whoever feeds it; only then is it switched on.
        token = pair.people.http.headers["Authorization"].removeprefix("Bearer ")
        people = other.scim(token)
        people.delete("Users", people.user(leaver)["id"])
        people.create("Users", tenure.number(20))
        again.run("drift")
        again.run("start")
        tenure.wait_until(lambda: again.status()["state"] == "active", "it is on")
        tenure.wait_until(
            lambda: again.status()["lag"] == 0 and (again.status()["last_cycle"] or {}).get("status") == "completed",
            "the cycle ends",
        )
        accounts = [user["userName"] for user in pair.accounts.all("Users")]
        assert len(accounts) == len(set(accounts)), "nobody has two accounts"
        assert tenure.number(20)["userName"] in accounts
        assert not (pair.accounts.user(leaver) or {"active": False})["active"]
        other.stop()
    finally:
        other.end()


def test_restore_refuses_what_it_should(server, tmp_path):
    furnish(server)
    file = tmp_path / "one.backup"
    server.cli.run("backup", file)
    refused = server.cli.run("backup", file, exit_code=tenure.CONFLICT)
    assert "--force" in refused.stderr
    server.cli.run("backup", file, "--force")
    full = server.cli.run("restore", file, exit_code=tenure.CONFLICT)
    assert "not empty" in full.stderr and "--data" in full.stderr
    empty = tenure.Cli(tmp_path / "empty")
    missing = empty.run("restore", file, exit_code=tenure.USAGE)
    assert "--key-file" in missing.stderr and "--without-secrets" in missing.stderr
    wrong = tmp_path / "wrong.key"
    wrong.write_bytes(b"k" * 32)
    empty.run("restore", file, "--key-file", wrong, exit_code=tenure.USAGE)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged.backup"
    damaged.write_bytes(content)
    refused = empty.run("restore", damaged, "--key-file", server.data / "master.key", exit_code=tenure.USAGE)
    assert "damaged" in refused.stderr and "nothing was changed" in refused.stderr
    empty.run("restore", server.log, "--key-file", server.data / "master.key", exit_code=tenure.USAGE)
    assert not empty.data.exists()
    lost = tenure.Cli(tmp_path / "lost")
    assert "credentials" in lost.run("restore", file, "--without-secrets").stderr
    assert lost.json("doctor")["ok"]


def test_a_backup_with_the_key_needs_nothing_else(server, tmp_path):
    furnish(server)
    made = server.cli.run("backup", tmp_path, "--with-key")
    assert "warning" in made.stderr
    (file,) = tmp_path.glob("tenure-*.backup")
    other = tenure.Cli(tmp_path / "other")
    other.run("restore", file)
    assert (other.data / "master.key").read_bytes() == (server.data / "master.key").read_bytes()
    assert stat.S_IMODE((other.data / "master.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((other.data / "tenure.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(other.data.stat().st_mode) == 0o700


def test_doctor_names_what_is_wrong(new_server, database, tmp_path):
    server = new_server("server", database)
    furnish(server)

    def state(exit_code, *options):
        found = server.cli.json("doctor", *options, exit_code=exit_code)
        assert found["ok"] == (exit_code == tenure.DONE)
        return {check["check"]: check for check in found["checks"] if check["state"] == "bad"}

    assert not state(tenure.DONE)
    assert not state(tenure.DONE, "--quick")
    unreached = state(tenure.FAILED, "--reach")
    assert list(unreached) == ["reach"] and "127.0.0.1:9" in unreached["reach"]["found"]
    server.data.chmod(0o755)
    (server.data / "master.key").chmod(0o644)
    bad = state(tenure.FAILED)
    assert set(bad) == {"data directory", "master key file"}
    assert all("chmod" in check["advice"] for check in bad.values())
    server.data.chmod(0o700)
    server.stop()
    kept = (server.data / "master.key").read_bytes()
    (server.data / "master.key").write_bytes(os.urandom(32))
    (server.data / "master.key").chmod(0o600)
    bad = state(tenure.FAILED)
    assert set(bad) == {"master key", "secrets"}
    assert "Payroll" in bad["secrets"]["found"]
    refused = server.cli.run("serve", "--listen", "127.0.0.1:0", exit_code=tenure.USAGE)
    assert "master.key" in refused.stderr
    (server.data / "master.key").write_bytes(kept)
    assert not state(tenure.DONE)
    nowhere = tenure.Cli(tmp_path / "nowhere")
    assert "does not exist" in nowhere.run("doctor", exit_code=tenure.FAILED).stdout
    assert not nowhere.data.exists(), "looking makes nothing"


def test_export_has_everything_but_secrets(server, tmp_path):
    scim, _ = furnish(server)
    file = tmp_path / "northwind.jsonl"
    server.cli.run("export", "--workspace", "Northwind Mills", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    token = scim.http.headers["Authorization"].removeprefix("Bearer ")
    assert "a-very-secret-token" not in text and token not in text
    lines = [json.loads(line) for line in text.splitlines()]
    of = {}
    for line in lines:
        of.setdefault(line["type"], []).append(line[line["type"]])
    assert of["end"][0] == {kind: len(values) for kind, values in of.items() if kind != "end"}
    people = {user["id"]: user for user in scim.all("Users")}
    assert {user["id"] for user in of["user"]} == set(people)
    for user in of["user"]:
        assert tenure.essence(user) == tenure.essence(people[user["id"]])
        assert user["meta"]["version"] == people[user["id"]]["meta"]["version"]
    (group,) = of["group"]
    assert sorted(member["value"] for member in group["members"]) == sorted(people)
    assert of["settings"][0]["keepDeletedDays"] == 7
    assert of["application"][0]["config"] and of["application"][0]["has_secret"]
    assert {assigned["resourceType"] for assigned in of["assignment"]} == {"User", "Group"}
    server.cli.run("export", "--workspace", "Northwind Mills", file, exit_code=tenure.CONFLICT)


def test_an_empty_database_or_none_cannot_be_backed_up(tmp_path):
    nowhere = tenure.Cli(tmp_path / "nowhere")
    refused = nowhere.run("backup", tmp_path / "backup", exit_code=tenure.NOT_FOUND)
    assert "--data" in refused.stderr
    assert not nowhere.data.exists()
