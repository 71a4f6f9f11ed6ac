"""`alphazero config [SECTION]`: every key of a training configuration, with its type, default, bounds and reason."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "section",
        nargs="?",
        default="",
        metavar="SECTION",
        help="a section such as search, or one key such as search.kind (default: all)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="print a JSON Schema of configuration files (configs/schema.json)"
    )
    form.add_argument("--markdown", action="store_true", help="print the page docs/configuration.md")


def run(args: argparse.Namespace) -> int:
    from alphazero.config.describe import as_markdown, as_text, schema_json
    from alphazero.errors import UserError

    if args.section and (args.json or args.markdown):
        raise UserError("config: --json and --markdown are about all sections; leave SECTION out")
    print(schema_json() if args.json else as_markdown() if args.markdown else as_text(args.section), end="")
    if not (args.json or args.markdown):
        print()
    return 0
