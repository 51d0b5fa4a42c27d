"""What containment costs: to begin a session or a check, and for each thing done inside.

    python tests/bench/sandbox.py

Tiers and no tier take turns; medians count.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from axon.security.launcher import landlock
from axon.security.sandbox import Contained, choose
from tests.escapes.scene import Scene

STARTS = 25
ROUNDS = 7
# Seconds for each kind of thing, as a program inside sees them.
INSIDE = """
import json, os, socket, subprocess, sys, time
def cost(times, act):
    started = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - started) / times
def read():
    with open("a.txt", "rb") as file:
        file.read()
def connect():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))):
        pass
print(json.dumps({
    "run a program (a tool call)": cost(60, lambda: subprocess.run(["/bin/true"])),
    "git status": cost(10, lambda: subprocess.run(["git", "status"], stdout=subprocess.DEVNULL)),
    "open and read a file": cost(3000, read),
    "chmod": cost(500, lambda: os.chmod("a.txt", 0o644)),
    "connect": cost(200, connect),
}))
"""


def tiers(scene: Scene) -> dict[str, Contained]:
    found = {}
    for tier in ("bubblewrap", "landlock"):
        if tier == "bubblewrap" and not shutil.which("bwrap"):
            continue
        if tier == "landlock" and not landlock.abi():
            continue
        _, found[tier], _ = scene.workspace(scene.facts["tcp"], sandbox_tier=tier)
    first = next(iter(found.values()))
    return {"none": replace(first, sandbox=replace(first.sandbox, tier="none")), **found}


def run(scene: Scene, contained: Contained, words: list[str]) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(
        contained.around(words),
        cwd=contained.place.workspace,
        env=scene.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - started, done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="axon-bench-", dir="/var/tmp") as name:
        scene = Scene(Path(name) / "scene")
        scene.listen()
        ways = tiers(scene)
        costs: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for _ in range(STARTS):
            for tier, contained in ways.items():
                costs["begin a session or a check"][tier].append(
                    run(scene, contained, ["/bin/true"])[0]
                )
        for _ in range(ROUNDS):
            for tier, contained in ways.items():
                words = [sys.executable, "-c", INSIDE, str(scene.facts["tcp"])]
                for what, seconds in json.loads(run(scene, contained, words)[1]).items():
                    costs[what][tier].append(seconds)
        for what, found in costs.items():
            row = {tier: statistics.median(seconds) * 1000 for tier, seconds in found.items()}
            said = ", ".join(f"{tier} {value:.3f} ms" for tier, value in row.items())
            print(f"{what}: {said}")
        for tier in [tier for tier in ways if tier != "none"]:
            started = time.perf_counter()
            config = scene.workspace(sandbox_tier=tier)[0].config
            choose(config, scene.root, scene.root / ".git")
            print(f"try out {tier}, twice: {(time.perf_counter() - started) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
