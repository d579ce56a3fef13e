"""Fixtures: servers that end with their test, whose log is shown when the test fails."""

import os
import shutil
import subprocess
import uuid

import pytest

import cluster
import features
import recorder
import tenure


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" and report.failed:
        shared = getattr(item.getparent(pytest.Module), "servers", [])
        for server in [*getattr(item, "servers", []), *shared]:
            if server.log.exists():
                report.sections.append((f"log of {server.data.name}", server.log.read_text(errors="replace")[-8000:]))
    return report


@pytest.fixture(scope="session", autouse=True)
def program():
    """The program under test; without one nothing here can run."""
    try:
        return tenure.binary()
    except FileNotFoundError as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture
def new_server(tmp_path, request):
    """Starts servers by name."""
    servers = request.node.servers = []

    def start(name, database=None, key_of=None, **more):
        """`key_of`: the server whose database it shares, and whose key it therefore needs."""
        if key_of:
            (tmp_path / name).mkdir()
            shutil.copy(key_of.data / "master.key", tmp_path / name / "master.key")
        server = tenure.Server(tmp_path / name, database, **more)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.end()


@pytest.fixture
def new_database():
    """Makes databases of PostgreSQL: schemas on the server that TENURE_TEST_POSTGRES names."""
    url = os.environ.get("TENURE_TEST_POSTGRES")
    if not url:
        pytest.skip("TENURE_TEST_POSTGRES is not set")
    schemas = []

    def psql(statement):
        subprocess.run(["psql", "-q", url, "-c", statement], check=True, capture_output=True, timeout=60)

    def make():
        schemas.append(f"b_{uuid.uuid4().hex}")
        psql(f"CREATE SCHEMA {schemas[-1]}")
        return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schemas[-1]}"

    yield make
    for schema in schemas:
        psql(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def server(new_server):
    return new_server("server")


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory, request):
    """One server for all tests of a file that leave each other alone, such as by a workspace each."""
    server = tenure.Server(tmp_path_factory.mktemp("shared") / "server")
    request.node.servers = [server]
    try:
        yield server.start()
    finally:
        server.end()


@pytest.fixture(scope="module")
def workshop(shared_server):
    """A client of a workspace in which tests make and change people of their own."""
    return shared_server.scim(shared_server.workspace("Workshop").token())


@pytest.fixture
def person(workshop):
    """Someone in the workshop, as created."""
    return workshop.create("Users", features.newcomer())


@pytest.fixture
def pair(new_server):
    """S, which sends, and R, which receives."""
    return tenure.Pair(new_server("s"), new_server("r"))


@pytest.fixture
def database(new_database):
    """A schema of its own on the server that TENURE_TEST_POSTGRES names."""
    return new_database()


@pytest.fixture
def postgres():
    """A PostgreSQL server of the test's own, to be stopped and killed."""
    if not cluster.programs():
        pytest.skip("the programs of PostgreSQL are not there")
    server = cluster.Cluster()
    try:
        yield server
    finally:
        server.end()


@pytest.fixture
def target():
    """An application that remembers every request."""
    application = recorder.Recorder()
    try:
        yield application
    finally:
        application.close()
