"""The product as its users meet it: a process to start, a command line to call, a SCIM endpoint to talk to.

Nothing here is shared with the product's code, so that a mistake in it cannot hide behind the same mistake in a test.
"""

import json
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / ".test"

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SCIM_JSON = "application/scim+json"

# Exit codes that the README promises to scripts.
DONE, FAILED, USAGE, NOT_FOUND, CONFLICT, UNREACHABLE, PARTLY, BUSY = 0, 1, 2, 3, 5, 6, 7, 75

START_S = 30
STOP_S = 35
COMMAND_S = 300
REQUEST_S = 30


def binary():
    """The built program: TENURE_BIN, else the release build, else the debug build."""
    named = os.environ.get("TENURE_BIN")
    candidates = [Path(named)] if named else [ROOT / "target" / kind / "tenure" for kind in ("release", "debug")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    raise FileNotFoundError(f"no program at {' or '.join(map(str, candidates))}: build it, or set TENURE_BIN")


def environment():
    """The environment without settings of the person who runs the tests, and without a proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    return {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")} | {"NO_COLOR": "1"}


def wait_until(condition, what, timeout_s=60, every_s=0.1):
    """The first true value of `condition()`; an error that names `what` after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(every_s)


def free_port():
    """A port that is free at this moment, for programs that cannot pick one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A child process whose output lines can be waited for and are kept for the report."""

    def __init__(self, command, log, **options):
        self.log = Path(log)
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=self.log.open("ab"),
            stdin=subprocess.DEVNULL,
            text=True,
            env=options.pop("env", environment()),
            **options,
        )
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    @property
    def pid(self):
        return self.process.pid

    def wait_for_line(self, pattern, timeout_s=START_S):
        """The match of the first line of stdout that has one."""
        end = time.monotonic() + timeout_s
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line like {pattern!r} from {self.process.args}:\n{self.errors()[-4000:]}")
            found = re.search(pattern, line)
            if found:
                return found

    def errors(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        """SIGKILL: the process gets no chance to tidy up."""
        if self.alive():
            self.process.kill()
        self.process.wait()

    def terminate(self, timeout_s=STOP_S):
        """SIGTERM; the exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {timeout_s} s of SIGTERM: {self.process.args}") from None


class Cli:
    """`tenure --data DIR …`, with a PostgreSQL database or without."""

    def __init__(self, data, database=None):
        self.data = Path(data)
        self.environment = environment() | ({"TENURE_DATABASE": database} if database else {})

    def run(self, *arguments, exit_code=DONE, stdin=None, timeout_s=COMMAND_S):
        """Runs a command and checks its exit code (`None`: any)."""
        done = subprocess.run(
            [str(binary()), "--data", str(self.data), *map(str, arguments)],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=self.environment,
            check=False,
        )
        if exit_code is not None:
            assert done.returncode == exit_code, (
                f"`tenure {' '.join(map(str, arguments))}` ended with {done.returncode}, not {exit_code}\n"
                f"stdout: {done.stdout[-3000:]}\nstderr: {done.stderr[-3000:]}"
            )
        return done

    def json(self, *arguments, **options):
        """The one JSON document that a command prints with --json."""
        done = self.run(*arguments, "--json", **options)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"stdout is not one JSON document: {done.stdout[:2000]!r}\n{done.stderr}") from None

    def workspace(self, name):
        return Workspace(self, self.json("workspace", "create", name)["name"])


class Workspace:
    """A workspace as the command line sees it."""

    def __init__(self, cli, name):
        self.cli = cli
        self.name = name

    def run(self, *arguments, **options):
        return self.cli.run(*arguments, "--workspace", self.name, **options)

    def json(self, *arguments, **options):
        return self.cli.json(*arguments, "--workspace", self.name, **options)

    def token(self, label="test"):
        return self.json("token", "create", "--name", label)["token"]

    def audit(self):
        """All audit records, oldest first."""
        return self._pages(
            lambda last: ["audit", "list", "--limit", 1000] + (["--before", last["number"]] if last else [])
        )

    def log(self, application, *more):
        """All provisioning log records of an application, oldest first."""
        return self._pages(
            lambda last: (
                ["log", "list", "--application", application, "--limit", 1000, *more]
                + (["--before", last["id"]] if last else [])
            )
        )

    def _pages(self, command):
        found = []
        while True:
            page = self.json(*command(found[-1] if found else None))["entries"]
            found += page
            if len(page) < 1000:
                return found[::-1]

    def application(self, name, tenant_url, token, scope="assigned", gallery="custom"):
        self.run(
            "application",
            "create",
            "--name",
            name,
            "--gallery",
            gallery,
            "--tenant-url",
            tenant_url,
            "--secret-token",
            "-",
            "--scope",
            scope,
            stdin=token,
        )
        return Application(self, name)


class Application:
    """An application of a workspace."""

    def __init__(self, workspace, name):
        self.workspace = workspace
        self.name = name

    def run(self, verb, *arguments, **options):
        return self.workspace.run("application", verb, self.name, *arguments, **options)

    def json(self, verb, *arguments, **options):
        return self.workspace.json("application", verb, self.name, *arguments, **options)

    def assign(self, *users, groups=()):
        self._objects("assign", users, groups)

    def unassign(self, *users, groups=()):
        self._objects("unassign", users, groups)

    def _objects(self, verb, users, groups):
        options = [part for user in users for part in ("--user", user)]
        self.run(verb, *options, *(part for group in groups for part in ("--group", group)))

    def cycle(self, *more, **options):
        """Runs one cycle now; its counters."""
        return self.json("run", *more, **options)

    def counts(self, *more, **options):
        """Runs one cycle now; created, updated, disabled, deleted, failed."""
        result = self.cycle(*more, **options)
        return {name: result[name] for name in ("created", "updated", "disabled", "deleted", "failed")}

    def status(self):
        return self.json("status")

    def log(self, *more):
        return self.workspace.log(self.name, *more)


class Scim:
    """A SCIM client that an identity provider could be."""

    def __init__(self, base, token):
        self.base = base.rstrip("/")
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers.update({"Authorization": f"Bearer {token}", "Accept": SCIM_JSON})

    def request(self, method, path, body=None, **options):
        """The answer, whatever its status."""
        options.setdefault("timeout", REQUEST_S)
        if body is not None:
            options["data"] = body if isinstance(body, (str, bytes)) else json.dumps(body)
            options["headers"] = {"Content-Type": SCIM_JSON} | options.get("headers", {})
        return self.http.request(method, self.base + path, **options)

    def expect(self, status, method, path, body=None, **options):
        """The answer's document, checked for status and media type."""
        answer = self.request(method, path, body, **options)
        wanted = status if isinstance(status, tuple) else (status,)
        assert answer.status_code in wanted, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        if not answer.content:
            return None
        assert answer.headers["Content-Type"].split(";")[0] == SCIM_JSON, answer.headers["Content-Type"]
        return answer.json()

    def error(self, status, scim_type, method, path, body=None, **options):
        """The detail of a refusal in the form of RFC 7644 section 3.12."""
        document = self.expect(status, method, path, body, **options)
        assert document["schemas"] == [ERROR]
        assert document["status"] == str(status)
        assert document.get("scimType") == scim_type, document
        assert document["detail"], document
        return document["detail"]

    def get(self, path, **params):
        return self.expect(200, "GET", path, params=params)

    def create(self, kind, document):
        return self.expect(201, "POST", f"/{kind}", document)

    def patch(self, kind, identifier, *operations):
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return self.expect((200, 204), "PATCH", f"/{kind}/{identifier}", body)

    def delete(self, kind, identifier):
        self.expect(204, "DELETE", f"/{kind}/{identifier}")

    def all(self, kind, page=200, **params):
        """Every resource of a type."""
        found = []
        while True:
            answer = self.get(f"/{kind}", startIndex=len(found) + 1, count=page, **params)
            found += answer.get("Resources", [])
            if len(found) >= answer["totalResults"] or not answer.get("Resources"):
                assert len(found) == answer["totalResults"], f"{len(found)} of {answer['totalResults']} listed"
                return found

    def total(self, kind):
        return self.get(f"/{kind}", count=0)["totalResults"]

    def user(self, user_name):
        """The one user of that name, or none."""
        return self._one("Users", f'userName eq "{user_name}"')

    def group(self, name):
        """The one group of that name, or none."""
        found = self._one("Groups", f'displayName eq "{name}"')
        return found and self.get(f"/Groups/{found['id']}")

    def _one(self, kind, condition):
        found = self.get(f"/{kind}", filter=condition).get("Resources", [])
        assert len(found) <= 1, f"{len(found)} {kind} with {condition}"
        return found[0] if found else None

    def snapshot(self):
        """Everything a client can see, to compare before and after."""
        return {kind: sorted(self.all(kind), key=lambda item: item["id"]) for kind in ("Users", "Groups")}


class Server:
    """`tenure serve` on its own data directory, with a PostgreSQL database or without. Keeps its port over restarts."""

    def __init__(self, data, database=None, options=(), variables=None):
        self.data = Path(data)
        self.options = options
        self.variables = variables or {}
        self.cli = Cli(self.data, database)
        self.log = self.data.parent / f"{self.data.name}.log"
        self.port = 0
        self.process = None

    def start(self):
        command = [binary(), "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}", *self.options]
        self.process = Process(command, self.log, env=self.cli.environment | self.variables)
        self.url = self.process.wait_for_line(r"^listening on (http://\S+)$")[1]
        self.port = int(self.url.rsplit(":", 1)[1])
        return self

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.process.kill()

    def stop(self):
        """Ends it gracefully and says so if it did not."""
        code = self.process.terminate()
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.process.errors()[-4000:]}"

    def end(self):
        """Whatever state it is in: no process stays behind."""
        if self.process:
            self.process.kill()

    def setup_link(self):
        """The one-time link of the first start."""
        return re.search(r"http://\S+/setup\?\S+", self.process.errors())[0]

    def scim(self, token, path="/scim"):
        return Scim(self.url + path, token)

    def workspace(self, name):
        return self.cli.workspace(name)


def person(name, **more):
    """A user document: `Ada Okafor` becomes ada.okafor@northwind.example."""
    given, family = name.split(" ", 1)
    user_name = f"{given}.{family}@northwind.example".lower().replace(" ", "")
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": user_name,
        "name": {"givenName": given, "familyName": family, "formatted": name},
        "displayName": name,
        "active": True,
        "emails": [{"type": "work", "value": user_name, "primary": True}],
        "title": "Weaver",
        ENTERPRISE: {"department": "Production", "employeeNumber": f"E-{family}"},
    } | more


def number(index, prefix="user"):
    """The user document of a number, all attributes derived from it."""
    user_name = f"{prefix}{index:06}@northwind.example"
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": user_name,
        "name": {"givenName": f"Given{index}", "familyName": f"Family{index % 97}"},
        "displayName": f"Given{index} Family{index % 97}",
        "active": True,
        "emails": [{"type": "work", "value": user_name, "primary": True}],
        "title": f"Title {index % 13}",
        ENTERPRISE: {"department": f"Department {index % 7}", "employeeNumber": f"{index}"},
    }


def essence(user):
    """What provisioning must carry over, in a form that can be compared between systems."""
    extension = user.get(ENTERPRISE, {})
    work = [mail["value"] for mail in user.get("emails", []) if mail.get("type") == "work"]
    name = user.get("name", {})
    return {
        "userName": user["userName"],
        "displayName": user.get("displayName"),
        "active": user.get("active", True),
        "givenName": name.get("givenName"),
        "familyName": name.get("familyName"),
        "email": work[0] if work else None,
        "title": user.get("title"),
        "department": extension.get("department"),
        "employeeNumber": extension.get("employeeNumber"),
    }


def member_names(scim, group):
    """The userNames of a group's members."""
    return sorted(scim.get(f"/Users/{member['value']}")["userName"] for member in group.get("members", []))


def peak_memory_bytes(pid):
    """The largest resident set a running process has had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no VmHWM for process {pid}")
