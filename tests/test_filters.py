"""Filters, judged by programs that others wrote: each finds among the same people what our server finds.

The values are in lower case and ASCII, because the other programs compare exactly where SCIM does not.
"""

import os
import random
import sqlite3

import pytest

import packages
import tenure

PEOPLE = 60
FILTERS = 400
TITLES = ["weaver", "dyer", "spinner", "clerk", None]
DEPARTMENTS = ["production", "design", "stores", None]
TYPES = ["employee", "contractor", None]
GIVEN = ["ada", "bjorn", "chen", "dana", "eero", "fay"]
FAMILY = ["okafor", "lind", "fang", "ibanez", "makinen"]
WORDS = [*GIVEN, *FAMILY, "a", "an", "er", "work", "home", "0", "zzz", "northwind.example"]

DEPARTMENT = f"{tenure.ENTERPRISE}:department"
# Attributes that everybody has; the rest is missing here and there.
ALWAYS = ["userName", "name.familyName", "name.givenName"]
TEXTS = [*ALWAYS, "displayName", "title", "userType", DEPARTMENT, "emails.value", "emails.type"]
SQL_COLUMNS = {
    ("userName", None, None): "users.username",
    ("name", "familyName", None): "users.family",
    ("name", "givenName", None): "users.given",
    ("displayName", None, None): "users.display",
    ("title", None, None): "users.title",
    ("userType", None, None): "users.usertype",
    ("department", None, tenure.ENTERPRISE): "users.department",
    ("active", None, None): "users.active",
    ("emails", "value", None): "emails.value",
    ("emails", "type", None): "emails.type",
}


def people(chance):
    """Documents whose attributes are there or not, in many combinations."""
    for index in range(PEOPLE):
        given, family = chance.choice(GIVEN), chance.choice(FAMILY)
        name = f"{given}.{family}{index}"
        department = chance.choice(DEPARTMENTS)
        emails = [
            {"type": kind, "value": f"{name}@{kind}.example"} for kind in ("work", "home") if chance.random() < 0.6
        ]
        document = {
            "schemas": [tenure.USER] + [tenure.ENTERPRISE] * bool(department),
            "userName": f"{name}@northwind.example",
            "name": {"givenName": given, "familyName": family},
            "displayName": f"{given} {family}" if chance.random() < 0.8 else None,
            "title": chance.choice(TITLES),
            "userType": chance.choice(TYPES),
            "active": chance.random() < 0.7,
            "emails": emails or None,
            tenure.ENTERPRISE: {"department": department} if department else None,
        }
        yield {name: value for name, value in document.items() if value is not None}


def comparison(chance, attributes, inside=""):
    """One comparison, as scim2-parse-filter writes it down."""
    path = chance.choice(attributes)
    if path == "active":
        return {"op": "eq", "attrPath": path, "compValue": chance.random() < 0.5}
    operators = ["eq", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le"]
    # What `ne` says of an attribute that is missing, or has several values, is not the same for all.
    if path in ALWAYS or inside:
        operators.append("ne")
    operator = chance.choice(operators)
    if operator == "pr":
        return {"op": "pr", "attrPath": path}
    known = {"title": TITLES, "userType": TYPES, DEPARTMENT: DEPARTMENTS, "type": ["work", "home"]}.get(path)
    value = chance.choice([word for word in known if word] if known and chance.random() < 0.7 else WORDS)
    return {"op": operator, "attrPath": path, "compValue": value}


def value_path(chance):
    """A filter on the values of one attribute."""
    inner = [comparison(chance, ["value", "type"], inside="emails") for _ in range(chance.randint(1, 2))]
    value = inner[0] if len(inner) == 1 else {"op": chance.choice(["and", "or"]), "filters": inner}
    return {"op": "[]", "attrPath": "emails", "valFilter": value}


def tree(chance, depth, without=None):
    """A filter of at most that many levels, whose outermost operator is not `without`."""
    kind = chance.random()
    if depth == 0 or kind < 0.15:
        return comparison(chance, [*TEXTS, "active"])
    if kind < 0.3:
        return value_path(chance)
    if kind < 0.45:
        return {"op": "not", "filter": tree(chance, depth - 1)}
    operator = chance.choice([name for name in ("and", "or") if name != without])
    return {"op": operator, "filters": [tree(chance, depth - 1, operator) for _ in range(2)]}


# What each package gets wrong, or cannot read, in these versions. The others judge that.


def one_condition_for_each_value(node):
    """scim2-parse-filter lets different values fulfil the conditions of one value path."""
    return node["op"] != "[]" or node["valFilter"]["op"] != "and"


def without_not_and_urn(node):
    """scim-query-filter-parser reads neither. (`a and b and c` it misreads, but that is not generated.)"""
    return node["op"] != "not" and ":" not in node.get("attrPath", "")


def in_rows(node):
    """scim2-filter-parser takes `and` and `or` for equally strong, and SQL's `not` skips what is missing."""
    return node["op"] != "not" and not (node["op"] == "or" and any(part["op"] == "and" for part in node["filters"]))


def everywhere(node, condition):
    """Whether the condition holds for a node and all nodes below it."""
    below = node.get("filters", []) + [node[name] for name in ("filter", "valFilter") if name in node]
    return condition(node) and all(everywhere(one, condition) for one in below)


class Sql:
    """The people in tables, asked by the SQL that scim2-filter-parser makes of a filter."""

    def __init__(self, documents):
        self.database = sqlite3.connect(":memory:")
        columns = [column.removeprefix("users.") for column in SQL_COLUMNS.values() if column.startswith("users.")]
        self.database.execute(f"CREATE TABLE users ({', '.join(columns)})")
        self.database.execute("CREATE TABLE emails (username, value, type)")
        for one in documents:
            name = one["name"]
            row = [one["userName"], name["familyName"], name["givenName"], one.get("displayName"), one.get("title")]
            row += [one.get("userType"), one.get(tenure.ENTERPRISE, {}).get("department")]
            self.database.execute("INSERT INTO users VALUES (?,?,?,?,?,?,?,?)", [*row, str(one["active"]).upper()])
            for mail in one.get("emails", []):
                row = [one["userName"], mail["value"], mail["type"]]
                self.database.execute("INSERT INTO emails VALUES (?,?,?)", row)

    def find(self, text):
        from scim2_filter_parser.queries.sql import SQLiteQuery

        join = "LEFT JOIN emails ON emails.username = users.username"
        query = SQLiteQuery(text, "users", SQL_COLUMNS, [join])
        return [row[0] for row in self.database.execute(query.sql, query.params)]


@pytest.fixture(scope="module")
def chance():
    seed = int(os.environ.get("TENURE_TEST_SEED", random.randrange(2**32)))
    print(f"TENURE_TEST_SEED={seed}")
    return random.Random(seed)


class Case:
    """People, a workspace that has them, and filters with what others make of them."""

    def __init__(self, scim, chance):
        self.scim = scim
        self.people = list(people(chance))
        for person in self.people:
            scim.create("Users", person)
        self.filters = [tree(chance, 3) for _ in range(FILTERS)]
        self.answers = packages.ask_node("filters.mjs", {"people": self.people, "filters": self.filters})

    def judge(self, condition, expected, least):
        """Compares what we find for every filter that fulfils the condition."""
        cases = [answer for node, answer in zip(self.filters, self.answers) if everywhere(node, condition)]
        wanted = {answer["text"]: sorted(expected(answer)) for answer in cases}
        assert len(wanted) > least
        assert len(set(map(tuple, wanted.values()))) > least / 4, "the filters hardly tell people apart"
        wrong = {text: (ours, names) for text, names in wanted.items() if (ours := self.found(text)) != names}
        shortest = min(wrong, key=len, default=None)
        assert not wrong, f"{len(wrong)} of {len(wanted)}, such as {shortest}: ours and theirs are {wrong[shortest]}"

    def found(self, text):
        return sorted(user["userName"] for user in self.scim.all("Users", filter=text, attributes="userName"))


@pytest.fixture(scope="module")
def case(shared_server, chance):
    return Case(shared_server.scim(shared_server.workspace("Filters").token()), chance)


def in_the_title(package):
    return pytest.mark.parametrize("package", [package], ids=packages.version)


@in_the_title("scim2-parse-filter")
def test_filters_find_what_scim2_parse_filter_finds(case, package):
    case.judge(one_condition_for_each_value, lambda answer: answer["found"][package], FILTERS / 2)


@in_the_title("scim-query-filter-parser")
def test_filters_find_what_scim_query_filter_parser_finds(case, package):
    case.judge(without_not_and_urn, lambda answer: answer["found"][package], FILTERS / 8)


@in_the_title("scim2-filter-parser")
def test_filters_find_what_sql_finds(case, package):
    tables = Sql(case.people)

    def sayable(node):
        # Two conditions on a joined table have to hold for the same row.
        return in_rows(node) and str(node).count("emails") <= 1

    case.judge(sayable, lambda answer: set(tables.find(answer["text"])), FILTERS / 10)
