"""The parts of the OpenAPI document that every model shares."""

from typing import Any

from setpoint.serve.wire import DATATYPES

Json = dict[str, Any]
ERROR_TEXTS = {
    "400": "not JSON, or not what its headers say",
    "404": "not served",
    "413": "too large",
    "415": "a content type or encoding that is not read",
    "422": "does not fit the model",
    "500": "the model failed",
    "503": "not ready",
}


def mapping(**properties: Any) -> Json:
    """Return the schema of an object that must have all these keys."""
    return {"type": "object", "required": list(properties), "properties": properties}


def listing(items: Any) -> Json:
    """Return the schema of a list of at least one."""
    return {"type": "array", "minItems": 1, "items": items}


def ref(name: str) -> Json:
    """Return a reference to a shared schema."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
NAMED = mapping(name=TEXT)
SHAPE: Json = {"type": "array", "minItems": 1, "maxItems": 8, "items": {"type": "integer", "minimum": 1}}
DATATYPE: Json = {"enum": sorted(DATATYPES)}
PARAMETERS: Json = {
    "type": "object",
    "description": "binary_data, binary_data_size, binary_data_output; others are ignored",
}
ID: Json = {"type": "string", "maxLength": 128, "pattern": "^[ -~]*$"}
TENSOR = mapping(name=TEXT, shape=SHAPE, datatype=DATATYPE)
DESCRIBED = {"type": "array", "items": mapping(name=TEXT, datatype=DATATYPE, shape={"type": "array"})}
COMPONENTS: Json = {
    "Error": mapping(error=TEXT, violations=TEXTS),
    "Status": mapping(status={"const": "alive"}),
    "Models": mapping(models=TEXTS),
    "Live": mapping(live={"const": True}),
    "Health": mapping(live={"const": True}, ready={"type": "boolean"}, generation={"type": "integer"}, notes=TEXTS),
    "Server": mapping(name=TEXT, version=TEXT, extensions=TEXTS),
    "Document": {"type": "object"},
    "Model": mapping(
        name=TEXT, versions=TEXTS, platform=TEXT, inputs=DESCRIBED, outputs=DESCRIBED, parameters={"type": "object"}
    ),
    "ModelReady": mapping(name=TEXT, ready={"type": "boolean"}),
    "ModelStatus": mapping(name=TEXT, ready={"type": "boolean"}, model_version_status={"type": "array"}),
    "Tensors": mapping(inputs={"type": "array", "minItems": 1, "items": ref("Tensor")})
    | {
        "properties": {
            "id": ID,
            "parameters": PARAMETERS,
            "inputs": {"type": "array", "minItems": 1, "items": ref("Tensor")},
            "outputs": {"type": "array", "items": {**NAMED, "properties": {"name": TEXT, "parameters": PARAMETERS}}},
        }
    },
    "Tensor": {
        **TENSOR,
        "properties": {**TENSOR["properties"], "parameters": PARAMETERS, "data": {"type": "array", "minItems": 1}},
    },
    "TensorsAnswer": mapping(
        model_name=TEXT,
        model_version=TEXT,
        id=TEXT,
        outputs={"type": "array", "items": mapping(name=TEXT, shape=SHAPE, datatype=DATATYPE)},
    ),
    "Predictions": {
        "anyOf": [
            mapping(predictions={"type": "array", "minItems": 1}),
            mapping(outputs={"type": ["array", "object"]}),
        ]
    },
    "Recorded": mapping(recorded={"type": "integer"}),
}
