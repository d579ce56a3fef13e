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
FINISH_S = 300 + PEOPLE // 5
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


class Scene:
    """A cycle with three servers, of which the first one has begun it."""

    def __init__(self, database, new_server, target, folder):
        self.database, self.target = database, target
        target.pause_s = PAUSE_S
        one = new_server("one", database.url)
        self.workspace = one.workspace("Northwind Mills")
        self.people = [tenure.number(index) for index in range(PEOPLE)]
        file = folder / "people.jsonl"
        file.write_text("".join(json.dumps(person) + "\n" for person in self.people))
        self.workspace.run("import", file, timeout_s=FINISH_S)
        self.application = self.workspace.application("Exium", target.url, "any token", scope="all")
        # One server is alone when the cycle begins, so that it is known whose it is.
        self.application.run("start")
        arrived(target, PEOPLE // 20)
        self.servers = [one, *(new_server(name, database.url, key_of=one) for name in ("two", "three"))]
        assert self.owner() is one

    def owner(self):
        return owner(self.servers, self.target)

    def put_the_owner_to_sleep(self):
        """Past its lease: another one goes on. Which run slept, and when it woke."""
        one = self.servers[0]
        [run] = runs(one)
        os.kill(one.pid, signal.SIGSTOP)
        fell_asleep = time.monotonic()
        time.sleep(1)
        arrived(self.target, min(len(self.target.users) + 50, PEOPLE))
        assert self.owner() in self.servers[1:], "nobody took over"
        time.sleep(max(0.0, fell_asleep + ASLEEP_S - time.monotonic()))
        assert len(self.target.users) < PEOPLE, "the cycle was over before the sleeper woke: the test tested nothing"
        os.kill(one.pid, signal.SIGCONT)
        return run, time.monotonic()

    def kill_the_owner(self):
        arrived(self.target, min(len(self.target.users) + 50, PEOPLE - 200))
        victim = self.owner()
        victim.kill()
        arrived(self.target, min(len(self.target.users) + 50, PEOPLE - 100))
        assert self.owner() not in (victim, None)
        return victim

    def restart_the_database(self):
        """As if it had crashed."""
        assert len(self.target.users) < PEOPLE
        self.database.stop("immediate")
        time.sleep(1)
        self.database.start()

    def is_finished(self):
        state = self.application.status()
        last = state["last_cycle"] or {}
        done = state["lag"] == 0 and state["escrows"] == 0 and last.get("status") == "completed"
        return done and len(self.target.users) >= PEOPLE


def test_three_servers_survive_sleep_death_and_a_restart_of_the_database(postgres, new_server, target, tmp_path):
    scene = Scene(postgres, new_server, target, tmp_path)
    sleeper, woke = scene.put_the_owner_to_sleep()
    victim = scene.kill_the_owner()
    scene.restart_the_database()
    victim.start()
    tenure.wait_until(scene.is_finished, "the cycle finishes", FINISH_S, 1)

    # Everybody has one account, as the directory has them.
    names = Counter(user["userName"] for user in target.users.values())
    assert [name for name, times in names.items() if times > 1] == []
    expected = {person["userName"]: tenure.essence(person) for person in scene.people}
    assert {user["userName"]: tenure.essence(user) for user in target.users.values()} == expected
    # Whoever slept past its lease sends nothing any more.
    late = [seen for seen in target.writes() if seen.trace == sleeper and seen.at > woke]
    assert late == [], [(seen.method, seen.path, seen.at - woke) for seen in late]
    # A run that another one has followed writes no more: the runs at the application come one after the other.
    order = [seen.trace for seen in target.writes()]
    changes = order[:1] + [after for before, after in zip(order, order[1:]) if before != after]
    assert len(changes) == len(set(changes)) >= 3, changes
    # No state was written by an old run either: each person has one creation in the log, and the chain holds.
    # A creation of which the crash left nobody knowing whether it was sent is told as a failure first.
    entries = [
        entry for entry in scene.application.log() if entry["action"] == "create" and entry["status"] == "success"
    ]
    created = Counter(entry["source"]["id"] for entry in entries)
    assert len(created) == PEOPLE and set(created.values()) == {1}
    scene.workspace.run("audit", "verify")
    [[fence]] = postgres.ask("SELECT fence FROM job")
    assert int(fence) >= len(changes)
    print(f"{len(order)} writes of {len(changes)} runs, {len(names)} accounts")
