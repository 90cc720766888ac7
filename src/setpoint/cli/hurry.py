"""`setpoint rollback` before anything large is imported: a third of the time until the bad version is silent was that.

Only what is plain is done here: the command spelt out, and a version that every worker holds ready. The command itself
runs afterwards in any case: it finds the order given, or does all of it, and says what is wrong.
"""

import getpass
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from setpoint.domain.value import value
from setpoint.errors import SetpointError, Unusable
from setpoint.loop.verbs.orders import order_back
from setpoint.platforms.local import LocalPlatform

OPTIONS = ("--to", "--by")


@value
class Asked:
    """A plain `setpoint rollback MODEL [--to VERSION] [--by NAME]`."""

    model: str
    to: str | None
    by: str | None


def hurry(arguments: Sequence[str]) -> str | None:
    """Have the standby of a model answer, if that is all that was asked for; return the version that was ordered."""
    asked, home = plain(arguments), _home()
    if asked is None or home is None or not (home / "live.json").is_file():
        return None
    platform, now = LocalPlatform(home), datetime.now(UTC)
    try:
        by = asked.by or getpass.getuser()
        return order_back(_not_here, platform, asked.model, to=asked.to, by=by, now=now)
    except Unusable:  # a worker did not follow in time: what was ordered stands all the same
        order = platform.live().orders.get(asked.model)
        return order.version if order is not None and order.at == now else None
    except (SetpointError, KeyError, OSError):
        return None  # the command says it


def plain(arguments: Sequence[str]) -> Asked | None:
    """Return what was asked for; None for anything but a model and known options, each with a value apart."""
    words, given = list(arguments), dict[str, str]()
    for option in OPTIONS:
        if words.count(option) == 1 and (at := words.index(option)) + 1 < len(words):
            given[option] = words[at + 1]
            del words[at : at + 2]
    if len(words) != 1 or any(text.startswith("-") for text in (*words, *given.values())):
        return None
    return Asked(model=words[0], to=given.get("--to"), by=given.get("--by"))


def _home() -> Path | None:
    """Return the home as `Settings` finds it; None where it is spelt in more than one way."""
    named = [text for name, text in os.environ.items() if name.upper() == "SETPOINT_HOME"]
    if len(named) > 1:
        return None
    return Path(named[0]) if named else Path.home() / ".local" / "share" / "setpoint"


def _not_here() -> NoReturn:
    raise SetpointError("a bundle must be read for it")
