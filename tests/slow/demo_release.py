"""The demo's release: an alias, a verification that fails, a shift by CodeDeploy, and a rollback."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from embedded_aws import EmbeddedAWS, Function
from simulated import Slug

SETTINGS = {
    "_LAMBDA_ALIAS": "live",
    "_LAMBDA_VERIFY_PAYLOAD": '{"ping": true}',
    "_LAMBDA_VERIFY_EXPECT": "pong",
}
SHIFT = {"_LAMBDA_SHIFT": "Canary10Percent5Minutes"}
BROKEN = "4"  # the version that answers wrongly
FAILED = 1


class Scene(NamedTuple):
    """A command, the config that it finds, its exit status, and the version that is live afterwards."""

    title: str
    command: Sequence[str]
    config: Mapping[str, str]
    status: int
    live: str


SCENES = (
    Scene("The first deploy makes the alias.", [], {"GREETING": "Hello"}, 0, "1"),
    Scene("A config change: what would a deploy do?", ["plan"], {"GREETING": "Hi", **SHIFT}, 0, "1"),
    Scene(
        "The deploy has CodeDeploy shift the traffic; minutes pass here within seconds.",
        [],
        {"GREETING": "Hi", **SHIFT},
        0,
        "2",
    ),
    Scene("The next one, without a shift.", [], {"GREETING": "Hey"}, 0, "3"),
    Scene("The next one answers wrongly, and gets no traffic.", [], {"GREETING": "Oops"}, FAILED, "3"),
    Scene("Back to the version before.", ["rollback"], {"GREETING": "Oops"}, 0, "2"),
)


def show_release(
    aws: EmbeddedAWS, slug: Slug, function: Function, tell: Callable[[str], None], show: Callable[[str], None]
) -> str:
    """Run the scenes, and return what is wrong; empty if all is as it has to be."""
    aws.deployments.create_group(function.name)
    aws.deployments.pace = 240  # seconds that pass between two looks

    def answer(_event: Any, version: str) -> dict[str, str]:
        return {"answer": "oops" if version == BROKEN else "pong"}

    aws.answers(function, answer)
    for scene in SCENES:
        tell(scene.title)
        print(f"    $ deploy {' '.join(scene.command)}".rstrip())
        config = {**aws.settings(function), **SETTINGS, **scene.config}
        dyno = slug.run("deploy", *scene.command, config=config)
        show(dyno.stdout + dyno.stderr)
        if dyno.returncode != scene.status:
            return f"the deploy ended with exit status {dyno.returncode}"
        if (live := function.alias("live")) != scene.live:
            return f"version {live} is live, and not {scene.live}"
    return ""
