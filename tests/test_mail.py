"""Notification mail: who is told what about an application, and that no crash or outage loses it."""

import http.server
import json
import socketserver
import ssl
import threading
import time

import pytest

import postbox
import tenure
from conftest import Pair

FROM = "Tenure <tenure@example.com>"
OPS = "ops@example.com"


@pytest.fixture
def post():
    """An open mailbox."""
    box = postbox.Mailbox().open()
    yield box
    box.close()


@pytest.fixture
def start_pair(new_server):
    """Two servers, the first of which sends mail to a mailbox."""

    def start(box):
        options = ["--smtp-url", box.url, "--smtp-from", FROM]
        return Pair(new_server("s", options=options), new_server("r"))

    return start


def configure(application, **members):
    """Changes members of an application's configuration."""
    config = json.loads(application.run("config").stdout) | members
    application.run("config", "--set", "-", stdin=json.dumps(config))


def provisioned(pair, count=3, **config):
    """An application that is switched on and has provisioned so many people."""
    application = pair.application(name="Lohn & Gehälter", scope="all")
    configure(application, **({"notification_email": OPS} | config))
    for index in range(count):
        pair.people.create("Users", tenure.number(index))
    application.run("start")
    tenure.wait_until(lambda: pair.accounts.total("Users") == count, "everybody arrives")
    tenure.wait_until(lambda: application.status()["lag"] == 0, "the cycle ends")
    return application


def break_token(pair, application, label="provisioning"):
    """The receiving side takes the token back; the sender notices, because somebody joins."""
    tokens = pair.target.json("token", "list")["tokens"]
    pair.target.run("token", "revoke", next(token["id"] for token in tokens if token["name"] == label))
    newcomer = tenure.number(len(tokens), label)
    file = pair.sender.data.parent / "newcomer.jsonl"
    file.write_text(json.dumps(newcomer) + "\n")
    pair.source.run("import", file)
    application.run("run", exit_code=None)
    tenure.wait_until(lambda: application.status()["state"] == "quarantined", "quarantine")


def repair_token(pair, application):
    token = pair.target.token("another")
    application.run("credentials", "--secret-token", "-", stdin=token)
    return token


def text_of(mail):
    return mail.get_content()


def test_quarantine_and_recovery(start_pair, post):
    pair = start_pair(post)
    application = provisioned(pair)
    assert post.mails == []
    break_token(pair, application)
    [mail] = post.wait_for("is in quarantine")
    assert mail["Subject"] == "[Tenure] Northwind Mills: Lohn & Gehälter is in quarantine"
    assert (mail.sender, mail.recipients, mail["To"], mail["From"]) == ("tenure@example.com", [OPS], OPS, FROM)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] and mail["Message-ID"].endswith("@example.com>")
    assert (mail.get_content_type(), mail.get_content_charset()) == ("text/plain", "utf-8")
    text = text_of(mail)
    link = f"{pair.sender.url}/w/northwind-mills/apps/"
    for part in ("Lohn & Gehälter", "401", "EncounteredQuarantineException", "Test Connection", link):
        assert part in text, text
    # It stays broken: nobody is told the same again.
    application.run("run", exit_code=None)
    token = repair_token(pair, application)
    [recovered] = post.wait_for("has left quarantine")
    assert "works again" in text_of(recovered)
    # The next failure comes too soon after the last one: it waits for its hour.
    break_token(pair, application, "another")
    time.sleep(5)
    assert len(post.mails) == 2
    for one in post.mails:
        for secret in (pair.token, token):
            assert secret.encode() not in one.raw
            assert secret not in text_of(one)


def test_mail_that_could_not_be_sent_arrives_when_the_mail_server_is_back(start_pair):
    box = postbox.Mailbox()
    pair = start_pair(box)
    application = provisioned(pair)
    break_token(pair, application)
    tenure.wait_until(lambda: "could not be sent" in pair.sender.process.errors(), "a failed attempt is logged")
    box.busy = 1
    box.open()
    try:
        box.wait_for("is in quarantine")
        assert box.busy == 0
        time.sleep(3)
        box.wait_for("is in quarantine")
    finally:
        box.close()


def test_mail_survives_a_kill_before_and_while_it_is_sent(start_pair, post):
    pair = start_pair(post)
    application = provisioned(pair)
    pair.sender.kill()
    # The command line makes the change and ends; nobody is there to send.
    break_token(pair, application)
    assert post.mails == []
    silent = SilentServer(post)
    pair.sender.start()
    silent.wait()
    pair.sender.kill()
    silent.end()
    pair.sender.start()
    post.wait_for("is in quarantine", timeout_s=20)


class SilentServer:
    """Takes the place of a mailbox: accepts connections and says nothing."""

    def __init__(self, box):
        self.box = box
        box.close()
        seen = self.seen = threading.Event()
        ended = self.ended = threading.Event()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                seen.set()
                ended.wait(60)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", box.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self):
        assert self.seen.wait(30), "nobody wants to send"

    def end(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        self.box.open()


def test_held_deletions(start_pair, post):
    pair = start_pair(post)
    application = provisioned(pair, deletion_threshold=1)
    for user in pair.people.all("Users")[:2]:
        pair.people.delete("Users", user["id"])
    [mail] = post.wait_for("holds deletions")
    text = text_of(mail)
    assert "TooManyDeletes" in text and "threshold of 1" in text and "allow the held deletions" in text, text
    assert pair.accounts.total("Users") == 3
    application.run("allow-deletes", "--expect", 2)
    tenure.wait_until(lambda: pair.accounts.total("Users") == 1, "the deletions are sent")
    post.wait_for("has left quarantine")
    assert len(post.mails) == 2


def test_addresses_of_application_and_workspace(start_pair, post):
    pair = start_pair(post)
    token = pair.source.json("token", "create", "--name", "api", "--api")["token"]
    client = tenure.Scim(f"{pair.sender.url}/api/v1", token)
    settings = client.request("GET", "/settings").json()
    assert settings["notificationEmails"] == []

    def put(addresses):
        body = json.dumps(settings | {"notificationEmails": addresses})
        return client.request("PUT", "/settings", body, headers={"Content-Type": "application/json"})

    assert put(["no address"]).status_code in (400, 422)
    assert put(["ana@example.com", "gone@example.com", "ben@example.com"]).status_code == 200
    post.refused.add("gone@example.com")
    application = provisioned(pair, notification_email=None)
    break_token(pair, application)
    mails = post.wait_for("is in quarantine", 2)
    assert sorted(mail["To"] for mail in mails) == ["ana@example.com", "ben@example.com"]
    assert len({mail["Message-ID"] for mail in mails}) == 1
    tenure.wait_until(lambda: "refused" in pair.sender.process.errors(), "the refusal is logged")
    configure(application, notify=False)
    repair_token(pair, application)
    tenure.wait_until(lambda: application.status()["state"] == "active", "it works again")
    time.sleep(5)
    assert len(post.mails) == 2


def test_without_a_mail_server_nothing_is_sent(pair):
    application = provisioned(pair)
    break_token(pair, application)
    assert "no mail server is named" in pair.sender.process.errors()


def test_command_sends_a_test_mail(server, post, tmp_path):
    options = ["--smtp-url", post.url, "--smtp-from", FROM]
    done = server.cli.run("mail", "test", OPS, *options)
    assert "250 2.0.0 taken as number 7" in done.stdout
    assert server.cli.json("mail", "test", OPS, *options)["answer"].startswith("250")
    assert [mail["Subject"] for mail in post.mails] == ["[Tenure] Test mail"] * 2
    post.refused.add(OPS)
    refused = server.cli.run("mail", "test", OPS, *options, exit_code=tenure.FAILED)
    assert "no such mailbox" in refused.stderr
    post.close()
    server.cli.run("mail", "test", OPS, *options, exit_code=tenure.UNREACHABLE)
    server.cli.run("mail", "test", OPS, exit_code=tenure.USAGE)
    server.cli.run("mail", "test", "ops\r\nBcc: eve@example.com", *options, exit_code=tenure.FAILED)


def test_encrypted_with_a_password(tmp_path):
    authority, certificate, key = postbox.certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    password = "correct horse 7"
    box = postbox.Mailbox(
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=postbox.authenticator("tenure@example.com", password),
    ).open()
    (tmp_path / "password").write_text(password + "\n")
    (tmp_path / "wrong").write_text("another password\n")

    def send(file, trusted=True, starttls="required", exit_code=tenure.DONE):
        cli = tenure.Cli(tmp_path / "data")
        if trusted:
            cli.environment |= {"SSL_CERT_FILE": str(authority)}
        url = f"smtp://tenure%40example.com@localhost:{box.port}"
        options = ["--smtp-url", url, "--smtp-from", FROM, "--smtp-starttls", starttls]
        done = cli.run("mail", "test", OPS, *options, "--smtp-password-file", tmp_path / file, exit_code=exit_code)
        assert password not in done.stdout + done.stderr and "another password" not in done.stdout + done.stderr
        return done

    try:
        send("password")
        assert len(box.mails) == 1
        assert "535" in send("wrong", exit_code=tenure.UNREACHABLE).stderr
        send("password", trusted=False, exit_code=tenure.UNREACHABLE)
        send("password", starttls="none", exit_code=tenure.UNREACHABLE)
        assert len(box.mails) == 1
    finally:
        box.close()


class Parrot(socketserver.ThreadingTCPServer):
    """A target that refuses everything and repeats what it was sent."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"detail": f"who is {self.headers['Authorization']}?"}).encode()
                self.send_response(401)
                self.send_header("Content-Type", "application/scim+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def test_a_target_that_repeats_the_secret(new_server, post):
    server = new_server("s", options=["--smtp-url", post.url, "--smtp-from", FROM])
    workspace = server.workspace("Northwind Mills")
    server.scim(workspace.token()).create("Users", tenure.number(1))
    secret = "very-secret-token-123456"
    with Parrot() as target:
        url = f"http://127.0.0.1:{target.server_address[1]}/scim"
        application = workspace.application("Parrot", url, secret, scope="all")
        configure(application, notification_email=OPS)
        application.run("start")
        [mail] = post.wait_for("is in quarantine")
        target.shutdown()
    assert "who is" in text_of(mail), text_of(mail)
    assert secret not in text_of(mail) and secret.encode() not in mail.raw
