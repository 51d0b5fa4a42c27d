"""A file per subcommand; each has `configure(parser)` and `run(args, config)`."""

import json
from argparse import ArgumentParser
from typing import Any


def add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON with stable keys")


def print_json(data: Any) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))
