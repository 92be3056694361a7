"""service.json: what it says, what holds without it, and where it is wrong."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.errors import InputError
from deploy.infrastructure.declaration import SERVICE, json_schema
from deploy.infrastructure.service import Alarms, Cors, Defaults, default_service, parse_service
from deploy.located import Problems, parse_json
from paths import REPOSITORY
from services import DEFAULTS, read, services

ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
SCHEMA = json.loads((REPOSITORY / "docs/service.schema.json").read_text(encoding="utf-8"))


def test_the_smallest_form_says_enough() -> None:
    """The key is the name, and everything else has a default."""
    service = read(
        {"functions": {"api": {"handler": "index.handler", "runtime": "nodejs22.x"}}, "api": "openapi.json"}
    )
    (function,) = service.functions
    assert (function.name, function.memory, function.timeout, function.architecture) == (
        "api",
        512,
        10,
        "x86_64",
    )
    assert (service.alias, function.alarms, function.log_retention) == ("live", Alarms(), 30)
    assert service.api_source is not None
    assert (service.api_source.path, service.api_source.stage) == ("openapi.json", "live")


def test_without_a_file_the_settings_give_the_functions() -> None:
    """Each function that a deploy goes to is one; without any the error says what to set."""
    service = default_service(Defaults(("one", "two"), "prod", runtime="python3.13"))
    assert [(each.name, each.handler) for each in service.functions] == [
        ("one", "lambda_function.lambda_handler"),
        ("two", "lambda_function.lambda_handler"),
    ]
    assert service.alias == "prod"
    with pytest.raises(InputError, match="Neither a service"):
        default_service(Defaults(runtime="python3.13"))
    with pytest.raises(InputError, match="does not say which handler"):
        default_service(Defaults(("one",), runtime="java21"))


def test_a_single_function_has_the_name_in_the_settings() -> None:
    """So a function that is deployed already keeps its name, unless service.json says another one."""
    defaults = Defaults(("my-function",), runtime="nodejs22.x")
    for said, name in (({}, "my-function"), ({"name": "other"}, "other")):
        content = json.dumps({"functions": {"api": said}}).encode()
        assert parse_service(content, "service.json", defaults).functions[0].name == name


def test_a_shift_watches_errors_and_has_aws_s_own_name() -> None:
    """CodeDeploy needs an alarm to go back, unless there is to be none; custom configs keep their names."""
    shifts = {"a": "Canary10Percent5Minutes", "b": "Mine", "c": "AllAtOnce"}
    service = read(
        {
            "functions": {key: {"shift": shift} for key, shift in shifts.items()}
            | {"d": {"shift": "x", "alarms": False}}
        }
    )
    assert [each.shift for each in service.functions][:3] == [
        "CodeDeployDefault.LambdaCanary10Percent5Minutes",
        "Mine",
        "CodeDeployDefault.LambdaAllAtOnce",
    ]
    assert [each.alarms for each in service.functions] == [Alarms(errors=1)] * 3 + [Alarms()]


def test_cors_has_a_short_form() -> None:
    """`true` allows every origin."""
    for said, cors in ((True, Cors()), (False, None), ({"max_age": 5}, Cors(max_age=5))):
        source = read({"functions": {"a": {}}, "api": {"definition": "a.json", "cors": said}}).api_source
        assert source is not None
        assert source.cors == cors


MISTAKES = {
    '{"functions": {"api": {\n  "memroy": 128}}}': (
        "line 2, column 3: there is no key `memroy` in functions.api; there are `name`, `description`"
    ),
    '{"functions": {"api": {"memory": 64}}}': (
        "line 1, column 34: functions.api.memory has to be a whole number from 128 to 10240 MB"
    ),
    '{"functions": {"api": {"memory": true}}}': "functions.api.memory has to be a whole number",
    '{"functions": {"api": {"timeout": "10"}}}': "has to be a whole number from 1 to 900 seconds",
    '{"functions": {}}': "line 1, column 15: functions has to be an object with at least 1 member",
    "{}": "line 1, column 1: the document has no `functions`, which is an object with at least 1 member",
    "[]": "the document has to be an object with the keys `$schema`, `functions`",
    '{"functions": {"1a": {}}}': "line 1, column 16: `1a` is a key of functions, and each of them has",
    '{"functions": {"a": {}, "b": {"name": "a"}}}': (
        "line 1, column 39: the function `a` is there already, as functions.a; each one needs a name"
    ),
    '{"functions": {"a": {}, "a": {}}}': "line 1, column 25: the key `a` is there already, in line 1",
    '{"functions": {"my-api": {}, "myApi": {}}}': (
        "line 1, column 30: functions.myApi and functions.my-api differ in case or punctuation alone"
    ),
    '{"functions": {"tool-hook": {}}}': "`tool-hook` is what the functions of `deploy tools` are called",
    '{"alias": "1.0", "functions": {"a": {}}}': "line 1, column 11: alias is `1.0`; it has to be the name",
    '{"functions": {"a": {"runtime": "nodejs"}, "b": {"runtime": "node 22"}}}': (
        "functions.b.runtime is `node 22`; it has to be a runtime of Lambda's, such as `nodejs22.x`"
    ),
    '{"functions": {"a": {"runtime": "java21"}}}': "line 1, column 21: functions.a has no `handler`",
    '{"functions": {"a": {"alarms": 5}}}': "functions.a.alarms has to be `true` or `false`, or an object",
    '{"functions": {"a": {"vpc": {}}}}': "functions.a.vpc has no `subnets`, which is a list of up to 16",
    '{"functions": {"a": {"log_retention": 31}}}': "functions.a.log_retention has to be one of `1`, `3`, `5`",
    '{"functions": {"a": {}}, "api": {"definition": "a", "cors": {"credentials": true}}}': (
        "line 1, column 61: api.cors sends cookies to every origin, which browsers refuse; name one `origin`"
    ),
}


@pytest.mark.parametrize(("text", "said"), MISTAKES.items(), ids=range(len(MISTAKES)))
def test_a_mistake_has_its_place_and_what_is_allowed_there(text: str, said: str) -> None:
    """Whatever is wrong, nobody has to look for it, or guess."""
    with pytest.raises(InputError) as refused:
        parse_service(text.encode(), "service.json", DEFAULTS)
    assert said in f"{refused.value.what}\n{refused.value.why}"
    assert refused.value.what.startswith("service.json")


def test_all_mistakes_are_reported_at_once() -> None:
    """In the order of the file."""
    text = b'{"functions": {"a": {"memory": 1,\n"timeout": 0}},\n"alais": ""}'
    with pytest.raises(InputError) as refused:
        parse_service(text, "service.json", DEFAULTS)
    assert refused.value.what == "service.json has 3 mistakes."
    assert [line.partition(", column")[0] for line in refused.value.why.splitlines()] == [
        f"service.json, line {number}" for number in (1, 2, 3)
    ]


def test_the_schema_for_editors_is_that_of_the_declaration() -> None:
    """`make docs` writes it."""
    assert json_schema() == SCHEMA
    jsonschema.Draft7Validator.check_schema(SCHEMA)


JUNK: Any = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["a", "nodejs22.x"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["memory", "a"]), inner)
    ),
    max_leaves=4,
)


@settings(max_examples=40)
@given(services(), st.data())
def test_editors_accept_what_the_command_accepts(service: dict[str, Any], data: st.DataObject) -> None:
    """The schema and the check are of one mind, on valid services and on ones with anything anywhere."""
    function = next(iter(service["functions"].values()))
    if data.draw(st.booleans()):
        place = data.draw(st.sampled_from([service, function]))
        known = ("functions", "alias", "api", "memory", "alarms", "vpc", "policy", "layers", "shift", "other")
        place[data.draw(st.sampled_from(known))] = data.draw(JUNK)
    problems = Problems("service.json")
    SERVICE.check(parse_json(json.dumps(service).encode(), "service.json"), "", problems)
    assert jsonschema.Draft7Validator(SCHEMA).is_valid(service) == (len(problems) == 0)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ({"environment": {"AWS_REGION": "x"}}, "Lambda sets `AWS_REGION` itself"),
        ({"environment": {"AB": "é" * 2047, "C1": "x"}}, "has 4099 bytes, and Lambda takes 4096"),
        ({"policy": [{"Effect": "Allow", "Action": "s3:*"}]}, "either `Resource` or `NotResource`"),
        ({"policy": [ALLOW | {"NotAction": "s3:*"}]}, "either `Action` or `NotAction`"),
        ({"policy": [ALLOW | {"Sid": "WriteLog"}]}, "of the role itself has the `Sid` `WriteLog`"),
        ({"policy": [ALLOW | {"Sid": "A"}, ALLOW | {"Sid": "A"}]}, "has the `Sid` `A`, too"),
    ],
)
def test_what_aws_would_refuse_is_refused_before(function: dict[str, Any], said: str) -> None:
    """With its place, and not in the middle of an apply."""
    with pytest.raises(InputError, match=r"service\.json, line 1, column") as refused:
        read({"functions": {"a": function}})
    assert said in refused.value.what
