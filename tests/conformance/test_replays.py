"""What identity providers send, request by request, from the files in `replays`.

A file has a client, what it covers, headers, and steps. A step sends a method and a path, perhaps with a body, and
expects a status and parts of the answer: objects by the keys that are named, lists element by element. `null` is
nothing, `"*"` anything but nothing, `"*number"` and `"*list"` are one of these. `keep` remembers an answer by a name,
and `{name.key}` is replaced by what it holds; `{tag}` is new in every run.
"""

import json
import re
import secrets

import pytest
from client import requirement
from register import FOLDER

import tenure

REPLAYS = sorted((FOLDER / "replays").glob("*.json"))


def load(path):
    return json.loads(path.read_text())


def filled(value, known):
    """A value with the placeholders of its texts replaced; other braces stay."""
    if isinstance(value, dict):
        return {filled(key, known): filled(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    if isinstance(value, str):
        return re.sub(r"\{(\w+(?:\.\w+)*)\}", lambda found: looked_up(found[1], known), value)
    return value


def looked_up(name, known):
    value = known
    for key in name.split("."):
        value = value[key]
    return value


NOTHING = (None, "", [], {})
WANTED = {
    None: lambda found: found in NOTHING,
    "*": lambda found: found not in NOTHING,
    "*number": lambda found: type(found) is int,
    "*list": lambda found: isinstance(found, list),
}


def difference(expected, found, where="answer"):
    """What is wrong with an answer; nothing if it is as expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return first(difference(item, found.get(key), f"{where}.{key}") for key, item in expected.items())
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return first(difference(item, found[at], f"{where}[{at}]") for at, item in enumerate(expected))
    if expected is None or isinstance(expected, str) and expected in WANTED:
        return None if WANTED[expected](found) else f"{where} is {found!r}, and should be {expected or 'nothing'}"
    same = expected == found and type(expected) is type(found)
    return None if same else f"{where} is {found!r}, not {expected!r}"


def first(problems):
    return next((problem for problem in problems if problem), None)


def path_with(path, query):
    """A path with a query string of the base, as a client joins them that keeps it."""
    return path if not query else f"{path}{'&' if '?' in path else '?'}{query}"


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem, marks=requirement(*load(path)["covers"])) for path in REPLAYS]
)
def test_replay(scim, path):
    replay = load(path)
    tag = secrets.token_hex(5)
    known = {"tag": tag, "TAG": tag.upper()}
    for number, step in enumerate(replay["steps"], 1):
        where = f"{path.name}, step {number} ({step['say']})"
        method, target = filled(step["send"], known).split(" ", 1)
        headers = replay["headers"] | step.get("headers", {})
        body = filled(step["body"], known) if "body" in step else None
        answer = scim.request(method, path_with(target, replay.get("query")), body, headers=headers)
        statuses = step["status"] if isinstance(step["status"], list) else [step["status"]]
        assert answer.status_code in statuses, f"{where}: {answer.status_code} {answer.text}"
        document = answer.json() if answer.content else {}
        assert answer.status_code != 204 or not answer.content, where
        problem = difference(filled(step.get("expect", {}), known), document)
        assert not problem, f"{where}: {problem}\n{answer.text}"
        if answer.status_code >= 400:
            assert document["schemas"] == [tenure.ERROR], where
        if "keep" in step:
            known[step["keep"]] = document


def test_replays_are_there():
    """The files exist and say what they are."""
    assert len(REPLAYS) >= 10
    for path in REPLAYS:
        replay = load(path)
        assert replay["client"]
        assert replay["covers"]
        assert all({"say", "send", "status"} <= set(step) for step in replay["steps"])
