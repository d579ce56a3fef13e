"""Applications that cannot do what the standard says, played against a server that can: the same people in the end."""

import json

import pytest

import flow
import tenure

DIALECTS = {
    "put": {"user_updates": "put", "group_updates": "put"},
    "no filter": {"filters": False},
    "plain": {
        "media_type": "json",
        "boolean_texts": True,
        "patch_paths": False,
        "remove_member_by_path": False,
        "excluded_attributes": False,
        "page_size": 2,
    },
}


def speak(application, dialect, **options):
    """Changes the dialect of an application."""
    config = json.loads(application.run("config").stdout)
    config["dialect"] |= dialect
    return application.run("config", "--set", "-", stdin=json.dumps(config), **options)


@pytest.mark.parametrize("name", DIALECTS)
def test_people_join_move_and_leave(name, pair):
    directory = flow.Directory(pair.people)
    application = pair.application()
    speak(application, DIALECTS[name])
    application.run("test")
    flow.Flow(directory, application, pair.accounts).everything()
    assert not application.log("--status", "failure")


def test_what_is_wrong_with_a_dialect_is_said(pair):
    application = pair.application()
    wrong = {"page_size": 0, "requests_per_second": 2000}
    said = speak(application, wrong, exit_code=tenure.USAGE).stderr
    assert "dialect.page_size: Resources of one page must be 1 to 1000, not 0" in said
    assert "dialect.requests_per_second: Requests per second must be 0.01 to 1000, not 2000" in said


def test_a_probe_finds_what_is_wrong_and_saves_it(pair):
    pair.accounts.create("Users", tenure.person("Ada Okafor"))
    pair.accounts.create("Users", tenure.person("Bo Lind"))
    application = pair.application()
    speak(application, {"first_index": 0, "groups": False})
    report = application.json("probe")
    assert report["passed"] and not report["saved"]
    assert {one["field"]: one["after"] for one in report["findings"]} == {"first_index": 1, "groups": True}
    assert application.json("probe", "--save")["saved"]
    dialect = json.loads(application.run("config").stdout)["dialect"]
    assert (dialect["first_index"], dialect["groups"]) == (1, True)
    assert application.json("probe")["findings"] == []
    # It only read.
    assert pair.accounts.total("Users") == 2


def test_a_probe_of_nothing_says_so(server):
    source = server.workspace("Northwind Mills")
    application = source.application("Nowhere", f"http://127.0.0.1:{tenure.free_port()}/scim", "token")
    report = application.json("probe", "--save", exit_code=tenure.UNREACHABLE)
    assert not report["passed"] and not report["saved"]
    assert "no connection" in report["summary"]
