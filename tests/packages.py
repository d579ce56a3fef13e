"""Programs and libraries from package registries, as `scripts/test` installed them."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

import tenure

NODE_PACKAGES = tenure.SCRATCH / "peers"
SCRIPTS = Path(__file__).resolve().parent / "peers"
RUN_S = 280


def tool(name):
    """A program that was installed beside the Python that runs the tests."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed; `scripts/test` installs it"
    return found


def version(package):
    """Name and version of a Python or Node package, for the name of a test."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        pass
    manifest = NODE_PACKAGES / "node_modules" / package / "package.json"
    return f"{package} {json.loads(manifest.read_text())['version']}" if manifest.is_file() else f"{package} (missing)"


def node(script, *arguments):
    """The command that runs a script of `tests/peers`, and its environment."""
    program = shutil.which("node")
    assert program, "node is not installed; `scripts/test` installs it"
    assert (NODE_PACKAGES / "node_modules").is_dir(), "no npm packages in .test/peers; `scripts/test` installs them"
    settings = tenure.environment() | {"PEERS": str(NODE_PACKAGES), "NODE_ENV": "production"}
    return [program, SCRIPTS / script, *arguments], settings


def ask_node(script, question):
    """What a script of `tests/peers` answers on stdout to a JSON document on stdin."""
    command, settings = node(script)
    done = subprocess.run(
        command, input=json.dumps(question), capture_output=True, text=True, timeout=RUN_S, env=settings, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def run(command, stdin=None, **settings):
    """A program of someone else, whatever its exit code; `settings` are added to its environment."""
    return subprocess.run(
        [str(part) for part in command],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        env=tenure.environment() | settings,
        check=False,
    )
