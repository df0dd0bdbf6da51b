"""The command line: ``python -m bot COMMAND``, also installed as ``suda``."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def root() -> None:
    """诉达 (Suda): tell a dispute, hand it to the right liaison point, hear how it ends."""


@app.command()
def chat(
    as_: Annotated[str, typer.Option("--as", help="consumer, staff:POINT or admin")] = "consumer",
    name: Annotated[str, typer.Option(help="the person's name")] = "",
) -> None:
    """Talk in the terminal, with no network."""
    from bot import app as house
    from bot.settings import load

    role, _, desk = as_.partition(":")
    names = {"consumer": "王阿姨", "staff": "陈老师", "admin": "管理员"}
    if role not in names:
        raise typer.BadParameter(as_)
    asyncio.run(house.chat(load(), role, name or names[role], desk))


def main() -> None:
    app()


if __name__ == "__main__":
    main()
