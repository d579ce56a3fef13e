"""What a server has acknowledged, kept outside of it, and what it must therefore hold after it was killed.

Each writer owns the people it writes, so that it knows the order of what happened to them. A write that was not
acknowledged may be there or not, but as a whole.
"""

import random
import threading

import requests

import tenure

GONE = 0
PEOPLE = 6
MEMBERS = 3


def document(user_name, number):
    """The person after the write of that number: everything says it, so that a part of a write shows."""
    text = f"{user_name} {number}"
    return {
        "schemas": [tenure.USER, tenure.ENTERPRISE],
        "userName": user_name,
        "displayName": text,
        "title": text,
        "active": number % 2 == 0,
        "emails": [{"type": "work", "value": f"{number}@{user_name}.example", "primary": True}],
        tenure.ENTERPRISE: {"department": text, "employeeNumber": str(number)},
    }


def numbers(user):
    """Every number that a stored person tells."""
    extension = user[tenure.ENTERPRISE]
    texts = [user["displayName"], user["title"], extension["department"]]
    mails = [mail["value"].split("@")[0] for mail in user["emails"]]
    found = {int(text.split()[-1]) for text in texts} | {int(mail) for mail in mails}
    return found | {int(extension["employeeNumber"])} | ({GONE} if user["active"] != (min(found) % 2 == 0) else set())


class Person:
    def __init__(self, user_name):
        self.user_name = user_name
        self.id = None
        self.number = GONE
        self.pending = None
        self.next = 1

    def states(self):
        return {self.number} if self.pending is None else {self.number, self.pending}


class Writer(threading.Thread):
    """Writes until the server is gone or it is told to stop."""

    def __init__(self, name, scim, people, team, rng, halt):
        super().__init__(daemon=True)
        self.label, self.scim, self.people, self.team, self.rng, self.halt = name, scim, people, team, rng, halt
        self.acknowledged = 0
        self.wrong = None

    def run(self):
        try:
            while not self.halt.is_set():
                if self.rng.random() < 0.25:
                    self.change_team()
                else:
                    self.change_person(self.rng.choice(self.people))
                self.acknowledged += 1
        except (requests.RequestException, Lost):
            pass  # Killed, or about to be; what is pending may be there or not.
        except Exception as error:  # Shown by whoever waits for this thread.
            self.wrong = error
        finally:
            self.scim.http.close()

    def send(self, method, path, body=None):
        answer = self.scim.request(method, path, body)
        if answer.status_code >= 500:
            raise Lost(answer.text)
        assert answer.status_code in (200, 201, 204), f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def change_person(self, person):
        number, person.next = person.next, person.next + 1
        body = document(person.user_name, number)
        if person.number == GONE:
            person.pending = number
            person.id = self.send("POST", "/Users", body).json()["id"]
        elif self.rng.random() < 0.15:
            person.pending = number = GONE
            self.send("DELETE", f"/Users/{person.id}")
        elif self.rng.random() < 0.5:
            person.pending = number
            self.send("PUT", f"/Users/{person.id}", body)
        else:
            person.pending = number
            changes = {key: value for key, value in body.items() if key not in ("schemas", "userName")}
            operations = [{"op": "replace", "path": path, "value": value} for path, value in changes.items()]
            self.send("PATCH", f"/Users/{person.id}", {"schemas": [tenure.PATCH], "Operations": operations})
        person.number, person.pending = number, None

    def change_team(self):
        wanted = {self.rng.choice(self.team.ids) for _ in range(MEMBERS)}
        self.team.pending = wanted
        operation = {"op": "replace", "path": "members", "value": [{"value": member} for member in sorted(wanted)]}
        self.send("PATCH", f"/Groups/{self.team.id}", {"schemas": [tenure.PATCH], "Operations": [operation]})
        self.team.members, self.team.pending = wanted, None


class Lost(Exception):
    """A write that was answered, but not acknowledged."""


class Team:
    """A group, and people who are never deleted, whom it may have as members."""

    def __init__(self, scim, name):
        self.ids = [scim.create("Users", document(f"{name}-m{index}", 2))["id"] for index in range(MEMBERS * 2)]
        self.id = scim.create("Groups", {"schemas": [tenure.GROUP], "displayName": name})["id"]
        self.members = set()
        self.pending = None


class Ledger:
    """Writers, what they were told, and the comparison."""

    def __init__(self, connect, writers, rng):
        self.connect = connect
        self.rng = rng
        scim = connect()
        self.people = [[Person(f"w{writer}-{index}") for index in range(PEOPLE)] for writer in range(writers)]
        self.teams = [Team(scim, f"team{writer}") for writer in range(writers)]
        self.acknowledged = 0
        self.unknown = 0
        self.carried_out = 0

    def write(self, kill, longest_s):
        """Lets everybody write, kills the server at a random moment, and waits for the writers."""
        halt = threading.Event()
        writers = [
            Writer(index, self.connect(), people, team, random.Random(self.rng.random()), halt)
            for index, (people, team) in enumerate(zip(self.people, self.teams))
        ]
        for writer in writers:
            writer.start()
        halt.wait(self.rng.uniform(0, longest_s))
        kill()
        halt.set()
        for writer in writers:
            writer.join()
            assert writer.wrong is None, f"writer {writer.label}: {writer.wrong!r}"
            self.acknowledged += writer.acknowledged

    def check(self):
        """Compares all that may have changed since the last time, and takes over what was pending and is there."""
        scim = self.connect()
        for people, team in zip(self.people, self.teams):
            for person in people:
                self.check_person(scim, person)
            self.check_team(scim, team)
        scim.http.close()

    def check_person(self, scim, person):
        found = scim.user(person.user_name)
        number = GONE
        if found:
            told = numbers(found)
            assert len(told) == 1, f"a part of a write: {person.user_name} tells {told}: {found}"
            number = told.pop()
        assert number in person.states(), f"{person.user_name} is at {number}, not at one of {person.states()}"
        if found:
            assert scim.get(f"/Users/{found['id']}") == found
        # The index agrees with the document.
        for state in person.states() - {GONE}:
            listed = scim.get("/Users", filter=f'title eq "{person.user_name} {state}"')["totalResults"]
            assert listed == (state == number), f"{person.user_name} is at {number}; {listed} found at {state}"
        if person.pending is not None:
            self.unknown += 1
            self.carried_out += number == person.pending
        person.number, person.pending = number, None
        person.id = found and found["id"]

    def check_team(self, scim, team):
        group = scim.get(f"/Groups/{team.id}")
        members = {member["value"] for member in group.get("members", [])}
        states = [team.members] if team.pending is None else [team.members, team.pending]
        assert members in states, f"members {members}, not one of {states}"
        # The other side of the membership agrees.
        for member in team.ids:
            groups = {entry["value"] for entry in scim.get(f"/Users/{member}").get("groups", [])}
            assert groups == ({team.id} if member in members else set()), (member, groups, members)
        if team.pending is not None and team.pending != team.members:
            self.unknown += 1
            self.carried_out += members == team.pending
        team.members, team.pending = members, None

    def everybody(self):
        """The userNames that must be there, and no others."""
        names = {person.user_name for people in self.people for person in people if person.number != GONE}
        return names | {f"team{writer}-m{index}" for writer in range(len(self.teams)) for index in range(MEMBERS * 2)}
