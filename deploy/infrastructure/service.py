"""The service: an app's functions and the API in front of them, as service.json and the settings say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from deploy.errors import InputError
from deploy.infrastructure import declaration
from deploy.infrastructure.names import pascal
from deploy.infrastructure.rules import check_rules
from deploy.located import Place, Problems, parse_json, shown
from deploy.target import parsers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy.infrastructure.openapi import Api
    from deploy.located import Node

RESERVED = ("toolhook", "toolstep")
TODO = "docs/infrastructure.md lists what service.json may hold; docs/service.schema.json is for editors."


@dataclass(frozen=True)
class Vpc:
    """Where a function reaches a VPC."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]


@dataclass(frozen=True)
class Alarms:
    """The thresholds of a function's alarms: a number a minute, or milliseconds; None for no alarm."""

    errors: int | None = None
    throttles: int | None = None
    duration: int | None = None
    notify: str | None = None


@dataclass(frozen=True)
class Function:
    """A function as it is set up; `key` is its name in service.json. What deploys change is not in it.

    `shift` is the full name of a CodeDeploy deployment config. `storage` is in MB, and `event_age` is how
    many seconds an event may wait; None for Lambda's own values.
    """

    key: str
    name: str
    handler: str
    runtime: str
    architecture: str = "x86_64"
    description: str = ""
    memory: int = declaration.MEMORY
    timeout: int = declaration.TIMEOUT
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    layers: tuple[str, ...] = ()
    vpc: Vpc | None = None
    policy: tuple[Mapping[str, Any], ...] = ()
    log_retention: int = declaration.RETENTION
    alarms: Alarms = Alarms()
    shift: str | None = None
    storage: int | None = None
    event_age: int | None = None
    handler_place: Place | None = None


@dataclass(frozen=True)
class Cors:
    """What preflight requests are answered."""

    origin: str = "*"
    headers: tuple[str, ...] = ("Content-Type", "Authorization")
    max_age: int = declaration.CORS_AGE
    credentials: bool = False


@dataclass(frozen=True)
class ApiSource:
    """Where the definition of the API is, and what is said of the API beside it."""

    path: str
    stage: str
    cors: Cors | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Service:
    """All that is set up together. `api` is there once its definition is read.

    `hook_environment` is that of the function that verifies versions; None if there is no such function.
    `document` is service.json as it was read.
    """

    functions: tuple[Function, ...]
    alias: str
    api_source: ApiSource | None = None
    api: Api | None = None
    hook_environment: Mapping[str, str] | None = None
    has_step: bool = False
    document: Node | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Defaults:
    """What the app and the settings say; `names` are those in `_LAMBDA_FUNCTION_ARN`."""

    names: Sequence[str] = ()
    alias: str | None = None
    handler: str | None = None
    runtime: str | None = None
    architecture: str = "x86_64"
    shift: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def default_service(defaults: Defaults) -> Service:
    """Return the service of an app without service.json; raise InputError if too little is said of it."""
    if not defaults.names:
        raise InputError(
            "Neither a service.json nor a setting names a function.",
            todo="Set _LAMBDA_FUNCTION_ARN to the name that the function will have, or write a service.json: "
            '{"functions": {"api": {}}}',
        )
    functions = tuple(_function(name, None, defaults, name, Problems("")) for name in defaults.names)
    return Service(functions, defaults.alias or "live")


def parse_service(content: bytes, name: str, defaults: Defaults) -> Service:
    """Return what service.json says, completed by the defaults.

    Raise InputError with the place of each mistake, and what is allowed there.
    """
    root = parse_json(content, name)
    problems = Problems(name)
    declaration.SERVICE.check(root, "", problems)
    problems.check(TODO)
    check_rules(root, problems)
    nodes = root.find("functions").members
    known = {"name": defaults.names[0]} if len(defaults.names) == len(nodes) == 1 else {}
    functions = tuple(
        _function(key, node, defaults, known.get("name", key), problems) for key, node in nodes.items()
    )
    _check_names(functions, nodes, problems)
    alias = _text(root, "alias") or defaults.alias or "live"
    source = _api_source(root, alias, problems)
    problems.check(TODO)
    hook = _plain(root, "hook") or None
    environment = hook.get("environment", {}) if isinstance(hook, dict) else {}
    return Service(
        functions,
        alias,
        source,
        hook_environment=None if hook is None else environment,
        has_step=_plain(root, "step") is True,
        document=root,
    )


def with_api(service: Service, api: Api) -> Service:
    """Return a service with the definition of its API."""
    return replace(service, api=api)


def _function(key: str, node: Node | None, defaults: Defaults, name: str, problems: Problems) -> Function:
    said: dict[str, Any] = {}
    if node is not None:
        plain = node.plain()
        said = dict(plain) if isinstance(plain, dict) else {}
    runtime, handler = said.get("runtime", defaults.runtime), said.get("handler", defaults.handler)
    if handler is None and runtime is not None:
        handler = default_handler(runtime)
    for what, value in (("runtime", runtime), ("handler", handler)):
        if value is None and node is not None:
            first = "; build the app first, or add it" if what == "runtime" else ""
            wrong = f"functions.{key} has no `{what}`, and the app does not say which{first}"
            problems.add(node.place, f"{wrong}; it is {declaration.FUNCTION.fields[what].shape.allowed}")
        elif value is None:
            raise InputError(
                f"The app does not say which {what} the function has.",
                todo="Build the app first, or write a service.json: "
                '{"functions": {"api": {"handler": "…", "runtime": "…"}}}',
            )
    vpc = said.get("vpc")
    shift = _shift(node, defaults, problems)
    variables = defaults.environment if not str(runtime).startswith("provided") else {}
    return Function(
        key=key,
        name=said.get("name", name),
        handler=handler or "",
        runtime=runtime or "",
        architecture=said.get("architecture", defaults.architecture),
        description=said.get("description", ""),
        memory=said.get("memory", declaration.MEMORY),
        timeout=said.get("timeout", declaration.TIMEOUT),
        environment={**variables, **said.get("environment", {})},
        layers=tuple(said.get("layers", ())),
        vpc=Vpc(tuple(vpc["subnets"]), tuple(vpc["security_groups"])) if vpc else None,
        policy=tuple(said.get("policy", ())),
        log_retention=said.get("log_retention", declaration.RETENTION),
        alarms=_alarms(said.get("alarms", True), has_shift=shift is not None),
        shift=shift,
        handler_place=node.find("handler").place if node is not None else None,
    )


def _shift(node: Node | None, defaults: Defaults, problems: Problems) -> str | None:
    """Return the full name of a deployment config."""
    if node is None or "shift" not in node.members:
        return defaults.shift
    try:
        return parsers.deployment_config(_text(node, "shift"))
    except ValueError as error:
        problems.add(node.find("shift").place, f"`shift` {error}")
        return None


def default_handler(runtime: str) -> str | None:
    """Return what AWS's own examples call the handler; None if a language has no such name."""
    handlers = {
        "nodejs": "index.handler",
        "python": "lambda_function.lambda_handler",
        "ruby": "lambda_function.lambda_handler",
        "provided": "bootstrap",
    }
    return next((handler for start, handler in handlers.items() if runtime.startswith(start)), None)


def _alarms(said: bool | dict[str, Any], *, has_shift: bool) -> Alarms:
    if said is False:
        return Alarms()
    given = said if isinstance(said, dict) else {}
    return Alarms(**{**({"errors": 1} if has_shift else {}), **given})


def _check_names(functions: Sequence[Function], nodes: Mapping[str, Node], problems: Problems) -> None:
    by_name: dict[str, Function] = {}
    by_id: dict[str, Function] = {}
    for function in functions:
        node = nodes[function.key]
        first = by_name.setdefault(function.name, function)
        if first is not function:
            place = node.find("name").place
            wrong = f"the function {shown(function.name)} is there already, as functions.{first.key}"
            problems.add(place, f"{wrong}; each one needs a name of its own")
        if pascal(function.key).lower() in RESERVED:
            wrong = f"{shown(function.key)} is what the functions of `deploy tools` are called"
            problems.add(node.key_place or node.place, f"{wrong}; choose another key")
        first = by_id.setdefault(pascal(function.key).lower(), function)
        if first is not function:
            wrong = f"functions.{function.key} and functions.{first.key} differ in case or punctuation alone"
            problems.add(
                node.key_place or node.place, f"{wrong}; each one needs letters and digits of its own"
            )


def _api_source(root: Node, alias: str, problems: Problems) -> ApiSource | None:
    if "api" not in root.members:
        return None
    node = root.find("api")
    if isinstance(node.value, str):
        return ApiSource(node.value, alias, place=node.place)
    cors = _plain(node, "cors")
    values = {**cors, "headers": tuple(cors.get("headers", Cors.headers))} if isinstance(cors, dict) else {}
    if values.get("credentials") and values.get("origin", "*") == "*":
        wrong = "api.cors sends cookies to every origin, which browsers refuse; name one `origin`"
        problems.add(node.find("cors").place, wrong)
    definition = node.find("definition")
    return ApiSource(
        str(definition.value),
        _text(node, "stage") or alias,
        Cors(**values) if cors else None,
        definition.place,
    )


def _plain(node: Node, key: str) -> Any:  # noqa: ANN401 - its shape is checked
    return node.members[key].plain() if key in node.members else None


def _text(node: Node, key: str) -> str:
    value = _plain(node, key)
    return value if isinstance(value, str) else ""
