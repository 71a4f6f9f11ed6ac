"""`alphazero serve`: a page in the browser to play, analyse, watch runs and look through tournaments."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=arguments.whole(0, 65535), default=8400, help="port (default 8400; 0: any free one)"
    )
    parser.add_argument(
        "--host",
        type=str,
        default="127.0.0.1",
        help="address to listen on (default 127.0.0.1: this machine alone; elsewhere the address has a token)",
    )
    parser.add_argument(
        "--run",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a run directory, or a tournament's or match's; may be repeated. Nothing else is read",
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")


def run(args: argparse.Namespace) -> int:
    from alphazero.errors import UserError

    try:
        from alphazero.web.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "websockets", "anyio", "zstandard"):
            raise
        raise UserError(f"serve needs {error.name}: pip install 'alphazero-engine[web]'") from error
    serve(args.host, args.port, args.run, open_browser=args.open)
    return 0
