"""What a person may ask of the versions of a model: which there are, whether they are whole, to sign or hold them."""

from setpoint.domain.fleet import Deployment, Hold
from setpoint.domain.live import written
from setpoint.domain.value import replace, value
from setpoint.domain.version import ModelVersion, Removal
from setpoint.errors import Conflict, InvalidInput, NotFound, SetpointError
from setpoint.loop.changes import decided
from setpoint.loop.release import read_contract
from setpoint.loop.verbs.difference import Difference, difference
from setpoint.loop.verbs.operator import Operator


@value
class Stored:
    """A version in the store.

    `digest` is the SHA-256 of its manifest, which holds the digests of all its files: the name of its content.
    `marks` say what part it plays and why it must stay. One whose manifest cannot be read has no `manifest`, and
    `damage` says why.
    """

    model: str
    version: str
    manifest: ModelVersion | None = None
    bytes: int = 0
    digest: str = ""
    signer: str = ""
    marks: tuple[str, ...] = ()
    damage: str = ""


@value
class Checked:
    """Whether a version is, byte for byte, what was stored, and may be loaded; `wrong` says why not."""

    model: str
    version: str
    ok: bool
    wrong: str = ""


def stored(operator: Operator, model: str) -> list[Stored]:
    """Return the versions of a model, the newest last."""
    deployment = operator.ports.state.load(model)
    return [_stored(operator, deployment, name) for name in operator.ports.bundles.names(model)]


def removed(operator: Operator, model: str) -> list[Removal]:
    """Return which versions' files were removed, by whom and when."""
    return operator.ports.bundles.removals(model)


def find(operator: Operator, model: str, version: str) -> Stored:
    """Return one version; NotFound names those there are, Corrupt what is damaged."""
    operator.ports.bundles.get(model, version)
    return _stored(operator, operator.ports.state.load(model), version)


def compared(operator: Operator, model: str, a: str, b: str) -> Difference:
    """Return what differs between two versions."""
    bundles = operator.ports.bundles
    first, second = (read_contract(bundles.folder(model, v)) for v in (a, b))
    return difference(bundles.get(model, a), bundles.get(model, b), (first, second))


def verified(operator: Operator, model: str | None = None) -> list[Checked]:
    """Read every byte of every version of a model, or of all models, and say whether it is what was stored."""
    bundles = operator.ports.bundles
    models = [d.model for d in operator.deployments(model)]
    found = []
    for name, version in [(m, v) for m in models for v in bundles.names(m)]:
        try:
            bundles.verify(name, version)
            found.append(Checked(model=name, version=version, ok=True))
        except SetpointError as e:
            found.append(Checked(model=name, version=version, ok=False, wrong=str(e)))
    return found


def sign(operator: Operator, model: str, version: str, *, by: str) -> str:
    """Sign a version with the key of the home; return the id of the key.

    Raises
    ------
    Corrupt
        If it is not what was stored.
    Unusable
        If there is no key.
    """
    ports = operator.ports
    with ports.state.lease():
        deployment = ports.state.load(model)
        signer = ports.bundles.sign(model, version).signer
        ports.state.save(decided(deployment, operator.clock.now(), "", version, "sign", f"with key {signer}", by))
    return signer


def hold(operator: Operator, model: str, version: str, *, why: str, by: str) -> Hold:
    """Have a version kept, whatever else happens, until it is released.

    Raises
    ------
    InvalidInput
        If no reason is given.
    Conflict
        If it is on hold already.
    """
    if not why.strip():
        raise InvalidInput("a hold needs a reason, for those who come later")
    ports, now = operator.ports, operator.clock.now()
    with ports.state.lease():
        deployment = ports.state.load(model)
        ports.bundles.folder(model, version)  # what is damaged, or gone, cannot be kept
        known = next((h for h in deployment.holds if h.version == version), None)
        if known:
            raise Conflict(f"{model} {version} is on hold already, by {known.by} ({known.why})")
        made = Hold(version=version, why=why, by=by, at=now)
        deployment = replace(deployment, holds=(*deployment.holds, made))
        ports.state.save(decided(deployment, now, "", version, "hold", why, by))
    return made


def release(operator: Operator, model: str, version: str, *, by: str) -> Hold:
    """End the hold of a version, and return it.

    Raises
    ------
    NotFound
        If it is not on hold.
    """
    ports = operator.ports
    with ports.state.lease():
        deployment = ports.state.load(model)
        held = next((h for h in deployment.holds if h.version == version), None)
        if held is None:
            known = ", ".join(h.version for h in deployment.holds) or "none"
            raise NotFound(f"{model} {version} is not on hold; on hold: {known}")
        deployment = replace(deployment, holds=tuple(h for h in deployment.holds if h != held))
        why = f"held by {held.by} since {held.at:%Y-%m-%d}: {held.why}"
        ports.state.save(decided(deployment, operator.clock.now(), "", version, "end of hold", why, by))
    return held


def _stored(operator: Operator, deployment: Deployment, version: str) -> Stored:
    bundles, model = operator.ports.bundles, deployment.model
    marks = _marks(deployment, version)
    try:
        manifest, seal = bundles.get(model, version), bundles.seal(model, version)
    except SetpointError as e:
        return Stored(model=model, version=version, marks=marks, damage=str(e))
    return Stored(
        model=model,
        version=version,
        manifest=manifest,
        bytes=bundles.size(model, version),
        digest=seal.manifest if seal else "",
        signer=seal.signer if seal else "",
        marks=marks,
    )


def _marks(deployment: Deployment, version: str) -> tuple[str, ...]:
    """Return the parts that a version plays."""
    served = deployment.served
    marks = ["champion"] if version == served.champion else []
    if version in served.shares:
        marks.append(f"challenger {written({version: served.shares[version]}).split()[-1]}")
    if version == served.shadow:
        marks.append("shadow")
    marks += ["hold" for h in deployment.holds if h.version == version]
    return tuple(marks)
