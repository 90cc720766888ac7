"""Look into skops files."""

from collections.abc import Sequence
from pathlib import Path

from setpoint.errors import Unsafe
from setpoint.govern.archives import check_zip
from setpoint.govern.known import is_known
from setpoint.govern.words import refuse_strangers


def scan(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the types that a skops file holds beyond those skops itself trusts; Unsafe if one is not known."""
    types = _types(path)
    refuse_strangers(path.name, {t for t in types if not is_known(t, allow)})
    return types


def _types(path: Path) -> tuple[str, ...]:
    import skops.io  # loads every estimator of scikit-learn, which other formats need not wait for

    check_zip(path)
    try:
        return tuple(skops.io.get_untrusted_types(file=path))
    except Exception as e:  # a strange schema can fail anywhere in skops
        raise Unsafe(f"{path.name} cannot be read as a skops file ({type(e).__name__}: {str(e)[:200]})") from e
