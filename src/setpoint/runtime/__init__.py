"""Load a version and predict: onnxruntime first, the native framework where conversion is not right."""

from setpoint.runtime.model import Model, load

__all__ = ["Model", "load"]
