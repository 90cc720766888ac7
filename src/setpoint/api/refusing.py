"""The status that each error of ours has over HTTP."""

from setpoint.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotReady,
    SetpointError,
    TooLarge,
)

STATUS = {
    Forbidden: 403,
    NotAllowed: 401,
    TooLarge: 413,
    NotFound: 404,
    Conflict: 409,
    InvalidInput: 422,
    NotReady: 503,
    SetpointError: 500,
}


def status_of(error: Exception) -> int:
    """Return the status of an error; of several that fit, that of the narrowest."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
