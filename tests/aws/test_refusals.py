"""Every refusal of AWS or the network, as what happened, why, and what to do."""

import socket

import pytest

from aws_answers import Answer, Answers
from deploy.aws.refusals import other_account
from deploy.errors import DeployError, InputError
from deploy.target.arn import parse_function
from targets import ARN
from unreliable import SECRET, TOKEN, function_at, upload


def refusal(url: str, **changed: str) -> DeployError:
    with pytest.raises(DeployError) as caught:
        upload(function_at(url, **changed))
    error = caught.value
    told = f"{error.what}{error.why}{error.todo}"
    assert SECRET not in told
    assert TOKEN not in told
    return error


# --- answers ---------------------------------------------------------------------------------------

DENIED = (
    "User: arn:aws:iam::123456789012:user/deployer is not authorized to perform: lambda:UpdateFunctionCode "
    f"on resource: {ARN} because no identity-based policy allows the lambda:UpdateFunctionCode action"
)


@pytest.mark.parametrize(
    ("answer", "what", "rest"),
    [
        (
            Answer(
                403, "UnrecognizedClientException", "The security token included in the request is invalid."
            ),
            "AWS does not know the access key in _AWS_ACCESS_KEY_ID",
            "_AWS_SESSION_TOKEN, which belong together",
        ),
        (
            Answer(403, "InvalidSignatureException", f"The request signature … x-amz-security-token:{TOKEN}"),
            "_AWS_SECRET_ACCESS_KEY does not belong to _AWS_ACCESS_KEY_ID",
            "both from the same key",
        ),
        (
            Answer(
                403, "InvalidSignatureException", "Signature expired: 20261120T000000Z is now earlier than …"
            ),
            "because of its time",
            "Set the clock",
        ),
        (
            Answer(403, "ExpiredTokenException", "The security token included in the request is expired"),
            "temporary credentials have expired",
            "_AWS_SESSION_TOKEN",
        ),
        (
            Answer(404, "ResourceNotFoundException", f"Function not found: {ARN}"),
            "There is no function my-function in the region eu-west-1 of the account 123456789012",
            "_LAMBDA_FUNCTION_ARN",
        ),
        (
            Answer(403, "AccessDeniedException", DENIED),
            "lacks the permission lambda:UpdateFunctionCode on my-function",
            f'{{\n  "Effect": "Allow",\n  "Action": "lambda:UpdateFunctionCode",\n  "Resource": "{ARN}"\n}}',
        ),
        (
            Answer(
                403, "AccessDeniedException", f"{DENIED} with an explicit deny in a service control policy"
            ),
            "lacks the permission",
            "A policy denies it explicitly",
        ),
        (
            Answer(
                400,
                "InvalidParameterValueException",
                "Please provide ImageUri when updating a function with packageType Image.",
            ),
            "my-function is a container image",
            "package type Zip",
        ),
        (
            Answer(
                400, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"
            ),
            "and the function's layers are larger together than the 250 MiB",
            "take layers from the function",
        ),
        (
            Answer(400, "InvalidParameterValueException", "Could not unzip uploaded file."),
            "does not take the package for my-function",
            "Could not unzip uploaded file.",
        ),
        (
            Answer(409, "ResourceConflictException", "An update is in progress for resource"),
            "my-function is being updated by someone else",
            "Wait a minute",
        ),
        (Answer(429, "TooManyRequestsException", "Rate exceeded"), "AWS throttles", "_AWS_MAX_ATTEMPTS=10"),
        (
            Answer(413, "RequestEntityTooLargeException", "Request must be smaller than 69905067 bytes"),
            "larger than Lambda takes in a direct upload",
            ".lambdaignore",
        ),
        (
            Answer(400, "CodeStorageExceededException", "Code storage limit exceeded."),
            "storage for code in eu-west-1 is full",
            "Delete old versions",
        ),
        (
            Answer(400, "CodeVerificationFailedException", "The code signature failed"),
            "takes signed code only",
            "code signing configuration",
        ),
        (
            Answer(500, "ServiceException", "Internal"),
            "an internal error (HTTP 500, ServiceException)",
            "health",
        ),
        (Answer(503, body=b"<html>no JSON</html>"), "an internal error (HTTP 503", "Run `deploy` again"),
        (
            Answer(400, "SomethingNewException", "Something new"),
            "AWS refused lambda:UpdateFunctionCode on my-function in eu-west-1 (SomethingNewException",
            "Something new",
        ),
    ],
)
def test_each_refusal_says_what_why_and_what_to_do(answer: Answer, what: str, rest: str) -> None:
    """AWS's answers, as they come over the wire."""
    with Answers([answer]) as server:
        error = refusal(server.url)
    assert what in error.what
    assert rest in f"{error.why}\n{error.todo}"


CONFIG = "0a1b2c3d-part-of-the-config"
KEY_ARN = f"arn:aws:kms:eu-west-1:123456789012:key/{CONFIG}"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, f"NewException.{CONFIG}", "new"),
        Answer(400, f"{'New' * 30}{CONFIG}{'New' * 300}", "new"),
        Answer(500, CONFIG, "new"),
        Answer(400, "NewException", "new" * 195 + CONFIG),
        Answer(400, "NewException", "x" * 16_370 + CONFIG),
        Answer(
            403, "AccessDeniedException", f"not authorized to perform: kms:Decrypt on resource: {KEY_ARN}"
        ),
        Answer(403, "AccessDeniedException", f"not authorized to perform: x:y on resource: {CONFIG} z"),
        Answer(403, "AccessDeniedException", f"no permission to GetObject for {CONFIG}/key"),
        Answer(
            403, "AccessDeniedException", f"on resource: arn:aws:lambda:eu-west-1:{CONFIG}:function:other"
        ),
    ],
)
def test_no_part_of_a_refusal_shows_config(answer: Answer) -> None:
    """AWS repeats what it was asked for: in the code, in the message, and so in what follows from it."""
    with Answers([answer]) as server:
        error = refusal(server.url, ONE=CONFIG, MY_KEY=KEY_ARN)
    assert "0a1b2c3d" not in f"{error.what}{error.why}{error.todo}"


def test_what_the_settings_name_is_shown_even_if_config_names_it_too() -> None:
    """The statement to add to the policy is of no use without the function's ARN."""
    with Answers([Answer(403, "AccessDeniedException", DENIED)]) as server:
        error = refusal(server.url, SELF=ARN, LIVE=f"{ARN}:live", NAME="my-function", REGION="eu-west-1")
    assert f'"Resource": "{ARN}"' in error.todo
    assert DENIED in error.why


def test_a_function_of_another_account_is_told_with_both_accounts() -> None:
    """A mistyped account in the ARN: a statement in the deployer's own policy would not help; the page."""
    denied = DENIED.replace("::123456789012", "::999999999999").replace("identity-based", "resource-based")
    with Answers([Answer(403, "AccessDeniedException", denied)]) as server:
        error = refusal(server.url)
    assert (error.what, error.why) == (
        "_LAMBDA_FUNCTION_ARN names the account 123456789012, and the access key belongs to 999999999999.",
        f"So the deployer lacks the permission lambda:UpdateFunctionCode on my-function. AWS says: {denied}",
    )
    assert error.todo == (
        "Correct the account in _LAMBDA_FUNCTION_ARN, or set an access key of the account 123456789012. If "
        "it is meant to be so, the function's resource-based policy has to allow lambda:UpdateFunctionCode "
        "to 999999999999 (`aws lambda add-permission`), besides the deployer's own policy."
    )


def test_only_the_caller_s_account_makes_it_another_one() -> None:
    """A role's session is of its account too; an explicit deny, or a bare name, is no matter of accounts."""
    session = DENIED.replace("iam::123456789012:user/", "sts::999999999999:assumed-role/deployer/")
    name = {"_LAMBDA_FUNCTION_ARN": "my-function", "_AWS_DEFAULT_REGION": "eu-west-1"}
    for message, changed, what in (
        (session, {}, "names the account"),
        (DENIED, {}, "lacks the permission"),
        (session, name, "lacks the permission"),
        (f"{session} with an explicit deny", {}, "lacks the permission"),
    ):
        with Answers([Answer(403, "AccessDeniedException", message)]) as server:
            assert what in refusal(server.url, **changed).what


def test_a_bucket_is_of_no_account() -> None:
    """Where S3 refuses, a function of another account is not why."""
    message = "User: arn:aws:iam::999999999999:user/deployer is not authorized to perform: s3:PutObject"
    function = parse_function(ARN)
    assert other_account(message, "lambda:GetAlias", function) == "999999999999"
    assert other_account(message, "s3:PutObject", function) == ""


def test_wrong_key_without_a_token_does_not_speak_of_one() -> None:
    """What is not set is not to be checked."""
    with Answers([Answer(403, "UnrecognizedClientException", "invalid")]) as server:
        error = refusal(server.url, _AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", _AWS_SESSION_TOKEN="")
    assert "_AWS_SESSION_TOKEN" not in error.todo


def test_a_name_without_account_is_looked_for_in_the_account_of_the_key() -> None:
    """The account comes from AWS's message, and the policy statement from what is known."""
    missing = Answer(404, "ResourceNotFoundException", f"Function not found: {ARN}")
    name = {"_LAMBDA_FUNCTION_ARN": "my-function", "_AWS_DEFAULT_REGION": "eu-west-1"}
    with Answers([missing]) as server:
        assert "of the account 123456789012" in refusal(server.url, **name).what
    with Answers([Answer(403, "AccessDeniedException", "no")]) as server:
        assert "arn:aws:lambda:eu-west-1:ACCOUNT:function:my-function" in refusal(server.url, **name).todo


# --- no answer -------------------------------------------------------------------------------------


def test_nobody_listening_is_told_as_unreachable() -> None:
    """A wrong region or no network at all."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = refusal(f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert "_AWS_ENDPOINT_URL names can't be reached" in error.what


def test_a_region_that_does_not_exist_is_told_as_unreachable() -> None:
    """Its host name can't be resolved: the default endpoint, without a network."""
    error = refusal("", _LAMBDA_FUNCTION_ARN="f", _AWS_DEFAULT_REGION="xx-nowhere-1")
    assert error.what == "AWS Lambda in xx-nowhere-1 can't be reached."
    assert "region" in error.todo


def test_a_certificate_that_is_not_trusted_is_told_with_the_setting_for_it() -> None:
    """A proxy that reads along shows its own certificate; _AWS_CA_BUNDLE makes it trusted."""
    with Answers([Answer(body={"CodeSha256": "x"})], tls=True) as server:
        error = refusal(server.url)
        assert "is not trusted" in error.what
        assert "_AWS_CA_BUNDLE" in error.todo
        assert upload(function_at(server.url, _AWS_CA_BUNDLE=str(server.ca_bundle))) == "x"


@pytest.mark.parametrize("at", ["before the body", "within the body", "after the body"])
def test_a_cut_connection_says_that_the_function_is_whole(at: str) -> None:
    """Wherever it is cut: AWS has taken the package as a whole or not at all."""
    with Answers([Answer(fault="cut", at=at)]) as server:  # type: ignore[arg-type]
        error = refusal(server.url)
    assert "did not answer to the end" in error.what or "can't be reached" in error.what
    assert "Run `deploy` again." in error.todo


def test_an_answer_that_is_cut_is_no_answer() -> None:
    """The SDK takes it for an empty one; whether AWS carried out the call is not known."""
    with Answers([Answer(body={"CodeSha256": "x"}, fault="cut", at="within the answer")]) as server:
        assert "AWS's answer was cut off" in refusal(server.url).what


def test_a_proxy_that_is_down_is_named() -> None:
    """The deploy's own, which is not the app's."""
    error = refusal("https://lambda.example", _HTTPS_PROXY="http://127.0.0.1:9")
    assert error.what == "The proxy does not answer."
    assert "_HTTPS_PROXY is set" in error.why


def test_settings_that_the_sdk_does_not_take_are_told_as_such() -> None:
    """Whatever `_AWS_X` the SDK chokes on, it ends in an explanation."""
    with pytest.raises(InputError) as caught:
        upload(function_at("http://127.0.0.1:9", _AWS_DEFAULTS_MODE="canary"))
    assert "_AWS_… settings" in caught.value.todo
    assert "canary" not in caught.value.why
