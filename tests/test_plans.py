"""Plans, undo and held operations in a browser."""

import pytest

import tenure
from browser import Browser
from test_console import SIGN_UP, sign_up


@pytest.fixture
def browser(tmp_path):
    opened = Browser(tmp_path / "profile")
    yield opened
    opened.quit()


@pytest.fixture
def pair(browser, server):
    """A signed-in administrator, an application with three people at its target, and both sides over SCIM."""
    workspace = sign_up(browser, server)
    token = server.workspace("Exium").token("Northwind")
    accounts = server.scim(token)
    sender = tenure.Workspace(server.cli, SIGN_UP["workspace"])
    people = server.scim(sender.token("identity provider"))
    ids = [people.create("Users", tenure.person(name))["id"] for name in ("Ada Okafor", "Bo Lind", "Cy Fang")]
    application = sender.application("Exium", f"{server.url}/scim", token, scope="all")
    assert application.counts()["created"] == 3
    shown = application.json("show")
    return people, accounts, application, ids, f"{server.url}{workspace}/apps/{shown['id']}"


def test_a_plan_is_looked_at_applied_and_undone(browser, pair):
    people, accounts, _, ids, page = pair
    people.patch("Users", ids[0], {"op": "replace", "path": "displayName", "value": "Ada Wrong"})
    browser.open(f"{page}/provisioning")
    browser.press("Plan")
    browser.wait_for(lambda: browser.all_marked("plan-row"), "the plan")
    (row,) = browser.all_marked("plan-row")
    assert "Ada Okafor → Ada Wrong" in row.text
    browser.photograph("plan")
    assert accounts.user("ada.okafor@northwind.example")["displayName"] == "Ada Okafor"
    browser.follow("Apply this plan")
    browser.press("Apply this plan")
    browser.wait_for(lambda: "carried out" in browser.text(), "the list of cycles")
    assert accounts.user("ada.okafor@northwind.example")["displayName"] == "Ada Wrong"

    browser.follow("Undo")
    browser.press("Plan the undo")
    browser.wait_for(lambda: browser.all_marked("plan-row"), "the plan of the undo")
    browser.photograph("undo")
    browser.follow("Apply this plan")
    browser.press("Apply this plan")
    browser.wait_for(lambda: "carried out" in browser.text(), "the list of cycles")
    assert accounts.user("ada.okafor@northwind.example")["displayName"] == "Ada Okafor"
    browser.photograph("cycles")
    assert not browser.errors()


def test_a_change_of_the_mappings_is_previewed(browser, pair):
    _, accounts, _, _, page = pair
    browser.open(f"{page}/provisioning/mappings")
    editor = browser.field("config")
    text = editor.get_attribute("value").replace('"attribute": "displayName"', '"expression": "ToUpper([displayName])"')
    assert "ToUpper" in text
    browser.driver.execute_script("arguments[0].value = arguments[1]", editor, text)
    browser.press("Preview the effect")
    browser.wait_for(lambda: browser.all_marked("plan-row"), "the plan")
    assert "Ada Okafor → ADA OKAFOR" in browser.text()
    assert "not the saved one" in browser.text()
    browser.photograph("preview")
    browser.press("Save this configuration")
    browser.follow("Apply this plan")
    browser.press("Apply this plan")
    browser.wait_for(lambda: "carried out" in browser.text(), "the list of cycles")
    assert accounts.user("bo.lind@northwind.example")["displayName"] == "BO LIND"
    browser.open(f"{page}/provisioning/mappings")
    browser.driver.execute_script("arguments[0].value = '{}'", browser.field("config"))
    browser.press("Preview the effect")
    browser.wait_for(lambda: "could not be read" in browser.text(), "what is wrong with it")


def test_held_operations_are_allowed(browser, pair):
    people, accounts, application, ids, page = pair
    browser.open(f"{page}/provisioning")
    browser.fill(prevent_deletion="on", deletion_threshold="1")
    browser.press("Save")
    for one in ids[:2]:
        people.patch("Users", one, {"op": "replace", "path": "active", "value": False})
    application.run("run", exit_code=6)
    browser.open(f"{page}/provisioning")
    assert "2 operations are held" in browser.text()
    browser.photograph("held-quarantine")
    browser.follow("Look at the held operations")
    assert len(browser.all_marked("held-row")) == 2
    browser.photograph("held")
    browser.press("Allow 2 operations")
    browser.wait_for(lambda: "Allowed" in browser.text(), "the answer")
    assert accounts.user("ada.okafor@northwind.example")["active"] is True
    assert application.counts()["disabled"] == 2
    assert accounts.user("ada.okafor@northwind.example")["active"] is False


def test_drift_is_shown_and_repaired(browser, pair):
    _, accounts, _, _, page = pair
    ada = accounts.user("ada.okafor@northwind.example")
    accounts.patch("Users", ada["id"], {"op": "replace", "path": "displayName", "value": "Mallory"})
    accounts.create("Users", tenure.person("Eve Stranger"))
    browser.open(f"{page}/provisioning/accounts")
    assert "Not looked at yet" in browser.text()
    browser.open(f"{page}/provisioning")
    browser.press("Check for drift")
    browser.wait_for(lambda: browser.all_marked("plan-row"), "the plan")
    assert "Mallory → Ada Okafor" in browser.text()
    browser.photograph("drift")
    browser.follow("Apply this plan")
    browser.press("Apply this plan")
    browser.wait_for(lambda: "carried out" in browser.text(), "the list of cycles")
    assert accounts.user("ada.okafor@northwind.example")["displayName"] == "Ada Okafor"
    browser.open(f"{page}/provisioning/accounts")
    (row,) = browser.all_marked("account-row")
    assert "eve.stranger@northwind.example" in row.text
    assert "Nobody fits" in row.text
    browser.photograph("accounts")
    assert not browser.errors()
