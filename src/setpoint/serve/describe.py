"""What is served, described: metadata of both protocols, and OpenAPI from the live schemas."""

from collections.abc import Mapping
from typing import Any

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.serve.encode import output_datatype
from setpoint.serve.table import Route, Table, Target

DATATYPE = {DType.FLOAT: "FP64", DType.INT: "INT64", DType.BOOL: "BOOL", DType.STRING: "BYTES"}
JSON_TYPE = {DType.FLOAT: "number", DType.INT: "integer", DType.BOOL: "boolean", DType.STRING: "string"}
Json = dict[str, Any]


def v2_model(target: Target, route: Route) -> Json:
    """Return the v2 metadata of a version."""
    schema, version = target.form.schema, target.loaded.version
    return {
        "name": target.model,
        "versions": list(route.versions),
        "platform": f"{version.framework}_{version.runtime}",
        "inputs": [{"name": f.name, "datatype": DATATYPE[f.dtype], "shape": [-1]} for f in schema.features],
        "outputs": [{"name": n, "datatype": output_datatype(n, schema), "shape": [-1]} for n in schema.outputs],
    }


def v1_model(name: str, route: Route) -> Json:
    """Return the v1 status of a model, as KServe (`ready`) and TensorFlow Serving (the rest) give it."""
    fine = {"error_code": "OK", "error_message": ""}
    return {
        "name": name,
        "ready": True,
        "model_version_status": [{"version": v, "state": "AVAILABLE", "status": fine} for v in route.versions],
    }


def openapi(table: Table, version: str) -> Json:
    """Return the OpenAPI document of everything served now."""
    paths: Json = {
        path: {"get": {"summary": text, "responses": {"200": {"description": "OK"}}}}
        for path, text in (
            ("/v2", "Server metadata"),
            ("/v2/health/live", "Whether the process answers"),
            ("/v2/health/ready", "Whether every model of live.json is served"),
            ("/metrics", "Prometheus metrics of all workers"),
        )
    }
    for model, route in sorted(table.routes.items()):
        paths |= _paths(model, route.champion.form.schema)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Setpoint data plane", "version": version},
        "paths": paths,
        "components": {"schemas": {"Error": ERROR, "Tensors": TENSORS}},
    }


ERROR: Json = {
    "type": "object",
    "required": ["error", "violations"],
    "properties": {"error": {"type": "string"}, "violations": {"type": "array", "items": {"type": "string"}}},
}
TENSORS: Json = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string"},
        "inputs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "shape", "datatype", "data"],
                "properties": {
                    "name": {"type": "string"},
                    "shape": {"type": "array", "items": {"type": "integer"}},
                    "datatype": {"type": "string"},
                    "data": {"type": "array"},
                },
            },
        },
        "outputs": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
    },
}


def _paths(model: str, schema: Schema) -> Json:
    row = {
        "type": "object",
        "required": list(schema.names),
        "properties": {f.name: _field(f) for f in schema.features} | _beside(schema),
        "additionalProperties": False,
    }
    width = len(schema.names)
    as_list = {"type": "array", "minItems": width, "maxItems": width, "description": ", ".join(schema.names)}
    instances = {"type": "array", "minItems": 1, "items": {"anyOf": [row, as_list]}}
    value = {"enum": list(schema.classes)} if schema.task is Task.BINARY else {"type": "number"}
    outcome = {
        "type": "object",
        "required": ["id", "value"],
        "properties": {"id": {"type": "string"}, "value": value, "known": {"type": ["string", "number"]}},
    }
    return {
        f"/v1/models/{model}:predict": _post(f"Predict {schema.target}", _object(instances=instances)),
        f"/v1/models/{model}:outcome": _post(
            f"Say what {schema.target} turned out to be", _object(outcomes={"type": "array", "items": outcome})
        ),
        f"/v2/models/{model}/infer": _post(f"Predict {schema.target}", {"$ref": "#/components/schemas/Tensors"}),
    }


def _object(**properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def _field(feature: Feature) -> Json:
    kind = JSON_TYPE[feature.dtype]
    field: Json = {"type": [kind, "null"] if feature.nullable else kind}
    if feature.kind is Kind.CATEGORICAL and 0 < len(feature.levels) <= 50:
        field["examples"] = list(feature.levels)
    elif feature.low is not None and feature.high is not None:
        field["description"] = f"{feature.low:g} to {feature.high:g} in the reference"
    return field


def _beside(schema: Schema) -> Json:
    beside = {schema.time: ["string", "number"], schema.id: ["string", "integer"]}
    return {name: {"type": kind} for name, kind in beside.items() if name and name not in schema.names}


def _post(summary: str, body: Mapping[str, Any]) -> Json:
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    codes = {"400": "not JSON", "404": "not served", "413": "too large", "422": "does not fit", "503": "not ready"}
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": {"200": {"description": "OK"}} | {c: {"description": t, **error} for c, t in codes.items()},
        }
    }
