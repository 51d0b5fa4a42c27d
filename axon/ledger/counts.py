"""Sums over the whole ledger that every last event of a transaction carries, each by its place."""

from axon.tasks import State

# What `Tx.counts` holds, in this order; an event keeps them as numbers with a sum behind them.
TASKS = 0
STATES = {state.value: number for number, state in enumerate(State, start=1)}
SCOPED_READY = len(STATES) + 1  # tasks to do that are ready, but declare paths
HELD = SCOPED_READY + 1  # tasks to do that wait for others
DATED = HELD + 1  # for their not_before
BACKING_OFF = DATED + 1  # after a failure
SCOPED = BACKING_OFF + 1  # tasks in progress that declare paths
RUNS = SCOPED + 1
SESSIONS = RUNS + 1
PAUSES = SESSIONS + 1  # 1 while one is set
LEASES = PAUSES + 1
LAST_TASK = LEASES + 1  # the greatest id a task ever had
LENGTH = LAST_TASK + 1

NAMES = (
    "tasks", *STATES, "ready with paths", "held", "dated", "backing off", "running with paths",
    "runs", "sessions", "pauses", "leases", "last_task",
)  # fmt: skip
