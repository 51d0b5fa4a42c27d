"""The Task_* tools: what any MCP client may ask of the ledger, and what it may change."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from axon.errors import NotFound
from axon.mcp import answers
from axon.mcp.answers import MOST, Caller
from axon.mcp.arguments import checked, schema
from axon.tasks import Priority, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`answer` takes checked arguments and returns what JSON can hold."""

    name: str
    description: str
    schema: dict[str, Any]
    answer: Callable[..., Any]
    reads: bool = True  # and changes nothing


def call(caller: Caller, name: str, arguments: dict[str, Any]) -> str:
    """The tool's answer as JSON text. AxonError: why it refuses, for the model to read."""
    tool = BY_NAME.get(name)
    if tool is None:
        raise NotFound(f"no tool {name}; use one of {', '.join(BY_NAME)}")
    answer = tool.answer(caller, **checked(tool.schema, arguments))
    return json.dumps(answer, ensure_ascii=False)


TEAM = {"type": "string", "description": "Team key, as ENG"}
PROJECT = {"type": "string"}
ISSUE = {"type": "string", "description": "Identifier, as ENG-12"}
TEXTS = {"type": "array", "items": {"type": "string"}}
LIMIT = {"type": "integer", "minimum": 1, "description": f"At most {MOST}"}
FACTS: dict[str, dict[str, Any]] = {
    "description": {"type": "string", "description": "What to do and what must be true then"},
    "project": PROJECT,
    "priority": {"type": "string", "enum": [priority.label for priority in Priority]},
    "type": {"type": "string"},
    "labels": TEXTS,
    "parent": ISSUE,
    "depends": TEXTS | {"description": "Identifiers of issues that must be done first"},
    "paths": TEXTS | {"description": "Globs of the files it may change"},
    "check": {"type": "string", "description": "Command whose exit code 0 proves it done"},
    "max_attempts": {"type": "integer", "minimum": 1},
    "max_usd": {"type": "number", "minimum": 0},
    "max_turns": {"type": "integer", "minimum": 1},
    "max_minutes": {"type": "number", "minimum": 0},
    "not_before": {"type": "string", "description": "ISO time before which nobody starts it"},
}
STATE = {"type": "string", "enum": [state.label for state in State]}

TOOLS: tuple[Tool, ...] = (
    Tool(
        name="Task_WhoAmI",
        description="Who you are to this ledger, and its teams.",
        schema=schema(),
        answer=answers.who_am_i,
    ),
    Tool(
        name="Task_ListTeams",
        description="The teams of this ledger.",
        schema=schema(),
        answer=answers.list_teams,
    ),
    Tool(
        name="Task_CreateIssue",
        description="Add an issue; it is Todo.",
        schema=schema({"title": {"type": "string"}}, {"team": TEAM, **FACTS}),
        answer=answers.create_issue,
        reads=False,
    ),
    Tool(
        name="Task_ListIssues",
        description="Issues as a JSON array, the most urgent first, then the oldest. Long texts"
        " are cut; Task_GetIssue has them whole.",
        schema=schema(
            {},
            {
                "team": TEAM,
                "state": STATE,
                "project": PROJECT,
                "limit": LIMIT,
                "offset": {"type": "integer", "minimum": 0},
            },
        ),
        answer=answers.list_issues,
    ),
    Tool(
        name="Task_GetIssue",
        description="Everything about one issue, its comments oldest first.",
        schema=schema({"issue_id": ISSUE}),
        answer=answers.get_issue,
    ),
    Tool(
        name="Task_UpdateIssue",
        description="Set fields of an issue; what is not named stays. `depends` is the whole list.",
        schema=schema({"issue_id": ISSUE}, {"title": {"type": "string"}, **FACTS}),
        answer=answers.update_issue,
        reads=False,
    ),
    Tool(
        name="Task_TransitionIssueState",
        description="Move an issue along its workflow (see Task_ListWorkflowStates). In Progress"
        " is refused when somebody has it, or when it waits for another issue. `why` also answers"
        " the question of a blocked one.",
        schema=schema({"issue_id": ISSUE, "target_state": STATE}, {"why": {"type": "string"}}),
        answer=answers.transition,
        reads=False,
    ),
    Tool(
        name="Task_AddComment",
        description="Say something about an issue.",
        schema=schema({"issue": ISSUE, "body": {"type": "string"}}),
        answer=answers.add_comment,
        reads=False,
    ),
    Tool(
        name="Task_ListWorkflowStates",
        description="All states, and which can follow which.",
        schema=schema({}, {"team": TEAM}),
        answer=answers.list_workflow_states,
    ),
    Tool(
        name="Task_GetStaleIssues",
        description="Issues in progress, in review or blocked without progress for long.",
        schema=schema({}, {"team": TEAM, "threshold_hours": {"type": "number", "minimum": 0}}),
        answer=answers.stale_issues,
    ),
    Tool(
        name="Task_GetProjectStats",
        description="Counts by state and priority, cost and tokens.",
        schema=schema({}, {"team": TEAM, "project": PROJECT}),
        answer=answers.project_stats,
    ),
    Tool(
        name="Task_GetSessionReport",
        description="The latest run, what its workers do now, and the newest agent sessions.",
        schema=schema({}, {"issue_id": ISSUE, "limit": LIMIT}),
        answer=answers.session_report,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}
