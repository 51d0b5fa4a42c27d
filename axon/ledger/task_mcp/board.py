"""The task server's tools as axon uses them."""

from dataclasses import field
from typing import Any

from axon.facts import dataclass
from axon.ledger.task_mcp.client import McpClient
from axon.ledger.task_mcp.faults import Refusal, Unreachable
from axon.ledger.task_mcp.issues import (
    Issue,
    arguments_for,
    issue_of,
    issues_of,
    name_for,
)
from axon.tasks import Draft, State, Task

PAGE = 100
MOST_PAGES = 50


@dataclass(slots=True)
class Board:
    """One team's issues on one server."""

    client: McpClient
    team: str
    _states: tuple[str, ...] | None = field(default=None, init=False)

    def todo(self) -> tuple[list[Issue], bool]:
        """Issues to do, and whether these are all of them."""
        wanted = {"team": self.team, "state": self.name_of(State.TODO)}
        taken = self.client.arguments_of("Task_ListIssues")
        found: dict[str, Issue] = {}
        for number in range(MOST_PAGES):
            extra = {"limit": PAGE, "offset": number * PAGE}
            words = wanted | {name: n for name, n in extra.items() if name in taken}
            page = issues_of(self.client.call("Task_ListIssues", words))
            fresh = {issue.remote: issue for issue in page if issue.remote not in found}
            found |= fresh
            if len(page) < PAGE or not fresh:
                break
        whole = "offset" in taken or len(found) < PAGE
        return [issue for issue in found.values() if issue.state is State.TODO], whole

    def issue(self, remote: str) -> Issue:
        """Refusal: the server has none of that name."""
        return issue_of(self.client.call("Task_GetIssue", {"issue_id": remote}))

    def comment(self, remote: str, body: str) -> None:
        self.client.call("Task_AddComment", {"issue": remote, "body": body})

    def move(self, remote: str, state: State, why: str = "") -> str:
        """The state's name as the server has it then. Refusal: it does not allow that."""
        name = self.name_of(state)
        words: dict[str, Any] = {"issue_id": remote, "target_state": name}
        if why and "why" in self.client.arguments_of("Task_TransitionIssueState"):
            words["why"] = why
        answer = self.client.call("Task_TransitionIssueState", words)
        try:
            return issue_of(answer).state_name or name
        except Unreachable:
            return name  # it says that it is done, and nothing more

    def create(self, draft: Draft | Task) -> Issue:
        """Not tried again when it is unknown whether it was done."""
        taken = self.client.arguments_of("Task_CreateIssue")
        said = arguments_for(draft, taken).items()
        words = {name: value for name, value in said if value not in (None, "", [])}
        words["team"] = draft.team or self.team
        return issue_of(self.client.call("Task_CreateIssue", words, tries=1))

    def update(self, remote: str, task: Task, names: list[str]) -> None:
        taken = self.client.arguments_of("Task_UpdateIssue") & set(names)
        if words := arguments_for(task, taken):
            self.client.call("Task_UpdateIssue", {"issue_id": remote, **words})

    def name_of(self, state: State) -> str:
        """What the server calls our state."""
        return name_for(state, self.states())

    def states(self) -> tuple[str, ...]:
        """The names of its states; nothing when it does not tell."""
        if self._states is None:
            try:
                answer = self.client.call("Task_ListWorkflowStates", {"team": self.team})
            except Refusal:
                answer = []
            listed = answer.get("states") if isinstance(answer, dict) else answer
            self._states = tuple(
                name
                for item in (listed if isinstance(listed, list) else [])
                if (name := item.get("name") if isinstance(item, dict) else item)
                and isinstance(name, str)
            )
        return self._states

    def close(self) -> None:
        self.client.close()
