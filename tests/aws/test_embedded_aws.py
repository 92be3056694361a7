"""The embedded AWS is as strict as the real one, so that what passes here passes there."""

import base64
import hashlib
import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws import Credentials, EmbeddedAWS, Function
from lambda_invocations import Invoked

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


# The SDK would refuse some of what AWS is to refuse.
UNCHECKED = Config(parameter_validation=False)


def make_zip(text: str = "exports.handler = async () => 1\n") -> bytes:
    """Make a ZIP of one file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.js"), text)
    return content.getvalue()


def client_of(function: Function, credentials: Credentials = EmbeddedAWS.deployer) -> "LambdaClient":
    """Make a Lambda client in the function's region."""
    return boto3.client(
        "lambda",
        region_name=function.region,
        endpoint_url=function.aws.url,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        config=UNCHECKED,
    )


def refusal(function: Function, name: str | None = None, **parameters: object) -> tuple[str, str]:
    """Return the code and the message with which AWS refuses an update."""
    with pytest.raises(ClientError) as caught:
        client_of(function).update_function_code(
            FunctionName=name or function.arn,
            **{"ZipFile": make_zip(), **parameters},  # type: ignore[arg-type]
        )
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (Credentials("AKIANOBODY", "deployer-secret"), "UnrecognizedClientException"),
        (Credentials(EmbeddedAWS.deployer.access_key, "wrong"), "InvalidSignatureException"),
    ],
)
def test_only_known_keys_with_their_own_secrets_pass(
    function: Function, credentials: Credentials, code: str
) -> None:
    """A wrong access key and a wrong secret are refused, each in AWS's words."""
    with pytest.raises(ClientError, match=code):
        client_of(function, credentials).get_function(FunctionName=function.name)


def test_a_body_other_than_the_signed_one_is_refused(function: Function) -> None:
    """The signature is checked over the bytes that came in, not over what the client meant to send."""
    client = client_of(function)

    def tamper(request: object, **_: object) -> None:
        request.body = request.body.replace(b"ZipFile", b"zipfile")  # type: ignore[attr-defined]

    client.meta.events.register("before-send.lambda.UpdateFunctionCode", tamper)
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        client.update_function_code(FunctionName=function.name, ZipFile=make_zip())


def test_an_update_is_answered_as_aws_does(function: Function) -> None:
    """The checksum of what was sent, a new revision, and yet another when the update is done."""
    before = function.get()["Configuration"]
    package = make_zip("// new\n")
    answer = client_of(function).update_function_code(FunctionName=function.arn, ZipFile=package)

    assert answer["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert answer["LastUpdateStatus"] == "InProgress"
    assert answer["RevisionId"] != before["RevisionId"]
    after = function.get()["Configuration"]
    assert after["LastUpdateStatus"] == "Successful"
    assert after["RevisionId"] not in {answer["RevisionId"], before["RevisionId"]}
    assert function.get()["Configuration"]["RevisionId"] == after["RevisionId"]


def test_a_dry_run_changes_nothing(function: Function) -> None:
    """A dry run answers with the new checksum and leaves code and revision as they were."""
    before = function.get()["Configuration"]
    package = make_zip("// new\n")
    answer = client_of(function).update_function_code(FunctionName=function.arn, ZipFile=package, DryRun=True)

    assert answer["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    after = function.get()["Configuration"]
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])


def test_an_update_in_progress_keeps_others_out(function: Function) -> None:
    """Until an update is done, the function says so and takes no other; each question takes time."""
    function.aws.polls_per_update = 2
    client = client_of(function)
    client.update_function_code(FunctionName=function.name, ZipFile=make_zip())

    assert refusal(function)[0] == "ResourceConflictException"
    assert function.get()["Configuration"]["LastUpdateStatus"] == "InProgress"
    assert function.get()["Configuration"]["LastUpdateStatus"] == "Successful"
    client.update_function_code(FunctionName=function.name, ZipFile=make_zip())


def test_a_stale_revision_is_refused(function: Function) -> None:
    """An update that names a revision goes through only if it still is the latest."""
    revision = function.get()["Configuration"]["RevisionId"]
    client_of(function).update_function_code(
        FunctionName=function.name, ZipFile=make_zip(), RevisionId=revision
    )
    assert refusal(function, RevisionId=revision)[0] == "PreconditionFailedException"


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (b"PK is no ZIP", "Could not unzip uploaded file"),
        (make_zip()[:-30], "Could not unzip uploaded file"),
        (make_zip().replace(b"async", b"asink"), "Could not unzip uploaded file"),
        (b"PK\5\6" + bytes(18), "Uploaded file must be a non-empty zip"),
    ],
)
def test_what_cannot_be_unzipped_is_refused(function: Function, package: bytes, message: str) -> None:
    """No ZIP, half a ZIP, a ZIP with a wrong checksum, an empty ZIP: AWS takes none of them."""
    code, said = refusal(function, ZipFile=package)
    assert code == "InvalidParameterValueException"
    assert said.startswith(message)


def test_a_request_that_is_too_large_is_refused(function: Function) -> None:
    """The limit is on the request, base64 and all, and below 50 MB of ZIP."""
    package = bytes(52_428_800)
    assert refusal(function, ZipFile=package) == (
        "RequestEntityTooLargeException",
        "Request must be smaller than 69905067 bytes for the UpdateFunctionCode operation",
    )


def test_an_image_takes_no_zip(aws: EmbeddedAWS) -> None:
    """A function made from a container image can't be deployed to with a ZIP."""
    assert refusal(aws.create_function(package_type="Image")) == (
        "InvalidParameterValueException",
        "Please provide ImageUri when updating a function with packageType Image.",
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("arn:aws:lambda:us-east-1:123456789012:function:{name}", "ResourceNotFoundException"),
        ("arn:aws:lambda:eu-west-1:999999999999:function:{name}", "AccessDeniedException"),
        ("{name}:1", "InvalidParameterValueException"),
        ("{name}-not", "ResourceNotFoundException"),
    ],
)
def test_a_function_that_is_not_there_is_not_found_by_kindness(
    function: Function, name: str, code: str
) -> None:
    """Another region, another account, a published version, another name: all refused."""
    assert refusal(function, name.format(name=function.name))[0] == code


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1"])
def test_functions_live_in_their_regions_partition(aws: EmbeddedAWS, region: str) -> None:
    """ARNs have the partition of the region, and every way to name a function finds it."""
    function = aws.create_function(region=region)
    partition = {"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}.get(region, "aws")
    assert function.arn == f"arn:{partition}:lambda:{region}:123456789012:function:{function.name}"
    for name in (function.arn, f"123456789012:function:{function.name}", function.name):
        client_of(function).update_function_code(FunctionName=name, ZipFile=make_zip())
    assert [call.operation for call in function.deploy_calls] == ["UpdateFunctionCode"] * 3


def test_a_forbidden_operation_is_denied(function: Function) -> None:
    """What a test forbids is denied with the message that names user, action and resource."""
    function.aws.denied.add("UpdateFunctionCode")
    code, message = refusal(function)
    assert code == "AccessDeniedException"
    assert f"perform: lambda:UpdateFunctionCode on resource: {function.arn}" in message


def test_the_code_of_each_version_can_be_fetched_in_ranges(function: Function) -> None:
    """Code.Location serves the very bytes of $LATEST and of every version, whole or in part."""
    first, second = make_zip("// 1\n"), make_zip("// 2\n")
    client = client_of(function)
    client.update_function_code(FunctionName=function.name, ZipFile=first, Publish=True)
    client.update_function_code(FunctionName=function.name, ZipFile=second)

    assert function.code("1") == first
    assert function.code() == second
    location = function.get()["Code"]["Location"]
    request = urllib.request.Request(location, headers={"Range": "bytes=-22"})  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert answer.status == 206
        assert answer.headers["Content-Range"] == (
            f"bytes {len(second) - 22}-{len(second) - 1}/{len(second)}"
        )
        assert answer.read() == second[-22:]


def test_the_codes_address_is_presigned_for_get(function: Function) -> None:
    """As with S3, the address takes neither another method nor a second authorization."""
    location = function.get()["Code"]["Location"]
    for request in (
        urllib.request.Request(location, method="HEAD"),  # noqa: S310
        urllib.request.Request(location, headers={"Authorization": "x"}),  # noqa: S310
    ):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request)  # noqa: S310


def test_calls_are_recorded_with_the_key_that_signed_them(function: Function) -> None:
    """A test can count the calls and tell whose credentials made each."""
    client_of(function).update_function_code(FunctionName=function.name, ZipFile=make_zip())
    (call,) = function.deploy_calls
    assert call.operation == "UpdateFunctionCode"
    assert call.access_key == EmbeddedAWS.deployer.access_key
    assert call.region == "eu-west-1"
    assert call.body_length == len(base64.b64encode(make_zip())) + len('{"ZipFile": ""}')


# Versions, aliases, invocations, packages in S3.


def refused(call: Callable[..., object], **parameters: object) -> tuple[str, str]:
    """Return the code and the message with which AWS refuses a call."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def versions(function: Function) -> "LambdaClient":
    """Publish versions 1 and 2 of the function, and give the deployer's client."""
    client = client_of(function)
    for number in ("1", "2"):
        client.update_function_code(FunctionName=function.name, ZipFile=make_zip(f"// {number}\n"))
        client.publish_version(FunctionName=function.name, Description=f"number {number}")
    return client


def test_what_has_not_changed_is_not_published_again(function: Function, versions: "LambdaClient") -> None:
    """AWS gives the last version again, description and all, until code or configuration changes."""
    same = versions.publish_version(FunctionName=function.name, Description="another")
    assert (same["Version"], same["Description"]) == ("2", "number 2")
    versions.update_function_configuration(FunctionName=function.name, Timeout=9)
    assert versions.publish_version(FunctionName=function.name)["Version"] == "3"
    assert function.get("2")["Configuration"]["Timeout"] == 3
    versions.update_function_configuration(FunctionName=function.name, Description="of $LATEST")
    described = versions.publish_version(FunctionName=function.name)
    assert (described["Version"], described["Description"]) == ("4", "of $LATEST")
    assert function.versions() == ["1", "2", "3", "4"]


def test_publishing_gives_latest_alone_a_new_revision(function: Function, versions: "LambdaClient") -> None:
    """As AWS has it: $LATEST gets another revision, earlier versions and aliases keep theirs."""
    versions.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    latest, first = (function.get(name)["Configuration"]["RevisionId"] for name in ("$LATEST", "1"))
    alias = versions.get_alias(FunctionName=function.name, Name="live")["RevisionId"]
    versions.update_function_code(FunctionName=function.name, ZipFile=make_zip("// 3\n"))
    settled = function.get()["Configuration"]["RevisionId"]
    versions.publish_version(FunctionName=function.name)
    assert function.get()["Configuration"]["RevisionId"] not in {latest, settled}
    assert function.get("1")["Configuration"]["RevisionId"] == first
    assert versions.get_alias(FunctionName=function.name, Name="live")["RevisionId"] == alias


def test_a_version_is_published_of_the_expected_code_alone(function: Function) -> None:
    """Another CodeSha256 and another RevisionId than those of $LATEST are refused, each in its own way."""
    client = client_of(function)
    code, message = refused(client.publish_version, FunctionName=function.name, CodeSha256="A" * 43 + "=")
    assert code == "InvalidParameterValueException"
    assert "is different from current CodeSHA256 in $LATEST" in message
    stale = refused(client.publish_version, FunctionName=function.name, RevisionId="wrong")
    assert stale[0] == "PreconditionFailedException"
    assert function.versions() == []


def test_a_new_version_is_pending_for_a_while(function: Function) -> None:
    """It can't be invoked before it is active."""
    function.aws.polls_per_version = 1
    client = client_of(function)
    assert client.publish_version(FunctionName=function.name)["State"] == "Pending"
    code, message = refused(client.invoke, FunctionName=function.name, Qualifier="1")
    assert (code, "Pending" in message) == ("ResourceConflictException", True)
    assert function.get("1")["Configuration"]["State"] == "Pending"
    assert function.get("1")["Configuration"]["State"] == "Active"


def test_an_update_may_publish_at_once(function: Function) -> None:
    """Its answer is the new version, Pending, and without the status of an update."""
    client = client_of(function)
    package = make_zip("// 1\n")
    answer = client.update_function_code(FunctionName=function.name, ZipFile=package, Publish=True)
    assert (answer["Version"], answer["FunctionArn"]) == ("1", f"{function.arn}:1")
    assert answer["State"] == "Pending"
    assert "LastUpdateStatus" not in answer
    assert function.code("1") == package


def test_a_configuration_says_what_aws_adds_to_it(aws: EmbeddedAWS, function: Function) -> None:
    """Where logs go, and the version of the runtime, which an image has not."""
    configuration = function.get()["Configuration"]
    assert configuration["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.name}"}
    runtime = configuration["RuntimeVersionConfig"]["RuntimeVersionArn"]
    assert runtime.startswith("arn:aws:lambda:eu-west-1::runtime:")
    image = aws.create_function(package_type="Image").get()["Configuration"]
    assert "RuntimeVersionConfig" not in image


def test_nothing_is_published_while_an_update_is_under_way(function: Function) -> None:
    """Nor is it updated while its state is pending."""
    function.aws.polls_per_update = 1
    client = client_of(function)
    client.update_function_code(FunctionName=function.name, ZipFile=make_zip("// 1\n"))
    assert refused(client.publish_version, FunctionName=function.name)[0] == "ResourceConflictException"
    assert client.publish_version(FunctionName=function.name)["Version"] == "1"
    function.aws.is_pending(function, 1)
    assert refusal(function)[0] == "ResourceConflictException"


def test_an_update_can_fail(function: Function) -> None:
    """After its polls, with the reason and its code."""
    function.aws.fails_updates(function)
    client_of(function).update_function_code(FunctionName=function.name, ZipFile=make_zip())
    configuration = function.get()["Configuration"]
    assert configuration["LastUpdateStatus"] == "Failed"
    assert configuration["LastUpdateStatusReasonCode"] == "InvalidSubnet"
    function.aws.works_again(function)


def test_versions_are_listed_in_pages_without_states(function: Function, versions: "LambdaClient") -> None:
    """$LATEST comes first; neither State nor LastUpdateStatus is among what is told."""
    function.aws.page_size = 2
    page = versions.list_versions_by_function(FunctionName=function.name)
    assert [each["Version"] for each in page["Versions"]] == ["$LATEST", "1"]
    assert page["Versions"][0]["FunctionArn"] == f"{function.arn}:$LATEST"
    assert not {"State", "LastUpdateStatus"} & page["Versions"][1].keys()
    rest = versions.list_versions_by_function(FunctionName=function.name, Marker=page["NextMarker"])
    assert [each["Description"] for each in rest["Versions"]] == ["number 2"]
    assert "NextMarker" not in rest


def test_a_version_that_an_alias_needs_is_not_deleted(function: Function, versions: "LambdaClient") -> None:
    """Neither the one it points at nor one with a weight; and no number is given twice."""
    routing: Any = {"AdditionalVersionWeights": {"2": 0.1}}
    versions.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1", RoutingConfig=routing)
    for number in ("1", "2"):
        assert refused(versions.delete_function, FunctionName=function.name, Qualifier=number) == (
            "ResourceConflictException",
            "Unable to delete version because the following aliases reference it: [live]",
        )
    versions.delete_alias(FunctionName=function.name, Name="live")
    versions.delete_function(FunctionName=function.name, Qualifier="2")
    missing = refused(versions.delete_function, FunctionName=function.name, Qualifier="2")
    assert missing == ("ResourceNotFoundException", f"Function not found: {function.arn}:2")
    assert versions.publish_version(FunctionName=function.name)["Version"] == "3"


def test_an_alias_is_changed_over_its_latest_revision_alone(
    function: Function, versions: "LambdaClient"
) -> None:
    """Each change gives it another revision; what is not named stays."""
    first = versions.create_alias(
        FunctionName=function.name, Name="live", FunctionVersion="1", Description="mine"
    )
    update: Any = {"FunctionName": function.name, "Name": "live", "RevisionId": first["RevisionId"]}
    second = versions.update_alias(**update, FunctionVersion="2")
    assert (second["FunctionVersion"], second["Description"]) == ("2", "mine")
    assert refused(versions.update_alias, **update, FunctionVersion="1")[0] == "PreconditionFailedException"
    assert function.alias() == "2"
    assert function.code("live") == make_zip("// 2\n")
    assert function.get("live")["Configuration"]["Version"] == "2"


@pytest.mark.parametrize(
    ("version", "weights", "code"),
    [
        ("9", {}, "ResourceNotFoundException"),
        ("1", {"9": 0.5}, "ResourceNotFoundException"),
        ("1", {"1": 0.5}, "InvalidParameterValueException"),
        ("$LATEST", {"1": 0.5}, "InvalidParameterValueException"),
        ("1", {"1": 0.5, "2": 0.1}, "InvalidParameterValueException"),
        ("1", {"2": 1.5}, "ValidationException"),
        ("1", {"2": -0.5}, "ValidationException"),
    ],
)
def test_an_alias_points_at_what_there_is(
    function: Function, versions: "LambdaClient", version: str, weights: dict[str, float], code: str
) -> None:
    """A version that is missing, the same one twice, $LATEST with weights, wrong weights: all refused."""
    routing: Any = {"AdditionalVersionWeights": weights}
    parameters = {"FunctionName": function.name, "Name": "live", "FunctionVersion": version}
    assert refused(versions.create_alias, **parameters, RoutingConfig=routing)[0] == code
    assert function.alias() is None


def test_weights_go_with_an_empty_routing(function: Function, versions: "LambdaClient") -> None:
    """An update that names no routing leaves it, one that names an empty one ends it."""
    alias: Any = {"FunctionName": function.name, "Name": "live"}
    versions.create_alias(
        **alias, FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}}
    )
    answer = versions.update_alias(**alias, Description="x")
    assert answer["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.25}}
    answer = versions.update_alias(**alias, RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in answer


def test_an_alias_is_made_once(function: Function, versions: "LambdaClient") -> None:
    """A second one of that name is a conflict; a missing one is not found; both are listed by name."""
    alias: Any = {"FunctionName": function.name, "Name": "live"}
    missing = refused(versions.get_alias, **alias)
    assert missing == ("ResourceNotFoundException", f"Cannot find alias arn: {function.arn}:live")
    missing = refused(versions.update_alias, **alias)
    assert missing == ("ResourceNotFoundException", f"Alias not found: {function.arn}:live")
    versions.create_alias(**alias, FunctionVersion="1")
    code, message = refused(versions.create_alias, **alias, FunctionVersion="2")
    assert (code, message) == ("ResourceConflictException", f"Alias already exists: {function.arn}:live")
    versions.create_alias(FunctionName=function.name, Name="beta", FunctionVersion="2")
    listed = versions.list_aliases(FunctionName=function.name)["Aliases"]
    assert [each["Name"] for each in listed] == ["beta", "live"]


def test_invocations_are_answered_by_the_test(function: Function, versions: "LambdaClient") -> None:
    """With the version that was asked for, the tail of the log, and errors as Lambda wraps them."""

    def handler(payload: Any, version: str) -> Any:
        if payload == "fail":
            raise ValueError(payload)
        return Invoked({"version": version, "got": payload}, log="hello from the log")

    function.aws.answers(function, handler)
    answer = versions.invoke(FunctionName=function.name, Qualifier="1", Payload=b"7", LogType="Tail")
    assert json.load(answer["Payload"]) == {"version": "1", "got": 7}
    assert "hello from the log" in base64.b64decode(answer["LogResult"]).decode()
    failed = versions.invoke(FunctionName=function.name, Payload=b'"fail"')
    assert failed["FunctionError"] == "Unhandled"
    assert json.load(failed["Payload"])["errorType"] == "ValueError"
    dry = versions.invoke(FunctionName=function.name, Qualifier="2", InvocationType="DryRun")
    assert dry["StatusCode"] == 204
    assert (
        refused(versions.invoke, FunctionName=function.name, Qualifier="9")[0] == "ResourceNotFoundException"
    )


def test_an_invocation_ends_with_the_functions_timeout(function: Function) -> None:
    """Lambda stops the function and says so."""
    client = client_of(function)
    client.update_function_configuration(FunctionName=function.name, Timeout=1)
    function.aws.answers(function, lambda _payload, _version: Invoked(seconds=60))
    answer = client.invoke(FunctionName=function.name)
    assert answer["FunctionError"] == "Unhandled"
    assert "Task timed out after 1.00 seconds" in json.load(answer["Payload"])["errorMessage"]


def test_a_package_is_taken_out_of_a_bucket_of_the_region_alone(function: Function) -> None:
    """In S3's own words where it is elsewhere, missing, or not for the deployer to read."""
    aws, package = function.aws, make_zip("// by way of S3\n")
    here, there = aws.create_bucket(), aws.create_bucket("us-west-2")
    aws.s3().put_object(Bucket=here, Key="a.zip", Body=package)
    update: Any = {"FunctionName": function.name, "S3Bucket": here, "S3Key": "a.zip"}
    client = client_of(function)
    dry = client.update_function_code(**update, DryRun=True)
    assert dry["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert function.code() != package
    client.update_function_code(**update)
    assert function.code() == package
    for changed, code in (
        ({"S3Bucket": there}, "PermanentRedirect"),
        ({"S3Bucket": "missing"}, "NoSuchBucket"),
        ({"S3Key": "missing"}, "NoSuchKey"),
    ):
        kind, message = refused(client.update_function_code, **{**update, **changed})
        assert (kind, f"S3 Error Code: {code}." in message) == ("InvalidParameterValueException", True)
    aws.denied.add("s3:GetObject")
    assert refused(client.update_function_code, **update)[0] == "AccessDeniedException"


def test_a_bucket_tells_its_region_to_everyone(aws: EmbeddedAWS, function: Function) -> None:
    """With 301 in another region, with 403 where the deployer may not list it; 404 tells nothing."""
    bucket = aws.create_bucket("us-west-2")
    s3 = aws.s3()
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-west-2"  # boto3 follows the 301
    aws.denied.add("s3:ListBucket")
    for name, status, region in ((bucket, 403, "us-west-2"), ("missing", 403, None)):
        with pytest.raises(ClientError) as caught:
            s3.head_bucket(Bucket=name)
        metadata = caught.value.response["ResponseMetadata"]
        assert metadata["HTTPStatusCode"] == status
        assert metadata["HTTPHeaders"].get("x-amz-bucket-region") == region
    assert function.aws is aws


def test_the_deployer_may_do_what_it_is_allowed_to(function: Function) -> None:
    """With a list of actions every other one is denied, Lambda's and S3's; the administrator's not."""
    aws = function.aws
    aws.allowed = {"lambda:UpdateFunctionCode"}
    client = client_of(function)
    client.update_function_code(FunctionName=function.name, ZipFile=make_zip())
    code, message = refused(client.invoke, FunctionName=function.name, Qualifier="1")
    assert (code, "lambda:InvokeFunction" in message) == ("AccessDeniedException", True)
    keys: Any = {
        "aws_access_key_id": aws.deployer.access_key,
        "aws_secret_access_key": aws.deployer.secret_key,
        "region_name": "eu-west-1",
        "endpoint_url": aws.url,
    }
    s3, sts = boto3.client("s3", **keys), boto3.client("sts", **keys)
    bucket = aws.create_bucket()
    assert refused(s3.put_object, Bucket=bucket, Key="x")[0] == "AccessDenied"
    aws.allowed |= {"s3:PutObject"}
    s3.put_object(Bucket=bucket, Key="x")
    assert aws.left_in(bucket) == ["x"]
    assert sts.get_caller_identity()["Account"] == "123456789012"  # which needs no permission


# IAM and KMS.


def statement(*actions: str, on: str, **more: object) -> dict[str, object]:
    """Return a statement of a policy."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": [on], **more}


def simulated(aws: EmbeddedAWS, **parameters: object) -> dict[str, str]:
    """Have the deployer ask the simulator, and return its decisions by action."""
    request: Any = {"PolicySourceArn": aws.identity, **parameters}
    results = deployers(aws, "iam").simulate_principal_policy(**request)["EvaluationResults"]
    return {result["EvalActionName"]: result["EvalDecision"] for result in results}


def deployers(aws: EmbeddedAWS, service: Any) -> Any:
    """Return a client of the deployer's."""
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=aws.url,
        aws_access_key_id=aws.deployer.access_key,
        aws_secret_access_key=aws.deployer.secret_key,
        config=UNCHECKED,
    )


def test_a_policy_names_resources(function: Function) -> None:
    """With a qualifier in the call, its resource is the qualified ARN; a wildcard covers the rest of it."""
    client = client_of(function)
    client.publish_version(FunctionName=function.name)
    function.aws.policy = {"Statement": [statement("lambda:GetFunction*", on=function.arn)]}
    client.get_function_configuration(FunctionName=function.name)
    qualified = {"FunctionName": function.name, "Qualifier": "1"}
    code, message = refused(client.get_function_configuration, **qualified)
    assert (code, f"on resource: {function.arn}:1" in message) == ("AccessDeniedException", True)
    function.aws.policy = {"Statement": [statement("lambda:GetFunction*", on=f"{function.arn}:*")]}
    client.get_function_configuration(**qualified)
    assert refused(client.get_function_configuration, FunctionName=function.name)[0] == code


def test_the_simulator_says_what_the_policy_does(aws: EmbeddedAWS, function: Function) -> None:
    """An explicit deny, an Allow under a condition, wildcards that stand for themselves, and no statement."""
    condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/mine"}}
    aws.policy = {
        "Statement": [
            statement("iam:SimulatePrincipalPolicy", on="*"),
            statement("s3:PutObject", on="arn:aws:s3:::b/${*}-*"),
            statement("kms:Decrypt", on="arn:aws:kms:*", Condition=condition),
            {**statement("lambda:*", on="*"), "Effect": "Deny"},
            statement("lambda:*", on="*"),
        ]
    }
    key = "arn:aws:kms:eu-west-1:123456789012:key/1"
    context = {"ContextKeyName": "kms:ResourceAliases", "ContextKeyType": "stringList"}
    for action, resource, aliases, decision in (
        ("s3:PutObject", "arn:aws:s3:::b/*-x", [], "allowed"),
        ("s3:PutObject", "arn:aws:s3:::b/a-x", [], "implicitDeny"),
        ("s3:GetObject", "arn:aws:s3:::b/*-x", [], "implicitDeny"),
        ("kms:Decrypt", key, ["alias/mine"], "allowed"),
        ("kms:Decrypt", key, ["alias/theirs"], "implicitDeny"),
        ("lambda:GetAlias", function.arn, [], "explicitDeny"),
    ):
        entries = [{**context, "ContextKeyValues": aliases}]
        decisions = simulated(
            aws, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries if aliases else []
        )
        assert decisions == {action: decision}, (action, resource, aliases)


def test_the_simulator_is_as_strict_as_its_model(aws: EmbeddedAWS, function: Function) -> None:
    """It needs a permission, someone who has policies, and parameters as the API has them."""
    iam = deployers(aws, "iam")
    actions: Any = {"ActionNames": ["lambda:GetAlias", "s3:PutObject"]}
    aws.identity = "arn:aws:sts::123456789012:assumed-role/deployer/me"
    for source, code in (
        (aws.identity, "InvalidInput"),
        ("arn:aws:iam::123456789012:user/nobody", "NoSuchEntity"),
        ("arn:aws:iam::123456789012:root", "InvalidInput"),
    ):
        assert refused(iam.simulate_principal_policy, PolicySourceArn=source, **actions)[0] == code
    aws.identity = "arn:aws:iam::123456789012:user/deployer"
    assert simulated(aws, **actions) == {"lambda:GetAlias": "allowed", "s3:PutObject": "allowed"}
    for wrong in (
        {"ActionNames": ["x"]},
        {**actions, "ContextEntries": [{"ContextKeyName": "aws:x", "ContextKeyType": "text"}]},
        {**actions, "ResourceArns": [""]},
    ):
        request: Any = {"PolicySourceArn": aws.identity, **wrong}
        assert refused(iam.simulate_principal_policy, **request)[0] == "InvalidInput"
    aws.allowed = {"lambda:GetAlias"}
    refusal = refused(iam.simulate_principal_policy, PolicySourceArn=aws.identity, **actions)
    assert refusal[0] == "AccessDenied"
    assert function.aws is aws


def test_a_key_needs_permissions_of_its_own(aws: EmbeddedAWS, function: Function) -> None:
    """S3 asks KMS in the deployer's name, and names the key where that is refused."""
    bucket, s3 = aws.create_bucket(), deployers(aws, "s3")
    put: Any = {"Bucket": bucket, "Key": "x", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/mine"}
    aws.allowed = {"s3:PutObject"}
    code, message = refused(s3.put_object, **put)
    assert code == "AccessDenied"
    assert "kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:123456789012:key/" in message
    aws.allowed |= {"kms:GenerateDataKey"}
    s3.put_object(**put)
    upload = s3.create_multipart_upload(**put)["UploadId"]
    part: Any = {"Bucket": bucket, "Key": "x", "UploadId": upload, "PartNumber": 1, "Body": b"x"}
    assert "kms:Decrypt" in refused(s3.upload_part, **part)[1]
    aws.allowed |= {"kms:Decrypt"}
    s3.upload_part(**part)
    assert function.aws is aws


def test_sts_knows_keys_and_signatures(aws: EmbeddedAWS) -> None:
    """A wrong key and a wrong secret are told apart, in STS's words."""
    for key, secret, code in (
        ("AKIANOBODY", "x", "InvalidClientTokenId"),
        (aws.deployer.access_key, "x", "SignatureDoesNotMatch"),
    ):
        sts = boto3.client(
            "sts",
            region_name="eu-west-1",
            endpoint_url=aws.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        assert refused(sts.get_caller_identity)[0] == code
