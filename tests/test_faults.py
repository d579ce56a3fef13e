"""A disk that fills up, cannot sync or loses what it was given: refused, survived or noticed, never passed over."""

import os
import subprocess
import time
from pathlib import Path

import pytest
import requests

import tenure

PEOPLE = 300


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The faults as a library; Rust needs a C compiler to link, so there is one."""
    built = tmp_path_factory.mktemp("faults") / "faults.so"
    source = Path(__file__).parent / "faults.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True, timeout=60)
    return built


@pytest.fixture
def disk(library, tmp_path):
    """Faults of the disk to switch on and off."""
    return Disk(library, tmp_path / "switches")


class Disk:
    def __init__(self, library, switches):
        switches.mkdir()
        self.switches = switches
        self.variables = {"LD_PRELOAD": str(library), "TENURE_FAULTS": str(switches)}

    def breaks(self, fault):
        (self.switches / fault).touch()

    def is_mended(self, fault):
        (self.switches / fault).unlink()


def names(scim):
    return {user["userName"] for user in scim.all("Users")}


def test_a_failed_sync_stops_the_server_and_loses_nothing(new_server, disk):
    server = new_server("server", variables=disk.variables)
    scim = server.scim(server.workspace("Northwind Mills").token())
    acknowledged = {scim.create("Users", tenure.number(index))["userName"] for index in range(10)}
    disk.breaks("fsync")
    unsure = tenure.number(10)
    with pytest.raises(requests.RequestException):
        scim.request("POST", "/Users", unsure)
    code = server.process.process.wait(timeout=30)
    assert code != 0, "a server that cannot sync must not look as if all were well"
    assert "cannot sync" in server.process.errors()
    disk.is_mended("fsync")
    server.start()
    scim = server.scim(scim.http.headers["Authorization"].removeprefix("Bearer "))
    assert names(scim) - {unsure["userName"]} == acknowledged
    scim.create("Users", tenure.number(11))
    assert server.cli.json("doctor")["ok"]


def refused_for_lack_of_room(answer):
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert "disk" in answer.json()["detail"]


def test_a_full_disk_refuses_writes_and_goes_on_by_itself(new_server, disk):
    server = new_server("server", variables=disk.variables)
    scim = server.scim(server.workspace("Northwind Mills").token())
    before = {scim.create("Users", tenure.number(index))["userName"] for index in range(10)}
    disk.breaks("full")
    for index in range(10, 20):
        refused_for_lack_of_room(scim.request("POST", "/Users", tenure.number(index)))
        assert names(scim) == before, "reading goes on"
    disk.is_mended("full")
    after = {scim.create("Users", tenure.number(index))["userName"] for index in range(20, 30)}
    assert names(scim) == before | after
    assert server.cli.json("doctor")["ok"]
    server.stop()


def test_a_cycle_survives_a_full_disk(new_server, disk):
    pair = tenure.Pair(new_server("s", variables=disk.variables), new_server("r"))
    for index in range(PEOPLE):
        pair.people.create("Users", tenure.number(index))
    application = pair.application(scope="all")
    application.run("start")
    tenure.wait_until(lambda: pair.accounts.total("Users") >= PEOPLE // 10, "the cycle is under way", every_s=0.01)
    disk.breaks("full")
    there = pair.accounts.total("Users")
    assert there < PEOPLE, "the cycle was too fast for this test"
    refused_for_lack_of_room(pair.people.request("POST", "/Users", tenure.number(PEOPLE)))
    time.sleep(5)
    assert pair.accounts.total("Users") < PEOPLE, "nothing may be sent that cannot be written down first"
    disk.is_mended("full")
    tenure.wait_until(lambda: pair.accounts.total("Users") == PEOPLE, "all arrive by themselves", timeout_s=60)
    tenure.wait_until(lambda: application.status()["lag"] == 0, "the cycle ends")
    accounts = [user["userName"] for user in pair.accounts.all("Users")]
    assert len(accounts) == len(set(accounts)) == PEOPLE


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount; the other tests fill a disk that is made to say so")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place], capture_output=True, timeout=30, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"this machine does not let us mount: {mounted.stderr.decode()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True, timeout=30)


def test_a_real_file_system_that_is_full(small_disk):
    server = tenure.Server(small_disk / "server")
    try:
        server.start()
        scim = server.scim(server.workspace("Northwind Mills").token())
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(b"x" * 65536)
        acknowledged, answer = set(), None
        for index in range(2_000):
            answer = scim.request("POST", "/Users", tenure.number(index))
            if answer.status_code != 201:
                break
            acknowledged.add(answer.json()["userName"])
        refused_for_lack_of_room(answer)
        assert names(scim) == acknowledged
        assert server.cli.json("doctor", exit_code=tenure.FAILED)["ok"] is False
        filler.unlink()
        scim.create("Users", tenure.number(5_000))
        server.stop()
        server.start()
        scim = server.scim(scim.http.headers["Authorization"].removeprefix("Bearer "))
        assert len(names(scim)) == len(acknowledged) + 1
    finally:
        server.end()


def test_damage_is_noticed_at_the_start_after_a_crash(new_server, tmp_path):
    server = new_server("server")
    scim = server.scim(server.workspace("Northwind Mills").token())
    for index in range(300):
        scim.create("Users", tenure.number(index))
    server.stop()
    server.start()
    scim = server.scim(scim.http.headers["Authorization"].removeprefix("Bearer "))
    scim.create("Users", tenure.number(300))
    server.kill()
    database = server.data / "tenure.db"
    content = bytearray(database.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 40 * 4096] = os.urandom(40 * 4096)
    database.write_bytes(content)
    doctor = server.cli.json("doctor", exit_code=tenure.FAILED)
    soundness = next(check for check in doctor["checks"] if check["check"] == "soundness")
    assert soundness["state"] == "bad" and soundness["advice"]
    refused = server.cli.run("serve", "--listen", "127.0.0.1:0", exit_code=tenure.FAILED)
    assert "damaged" in refused.stderr and "tenure restore" in refused.stderr
    refused = server.cli.run("backup", tmp_path / "backup", exit_code=tenure.FAILED)
    assert "damaged" in refused.stderr
    assert not list(tmp_path.glob("backup*"))
