"""Signing in at a target with access tokens of an OAuth server that others wrote."""

import pytest

import flow
import issuer
import packages
import tenure

METHODS = {"client_secret_basic": "header", "client_secret_post": "body"}


@pytest.fixture
def new_issuer(monkeypatch):
    """Starts an authorization server for a method of client authentication."""
    # It insists on TLS otherwise.
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    started = []

    def start(method="client_secret_basic"):
        started.append(issuer.Issuer(method))
        return started[-1]

    yield start
    for server in started:
        server.end()


def create(source, provider, place="header", secret=issuer.CLIENT_SECRET, scope=issuer.SCOPE):
    """The application that signs in at the token endpoint."""
    source.run(
        *["application", "create", "--name", "Target", "--tenant-url", provider.base, "--auth", "client-credentials"],
        *["--token-url", provider.token_url, "--client-id", issuer.CLIENT_ID, "--client-auth", place],
        *["--oauth-scope", scope, "--secret-token", "-"],
        stdin=secret,
    )
    return tenure.Application(source, "Target")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: f"{packages.version('authlib')} {method}")
def test_people_join_move_and_leave_with_access_tokens(method, new_issuer, server):
    provider = new_issuer(method)
    source = server.workspace("Northwind Mills")
    directory = flow.Directory(server.scim(source.token("identity provider")))
    application = create(source, provider, METHODS[method])
    application.run("test")
    accounts = tenure.Scim(provider.base, issuer.ADMIN_TOKEN)
    flow.Flow(directory, application, accounts).everything()
    assert not application.log("--status", "failure")
    assert provider.issued
    provider.revoke()
    application.run("test")
    shown = application.run("show").stdout + application.run("show", "--json").stdout + server.log.read_text()
    for secret in [issuer.CLIENT_SECRET, *provider.issued]:
        assert secret not in shown


def test_the_server_renews_a_revoked_token(new_issuer, server):
    """In the server, which keeps its tokens from cycle to cycle."""
    provider = new_issuer()
    source = server.workspace("Northwind Mills")
    people = server.scim(source.token("identity provider"))
    application = create(source, provider)
    application.run("start")
    accounts = tenure.Scim(provider.base, issuer.ADMIN_TOKEN)
    for name, tokens in (("Ada Okafor", 1), ("Bo Lind", 2)):
        user_name = tenure.person(name)["userName"]
        people.create("Users", tenure.person(name))
        application.assign(user_name)
        tenure.wait_until(lambda wanted=user_name: accounts.user(wanted), f"{name} at the target")
        assert len(provider.issued) == tokens
        provider.revoke()
    assert not application.log("--status", "failure")


def test_wrong_client_credentials_are_told(new_issuer, server):
    provider = new_issuer()
    source = server.workspace("Northwind Mills")
    application = create(source, provider, secret="wrong-secret")
    for change, said in (
        ([], "does not accept the client (401 invalid_client"),
        (["--client-id", "nobody"], "does not accept the client (401 invalid_client"),
        (["--client-id", issuer.CLIENT_ID, "--oauth-scope", "mail"], "does not grant the scope (400 invalid_scope"),
        (["--token-url", f"{provider.token_url}/none"], "answered 404 without an OAuth error"),
        (["--token-url", "http://127.0.0.1:9/token"], "no connection to the token endpoint"),
    ):
        # The right secret, but for the first.
        stdin = issuer.CLIENT_SECRET if "mail" in change or "--token-url" in change else "wrong-secret"
        if change:
            application.run("credentials", *change, "--secret-token", "-", stdin=stdin)
        report = application.json("test", exit_code=tenure.UNREACHABLE)
        assert said in report["summary"], report
        assert stdin not in str(report)
    assert not provider.issued
    refused = application.run("credentials", "--secret-token", "visible", exit_code=tenure.USAGE)
    assert "visible" not in refused.stderr
    repaired = ["--token-url", provider.token_url, "--oauth-scope", issuer.SCOPE, "--secret-token", "-"]
    application.run("credentials", *repaired, stdin=issuer.CLIENT_SECRET)
    assert application.json("test")["passed"]
