"""The API's definition: OpenAPI 3.0 or Swagger 2.0, read so far as functions are concerned.

Of everything else in it API Gateway is the judge. Only what it would refuse for a reason that is hard to see,
or accept and then not serve, is checked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy.infrastructure.pointers import check_references, follow
from deploy.located import Node, Problems, parse_json, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.infrastructure.service import Service

OURS = "x-lambda"
INTEGRATION = "x-amazon-apigateway-integration"
ANY = "x-amazon-apigateway-any-method"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", ANY)
YAML = (".yaml", ".yml")

OF_LAMBDA = ("aws", "aws_proxy")
OTHERS = ("http", "http_proxy", "mock")
PARAMETER = re.compile(r"\{[A-Za-z0-9._:-]+\+?\}")
# A URI without anything that is still to be filled in; what integrates another service of AWS's has one.
COMPLETE = re.compile(r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:[A-Za-z0-9.-]+:(path|action)/[^{}$<>]+")
TODO = "docs/infrastructure.md shows what is filled in, and what has to be there."


@dataclass(frozen=True)
class Operation:
    """A method of a path, and the key of the function that it invokes; None if something else answers."""

    path: str
    method: str
    function: str | None


@dataclass(frozen=True)
class Api:
    """A definition whose operations are known. `name` is what the reader knows the document by."""

    name: str
    document: Node
    is_swagger: bool
    operations: tuple[Operation, ...]

    @property
    def title(self) -> str:
        """What the definition calls the API."""
        title = self.document.find("info", "title").value
        return title if isinstance(title, str) and title else self.name

    def dereferenced(self, value: Any) -> dict[str, Any]:  # noqa: ANN401 - a document
        """Return an object of the document; if it is a reference, what that leads to."""
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            node = follow(self.document, value["$ref"])
            value = node.plain() if node is not None else {}
        return value if isinstance(value, dict) else {}


def parse_api(content: bytes, name: str, service: Service) -> Api:
    """Return a definition, in JSON or, by the end of its name, in YAML.

    Raise InputError with the place of each mistake that concerns the functions, and the fix.
    """
    if name.lower().endswith(YAML):
        from deploy.infrastructure.yaml_text import parse_yaml

        root = parse_yaml(content, name)
    else:
        root = parse_json(content, name)
    problems = Problems(name)
    is_swagger = _check_version(root, problems)
    problems.check(TODO)
    check_references(root, problems)
    reader = _Reader(root, [each.key for each in service.functions], problems)
    operations = tuple(reader.operations())
    problems.check(TODO)
    return Api(name, root, is_swagger, operations)


def _check_version(root: Node, problems: Problems) -> bool:
    """Return whether a document is Swagger 2.0."""
    swagger, openapi = root.members.get("swagger"), root.members.get("openapi")
    version = swagger or openapi
    if version is None:
        problems.add(root.place, 'this has neither `"swagger": "2.0"` nor `"openapi": "3.0.3"`')
    elif swagger is not None and swagger.value != "2.0":
        problems.add(swagger.place, "`swagger` has to be `2.0`, as a text in quotes")
    elif openapi is not None and not (isinstance(openapi.value, str) and openapi.value.startswith("3.0.")):
        problems.add(openapi.place, "`openapi` has to be 3.0, such as `3.0.3`: API Gateway imports no other")
    if not isinstance(root.find("paths").value, dict) or not root.find("paths").members:
        problems.add(root.place, "`paths` has to be an object with at least one path")
    elif "paths" not in root.members:
        problems.add(root.place, "this has no `paths`")
    return swagger is not None


class _Reader:
    """Finds the operations, and what is wrong with them."""

    def __init__(self, root: Node, functions: Sequence[str], problems: Problems) -> None:
        self._root = root
        self._functions = functions
        self._problems = problems
        self._parameters: dict[str, str] = {}

    def operations(self) -> list[Operation]:
        found = []
        for path, item in self._root.find("paths").members.items():
            if path.startswith("x-"):
                continue
            self._check_path(path, item)
            for key, node in item.members.items():
                if key in METHODS:
                    found.append(Operation(path, key, self._function(node, f"{_name(key)} {path}")))
                elif key.lower() in METHODS:
                    self._add_key(node, f"{shown(key)} has to be in lower case: {shown(key.lower())}")
                elif key == OURS:
                    wrong = f"`{OURS}` belongs into each operation of {shown(path)}, and not beside them"
                    self._add_key(node, wrong)
        if not found:
            self._problems.add(self._root.find("paths").place, "this API has no operation")
        if OURS in self._root.members:
            self._add_key(
                self._root.members[OURS], f"`{OURS}` belongs into each operation, and not beside `paths`"
            )
        return found

    def _check_path(self, path: str, item: Node) -> None:
        if not isinstance(item.value, dict):
            self._problems.add(item.place, f"the path {shown(path)} has to be an object with its methods")
        if not path.startswith("/"):
            self._add_key(item, f"the path {shown(path)} has to begin with `/`")
        if set("*?") & set(path):
            # Beside that, it would be a wildcard in the ARN of who may invoke the function.
            self._add_key(item, f"the path {shown(path)} has `*` or `?`, which API Gateway does not take")
        if "$ref" in item.members:
            wrong = (
                f"the path {shown(path)} is a reference, which API Gateway does not follow; write it out here"
            )
            self._problems.add(item.place, wrong)
        *_, last = segments = path.strip("/").split("/")
        for number, segment in enumerate(segments):
            if not set("{}") & set(segment):
                continue
            if not PARAMETER.fullmatch(segment):
                wrong = f"{shown(segment)} in the path {shown(path)} has to be a parameter as a whole"
                self._add_key(item, f"{wrong}, such as `/users/{{id}}`")
            elif segment.endswith("+}") and (segment is not last or number != len(segments) - 1):
                self._add_key(
                    item, f"{shown(segment)} matches all that follows, so it has to be the path's end"
                )
            before = "/".join("{}" if "{" in each else each for each in segments[:number])
            other = self._parameters.setdefault(before, segment)
            if other != segment:
                wrong = f"{shown(segment)} in the path {shown(path)} is {shown(other)} in another path"
                self._add_key(item, f"{wrong}; API Gateway wants one name for the same place")

    def _add_key(self, node: Node, wrong: str) -> None:
        self._problems.add(node.key_place or node.place, wrong)

    def _function(self, node: Node, name: str) -> str | None:
        """Return the key of the function that an operation invokes, if it invokes one."""
        if not isinstance(node.value, dict):
            self._problems.add(node.place, f"{name} has to be an object")
            return None
        integration = node.members.get(INTEGRATION)
        named = node.members.get(OURS)
        if named is not None and not (isinstance(named.value, str) and named.value in self._functions):
            wrong = f"{name} names the function {shown(named.plain())}, and service.json has no such function"
            self._problems.add(named.place, f"{wrong}; it has {self._known()}")
            return None
        if integration is not None and not self._is_ours(integration, name, is_named=named is not None):
            return None
        if named is not None:
            return str(named.value)
        if len(self._functions) > 1:
            self._add_key(node, f"{name} has no function; add `{OURS}`, which is one of {self._known()}")
            return None
        return self._functions[0]

    def _known(self) -> str:
        return ", ".join(map(shown, self._functions))

    def _is_ours(self, integration: Node, name: str, *, is_named: bool) -> bool:
        """Whether an integration of the user's own invokes one of the functions."""
        if not isinstance(integration.value, dict):
            self._problems.add(integration.place, f"the integration of {name} has to be an object")
            return False
        kind = integration.find("type")
        kind_text = str(kind.value).lower() if "type" in integration.members else OF_LAMBDA[-1]
        if kind_text not in (*OF_LAMBDA, *OTHERS):
            allowed = ", ".join(map(shown, (*OF_LAMBDA, *OTHERS)))
            self._problems.add(kind.place, f"the integration of {name} has to have a type of {allowed}")
            return False
        if kind_text in OTHERS:
            if is_named:
                wrong = f"{name} names a function, but its integration is of type {shown(kind_text)}"
                self._problems.add(kind.place, f"{wrong}; remove one of both")
            return False
        uri = integration.find("uri")
        is_complete = (
            "uri" in integration.members and isinstance(uri.value, str) and COMPLETE.fullmatch(uri.value)
        )
        if is_complete and not is_named:
            return False
        method = integration.find("httpMethod")
        if "httpMethod" in integration.members and method.value != "POST":
            wrong = f"the integration of {name} has the `httpMethod` {shown(method.plain())}"
            self._problems.add(
                method.place, f"{wrong}; Lambda is invoked by `POST`, whatever the API's own method is"
            )
        return True


def _name(method: str) -> str:
    return "any method of" if method == ANY else method.upper()
