"""Where a model is: a file or folder beside setpoint.yaml, or in an MLflow store."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from setpoint.errors import InvalidInput, Unusable

MLFLOW = "mlflow:"
FOLDER = "hf:"  # before a folder of Transformers, for readers; nothing is fetched


def beside(artifact: str) -> Path:
    """Return the folder a model is in; that of a model in a store is the working directory."""
    return Path() if artifact.startswith(MLFLOW) else Path(artifact.removeprefix(FOLDER)).parent


@contextmanager
def local(artifact: str, root: Path) -> Iterator[Path]:
    """Yield the path of a model; one that an MLflow store holds is fetched, and gone afterwards.

    Parameters
    ----------
    artifact : str
        A path, `hf:FOLDER`, `mlflow:FOLDER`, or `mlflow:` before any URI that MLflow knows, such as
        `models:/name@champion` or `runs:/ID/model`; the store is the one MLFLOW_TRACKING_URI names.
    root : Path
        What a relative path starts from.

    Raises
    ------
    InvalidInput
        If MLflow cannot fetch it: its own words.
    Unusable
        If MLflow is needed and not installed.
    """
    artifact = artifact.removeprefix(FOLDER)
    where = artifact.removeprefix(MLFLOW)
    if where == artifact or (root / where).exists():
        yield root / where
        return
    with tempfile.TemporaryDirectory(prefix="setpoint-mlflow-") as into:
        yield _fetched(where, into)


def _fetched(uri: str, into: str) -> Path:
    try:
        import mlflow.artifacts
    except ImportError as e:
        raise Unusable(f"{MLFLOW}{uri} needs MLflow, which is not installed: pip install 'setpoint[mlflow]'") from e
    try:
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=into))
    except Exception as e:  # any store, any network
        said = next(iter(str(e).strip().splitlines()), "")[:300]
        raise InvalidInput(
            f"MLflow cannot fetch {uri} ({type(e).__name__}: {said}); its store is {mlflow.get_tracking_uri()}, which "
            "MLFLOW_TRACKING_URI names"
        ) from e
