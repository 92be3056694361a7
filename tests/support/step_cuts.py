"""A run of the CodePipeline step that is cut off, as one is whose process has crashed."""

import contextlib

from deploy.handler import NotReported
from embedded_aws import Function
from fault_proxy import Fault
from fleets import CONFIG, LOWER, SOURCE_CONFIG, FleetOfTests, names_of, release
from outage import Outage
from steps import StepOfTests, zipped


class CutOff(Outage):
    """A network that is cut for good after so many requests."""

    left = 0

    def meet(self, operation: str) -> Fault | None:
        """Cut what comes later."""
        self.left -= 1
        self.down = self.left < 0
        return super().meet(operation)


def release_models(fleet: FleetOfTests) -> tuple[Function, Function]:
    """Return a function at 1.0.0 and one in the lower account that has 1.1.0."""
    here, there = fleet.function("model"), fleet.function("model", LOWER)
    release(fleet.slug("old"), here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(fleet.slug("new"), there, "1.1.0", SOURCE_CONFIG)
    return here, there


def survive_cuts(step: StepOfTests, every: int) -> None:
    """Cut runs off: what is live is complete, and the event, which Lambda runs again, completes the job."""
    models = release_models(step.fleet)
    with CutOff(step.aws.url) as network:
        most = _survive_cut(step, network, models, 999)
        assert most > 12
        for calls in range(1, most, every):
            _survive_cut(step, network, models, calls)


def _survive_cut(step: StepOfTests, network: CutOff, models: tuple[Function, Function], calls: int) -> int:
    """Cut a run off after so many calls; return how many were tried."""
    name = f"cut-{calls}"
    here, _ = (step.fleet.copy(model, name) for model in models)
    job = step.job(zipped(fleet_json=step.wants(**{name: "1.1.0"})))
    network.seen.clear()
    network.left = calls
    with contextlib.suppress(NotReported):
        step.run(job.event, AWS_ENDPOINT_URL=network.url)
    tried = len(network.seen)
    if job.state == "in progress":
        assert network.left < 0
        assert here.alias() in {"1", "2"}
        step.run(job.event)
    assert job.state == "succeeded"
    assert names_of(here) == {"live": "2", "1-0-0": "1", "1-1-0": "2"}
    return tried
