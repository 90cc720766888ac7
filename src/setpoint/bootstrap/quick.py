"""What must not wait for the imports of the loop: going back."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from setpoint.config import Settings
from setpoint.loop.verbs.orders import order_back
from setpoint.platforms.local import LocalPlatform

if TYPE_CHECKING:
    from setpoint.store.bundles import FolderBundleStore


def go_back(settings: Settings, model: str, *, to: str | None, by: str) -> str | None:
    """Have an earlier version of a model answer again, see `order_back`; it is yet to be written down."""

    def bundles() -> "FolderBundleStore":
        from setpoint.store.bundles import FolderBundleStore  # with NumPy, and not needed for what is loaded
        from setpoint.store.signing import Signing

        signing = Signing(settings.home, settings.signatures, settings.trusted_keys)
        return FolderBundleStore(settings.home / "bundles", signing)

    return order_back(bundles, LocalPlatform(settings.home), model, to=to, by=by, now=datetime.now(UTC))
