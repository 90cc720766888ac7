"""What a person may ask of a home: the verbs behind the commands and the Python API."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from setpoint.domain import reliability
from setpoint.domain.canary import approved
from setpoint.domain.data_contract import DataContract
from setpoint.domain.event import What
from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.mending import UNMENDED, barred
from setpoint.domain.reliability import Reliability
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.errors import Conflict, InvalidInput, NotFound
from setpoint.loop.adopting import adopt
from setpoint.loop.changes import find_incident, find_rollout, having_incident, serve, with_incident, with_rollout
from setpoint.loop.clock import VirtualClock
from setpoint.loop.looks.look import Look, take_look
from setpoint.loop.ports import Ports
from setpoint.loop.record.story import Story, story_of
from setpoint.loop.release import read_contract
from setpoint.loop.telling.send import tell
from setpoint.loop.tick import tick, turn
from setpoint.loop.verbs.comparing import Compared, Metric, compared
from setpoint.loop.verbs.inside import Inside, checked
from setpoint.loop.verbs.orders import order_back
from setpoint.loop.verbs.overview import take_overview
from setpoint.loop.verbs.personal import check_words
from setpoint.loop.verbs.rewind import as_of
from setpoint.monitor.overview.values import Overview
from setpoint.ports import Clock

RECENT = timedelta(days=1)
PERIOD = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The verbs. `by` names who asks; it is written into the decisions."""

    ports: Ports
    clock: Clock

    def rollback(self, model: str, *, to: str | None, by: str) -> Deployment:
        """Make an earlier version champion again, the one before or the one named, and retrain it as it was.

        The requests move at once, whoever holds the state (see `setpoint.loop.verbs.orders`); then it is written down.
        """
        ports = self.ports
        if to is None and (to := (deployment := ports.state.load(model)).way_back) is None:
            raise Conflict(
                f"there is no good version of {model} before {deployment.served.champion} to roll back to; "
                "name the one that you want with --to"
            )
        order_back(lambda: ports.bundles, ports.platform, model, to=to, by=by, now=self.clock.now())
        return self.written(model)

    def compare(
        self, model: str, a: str, b: str, *, metric: Metric = "quality", since: datetime | None = None
    ) -> Compared:
        """Compare two versions on what both answered; may be asked at any time, and as often as one likes."""
        self.ports.log.ingest()
        return compared(
            self.ports, self.ports.state.load(model), a, b, metric=metric, since=since, now=self.clock.now()
        )

    def inside(self, model: str, *, since: datetime | None = None) -> Inside:
        """Say whether all that was done without a person stayed inside the envelope."""
        bundles = self.ports.bundles
        versions = {*bundles.names(model), *(r.version for r in bundles.removals(model))}
        return checked(self.ports.state.load(model), since, versions)

    def written(self, model: str) -> Deployment:
        """Write down what was ordered of a model, if nobody has yet, and return it as it stands."""
        with self.ports.state.lease():
            return self.known(model)

    def known(self, model: str) -> Deployment:
        """Return a deployment as it stands, with what was ordered meanwhile; the lease is held."""
        return adopt(self.ports, self.ports.state.load(model))

    def approve(self, id_: str, *, model: str | None = None, by: str, why: str = "") -> Deployment:
        """Allow what waits for a person, an incident's remedy or a candidate's promotion, and act on it.

        What was refused is wanted again, and what a person took over is the loop's again.
        """
        check_words(by, why)
        with self.ports.state.lease():
            self.ports.log.ingest()
            deployment = self._concerned(id_, model)
            deployment = self._approved(deployment, id_, by, why)
            self.ports.state.save(deployment)
            return turn(self.ports, deployment, self.clock.now(), self.clock)

    def _approved(self, deployment: Deployment, id_: str, by: str, why: str) -> Deployment:
        now = self.clock.now()
        if any(r.candidate.version == id_ and r.running for r in deployment.rollouts):
            rollout = find_rollout(deployment, id_)
            said = approved(rollout, by=by, fast=False) if rollout.moving else replace(rollout, approved_by=by)
            return with_rollout(deployment, said)
        incident = find_incident(deployment, id_)
        if incident.status not in UNMENDED or incident.repair is None:
            raise Conflict(f"{id_} waits for nothing: it is {incident.status}")
        if bar := barred(incident, incident.repair):
            raise Conflict(f"{id_} waits for nothing: {bar}")
        wanted = tuple(r for r in incident.refused if r is not incident.refusal)
        allowed = replace(incident, approved_by=by, refused=wanted, handled_by="")
        told = f"{incident.repair.remedy} approved by {by}" + (f": {why}" if why else "")
        return with_incident(deployment, allowed, now, told, what=What.APPROVED, by=by)

    def _concerned(self, id_: str, model: str | None) -> Deployment:
        found = [d for d in self.deployments(model) if id_ in _ids(d)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Conflict(f"{id_} is a candidate of {', '.join(d.model for d in found)}; say which with --model")
        waiting = [i for d in self.deployments(model) for i in _ids(d)]
        raise NotFound(
            f"nothing named {id_!r} waits for a person; there is {', '.join(waiting) or 'nothing that does'}"
        )

    def tick(self, now: datetime | None = None) -> tuple[Decided, ...]:
        """Turn the loop once; a time that is given is recorded time, whose days pass in seconds and are not studied."""
        if now is None:
            return tick(self.ports, self.clock)
        return tick(replace(self.ports, studies=False), VirtualClock(now))

    def restore(self) -> None:
        """Have served what the state says: this process may have been stopped between writing it down and doing it."""
        with self.ports.state.lease():
            for model in self.ports.state.models():
                serve(self.ports, self.known(model))

    def tell(self) -> None:
        """Tell people what is new. For the process of the loop alone: its environment has the addresses."""
        tell(self.ports, self.clock.now())

    def look(self, model: str) -> tuple[Deployment, Look]:
        """Look at a model now, without deciding: at what came since the last look, and at least at the last day."""
        self.ports.log.ingest()
        deployment, now = self.ports.state.load(model), self.clock.now()
        since = min(deployment.looked or now, now - RECENT)
        # without its training: only the loop takes over one that a dead process left behind
        return deployment, take_look(self.ports, replace(deployment, looked=since, training=None), now)

    def overview(
        self,
        model: str,
        *,
        days: float | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Overview:
        """Return everything known of a model over a period, by default the last four weeks; decides nothing.

        Raises
        ------
        InvalidInput
            If the period is empty, or over before the model was deployed.
        """
        until = until or self.clock.now()
        since = since or until - (timedelta(days=days) if days else PERIOD)
        if since >= until:
            raise InvalidInput(f"the period from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} is empty")
        self.ports.log.ingest()
        return take_overview(self.ports, as_of(self.ports.state.load(model), until), since, until)

    def story(self, id_: str) -> Story:
        """Return everything that is told of an incident; decides nothing."""
        self.ports.log.ingest()
        deployment = having_incident(self.ports, id_)
        return story_of(self.ports, deployment, find_incident(deployment, id_), self.clock.now())

    def reliability(self, model: str | None = None, *, days: float | None = None) -> list[Reliability]:
        """Return how reliably one model, or each, was operated up to its last look; by default over 90 days."""
        period = timedelta(days=days) if days else reliability.PERIOD
        ends = [(d, d.looked or self.clock.now()) for d in self.deployments(model)]
        return [reliability.reliability(d, end - period, end) for d, end in ends]

    def deployments(self, model: str | None = None) -> list[Deployment]:
        """Return one deployment, or all."""
        return [self.ports.state.load(name) for name in ([model] if model else self.ports.state.models())]

    def schema(self, model: str) -> Schema:
        """Return what the champion takes and answers."""
        return self.ports.bundles.get(model, self.ports.state.load(model).served.champion).schema

    def contract(self, model: str) -> DataContract:
        """Return what the champion's reference taught about its columns, and the rules of its setpoint.yaml."""
        return read_contract(self.ports.bundles.folder(model, self.ports.state.load(model).served.champion))


def _ids(deployment: Deployment) -> list[str]:
    """Return what a person may approve: live incidents and candidates on their way."""
    return [
        *(i.id for i in deployment.incidents if i.live),
        *(r.candidate.version for r in deployment.rollouts if r.running),
    ]
