"""What a command costs before it runs: the policy's time on everyday commands and on hard ones.

python -m tests.bench.policy
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from axon.security.policy import Policy, Profile  # noqa: E402
from axon.security.secrets import Redactor  # noqa: E402
from tests.fuzz.policy import stage  # noqa: E402
from tests.policy_commands import CONTAINED, HOSTILE, STRICT, commands  # noqa: E402

ROUNDS = 20


def times(policy: Policy, texts: list[str]) -> list[float]:
    """Milliseconds of processor time for each check, many times over."""
    found = []
    for _ in range(ROUNDS):
        for text in texts:
            started = time.process_time()
            policy.check(text)
            found.append((time.process_time() - started) * 1000)
    return found


def told(name: str, found: list[float]) -> str:
    cuts = statistics.quantiles(found, n=100)
    return f"{name}: p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms, most {max(found):.1f} ms"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        contained = stage(Path(os.path.realpath(name)))
        strict = Policy(profile=Profile.STRICT, places=contained.places)
        contained.check("ls")
        print(told("policy, everyday commands, contained", times(contained, commands(CONTAINED))))
        print(told("policy, everyday commands, strict", times(strict, commands(STRICT))))
        print(told("policy, hostile commands, contained", times(contained, commands(HOSTILE))))
        large = [
            "cat > x <<'E'\n" + "line 'of' $text\n" * 3_500 + "E",
            "echo " + "x.y-z/" * 10_000,
            "echo '" + "x" * 60_000 + "'",
        ]
        print(told("policy, 64 KiB commands, contained", times(contained, large)))
    redactor = Redactor(f"secret-{number}-{'x' * 20}" for number in range(20))
    text = "an ordinary line of output: nothing to see\n" * 250_000
    started = time.process_time()
    redactor.text(text)
    spent = time.process_time() - started
    print(f"redaction, 20 live secrets: {len(text) / 1e6:.1f} MB in {spent:.2f} s")


if __name__ == "__main__":
    main()
