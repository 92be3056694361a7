"""Config: which variables are baked, which are left out, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasty
from deploy.config.buildpacks import BUILDPACK_VARIABLES, SHARED_VARIABLES
from deploy.config.platforms import PLATFORM_VARIABLES
from deploy.config.variables import secrets, select
from deploy.errors import InputError

CANARY = "canary-7f3a"

# In names that only platforms and shells set.
OF_THE_PLATFORM = """
    BASH_ENV COLUMNS DYNO HOME HOSTNAME LINES OLDPWD PATH PORT PS1 PWD SHELL SHLVL TERM USER HEROKU_DYNO_ID
    HEROKU_METRICS_URL HEROKU_RELEASE_VERSION HEROKU_SLUG_COMMIT DOKKU_APP_NAME CNB_STACK_ID
    LOLLIPOP_PORT_5432_TCP_ADDR KUBERNETES_SERVICE_HOST
"""
# Names that owners set themselves, even if a buildpack or a platform sets some of them, too.
OF_THE_OWNER = """
    NODE_ENV NODE_OPTIONS DATABASE_URL JDBC_DATABASE_URL SPRING_DATASOURCE_URL HEROKU_APP_NAME TZ
    AWS_ACCESS_KEY_ID AWS_REGION PORTAL DYNOSAUR HOMEPAGE PATHS MY_PATH path LANG LC_ALL TMPDIR LD_PRELOAD
    WEB_CONCURRENCY WEB_MEMORY GUNICORN_CMD_ARGS JAVA_OPTS JAVA_TOOL_OPTIONS LD_LIBRARY_PATH PYTHONPATH
    DOKKU_POSTGRES_AQUA_URL APP APP_NAME CI GITHUB_TOKEN GIT_REV TRACE CACHE_PATH SELF ENV
"""

patterns = st.lists(
    st.text(st.sampled_from("*?[]!-_^ABDYNOPRT\\"), max_size=8)
    | st.sampled_from(["*", "_*", "[_]*", "?*", "PORT"]),
    max_size=4,
)
environments = st.dictionaries(
    st.sampled_from(["_LAMBDA_FUNCTION_ARN", "_", "__X", *OF_THE_PLATFORM.split(), *OF_THE_OWNER.split()])
    | nasty.names,
    st.just("value"),
)


@pytest.mark.parametrize("name", OF_THE_PLATFORM.split())
def test_what_the_platform_sets_is_left_out_for_a_reason(name: str) -> None:
    """Nothing that varies from dyno to dyno changes the package; `deploy config` can say why."""
    config = select({name: "value"})
    assert config.baked == {}
    assert [left.name for left in config.left_out] == [name]
    assert config.left_out[0].reason.startswith("set by ")


@pytest.mark.parametrize("name", OF_THE_OWNER.split())
def test_what_an_owner_sets_is_baked(name: str) -> None:
    """Names that owners set themselves are config, even where a buildpack sets them too."""
    assert select({name: "value"}).baked == {name: "value"}


PLATFORMS = {
    "DOKKU_APP_TYPE": "CACHE_PATH=/cache DEBIAN_FRONTEND=noninteractive GIT_REV=2c3a0b2 NO_VHOST=0",
    "HEROKUISH_VERSION": "SELF=/exec SELF_EXECUTABLE=/bin/herokuish CURL_TIMEOUT=600 TRACE=true",
    "HEROKU_TEST_RUN_ID": "CI=true BUILD_DIR=/app",
    "SCALINGO_APPLICATION_ID": "APP=name CONTAINER=web-1 REGION_NAME=osc-fr1",
    "CC_DEPLOYMENT_ID": "APP_ID=1 INSTANCE_NUMBER=0",
    "VCAP_APPLICATION": "TMPDIR=/home/vcap/tmp LANG=en_US.UTF-8 CF_INSTANCE_INDEX=0 VCAP_SERVICES={}",
    "LOGPLEX_TOKEN": "APP_KEY=key APP_NAME=name MY_POD_IP=10.0.0.1",
    "GITHUB_ACTIONS": "CI=true GITHUB_TOKEN=token RUNNER_OS=Linux ImageOS=ubuntu24",
    "GITLAB_CI": "CI=true CI_JOB_TOKEN=token",
    "CIRCLECI": "CI=true CIRCLE_SHA1=2c3a0b2",
}


@pytest.mark.parametrize("mark", PLATFORMS)
def test_names_of_a_platform_are_left_out_on_that_platform(mark: str) -> None:
    """Elsewhere they are the owner's, who may well have an APP_NAME or a GITHUB_TOKEN."""
    variables = dict(pair.split("=") for pair in PLATFORMS[mark].split())
    assert select({mark: "value", **variables}).baked.keys() <= {mark}
    if mark != "VCAP_APPLICATION":
        assert {name for name in select(variables).baked if not name.startswith("CF_")} == set(variables)


# What buildpacks set, with what shows that they did: where nobody took notes.
BUILDPACKS = {
    "heroku/nodejs": "NODE_HOME=/app/.heroku/node NODE_ENV=production MEMORY_AVAILABLE=512 WEB_MEMORY=512 "
    "WEB_CONCURRENCY=1 WEB_CONCURRENCY_SET_BY=heroku/nodejs",
    "heroku/python": "PYTHONHOME=/app/.heroku/python PYTHONUNBUFFERED=true PYTHONPATH=/app LANG=en_US.UTF-8 "
    "FORWARDED_ALLOW_IPS=* GUNICORN_CMD_ARGS=--access-logfile\0- DYNO_RAM=512",
    "heroku/jvm": "JAVA_HOME=/app/.jdk JDBC_DATABASE_URL=jdbc: SPRING_DATASOURCE_URL=jdbc: "
    "JAVA_OPTS=-Dfile.encoding=UTF-8\0-XX:MaxRAMPercentage=80.0",
    "heroku-buildpack-apt": "INCLUDE_PATH=/app/.apt/usr/include: CPATH=/app/.apt/usr/include:",
    "Datadog": "DD_HEROKU_DYNO=true DD_HOSTNAME=app.run.1 DYNOTYPE=run DD_VERSION= "
    "DD_TAGS=dyno:run.1\0dynotype:run\0buildpackversion:dev",
    "another": "FFMPEG=/app/vendor/ffmpeg/bin/ffmpeg CREDENTIALS=/app/.gcp/key.json DIR=/layers/x/y",
    "a Cloud Native Buildpack": "HEROKU_AVAILABLE_PARALLELISM=4 WEB_CONCURRENCY=1 VIRTUAL_ENV=/layers/x "
    "npm_config_cache=/tmp/npm_cache npm_config_update-notifier=false PYTHONUNBUFFERED=1",
}


@pytest.mark.parametrize("buildpack", BUILDPACKS)
def test_what_buildpacks_set_is_left_out_without_notes_too(buildpack: str) -> None:
    """The tables know names and values, and no path into the dyno is ever baked."""
    pairs = (pair.replace("\0", " ").split("=", 1) for pair in BUILDPACKS[buildpack].split())
    variables = {"HOME": "/app", **dict(pairs)}
    config = select(variables)
    assert config.baked == {}
    assert {left.name for left in config.left_out} == set(variables)


def test_another_value_than_a_buildpacks_is_the_owners() -> None:
    """What a buildpack sets by default only, or adds to, may be the owner's."""
    shown = {"NODE_HOME": "/app/.heroku/node", "PYTHONHOME": "/app/.heroku/python", "MEMORY_AVAILABLE": "512"}
    owners = {
        "NODE_ENV": "staging",
        "LANG": "de_DE.UTF-8",
        "GUNICORN_CMD_ARGS": "--timeout 5",
        "WEB_MEMORY": "256",
        "WEB_CONCURRENCY": "2",
    }
    added = {"LD_LIBRARY_PATH": "/app/.heroku/python/lib:/opt/lib", "PYTHONPATH": "src"}
    assert select({**shown, **owners, **added}).baked == {
        **owners,
        "LD_LIBRARY_PATH": "/opt/lib",
        "PYTHONPATH": "src",
    }


NOTES = {
    "_DEPLOY_STARTED_WITH": " LANG CHANGED GONE ",
    "_DEPLOY_SET_ADDED": "1",
    "_DEPLOY_SET_CHANGED": "1",
    "_DEPLOY_WAS_CHANGED": "owner",
    "_DEPLOY_WAS_GONE": "owner",
}


def test_notes_say_what_the_owner_has_set() -> None:
    """Whatever a start script has added, changed or unset; the notes are not mentioned."""
    config = select({**NOTES, "ADDED": "1", "CHANGED": "1", "LANG": "en_US.UTF-8", "PYTHONHOME": "x"})
    assert config.baked == {"CHANGED": "owner", "GONE": "owner", "LANG": "en_US.UTF-8"}
    assert [(left.name, left.reason) for left in config.left_out] == [
        ("ADDED", "set by a start script of the dyno"),
        ("PYTHONHOME", "set by heroku/python"),
    ]


def test_what_has_changed_since_the_notes_is_the_owners() -> None:
    """So .profile has the last word."""
    config = select({**NOTES, "ADDED": "2", "CHANGED": "2", "GONE": "2", "NEW": "2"})
    assert config.baked == {"ADDED": "2", "CHANGED": "2", "GONE": "2", "NEW": "2"}


def test_include_brings_dyno_variables_back() -> None:
    """An owner who means PORT gets it."""
    environment = {"PORT": "1", "DYNO": "2", "NAME": "3"}
    assert list(select(environment, include=["POR?", "X*"]).baked) == ["NAME", "PORT"]


def test_include_does_not_undo_what_is_the_owners() -> None:
    """What the owner has set is baked as it was, and a path into the dyno helps nobody."""
    variables = {
        **NOTES,
        "ADDED": "1",
        "CHANGED": "1",
        "JAVA_HOME": "/app/.jdk",
        "PATH": "/app/.apt/bin:/bin",
    }
    assert select(variables, include=["*"]).baked == {"ADDED": "1", "CHANGED": "owner", "GONE": "owner"}


def test_secrets_are_all_but_what_everybody_may_know() -> None:
    """What an owner may have set is a secret, and what a buildpack makes of it; so is a noted value."""
    known = {
        "PORT": "5000",
        "HOME": "/app",
        "HEROKU_RELEASE_VERSION": "v42",
        "JAVA_HOME": "/app/.jdk",
        "LD_LIBRARY_PATH": "/app/.jdk/lib/server",
        "PYTHONHOME": "/app/.heroku/python",
        "PYTHONUNBUFFERED": "true",
        "JAVA_OPTS": "-Dfile.encoding=UTF-8 -XX:MaxRAMPercentage=80.0",
    }
    secret = {
        "DATABASE_URL": CANARY,
        "JDBC_DATABASE_URL": CANARY,
        "HEROKU_METRICS_URL": CANARY,
        "LANG": CANARY,
        "TMPDIR": CANARY,
        "WEB_CONCURRENCY": CANARY,
        "JAVA_TOOL_OPTIONS": f"-Dsecret={CANARY} -javaagent:/app/.heroku/bin/heroku-metrics-agent.jar",
        "DOKKU_POSTGRES_AQUA_URL": CANARY,
        "_AWS_SECRET_ACCESS_KEY": CANARY,
        "_DEPLOY_WAS_NAME": CANARY,
    }
    notes = {"_DEPLOY_STARTED_WITH": " DATABASE_URL ", "_DEPLOY_SET_NAME": "new", "_DEPLOY_SET_X": "x"}
    assert secrets({**known, **secret, **notes, "X": "x"}) == {**secret, "X": "x"}


def test_exclude_wins_over_include() -> None:
    """A variable that is both included and excluded stays out, and the reason says which setting did it."""
    config = select({"PORT": "1", "NAME": "2"}, include=["*"], exclude=["PORT"])
    assert config.baked == {"NAME": "2"}
    assert "_LAMBDA_CONFIG_EXCLUDE" in config.left_out[0].reason


def test_patterns_mean_the_whole_name_and_its_case() -> None:
    """`TEST` excludes neither TESTS nor test."""
    environment = dict.fromkeys(["TEST", "TESTS", "MY_TEST", "test"], "value")
    assert "TEST" not in select(environment, exclude=["TEST"]).baked
    assert len(select(environment, exclude=["TEST"]).baked) == 3


@given(environment=environments, include=patterns, exclude=patterns)
def test_no_pattern_brings_a_setting_back_or_wins_over_exclude(
    environment: dict[str, str], include: list[str], exclude: list[str]
) -> None:
    """Nor does one break the choice or lose a variable; include only adds, and never what exclude names."""
    config = select(environment, include=include, exclude=exclude)
    assert not [name for name in config.baked if name.startswith("_")]
    assert sorted([*config.baked, *(left.name for left in config.left_out)]) == sorted(environment)
    assert config.baked.items() >= select(environment, exclude=exclude).baked.items()
    assert config.baked.items() <= select(environment, include=["*"], exclude=exclude).baked.items()


@pytest.mark.parametrize("value", nasty.INVALID_UTF_8.values(), ids=nasty.INVALID_UTF_8)
def test_bytes_that_are_not_utf_8_are_refused_by_name(value: bytes) -> None:
    """All such variables are named at once, without their values."""
    text = value.decode("utf-8", "surrogateescape")
    with pytest.raises(InputError) as caught:
        select({"FINE": CANARY, "FIRST": CANARY + text, "SECOND": text, f"NAME_{text}": CANARY})
    error = caught.value
    assert [line for line in error.what.splitlines() if "value of the config var FIRST " in line]
    assert [line for line in error.what.splitlines() if "value of the config var SECOND " in line]
    assert [line for line in error.what.splitlines() if "name of the config var NAME_" in line]
    assert "FINE" not in error.what
    assert CANARY not in f"{error.what}{error.why}{error.todo}"
    f"{error.what}{error.why}{error.todo}".encode()


def test_bytes_that_are_not_utf_8_do_not_matter_where_they_are_not_baked() -> None:
    """A setting, a dyno variable or an excluded one may hold what it likes."""
    environment = {"_SETTING": "\udce9", "LS_COLORS": "\udce9", "SECRET": "\udce9", "NAME": "value"}
    assert select(environment, exclude=["SECRET"]).baked == {"NAME": "value"}


def test_no_representation_holds_a_value() -> None:
    """A config in a traceback or a log tells no secret."""
    assert CANARY not in repr(select({"SECRET": CANARY, "PORT": CANARY}))


def test_no_dyno_variable_is_listed_twice() -> None:
    """Each has one reason, in one environment."""
    groups = (*PLATFORM_VARIABLES, *BUILDPACK_VARIABLES, *SHARED_VARIABLES)
    listed = [(name, group.where) for group in groups for name in group.names]
    assert len(listed) == len(set(listed))
