"""The provisioning log by API, command line and browser, and why somebody has an account."""

import csv
import io
import json

import pytest
import requests

import tenure
from browser import Browser
from test_console import SIGN_UP, sign_up


class Api:
    """The management API of a workspace."""

    def __init__(self, server, workspace):
        self.base = f"{server.url}/api/v1"
        token = workspace.json("token", "create", "--name", "automation", "--api")["token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path, status=200, **params):
        answer = requests.get(self.base + path, params=params, headers=self.headers, timeout=30)
        assert answer.status_code == status, f"{path} {params}: {answer.status_code} {answer.text[:500]}"
        kind = "application/json" if status < 400 else "application/problem+json"
        if "format" not in params:
            assert answer.headers["Content-Type"] == kind
        return answer

    def all(self, path, limit, **params):
        found, after = [], {}
        while True:
            page = self.get(path, limit=limit, **params, **after).json()
            found += page["items"]
            if not page["next"]:
                return found
            assert len(page["items"]) == limit
            after = {"after": page["next"]}


def connect(server, sender, scope="all"):
    """Lets a workspace send to another one of the same server: a client of it, the application, a client of the other."""
    token = server.workspace("Exium").token("sender")
    people = server.scim(sender.token("identity provider"))
    application = sender.application("Exium", f"{server.url}/scim", token, scope=scope)
    return people, application, server.scim(token)


def test_lists_and_files_agree(server):
    sender = server.workspace("Northwind")
    people, application, _ = connect(server, sender)
    names = ["Ada Okafor", "Björn Lind", "=cmd|' /C calc'!A0 Evil", 'Chen "Comma, Line" Fang']
    for name in names:
        people.create("Users", tenure.person(name))
    for index in range(230):
        people.create("Users", tenure.number(index))
    application.cycle()
    ada = people.user("ada.okafor@northwind.example")
    people.patch("Users", ada["id"], {"op": "replace", "path": "displayName", "value": "Ada Lovelace"})
    application.cycle()

    api = Api(server, sender)
    records = api.all("/provisioning-logs", 100)
    assert len({record["id"] for record in records}) == len(records) >= 235
    times = [record["activityDateTime"] for record in records]
    assert times == sorted(times, reverse=True)
    (update,) = api.all("/provisioning-logs", 10, source=ada["id"], action="update")
    assert api.get(f"/provisioning-logs/{update['id']}").json() == update
    assert update["provisioningStatusInfo"]["status"] == "success"
    assert {"displayName": "displayName", "oldValue": "Ada Okafor", "newValue": "Ada Lovelace"} in update[
        "modifiedProperties"
    ]
    assert any(step["provisioningStepType"] == "export" for step in update["provisioningSteps"])
    assert update["application"]["displayName"] == "Exium"
    created = api.all(
        "/provisioning-logs", 1000, action="create", **{"from": times[-1], "to": update["activityDateTime"]}
    )
    assert len(created) == 234

    as_json = api.get("/provisioning-logs/export", format="json")
    assert as_json.json() == records
    assert "attachment" in as_json.headers["Content-Disposition"]
    as_csv = api.get("/provisioning-logs/export", format="csv").content.decode()
    rows = list(csv.DictReader(io.StringIO(as_csv)))
    assert [row["id"] for row in rows] == [record["id"] for record in records]
    shown = {row["sourceName"] for row in rows}
    assert any(name.startswith("'=cmd") for name in shown)
    assert not any(name.startswith(("=", "+", "-", "@")) for row in rows for name in row.values())
    assert all(json.loads(row["steps"]) and isinstance(json.loads(row["modifiedProperties"]), list) for row in rows)
    assert sender.run("log", "export", "--format", "csv").stdout.encode().splitlines() == as_csv.encode().splitlines()
    assert json.loads(sender.run("log", "export", "--format", "json").stdout) == records

    api.get("/provisioning-logs", status=422, staus="failure")
    api.get("/provisioning-logs/evt_none", status=404)
    other = Api(server, server.workspace("Other"))
    assert other.all("/provisioning-logs", 10) == []
    other.get(f"/provisioning-logs/{update['id']}", status=404)
    other.get(f"/applications/{update['application']['id']}/why", status=404, user=ada["id"])


def test_why_foretells_what_a_cycle_does(server):
    sender = server.workspace("Northwind")
    people, application, accounts = connect(server, sender, scope="assigned")
    ada = people.create("Users", tenure.person("Ada Okafor"))
    api = Api(server, sender)
    path = f"/applications/{application.json('show')['id']}/why"

    def why():
        return api.get(path, user=ada["userName"]).json()

    assert why()["next"]["code"] == "NotEffectivelyEntitled"
    application.assign(ada["userName"])
    foretold = why()
    assert foretold["next"]["action"] == "match"
    application.cycle()
    account = accounts.user(ada["userName"])
    for change in foretold["next"]["changes"]:
        if change["attribute"] in account:
            assert account[change["attribute"]] == change["after"]
    answer = why()
    assert answer["account"]["targetId"] == account["id"]
    assert answer["lastAnswer"]["requests"][0]["status"] == 201
    assert {row["effect"] for row in answer["attributes"]} <= {"same", "left"}
    people.patch("Users", ada["id"], {"op": "replace", "path": "title", "value": "Dyer"})
    (row,) = [row for row in why()["attributes"] if row["effect"] != "same" and row["target"] == "title"]
    assert (row["known"], row["wanted"], row["inputs"][0]["value"]) == ("Weaver", "Dyer", "Dyer")
    application.cycle()
    assert accounts.user(ada["userName"])["title"] == "Dyer"
    application.unassign(ada["userName"])
    assert why()["next"]["action"] == "disable"
    application.cycle()
    assert accounts.user(ada["userName"])["active"] is False
    assert why()["account"]["managed"] is False


@pytest.fixture
def browser(tmp_path):
    opened = Browser(tmp_path / "profile")
    yield opened
    opened.quit()


def test_from_a_person_to_why_to_the_log_and_its_file(browser, server):
    workspace = sign_up(browser, server)
    people, application, _ = connect(server, tenure.Workspace(server.cli, SIGN_UP["workspace"]))
    ada = people.create("Users", tenure.person("Ada Okafor"))
    application.cycle()
    people.patch("Users", ada["id"], {"op": "replace", "path": "title", "value": "Dyer"})
    browser.open(f"{server.url}{workspace}/users/{ada['id']}?tab=apps")
    browser.follow("Why?")
    assert "is in scope of Exium" in browser.text_of("why-summary")
    assert any("Dyer" in row.text and "Weaver" in row.text for row in browser.all_marked("why-attribute"))
    browser.photograph("why")
    assert browser.overflow(320) <= 0, "the page scrolls sideways at 320 pixels"
    browser.follow("All log entries of")
    assert len(browser.all_marked("log-row")) == 1
    browser.photograph("logs")
    assert browser.overflow(320) <= 0, "the page scrolls sideways at 320 pixels"
    cookies = {cookie["name"]: cookie["value"] for cookie in browser.driver.get_cookies()}
    link = browser.driver.find_element("link text", "CSV").get_attribute("href")
    assert ada["id"] in link
    file = requests.get(link, cookies=cookies, timeout=30)
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(list(csv.DictReader(io.StringIO(file.text)))) == 1

    browser.open(f"{server.url}{workspace}/logs")
    browser.follow("Settings")
    browser.fill(days="0")
    browser.press("Save")
    assert "1 to 3,650" in browser.text()
    browser.fill(days="90")
    browser.photograph("log-options")
    browser.press("Save")
    assert "Kept for 90 days" in browser.text()
    errors = [error for error in browser.errors() if "422" not in str(error)]
    assert not errors
