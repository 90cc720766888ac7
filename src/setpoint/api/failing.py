"""One form for all errors of the control port: `{"error": …}`, what is wrong, where, and what was expected."""

from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from setpoint.api.refusing import status_of
from setpoint.errors import SetpointError

MOST = 3  # faults of a request that are named
LONGEST = 200  # characters of the place of one: its names are the caller's


def answer_errors(app: FastAPI) -> None:
    """Have every error of an app answered in the one form."""
    app.add_exception_handler(SetpointError, _refused)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _unforeseen)


def _refused(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=status_of(error))


def _unfit(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    said = [f"{_place(f['loc'])}: {f['msg'][:1].lower()}{f['msg'][1:]}" for f in faults[:MOST]]
    more = [f"{len(faults) - MOST} more"] if len(faults) > MOST else []
    return JSONResponse({"error": "; ".join([*said, *more])}, status_code=422)


def _place(path: Sequence[object]) -> str:
    return ".".join(map(str, path))[:LONGEST]


def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    """Say where to look; what failed may hold values of callers, and stands in the log of the process alone."""
    asked = f"{request.method} {request.url.path[:LONGEST]}"
    told = (
        f"{asked} failed in a way that was not foreseen ({type(error).__name__}); "
        "the output of `setpoint up` (of --detach: run/up.log in SETPOINT_HOME) says where and why"
    )
    return JSONResponse({"error": told}, status_code=500)
