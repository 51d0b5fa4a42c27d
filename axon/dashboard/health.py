"""What takes no time of what `axon health` looks at; nothing of it is needed to start."""

import time
from dataclasses import asdict
from typing import Any

from axon.dashboard.desk import Desk
from axon.monitoring.health.books import ledger_readable, team
from axon.monitoring.health.check import Check, CheckState, looked
from axon.security.sandbox import Containment
from axon.team.health import fast_probes
from axon.team.health.probes import containment
from axon.team.status import concerns_now, latest_run


def health_view(desk: Desk) -> dict[str, Any]:
    check, contained = _containment(desk)
    checks = [
        ledger_readable(desk.ledger),
        _team(desk),
        check,
        *(looked(probe) for probe in fast_probes(desk.page.config)),
    ]
    return {
        "ok": all(check.state is not CheckState.FAIL for check in checks),
        "checks": [check.view for check in checks],
        "containment": asdict(contained) if contained else None,
    }


def _containment(desk: Desk) -> tuple[Check, Containment | None]:
    """It is tried, so it is found out only once."""
    if desk.shared.containment is None:
        desk.shared.containment = containment(desk.page.config)
    return desk.shared.containment


def _team(desk: Desk) -> Check:
    page, ledger = desk.page, desk.ledger
    sessions, hours = page.state_dir / "sessions", page.config.stale_hours
    return team(latest_run(ledger), concerns_now(ledger, sessions, time.time(), hours))
