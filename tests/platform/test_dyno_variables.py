"""Which variables are baked in the dynos and containers of real platforms: what the owner has set, no more.

The start scripts of buildpacks and what starts them are imitations, in tests/support; everything of this
buildpack is the real thing, from bin/compile to what is chosen from the environment of the process.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from buildpack import Result, add_python, small_build
from deploy.config.variables import select
from start_scripts import APT, JVM, NODEJS, PYTHON, install
from starters import cloud_native_buildpacks, heroku, herokuish

Start = Callable[[Path, Mapping[str, str]], Result]

# What an owner sets, in names that platforms, shells and buildpacks set, too.
CONFIG = {
    "DATABASE_URL": "postgres://user:password@database.example.com:5432/orders",
    "DETECTED": "a scratch variable of heroku/nodejs",
    "DOKKU_POSTGRES_AQUA_URL": "postgres://user:password@dokku-postgres-orders:5432/orders",
    "EMPTY": "",
    "GREETING": "Grüß 'Gott'\n\t${HOME} $(id) \"\n",
    "GUNICORN_CMD_ARGS": "--timeout 5",
    "JAVA_OPTS": "-Xmx64m -Downer='a b'",
    "JAVA_TOOL_OPTIONS": "-javaagent:opentelemetry.jar -Downer=1",
    "LANG": "C.UTF-8",
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

# The same names without an owner who sets them.
FEW = {"DATABASE_URL": CONFIG["DATABASE_URL"], "REDIS_URL": "redis://:password@redis.example.com"}

STARTS: dict[str, Start] = {
    "run": lambda app, config: heroku(app, "run.1234", config),
    "run of another size": lambda app, config: heroku(app, "run.1", config, size="performance-l"),
    "release": lambda app, config: heroku(app, "release.9768", config),
    "formation": lambda app, config: heroku(app, "deploy.1", config, size="standard-2x"),
    "web": lambda app, config: heroku(app, "web.1", config, size="performance-l"),
    "scheduler": lambda app, config: heroku(app, "scheduler.4711", config),
    "cron": lambda app, config: heroku(app, "cron.4711", config, metrics=False),
    "shell in a shell": lambda app, config: heroku(app, "release.1", config, command=NESTED),
    "dokku run": lambda app, config: herokuish(app, "exec", config, dyno="run.12345", last_build=OLD),
    "dokku start": lambda app, config: herokuish(app, "start", config, dyno="deploy.1", last_build=OLD),
    "dokku release": lambda app, config: herokuish(app, "exec", config, size="standard-2x", last_build=OLD),
    "exec in exec": lambda app, config: herokuish(app, "exec", config, command=NESTED, last_build=OLD),
    "container": lambda app, config: cloud_native_buildpacks(app, config),
    "larger container": lambda app, config: cloud_native_buildpacks(app, config, size="performance-l"),
    "container with a shell": lambda app, config: cloud_native_buildpacks(app, config, direct=False),
}
NESTED = "bash ./nested.sh"
OLD = {"GREETING": "Hello", "UNSET_SINCE": "old", "WINDOWS_PATH": r"d:\old"}

WITH_START_SCRIPTS = [name for name in STARTS if "container" not in name]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the slug of an app with the start scripts of several buildpacks."""
    build = small_build(tmp_path_factory.mktemp("build"))
    install(build.app, APT, PYTHON, JVM, NODEJS)
    # Dokku adds this one to the image, with the config of the last release.
    (build.app / ".profile.d/01-app-env.sh").write_text("export GREETING='Hello again'\n")
    (build.app / "nested.sh").write_text(
        'for script in .profile.d/*.sh; do . "./$script"; done; exec .lambda-deploy/bin/deploy\n'
    )
    assert build.compile().status == 0
    add_python(build.app)
    return build.app


def environment(result: Result) -> dict[str, str]:
    """Return what the process that was started has found in its environment."""
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    told: dict[str, str] = json.loads(result.stdout)["environment"]
    return told


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_bakes_what_the_owner_has_set(app: Path, start: Start) -> None:
    """Each value, letter for letter, whatever the start scripts have made of it."""
    assert select(environment(start(app, CONFIG))).baked == CONFIG


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_bakes_nothing_else(app: Path, start: Start) -> None:
    """Not what platforms and buildpacks set, in whatever kind of dyno."""
    assert select(environment(start(app, FEW))).baked == FEW
