"""The templates: what is in them, that deploys own the rest, and that they do not change by themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.errors import InputError
from deploy.infrastructure.cloudformation import template
from deploy.infrastructure.policy import policy
from deploy.infrastructure.terraform import configuration
from paths import REPOSITORY
from services import apis, read, services
from targets import target

APPS = REPOSITORY / "tests/apps"
POLICY = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
BESIDE = {"Fn::Transform": {"Name": "AWS::Include"}, "x": 1}
# What CloudFormation knows for itself, as a test's account has it.
ACCOUNT = {"${AWS::Partition}": "aws", "${AWS::Region}": "eu-west-1", "${AWS::AccountId}": "123456789012"}


def app(name: str) -> Any:
    folder = APPS / name
    service = json.loads((folder / "service.json").read_text(encoding="utf-8"))
    path = service["api"] if isinstance(service["api"], str) else service["api"]["definition"]
    return read(service, json.loads((folder / path).read_text(encoding="utf-8")))


def substituted(value: Any) -> Any:
    """Return a template with what is known in an account in it."""
    if isinstance(value, list):
        return [substituted(each) for each in value]
    if not isinstance(value, dict):
        return value
    if list(value) != ["Fn::Sub"]:
        return {key: substituted(each) for key, each in value.items()}
    text = str(value["Fn::Sub"])
    for name, known in ACCOUNT.items():
        text = text.replace(name, known)
    return text.replace("${!", "${")


def of_type(made: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in made["Resources"].items() if each["Type"] == kind}


@settings(max_examples=10)
@given(services(), st.data())
def test_the_same_input_makes_the_same_bytes(said: dict[str, Any], data: st.DataObject) -> None:
    """In both languages; and no reference to what only we know is left over."""
    api = data.draw(apis(tuple(said["functions"])))
    for write in (template, configuration):
        texts = {json.dumps(write(read(said, api), target())) for _ in range(2)}
        assert len(texts) == 1


def test_the_policy_is_that_of_the_doctor() -> None:
    """With the settings' features, for each of the functions."""
    features = {
        "_LAMBDA_VERIFY_PAYLOAD": "{}",
        "_LAMBDA_KEEP_VERSIONS": "3",
        "_LAMBDA_S3_BUCKET": "deploys",
        "_LAMBDA_S3_KMS_KEY_ID": "alias/deploys",
        "_LAMBDA_ALIAS": "live",
        "_LAMBDA_SHIFT": "Canary10Percent5Minutes",
    }
    shift = {"shift": "Canary10Percent5Minutes"}
    service = read({"functions": {"my-function": shift, "other": shift}})
    targets = [
        target(**features, _LAMBDA_FUNCTION_ARN=f"arn:aws:lambda:eu-west-1:123456789012:function:{name}")
        for name in ("my-function", "other")
    ]
    made = template(service, target(**features))
    assert substituted(made["Resources"]["DeployerPolicy"]["Properties"]["PolicyDocument"]) == policy(
        *targets
    )


def test_a_group_is_the_one_that_deploys_ask_for() -> None:
    """By _LAMBDA_CODEDEPLOY, with the function's name in it, or else by the function's name and the alias."""
    service = read({"functions": {key: {"shift": "AllAtOnce"} for key in ("a", "b")}})
    shifting = {"_LAMBDA_ALIAS": "live", "_LAMBDA_SHIFT": "AllAtOnce"}
    for setting, names in (("", ["a/live", "b/live"]), ("my-{name}/group", ["my-a/group", "my-b/group"])):
        made = template(service, target(**shifting, _LAMBDA_CODEDEPLOY=setting))
        applications = of_type(made, "AWS::CodeDeploy::Application").values()
        groups = of_type(made, "AWS::CodeDeploy::DeploymentGroup").values()
        assert [
            f"{application['ApplicationName']}/{group['DeploymentGroupName']}"
            for application, group in zip(applications, groups, strict=True)
        ] == names
    assert made["Outputs"]["LambdaShift"]["Value"] == "CodeDeployDefault.LambdaAllAtOnce"
    with pytest.raises(InputError, match="the same deployment group"):
        template(service, target(**shifting, _LAMBDA_CODEDEPLOY="one/group"))


def test_a_deployment_is_new_when_the_definition_is() -> None:
    """Or else the stage would serve yesterday's routes; the size of a function does not matter."""

    def deployment(service: dict[str, Any], path: str) -> tuple[str, str]:
        api = {
            "openapi": "3.0.3",
            "info": {"title": "a", "version": "1"},
            "paths": {path: {"get": {"responses": {}}}},
        }
        made = read(service, api)
        (name,) = of_type(template(made, target()), "AWS::ApiGateway::Deployment")
        resources = configuration(made, target())["resource"]
        return name, resources["aws_api_gateway_deployment"]["api"]["triggers"]["redeployment"]

    service = {"functions": {"a": {}}, "api": "api.json"}
    first = deployment(service, "/a")
    assert deployment({**service, "functions": {"a": {"memory": 1024}}}, "/a") == first
    for other in (deployment(service, "/b"), deployment({**service, "alias": "prod"}, "/a")):
        assert not set(first) & set(other)


def test_deploys_own_the_code_and_where_the_alias_points() -> None:
    """Terraform ignores it; in CloudFormation nothing that the user can say changes it."""
    service = read({"functions": {"a": {}}})
    resources = configuration(service, target())["resource"]
    assert resources["aws_lambda_function"]["a"]["lifecycle"]["ignore_changes"] == [
        "filename",
        "source_code_hash",
        "s3_bucket",
        "s3_key",
        "s3_object_version",
        "publish",
    ]
    ignored = resources["aws_lambda_alias"]["a"]["lifecycle"]["ignore_changes"]
    assert ignored == ["function_version", "routing_config", "description"]
    changed = read({"functions": {"a": {"memory": 1024, "environment": {"MODE": "x"}, "description": "y"}}})
    one, other = (template(each, target())["Resources"] for each in (service, changed))
    assert one["AFunction"]["Properties"]["Code"] == other["AFunction"]["Properties"]["Code"]
    assert [one["AVersion"], one["AAlias"]] == [other["AVersion"], other["AAlias"]]


def test_it_is_what_sam_makes_of_the_same() -> None:
    """Aliases, versions, permissions and deployment groups, as aws-sam-translator wrote them."""
    sam = json.loads((REPOSITORY / "tests/fakes/sam.json").read_text(encoding="utf-8"))["translated"][
        "Resources"
    ]
    ours = template(app("api-openapi"), target())["Resources"]

    def resources(made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
        return [each["Properties"] for each in made.values() if each["Type"] == kind]

    for kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::Lambda::Permission"):
        assert len(resources(ours, kind)) == len(resources(sam, kind)), kind
        assert {tuple(sorted(each.keys() - {"Description"})) for each in resources(ours, kind)} == {
            tuple(sorted(each)) for each in resources(sam, kind)
        }

    def routes(made: dict[str, Any], api: str) -> set[str]:
        """Return what may invoke: what follows the API's ID and the stage."""
        sources = []
        for each in resources(made, "AWS::Lambda::Permission"):
            assert (each["Action"], each["Principal"]) == (
                "lambda:InvokeFunction",
                "apigateway.amazonaws.com",
            )
            source = each["SourceArn"]["Fn::Sub"]
            text, names = (source, {}) if isinstance(source, str) else source
            for name, value in names.items():
                text = text.replace(
                    f"${{{name}}}", value if isinstance(value, str) else f"${{{value['Ref']}}}"
                )
            text = text.replace(f"${{{api}}}", "API")
            sources.append(text.replace("${AWS::Partition}", "aws"))
        return set(sources)

    assert routes(ours, "RestApi") == routes(sam, "Shop")
    ((group,), (theirs,)) = (resources(each, "AWS::CodeDeploy::DeploymentGroup") for each in (ours, sam))
    text, names = theirs["DeploymentConfigName"]["Fn::Sub"]
    assert group["DeploymentConfigName"] == text.replace("${ConfigName}", names["ConfigName"])
    for key in ("DeploymentStyle", "AutoRollbackConfiguration"):
        assert group[key] == theirs[key]


def test_a_body_that_cloudformation_would_read_as_its_own_is_refused() -> None:
    """Terraform takes it; the place and the way out are named."""
    api: dict[str, Any]
    of_its_own = "for a function of its own"
    for value, said in ((None, "takes no `null`"), ({"Ref": "x"}, of_its_own), (BESIDE, of_its_own)):
        api = {"openapi": "3.0.3", "paths": {"/a": {"get": {"responses": {}}}}, "x-a": value}
        service = read({"functions": {"a": {}}, "api": "api.json"}, api)
        assert configuration(service, target())
        with pytest.raises(InputError, match=said) as refused:
            template(service, target())
        assert f"api.json, line 1, column {75 if value == BESIDE else 74}" in refused.value.what


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"functions": {"a": {"environment": {"Ref": "AWS::AccountId"}}}}, '{"Ref"'),
        ({"functions": {"a": {}}, "hook": {"environment": {"Condition": "x"}}}, '{"Condition": "x"'),
        ({"functions": {"a": {"policy": [POLICY | {"Condition": {"Ref": "x"}}]}}}, '{"Ref"'),
        ({"functions": {"a": {"policy": [POLICY | {"Condition": {"Bool": {"Fn::Sub": "x"}}}]}}}, '{"Fn::Sub'),
        (
            {"functions": {"a": {"policy": [POLICY | {"Condition": {"Fn::Transform": {}, "x": {}}}]}}},
            '"Fn::Tr',
        ),
    ],
)
def test_service_json_can_not_name_cloudformation_s_functions(said: dict[str, Any], at: str) -> None:
    """Values stay values: in an environment, and in the conditions of a policy. Terraform takes them."""
    service = read(said)
    assert configuration(service, target())
    with pytest.raises(InputError, match="for a function of its own") as refused:
        template(service, target())
    assert f"service.json, line 1, column {json.dumps(said).index(at) + 1}:" in refused.value.what


def test_other_runtimes_need_a_bucket_for_their_first_code() -> None:
    """CloudFormation holds code for Node.js and Python alone."""
    service = read({"functions": {"a": {"runtime": "java21", "handler": "example.Handler"}}})
    with pytest.raises(InputError, match="needs a bucket"):
        template(service, target())
    made = template(service, target(_LAMBDA_S3_BUCKET="deploys", _LAMBDA_S3_PREFIX="lambda/"))
    code = made["Resources"]["AFunction"]["Properties"]["Code"]
    assert code == {"S3Bucket": "deploys", "S3Key": "lambda/placeholder.zip"}


def test_the_tools_are_set_up_where_they_are_used() -> None:
    """The hook and the step have roles of their own, and the step's is that of the doctor."""
    said = {
        "functions": {"shop": {"shift": "AllAtOnce"}},
        "hook": {"environment": {"VERIFY_PAYLOAD": "{}"}},
        "step": True,
    }
    made = template(read(said), target(_LAMBDA_FLEET_PREFIX="shop", _LAMBDA_ALIAS="live"))
    functions = of_type(made, "AWS::Lambda::Function")
    assert [each["FunctionName"] for each in functions.values()] == [
        "shop",
        "CodeDeployHook_shop",
        "shop-step",
    ]
    assert functions["ToolHookFunction"]["Environment"] == {"Variables": {"VERIFY_PAYLOAD": "{}"}}
    (hooks,) = (
        statement["Resource"]
        for statement in made["Resources"]["ShopShiftRole"]["Properties"]["Policies"][0]["PolicyDocument"][
            "Statement"
        ]
        if statement["Sid"] == "RunHooks"
    )
    assert substituted(hooks) == ["arn:aws:lambda:eu-west-1:123456789012:function:CodeDeployHook_shop"]
    step = json.dumps(made["Resources"]["ToolStepRole"])
    assert "codepipeline:PutJobSuccessResult" in step
    assert ":function:shop*" in step
    for resource, name in (("ToolHookRole", "CodeDeployHook_shop"), ("ToolStepRole", "shop-step")):
        (policy_of_tool,) = made["Resources"][resource]["Properties"]["Policies"]
        log = [
            (each["Action"], substituted(each["Resource"]))
            for each in policy_of_tool["PolicyDocument"]["Statement"]
            if "logs:PutLogEvents" in each["Action"]
        ]
        group = f"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/{name}:*"
        assert log == [(["logs:CreateLogStream", "logs:PutLogEvents"], [group])]
    with pytest.raises(InputError, match="_LAMBDA_FLEET_PREFIX is not set"):
        template(read(said), target())


@pytest.mark.parametrize("write", [template, configuration])
@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"functions": {"users": {"shift": "AllAtOnce"}, "users-shift": {}}}, "would be called `[Uu]sers"),
        ({"functions": {"a": {}, "CodeDeployHook_a": {}}, "hook": True}, "functions.CodeDeployHook_a, and"),
        ({"functions": {"a": {}, "b": {"name": "a-step"}}, "step": True}, "functions.b, and"),
    ],
)
def test_two_of_one_name_are_refused(said: dict[str, Any], refused: str, write: Any) -> None:
    """Neither does one resource take another's place, nor a function that of a tool."""
    settings = target(_LAMBDA_ALIAS="live", _LAMBDA_FLEET_PREFIX="a")
    with pytest.raises(InputError, match=refused):
        write(read(said), settings)


def test_terraform_reads_no_expression_in_a_users_text() -> None:
    """Neither in an argument nor in the API's definition."""
    text = "${path.root} %{if} $${x}"
    api = {"openapi": "3.0.3", "paths": {"/a": {"get": {"responses": {"200": {"description": text}}}}}}
    service = read({"functions": {"a": {"description": text}}, "api": "api.json"}, api)
    resources = configuration(service, target())["resource"]
    escaped = "$${path.root} %%{if} $$${x}"
    assert resources["aws_lambda_function"]["a"]["description"] == escaped
    assert json.dumps(escaped) in resources["aws_api_gateway_rest_api"]["api"]["body"]


def test_the_folder_does_not_matter(tmp_path: Path) -> None:
    """A template names nothing of the machine that wrote it."""
    assert str(tmp_path) not in json.dumps(template(app("api-openapi"), target()))
