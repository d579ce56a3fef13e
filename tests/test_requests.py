"""The request log in a browser: what a client sent, why it was refused, and how its token can be set."""

import pytest

import tenure
from browser import Browser
from test_console import create_token, sign_up


@pytest.fixture
def browser(tmp_path):
    opened = Browser(tmp_path / "profile")
    yield opened
    opened.quit()


def rows(browser, count):
    """Waits for so many rows; the log is written within a second."""

    def shown():
        found = browser.all_marked("request-row")
        if len(found) < count:
            browser.driver.refresh()
            return None
        return found

    assert len(browser.wait_for(shown, f"{count} requests in the log")) == count


def test_from_a_refused_request_to_a_strict_token(browser, server):
    workspace = sign_up(browser, server)
    log = f"{server.url}{workspace}/settings/requests"
    browser.open(log)
    assert "No requests yet" in browser.text()
    browser.photograph("requests-empty")
    browser.open(f"{server.url}{workspace}")
    token, tenant_url = create_token(browser, "Entra ID")
    client = tenure.Scim(tenant_url, token)
    habit = tenure.person("Ada Okafor") | {"active": "True", "shoeSize": 38, "password": "hunter2hunter2"}
    client.create("Users", habit)
    client.error(409, "uniqueness", "POST", "/Users", habit)

    browser.open(log)
    rows(browser, 2)
    browser.photograph("requests")
    browser.fill(status="error")
    browser.press("Filter")
    rows(browser, 1)
    browser.follow("POST /scim/Users")
    text = browser.text()
    assert "uniqueness" in text and "string-boolean" in text
    assert "Ada Okafor" in browser.text_of("request-body")
    assert "$TOKEN" in browser.text_of("curl")
    source = browser.driver.page_source
    assert token not in source and "hunter2" not in source
    browser.photograph("request")

    browser.follow("Entra ID")
    habits = [row.text for row in browser.all_marked("habit")]
    assert any("unknown-attribute" in habit and "shoeSize" in habit for habit in habits), habits
    browser.fill(strict_attributes=True)
    browser.photograph("token")
    browser.press("Save")
    assert "Saved." in browser.text()
    detail = client.error(400, "invalidSyntax", "POST", "/Users", tenure.person("Chen Fang") | {"shoeSize": 38})
    assert "shoeSize" in detail

    browser.open(f"{log}/options")
    browser.fill(bodies="redacted", days="30")
    browser.photograph("request-options")
    browser.press("Save")
    client.create("Users", tenure.person("Björn Lind"))
    rows(browser, 4)
    browser.driver.find_element("css selector", "[data-test='request-row'] a.row").click()
    body = browser.wait_for(lambda: browser.text_of("request-body"), "the redacted body")
    assert "***" in body and "Lind" not in browser.driver.page_source
    for page in (log, f"{log}/options", browser.url):
        browser.open(page)
        assert browser.overflow(320) <= 0, f"{page} scrolls sideways at 320 pixels"
    assert not browser.errors()
