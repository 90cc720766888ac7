"""What is served, described: the metadata of both protocols."""

from typing import Any

from setpoint.domain.schema import DType, Feature, Tensor
from setpoint.serve.encode import output_datatype
from setpoint.serve.table import Route, Target

DATATYPE = {DType.FLOAT: "FP64", DType.INT: "INT64", DType.BOOL: "BOOL", DType.STRING: "BYTES"}
Json = dict[str, Any]


def v2_model(target: Target, route: Route) -> Json:
    """Return the v2 metadata of a version.

    The inputs are the model's own tensors, if it has any, else one tensor a field; the parameter `single_tensor` says
    whether one for all fields, of the shape [rows, fields] with the fields in this order, does as well: it does where
    all fields are numbers.
    """
    schema, version = target.form.schema, target.loaded.version
    return {
        "name": target.model,
        "versions": list(route.versions),
        "platform": f"{version.framework}_{version.runtime}",
        "inputs": [_whole(t) for t in schema.tensors] or [_input(f) for f in schema.features],
        "outputs": [{"name": n, "datatype": output_datatype(n, schema), "shape": [-1]} for n in schema.outputs],
        "parameters": {"single_tensor": schema.numeric_only},
    }


def _whole(tensor: Tensor) -> Json:
    """Return the metadata of one input of the model, with the fields it is made of."""
    first, last = tensor.features[0], tensor.features[-1]
    fields = first if first == last else f"{first} … {last}"
    shape = [-1, *tensor.shape]
    return {"name": tensor.name, "datatype": datatype(tensor), "shape": shape, "parameters": {"fields": fields}}


def datatype(tensor: Tensor) -> str:
    """Return the protocol's name of a tensor's type."""
    bits = {"float": "FP", "int": "INT", "uint": "UINT"}
    kind = tensor.dtype.rstrip("0123456789")
    return {"string": "BYTES", "bool": "BOOL"}.get(kind) or bits[kind] + tensor.dtype.removeprefix(kind)


def _input(feature: Feature) -> Json:
    """Return the metadata of one tensor; its contract, where it has one, stands among the parameters."""
    about: Json = {"name": feature.name, "datatype": DATATYPE[feature.dtype], "shape": [-1]}
    if feature.contract is None:
        return about
    said = feature.contract
    if feature.sensitive:
        return about | {"parameters": {"on_violation": said.on_violation}}
    rules = {"on_violation": said.on_violation, "min": said.low, "max": said.high, "impute": said.instead}
    rules["values"] = ", ".join(map(str, said.levels)) or None  # a parameter is no list
    return about | {"parameters": {name: rule for name, rule in rules.items() if rule is not None}}


def v1_model(name: str, route: Route) -> Json:
    """Return the v1 status of a model, as KServe (`ready`) and TensorFlow Serving (the rest) give it."""
    fine = {"error_code": "OK", "error_message": ""}
    return {
        "name": name,
        "ready": True,
        "model_version_status": [{"version": v, "state": "AVAILABLE", "status": fine} for v in route.versions],
    }
