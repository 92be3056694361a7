"""The owner's part of variables that buildpacks add to, and places that exist in the dyno alone."""

from __future__ import annotations

import re

# Folders of the buildpacks in the app's folder, wherever a value mentions them. What else is hidden at the
# top of the app's folder is not in the package either, and other buildpacks install into vendor; a value
# has to point there, though, with nothing before it that would make it a part of something else.
_BUILDPACKS = r"\.(?:apt|heroku|jdk|scalingo)(?![\w-])"
_HIDDEN = r"(?:\.[^\s./:;,]|vendor(?![\w.-]))"
_POINTS_TO = r"(?<![^\s:;,=])"

_SIZED = (
    r"(?:-Xmx300m -Xss512k -XX:CICompilerCount=2|-Xmx671m -XX:CICompilerCount=2|-XX:MaxRAMPercentage=80\.0)"
)
_AGENT = r"-javaagent:\S*/\.heroku/bin/heroku-metrics-agent\.jar"
_JVM = re.compile(
    rf"(?:{_AGENT}(?: |$))?"
    r"(?:(?:"
    # heroku/jvm since March 2025; before, and its Cloud Native Buildpack.
    rf"-Dfile\.encoding=UTF-8 (?:-XX:MaxRAM=\d+ )?{_SIZED}"
    rf"|(?:-XX:\+UseContainerSupport )?(?:-XX:MaxRAM=\d+ )?(?:{_SIZED}|-Xmx2g|-Xmx12g) -Dfile\.encoding=UTF-8"
    r")(?: |$))?"
    rf"(?:{_AGENT}(?: |$))?"
)
_NODEJS = re.compile(
    r" ?--require /(?:\S*/)?\.heroku/(?:metrics/metrics_collector\.cjs|heroku-nodejs-plugin)(?!\S)"
)
_SBT = re.compile(r" -Dsbt\.[\w.]+=(?P<folder>/\S*)")
_DATADOG = re.compile(r"dyno:\S* dynotype:\S* buildpackversion:\S*(?: appname:\S+)?(?: |$)")


class Places:
    """The folders of a dyno that hold what Lambda does not have."""

    def __init__(self, home: str) -> None:
        homes = "|".join(re.escape(folder) for folder in {"/app", home.rstrip("/") or "/app"})
        self._pattern = re.compile(
            rf"(?:{homes})/{_BUILDPACKS}|{_POINTS_TO}(?:(?:{homes})/{_HIDDEN}|/layers/)"
        )

    def are_in(self, text: str) -> bool:
        """Whether a text names a path that exists in the dyno alone."""
        return self._pattern.search(text) is not None


def owners_part(name: str, value: str, places: Places) -> str | None:
    """Return a value without what buildpacks add to it; None if nothing is left."""
    part = _owners_part(name, value, places)
    return None if value and not part else part


def _owners_part(name: str, value: str, places: Places) -> str:
    if name == "NODE_OPTIONS":
        return _NODEJS.sub("", value)
    if name in {"JAVA_OPTS", "JAVA_TOOL_OPTIONS"}:
        prefix = _JVM.match(value)
        return value[prefix.end() :] if prefix else value
    if name == "SBT_OPTS":
        starts = [found.start() for found in _SBT.finditer(value) if places.are_in(found["folder"])]
        return value[: starts[0]] if starts else value
    if name == "DD_TAGS":
        prefix = _DATADOG.match(value)
        tags = value[prefix.end() :] if prefix else value
        # Each blank may have been a comma of the owner's.
        return "" if prefix and " " in tags else tags
    if name in {"GEM_PATH", "INCLUDE_PATH", "LD_LIBRARY_PATH", "LIBRARY_PATH", "PKG_CONFIG_PATH"}:
        return _without_first_folders(value, places)
    return value


def _without_first_folders(value: str, places: Places) -> str:
    first, _, rest = value.partition(":")
    while first and places.are_in(first):
        value = rest
        first, _, rest = value.partition(":")
    return value
