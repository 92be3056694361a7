"""The API's definition: what is filled in, what stays the user's own, and where it is wrong."""

import contextlib
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.errors import InputError
from deploy.infrastructure.cloudformation import template
from deploy.infrastructure.integrations import body_of, invocations
from deploy.infrastructure.openapi import parse_api
from deploy.infrastructure.references import Joined
from deploy.infrastructure.terraform import configuration
from deploy.infrastructure.yaml_text import parse_yaml
from paths import REPOSITORY
from services import apis, read, services
from targets import target

INTEGRATION = "x-amazon-apigateway-integration"
ONE = {"functions": {"api": {}}, "api": "api.json"}
TWO = {"functions": {"api": {}, "other": {}}, "api": "api.json"}
OK = {"responses": {"200": {"description": "OK"}}}


def definition(paths: Any, **more: Any) -> dict[str, Any]:
    return {"openapi": "3.0.3", "info": {"title": "An API", "version": "1"}, "paths": paths, **more}


def body(service: Any, api: Any) -> dict[str, Any]:
    found = read(service, api)
    assert found.api is not None
    return body_of(found, found.api)


def uri(key: str, alias: str = "live") -> str:
    function = f"arn:<partition>:lambda:<region>:<account>:function:{key}:{alias}"
    return f"arn:<partition>:apigateway:<region>:lambda:path/2015-03-31/functions/{function}/invocations"


def written(value: Any) -> Any:
    """Return a text with references as a test can compare it."""
    assert isinstance(value, Joined)
    return "".join(part if isinstance(part, str) else f"<{part.name}>" for part in value.parts)


def test_an_operation_gets_a_proxy_integration() -> None:
    """With the alias's ARN written out, of the function that it names, or of the only one."""
    made = body(ONE, definition({"/a": {"get": OK}}))["paths"]["/a"]["get"]
    assert written(made[INTEGRATION].pop("uri")) == uri("api")
    assert made == {**OK, INTEGRATION: {"type": "aws_proxy", "httpMethod": "POST"}}
    made = body(TWO, definition({"/a": {"get": {**OK, "x-lambda": "other"}}}))["paths"]["/a"]["get"]
    assert written(made[INTEGRATION]["uri"]) == uri("other")
    assert "x-lambda" not in made


def test_templates_of_an_older_definition_are_kept() -> None:
    """Of the Swagger fragment that older articles show, nothing but the URI changes."""
    folder = REPOSITORY / "tests/apps/api-swagger"
    api = json.loads((folder / "swagger.json").read_text(encoding="utf-8"))
    made = body(json.loads((folder / "service.json").read_text(encoding="utf-8")), api)
    integration = made["paths"]["/greeting"]["get"][INTEGRATION]
    assert written(integration["uri"]) == uri("greeting")
    integration["uri"] = api["paths"]["/greeting"]["get"][INTEGRATION]["uri"]
    assert made == api


@pytest.mark.parametrize(
    "integration",
    [
        {"type": "mock"},
        {"type": "http_proxy", "uri": "https://example.com", "httpMethod": "GET"},
        {
            "type": "aws",
            "uri": "arn:aws:apigateway:eu-west-1:sqs:path/123456789012/queue",
            "httpMethod": "POST",
        },
    ],
    ids=lambda integration: integration["type"],
)
def test_what_something_else_answers_is_left_alone(integration: dict[str, Any]) -> None:
    """Even with several functions; none of them is permitted to be invoked by it."""
    api = definition({"/a": {"get": {**OK, INTEGRATION: integration}}})
    assert body(TWO, api) == api
    service = read(TWO, api)
    assert service.api is not None
    assert list(invocations(service, service.api)) == []


def test_each_operation_has_one_permission() -> None:
    """Parameters of the path are any text, and so is the stage."""
    folder = REPOSITORY / "tests/apps/api-openapi"
    documents = [
        json.loads((folder / name).read_text(encoding="utf-8")) for name in ("service.json", "openapi.json")
    ]
    service = read(*documents)
    assert service.api is not None
    assert [(each.function, each.source) for each in invocations(service, service.api)] == [
        ("users", "/*/GET/users/*"),
        ("users", "/*/DELETE/users/*"),
        ("orders", "/*/GET/users/*/orders/*"),
    ]


def test_a_large_api_has_one_permission() -> None:
    """A function's policy holds 20 KB."""
    for number, expected in ((40, 40), (41, 1)):
        service = read(ONE, definition({f"/{each}": {"get": OK} for each in range(number)}))
        assert service.api is not None
        found = [each.source for each in invocations(service, service.api)]
        assert len(found) == expected
    assert found == ["/*/*/*"]


def test_preflights_are_answered_where_asked() -> None:
    """With the methods of the path; an answer of the user's own is kept, and parameters are declared."""
    paths = {
        "/a/{id}": {"get": OK, "post": OK},
        "/b": {"options": OK},
        "/c": {"x-amazon-apigateway-any-method": OK},
    }
    cors = {"origin": "https://example.com", "credentials": True}
    made = body({**ONE, "api": {"definition": "a", "cors": cors}}, definition(paths))["paths"]
    answer = made["/a/{id}"]["options"]
    parameters = answer[INTEGRATION]["responses"]["default"]["responseParameters"]
    assert answer["parameters"][0]["name"] == "id"
    assert parameters["method.response.header.Access-Control-Allow-Origin"] == "'https://example.com'"
    assert parameters["method.response.header.Access-Control-Allow-Methods"] == "'GET,POST,OPTIONS'"
    assert parameters["method.response.header.Access-Control-Allow-Credentials"] == "'true'"
    assert made["/b"]["options"][INTEGRATION]["type"] == "aws_proxy"
    methods = made["/c"]["options"][INTEGRATION]["responses"]["default"]["responseParameters"]
    assert "GET,POST,PUT" in methods["method.response.header.Access-Control-Allow-Methods"]
    assert "options" not in body(ONE, definition({"/a": {"get": OK}}))["paths"]["/a"]


@settings(max_examples=15)
@given(services(), st.data())
def test_the_rest_is_the_users_own(said: dict[str, Any], data: st.DataObject) -> None:
    """Without what we fill in, the definition is the same, in the same order."""
    api = data.draw(apis(tuple(said["functions"])))
    before = copy.deepcopy(api)
    made = body(said, api)
    for path, item in list(made["paths"].items()):
        for method, operation in list(item.items()):
            if method not in before["paths"][path]:
                assert method == "options"
                del item[method]
                continue
            original = before["paths"][path][method]
            assert isinstance(operation[INTEGRATION].pop("uri"), Joined)
            given_integration = original.pop(INTEGRATION, {"type": "aws_proxy", "httpMethod": "POST"})
            given_integration.pop("uri", None)
            assert operation.pop(INTEGRATION) == given_integration
            original.pop("x-lambda", None)
    assert json.dumps(made) == json.dumps(before)


MISTAKES: dict[str, tuple[Any, Any, str]] = {
    "no function": (
        TWO,
        {"/a": {"get": OK}},
        "GET /a has no function; add `x-lambda`, which is one of `api`, `other`",
    ),
    "unknown function": (
        ONE,
        {"/a": {"get": {**OK, "x-lambda": "apo"}}},
        "GET /a names the function `apo`, and service.json has no such function; it has `api`",
    ),
    "function of a path": (
        ONE,
        {"/a": {"x-lambda": "api", "get": OK}},
        "`x-lambda` belongs into each operation of `/a`",
    ),
    "method": (
        ONE,
        {"/a": {"get": {**OK, INTEGRATION: {"type": "aws", "httpMethod": "GET"}}}},
        "has the `httpMethod` `GET`; Lambda is invoked by `POST`",
    ),
    "type": (
        ONE,
        {"/a": {"get": {**OK, INTEGRATION: {"type": "lambda"}}}},
        "has to have a type of `aws`, `aws_proxy`",
    ),
    "both": (
        ONE,
        {"/a": {"get": {**OK, "x-lambda": "api", INTEGRATION: {"type": "mock"}}}},
        "GET /a names a function, but its integration is of type `mock`; remove one of both",
    ),
    "capitals": (ONE, {"/a": {"GET": OK}}, "`GET` has to be in lower case: `get`"),
    "slash": (ONE, {"a": {"get": OK}}, "the path `a` has to begin with `/`"),
    "wildcard": (ONE, {"/a*": {"get": OK}}, "the path `/a*` has `*` or `?`"),
    "parameter": (ONE, {"/a/x{id}": {"get": OK}}, "has to be a parameter as a whole, such as `/users/{id}`"),
    "greedy": (
        ONE,
        {"/{all+}/a": {"get": OK}},
        "`{all+}` matches all that follows, so it has to be the path's end",
    ),
    "siblings": (
        ONE,
        {"/a/{x}": {"get": OK}, "/a/{y}/b": {"get": OK}},
        "`{y}` in the path `/a/{y}/b` is `{x}` in another",
    ),
    "nothing": (ONE, {"/a": {}}, "this API has no operation"),
    "reference": (ONE, {"/a": {"$ref": "#/paths/~1b"}, "/b": {"get": OK}}, "the path `/a` is a reference"),
    "circle": (
        ONE,
        {"/a": {"get": OK}, "x-y": {}, "/b": {"$ref": "#/paths/~1c"}, "/c": {"$ref": "#/paths/~1b"}},
        "these references lead in a circle: `#/paths/~1c` → `#/paths/~1b` → `#/paths/~1c`; one has",
    ),
    "dangling": (
        ONE,
        {"/a": {"get": {"responses": {"200": {"$ref": "#/components/responses/Gone"}}}}},
        "the reference `#/components/responses/Gone` leads to nothing in this document",
    ),
    "outside": (
        ONE,
        {"/a": {"get": {"responses": {"200": {"$ref": "common.json#/OK"}}}}},
        "leads out of this document; API Gateway imports one document: copy it to this one",
    ),
}


@pytest.mark.parametrize(("service", "paths", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_has_its_place_and_the_fix(service: Any, paths: Any, said: str) -> None:
    """What API Gateway would refuse in its own words, or accept and then not serve."""
    with pytest.raises(InputError, match=r"api\.json, line 1, column [0-9]+: |api\.json has") as refused:
        read(service, definition(paths))
    assert said in f"{refused.value.what}\n{refused.value.why}"


JUNK: list[Any] = [
    None,
    True,
    0,
    "",
    "{x",
    [],
    [1],
    {},
    {"a": [1]},
    {"$ref": "#"},
    {"$ref": "#/paths"},
    {"$ref": ""},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value of a document."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from places(item, (*path, key))


@settings(max_examples=60)
@given(
    st.data(),
    st.sampled_from(["api-swagger/swagger.json", "api-openapi/openapi.json"]),
    st.sampled_from(JUNK),
)
def test_anything_anywhere_is_taken_or_refused(data: st.DataObject, name: str, junk: Any) -> None:
    """No definition makes the command fail otherwise."""
    api = json.loads((REPOSITORY / "tests/apps" / name).read_text(encoding="utf-8"))
    said = json.loads(
        (REPOSITORY / "tests/apps" / name).with_name("service.json").read_text(encoding="utf-8")
    )
    *way, last = data.draw(st.sampled_from(list(places(api))[1:]))
    inner = api
    for key in way:
        inner = inner[key]
    inner[last] = junk
    with contextlib.suppress(InputError):
        service = read(said, api)
        for write in (template, configuration):
            with contextlib.suppress(InputError):
                write(service, target())


def test_a_type_may_hold_itself() -> None:
    """A tree is no circle, and an example may look like a reference."""
    tree = {
        "type": "object",
        "properties": {"parent": {"$ref": "#/components/schemas/Tree"}},
        "example": {"$ref": "x"},
    }
    read(ONE, definition({"/a": {"get": OK}}, components={"schemas": {"Tree": tree}}))


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ({"swagger": 2.0}, "`swagger` has to be `2.0`, as a text in quotes"),
        ({"openapi": "3.1.0"}, "`openapi` has to be 3.0, such as `3.0.3`"),
        ({}, "neither"),
    ],
)
def test_other_versions_are_refused(version: dict[str, Any], said: str) -> None:
    """API Gateway imports two."""
    with pytest.raises(InputError, match="line 1, column") as refused:
        read(ONE, {**version, "info": {}, "paths": {"/a": {"get": OK}}})
    assert said in refused.value.what


# --- YAML -------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(services(), st.data())
def test_yaml_says_the_same(said: dict[str, Any], data: st.DataObject) -> None:
    """Numbers as keys, dates and words that YAML reads as truths are what they are in JSON."""
    api = data.draw(apis(tuple(said["functions"])))
    service = read(said)
    text = yaml.safe_dump(api, allow_unicode=True, sort_keys=False)
    assert parse_api(text.encode(), "api.yaml", service).document.plain() == api


def test_yaml_as_people_write_it() -> None:
    """Statuses without quotes are texts; anchors are written out."""
    lines = (
        "openapi: 3.0.3",
        "paths:",
        "  /a:",
        "    get: &op",
        "      responses: {200: {description: 2026-01-02}}",
    )
    text = "\n".join((*lines, "    put: *op")).encode()
    api = parse_api(text, "api.yml", read(ONE))
    item = {"responses": {"200": {"description": "2026-01-02"}}}
    assert api.document.plain() == {"openapi": "3.0.3", "paths": {"/a": {"get": item, "put": item}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "openapi: 3.0.3\npaths:\n  /a: !Sub x",
            "line 3, column 7: `x` with the tag `!Sub` is nothing that JSON has",
        ),
        ("a: [", "this is not YAML"),
        ("", "this document is empty"),
        ("a: &a [*a]", "line 1, column 4: this value holds an alias of itself"),
        ("a: .nan", "line 1, column 4: `.nan`"),
        ("a: 1\na: 2", "line 2, column 1: the key `a` is there already, in line 1"),
    ],
    ids=range(6),
)
def test_yaml_that_is_not_json_is_refused_with_its_place(text: str, said: str) -> None:
    """No template could hold it."""
    with pytest.raises(InputError) as refused:
        parse_api(text.encode(), "api.yaml", read(ONE))
    assert said in f"{refused.value.what} {refused.value.why}"


@pytest.mark.parametrize(
    "text", ["[" * 90_000, "{a: " * 90_000, "a: &a [1, 2, 3]\nb: [" + "*a, " * 20_000 + "]"], ids=range(3)
)
def test_yaml_that_would_take_long_or_crash_is_refused_at_once(text: str) -> None:
    """By its depth before libyaml goes down there, and by what its aliases add."""
    with pytest.raises(InputError, match="nested too deeply, or too large"):
        parse_yaml(text.encode(), "api.yaml")


def test_a_few_lines_of_aliases_do_not_fill_the_memory() -> None:
    """What they stand for is counted."""
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))]
    with pytest.raises(InputError, match="too large with its aliases written out"):
        parse_yaml("\n".join(lines).encode(), "api.yaml", most=2000)
