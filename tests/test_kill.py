"""SIGKILL at random moments: a cycle and an import finish after a restart, nothing is doubled, nothing acknowledged is lost."""

import json
import os
import random
import subprocess
import threading
import time
from collections import Counter

import requests

import tenure

PEOPLE = 2_000
KILLS = 20
TEAM = 500
FINISH_S = 420


def seeded():
    """Randomness whose seed stands in the output; TENURE_TEST_SEED repeats a run."""
    seed = int(os.environ.get("TENURE_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"TENURE_TEST_SEED={seed}")
    return random.Random(seed)


def write_lines(path, documents):
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return path


class Writer(threading.Thread):
    """Sends one request after another until it is told to stop, and remembers which were acknowledged."""

    def __init__(self, send):
        super().__init__(daemon=True)
        self.send = send
        self.acknowledged = {}
        self.refused = []
        self.halt = threading.Event()

    def run(self):
        index = 0
        while not self.halt.is_set():
            try:
                answer, key, value = self.send(index)
                if answer.status_code in (200, 201, 204):
                    self.acknowledged[key] = value
                elif answer.status_code < 500:
                    self.refused.append((key, answer.status_code, answer.text))
            except requests.RequestException:
                pass  # The server is dead at the moment; what was not acknowledged may be lost.
            index += 1
            self.halt.wait(0.01)

    def finish(self):
        self.halt.set()
        self.join()
        assert not self.refused, self.refused[:5]
        assert self.acknowledged, "no write was acknowledged: the test tested nothing"


def newcomer(scim):
    """Creates people at R, in a workspace that nobody provisions into."""

    def send(index):
        document = tenure.number(index, prefix="load")
        return scim.request("POST", "/Users", document), document["userName"], document

    return Writer(send)


def mover(scim, ids, rng):
    """Changes titles in S while the cycle runs."""
    user_names = sorted(ids)

    def send(index):
        user_name, title = rng.choice(user_names), f"Moved {index}"
        operation = {"op": "replace", "path": "title", "value": title}
        body = {"schemas": [tenure.PATCH], "Operations": [operation]}
        return scim.request("PATCH", f"/Users/{ids[user_name]}", body), user_name, title

    return Writer(send)


def finished(application):
    """Whether a job has dealt with everything there is."""
    state = application.status()
    last = state["last_cycle"] or {}
    return (
        state["lag"] == 0
        and state["escrows"] == 0
        and last.get("status") == "completed"
        and last.get("failed") == 0
        and state
    )


def kill_both_during_the_cycle(pair, rng):
    """Kills either server whenever the cycle has come to the next random place. How many kills hit it running."""
    places = sorted(rng.sample(range(1, PEOPLE - 50), KILLS))
    during = 0
    for place in places:
        tenure.wait_until(lambda: pair.accounts.total("Users") >= place, f"{place} people arrive", FINISH_S, 0.005)
        time.sleep(rng.uniform(0, 0.03))
        victim = rng.choice((pair.sender, pair.receiver))
        victim.kill()
        victim.start()
        total = pair.accounts.total("Users")
        during += total < PEOPLE
        print(f"killed {victim.data.name} near {place}, {total} people there")
    return during


def test_cycle_survives_twenty_kills_of_either_side(pair, tmp_path):
    rng = seeded()
    people = [tenure.number(index) for index in range(PEOPLE)]
    pair.source.run("import", write_lines(tmp_path / "people.jsonl", people))
    ids = {user["userName"]: user["id"] for user in pair.people.all("Users", page=500)}
    assert len(ids) == PEOPLE
    team = [{"value": ids[person["userName"]]} for person in people[:TEAM]]
    pair.people.create("Groups", {"schemas": [tenure.GROUP], "displayName": "Team", "members": team})
    load = pair.receiver.workspace("Load")
    load_scim = pair.receiver.scim(load.token())

    application = pair.application(scope="all")
    application.run("start")
    # A session is not for two threads: each writer has its own.
    writers = [
        newcomer(tenure.Scim(load_scim.base, load_scim.http.headers["Authorization"].split()[1])),
        mover(pair.sender.scim(pair.source.token("writer")), ids, random.Random(rng.random())),
    ]
    for writer in writers:
        writer.start()
    during = kill_both_during_the_cycle(pair, rng)
    for writer in writers:
        writer.finish()
    assert during >= KILLS * 3 // 4, f"only {during} of {KILLS} kills came while the cycle ran"
    tenure.wait_until(lambda: finished(application), "the cycle finishes", FINISH_S, 1)

    # S has every change that it acknowledged.
    in_source = {user["userName"]: user for user in pair.people.all("Users", page=500)}
    assert len(in_source) == PEOPLE
    for user_name, title in writers[1].acknowledged.items():
        held = in_source[user_name]["title"]
        # A later change may have been written although its answer was lost.
        assert held == title or int(held.split()[1]) > int(title.split()[1]), (user_name, title, held)

    # R has everybody once, as S has them.
    tenure.wait_until(
        lambda: {account["userName"]: account.get("title") for account in pair.accounts.all("Users", page=500)}
        == {user_name: user.get("title") for user_name, user in in_source.items()},
        "the last changes arrive",
        FINISH_S,
        1,
    )
    accounts = pair.accounts.all("Users", page=500)
    names = Counter(account["userName"] for account in accounts)
    assert [name for name, times in names.items() if times > 1] == []
    assert {name: tenure.essence(account) for name, account in zip(names, accounts)} == {
        name: tenure.essence(in_source[name]) for name in names
    }
    group = pair.accounts.group("Team")
    members = {member["value"] for member in group["members"]}
    by_id = {account["id"]: account["userName"] for account in accounts}
    assert sorted(by_id[member] for member in members) == sorted(person["userName"] for person in people[:TEAM])

    # R has every person that it acknowledged to the other client.
    loaded = {user["userName"]: user for user in load_scim.all("Users", page=500)}
    for user_name, document in writers[0].acknowledged.items():
        assert tenure.essence(loaded[user_name]) == tenure.essence(document)
    pair.source.run("audit", "verify")
    pair.target.run("audit", "verify")
    load.run("audit", "verify")


def test_import_can_be_killed_and_run_again(server, tmp_path):
    rng = seeded()
    people = [tenure.number(index) for index in range(5_000)]
    file = write_lines(tmp_path / "people.jsonl", people)
    workspace = server.workspace("Northwind Mills")
    command = [tenure.binary(), "--data", server.data, "import", file, "--workspace", workspace.name, "--json"]
    for _ in range(5):
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=tenure.environment(),
        )
        time.sleep(rng.uniform(0.02, 0.6))
        process.kill()
        process.wait()
    workspace.run("import", file)
    users = server.scim(workspace.token()).all("Users", page=500)
    assert sorted(user["userName"] for user in users) == sorted(person["userName"] for person in people)
    expected = {person["userName"]: tenure.essence(person) for person in people}
    assert all(tenure.essence(user) == expected[user["userName"]] for user in users)
    workspace.run("audit", "verify")
