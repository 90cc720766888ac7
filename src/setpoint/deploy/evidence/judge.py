"""One verdict over many metrics, segments and steps."""

from setpoint.deploy.evidence import names
from setpoint.deploy.evidence.gather import gathered
from setpoint.deploy.evidence.streams import streams_of
from setpoint.deploy.evidence.words import in_words, listed
from setpoint.domain.evidence import Judged, Says, Stream, Terms
from setpoint.domain.exposure import Batch
from setpoint.domain.wealth import Evidence

INCOMPARABLE = {
    names.SHARES: (
        "the challenger did not get the share of traffic that it was to have, so nothing can be compared: a worker "
        "could not load it, or a few routing keys send much of the traffic"
    ),
    names.OUTCOMES: (
        "outcomes do not become known as often of the challenger's answers as of the champion's, so quality cannot be "
        "compared: what is answered seems to decide what comes to be known"
    ),
}
NO_OUTCOMES = 1_000  # rows old enough to have one, of which none has


def judge(evidence: Evidence, batch: Batch, terms: Terms, *, elapsed_s: float) -> tuple[Evidence, Judged]:
    """Return the evidence with what a look brings, and the verdict on all of it.

    Every request and every mature row is brought once; an empty batch only asks again. The same rows give the same
    verdict however they are cut into looks. A version that is no worse is sent back in at most `terms.spent` of
    rollouts, and one that is worse by a margin is promoted in at most so many, whenever and however often one looks:
    harm is a weighed mean of e-values, and a promotion needs each metric to have been proven on its own.

    Parameters
    ----------
    elapsed_s : float
        Seconds since the rollout began.

    Raises
    ------
    InvalidInput
        If what has to get better is nothing that is watched.

    References
    ----------
    A. Ramdas, P. Grünwald, V. Vovk, G. Shafer, "Game-theoretic statistics and safe anytime-valid inference",
    Statistical Science 38(4), 2023. R. Berger, "Multiparameter hypothesis testing and acceptance sampling",
    Technometrics 24(4), 1982, for the promotion.
    """
    after = gathered(evidence, batch, terms)
    return after, verdict(after, terms, elapsed_s=elapsed_s)


def verdict(evidence: Evidence, terms: Terms, *, elapsed_s: float) -> Judged:
    """Return what the evidence says."""
    streams = streams_of(evidence, terms)
    by_name = {names.key(s.metric, s.segment): s for s in streams}
    needed = [by_name[name] for name in names.required(terms)]
    found = _against(evidence, by_name) or _promoted(evidence, terms, needed, by_name)
    if found is None and elapsed_s > terms.most_s:
        open_ = [*(s for s in needed if not s.held), *_not_better(terms, by_name)]
        found = (Says.ASK, "late", f"not decided in {terms.most_s / 86_400:.3g} days: {_reasons(open_)}")
    if found is None:
        waits = [s for s in needed if not s.held and not s.why]
        found = (Says.WAIT, "waiting", f"not known yet: {_reasons([*waits, *_not_better(terms, by_name)])}")
    says, reason, words = found
    return Judged(says=says, reason=reason, words=words, streams=streams)


Found = tuple[Says, str, str]


def _against(evidence: Evidence, streams: dict[str, Stream]) -> Found | None:
    if evidence.back:
        worse = [streams[name] for name in evidence.back if name in streams]
        return Says.BACK, f"harm: {listed(evidence.back)}", f"worse in {_reasons(worse)}"
    if evidence.uneven:
        return Says.ASK, evidence.uneven[0], INCOMPARABLE[evidence.uneven[0]]
    other = streams.get(names.DISAGREEMENT)
    if other is not None and other.harmed:
        return Says.ASK, names.DISAGREEMENT, f"answers otherwise more often than it may: {in_words(other)}"
    return None


def _promoted(evidence: Evidence, terms: Terms, needed: list[Stream], streams: dict[str, Stream]) -> Found | None:
    """Return the promotion if everything is proven, or that a person has to decide because the rest cannot be."""
    unjudged = [s for s in needed if not s.held and (s.why or _never_labelled(s, evidence))]
    if any(not s.held for s in needed if s not in unjudged) or _not_better(terms, streams):
        return None
    held = [s for s in needed if s.held]
    if unjudged:
        words = f"nothing speaks against it, but {_reasons(unjudged)}"
        return Says.ASK, f"unjudged: {listed(s.metric for s in unjudged)}", words
    return Says.PROMOTE, "held", f"proven not to be worse in {_reasons(held)}"


def _never_labelled(stream: Stream, evidence: Evidence) -> bool:
    return stream.metric in (names.QUALITY, names.VALUE) and not stream.rows and evidence.mature >= NO_OUTCOMES


def _not_better(terms: Terms, streams: dict[str, Stream]) -> list[Stream]:
    if not terms.better:
        return []
    asked = streams.get(terms.better) or Stream(metric=terms.better, why="nothing is known of it from before")
    return [] if asked.better else [asked]


def _reasons(streams: list[Stream]) -> str:
    return "; ".join(in_words(stream) for stream in streams) or "nothing"
