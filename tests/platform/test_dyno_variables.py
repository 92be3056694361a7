"""Which variables are baked in the dynos and containers of real platforms: what the owner has set, no more.

The start scripts of buildpacks and what starts them are imitations, in tests/support; everything of this
buildpack is the real thing, from bin/compile to the package.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from buildpack import Result, add_python, small_build
from deploy.config.variables import select
from simulated import Slug
from start_scripts import APT, DATADOG, JVM, NODEJS, PYTHON, install
from starters import cloud_native_buildpacks, heroku, herokuish

Start = Callable[[Path, Mapping[str, str], str], Result]

# Names that platforms, shells and buildpacks set, too, and values that they change.
CONFIG = {
    "DATABASE_URL": "postgres://user:password@database.example.com:5432/orders",
    "DD_TAGS": "team:orders,tier:1",
    "DETECTED": "a scratch variable of heroku/nodejs",
    "DOKKU_POSTGRES_AQUA_URL": "postgres://user:password@dokku-postgres-orders:5432/orders",
    "EMPTY": "",
    "GREETING": "Grüß 'Gott'\n\t${HOME} $(id) \"\n",
    "GUNICORN_CMD_ARGS": "--timeout 5",
    "JAVA_OPTS": "-Xmx64m -Downer='a b'",
    "JAVA_TOOL_OPTIONS": "-javaagent:opentelemetry.jar -Downer=1",
    "LANG": "de_DE.UTF-8",
    "LC_CTYPE": "de_DE.UTF-8",
    "LD_LIBRARY_PATH": "/opt/lib:/opt/owner/lib",
    "LD_PRELOAD": "libc.so.6",
    "NODE_ENV": "production",
    "NODE_OPTIONS": "--enable-source-maps",
    "PYTHONPATH": "src",
    "SPRING_DATASOURCE_URL": "jdbc:h2:mem:",
    "SPRING_DATASOURCE_USERNAME": "owner",
    "TMPDIR": "/tmp",
    "WEB_CONCURRENCY": "3",
    "WINDOWS_PATH": r"c:\temp\new",
    "path": "a scratch variable of heroku/jvm",
}

# None of the names that buildpacks set, but what they make more variables of.
OTHERS = {"DATABASE_URL": CONFIG["DATABASE_URL"], "REDIS_URL": "redis://:password@redis.example.com"}

# Of a build and a release before the config was what it is.
OLD = {"GREETING": "Hello", "UNSET_SINCE": "old", "WINDOWS_PATH": r"d:\old"}

DEPLOY = ".lambda-deploy/bin/deploy"
NESTED = "bash ./nested.sh"

dokku = partial(herokuish, last_build=OLD, last_release=OLD)

STARTS: dict[str, Start] = {
    "run": partial(heroku, dyno="run.1234"),
    "larger run": partial(heroku, dyno="run.1", size="performance-l"),
    "release": partial(heroku, dyno="release.9768"),
    "formation": partial(heroku, dyno="deploy.1", size="standard-2x"),
    "web": partial(heroku, dyno="web.1", size="performance-l"),
    "scheduler": partial(heroku, dyno="scheduler.4711"),
    "cron": partial(heroku, dyno="cron.4711", metrics=False),
    "dokku run": partial(dokku, called="exec", dyno="run.12345"),
    "dokku start": partial(dokku, called="start", dyno="deploy.1"),
    "dokku release": partial(dokku, called="exec", size="standard-2x"),
    "container": cloud_native_buildpacks,
    "larger container": partial(cloud_native_buildpacks, size="performance-l"),
    "container with a shell": partial(cloud_native_buildpacks, direct=False),
}

every_start = pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a slug with the start scripts of several buildpacks, whose `deploy` prints its environment."""
    build = small_build(tmp_path_factory.mktemp("build"))
    install(build.app, APT, DATADOG, PYTHON, JVM, NODEJS)
    (build.app / "nested.sh").write_text(
        f'for script in .profile.d/*.sh; do . "./$script"; done; exec {DEPLOY}\n'
    )
    assert build.compile().status == 0
    add_python(build.app)
    return build.app


def environment(result: Result) -> dict[str, str]:
    """Return what the process that was started has found in its environment."""
    assert result.status == 0, result.stderr
    told: dict[str, str] = json.loads(result.stdout)["environment"]
    return told


@every_start
def test_bakes_what_the_owner_has_set(app: Path, start: Start) -> None:
    """Each value, letter for letter, whatever the start scripts have made of it."""
    assert select(environment(start(app, CONFIG, DEPLOY))).baked == CONFIG


@every_start
def test_bakes_nothing_else(app: Path, start: Start) -> None:
    """Not what platforms and buildpacks set, in whatever kind of dyno."""
    assert select(environment(start(app, OTHERS, DEPLOY))).baked == OTHERS


@pytest.mark.parametrize("start", ["run", "web", "dokku run", "dokku start"])
@pytest.mark.parametrize("config", [CONFIG, OTHERS], ids=["config", "others"])
def test_a_shell_in_the_shell_makes_no_difference(app: Path, start: str, config: Mapping[str, str]) -> None:
    """`heroku run bash`, then `bash --login`, then `deploy`: start scripts have run twice."""
    assert select(environment(STARTS[start](app, config, NESTED))).baked == config


ORDERS = {
    "first": ("zz-lambda-deploy.sh",),
    "first, others backwards": ("zz-lambda-deploy.sh", "python.sh", "nodejs.sh", "jvmcommon.sh"),
    "in between": ("jvmcommon.sh", "000_apt.sh", "zz-lambda-deploy.sh"),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("dyno", ["run.1", "web.1"])
def test_order_makes_no_difference(app: Path, dyno: str, order: tuple[str, ...]) -> None:
    """Platforms promise none. Only what is overwritten as a whole, after our script has run, is lost."""
    config = {name: value for name, value in CONFIG.items() if name not in {"DD_TAGS", "DETECTED", "path"}}

    for owners in (config, OTHERS):
        assert select(environment(heroku(app, owners, DEPLOY, dyno=dyno, order=order))).baked == owners


def test_the_apps_own_start_scripts_are_the_owners(tmp_path: Path) -> None:
    """What .profile.d and .profile of the app set is config, beside what buildpacks set there."""
    build = small_build(tmp_path)
    install(build.app, NODEJS, JVM)
    (build.app / ".profile.d/app.sh").write_text(
        "export OWN=1 WEB_CONCURRENCY=4\n"
        'export "QUOTED=a b"; : "${DEFAULT:=2}"; export DEFAULT\n'
        'JAVA_TOOL_OPTIONS="$JAVA_TOOL_OPTIONS -Dapp"\n'
    )
    (build.app / ".profile").write_text(
        'export PROFILE=3 WEB_MEMORY=256 NODE_OPTIONS="$NODE_OPTIONS --trace-warnings"\n'
    )
    assert build.compile().status == 0
    add_python(build.app)
    config = {"JAVA_TOOL_OPTIONS": "-Downer", "NODE_OPTIONS": "--enable-source-maps"}

    for dyno in ("run.1", "release.1"):
        assert select(environment(heroku(build.app, config, DEPLOY, dyno=dyno))).baked == {
            "OWN": "1",
            "WEB_CONCURRENCY": "4",
            "QUOTED": "a b",
            "DEFAULT": "2",
            "JAVA_TOOL_OPTIONS": "-Downer -Dapp",
            "PROFILE": "3",
            "WEB_MEMORY": "256",
            "NODE_OPTIONS": "--enable-source-maps --trace-warnings",
        }


def test_one_package_everywhere(nodejs_slug: Slug, tmp_path: Path) -> None:
    """The same slug with the same config makes the same CodeSha256 in dynos and containers.

    That the config is the same in every one of them is proved above.
    """
    app = nodejs_slug.copy(tmp_path).path
    install(app, APT, DATADOG, PYTHON, JVM, NODEJS)
    file = tmp_path / "package.zip"

    def code_sha256(start: Start) -> str:
        result = start(app, CONFIG, f"{DEPLOY} package -o {file} --json")
        assert result.status == 0, result.stderr
        return str(json.loads(result.stdout)["code_sha256"])

    made = {name: code_sha256(STARTS[name]) for name in ("run", "web", "dokku start", "larger container")}

    assert made == dict.fromkeys(made, made["run"])
