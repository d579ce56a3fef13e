"""SIGKILL at random moments under write load, compared with a ledger outside: nothing is lost, nothing is half there.

TENURE_TEST_KILLS sets how many kills there are; `scripts/reliability kill` runs a thousand.
"""

import os
import time

import pytest

import tenure
from ledger import Ledger
from test_kill import seeded

KILLS = int(os.environ.get("TENURE_TEST_KILLS") or 15)
WRITERS = 4
LONGEST_S = 0.6


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_killed_under_load_it_keeps_what_it_acknowledged(engine, new_server, request):
    database = request.getfixturevalue("database") if engine == "postgres" else None
    rng = seeded()
    server = new_server("server", database)
    workspace = server.workspace("Northwind Mills")
    # Requests are written down as usual; their log is not what is tested, and would grow with the kills.
    token = workspace.token("load")
    ledger = Ledger(lambda: server.scim(token), WRITERS, rng)
    began = time.monotonic()
    for kill in range(1, KILLS + 1):
        ledger.write(server.kill, LONGEST_S)
        server.start()
        ledger.check()
        if kill % 50 == 0 or kill == KILLS:
            workspace.run("audit", "verify")
            print(
                f"{engine}: {kill} kills, {ledger.acknowledged} writes acknowledged and kept, {ledger.unknown} not "
                f"answered, of which {ledger.carried_out} were carried out, {time.monotonic() - began:.0f} s",
                flush=True,
            )
    scim = server.scim(token)
    assert {user["userName"] for user in scim.all("Users")} == ledger.everybody()
    assert ledger.acknowledged > KILLS, "hardly any write was acknowledged: the test tested nothing"
    assert ledger.unknown > KILLS // 4, "hardly any kill hit a write: the test tested nothing"
    assert tenure.wait_until(lambda: server.cli.run("workspace", "list"), "the server goes on")
