"""One server for the whole folder, and the book-keeping of what is covered."""

import itertools

import pytest
from client import Client
from register import FOLDER, TABLE, Register, without_results

import tenure


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """A running server."""
    server = tenure.Server(tmp_path_factory.mktemp("conformance") / "server").start()
    yield server
    server.end()


@pytest.fixture(autouse=True)
def log_of_the_service(service, request):
    """Lets a failing test show the log."""
    request.node.servers = [service]


@pytest.fixture(scope="session")
def new_workspace(service):
    """Makes workspaces, each with a client."""

    def make(name):
        workspace = service.workspace(name)
        client = Client(f"{service.url}/scim", workspace.token())
        client.workspace = workspace
        return client

    return make


@pytest.fixture(scope="session")
def scim(new_workspace):
    """The workspace that the tests share; each makes people of its own."""
    return new_workspace("Northwind Mills")


@pytest.fixture
def empty(new_workspace):
    """A workspace with nothing in it."""
    return new_workspace(f"Empty {next(numbers)}")


numbers = itertools.count(1)


@pytest.fixture
def user(scim):
    return scim.user()


# ------------------------------------------------------------------------------------------- coverage


def pytest_addoption(parser):
    parser.addoption("--write-table", action="store_true", help="write docs/scim-conformance.md anew")


def pytest_configure(config):
    config.addinivalue_line("markers", "requirement(*ids): what a test covers, by the ids of requirements.toml")
    config.pluginmanager.register(Coverage(config), "conformance-coverage")


class Coverage:
    """Checks at the end of a whole run that every requirement has a test and that the table says so."""

    def __init__(self, config):
        self.write = config.getoption("write_table", default=False)
        self.register = Register()
        self.modules = {}
        self.whole = not any("::" in argument for argument in config.args)
        self.problems = []

    def pytest_deselected(self, items):
        self.whole = self.whole and not items

    def pytest_collection_modifyitems(self, items):
        for item in items:
            if FOLDER not in item.path.parents:
                continue
            name = item.originalname
            if self.modules.setdefault(name, item.path) != item.path:
                self.problems.append(f"two tests have the name {name}")
            ids = [key for mark in item.iter_markers("requirement") for key in mark.args]
            unknown = self.register.cover(ids, name)
            self.problems += [f"{name} covers {key}, which requirements.toml does not have" for key in unknown]

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.register.failed.add(report.nodeid.split("::")[-1].split("[")[0])

    def pytest_sessionfinish(self, session, exitstatus):
        finished = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if finished and self.whole and set(FOLDER.glob("test_*.py")) <= set(self.modules.values()):
            if uncovered := self.register.uncovered():
                self.problems.append(f"no test covers {', '.join(uncovered)}")
            self.compare(results=not session.config.option.collectonly, failures=session.testsfailed)
        if self.problems and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def compare(self, results, failures):
        """Compares the table with what was collected, and with the results if there are any and all are good."""
        if self.write and results:
            TABLE.parent.mkdir(exist_ok=True)
            TABLE.write_text(self.register.table())
            return
        written = TABLE.read_text() if TABLE.exists() else ""
        same = without_results(written) == self.register.table(results=False)
        if not same or (results and not failures and written != self.register.table()):
            self.problems.append(f"{TABLE.name} is out of date: run `pytest tests/conformance --write-table`")

    def pytest_terminal_summary(self, terminalreporter):
        for problem in self.problems:
            terminalreporter.write_line(f"conformance: {problem}", red=True)
