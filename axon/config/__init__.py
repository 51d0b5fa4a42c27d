"""Every setting with its default, and where its effective value came from.

Order, later wins: default, `axon.toml`, `.env` of the project, environment, flag. This is the
only room that reads the environment.
"""

from axon.config.declared import CREDENTIALS, MODEL_VARIABLES, Config, settings
from axon.config.sources import (
    find_root,
    inherited,
    load_config,
    read_dotenv,
    rereader,
    scrub_environment,
)
from axon.config.values import ALIASES, INHERIT, check_model

__all__ = [
    "ALIASES",
    "CREDENTIALS",
    "INHERIT",
    "MODEL_VARIABLES",
    "Config",
    "check_model",
    "find_root",
    "inherited",
    "load_config",
    "read_dotenv",
    "rereader",
    "scrub_environment",
    "settings",
]
