"""The walk-through of an administrator, between two servers: S sends, R receives."""

from collections import Counter

import flow
import tenure
from flow import ADA, BJORN, CHEN, DANA, EERO


def story(records):
    """Provisioning log records as (type, action, status), in order and without those that did nothing."""
    return [(entry["type"], entry["action"], entry["status"]) for entry in records if entry["status"] != "skipped"]


def about(records, identifier):
    return story(entry for entry in records if entry["source"]["id"] == identifier)


def test_people_join_move_and_leave(pair):
    directory = flow.Directory(pair.people)
    application = pair.application()
    told = flow.Flow(directory, application, pair.accounts)
    ids = dict(directory.ids)
    told.everything()

    records = application.log()
    assert not [entry for entry in records if entry["status"] == "failure"]
    create, update = ("User", "create", "success"), ("User", "update", "success")
    disable, delete = ("User", "disable", "success"), ("User", "delete", "success")
    assert about(records, ids[ADA]) == [create]
    # Moved, then a manager.
    assert about(records, ids[BJORN]) == [create, update, update]
    assert about(records, ids[CHEN]) == [create]
    # Unassigned and back, inactive and back, deleted.
    assert about(records, ids[DANA]) == [create, disable, update, disable, update, delete]
    assert about(records, ids[EERO]) == []

    moved = [entry for entry in records if entry["source"]["id"] == ids[BJORN] and entry["action"] == "update"][0]
    changes = {change["attribute"]: (change["before"], change["after"]) for change in moved["modified_properties"]}
    assert changes["name.familyName"] == ("Lindqvist", "Ågren")
    assert changes["title"] == ("Weaver", "Master weaver")
    assert changes[f"{tenure.ENTERPRISE}:department"] == ("Production", "Design")
    assert moved["target"]["id"] == told.target_ids[BJORN]
    assert [step["name"] for step in moved["steps"]], "a record has its steps"


def test_receiving_side_writes_its_own_audit_log(pair):
    directory = flow.Directory(pair.people)
    application = pair.application()
    told = flow.Flow(directory, application, pair.accounts)
    told.joiners()
    told.mover()
    told.unassigned_and_back()
    told.leaver()

    records = pair.target.audit()
    endings = tuple(f"({identifier})" for identifier in told.target_ids.values())
    of_people = [entry for entry in records if entry["object"].endswith(endings)]
    by_account = {
        user_name: [entry["action"] for entry in of_people if entry["object"].endswith(f"({identifier})")]
        for user_name, identifier in told.target_ids.items()
    }
    shapes = {user_name: len(actions) for user_name, actions in by_account.items()}
    assert shapes == {ADA: 1, BJORN: 2, CHEN: 1, DANA: 4}, by_account
    assert all("create" in actions[0] for actions in by_account.values()), by_account
    assert "delete" in by_account[DANA][-1]
    # The token did it, under the label that its owner gave it.
    assert {entry["actor"]["name"] for entry in of_people} == {"provisioning"}
    pair.target.run("audit", "verify")
    pair.source.run("audit", "verify")


def test_everyone_is_provisioned_and_groups_are_complete(pair):
    directory = flow.Directory(pair.people)
    directory.group("Weavers", ADA, BJORN)
    directory.group("Nobody yet")
    told = flow.Flow(directory, pair.application(scope="all"), pair.accounts)
    counts = told.application.counts()
    assert (counts["created"], counts["failed"]) == (len(flow.PEOPLE) + 2, 0)
    told.same(*directory.ids)
    assert told.members("Weavers") == [ADA, BJORN]
    assert told.members("Nobody yet") == []
    told.cycle()


def test_changes_flow_by_themselves_once_switched_on(pair):
    directory = flow.Directory(pair.people)
    application = pair.application()
    accounts = pair.accounts
    application.assign(ADA)
    application.run("start")
    tenure.wait_until(lambda: accounts.user(ADA), "the initial cycle creates Ada")

    application.assign(BJORN)
    tenure.wait_until(lambda: accounts.user(BJORN), "an assignment creates Björn")

    directory.change(BJORN, {"op": "replace", "path": "title", "value": "Dyer"})
    tenure.wait_until(lambda: accounts.user(BJORN).get("title") == "Dyer", "a change arrives")

    application.unassign(BJORN)
    tenure.wait_until(lambda: accounts.user(BJORN)["active"] is False, "an unassigned account is disabled")

    directory.delete(ADA)
    tenure.wait_until(lambda: accounts.user(ADA) is None, "a deleted person's account is deleted")

    application.run("stop")
    application.assign(CHEN)
    state = application.status()
    assert state["state"] == "paused"
    assert accounts.user(CHEN) is None


def test_existing_account_is_taken_over_not_doubled(pair):
    directory = flow.Directory(pair.people)
    former = pair.accounts.create("Users", tenure.person("Ada Okafor") | {"title": "Temp"})
    local = pair.accounts.create("Users", tenure.person("Local Admin"))
    application = pair.application()
    application.assign(ADA, BJORN)
    told = flow.Flow(directory, application, pair.accounts)
    told.cycle(created=1, updated=1)
    told.same(ADA, BJORN)
    assert pair.accounts.user(ADA)["id"] == former["id"]
    # What was never assigned is not touched.
    assert pair.accounts.get(f"/Users/{local['id']}") == local


def test_group_assignment_brings_its_members(pair):
    directory = flow.Directory(pair.people)
    group = directory.group("Weavers", ADA, BJORN)
    application = pair.application()
    application.assign(groups=["Weavers"])
    told = flow.Flow(directory, application, pair.accounts)
    told.application.counts()
    told.same(ADA, BJORN)
    told.absent(CHEN, DANA, EERO)
    path = f'members[value eq "{directory.ids[ADA]}"]'
    directory.scim.patch("Groups", group, {"op": "remove", "path": path})
    counts = told.application.counts()
    assert (counts["disabled"], counts["failed"]) == (1, 0)
    assert told.active(ADA) is False
    assert told.active(BJORN) is True


def test_on_demand_shows_every_step(pair):
    flow.Directory(pair.people)
    application = pair.application()
    application.assign(ADA)
    planned = application.json("provision", "--user", ADA, "--dry-run")
    assert planned["action"] == "create"
    assert pair.accounts.user(ADA) is None
    done = application.json("provision", "--user", ADA)
    assert (done["action"], done["status"]) == ("create", "success")
    assert len(done["steps"]) >= 4
    assert pair.accounts.user(ADA)["displayName"] == "Ada Okafor"
    out_of_scope = application.json("provision", "--user", EERO)
    assert out_of_scope["status"] == "skipped"
    assert pair.accounts.user(EERO) is None


def test_graceful_stop_and_restart_lose_nothing(pair):
    directory = flow.Directory(pair.people)
    application = pair.application()
    application.assign(ADA, BJORN)
    told = flow.Flow(directory, application, pair.accounts)
    told.cycle(created=2)
    before = pair.accounts.snapshot()
    pair.sender.stop()
    pair.receiver.stop()
    pair.sender.start()
    pair.receiver.start()
    assert pair.accounts.snapshot() == before
    told.cycle()
    assert Counter(entry["action"] for entry in application.log() if entry["status"] == "success") == {"create": 2}
