"""One message to one channel, through Apprise. Slow to import: only who sends or checks an address needs it."""

import logging
import threading
from typing import Any

import apprise
from apprise import conversion

from setpoint.domain.notice import Message, Severity
from setpoint.errors import InvalidInput
from setpoint.platforms.addresses import REFERENCE, scrubbed, shown, written_out

LIST = "https://github.com/caronc/apprise/wiki lists them"
TYPES = {
    None: apprise.NotifyType.SUCCESS,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.CRITICAL: apprise.NotifyType.FAILURE,
}
said = logging.getLogger("apprise")
said.propagate = False  # at its lower levels it writes whole addresses


def check_address(written: str, address: str) -> None:
    """Refuse an address that Apprise cannot use, or a secret that stands in setpoint.yaml itself.

    Raises
    ------
    InvalidInput
        Naming no more of it than may be shown.
    """
    plugin = _plugin(address)
    if plugin is None:
        raise InvalidInput(f"alerts.to: {shown(written)} is no address that Apprise can use; {LIST}")
    hidden = REFERENCE.search(written) is not None
    if written_out(written) or (not hidden and plugin.url(privacy=True) != plugin.url(privacy=False)):
        raise InvalidInput(
            f"alerts.to: this {written.partition('://')[0]}:// address has a secret written out; put the whole address "
            "into a variable of the environment, and write ${NAME} here"
        )


def _plugin(address: str) -> Any:
    asset = apprise.AppriseAsset(app_id="Setpoint", app_desc="Setpoint", async_mode=False)
    return apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True) if address else None


class Attempt(threading.Thread):
    """One message to one channel; `failure` says why it did not arrive. A daemon: nobody waits for it at the end."""

    def __init__(self, address: str, message: Message) -> None:
        super().__init__(name="alert", daemon=True)
        self._address, self._message = address, message
        self.failure = ""

    def run(self) -> None:
        heard = _Heard(threading.get_ident())
        said.addHandler(heard)
        try:
            if not self._send():
                self.failure = scrubbed("; ".join(heard.lines), self._address) or "it was not taken"
        except Exception as e:  # a hundred services' code: whatever it raises, the message did not arrive
            self.failure = scrubbed(f"{type(e).__name__}: {e}", self._address)
        finally:
            said.removeHandler(heard)

    def _send(self) -> bool:
        plugin, message = _plugin(self._address), self._message
        if plugin is None:
            self.failure = "its address is empty, or none that Apprise can use"
            return True
        kind, body = _written_for(plugin, message)
        # not through the collection of Apprise, whose threads a process would wait for at its end
        return bool(
            plugin.notify(title=message.title, body=body, body_format=kind, notify_type=TYPES[message.severity])
        )


def _written_for(plugin: Any, message: Message) -> tuple[apprise.NotifyFormat, str]:
    """Return the text in the form that a service takes first, and which form that is."""
    takes = plugin.notify_format
    kind = takes[0] if isinstance(takes, tuple | list) else takes
    match kind:
        case apprise.NotifyFormat.MARKDOWN:
            return kind, message.markdown
        case apprise.NotifyFormat.HTML:
            to_html: Any = conversion.convert_between
            return kind, str(to_html(apprise.NotifyFormat.MARKDOWN, kind, message.markdown))
    return apprise.NotifyFormat.TEXT, message.text


class _Heard(logging.Handler):
    """Keeps what one thread warns of."""

    def __init__(self, thread: int) -> None:
        super().__init__(logging.WARNING)
        self._thread = thread
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())
