"""Real files: a hundred thousand lines with flat memory, both formats, mapping, dry run."""

import csv
import json
import os
import subprocess

import tenure

FEW, MANY = 10_000, 100_000
MEMORY_BYTES = 200 * 1024 * 1024
GROWTH_BYTES = 48 * 1024 * 1024


def write_csv(path, count, prefix="user"):
    """A file such as a personnel system writes."""
    columns = ["userName", "First name", "Last name", "displayName", "E-mail", "Job title", "department", "employeeNumber"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for index in range(count):
            user = tenure.number(index, prefix)
            extension = user[tenure.ENTERPRISE]
            name = user["name"]
            row = [user["userName"], name["givenName"], name["familyName"], user["displayName"], user["userName"]]
            writer.writerow([*row, user["title"], extension["department"], extension["employeeNumber"]])
    return path


def write_lines(path, documents):
    path.write_text("".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents))
    return path


def measured(workspace, *arguments):
    """Runs a command; its JSON document and the largest memory it had."""
    command = [tenure.binary(), "--data", workspace.cli.data, *arguments, "--workspace", workspace.name, "--json"]
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env=tenure.environment(),
    )
    output = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return json.loads(output), usage.ru_maxrss * 1024


def test_a_hundred_thousand_lines_with_flat_memory(server, tmp_path):
    few, many = server.workspace("Few"), server.workspace("Many")
    report, small = measured(few, "import", write_csv(tmp_path / "few.csv", FEW))
    assert (report["created"], report["failed"]) == (FEW, 0)

    report, large = measured(many, "import", write_csv(tmp_path / "many.csv", MANY))
    assert (report["created"], report["updated"], report["failed"]) == (MANY, 0, 0)
    serving = tenure.peak_memory_bytes(server.pid)
    print(f"import of {FEW}: {small >> 20} MiB, of {MANY}: {large >> 20} MiB; server {serving >> 20} MiB")
    assert large < MEMORY_BYTES
    assert large - small < GROWTH_BYTES

    scim = server.scim(many.token())
    assert scim.total("Users") == MANY
    for index in (0, 1, 4_711, MANY - 1):
        expected = tenure.number(index)
        assert tenure.essence(scim.user(expected["userName"])) == tenure.essence(expected)
    assert tenure.peak_memory_bytes(server.pid) < MEMORY_BYTES


def test_dry_run_says_what_would_happen(server, tmp_path):
    workspace = server.workspace("Northwind Mills")
    file = write_csv(tmp_path / "people.csv", 500)
    planned = workspace.json("import", file, "--dry-run")
    assert (planned["dry_run"], planned["created"], planned["failed"]) == (True, 500, 0)
    scim = server.scim(workspace.token())
    assert scim.total("Users") == 0
    workspace.run("import", file)
    assert scim.total("Users") == 500


def test_importing_again_changes_nothing(server, tmp_path):
    workspace = server.workspace("Northwind Mills")
    file = write_csv(tmp_path / "people.csv", 300)
    workspace.run("import", file)
    scim = server.scim(workspace.token())
    before = scim.snapshot()
    again = workspace.json("import", file)
    assert (again["created"], again["updated"], again["unchanged"], again["failed"]) == (0, 0, 300, 0)
    assert scim.snapshot() == before


def test_a_later_file_updates_what_differs(server, tmp_path):
    workspace = server.workspace("Northwind Mills")
    workspace.run("import", write_csv(tmp_path / "people.csv", 50))
    newer = tmp_path / "newer.csv"
    newer.write_text(
        "userName,title,department\nUSER000003@northwind.example,Director,\nnew@northwind.example,Intern,Design\n"
    )
    report = workspace.json("import", newer)
    assert (report["created"], report["updated"]) == (1, 1)
    scim = server.scim(workspace.token())
    changed = tenure.essence(scim.user("user000003@northwind.example"))
    # An empty cell leaves the attribute alone.
    assert changed == tenure.essence(tenure.number(3)) | {"title": "Director", "userName": changed["userName"]}
    assert tenure.essence(scim.user("user000004@northwind.example")) == tenure.essence(tenure.number(4))


def test_json_lines_hold_whole_documents(server, tmp_path):
    workspace = server.workspace("Northwind Mills")
    people = [
        tenure.number(index)
        | {
            "addresses": [{"type": "work", "locality": "Łódź", "country": "PL"}],
            "phoneNumbers": [{"type": "work", "value": f"+48 42 555 {index:04}"}],
            "preferredLanguage": "pl-PL",
        }
        for index in range(200)
    ]
    report = workspace.json("import", write_lines(tmp_path / "people.jsonl", people))
    assert (report["created"], report["failed"]) == (200, 0)
    scim = server.scim(workspace.token())
    for person in people[:5]:
        user = scim.user(person["userName"])
        assert tenure.essence(user) == tenure.essence(person)
        assert user["addresses"] == person["addresses"]
        assert user["phoneNumbers"] == person["phoneNumbers"]


def test_columns_can_be_mapped(server, tmp_path):
    workspace = server.workspace("Northwind Mills")
    file = tmp_path / "people.csv"
    file.write_text(
        "\ufeffLogin;Kostenstelle;Geburtstag;Mail\nada@northwind.example;4711;1990-01-01;ada@mail.example\n",
        encoding="utf-8",
    )
    workspace.run(
        "import", file, "--delimiter", ";", "--map", "Geburtstag=-",
        "--map", f"Kostenstelle={tenure.ENTERPRISE}:costCenter",
    )
    ada = server.scim(workspace.token()).user("ada@northwind.example")
    assert ada[tenure.ENTERPRISE]["costCenter"] == "4711"
    assert ada["emails"][0]["value"] == "ada@mail.example"


def test_managers_may_come_later_in_the_file(server, tmp_path):
    workspace = server.workspace("Northwind Mills")
    file = tmp_path / "people.csv"
    file.write_text("userName,manager\nworker@northwind.example,boss@northwind.example\nboss@northwind.example,\n")
    workspace.run("import", file)
    scim = server.scim(workspace.token())
    boss, worker = (scim.user(f"{name}@northwind.example") for name in ("boss", "worker"))
    assert worker[tenure.ENTERPRISE]["manager"]["value"] == boss["id"]


def test_groups_come_with_a_file_of_memberships(server, tmp_path):
    workspace = server.workspace("Northwind Mills")
    people = write_csv(tmp_path / "people.csv", 20)
    groups = tmp_path / "groups.csv"
    names = [tenure.number(index)["userName"] for index in range(20)]
    groups.write_text("group,member\n" + "".join(f"Weavers,{name}\n" for name in names[:12]) + f"Dyers,{names[3]}\n")
    workspace.run("import", people, "--groups", groups)
    scim = server.scim(workspace.token())
    assert tenure.member_names(scim, scim.group("Weavers")) == names[:12]
    assert tenure.member_names(scim, scim.group("Dyers")) == [names[3]]


def test_clients_are_served_while_a_file_is_imported(server, tmp_path):
    workspace = server.workspace("Northwind Mills")
    scim = server.scim(workspace.token())
    file = write_csv(tmp_path / "people.csv", FEW)
    command = [tenure.binary(), "--data", server.data, "import", file, "--workspace", workspace.name, "--json"]
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=tenure.environment()
    )
    written = 0
    while process.poll() is None:
        scim.create("Users", tenure.number(written, prefix="client"))
        assert scim.user(tenure.number(written, prefix="client")["userName"])
        written += 1
    assert process.returncode == 0
    assert written > 0
    assert scim.total("Users") == FEW + written
