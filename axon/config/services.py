"""Settings of the services outside: who is told, where, and of what."""

from typing import Any

from axon.config.model import ModelSettings
from axon.config.setting import setting
from axon.facts import dataclass

KINDS = ("started", "landed", "failed", "blocked", "finished", "digest", "alert")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class ServiceSettings(ModelSettings):
    """The part of Config that the courier is for."""

    telegram_token: str = setting(
        "telegram.token",
        "",
        "token of the Telegram bot that reports and takes commands",
        env="TELEGRAM_BOT_TOKEN",
        secret=True,
    )
    telegram_chats: str = setting(
        "telegram.chats",
        "",
        "ids of the chats it reports to and obeys, as numbers, separated by commas",
        env="TELEGRAM_CHAT_ID",
        widens=True,
    )
    telegram_senders: str = setting(
        "telegram.senders",
        "",
        "ids of the people it obeys there; empty: everybody in those chats",
        env="AXON_TELEGRAM_SENDERS",
    )
    telegram_events: tuple[str, ...] = setting(
        "telegram.events", KINDS, f"what it reports: {', '.join(KINDS)}"
    )
    telegram_url: str = setting(
        "telegram.api_url",
        "https://api.telegram.org",
        "address of the Bot API, for a server of your own",
        env="AXON_TELEGRAM_URL",
        own=True,  # it is sent the token
    )
    digest_hour: int = setting(
        "report.digest_hour",
        9,
        "hour of the day, by the clock of this host, of the daily digest; -1: none",
        env="DAILY_DIGEST_HOUR",
    )
    weekly_day: str = setting(
        "report.weekly_day",
        "monday",
        "day of the weekly summary, at the same hour; never: none",
        env="WEEKLY_SUMMARY_DAY",
    )
    webhook_secret: str = setting(
        "webhook.secret",
        "",
        "what webhooks are signed with (Standard Webhooks)",
        env="AXON_WEBHOOK_SECRET",
        secret=True,
    )
    github_token: str = setting(
        "github.token",
        "",
        "for pull requests and issues; never given to agents or checks",
        env="GITHUB_TOKEN",
        secret=True,
    )
    github_repo: str = setting(
        "github.repo",
        "",
        "OWNER/NAME, or its address on an enterprise host; empty: that of the remote origin",
        env="GITHUB_REPO",
        own=True,  # the token is sent there
    )
    github_base: str = setting(
        "github.base_branch",
        "",
        "branch pull requests are to be merged into; empty: the target",
        env="GITHUB_BASE_BRANCH",
    )
    github_reviewers: tuple[str, ...] = setting(
        "github.reviewers",
        (),
        "who is asked to review, and is listened to: logins, and teams as ORG/TEAM",
        env="GITHUB_REVIEWERS",
        widens=True,
    )
    github_labels: tuple[str, ...] = setting("github.labels", ("axon",), "labels of pull requests")
    github_issues: bool = setting(
        "github.issues_sync",
        False,
        "labelled issues become tasks; their state and comments flow back",
        env="GITHUB_ISSUES_SYNC",
        widens=True,
    )
    github_label: str = setting("github.issue_label", "axon", "label of the issues meant")
    github_poll_seconds: float = setting(
        "github.poll_seconds", 60.0, "how often a run asks what is new there"
    )
    github_actors: tuple[int, ...] = setting(
        "github.actors",
        (),
        "ids (numbers) of the users whose issues, comments and reviews count; empty: only the "
        "token's own user",
        env="GITHUB_ACTORS",
        own=True,
    )
    notify: dict[str, dict[str, Any]] = setting(
        "notify",
        {},
        "who else is told: a table each with url, command or desktop, see below",
        widens=True,
    )
