"""A mail server that keeps what it gets, for the tests of notifications."""

import email
import email.policy
import subprocess

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

import tenure


class Mailbox:
    """Listens on a port of this machine that stays the same, whether it is open or not."""

    def __init__(self, **options):
        self.port = tenure.free_port()
        self.options = options
        self.controller = None
        self.mails = []
        # Whom it refuses for good.
        self.refused = set()
        # So many messages are told to come back later.
        self.busy = 0

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def open(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **self.options)
        self.controller.start()
        return self

    def close(self):
        if self.controller:
            self.controller.stop()
            self.controller = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.busy:
            self.busy -= 1
            return "451 4.3.0 come back later"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        message.sender, message.recipients, message.raw = envelope.mail_from, envelope.rcpt_tos, envelope.content
        self.mails.append(message)
        return "250 2.0.0 taken as number 7"

    def about(self, words):
        """The mails with these words in their subject."""
        return [mail for mail in self.mails if words in mail["Subject"]]

    def wait_for(self, words, count=1, timeout_s=40):
        """That many mails with these words in the subject, and no more."""
        tenure.wait_until(lambda: len(self.about(words)) >= count, f"{count} mails about {words!r}", timeout_s)
        found = self.about(words)
        assert len(found) == count, [mail["Subject"] for mail in self.mails]
        return found


def authenticator(user, password):
    """Lets exactly one user in."""

    def check(server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=good, handled=False)

    return check


def certificate(folder):
    """A certificate authority and a certificate for this machine that it made: paths of authority, certificate, key."""
    authority, certificate_, key = folder / "authority.pem", folder / "server.pem", folder / "server.key"
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(
        "req",
        "-x509",
        *new_key,
        "-days",
        2,
        "-subj",
        "/CN=Test",
        "-keyout",
        folder / "authority.key",
        "-out",
        authority,
    )
    openssl("req", *new_key, "-subj", "/CN=localhost", "-keyout", key, "-out", folder / "request.pem")
    openssl(
        *["x509", "-req", "-in", folder / "request.pem", "-CA", authority, "-CAkey", folder / "authority.key"],
        *["-CAcreateserial", "-days", 2, "-extfile", extensions, "-out", certificate_],
    )
    return authority, certificate_, key


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
