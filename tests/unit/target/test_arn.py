"""The function's name: ARNs, partial ARNs and bare names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.target.arn import FunctionReference, is_region, parse_function, partition_of
from targets import ARN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ARN, FunctionReference("my-function", "123456789012", "eu-west-1", "aws")),
        (f"{ARN}:live", FunctionReference("my-function", "123456789012", "eu-west-1", "aws", "live")),
        (f"{ARN}:42", FunctionReference("my-function", "123456789012", "eu-west-1", "aws", "42")),
        (f"{ARN}:$LATEST", FunctionReference("my-function", "123456789012", "eu-west-1", "aws", "$LATEST")),
        (
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:f",
            FunctionReference("f", "123456789012", "cn-north-1", "aws-cn"),
        ),
        (
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f",
            FunctionReference("f", "123456789012", "us-gov-west-1", "aws-us-gov"),
        ),
        ("123456789012:function:f", FunctionReference("f", "123456789012")),
        ("123456789012:function:f:live", FunctionReference("f", "123456789012", qualifier="live")),
        ("function:f", FunctionReference("f")),
        ("f", FunctionReference("f")),
        ("f:live", FunctionReference("f", qualifier="live")),
        ("function", FunctionReference("function")),
        ("123456789012", FunctionReference("123456789012")),
    ],
)
def test_every_form_of_a_function_name_is_taken_apart(text: str, expected: FunctionReference) -> None:
    """Full ARNs, partial ARNs and names, with and without qualifier, in every partition."""
    assert parse_function(text) == expected


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("arn:aws:iam::123456789012:role/deployer", "not one of Lambda"),
        ("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:3", "not one of a function"),
        ("arn:aws:lambda:eu-west-1:123456789012", "cut short"),
        ("arn:aws:lambda:eu-west-1:12345:function:f", "account"),
        ("arn:aws:lambda:Ireland:123456789012:function:f", "region"),
        ("arn:aws:lambda:cn-north-1:123456789012:function:f", "aws-cn"),
        ("arn:aws-cn:lambda:eu-west-1:123456789012:function:f", "belongs to aws"),
        ("arn:amazon:lambda:eu-west-1:123456789012:function:f", "partition"),
        (f"{ARN}:live:more", "more parts"),
        (f"{ARN}:no/alias", "qualifier"),
        ("my function", "blank"),
        ("", "no valid function name"),
        ("f" * 65, "1 to 64"),
        ("my.function", "no valid function name"),
        ("123456789012:f", "`function:`"),
        ("https://eu-west-1.console.aws.amazon.com/lambda", "qualifier"),
    ],
)
def test_what_is_no_function_is_refused_with_the_reason(text: str, wrong: str) -> None:
    """An ARN is parsed, so the message can say which part of it is wrong."""
    with pytest.raises(ValueError, match=re.escape(wrong)):
        parse_function(text)


@given(st.text() | st.lists(st.sampled_from([*ARN.split(":"), "live", "$LATEST", "", "é"])).map(":".join))
def test_any_text_is_either_a_function_or_a_value_error(text: str) -> None:
    """No input makes the parser fail in another way, and what it takes survives being put together."""
    try:
        reference = parse_function(text)
    except ValueError:
        return
    again = parse_function(reference.identifier)
    assert (again.name, again.account, again.region) == (reference.name, reference.account, reference.region)


@pytest.mark.parametrize(
    ("text", "identifier"),
    [(f"{ARN}:$LATEST", ARN), ("123456789012:function:f:live", "123456789012:function:f"), ("f:1", "f")],
)
def test_the_identifier_keeps_what_is_known_and_drops_the_qualifier(text: str, identifier: str) -> None:
    """AWS is asked for the ARN if there is one, and UpdateFunctionCode takes no qualifier."""
    assert parse_function(text).identifier == identifier


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
    ],
)
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    """The settings name a region, and ARNs of a policy need its partition."""
    assert is_region(region)
    assert partition_of(region) == partition
