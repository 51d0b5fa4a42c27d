"""One real request to the model, on the whole way that a run takes: sandbox, CLI, gateway."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from axon.config import Config
from axon.core.session import run_session
from axon.engines import SessionRequest, SessionResult
from axon.engines.claude import ClaudeEngine
from axon.errors import EngineError, EngineFault
from axon.gateway.login import first_party, login_environment
from axon.gateway.server import Gateway
from axon.ledger import Ledger, Session, open_ledger
from axon.monitoring.health.check import Check, good, skipped
from axon.monitoring.health.engine import trial_settings
from axon.monitoring.preflight import Ready, check_engine
from axon.security.sandbox import Place, trial_folder
from axon.tasks import Claim, Draft
from axon.team.environment import own_environment, tool_environment, without_secrets
from axon.team.project import open_project
from axon.team.roles import sandbox_of

SECONDS = 90.0
TITLE = "axon health"
PROMPT = f"This is {TITLE}: it only tries the way to you. Answer with the one word ok."


def ask_model(config: Config, say: Callable[[str], None]) -> Check:
    """EngineError says what went wrong on the way, in the gateway's words where it has some."""
    if config.engine == "command":
        return skipped("request", "what the command asks of a model is its own")
    if config.upstream:
        return skipped("request", f"the model is {config.upstream}, not a real one")
    ready = check_engine(config, say, thorough=False)
    began = time.monotonic()
    with trial_folder() as folder, _ledger(Path(folder, "ledger")) as ledger:
        token, session = _session(ledger, config)
        with _gateway(config, ready, Path(folder, "ledger")) as port:
            request = _request(config, ready, Path(folder).resolve(), token, port)
            assert ready.cli is not None
            result = run_session(
                ClaudeEngine(ready.cli), request, saw=lambda event: None, ended=lambda: False
            )
        took = time.monotonic() - began
        _refuse_fault(ledger, result)
        known = ledger.session(session)
    cost = f", ${known.cost_usd:.4f}" if known.cost_usd is not None else ""
    used = f" ({known.tokens:,} tokens{cost})" if known.tokens else ""
    return good("request", f"{config.model} answered in {took:.1f} s{used}")


@contextmanager
def _ledger(folder: Path) -> Iterator[Ledger]:
    """One of its own: the project's history is not for this."""
    folder.mkdir()
    with closing(open_ledger(f"file:{folder / 'ledger.db'}", create=True)) as ledger:
        yield ledger


def _session(ledger: Ledger, config: Config) -> tuple[str, str]:
    """The token that opens the gateway, and the session it belongs to."""
    ledger.add([Draft(title=TITLE)])
    task = ledger.claim(worker="health", run="", lease_seconds=10 * SECONDS)
    assert task is not None
    claim = Claim(identifier=task.identifier, token=task.token, worker="health", run="")
    session = Session(
        id="health",
        identifier=task.identifier,
        attempt=task.token,
        run="",
        worker="health",
        engine="claude",
        model=config.model,
    )
    token = secrets.token_urlsafe(32)
    token_hash = hashlib.sha256(token.encode()).hexdigest()
    ledger.start_session(session, token_hash=token_hash, claim=claim)
    return token, session.id


@contextmanager
def _gateway(config: Config, ready: Ready, folder: Path) -> Iterator[int]:
    """Its port; 0: the CLI finds its own way."""
    if ready.login != "gateway":
        yield 0
        return
    url = f"file:{folder / 'ledger.db'}"
    settings = replace(trial_settings(config), ledger_url=url, retry_seconds=())
    settings = replace(settings, header_seconds=SECONDS, idle_seconds=SECONDS, run="")
    made = Gateway(settings, lambda: open_ledger(url))
    made.start()
    try:
        yield made.port
    finally:
        made.close()


def _request(config: Config, ready: Ready, top: Path, token: str, port: int) -> SessionRequest:
    place = Place(workspace=top / "work", home=top / "home", temporary=top / "tmp")
    for folder in place.folders:
        Path(folder).mkdir()
    sandbox = replace(sandbox_of(config, open_project(config), ready), gateway=port)
    safe = without_secrets(config, own_environment(config))
    environment = tool_environment(safe, place.home, place.temporary)
    if port:
        url = f"http://127.0.0.1:{port}"
        environment |= {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": token}
        if first_party(config):
            environment["_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL"] = "1"
    else:
        environment |= login_environment(config)
    return SessionRequest(
        prompt=PROMPT,
        cwd=place.workspace,
        home=place.home,
        temporary=place.temporary,
        environment=environment,
        task_file=place.home / "task.json",
        identifier="ENG-1",
        title=TITLE,
        model=config.model,
        tools=("Read",),
        max_turns=1,
        max_seconds=SECONDS,
        contained=sandbox.at(place),
    )


def _refuse_fault(ledger: Ledger, result: SessionResult) -> None:
    if result.fault is None:
        return
    said = [event.why for event in ledger.events(limit=100) if event.action == "session_fault"]
    why = (said or [result.message or "the session ended without an answer"])[-1]
    fix = "check the key and its credit" if result.fault is EngineFault.AUTH else "try again"
    raise EngineError(
        f"no answer of {result.fault}: {why.replace('; ', ', ')}; {fix}", result.fault
    )
