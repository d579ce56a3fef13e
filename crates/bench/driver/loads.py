"""One kind of request at a time, made by a process of its own, three times; the median counts."""

import json
import subprocess

import machine
import processes


class Load:
    """A server under load."""

    def __init__(self, scim, pid=None, seconds=2.0, runs=3):
        self.scim = scim
        self.pid = pid
        self.seconds = seconds
        self.runs = runs
        self.seed = 0

    def once(self, method, path, connections=16, **options):
        """One run; options are those of bench-load."""
        self.seed += 1
        named = {
            "url": self.scim.base,
            "token": self.scim.token,
            "method": method,
            "path": path,
            "connections": connections,
            "seconds": self.seconds,
            "seed": self.seed,
        } | {name: value for name, value in options.items() if value is not None}
        command = processes.helper("load")
        for name, value in named.items():
            option = "--" + name.replace("_", "-")
            command += [option] if value is True else [option, str(value)]
        before = machine.cpu_seconds(self.pid) if self.pid else 0
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"bench-load: {done.stderr}")
        result = json.loads(done.stdout)
        if 0 < result["requests"] == result["broken"]:
            raise RuntimeError(f"{self.scim.base} is gone: {result['first_wrong']}")
        if self.pid and result["requests"]:
            result["cpu_us"] = round((machine.cpu_seconds(self.pid) - before) * 1e6 / result["requests"], 1)
        return result

    def __call__(self, method, path, connections=16, each=None, **options):
        """Several runs; `each` gives options for a run by its number."""
        results = []
        for number in range(self.runs):
            more = each(number) if each else {}
            results.append(self.once(method, path, connections, **options | more))
        return median(results)


def median(results):
    """The middle run by rate, with the rates of all."""
    ordered = sorted(results, key=lambda result: result["rate"])
    middle = dict(ordered[len(ordered) // 2])
    middle["rates"] = [round(result["rate"], 1) for result in results]
    middle["wrong"] = sum(result["requests"] - result["good"] for result in results)
    middle["first_wrong"] = next((result["first_wrong"] for result in results if result["first_wrong"]), None)
    return middle
