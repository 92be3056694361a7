"""The embedded AWS is as strict as the real one, so that what passes here passes there."""

import base64
import hashlib
import io
import urllib.error
import urllib.request
import zipfile
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws import Credentials, EmbeddedAWS, Function

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


def make_zip(text: str = "exports.handler = async () => 1\n") -> bytes:
    """Make a ZIP of one file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.js", text)
    return content.getvalue()


def client_of(function: Function, credentials: Credentials = EmbeddedAWS.deployer) -> "LambdaClient":
    """Make a Lambda client in the function's region."""
    return boto3.client(
        "lambda",
        region_name=function.region,
        endpoint_url=function.aws.url,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
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
    """The answer has the checksum of what was sent, a new revision and an update in progress."""
    before = function.get()["Configuration"]
    package = make_zip("// new\n")
    answer = client_of(function).update_function_code(FunctionName=function.arn, ZipFile=package)

    assert answer["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert answer["LastUpdateStatus"] == "InProgress"
    assert answer["RevisionId"] != before["RevisionId"]
    assert function.get()["Configuration"]["RevisionId"] == answer["RevisionId"]
    assert function.get()["Configuration"]["LastUpdateStatus"] == "Successful"


def test_a_dry_run_changes_nothing(function: Function) -> None:
    """A dry run answers with the new checksum and leaves code and revision as they were."""
    before = function.get()["Configuration"]
    package = make_zip("// new\n")
    answer = client_of(function).update_function_code(FunctionName=function.arn, ZipFile=package, DryRun=True)

    assert answer["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    after = function.get()["Configuration"]
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])


def test_an_update_in_progress_keeps_others_out(function: Function) -> None:
    """Until an update is done, the function says so and takes no other."""
    function.aws.polls_per_update = 1
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
