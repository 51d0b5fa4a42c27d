"""Go through a script: every simple command in it, wherever it stands, and every word."""

from collections.abc import Iterator

from axon.security.policy.tree import (
    Block,
    Case,
    Command,
    Compute,
    Condition,
    For,
    If,
    Script,
    Simple,
    Substitution,
    While,
    Word,
)


def commands(script: Script) -> Iterator[Command]:
    """Every command, those inside others and inside words too."""
    for pipeline, _ in script.items:
        for command in pipeline.commands:
            yield command
            for inner in scripts(command):
                yield from commands(inner)
            for word in words(command):
                for part in word:
                    if isinstance(part, Substitution):
                        yield from commands(part.script)


def scripts(command: Command) -> tuple[Script, ...]:
    """The scripts a compound command is made of."""
    match command:
        case Block() | For():
            return (command.body,)
        case While():
            return (command.condition, command.body)
        case If():
            found = [script for branch in command.branches for script in branch]
            return (*found, command.otherwise) if command.otherwise else tuple(found)
        case Case():
            return tuple(body for _, body, _ in command.branches)
    return ()


def words(command: Command) -> tuple[Word, ...]:
    """The words of a command itself."""
    targets = tuple(redirect.target for redirect in command.redirects)
    match command:
        case Simple():
            return (*(a.value for a in command.assignments), *command.words, *targets)
        case For():
            return (*(command.words or ()), *targets)
        case Case():
            patterns = (word for found, _, _ in command.branches for word in found)
            return (command.subject, *patterns, *targets)
        case Condition():
            return (*(t for t in command.tokens if not isinstance(t, str)), *targets)
        case Block() | If() | While() | Compute():
            return targets
