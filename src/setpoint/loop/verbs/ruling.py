"""The rules and the owners of setpoint.yaml, checked before anything long begins."""

from setpoint.config import SetpointFile
from setpoint.config.units import nearest
from setpoint.deploy.reference import read_reference
from setpoint.domain.data_contract import Rule
from setpoint.domain.incident import Cause
from setpoint.domain.where import names_in
from setpoint.errors import InvalidInput
from setpoint.monitor.contract import column_of, dtype_of
from setpoint.monitor.rules import Judge

MOST_BROKEN = 0.5  # of the reference's rows: a rule that most of them break says the opposite


def check_rules(file: SetpointFile) -> None:
    """Refuse rules that are no conditions on the inputs, or that most of the reference's rows break.

    Raises
    ------
    InvalidInput
        Naming the rule, what is wrong with it, and the nearest column.
    """
    if not file.rules:
        return
    table = read_reference(file.reference_path)
    hidden = {name for name, part in file.features.items() if part.sensitive}
    beside = {file.target, file.time, file.id} | hidden
    known = [name for name in table.column_names if name not in beside]
    for text in file.rules:
        try:
            names = names_in(text, known)
            columns = {name: column_of(table[name], dtype_of(table[name], name)) for name in names}
            judged = Judge(columns)(Rule(kind="given", text=text, columns=names))
        except InvalidInput as e:
            raise InvalidInput(f"rules: {e}") from e
        if judged.share > MOST_BROKEN:
            raise InvalidInput(
                f"rules: {text!r} is broken by {judged.share:.1%} of the rows of the reference; a rule says what holds"
            )


def check_owners(file: SetpointFile) -> None:
    """Refuse owners of what is neither an input nor the target, and runbooks of what is no cause.

    Raises
    ------
    InvalidInput
        Naming the owner and the nearest column, or the nearest cause.
    """
    causes = tuple(map(str, Cause))
    for name in file.runbooks:
        if name not in causes:
            raise InvalidInput(f"runbooks: {name!r} is no cause{nearest(name, causes)}; there are {', '.join(causes)}")
    named = [(owner, name) for owner, part in file.owners.items() for name in part.features or ()]
    if not named:
        return
    known = tuple(n for n in read_reference(file.reference_path).column_names if n not in (file.time, file.id))
    for owner, name in named:
        if name not in known:
            raise InvalidInput(
                f"owners: {owner}: {name!r} is no feature{nearest(name, known)}; there are {', '.join(known)}"
            )
