"""Runs what is asked for and writes results.json and results.md. `scripts/bench --help` tells the options."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import engine
import machine
import processes
import protocol
import report


def numbers(text):
    return [int(part) for part in text.split(",") if part]


def settings():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures speed and memory of a release build.")
    parser.add_argument("what", nargs="?", choices=["all", "protocol", "engine"], default="all")
    parser.add_argument("--users", type=numbers, help="how many users, such as 1000,10000,100000 (the default)")
    parser.add_argument("--full", action="store_true", help="1,000,000 users, too (an hour or more)")
    parser.add_argument(
        "--quick", action="store_true", help="a short look: up to 10,000 users, one run of half a second each"
    )
    parser.add_argument("--no-peers", action="store_true", help="only Tenure")
    parser.add_argument("--peers", type=numbers, default=[1000, 10000], help="how many users the others get")
    parser.add_argument("--no-postgres", action="store_true", help="only SQLite")
    parser.add_argument("--seconds", type=float, help="length of one run (2)")
    parser.add_argument("--runs", type=int, help="runs of each load (3)")
    parser.add_argument("--groups", type=numbers, default=[1000, 10000, 100000], help="sizes of groups")
    parser.add_argument("--changes", type=int, default=100, help="changes whose way to the target is timed")
    parser.add_argument("--fill-s", type=int, default=300, help="longest time to fill a server of others")
    parser.add_argument("--slow-s", type=int, default=60, help="longest time to fill a group, or for a slow load")
    parser.add_argument("--out", type=Path, default=processes.TARGET.parent / "bench", help="folder of the results")
    chosen = parser.parse_args()
    chosen.seconds = chosen.seconds or (0.5 if chosen.quick else 2.0)
    chosen.runs = chosen.runs or (1 if chosen.quick else 3)
    if chosen.users is None:
        chosen.users = [1000, 10000] if chosen.quick else [1000, 10000, 100000] + ([1000000] if chosen.full else [])
    if chosen.quick:
        chosen.changes = min(chosen.changes, 10)
    return chosen


def save(results, folder):
    results["goals"] = report.goals(results)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "results.md").write_text(report.markdown(results))


def measure_protocol(results, chosen, scratch):
    found = results["protocol"] = {"SQLite": {}}
    for users in chosen.users:
        found["SQLite"][str(users)] = protocol.tenure("SQLite", users, scratch, chosen)
        shutil.rmtree(scratch / f"SQLite-{users}")
        save(results, chosen.out)
    database = os.environ.get("TENURE_TEST_POSTGRES")
    if database and not chosen.no_postgres:
        found["PostgreSQL"] = {}
        for users in chosen.users:
            found["PostgreSQL"][str(users)] = protocol.tenure("PostgreSQL", users, scratch, chosen, database)
            save(results, chosen.out)
    if not chosen.no_peers:
        for name, start in processes.peers().items():
            found[name] = protocol.peer(name, start, chosen.peers, scratch, chosen)
            save(results, chosen.out)


def measure_engine(results, chosen, scratch):
    results["engine"] = {}
    for users in chosen.users:
        if users >= 10_000 or chosen.quick:
            results["engine"][str(users)] = engine.run(users, scratch, chosen)
            shutil.rmtree(scratch / f"engine-{users}")
            save(results, chosen.out)


def main():
    chosen = settings()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Beside the results and not in /tmp, which may be no disk at all.
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scratch.", dir=chosen.out) as folder:
        scratch = Path(folder)
        results = {"machine": machine.describe(scratch)}
        print(json.dumps(results["machine"]), flush=True)
        if chosen.what in ("all", "protocol"):
            measure_protocol(results, chosen, scratch)
        if chosen.what in ("all", "engine"):
            measure_engine(results, chosen, scratch)
        results["machine"]["load_at_end"] = machine.load()
        save(results, chosen.out)
    print(f"\n{(chosen.out / 'results.md').read_text()}\nwritten to {chosen.out}")


main()
