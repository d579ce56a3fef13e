"""Which test covers which requirement: the list of requirements, and the table for readers."""

import tomllib
from pathlib import Path

import tenure

FOLDER = Path(__file__).resolve().parent
TABLE = tenure.ROOT / "docs" / "scim-conformance.md"

INTRODUCTION = """\
# SCIM conformance

Written by `pytest tests/conformance --write-table`; every run of the tests compares it with what they cover.

The ids are section numbers: `7644-3.5.2-04` is the fourth requirement from section 3.5.2 of RFC 7644. M is a must, S a
should, D follows from the text, O is optional and this is what Tenure decided. A test is a function in
`tests/conformance`, and each talks to a running server over HTTP.
"""

SECTIONS = {
    "requirements": "## Requirements on a server",
    "contested": "## Contested points",
    "habits": "## Habits of clients",
}


class Register:
    """The requirements, and the tests that name them."""

    def __init__(self):
        data = tomllib.loads((FOLDER / "requirements.toml").read_text())
        self.sections = {name: dict(data[name]) for name in SECTIONS}
        self.tests = {key: {} for section in self.sections.values() for key in section}
        self.failed = set()

    def cover(self, ids, test):
        """Notes a test; the ids that are not registered come back."""
        for key in ids:
            if key in self.tests:
                self.tests[key][test] = None
        return [key for key in ids if key not in self.tests]

    def uncovered(self):
        return [key for key, tests in self.tests.items() if not tests]

    def _row(self, key, entry, results):
        strength, text = (entry["strength"], entry["text"]) if isinstance(entry, dict) else (None, entry)
        tests = list(self.tests[key])
        cells = [key] + ([strength] if strength else []) + [text, ", ".join(f"`{test}`" for test in tests)]
        if results:
            cells.append("no" if self.failed.intersection(tests) or not tests else "yes")
        return "| " + " | ".join(cells) + " |"

    def table(self, results=True):
        """The page; without the results, to compare two runs of which one has failures."""
        lines = [INTRODUCTION.rstrip()]
        for name, title in SECTIONS.items():
            head = ["id", "strength", "requirement", "tests"] if name == "requirements" else ["id", "point", "tests"]
            head += ["pass"] if results else []
            lines += ["", title, "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
            lines += [self._row(key, entry, results) for key, entry in self.sections[name].items()]
        return "\n".join(lines) + "\n"


def without_results(page):
    """A page as `Register.table(results=False)` writes it."""
    return "".join(
        line.rsplit("| ", 1)[0] + "|\n" if line.startswith("| ") else f"{line}\n" for line in page.splitlines()
    )
