"""Which role each route of the control port asks for, and each verb; what is not here is refused."""

from collections.abc import Mapping

from starlette.routing import compile_path

from setpoint.domain.grant import Grant, Role
from setpoint.errors import Forbidden, NotAllowed, NotFound

ROUTES: Mapping[tuple[str, str], Role | None] = {  # None: anybody
    ("GET", "/health"): None,
    ("GET", "/metrics"): Role.VIEWER,
    ("GET", "/openapi.json"): Role.VIEWER,
    ("GET", "/api/status"): Role.VIEWER,
    ("GET", "/api/rollouts"): Role.VIEWER,
    ("GET", "/api/incidents"): Role.VIEWER,
    ("GET", "/api/incidents/{id}"): Role.VIEWER,
    ("GET", "/api/reliability"): Role.VIEWER,
    ("POST", "/api/tick"): Role.OPERATOR,
    ("POST", "/api/incidents/{id}/{verb}"): Role.OPERATOR,
    ("GET", "/"): Role.VIEWER,
    ("GET", "/incidents"): Role.VIEWER,
    ("GET", "/incidents/{id}"): Role.VIEWER,
    ("POST", "/incidents/{id}"): Role.VIEWER,  # the key of who says it is in the form
}
VERBS: Mapping[str, Role] = {
    "approve": Role.APPROVER,
    "refuse": Role.OPERATOR,
    "take": Role.OPERATOR,
    "give-back": Role.OPERATOR,
    "undo": Role.OPERATOR,
}
_RULES = [(method, compile_path(path)[0], needed) for (method, path), needed in ROUTES.items()]


def needed_for(method: str, path: str) -> Role | None:
    """Return the role that a request takes, None if anybody may; that of its verb, where it has one.

    Raises
    ------
    NotFound
        If there is no rule for it.
    """
    for known, pattern, needed in _RULES:
        if known == method and (found := pattern.match(path)):
            return VERBS.get(found.groupdict().get("verb", ""), needed)
    raise NotFound(f"no route {method[:20]} {path[:200]}")


def check_role(grant: Grant, needed: Role, what: str) -> None:
    """Refuse what a role does not allow.

    Raises
    ------
    Forbidden
        If it takes another role.
    """
    if not grant.role.may(needed):
        name, again = grant.name, "".join(f" --model {model}" for model in grant.models)
        raise Forbidden(
            f"{name} is {grant.words}, and {what} takes the role {needed}: `setpoint people remove {name}`, then "
            f"`setpoint people add {name} --role {needed}{again}`, gives a new key"
        )


def check_person(grant: Grant, needed: Role) -> None:
    """Refuse what is written down under a name where there is none.

    Raises
    ------
    NotAllowed
        If nobody showed a key.
    """
    if not grant.name:
        raise no_key(needed)


def no_key(needed: Role) -> NotAllowed:
    """Return the error of who showed no key, or one that is nobody's."""
    return NotAllowed(f"this takes the key of a person: `setpoint people add NAME --role {needed}` makes one")
