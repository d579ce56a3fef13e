"""A PostgreSQL server of a test's own, which may be stopped, killed and started again."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import tenure


def programs():
    """The folder of `initdb` and its like, the newest version; `None` if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4].split(".")[0]))
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    return program and Path(program).resolve().parent


class Cluster:
    """What was committed survives the death of the server's processes, not of the machine: nothing is synced."""

    def __init__(self):
        self.bin = programs()
        # Not in the test's folder: the server's user may not be allowed to enter it.
        self.folder = Path(tempfile.mkdtemp(prefix="tenure-cluster."))
        self.port = tenure.free_port()
        self.user = {}
        if os.geteuid() == 0:
            # The server refuses to run as root.
            postgres = pwd.getpwnam("postgres")
            os.chown(self.folder, postgres.pw_uid, postgres.pw_gid)
            self.user = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}
        options = ["-U", "postgres", "-A", "trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self.run("initdb", "-D", self.data, *options)
        self.start()
        # A superuser sees the rows of all workspaces, the role of the program does not.
        self.all_seeing = f"postgres://postgres@127.0.0.1:{self.port}/tenure"
        self.url = f"postgres://tenure@127.0.0.1:{self.port}/tenure"
        for statement in ("CREATE ROLE tenure LOGIN", "CREATE DATABASE tenure OWNER tenure"):
            self.run("psql", "-X", "-q", self.all_seeing.replace("/tenure", "/postgres"), "-c", statement)

    @property
    def data(self):
        return self.folder / "data"

    def run(self, program, *arguments, check=True):
        command = [str(self.bin / program), *map(str, arguments)]
        done = subprocess.run(
            command,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=120,
            **self.user,
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stderr.decode(errors='replace')[-2000:]}"

    def start(self):
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= "
            "-c fsync=off -c max_connections=200"
        )
        log = self.folder / "server.log"
        self.run("pg_ctl", "-D", self.data, "-l", log, "-w", "-o", options, "start")

    def stop(self, mode="fast"):
        """`fast` ends sessions in order, `immediate` as if the power had gone."""
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def pid(self):
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def freeze(self):
        os.kill(self.pid(), signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid(), signal.SIGCONT)

    def ask(self, statement):
        """Rows of a statement, each a list of texts."""
        done = subprocess.run(
            [str(self.bin / "psql"), "-X", "-q", "-At", "-F", "\t", self.all_seeing, "-c", statement],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return [line.split("\t") for line in done.stdout.splitlines()]

    def end(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
