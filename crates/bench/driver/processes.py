"""Starting and stopping what is measured. Everything listens on this machine only and ends with the driver."""

import json
import os
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
TENURE = Path(os.environ.get("TENURE_BIN", TARGET / "tenure"))
SCIM_JSON = "application/scim+json"
START_S = 60


def environment():
    """Without settings of the person who measures, and without a proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    return {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")} | {"NO_COLOR": "1"}


class Process:
    """A child process that says on a line of its own where it listens."""

    def __init__(self, command, log, variables=None, line=r"^listening on (http://\S+)$"):
        started = time.monotonic()
        with Path(log).open("ab") as errors:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
                text=True,
                env=environment() | (variables or {}),
            )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.url = self._wait(line) if line else None
        self.start_ms = (time.monotonic() - started) * 1000

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def _wait(self, pattern):
        end = time.monotonic() + START_S
        while True:
            line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            if line is None:
                raise RuntimeError(f"{self.process.args} ended at once")
            found = re.search(pattern, line)
            if found:
                return found[1]

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Tenure:
    """The product on a data directory: the command line, and a server while one is wanted."""

    def __init__(self, folder, database=None):
        self.data = Path(folder)
        self.variables = {"TENURE_DATABASE": database} if database else {}

    def command(self, *arguments):
        return [str(TENURE), "--data", str(self.data), *map(str, arguments), "--json"]

    def run(self, *arguments, stdin=None):
        """What a command answers."""
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            env=environment() | self.variables,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"tenure {' '.join(map(str, arguments))}: {done.returncode} {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def measured(self, *arguments):
        """What a command answers, and what it took."""
        return measured(self.command(*arguments), self.variables)

    def serve(self):
        command = [TENURE, "serve", "--data", self.data, "--listen", "127.0.0.1:0"]
        return Process(command, self.data.parent / f"{self.data.name}.log", self.variables)


def measured(command, variables=None):
    """Runs a program to its end: its JSON document, wall time, processor time and largest memory."""
    started = time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment() | (variables or {}),
    )
    errors = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
    reader.start()
    try:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        # Whoever ends the measurement ends what it started.
        process.kill()
        raise
    seconds = time.monotonic() - started
    reader.join()
    process.stdout.close()
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command}: {process.returncode} {''.join(errors)[-2000:]} {output[-500:]}")
    return json.loads(output), {
        "seconds": seconds,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "memory_mib": round(usage.ru_maxrss / 1024, 1),
    }


def helper(name, *arguments):
    """The command of a program of this crate."""
    return [TARGET / f"bench-{name}", *arguments]


class Scim:
    """Single requests, for what is not measured."""

    def __init__(self, base, token):
        self.base = base.rstrip("/")
        self.token = token
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def request(self, method, path, body=None, timeout_s=300):
        """Status and body of the answer."""
        headers = {"Accept": SCIM_JSON, "Content-Type": SCIM_JSON, "Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, method=method, headers=headers, data=data)
        try:
            with self.opener.open(request, timeout=timeout_s) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def expect(self, method, path, body=None, **options):
        """The document of an answer that has to be a good one."""
        status, text = self.request(method, path, body, **options)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {text[:500]}")
        return json.loads(text) if text else None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(scim, timeout_s=START_S):
    """Until a server answers."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            if scim.request("GET", "/Users?count=1", timeout_s=5)[0] == 200:
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f"{scim.base} does not answer")
        time.sleep(0.02)


# ---- servers from package registries, as scripts/test installs them


def scim2_server(folder):
    tool = Path(sys.executable).parent / "scim2-server"
    port = free_port()
    command = [tool, "--port", port, "--bearer-token", "secret"]
    process = Process(command, Path(folder) / "scim2-server.log", line=None)
    return process, Scim(f"http://127.0.0.1:{port}/v2", "secret")


def scimmy(folder):
    packages = ROOT / ".test" / "peers"
    command = [shutil.which("node"), ROOT / "tests" / "peers" / "scimmy.mjs", 0, "secret"]
    variables = {"PEERS": str(packages), "NODE_ENV": "production"}
    process = Process(command, Path(folder) / "scimmy.log", variables)
    return process, Scim(process.url, "secret")


def peers():
    """Those that are installed."""
    found = {}
    if (Path(sys.executable).parent / "scim2-server").exists():
        found["scim2-server"] = scim2_server
    if shutil.which("node") and (ROOT / ".test" / "peers" / "node_modules").is_dir():
        found["scimmy"] = scimmy
    return found
