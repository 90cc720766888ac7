"""The OpenAPI document of the data plane, from the live schemas."""

from setpoint.domain.schema import DType, Feature, Kind, OnViolation, Schema, Tensor
from setpoint.serve.body import BYTES_TYPE, CSV_TYPE, JSON_TYPE
from setpoint.serve.components import COMPONENTS, ERROR_TEXTS, Json, listing, mapping, ref
from setpoint.serve.identity import MAX_ID, ROUTING_KEY
from setpoint.serve.misfit import MAX_INT, MIN_INT
from setpoint.serve.table import Route, Table

JSON_KIND = {DType.FLOAT: "number", DType.INT: "integer", DType.BOOL: "boolean", DType.STRING: "string"}
TIME: Json = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "number", "exclusiveMinimum": -1e20, "exclusiveMaximum": 1e20},
    ],
    "description": "ISO 8601, or a number since 1970",
}
ID: Json = {"type": ["string", "integer"], "minLength": 1, "maxLength": 256}
KEY: Json = {
    "type": "string",
    "description": f"1 to {MAX_ID} printable ASCII characters: what chooses the version where challengers have shares",
}
ASKED = ("400", "404", "413", "415", "422", "500", "503")


def openapi(table: Table, version: str) -> Json:
    """Return the OpenAPI document of everything served now."""
    paths = {
        "/v2": _get("Server metadata", "Server"),
        "/v2/health": _get("Health, for people", "Health"),
        "/": _get("Whether the process answers, for KServe's v1 clients", "Status"),
        "/v1/models": _get("Names of the models served", "Models"),
        "/v2/health/live": _get("Whether the process answers", "Live"),
        "/v2/health/ready": _get("Whether every model is served", "Health", **{"503": "Health"}),
        "/ping": _get("Whether every model is served", None, **{"503": "Health"}),
        "/health": _get("Whether every model is served", None, **{"503": "Health"}),
        "/version": _get("Version of Setpoint", None),
        "/metrics": _get("Prometheus metrics of all workers", None),
        "/openapi.json": _get("This document", "Document"),
        "/invocations": _invocations_of_one(table),
    }
    for model, route in sorted(table.routes.items()):
        paths |= _paths(model, route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Setpoint data plane", "version": version},
        "paths": paths,
        "components": {"schemas": COMPONENTS},
    }


def _paths(model: str, route: Route) -> Json:
    """Return the routes of one model."""
    schema = route.champion.form.schema
    predict = {JSON_TYPE: {"anyOf": [mapping(instances=_rows(schema)), mapping(inputs=_inputs(schema))]}}
    v1 = _predict(f"Predict {schema.target}", predict, "Predictions")
    v2 = _predict(f"Predict {schema.target}", {JSON_TYPE: ref("Tensors"), BYTES_TYPE: {}}, "TensorsAnswer")
    v2["post"]["parameters"].append(_header("inference-header-content-length", {"type": "integer", "minimum": 0}))
    v2["post"]["responses"]["200"]["content"][BYTES_TYPE] = {}
    about, ready = _get(f"Metadata of {model}", "Model"), _get(f"Whether {model} is served", "ModelReady")
    version = {"name": "version", "in": "path", "required": True, "schema": {"enum": list(route.versions)}}
    paths = {
        f"/v1/models/{model}": _get(f"State of {model}", "ModelStatus"),
        f"/v1/models/{model}:predict": v1,
        f"/v1/models/{model}/versions/{{version}}:predict": _with(version, v1),
        f"/v1/models/{model}:outcome": _post(
            f"Say what {schema.target} turned out to be", {JSON_TYPE: _outcomes(schema)}, "Recorded"
        ),
        f"/v2/models/{model}": about,
        f"/v2/models/{model}/versions/{{version}}": _with(version, about),
        f"/v2/models/{model}/ready": ready,
        f"/v2/models/{model}/versions/{{version}}/ready": _with(version, ready),
        f"/v2/models/{model}/infer": v2,
        f"/v2/models/{model}/versions/{{version}}/infer": _with(version, v2),
        f"/models/{model}/invocations": _predict(f"Predict {schema.target}", _invocation(schema), "Predictions"),
        f"/models/{model}/version": _get("Version of Setpoint", None),
    }
    return paths | {f"/models/{model}/{path}": _get(f"Whether {model} is served", None) for path in ("ping", "health")}


def _invocations_of_one(table: Table) -> Json:
    """Return the route that finds the model by a header, or takes the only one."""
    models = sorted({*table.routes, *table.missing})
    rows: Json = listing({"type": ["array", "object"]})
    either: Json = {"anyOf": [rows, {"type": "object"}]}
    layouts = [
        mapping(dataframe_split={"type": "object"}),
        mapping(dataframe_records=rows),
        mapping(instances=either),
        mapping(inputs=either),
    ]
    post = _predict("Predict with the model of x-setpoint-model, or the only one", _bodies(layouts), "Predictions")
    header = _header("x-setpoint-model", {"enum": models} if models else {"type": "string"})
    post["post"]["parameters"].append(header | {"required": len(models) > 1})
    return post


def _invocation(schema: Schema) -> Json:
    rows, columns = _rows(schema), _inputs(schema)
    split = mapping(data=listing({"type": "array"}))
    names: Json = {"enum": [*schema.names, *_beside(schema)]}
    split["properties"]["columns"] = {"type": "array", "items": names, "uniqueItems": True}
    return _bodies(
        [
            mapping(dataframe_split=split),
            mapping(dataframe_records=rows),
            mapping(instances={"anyOf": [rows, columns]}),
            mapping(inputs={"anyOf": [rows, columns]}),
        ]
    )


def _bodies(layouts: list[Json]) -> Json:
    return {JSON_TYPE: {"oneOf": layouts}, CSV_TYPE: {"type": "string", "description": "with a line of field names"}}


def _rows(schema: Schema) -> Json:
    if schema.tensors:
        return _whole_rows(schema)
    width = len(schema.names)
    row = mapping(**{f.name: _field(f) for f in schema.features}) | {"additionalProperties": False}
    row["properties"] = row["properties"] | _beside(schema)
    bare: Json = {"type": "array", "prefixItems": [_field(f) for f in schema.features], "minItems": width}
    bare |= {"maxItems": width, "description": ", ".join(schema.names)}
    return {"anyOf": [listing(row), listing(bare)]}


def _inputs(schema: Schema) -> Json:
    """Return the column format: a list of values a field or an input of the model."""
    own = {t.name: _nested(t, schema) for t in schema.tensors} or {f.name: _field(f) for f in schema.features}
    columns = mapping(**{name: listing(kind) for name, kind in own.items()}) | {"additionalProperties": False}
    columns["properties"] = columns["properties"] | {n: listing(kind) for n, kind in _beside(schema).items()}
    return columns


def _whole_rows(schema: Schema) -> Json:
    """Return rows of a model whose inputs are tensors; each field alone would do as well, and is not told."""
    nested = {t.name: _nested(t, schema) for t in schema.tensors}
    row = mapping(**nested) | {"additionalProperties": False}
    row["properties"] = row["properties"] | _beside(schema)
    only = [kind for kind in nested.values() if kind.get("type") == "array"]
    return {"anyOf": [listing(row), *(listing(kind) for kind in only if len(nested) == 1)]}


def _nested(tensor: Tensor, schema: Schema) -> Json:
    """Return nested lists of a tensor's shape, or one value."""
    names = set(tensor.features)
    own = [f for f in schema.features if f.name in names]
    if len(own) == 1:
        return _field(own[0])
    kind = JSON_KIND[own[0].dtype]
    value: Json = {"type": [kind, "null"] if any(f.nullable for f in own) else kind}
    for size in reversed(tensor.shape):
        value = {"type": "array", "items": value, "minItems": size, "maxItems": size}
    return value


def _outcomes(schema: Schema) -> Json:
    value: Json = {"enum": list(schema.classes)} if schema.classes else {"type": "number"}
    one = mapping(id=ID, value=value) | {"additionalProperties": False}
    one["properties"]["known"] = {"anyOf": [TIME, {"type": "null"}]}
    return {"anyOf": [one, mapping(outcomes=listing(one))]}


def _field(feature: Feature) -> Json:
    kind = JSON_KIND[feature.dtype]
    field: Json = {"type": [kind, "null"] if feature.nullable else kind}
    if feature.dtype is DType.INT:
        field |= {"minimum": MIN_INT, "maximum": MAX_INT}
    elif feature.dtype is DType.BOOL:
        field = {"anyOf": [field, {"enum": [0, 1]}]}
    if feature.kind is Kind.CATEGORICAL and 0 < len(feature.levels) <= 50:
        field["examples"] = list(feature.levels)
    elif feature.low is not None and feature.high is not None:
        field["description"] = f"{feature.low:g} to {feature.high:g} in the reference"
    return field | _contract(feature)


def _contract(feature: Feature) -> Json:
    """Return the bounds and values whose breach is refused; what is flagged or imputed is only described."""
    contract = feature.contract
    if contract is None or feature.sensitive:
        return {}
    rules: Json = {"minimum": contract.low, "maximum": contract.high}
    rules = {name: bound for name, bound in rules.items() if bound is not None}
    if contract.levels:
        rules["enum"] = [*contract.levels, *([None] if feature.nullable else [])]
    if contract.on_violation is OnViolation.REJECT:
        return rules
    spelt = ", ".join(f"{name} {bound}" for name, bound in rules.items())
    return {"description": f"{spelt or 'of this type'}; else {contract.on_violation}"}


def _beside(schema: Schema) -> Json:
    beside: dict[str | None, Json] = {schema.time: TIME, schema.id: ID}
    return {
        name: {"anyOf": [kind, {"type": "null"}]} for name, kind in beside.items() if name and name not in schema.names
    }


def _header(name: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "required": False, "schema": schema}


def _with(parameter: Json, item: Json) -> Json:
    return {"parameters": [parameter], **item}


def _get(summary: str, answer: str | None, **others: str) -> Json:
    """Return a path that is got: what it answers with 200 (None: text), and with other codes than those of errors."""
    content = {JSON_TYPE: {"schema": ref(answer)}} if answer else {"text/plain": {"schema": {"type": "string"}}}
    told = {
        code: {"description": "not ready", "content": {JSON_TYPE: {"schema": ref(name)}}}
        for code, name in others.items()
    }
    responses: Json = {"200": {"description": "OK", "content": content}}
    return {"get": {"summary": summary, "responses": responses | _errors(("404", "503")) | told}}


def _post(summary: str, bodies: Json, answer: str) -> Json:
    content = {kind: {"schema": schema} if schema else {} for kind, schema in bodies.items()}
    ok: Json = {"200": {"description": "OK", "content": {JSON_TYPE: {"schema": ref(answer)}}}}
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": content},
            "responses": ok | _errors(ASKED),
        }
    }


def _predict(summary: str, bodies: Json, answer: str) -> Json:
    path = _post(summary, bodies, answer)
    path["post"]["parameters"] = [_header(ROUTING_KEY, KEY)]
    return path


def _errors(codes: tuple[str, ...]) -> Json:
    error = {JSON_TYPE: {"schema": ref("Error")}}
    return {code: {"description": ERROR_TEXTS[code], "content": error} for code in codes}
