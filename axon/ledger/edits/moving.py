"""Moves that people make, many tasks at once, and the questions that agents ask them."""

from collections.abc import Sequence
from dataclasses import replace

from axon.errors import BadMove, UsageError
from axon.ledger import backlog, byhand
from axon.ledger.edits import journal
from axon.ledger.edits.fields import rows_of
from axon.ledger.moves import MAX_TEXT, held, step
from axon.ledger.remarks import remark
from axon.ledger.rows import Row, fetch, save
from axon.ledger.transaction import Tx
from axon.tasks import MOVES, Claim, State, Task
from axon.tasks.text import clean, shortened


def change_all(
    tx: Tx, identifiers: Sequence[str], action: str, *, why: str, actor: str
) -> list[Task]:
    rows = rows_of(tx, identifiers)
    change = journal.begin(tx, action, actor)
    for row in rows:
        backlog.change(tx, row.task.identifier, action, why=why, actor=actor)
        _keep(tx, change, row)
    journal.seal(tx, change)
    return [fetch(tx, row.task.identifier).task for row in rows]


def move_all(
    tx: Tx, identifiers: Sequence[str], target: State, *, why: str, actor: str
) -> list[Task]:
    rows = rows_of(tx, identifiers)
    change = journal.begin(tx, f"move to {target.label}", actor)
    for row in rows:
        _refuse_blind(row, target)
        byhand.move(tx, row.task.identifier, target, why=why, actor=actor)
        _keep(tx, change, row)
    journal.seal(tx, change)
    return [fetch(tx, row.task.identifier).task for row in rows]


def _refuse_blind(row: Row, target: State) -> None:
    """What a worker or a person must say along with the move cannot be left out."""
    task = row.task
    if task.state is target:
        raise BadMove(f"{task.identifier} is {target.label} already")
    if task.state is State.BLOCKED and target is State.TODO and task.question:
        raise BadMove(
            f"{task.identifier} asks a question; answer it: axon task answer {task.identifier} TEXT"
        )
    if row.lease_boot and target is State.REVIEW:
        raise BadMove(
            f"{task.owner} works on {task.identifier} and hands it in itself; to stop that,"
            " cancel it"
        )


def ask(tx: Tx, claim: Claim, question: str) -> Task:
    row = held(tx, claim)
    question = shortened(_said(question, "the question is empty; ask something"), MAX_TEXT)
    remark(tx, row.task.identifier, at=tx.now, actor=claim.worker, body=question)
    return step(tx, row, "ask", actor=claim.worker, why=question, question=question).task


def answer(tx: Tx, identifier: str, text: str, *, actor: str) -> Task:
    (row,) = rows_of(tx, [identifier])
    text = shortened(_said(text, "the answer is empty; say something"), MAX_TEXT)
    if (row.task.state, "answer") not in MOVES:
        raise BadMove(
            f"cannot answer {row.task.identifier}: it is {row.task.state.label} and asks nothing;"
            " axon task comment says something about it"
        )
    change = journal.begin(tx, "answer", actor)
    said = f"Question: {row.task.question}\n" if row.task.question else ""
    answers = "\n\n".join(filter(None, (row.task.answers, f"{said}Answer: {text}")))
    remark(tx, row.task.identifier, at=tx.now, actor=actor, body=text)
    step(
        tx,
        row,
        "answer",
        actor=actor,
        why=text,
        hidden={"backoff_boot": "", "backoff_until": 0.0},
        answers=answers[-MAX_TEXT:],
    )
    _keep(tx, change, row)
    journal.seal(tx, change)
    return fetch(tx, row.task.identifier).task


def _keep(tx: Tx, change: int, row: Row) -> None:
    """In the journal, and as a change that editors of the task must know of."""
    after = fetch(tx, row.task.identifier).task
    save(tx, after, replace(after, version=after.version + 1), {})
    journal.keep(tx, change, row, after)


def _said(text: str, otherwise: str) -> str:
    text = clean(text).strip()
    if not text:
        raise UsageError(otherwise)
    return text
