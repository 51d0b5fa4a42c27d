"""Tell the day or the week in a few lines, here, or to everybody who is told digests."""

import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import closing

from axon.commands import add_json, add_ledger, add_trust, ledger_of, print_json, print_text
from axon.config import Config
from axon.team.reports.digest import Span, digest_notice, digest_of, digest_text


def configure(parser: ArgumentParser) -> None:
    span = parser.add_mutually_exclusive_group()
    span.add_argument("--daily", action="store_true", help="the last 24 hours (the default)")
    span.add_argument("--weekly", action="store_true", help="the last seven days")
    parser.add_argument(
        "--send", action="store_true", help="to Telegram and the others, once for each day or week"
    )
    parser.add_argument("--again", action="store_true", help="send it though it was sent before")
    add_ledger(parser)
    add_trust(parser)
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    span: Span = "weekly" if args.weekly else "daily"
    with closing(ledger_of(config)) as ledger:
        digest = digest_of(ledger, span, time.time(), config.root.name)
        sent = []
        if args.send or args.again:
            from axon.security.trust import allowed_only
            from axon.team.courier.roles import office_of
            from axon.team.reports.sending import send_report

            config, notices = allowed_only(config)
            for notice in notices:
                print(f"axon: {notice}", file=sys.stderr)
            office = office_of(config, "")
            sent = send_report(ledger, office, digest_notice(digest), again=args.again)
    if args.json:
        results = [{"channel": s.channel, "sent": s.sent, "said": s.said} for s in sent]
        print_json(digest.view() | {"sent": results})
    else:
        title, body = digest_text(digest)
        print_text([f"{title}\n{body}\n"])
        sys.stdout.flush()
        for one in sent:
            print(f"axon: {one.line}", file=sys.stderr)
    return 0 if all(one.sent for one in sent) else 1
