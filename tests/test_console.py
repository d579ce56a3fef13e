"""The console in a browser: the administrator's path from signing up to a log entry."""

import re

import pytest

import tenure
from browser import Browser

PASSWORD = "four weavers and one loom"
# Where things are called what: adjusted here, and only here, when a page changes.
SIGN_UP = {
    "email": "grace@northwind.example",
    "name": "Grace Weaver",
    "workspace": "Northwind Mills",
    "password": PASSWORD,
}
CREATE_WORKSPACE, CREATE_TOKEN, TEST_CONNECTION, SAVE = "Create workspace", "Create token", "Test Connection", "Save"
PROFILE_SETTINGS, SCIM_CONFIGURATION = "Profile settings", "SCIM Configuration"


@pytest.fixture
def browser(tmp_path):
    opened = Browser(tmp_path / "profile")
    yield opened
    opened.quit()


def sign_up(browser, server, **changed):
    """Signs up for a workspace; its path."""
    browser.open(f"{server.url}/sign-up")
    browser.fill(**(SIGN_UP | changed))
    browser.press(CREATE_WORKSPACE)
    found = browser.wait_for(lambda: re.search(r"(/w/[^/?#]+)", browser.url), "the new workspace")
    return found[1]


def create_token(browser, name):
    """On Profile settings → SCIM Configuration: token and Tenant URL, as they are to be copied."""
    browser.follow(PROFILE_SETTINGS)
    browser.follow(SCIM_CONFIGURATION)
    browser.fill(name=name)
    browser.press(CREATE_TOKEN)
    token = browser.wait_for(lambda: browser.text_of("token-value"), "the token")
    return token, browser.text_of("tenant-url")


def add_application(browser, server, workspace, name):
    """From the gallery; the application's path."""
    browser.open(f"{server.url}{workspace}/gallery")
    if not re.search(r"\bExium\b", browser.text()):
        raise AssertionError(f"no Exium in the gallery:\n{browser.text()[:2000]}")
    browser.follow("Exium")
    if browser.driver.find_elements("css selector", "input[name='name']"):
        browser.fill(name=name)
    browser.press("Add")
    found = browser.wait_for(lambda: re.search(r"(/w/[^/]+/apps/[^/?#]+)", browser.url), "the application")
    return found[1]


def test_from_signing_up_to_a_log_entry(browser, new_server):
    server, target = new_server("s"), new_server("r")
    workspace = sign_up(browser, server)
    browser.photograph("home-empty")

    # R: the SaaS workspace, where the connection data come from.
    receiving = sign_up(browser, target, email="ada@exium.example", workspace="Exium")
    token, tenant_url = create_token(browser, "Northwind Mills")
    browser.photograph("scim-configuration")
    assert token.startswith("tnr_")
    assert tenant_url == f"{target.url}/scim"
    accounts = tenure.Scim(tenant_url, token)
    assert accounts.total("Users") == 0
    browser.open(f"{target.url}{receiving}/settings/scim")
    assert token not in browser.driver.page_source, "a token is shown once"

    # S: people, then the application.
    sender = tenure.Workspace(server.cli, SIGN_UP["workspace"])
    people = server.scim(sender.token("identity provider"))
    for name in ("Ada Okafor", "Björn Lind", "Chen Fang"):
        people.create("Users", tenure.person(name))
    browser.open(f"{server.url}/sign-in")
    if browser.driver.find_elements("css selector", "input[name='password']"):
        browser.fill(email=SIGN_UP["email"], password=PASSWORD)
        browser.press("Sign in")
    browser.open(f"{server.url}{workspace}/users")
    browser.wait_for(lambda: "Björn Lind" in browser.text(), "people in the list")
    browser.photograph("users")

    application = add_application(browser, server, workspace, "Exium")
    browser.open(f"{server.url}{application}/provisioning")
    browser.photograph("provisioning-new")
    connect(browser, tenant_url, "tnr_wrong")
    assert "401" in browser.text_of("connection-result")
    browser.photograph("connection-failed")
    connect(browser, tenant_url, token)
    assert "401" not in browser.text_of("connection-result")
    browser.photograph("connection-tested")
    browser.press(SAVE)

    switch_on(browser, server, application)
    browser.wait_for(lambda: accounts.total("Users") == 3, "three people at the target")
    browser.wait_for(
        lambda: browser.marked("cycle-state").get_attribute("data-state") == "completed" or browser.driver.refresh(),
        "the cycle's end",
    )
    assert browser.marked("cycle-progress")
    browser.photograph("provisioning-done")

    browser.open(f"{server.url}{application}/provisioning/logs")
    rows = browser.all_marked("log-row")
    assert len(rows) == 3
    browser.photograph("logs")
    browser.follow("ada.okafor@northwind.example")
    assert browser.wait_for(lambda: browser.marked("log-steps").text, "the steps")
    assert "ada.okafor@northwind.example" in browser.text()
    browser.photograph("log-entry")
    assert tenure.essence(accounts.user("ada.okafor@northwind.example"))["displayName"] == "Ada Okafor"
    assert not browser.errors()


def connect(browser, tenant_url, token):
    """Enters the credentials and tests them."""
    browser.fill(tenant_url=tenant_url, secret_token=token)
    browser.press(TEST_CONNECTION)
    browser.wait_for(lambda: browser.text_of("connection-result"), "the result of the test")


def switch_on(browser, server, application):
    """Everyone in scope, provisioning status on."""
    browser.open(f"{server.url}{application}/provisioning")
    browser.fill(scope="all", status="on")
    browser.press(SAVE)


def test_pages_fit_a_small_screen_and_keep_to_their_policy(browser, server):
    workspace = sign_up(browser, server)
    for page in ("", "/users", "/groups", "/settings/scim", "/gallery", "/apps", "/audit"):
        browser.open(f"{server.url}{workspace}{page}")
        assert browser.overflow(320) <= 0, f"{page} scrolls sideways at 320 pixels"
        browser.photograph(f"page{page.replace('/', '-')}")
    assert not browser.errors()


def test_a_rejected_form_keeps_what_was_typed(browser, server):
    browser.open(f"{server.url}/sign-up")
    browser.fill(**(SIGN_UP | {"password": "short"}))
    browser.press(CREATE_WORKSPACE)
    browser.wait_for(lambda: "15 characters" in browser.text(), "the reason")
    assert browser.field("email").get_attribute("value") == SIGN_UP["email"]
    assert browser.field("workspace").get_attribute("value") == SIGN_UP["workspace"]
    browser.photograph("sign-up-rejected")


def test_signing_in_and_out(browser, server):
    workspace = sign_up(browser, server)
    browser.driver.find_element("css selector", "summary[aria-label='Account menu']").click()
    browser.press("Sign out")
    browser.open(f"{server.url}{workspace}/users")
    assert "/sign-in" in browser.url
    browser.fill(email=SIGN_UP["email"], password="not the right one at all")
    browser.press("Sign in")
    assert "wrong" in browser.text().lower()
    browser.photograph("sign-in-refused")
    browser.fill(email=SIGN_UP["email"], password=PASSWORD)
    browser.press("Sign in")
    browser.wait_for(lambda: workspace in browser.url, "the workspace")
    # Another workspace is not told apart from none.
    browser.open(f"{server.url}/w/nowhere/users")
    nowhere = browser.text()
    server.workspace("Contoso")
    browser.open(f"{server.url}/w/contoso/users")
    assert browser.text().replace("contoso", "nowhere") == nowhere


def test_setup_link_makes_the_first_account_once(browser, server):
    link = server.setup_link()
    browser.open(link)
    browser.fill(**SIGN_UP)
    browser.press(CREATE_WORKSPACE)
    browser.wait_for(lambda: "/w/" in browser.url, "the new workspace")
    browser.open(link)
    assert "already set up" in browser.text()


def test_reading_works_without_scripts(tmp_path, server):
    quiet = Browser(tmp_path / "profile", javascript=False)
    try:
        workspace = sign_up(quiet, server)
        sender = tenure.Workspace(server.cli, SIGN_UP["workspace"])
        server.scim(sender.token()).create("Users", tenure.person("Ada Okafor"))
        quiet.open(f"{server.url}{workspace}/users")
        assert "Ada Okafor" in quiet.text()
        quiet.follow("Ada Okafor")
        assert "ada.okafor@northwind.example" in quiet.text()
    finally:
        quiet.quit()


METHOD_FIELDS = {
    "bearer": {"secret_token"},
    "basic": {"user_name", "password"},
    "client_credentials": {
        "token_url",
        "client_id",
        "client_secret",
        "client_authentication",
        "oauth_scope",
        "oauth_parameters",
    },
}


def test_the_method_of_authentication_decides_which_fields_are_shown(tmp_path, server):
    """Also without scripts."""
    for javascript in (True, False):
        browser = Browser(tmp_path / f"profile-{javascript}", javascript=javascript)
        try:
            email = f"dana-{javascript}@northwind.example".lower()
            workspace = sign_up(browser, server, email=email, workspace=f"Scripts {javascript}")
            application = add_application(browser, server, workspace, "Exium")
            browser.open(f"{server.url}{application}/provisioning")
            for method, expected in METHOD_FIELDS.items():
                browser.fill(auth_method=method)
                fields = set().union(*METHOD_FIELDS.values())
                assert {name for name in fields if browser.field(name).is_displayed()} == expected
                if javascript:
                    browser.photograph(f"credentials-{method}")
            assert not javascript or browser.overflow(320) <= 0
        finally:
            browser.quit()
