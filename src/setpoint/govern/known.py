"""Names that a saved model may hold: what scikit-learn's estimators are made of, and nothing that acts by itself."""

import re
from collections.abc import Collection

import numpy as np
import scipy.special

CLASS = r"_?[A-Z]\w*"

# Packages of scikit-learn whose classes are estimators and their parts. Left out: datasets (files and network),
# callback (threads, sockets), utils and externals (helpers of all kinds): what they import would get in too.
SKLEARN = (
    "_loss|base|calibration|cluster|compose|covariance|cross_decomposition|decomposition|discriminant_analysis|dummy|"
    "ensemble|feature_extraction|feature_selection|gaussian_process|impute|inspection|isotonic|kernel_approximation|kernel_ridge|"
    "linear_model|manifold|metrics|mixture|model_selection|multiclass|multioutput|naive_bayes|neighbors|neural_network|"
    "pipeline|preprocessing|random_projection|semi_supervised|svm|tree"
)

PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"sklearn\.(?:{SKLEARN})(?:\.\w+)*\.{CLASS}",
        rf"sklearn\.(?:{SKLEARN})(?:\.\w+)*\.(?:__pyx_unpickle_\w+|newObj)",
        r"sklearn\.utils\._bunch\.Bunch",
        r"sklearn\.compose\._column_transformer\.make_column_selector",  # a class, whatever its name looks like
        rf"sklearn\.utils\.(?:_metadata_requests|_set_output|_tags)\.{CLASS}",
        r"_loss\.(?:__pyx_unpickle_\w+|Cy\w+)",  # how Cython names scikit-learn's own loss module
        r"numpy\.(?:ndarray|dtype|matrix|bool|bool_|str_|bytes_|object_|void|intp|datetime64|timedelta64)",
        r"numpy\.(?:u?int|float|complex)\d*",
        r"numpy\.(?:_core|core)\.multiarray\.(?:_reconstruct|scalar)",
        r"numpy\.(?:_core|core)\.numeric\._frombuffer",
        r"numpy\.random\._pickle\.__(?:randomstate|generator|bit_generator)_ctor",
        r"numpy\.random\.(?:_mt19937\.MT19937|_pcg64\.PCG64(?:DXSM)?|_philox\.Philox|_sfc64\.SFC64)",
        r"numpy\.random\.bit_generator\.(?:SeedSequence|__pyx_unpickle_SeedSequence)",
        r"numpy\.random\.(?:mtrand\.RandomState|_generator\.Generator)",
        r"numpy\.ma\.(?:core\.)?(?:MaskedArray|_mareconstruct)",
        r"scipy\.sparse\.(?:_\w+\.)?(?:bsr|coo|csc|csr|dia|dok|lil)_(?:array|matrix)",
        rf"scipy\.interpolate\._(?:bsplines|cubic|interpolate|polyint)\.{CLASS}",
        rf"pandas\.core\.(?:arrays|indexes)(?:\.\w+)*\.{CLASS}",
        r"pandas\.core\.indexes\.base\._new_Index",
        rf"pandas\.core\.dtypes\.dtypes\.{CLASS}",
        r"pandas\._libs\.arrays\.__pyx_unpickle_NDArrayBacked",
        r"joblib\.numpy_pickle\.NumpyArrayWrapper",
        r"(?:builtins|__builtin__)\.(?:bool|bytearray|bytes|complex|dict|float|frozenset|int|list|object|range|set|slice|str|tuple)",
        r"collections\.(?:OrderedDict|defaultdict|deque|Counter)",
        r"datetime\.(?:datetime|date|time|timedelta|timezone)",
        r"decimal\.Decimal",
        r"copyreg\._reconstructor|copy_reg\._reconstructor",
        r"_codecs\.encode",
        r"functools\.partial",  # runs what it holds, which must be known too
        r"sklearn\.utils\.validation\.check_array",
        # boosters' own wrappers: their state is the text or the bytes of a model, which their libraries parse
        r"lightgbm\.(?:sklearn\.LGBM(?:Model|Classifier|Regressor|Ranker)|basic\.Booster|compat\._LGBMLabelEncoder)",
        r"xgboost\.(?:sklearn\.XGB(?:RF)?(?:Classifier|Regressor|Ranker|Model)|core\.Booster)",
        r"catboost\.core\.CatBoost(?:Classifier|Regressor|Ranker)?",
    )
)


def is_known(name: str, allow: Collection[str] = ()) -> bool:
    """Whether a saved model may hold the class or function of this full name."""
    return name in allow or any(p.fullmatch(name) for p in PATTERNS) or _is_ufunc(name)


def _is_ufunc(name: str) -> bool:
    """Elementwise functions of numpy and scipy, as in `FunctionTransformer(np.log1p)`."""
    module, _, function = name.rpartition(".")
    homes = {
        "numpy": np,
        "numpy._core._multiarray_umath": np,
        "scipy.special": scipy.special,
        "scipy.special._ufuncs": scipy.special,
    }
    return module in homes and isinstance(getattr(homes[module], function, None), np.ufunc)
