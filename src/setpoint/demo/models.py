"""The models of the demo: the one a user would bring, the release that should not have happened, and two yardsticks."""

from datetime import timedelta
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from setpoint.demo.stream import FEATURES, OUTCOME_DELAY, TARGET

REFIT_EVERY = timedelta(days=7)


def estimator(seed: int) -> HistGradientBoostingRegressor:
    """Return the untrained model."""
    return HistGradientBoostingRegressor(max_iter=120, random_state=seed)


def train(table: pd.DataFrame, path: Path, seed: int) -> HistGradientBoostingRegressor:
    """Train on a table and save the model as a user would."""
    model = estimator(seed).fit(table[list(FEATURES)], table[TARGET])
    joblib.dump(model, path)
    return model


def train_bad_release(table: pd.DataFrame, path: Path, seed: int) -> None:
    """Train on hours shifted by six: somebody's preprocessing moved to another time zone."""
    shifted = table.assign(hr=(table["hr"] + 6) % 24)
    train(shifted, path, seed)


def static_predictions(reference: pd.DataFrame, sent: pd.DataFrame, seed: int) -> np.ndarray:
    """Return what the first model alone would have answered to everything that was sent."""
    model = estimator(seed).fit(reference[list(FEATURES)], reference[TARGET])
    return np.asarray(model.predict(sent[list(FEATURES)]))


def refit_predictions(reference: pd.DataFrame, sent: pd.DataFrame, seed: int) -> np.ndarray:
    """Return what a model refitted every week on the latest rows known by then would have answered.

    The window is as long as the reference: retraining by the clock, with no gate and no repairs.
    """
    answers = np.full(len(sent), np.nan)
    start, end = sent["time"].min(), sent["time"].max()
    known = sent["time"] + OUTCOME_DELAY
    at = start
    while at <= end:
        past = pd.concat([reference, sent[known <= at]]).iloc[-len(reference) :]
        window = ((sent["time"] >= at) & (sent["time"] < at + REFIT_EVERY)).to_numpy()
        if window.any():
            model = estimator(seed).fit(past[list(FEATURES)], past[TARGET])
            answers[window] = model.predict(sent.loc[window, list(FEATURES)])
        at += REFIT_EVERY
    return answers
