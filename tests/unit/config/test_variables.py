"""Config: which variables are baked, which are left out, and why."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import documents
import nasty
from deploy.config.variables import DYNO_VARIABLES, select
from deploy.errors import InputError

CANARY = "canary-7f3a"

# As in a dyno of each of the three language buildpacks and of heroku-buildpack-apt, in a shell.
OF_THE_DYNO = """
    BASH_ENV COLUMNS DYNO DYNO_RAM FORWARDED_ALLOW_IPS GUNICORN_CMD_ARGS HOME HOSTNAME JAVA_HOME JAVA_OPTS
    JAVA_TOOL_OPTIONS LANG LC_ALL LD_LIBRARY_PATH LIBRARY_PATH LINES MEMORY_AVAILABLE NODE_HOME OLDPWD PATH
    PORT PS1 PWD PYTHONHASHSEED PYTHONHOME PYTHONPATH PYTHONUNBUFFERED SHELL SHLVL TERM TMPDIR USER
    WEB_CONCURRENCY WEB_MEMORY HEROKU_DYNO_ID HEROKU_METRICS_URL HEROKU_RELEASE_VERSION DOKKU_APP_NAME
    CPATH CPPPATH INCLUDE_PATH
"""
OF_THE_OWNER = """
    NODE_ENV NODE_OPTIONS DATABASE_URL JDBC_DATABASE_URL SPRING_DATASOURCE_URL HEROKU_APP_NAME
    HEROKU_SLUG_COMMIT TZ AWS_ACCESS_KEY_ID AWS_REGION PORTAL DYNOSAUR HOMEPAGE PATHS MY_PATH path
"""

patterns = st.lists(
    st.text(st.sampled_from("*?[]!-_^ABDYNOPRT\\"), max_size=8)
    | st.sampled_from(["*", "_*", "[_]*", "?*", "PORT"]),
    max_size=4,
)
environments = st.dictionaries(
    st.sampled_from(["_LAMBDA_FUNCTION_ARN", "_", "__X", *OF_THE_DYNO.split(), *OF_THE_OWNER.split()])
    | nasty.names,
    st.just("value"),
)


@pytest.mark.parametrize("name", OF_THE_DYNO.split())
def test_what_the_dyno_sets_is_left_out_for_a_reason(name: str) -> None:
    """Nothing that varies from dyno to dyno changes the package; `deploy config` can say why."""
    config = select({name: "value"})
    assert config.baked == {}
    assert [left.name for left in config.left_out] == [name]
    assert config.left_out[0].reason.startswith("set by ")


@pytest.mark.parametrize("name", OF_THE_OWNER.split())
def test_what_an_owner_sets_is_baked(name: str) -> None:
    """Names that owners set themselves are config, even where a buildpack sets them too."""
    assert select({name: "value"}).baked == {name: "value"}


def test_include_brings_dyno_variables_back() -> None:
    """An owner who means PORT gets it."""
    environment = {"PORT": "1", "DYNO": "2", "NAME": "3"}
    assert list(select(environment, include=["POR?", "X*"]).baked) == ["NAME", "PORT"]


@pytest.mark.parametrize(
    ("value", "baked"),
    [
        ("--require /app/.heroku/heroku-nodejs-plugin", None),
        (" --require /app/.heroku/heroku-nodejs-plugin", None),
        ("--max-old-space-size=100 --require /app/.heroku/heroku-nodejs-plugin", "--max-old-space-size=100"),
        ("--require ./tracing.js", "--require ./tracing.js"),
        ("", ""),
    ],
)
def test_what_heroku_nodejs_adds_to_node_options_is_taken_out(value: str, baked: str | None) -> None:
    """It adds its metrics plugin in some dynos only, and in Lambda Node.js would not start for want of it."""
    assert select({"NODE_OPTIONS": value}).baked == ({} if baked is None else {"NODE_OPTIONS": baked})


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


@pytest.mark.parametrize("document", [documents.README, documents.CONFIG], ids=lambda path: path.name)
def test_the_documents_list_the_dyno_variables(document: Path) -> None:
    """The table in README.md and in docs/config.md is the code's list, group by group, word for word."""
    rows = documents.table(document, "dyno variables")
    assert [(reason, documents.names(cell)) for reason, cell in rows] == [
        (group.reason, group.names) for group in DYNO_VARIABLES
    ]


def test_no_dyno_variable_is_listed_twice() -> None:
    """Each has one reason."""
    listed = [name for group in DYNO_VARIABLES for name in group.names]
    assert len(listed) == len(set(listed))
