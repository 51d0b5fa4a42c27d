"""Write all that was recorded of a session, with the payloads that were stored apart."""

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from axon.commands import harmless_json, print_json, print_text, write_whole
from axon.commands.logs import session_facts
from axon.commands.sessions.recording import events_of, session_of
from axon.config import Config
from axon.core.playback.document import as_json, as_markdown, whole
from axon.ledger import Ledger


def export(args: Namespace, config: Config, ledger: Ledger) -> int:
    session = session_of(ledger, args.id)
    output = Path(args.output) if args.output not in (None, "-") else None
    markdown = output is not None and output.suffix.lower() in (".md", ".markdown")
    kind = args.format or ("markdown" if markdown else "json")
    events = (whole(event, config.state_dir) for event in events_of(config, session))
    text: Iterable[str]
    if kind == "json":
        text = map(harmless_json, as_json(asdict(session), events))
    else:
        facts = [f"task {session.identifier}", *session_facts(session)]
        text = as_markdown(f"Session {session.id}", facts, events)
    if output is None:
        print_text(text)
        return 0
    write_whole(output, text, replace=args.force)
    if args.json:
        print_json({"file": str(output), "format": kind, "session": session.id})
    else:
        print(f"wrote {output}")
    return 0


ACTIONS = {"export": export}
