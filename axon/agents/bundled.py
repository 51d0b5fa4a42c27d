"""The agents axon brings along: what each is for, and the fewest tools it needs for that."""

from dataclasses import dataclass

from axon.agents import AgentSpec
from axon.config import INHERIT, Config
from axon.prompts import render

LOOK = ("Read", "Glob", "Grep")
WORK = ("Bash", *LOOK, "Write", "Edit")
DELEGATE = "Agent"
CHANGES = frozenset({"Bash", "Write", "Edit", "NotebookEdit"})  # tools that can change files
BUILT_IN = frozenset({*WORK, "NotebookEdit", "WebFetch", "WebSearch"})  # what agents may be given
TALK = (
    "read_task", "list_tasks", "comment", "create_followup",
    "transition", "message", "ask_person", "report_progress",
)  # fmt: skip
ORCHESTRATOR = "orchestrator"
WORKER = "worker"  # the one agent of a team's session; it has no subagents


def talk(*names: str) -> tuple[str, ...]:
    """The tools of axon's own server, as the model knows them."""
    return tuple(f"mcp__axon__{name}" for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """One of axon's own agents. Its prompt is `prompts/<name>.md`."""

    name: str
    description: str
    tools: tuple[str, ...]

    def model(self, config: Config) -> str:
        """As AgentSpec has it: empty when it is that of the session."""
        field = f"{self.name}_agent_model" if self.name != ORCHESTRATOR else "orchestrator_model"
        model: str = getattr(config, field)
        return "" if model == INHERIT else model

    def spec(self, config: Config, prompts: dict[str, str], **names: str) -> AgentSpec:
        return AgentSpec(
            name=self.name,
            description=self.description,
            prompt=render(self.name, prompts, **names),
            tools=self.tools,
            model=self.model(config),
        )


# It looks and checks, but cannot write: what it wants changed it has to delegate.
THE_ORCHESTRATOR = Bundled(
    name=ORCHESTRATOR,
    description="Works a task to its end by delegating to the other agents and checking "
    "what they report.",
    tools=(DELEGATE, "Bash", *LOOK, *talk(*TALK)),
)

# Nobody has the web and a shell or a pen: what a page says can change nothing by itself.
SUBAGENTS = (
    Bundled(
        name="task",
        description="Keeps the task ledger: sizes a task, splits one that is too large into "
        "follow-ups, records comments, finds duplicates and what blocks what. Changes no files. "
        "Use it before work on a large or unclear task.",
        tools=(*LOOK, *talk("read_task", "list_tasks", "comment", "create_followup")),
    ),
    Bundled(
        name="coding",
        description="Changes the code: features, bug fixes, refactorings, with their tests. Use "
        "it for every change of source files. Give it the task's identifier, what to change, "
        "where, and the check to run.",
        tools=(*WORK, *talk("read_task")),
    ),
    Bundled(
        name="reviewer",
        description="Judges a finished change with fresh eyes and changes nothing. Use it after "
        "the check is green and before the work ends. Give it the task's identifier and the "
        "list of changed files.",
        tools=(*LOOK, *talk("read_task")),
    ),
    Bundled(
        name="telegram",
        description="Writes short messages to the person who is away: results, trouble, a digest. "
        "Use it when something is worth a look at the phone. It looks up the tasks itself and "
        "knows nothing of the code.",
        tools=talk("read_task", "list_tasks"),  # and those of the server `telegram`
    ),
    Bundled(
        name="devops",
        description="Works on what builds, packs, ships and runs the project: CI, containers, "
        "scripts, dependencies, release and environment trouble. Use it for those files, and "
        "when a command fails for reasons outside the code.",
        tools=(*WORK, *talk("read_task")),
    ),
    Bundled(
        name="testing",
        description="Reproduces bugs, writes and runs tests, and checks for regressions; it "
        "changes tests only, never the code under test. Use it before new work on a shaky base, "
        "for missing tests, and to prove a change.",
        tools=(*WORK, *talk("read_task")),
    ),
    Bundled(
        name="security",
        description="Audits code, configuration and dependencies for holes and leaked secrets, "
        "and changes nothing. Use it when a change touches input, authentication, permissions, "
        "cryptography, file paths, commands or dependencies.",
        tools=("Bash", *LOOK, *talk("read_task")),
    ),
    Bundled(
        name="research",
        description="Answers a question from the code base, its history notes and the web, with "
        "sources, and changes nothing. Use it before deciding on an unfamiliar library, format, "
        "error or part of the code.",
        tools=(*LOOK, "WebFetch", "WebSearch"),
    ),
    Bundled(
        name="planner",
        description="Turns a goal into a plan: steps or tasks in order, files each may touch, "
        "acceptance criteria and checks. Changes nothing. Use it before work that takes more "
        "than one sitting or crosses several parts of the code.",
        tools=(*LOOK, *talk("read_task", "list_tasks")),
    ),
)


def named(name: str) -> Bundled | None:
    found = (agent for agent in (THE_ORCHESTRATOR, *SUBAGENTS) if agent.name == name)
    return next(found, None)
