"""The owner's part of variables that buildpacks add to, and paths into the dyno."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from deploy.config.shared import Places, owners_part

HOME = "/app"
PLACES = Places(HOME)

SIZES = st.sampled_from(
    [
        "-Xmx300m -Xss512k -XX:CICompilerCount=2",
        "-Xmx671m -XX:CICompilerCount=2",
        "-XX:MaxRAMPercentage=80.0",
    ]
)
MAX_RAM = st.integers(min_value=1).map(lambda size: f"-XX:MaxRAM={size} ") | st.just("")
AGENTS = st.sampled_from(["", "-javaagent:/app/.heroku/bin/heroku-metrics-agent.jar"])


@st.composite
def jvm_flags(draw: st.DrawFn) -> str:
    """Make what heroku/jvm puts before an owner's options: today, until March 2025, in a container."""
    max_ram, size = draw(MAX_RAM), draw(SIZES)
    old = draw(st.sampled_from([size, "-Xmx2g", "-Xmx12g"]))
    container_support = draw(st.sampled_from(["", "-XX:+UseContainerSupport "]))
    return draw(
        st.sampled_from(
            [
                f"-Dfile.encoding=UTF-8 {max_ram}{size}",
                f"{container_support}{max_ram}{old} -Dfile.encoding=UTF-8",
            ]
        )
    )


options = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1) | st.lists(
    st.sampled_from(
        ["-Xmx300m", "-Dfile.encoding=UTF-8", "-XX:MaxRAMPercentage=80.0", "-Da=b", "", "-javaagent:/a.jar"]
    ),
    min_size=1,
).map(" ".join).filter(bool)


@pytest.mark.parametrize("name", ["JAVA_OPTS", "JAVA_TOOL_OPTIONS"])
@given(flags=jvm_flags(), agent=AGENTS, owners=options)
def test_the_flags_of_heroku_jvm_are_taken_off_once(name: str, flags: str, agent: str, owners: str) -> None:
    """What is behind them is the owner's, letter for letter, even if it looks like the same flags again."""
    assume(not owners.startswith("-javaagent:/app/"))
    assert owners_part(name, f"{flags} {agent}{' ' * bool(agent)}{owners}", PLACES) == owners


@given(flags=jvm_flags(), agent=AGENTS, blank=st.sampled_from(["", " "]))
def test_nothing_but_flags_is_nothing_of_the_owners(flags: str, agent: str, blank: str) -> None:
    """An older script leaves a blank at the end."""
    assert (
        owners_part("JAVA_OPTS", f"{flags} {agent}{blank}".removesuffix("" if agent else " "), PLACES) is None
    )


@given(owners=options)
@example(owners="-Dfile.encoding=UTF-8 -Xmx300m")
@example(owners="-Xmx300m -Xss512k")
@example(owners="-Da=-Dfile.encoding=UTF-8 -XX:MaxRAMPercentage=80.0")
def test_other_options_stay_as_they_are(owners: str) -> None:
    """Without the flags in full and at the start, all of it is the owner's; so it is in `run` dynos."""
    assume("MaxRAMPercentage=80.0" not in owners or owners.startswith("-Da="))  # or it begins with all flags
    for name in ("JAVA_OPTS", "NODE_OPTIONS", "SBT_OPTS", "DD_TAGS", "LD_LIBRARY_PATH", "OTHER"):
        assert owners_part(name, owners, PLACES) == owners


PLUGINS = ["/app/.heroku/metrics/metrics_collector.cjs", "/app/.heroku/heroku-nodejs-plugin"]


@pytest.mark.parametrize("plugin", PLUGINS)
@given(owners=options, later=st.sampled_from(["", " --trace-warnings"]))
def test_the_plugin_of_heroku_nodejs_is_taken_out(plugin: str, owners: str, later: str) -> None:
    """It follows the owner's options; .profile may have added more behind it."""
    value = f"{owners} --require {plugin}{later}"
    assert owners_part("NODE_OPTIONS", value, PLACES) == owners + later
    assert owners_part("NODE_OPTIONS", f"--require {plugin}{later}", PLACES) == (later or None)


@pytest.mark.parametrize(
    "value",
    [
        "--require ./tracing.js",
        "--require /app/.heroku/metrics/metrics_collector.cjs.js",
        "--require=/app/.heroku/metrics/metrics_collector.cjs",
        "--require /app/heroku/metrics/metrics_collector.cjs",
    ],
)
def test_another_module_is_not_the_plugin(value: str) -> None:
    """Only what heroku/nodejs writes is taken out."""
    assert owners_part("NODE_OPTIONS", value, PLACES) == value


folders = st.text(st.characters(exclude_characters="\0:", exclude_categories=["Cs"]))
dyno_folders = st.sampled_from(
    ["/app/.heroku/python/lib", "/app/.jdk/lib/server", "/app/.apt/usr/lib", "/layers/heroku_jvm/openjdk/lib"]
)


@given(
    buildpacks=st.lists(dyno_folders, min_size=1, max_size=4),
    owners=st.lists(folders, min_size=1, max_size=4).map(":".join),
)
def test_folders_of_buildpacks_are_taken_off_the_front(buildpacks: list[str], owners: str) -> None:
    """What is behind them is the owner's, empty elements and all."""
    assume(owners and not PLACES.are_in(owners.partition(":")[0]))
    for name in ("LD_LIBRARY_PATH", "LIBRARY_PATH", "INCLUDE_PATH", "PKG_CONFIG_PATH"):
        value = ":".join([*buildpacks, owners])
        assert owners_part(name, value, PLACES) == owners


@pytest.mark.parametrize("end", ["", ":"])
@given(buildpacks=st.lists(dyno_folders, min_size=1, max_size=4))
def test_nothing_but_folders_of_buildpacks_is_nothing_of_the_owners(end: str, buildpacks: list[str]) -> None:
    """heroku-buildpack-apt leaves a colon at the end."""
    assert owners_part("LD_LIBRARY_PATH", ":".join(buildpacks) + end, PLACES) is None


@pytest.mark.parametrize(
    ("name", "value", "owners"),
    [
        ("GEM_PATH", "/app/vendor/bundle/ruby/3.3.0:/opt/gems", "/opt/gems"),
        ("GEM_PATH", "/app/vendor/bundle/ruby/3.3.0:", None),
        ("SBT_OPTS", "-Xss4m -Dsbt.boot.directory=/app/.sbt_home/boot -Dsbt.x=y", "-Xss4m"),
        ("SBT_OPTS", " -Dsbt.boot.directory=/app/.sbt_home/boot", None),
        ("SBT_OPTS", "-Xss4m -Dsbt.boot.directory=/opt/boot", "-Xss4m -Dsbt.boot.directory=/opt/boot"),
        ("DD_TAGS", "dyno:run.1 dynotype:run buildpackversion:1 appname:a team:b", "team:b"),
        ("DD_TAGS", "dyno:run.1 dynotype:run buildpackversion:1", None),
        # It has been "team:b,tier:c" or "team:b tier:c".
        ("DD_TAGS", "dyno:run.1 dynotype:run buildpackversion:1 team:b tier:c", None),
        ("NAME", "/app/.heroku/python/lib:/opt", "/app/.heroku/python/lib:/opt"),
        ("LD_LIBRARY_PATH", "", ""),
    ],
)
def test_other_variables_with_two_parts(name: str, value: str, owners: str | None) -> None:
    """The part of a buildpack is taken off; where that would not leave the owner's own, nothing is left."""
    assert owners_part(name, value, PLACES) == owners


@pytest.mark.parametrize("home", ["/app", "/app/", "/workspace", "/tmp/a+b (c)", "", "/", "relative"])
@pytest.mark.parametrize(
    "path",
    [
        "{}/.heroku/python/lib",
        "{}/.jdk",
        "-L{}/.apt/usr/lib",
        '{{"file": "{}/.heroku/x"}}',
        "--option={}/.config/x",
        "/usr/bin:{}/.local/bin",
        "{}/vendor/jemalloc/lib/libjemalloc.so",
        "/layers/heroku_jvm/openjdk",
        "/usr/bin:/layers/x",
    ],
)
def test_a_path_into_the_dyno_is_found(home: str, path: str) -> None:
    """What is hidden in the app's folder, wherever that is, and the layers of Cloud Native Buildpacks."""
    for folder in {home.rstrip("/"), "/app"} - {""}:
        assert Places(home).are_in(path.format(folder))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "/app",
        "/app/src",
        "/app/.",
        "/app/../x",
        "/opt/.heroku/x",
        "/application/.heroku",
        "https://example.com/app/.well-known/x",
        "https://example.com/layers/x",
        "/var/layers/x",
        "/app/vendors/x",
        "https://example.com/app/vendor/x",
    ],
)
def test_other_paths_are_the_owners(value: str) -> None:
    """A URL or another folder only looks like one."""
    assert not PLACES.are_in(value)
