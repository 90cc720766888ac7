"""Who may speak over the control port, and where it may listen. Nothing heavy: `setpoint up` asks before it starts."""

from setpoint.config import Settings
from setpoint.errors import InvalidInput
from setpoint.platforms.loopback import is_loopback
from setpoint.store.people import People


def people_of(settings: Settings) -> People:
    """Return who may speak over the control API."""
    return People(settings.home)


def check_address(settings: Settings, host: str) -> None:
    """Refuse to open the control port to other machines while nobody has a key.

    Raises
    ------
    InvalidInput
        If others could reach the address, and nobody could show who they are.
    """
    if not is_loopback(host) and not people_of(settings).all():
        raise InvalidInput(
            f"--control-host {host} opens the control port to other machines, which takes keys, and nobody has one: "
            "`setpoint people add NAME` makes one; or leave --control-host at 127.0.0.1"
        )
