"""The OpenAPI document: valid, complete, and true of what the door answers to requests made from it."""

import json
import os
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from setpoint.serve.routes import ROUTES

CASES = int(os.environ.get("SETPOINT_FUZZ_CASES", "10"))
fuzz = settings(
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
    derandomize="SETPOINT_FUZZ_CASES" not in os.environ,
)
TRUE = [not_a_server_error, checks.status_code_conformance, checks.content_type_conformance]
TRUE += [checks.response_schema_conformance, checks.negative_data_rejection]


@pytest.fixture
def document(door):
    return json.loads(door.ask("GET", "/openapi.json")[2])


def test_the_document_is_valid(document):
    schemathesis.openapi.from_dict(document).validate()


def test_every_route_is_in_the_document(document):
    expected = set()
    for method, pattern, _ in ROUTES:
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern).replace("\\", "")
        ways = {re.sub(r"\(\?:[^)]*\)\?", "", path), re.sub(r"\(\?:([^)]*)\)\?", r"\1", path)}
        expected |= {(method.lower(), way.replace("{model}", model)) for way in ways for model in ("demand", "risk")}
    assert {
        (method, path) for path, item in document["paths"].items() for method in item if method != "parameters"
    } == expected


@pytest.mark.parametrize("mode", GenerationMode)
def test_answers_to_requests_made_from_the_document_are_as_it_says(door, mode):
    schema = schemathesis.openapi.from_asgi("/openapi.json", door.asgi)
    asked = 0
    for operation in (found.ok() for found in schema.get_all_operations()):
        if mode is GenerationMode.NEGATIVE and operation.method == "get":
            continue  # nothing of it can be wrong

        @settings(fuzz, max_examples=CASES if operation.method == "post" else 1)
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case):
            nonlocal asked
            asked += 1
            case.call_and_validate(checks=TRUE)

        ask()
    assert asked > CASES
