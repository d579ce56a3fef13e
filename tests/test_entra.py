"""Schemas of Entra ID in a browser: downloaded, chosen as a file, looked at, saved."""

import json

import pytest

import tenure
from browser import Browser
from test_console import SIGN_UP, sign_up


@pytest.fixture
def browser(tmp_path):
    opened = Browser(tmp_path / "profile")
    yield opened
    opened.quit()


def test_a_schema_is_chosen_as_a_file_and_looked_at_before_it_is_saved(browser, server, tmp_path):
    workspace = sign_up(browser, server)
    sender = tenure.Workspace(server.cli, SIGN_UP["workspace"])
    application = sender.application("Payroll", f"{server.url}/scim", "none", scope="all")
    page = f"{server.url}{workspace}/apps/{application.json('show')['id']}"
    browser.open(f"{page}/provisioning/mappings")
    browser.photograph("mappings")
    browser.follow("Export Entra schema")
    assert "has no attribute `externalId`" in browser.text()
    browser.photograph("entra-export")

    schema = sender.json("application", "schema", "export", "Payroll")
    users = schema["synchronizationRules"][0]["objectMappings"][0]
    users["flowTypes"] = "Add, Update"
    users["attributeMappings"][1]["source"] = {"type": "Attribute", "name": "extensionAttribute1"}
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(schema, indent=2))
    browser.driver.find_element("css selector", "input[type=file]").send_keys(str(file))
    field = browser.field("schema")
    browser.wait_for(lambda: field.get_attribute("value") == file.read_text(), "the text of the file")
    browser.press("Show what it becomes")
    assert "Nothing is saved yet" in browser.text()
    assert "attributeMappings[1]" in browser.text()
    assert "Target object actions: Create, Update" in browser.text()
    browser.photograph("entra-import")
    assert application.json("config")["users"]["actions"]["delete"] is True

    browser.press("Save mappings")
    assert application.json("config")["users"]["actions"]["delete"] is False
    assert not browser.errors()


def test_without_scripts_a_schema_is_pasted(tmp_path, server):
    browser = Browser(tmp_path / "profile", javascript=False)
    try:
        workspace = sign_up(browser, server)
        sender = tenure.Workspace(server.cli, SIGN_UP["workspace"])
        application = sender.application("Payroll", f"{server.url}/scim", "none", scope="all")
        browser.open(f"{server.url}{workspace}/apps/{application.json('show')['id']}/provisioning/mappings/entra")
        assert not browser.driver.find_element("css selector", "input[type=file]").is_displayed()
        browser.fill(schema='{"synchronizationRules": []}')
        browser.press("Show what it becomes")
        assert "there is nothing to import" in browser.text()
    finally:
        browser.quit()
