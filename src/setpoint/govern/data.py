"""Model files that are data alone, boosters' own formats: known by their first bytes, and bounded."""

from collections.abc import Sequence
from pathlib import Path

from setpoint.errors import Unsafe

MAX_BYTES = 4 * 2**30
HEAD = 4096
LIGHTGBM, XGBOOST, CATBOOST, JSON = "LightGBM", "XGBoost", "CatBoost", "JSON"
FORMS = {
    ".txt": LIGHTGBM,
    ".lgb": LIGHTGBM,
    ".ubj": XGBOOST,
    ".json": JSON,
    ".xgb": XGBOOST,
    ".cbm": CATBOOST,
    ".cb": CATBOOST,
}
SAVED = {
    LIGHTGBM: "booster.save_model('model.txt')",
    XGBOOST: "booster.save_model('model.ubj')",
    CATBOOST: "model.save_model('model.cbm')",
    JSON: "booster.save_model('model.json') of XGBoost, or CatBoost's model.save_model('model.json', format='json')",
}


def scan(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Check that a booster's file is of the form its suffix says, and not too large; nothing in it can act.

    Raises
    ------
    Unsafe
        If it is anything else: a pickle under another name, say.
    """
    form, size = FORMS[path.suffix.lower()], path.stat().st_size
    if size > MAX_BYTES:
        raise Unsafe(f"{path.name} has {size:,} bytes; at most {MAX_BYTES:,} are read")
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not _fits(form, head):
        raise Unsafe(
            f"{path.name} does not begin as a file of {form} does; it was not loaded. Save the model with {SAVED[form]}"
        )
    return ()


def _fits(form: str, head: bytes) -> bool:
    match form:
        case "LightGBM":
            return head.startswith((b"tree\n", b"tree\r\n"))
        case "CatBoost":
            return head.startswith(b"CBM1")
        case "XGBoost":
            return head.startswith(b"{") and (b"learner" in head or b"version" in head)
    return head.lstrip().startswith(b"{")  # whose JSON it is, the importer tells
