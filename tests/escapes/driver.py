"""Make a scene and act in it as whichever user runs this: python -m tests.escapes.driver ACT …"""

import subprocess
import sys
from dataclasses import replace
from typing import Any

from axon.security.sandbox import Contained
from tests.escapes.scene import Scene, main

# What a coding agent does all day must work inside.
DAILY = r"""
set -e
echo x > made; chmod +x made; chmod 700 "$TMPDIR"; touch -d 2020-01-01 made; cp -p made made2
mkdir -p d/e; mv made2 d/e/moved; ln -s d link; ln made hard; rm hard
cat /dev/null; head -c 4 /dev/urandom > /dev/null; cat a.txt > /dev/stdout; echo e > /dev/stderr
git add -A; git -c user.name=A -c user.email=a@b commit -qm work
echo y >> made; git stash -q; git stash pop -q; git checkout -q -- made
git gc -q; git log --oneline; git branch other; git status --short
printf 'all: out\nout:\n\techo built > out\n' > Makefile; make -s
printf 'int main(void){return 0;}\n' > m.c; if command -v cc >/dev/null; then cc m.c -o m; ./m; fi
if command -v node >/dev/null; then node -e 'require("child_process").execSync("true")'; fi
tar cf t.tar d && mkdir x && tar xf t.tar -C x
python3 - <<'END'
import os, socket, subprocess, sys, tempfile, threading
with tempfile.NamedTemporaryFile() as file:
    os.chmod(file.name, 0o640)
path = os.environ["TMPDIR"] + "/s"
server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()
client = socket.socket(socket.AF_UNIX); client.connect(path)
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
os.killpg(child.pid, 9); child.wait()
for ask in ("os.kill(os.getpid(), 15)", "os.abort()", "signal.raise_signal(10)",
            "os.kill(0, 15)", "signal.pidfd_send_signal(os.pidfd_open(os.getpid()), 15)"):
    words = [sys.executable, "-c", f"import os, signal; {ask}"]
    assert subprocess.run(words, start_new_session=True).returncode in (-15, -6, -10), ask
child = subprocess.Popen(["sleep", "60"]); child.terminate(); child.wait()
assert os.listdir("/proc/self/fd")
END
"""
GATEWAY = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5) as found:
    found.close()
"""


def attack(scene: Scene, settings: dict[str, Any]) -> dict[str, Any]:
    scene.listen()
    abi = settings.pop("abi", None)
    _, contained, place = scene.workspace(**settings)
    contained = _older(contained, abi)
    return scene.attack(contained, place)


def work(scene: Scene, settings: dict[str, Any]) -> dict[str, Any]:
    """Everyday work, and the way to the model under the narrowest policy."""
    scene.listen()
    gateway = scene.facts["tcp"]
    abi = settings.pop("abi", None)
    _, contained, place = scene.workspace(gateway, **settings)
    contained = _older(contained, abi)
    environment = {**scene.environ, "HOME": str(place.home), "TMPDIR": str(place.temporary)}
    outcome: dict[str, Any] = {}
    for name, words in {
        "daily": ["/bin/sh", "-c", DAILY],
        "gateway": [sys.executable, "-c", GATEWAY, str(gateway)],
        "code": ["/bin/sh", "-c", "exit 7"],
        "environment": ["/usr/bin/env"],
    }.items():
        done = subprocess.run(
            contained.around(words),
            cwd=place.workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        outcome[name] = [done.returncode, done.stdout[-3000:], done.stderr[-2000:]]
    return outcome


def _older(contained: Contained, abi: int | None) -> Contained:
    """As on a kernel with this version of Landlock, if one is given."""
    if abi is None:
        return contained
    return replace(contained, sandbox=replace(contained.sandbox, abi=abi))


if __name__ == "__main__":
    main({"attack": attack, "work": work}[sys.argv[1]])
