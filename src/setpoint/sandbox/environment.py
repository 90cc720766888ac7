"""The environment of a process that loads strangers' models: what frameworks read, and no secrets."""

import re
from collections.abc import Mapping

NAMES = frozenset({
    "PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV",
    "KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "TF_USE_LEGACY_KERAS", "CONDA_PREFIX",
    "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "MALLOC_ARENA_MAX", "SETPOINT_SUPERVISOR_PID",
})  # fmt: skip
FAMILIES = ("LC_", "PYTHON", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "GOTO_")
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH", re.IGNORECASE)


def minimal(environment: Mapping[str, str], home: str) -> dict[str, str]:
    """Return what is let through of an environment; home and temporary files are in the folder `home`."""
    kept = {
        name: text
        for name, text in environment.items()
        if (name in NAMES or name.startswith(FAMILIES)) and not SECRET.search(name)
    }
    caches = {"XDG_CACHE_HOME": f"{home}/.cache", "XDG_CONFIG_HOME": f"{home}/.config", "MPLCONFIGDIR": home}
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "JOBLIB_MULTIPROCESSING": "0"}
    return {**kept, **caches, **offline, "HOME": home, "TMPDIR": home, "JOBLIB_TEMP_FOLDER": home}
