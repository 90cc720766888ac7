"""The model as a peer's users have it, made with the peer's own packages: `python model.py joblib|mlflow PATH`."""

import sys

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier

if __name__ == "__main__":
    kind, path = sys.argv[1:]
    data = load_breast_cancer()
    model = GradientBoostingClassifier(random_state=0).fit(data.data, data.target)
    if kind == "joblib":
        joblib.dump(model, path)
    else:
        import mlflow.sklearn

        mlflow.sklearn.save_model(model, path, serialization_format="cloudpickle", pip_requirements=[])
