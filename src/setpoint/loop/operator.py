"""What a person may ask of a home: the verbs behind the commands and the Python API."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from setpoint.config import SetpointFile
from setpoint.deploy.package import PackageRequest
from setpoint.deploy.sources import local
from setpoint.domain import reliability
from setpoint.domain.canary import approved
from setpoint.domain.data_contract import DataContract
from setpoint.domain.event import What
from setpoint.domain.evolution import same_width
from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.live import sharing, written
from setpoint.domain.mending import UNMENDED, barred
from setpoint.domain.objective import asked_latency_us
from setpoint.domain.record import Erasure, Outcome, OutcomeReceipt
from setpoint.domain.reliability import Reliability
from setpoint.domain.schema import Handling, Schema, Task
from setpoint.domain.sensitive import ID, Guard, needs_key
from setpoint.domain.training_set import PROVENANCE_FILE
from setpoint.domain.update import Advised, Method
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.errors import Conflict, InvalidInput, NotFound, Unusable
from setpoint.loop.actions import Fit, Submit
from setpoint.loop.acts import act
from setpoint.loop.adopting import adopt
from setpoint.loop.advising import advice_of, advised
from setpoint.loop.changes import (
    decided,
    find_incident,
    find_rollout,
    having_incident,
    serve,
    settle,
    with_incident,
    with_rollout,
)
from setpoint.loop.clear import why_unreadable
from setpoint.loop.clock import VirtualClock
from setpoint.loop.comparing import Compared, Metric, compared
from setpoint.loop.hiding import Hashers, decrypted, hashers, hidden_condition
from setpoint.loop.inside import Inside, checked
from setpoint.loop.learnt import learnt_from
from setpoint.loop.look import Look, take_look
from setpoint.loop.moves import check_not_moving
from setpoint.loop.orders import order_back
from setpoint.loop.overview import take_overview
from setpoint.loop.personal import check_words
from setpoint.loop.ports import Ports
from setpoint.loop.record.story import Story, story_of
from setpoint.loop.release import Progress, make_version, read_binning, read_contract
from setpoint.loop.releasing import released
from setpoint.loop.rewind import as_of
from setpoint.loop.ruling import check_owners, check_rules
from setpoint.loop.sets import spec_of, stored_set, training_set
from setpoint.loop.stated import asks_for_a_key, contracts, first, objectives, ruled, under
from setpoint.loop.telling import tell
from setpoint.loop.tick import tick, turn
from setpoint.loop.under_way import in_words, progress_view
from setpoint.monitor.overview.values import Overview
from setpoint.ports import Clock
from setpoint.update.sets.made import TrainingSet
from setpoint.update.when import due, held_back, too_few

RECENT = timedelta(days=1)
PERIOD = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The verbs. `by` names who asks; it is written into the decisions."""

    ports: Ports
    clock: Clock

    def deploy(
        self, file: SetpointFile, *, share: float | None = None, by: str, progress: Progress = lambda step: None
    ) -> ModelVersion:
        """Make a version of the model the file names, and make it champion, or a challenger with a share."""
        ports, now = self.ports, self.clock.now()
        known = ports.state.load(file.model) if file.model in ports.state.models() else None
        ports.notifier.check(file.alerts.to or ())
        with local(file.model_file, file.root) as artifact:
            return self._deploy(file, artifact, known, now, share, by, progress)

    def _deploy(
        self,
        file: SetpointFile,
        artifact: Path,
        known: Deployment | None,
        now: datetime,
        share: float | None,
        by: str,
        progress: Progress,
    ) -> ModelVersion:
        ports, request = self.ports, self._request(file, artifact, known, now, by)
        if share is not None:
            if known is None:
                raise Conflict(f"{file.model} has no champion yet to share requests with; deploy it without a share")
            check_not_moving(known)
            sharing(known.served, {request.version: share})  # what cannot be is said before the long work
            self._same_ids(file.model, request.sensitive_id, request.sensitive_caller)
        check_rules(file)
        check_owners(file)
        version = make_version(ports.bundles, request, tuple(file.allow), tuple(file.rules), progress)
        if known is not None:
            self._answers_for(self.schema(file.model), version, alone=share is None)
        progress("making it live")
        with ports.state.lease():
            ports.log.open_model(
                file.model, version.schema, read_binning(ports.bundles.folder(file.model, version.version))
            )
            before = self._known(file.model) if file.model in ports.state.models() else None
            if before is None or share is None:
                deployment = self._champion(file, before, version.version, now, by)
            else:
                check_not_moving(before)
                deployment = _shared(before, {version.version: share}, now, by)
            settle(ports, before, deployment)
        return version

    def _champion(
        self, file: SetpointFile, before: Deployment | None, version: str, now: datetime, by: str
    ) -> Deployment:
        """Make a version champion, under what its file says."""
        if before is None:
            deployment = first(file, version, now, by)
        else:
            deployment = released(self.ports.bundles, before, version, now, by, "deployed")
        return ruled(under(deployment, file), now, by)

    def _request(
        self, file: SetpointFile, artifact: Path, known: Deployment | None, now: datetime, by: str
    ) -> PackageRequest:
        bundles = self.ports.bundles
        parent = bundles.get(file.model, known.served.champion) if known else None
        return PackageRequest(
            model=file.model,
            version=bundles.next_name(file.model),
            artifact=artifact,
            reference=file.reference_path,
            target=file.target,
            created=now,
            reason="deployed by a person",
            task=Task(file.task),
            time=file.time,
            id=file.id,
            output=file.output,
            contracts=contracts(file),
            segments=tuple(file.segments),
            describe="" if file.profile is None else str(file.root / file.profile),
            sensitive={n: Handling(part.sensitive) for n, part in file.features.items() if part.sensitive},
            sensitive_id=Handling(file.sensitive.id) if file.sensitive.id else None,
            sensitive_caller=Handling(file.sensitive.caller) if file.sensitive.caller else None,
            keys=self.ports.keys.ensure() if asks_for_a_key(file) else None,
            binning=read_binning(bundles.folder(file.model, parent.version)) if parent else None,
            parent=parent.version if parent else None,
            created_by=by,
            train=file.train or "",
            source=str(file.root),
            timeout_s=self.ports.job_timeout_s,
            memory_bytes=self.ports.job_memory,
            latency_us=asked_latency_us(objectives(file)),
            timed=self.ports.timed,
        )

    def _same_ids(self, model: str, id: Handling | None, caller: Handling | None) -> None:
        """Refuse a challenger that records ids or callers another way: outcomes are told once, for all versions."""
        champion = self.schema(model)
        if (id, caller) != (champion.sensitive_id, champion.sensitive_caller):
            raise Conflict(
                f"`sensitive:` of id and caller must be the same for all versions that answer together, and is another "
                f"one for the champion of {model}; deploy it without a share"
            )

    def _answers_for(self, champion: Schema, version: ModelVersion, *, alone: bool) -> None:
        """Refuse a version whose columns would have requests misread, or that cannot answer the champion's requests."""
        same_width(version.model, champion, version.schema)
        if not alone and champion.names != version.schema.names:
            raise Conflict(
                f"{version.version} has other columns than the champion of {version.model}, and cannot answer the same "
                "requests; deploy it without a share"
            )

    def rollout(self, model: str, shares: Mapping[str, float], *, by: str) -> Deployment:
        """Have challengers answer these fractions of the requests, by version; 0 takes a share away."""
        with self.ports.state.lease():
            deployment = self._known(model)
            check_not_moving(deployment)
            for version in shares:
                self.check_challenger(model, version)
            return settle(self.ports, deployment, _shared(deployment, shares, self.clock.now(), by))

    def check_challenger(self, model: str, version: str) -> None:
        """Refuse a version that cannot answer the champion's requests beside it, or is not whole."""
        self.ports.bundles.folder(model, version)
        found = self.ports.bundles.get(model, version)
        self._answers_for(self.schema(model), found, alone=False)
        self._same_ids(model, found.schema.sensitive_id, found.schema.sensitive_caller)

    def rollback(self, model: str, *, to: str | None, by: str) -> Deployment:
        """Make an earlier version champion again, the one before or the one named, and retrain it as it was.

        The requests move at once, whoever holds the state (see `setpoint.loop.orders`); then it is written down.
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
            return self._known(model)

    def _known(self, model: str) -> Deployment:
        """Return a deployment as it stands, with what was ordered meanwhile; the lease is held."""
        return adopt(self.ports, self.ports.state.load(model))

    def update(self, model: str, *, by: str, method: Method | None = None) -> str:
        """Start a training now, whatever the objectives say; return the job's id.

        Raises
        ------
        Conflict
            If it cannot start, with the reason in words.
        """
        with self.ports.state.lease():
            self.ports.log.ingest()
            deployment, now = self.ports.state.load(model), self.clock.now()
            look = take_look(self.ports, deployment, now)
            if look.unreadable:
                raise Conflict(f"{model} cannot be trained from the log: {look.unreadable}")
            if why := held_back(deployment, look.unlearnt, now) or too_few(look.unlearnt):
                raise Conflict(why)
            plan = due(look.unlearnt, now=now, cause="asked for by a person", method=method)
            job = f"{model}-{now:%Y%m%dT%H%M%S}"
            deployment = act(Fit(job=job, plan=plan, by=by), self.ports, deployment, look)
            self.ports.state.save(deployment)
            self.ports.state.save(act(Submit(), self.ports, deployment, look))
            return job

    def training_set(self, model: str, *, version: str | None = None) -> TrainingSet:
        """Return the set that a training of all the log would learn from now, or the one that a version learnt from.

        Raises
        ------
        Conflict
            If the inputs on record cannot be learnt from, with the reason in words.
        """
        deployment, now = self.ports.state.load(model), self.clock.now()
        if version is not None:
            return stored_set(self.ports, model, version)
        self.ports.log.ingest()
        champion = self.ports.bundles.get(model, deployment.served.champion)
        if closed := why_unreadable(self.ports, champion.schema):
            raise Conflict(f"{model} cannot be trained from the log: {closed}")
        return training_set(self.ports, deployment, champion, until=now, as_of=now, spec=spec_of(deployment, None))

    def advice(self, model: str) -> Advised:
        """Say what is best done about a model's answers now: retrain, recalibrate, go back, or wait for what."""
        with self.ports.state.lease():
            self.ports.log.ingest()
        deployment = replace(self.ports.state.load(model), advised=None)
        look = take_look(self.ports, deployment, self.clock.now())
        return advised(advice_of(deployment, look), look)

    def finish(self, model: str, progress: Progress = lambda step: None) -> tuple[Decided, ...]:
        """Wait until a training has ended, and let the loop look: the gate judges, or the failure is written down.

        What passes the gate is trained once more, and waited for as well.
        """
        started, said, before = time.monotonic(), tuple[Decided, ...](), None
        while (training := self.ports.state.load(model).training) not in (None, before):
            before = training
            while self.ports.trainer.result(training.job) is None:
                told = self.ports.trainer.progress(training.job)
                words = in_words(told, datetime.now(UTC)) if told else "waiting"
                progress(f"training {training.job}: {time.monotonic() - started:.0f} s, {words}")
                time.sleep(0.1)
            said += self.tick()
        return said

    def cancel(self, model: str, *, by: str) -> str:
        """Stop the training of a model that is under way, wherever it runs, and return its job.

        Raises
        ------
        Conflict
            If there is none, or it has just ended.
        """
        training = self.ports.state.load(model).training
        if training is None or not training.submitted:
            raise Conflict(f"no training of {model} is under way")
        self.ports.trainer.cancel(training.job, by)
        return training.job

    def under_way(self, deployments: Sequence[Deployment]) -> dict[str, Any]:
        """Return how far the trainings of deployments are that run, by model, as `status` shows it."""
        jobs = {d.model: d.training.job for d in deployments if d.training}
        told = {model: self.ports.trainer.progress(job) for model, job in jobs.items()}
        return {model: progress_view(p, datetime.now(UTC)) for model, p in told.items() if p is not None}

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
                serve(self.ports, self._known(model))

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

    def records(
        self,
        model: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        version: str | None = None,
        ids: Sequence[str] | None = None,
        where: str | None = None,
        limit: int | None = None,
        decrypt: bool = False,
    ) -> pa.Table:
        """Return what was recorded; `where` is a condition, of what is left `limit` keeps the last rows.

        Raw ids and values find what is recorded as a hash. `decrypt` returns what is encrypted in clear.
        """
        clear = self._clear(model, decrypt)
        ids, where = self._asked(model, ids, where)
        return clear(
            self.ports.log.table(model, since=since, until=until, version=version, ids=ids, where=where, limit=limit)
        )

    def record_parts(
        self,
        model: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        version: str | None = None,
        ids: Sequence[str] | None = None,
        where: str | None = None,
        decrypt: bool = False,
    ) -> Iterator[pa.Table]:
        """Yield what `records` returns in parts of some days each, however much it is; one part at least."""
        clear = self._clear(model, decrypt)
        ids, where = self._asked(model, ids, where)
        parts = self.ports.log.stretches(model, since=since, until=until, version=version, ids=ids, where=where)
        return map(clear, parts)

    def _asked(
        self, model: str, ids: Sequence[str] | None, where: str | None
    ) -> tuple[Sequence[str] | None, str | None]:
        """Ingest, and return ids and condition with the hashes beside raw values."""
        self.ports.log.ingest()
        known = self._hashers(model)
        if ids is not None and ID in known:
            ids = [*ids, *map(known[ID], ids)]
        if where is not None and known:
            where = hidden_condition(where, known)
        return ids, where

    def _clear(self, model: str, decrypt: bool) -> Callable[[pa.Table], pa.Table]:
        """Return what shows records: as they are, or decrypted."""
        self.ports.state.load(model)
        if not decrypt:
            return lambda table: table
        keys = self.ports.keys.keys()
        if keys is None:
            raise Unusable("there is no key to decrypt with: set SETPOINT_KEY, or put the file `key` into the home")
        return lambda table: decrypted(table, model, lambda v: self.ports.bundles.get(model, v).schema, keys)

    def erase(self, model: str, *, ids: Sequence[str] = (), where: str | None = None, by: str) -> Erasure:
        """Delete all that is recorded of some ids, and of the ids of the rows of a condition; return the receipt.

        Raises
        ------
        InvalidInput
            If neither is given, or the condition is none.
        """
        if not ids and not where:
            raise InvalidInput("nothing says what to erase: give ids, or a condition")
        asked, where = self._asked(model, ids, where)
        with self.ports.state.lease():
            deployment, now = self.ports.state.load(model), self.clock.now()
            receipt = self.ports.log.erase(
                model,
                ids=asked or (),
                where=where,
                by=by,
                now=now,
                learnt=learnt_days(self.ports.bundles.versions(model)),
                learnt_from=lambda found: learnt_from(self.ports, model, found),
            )
            why = f"{receipt.rows:,} rows and {receipt.outcomes:,} outcomes; receipt {receipt.id}"
            self.ports.state.save(decided(deployment, now, "", model, "erase", why, by))
        return receipt

    def erasures(self, model: str) -> list[Erasure]:
        """Return the receipts of what was erased."""
        return self.ports.log.erasures(model)

    def lingering(self, receipt: Erasure) -> list[str]:
        """Ingest, and return the segments of the spool that still hold bytes of what was erased."""
        self.ports.log.ingest()
        return self.ports.log.lingering(receipt)

    def _hashers(self, model: str) -> Hashers:
        schema = self.schema(model)
        keys = self.ports.keys.keys() if needs_key(schema) else None
        return hashers(model, schema, keys) if keys else {}

    def outcomes(self, model: str, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
        """Record what turned out to be true."""
        self.ports.state.load(model)
        self.ports.log.ingest()
        schema = self.schema(model)
        if not schema.sensitive_id:
            return self.ports.log.add_outcomes(model, outcomes)
        guard = Guard(model, schema, self.ports.keys.keys())
        raw = {guard.id(o.id): o.id for o in outcomes}
        receipt = self.ports.log.add_outcomes(model, [guard.outcome(o) for o in outcomes])
        return replace(receipt, unknown_examples=tuple(raw.get(i, i) for i in receipt.unknown_examples))


def _shared(deployment: Deployment, shares: Mapping[str, float], now: datetime, by: str) -> Deployment:
    """Give versions a share; each change is a decision."""
    before = deployment.served.shares
    deployment = replace(deployment, served=sharing(deployment.served, shares))
    for version, share in shares.items():
        was = before.get(version, 0.0)
        if share != was:
            why = f"{written({version: share})} of the requests, was {100 * was:.6g}%"
            deployment = decided(deployment, now, "", version, "share", why, by)
    return deployment


def _ids(deployment: Deployment) -> list[str]:
    """Return what a person may approve: live incidents and candidates on their way."""
    return [
        *(i.id for i in deployment.incidents if i.live),
        *(r.candidate.version for r in deployment.rollouts if r.running),
    ]


def learnt_days(versions: Sequence[ModelVersion]) -> dict[str, date]:
    """Return the last day of what versions were trained on here that do not know their records by id."""
    unknown = [v for v in versions if PROVENANCE_FILE not in v.files]
    return {v.version: v.lineage.trained_until.date() for v in unknown if v.lineage.trained_until}
