"""All steps of training: export, collect, build, sft, convert, evaluate, promote. Each step is done once.

If it is started again, it continues from what is there: runs in the log, a dataset, a checkpoint, an adapter, results.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rlm_local.bench.examples import Result
from rlm_local.engine.answer import Answer
from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.calibrated import calibration_of, keep
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.log.lines import LineFile
from rlm_local.models import Cancel, Model
from rlm_policy import Artifact, Manifest, Policies, Policy, Prompted
from rlm_training.base import Export, export_base
from rlm_training.collect import Collector
from rlm_training.datasets import build, gone, load, save
from rlm_training.errors import EvaluationError
from rlm_training.evaluate import Evaluation, ask_held_out, compare, to_svg
from rlm_training.files import sha256, whole
from rlm_training.settings import Settings
from rlm_training.sft import Tell, train_sft
from rlm_training.steer import steerable
from rlm_training.tasks import Make, TrainingTask
from rlm_training.trained import Trained
from rlm_training.trajectories import states
from rlm_training.verify import convert, verify
from rlm_training.workbench import Workbench, open_workbench, weights

BESIDE = ("rules", "direct")
"""Policies that are evaluated besides the untrained and the trained one."""

Tasks = Callable[[], Sequence[tuple[str, Make]]]


@dataclass(frozen=True)
class Loop:
    """The training of one policy.

    Args:
        name: of the policy, and of the folder in the state directory in which all steps work.
        tasks: returns the tasks, the same every time.
        most_length: the most tokens of a sample.
    """

    name: str
    model: str
    home: Home
    tasks: Tasks
    tell: Tell
    settings: Settings = field(default_factory=Settings)
    most_length: int = 4_096
    max_tokens: int = 60_000
    parallel: int = 4
    lead: Callable[[Model], Model] = steerable
    """See `open_workbench`."""

    @property
    def folder(self) -> Path:
        return self.home.training / "loops" / self.name

    def run(self, cancel: Cancel) -> Artifact:
        """Runs all steps, and promotes the policy if the gate accepts it.

        Raises:
            NotBetterError: the gate does not accept it; the policy is kept, with its report.
            TrainingError, ModelError, SandboxError, StoreError: a step failed; the next start continues from there.
            Cancelled: by `cancel`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        export = self.export()
        self.collect(cancel)
        trained = self.train(cancel)
        artifact = self.convert(export, trained)
        if artifact.report is None:
            artifact = self.evaluate(cancel)
        policies = Policies(self.home.policies)
        promoted = policies.promoted(export.sha256)
        return artifact if promoted and promoted.name == self.name else policies.promote(self.name)

    def export(self) -> Export:
        _, path = weights(self.model, self.home, _ignore)
        return export_base(self.model, path, self.base, self.tell)

    @property
    def base(self) -> Path:
        """The folder of the exported base."""
        return self.home.training / "bases" / Path(self.model).stem

    def collect(self, cancel: Cancel) -> None:
        """Collects runs of all tasks in the log, and fits biases of the untrained model to them, if these help."""
        marker = self.folder / "collected"
        if marker.exists():
            return
        tasks = self.tasks()
        with self._open() as bench:
            collector = Collector(
                bench.engine, bench.model, bench.store, bench.spec.sha256, self.max_tokens, self.parallel
            )
            for number, collected in enumerate(collector.collect(tasks, branches=True, cancel=cancel), 1):
                best = max(collected.outcomes, key=lambda o: o.score, default=None)
                said = f"{best.forced} scores {best.score:.2f}" if best else "nothing new"
                self.tell(f"{number} of {len(tasks)} tasks: {collected.task} ({collected.split}): {said}")
            cancel.check()
            found = calibration_of(bench.store, bench.store.outcomes(bench.spec.sha256, PROMPT_VERSION))
            if found.fitted_on and found.before.n:
                keep(self.home.calibration, bench.spec.sha256, PROMPT_VERSION, found.kept)
        marker.touch()

    def train(self, cancel: Cancel) -> Trained:
        """Makes the dataset, and trains a LoRA adapter on it."""
        data = self.folder / "data"
        if not (data / "report.json").exists():
            with self._open() as bench:
                about = {
                    "model": bench.spec.name,
                    "model_sha256": bench.spec.sha256,
                    "template_sha256": bench.model.template_sha256,
                    "prompt_version": PROMPT_VERSION,
                }
                found = states(bench.store, bench.spec.sha256, PROMPT_VERSION)
                save(build(found, "sft", max_length=self.most_length, about=about), data)
        dataset = load(data)
        with RunStore(self.home.runs, self.home.key) as store:
            if missing := gone(dataset, store):
                self.tell(missing)
        report = dataset.report()
        self.tell(f"samples for training: {report['kept']['train']}, held out: {report['kept']['held-out']}")
        self.tell(f"left out: {report['dropped'] or 'nothing'}")
        return train_sft(data, self.base, self.folder / "sft", self.settings, self.tell, cancel)

    def convert(self, export: Export, trained: Trained) -> Artifact:
        """Makes the policy's folder, with the adapter in GGUF, which is compared with PEFT's."""
        policies = Policies(self.home.policies)
        if self.name in policies.names():
            return policies.get(self.name)
        _, path = weights(self.model, self.home, _ignore)
        adapter, converted = self.folder / "sft" / "adapter", self.folder / "adapter.gguf"
        data = load(self.folder / "data")
        convert(adapter, path, converted, self.tell)
        apart = verify(adapter, converted, self.base, path, list(data.samples), self.tell)
        self.tell(f"llama.cpp's logits are {apart:.1e} nats a token from PEFT's")
        manifest = Manifest(
            base=export.name,
            base_sha256=export.sha256,
            template_sha256=str(data.about["template_sha256"]),
            prompt_version=str(data.about["prompt_version"]),
            provenance=provenance(trained, apart, converted),
        )
        return policies.add(self.name, converted, manifest)

    def evaluate(self, cancel: Cancel) -> Artifact:
        """Compares before and after on the held-out tasks; results are kept in a file, and not measured again."""
        with self._open() as bench:
            found = evaluate(
                bench, self.name, self.tasks(), self.folder / "results.jsonl", self.tell, self.max_tokens, cancel
            )
        artifact = Policies(self.home.policies).evaluated(self.name, found.report, found.detail)
        with whole(artifact.folder / "solved-against-tokens.svg") as made:
            made.write_text(to_svg(found.detail), "utf-8")
        return artifact

    def _open(self) -> Any:
        return open_workbench(self.model, self.home, _ignore, self.lead)


def evaluate(
    bench: Workbench,
    name: str,
    tasks: Sequence[tuple[str, Make]],
    file: Path,
    tell: Tell,
    max_tokens: int,
    cancel: Cancel,
    beside: Sequence[str] = BESIDE,
) -> Evaluation:
    """Asks the held-out tasks under a policy, under the untrained but calibrated model, and under other policies.

    Args:
        file: has a JSON line for each result; what is in it is not asked again.

    Raises:
        EvaluationError: there is no such policy.
    """
    after = bench.trained.find(name, None)
    if after is None:
        raise EvaluationError(f"there is no policy {name!r}", remedy="`rlm-local policy list` names them")

    def ask(task: TrainingTask, policy: str | Policy) -> Answer:
        cancel.check()
        return bench.engine.ask(
            task.task.question,
            task.view,
            author="programs",
            policy=policy,
            max_tokens=max_tokens,
            task_id=task.id,
            cancel=cancel,
        )

    with LineFile(file) as lines:
        known = [Result(**row) for row in lines.rows]
        before = Prompted(calibration=bench.calibration)
        for result in ask_held_out(tasks, (before, after, *beside), ask, known):
            cancel.check()
            lines.append(result.data())
            known.append(result)
            tell(f"{result.id} {result.policy}: {result.score:.2f}, {result.tokens:,} tokens")
    return compare(known, name, states(bench.store, bench.spec.sha256, PROMPT_VERSION), bench.store)


def provenance(trained: Trained, apart: float, converted: Path) -> dict[str, Any]:
    """How an adapter was made, for its manifest."""
    return {
        "method": trained.method,
        "data_sha256": dict(trained.data_sha256),
        "settings": dict(trained.settings),
        "curve": [[point.step, round(point.accuracy, 4)] for point in trained.curve],
        "seconds": trained.seconds,
        "ended": trained.ended,
        "divergence_from_peft": apart,
        "adapter_sha256": sha256(converted),
        "versions": {**trained.versions, "rlm-local": version("rlm-local")},
    }


def _ignore(_event: object) -> None:
    pass
