"""Tables of features, and the documents that they send."""

import itertools

import pytest

import tenure

numbers = itertools.count(1)


def feature(*names):
    """A table of features, the last argument; the first column is the name of the feature, and names no argument."""
    arguments, rows = names[:-1], names[-1]
    return pytest.mark.parametrize(arguments, [pytest.param(*row[1:], id=row[0]) for row in rows])


def newcomer(**more):
    """The document of a person whom nobody else has."""
    return tenure.number(next(numbers), "newcomer") | more


def op(verb, path=None, value=None):
    """An operation of a PATCH request."""
    members = {"op": verb, "path": path, "value": value}
    return {name: member for name, member in members.items() if member is not None}


def patch_of(*operations):
    return {"schemas": [tenure.PATCH], "Operations": list(operations)}
