"""Whose model a JSON file is: XGBoost and CatBoost both write them."""

from pathlib import Path

import msgspec

from setpoint.errors import InvalidInput


class _Keys(msgspec.Struct):
    """What tells the two apart, read past and not built."""

    learner: msgspec.Raw = msgspec.Raw()
    model_info: msgspec.Raw = msgspec.Raw()


def framework_of_json(path: Path) -> str:
    """Return the framework that wrote a JSON file.

    Raises
    ------
    InvalidInput
        If it was neither.
    """
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=_Keys)
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise InvalidInput(f"{path.name} is no JSON object: {e}; save the model again") from e
    found = [name for name, part in (("xgboost", keys.learner), ("catboost", keys.model_info)) if bytes(part)]
    if len(found) != 1:
        raise InvalidInput(
            f"{path.name} is no model that Setpoint reads: XGBoost's save_model writes a `learner` into JSON, "
            "CatBoost's a `model_info`"
        )
    return found[0]
