import os

import bentoml
import joblib
import numpy as np


@bentoml.service(name="cancer", workers=int(os.environ["WORKERS"]), traffic={"timeout": 30})
class Cancer:
    def __init__(self):
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api
    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(x)[:, 1]
