"""Three servers on one PostgreSQL, of which one sleeps past its lease, one is killed, and the database is restarted.

TENURE_TEST_PEOPLE sets how many people are provisioned meanwhile; `scripts/reliability nodes` takes 20,000.
"""

import json
import os
import signal
import time
from collections import Counter

import tenure

PEOPLE = int(os.environ.get("TENURE_TEST_PEOPLE") or 2_000)
FINISH_S = 300 + PEOPLE // 10
# A lease lasts 30 seconds.
ASLEEP_S = 35
# The application takes its time, so that the cycle is still running when the sleeper wakes.
PAUSE_S = 0.02 if PEOPLE <= 2_000 else 0.005


def runs(server):
    """The traces of the cycles that a server has begun."""
    found = []
    for line in server.process.errors().splitlines():
        if '"cycle begins"' in line:
            spans = json.loads(line)["spans"]
            found.append(next(span["trace_id"] for span in spans if span["name"] == "cycle"))
    return found


def owner(servers, target):
    """The server that sent the last write."""
    trace = target.writes()[-1].trace
    return next((server for server in servers if trace in runs(server)), None)


def arrived(target, count):
    tenure.wait_until(lambda: len(target.users) >= count, f"{count} people arrive", FINISH_S, 0.02)


def test_three_servers_survive_sleep_death_and_a_restart_of_the_database(postgres, new_server, target, tmp_path):
    target.pause_s = PAUSE_S
    one = new_server("one", postgres.url)
    workspace = one.workspace("Northwind Mills")
    file = tmp_path / "people.jsonl"
    people = [tenure.number(index) for index in range(PEOPLE)]
    file.write_text("".join(json.dumps(person) + "\n" for person in people))
    workspace.run("import", file)
    application = workspace.application("Exium", target.url, "any token", scope="all")
    # One server is alone when the cycle begins, so that it is known whose it is.
    application.run("start")
    arrived(target, PEOPLE // 20)
    servers = [one, new_server("two", postgres.url, key_of=one), new_server("three", postgres.url, key_of=one)]
    assert owner(servers, target) is one

    # The owner sleeps past its lease; another one goes on.
    [sleeper] = runs(one)
    os.kill(one.pid, signal.SIGSTOP)
    fell_asleep = time.monotonic()
    time.sleep(1)
    at_rest = len(target.users)
    arrived(target, min(at_rest + 50, PEOPLE))
    second = owner(servers, target)
    assert second in servers[1:], "nobody took over"
    time.sleep(max(0.0, fell_asleep + ASLEEP_S - time.monotonic()))
    assert len(target.users) < PEOPLE, "the cycle was over before the sleeper woke: the test tested nothing"
    os.kill(one.pid, signal.SIGCONT)
    woke = time.monotonic()

    # The new owner is killed; another one goes on.
    arrived(target, min(len(target.users) + 50, PEOPLE - 200))
    second = owner(servers, target)
    victim = second if second is not one else servers[1]
    victim.kill()
    killed_at = len(target.users)
    arrived(target, min(killed_at + 50, PEOPLE - 100))
    assert owner(servers, target) is not victim
    # The database is gone for a moment, in the middle of everything.
    postgres.stop("immediate")
    time.sleep(1)
    postgres.start()
    restarted_at = len(target.users)
    victim.start()

    def finished():
        state = application.status()
        last = state["last_cycle"] or {}
        done = state["lag"] == 0 and state["escrows"] == 0 and last.get("status") == "completed"
        return done and len(target.users) >= PEOPLE

    tenure.wait_until(finished, "the cycle finishes", FINISH_S, 1)
    print(f"killed at {killed_at}, database restarted at {restarted_at}, finished with {len(target.users)}")

    # Everybody has one account, as the directory has them.
    names = Counter(user["userName"] for user in target.users.values())
    assert [name for name, times in names.items() if times > 1] == []
    expected = {person["userName"]: tenure.essence(person) for person in people}
    assert {user["userName"]: tenure.essence(user) for user in target.users.values()} == expected
    # Whoever slept past its lease sends nothing any more, and says why.
    late = [seen for seen in target.writes() if seen.trace == sleeper and seen.at > woke]
    assert late == [], [(seen.method, seen.path, seen.at - woke) for seen in late]
    # A run that another one has followed writes no more: the runs at the application come one after the other.
    order = [seen.trace for seen in target.writes()]
    changes = [order[0]] + [after for before, after in zip(order, order[1:]) if before != after]
    assert len(changes) == len(set(changes)), "runs wrote in turns"
    # No state was written by an old run either: each person has one creation in the log, and the chain holds.
    log = application.log()
    created = Counter(entry["source"]["id"] for entry in log if entry["action"] == "create")
    assert len(created) == PEOPLE and set(created.values()) == {1}
    workspace.run("audit", "verify")
    [[fence]] = postgres.ask("SELECT fence FROM job")
    assert int(fence) >= len(changes)
