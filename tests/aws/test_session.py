"""The session: many targets side by side in one process, each with its own key, region and endpoint."""

import contextlib
import os
import threading
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest
from botocore.exceptions import BotoCoreError

from aws_answers import Answer, Answers, Received
from deploy.aws.function import Function
from deploy.aws.session import Session
from deploy.errors import DeployError
from deploy.target.environment import Target
from in_process import Impatient
from sigv4 import Authorization
from targets import target

THREADS = 50
CALLS = 1_000
ACCOUNTS = ("111111111111", "222222222222")
REGIONS = ("eu-west-1", "us-east-1")
NAMES = ("orders", "invoices")
CONFIGURATION = {"CodeSha256": "x", "RevisionId": "y"}  # the least that makes an answer

# What an app may have among its config vars; each of them would change where a call goes or whose it is.
APPS_OWN = {
    "AWS_ACCESS_KEY_ID": "AKIATHEAPPSOWN",
    "AWS_SECRET_ACCESS_KEY": "the app's",
    "AWS_SESSION_TOKEN": "the app's",
    "AWS_REGION": "sa-east-1",
    "AWS_DEFAULT_REGION": "sa-east-1",
    "AWS_PROFILE": "app",
    "AWS_CONFIG_FILE": "/no/such/file",
    "AWS_DATA_PATH": "/no/such/folder",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_MAX_ATTEMPTS": "none",
    "AWS_RETRY_MODE": "none",
    "AWS_DEFAULTS_MODE": "none",
    "AWS_S3_USE_ARN_REGION": "none",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "legacy",
    "AWS_CA_BUNDLE": "/no/such/file",
    "REQUESTS_CA_BUNDLE": "/no/such/file",
    "AWS_EXECUTION_ENV": "AWS_Lambda_of_the_app",
    "AWS_SDK_UA_APP_ID": "app",
    "AWS_LAMBDA_FUNCTION_NAME": "app",
    "_X_AMZN_TRACE_ID": "Root=1-app",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture
def apps_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the app's own variables into the environment, and see that they are left alone."""
    for name, value in APPS_OWN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    before = _environment()
    yield
    assert _environment() == before


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


# --- several targets at the same time --------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A target, and the servers that stand for Lambda, S3 and the bucket of packages, for it alone."""

    target: Target
    lambda_: Answers
    s3: Answers
    packages: Answers

    @property
    def content(self) -> bytes:
        """What this target's package holds."""
        return self.target.function.identifier.encode()

    def wrong(self, received: Received) -> str:
        """Return what is wrong with the signature of a request; an address that is signed has none."""
        headers = {name.lower(): value for name, value in received.headers.items()}
        sdk, url = self.target.sdk, urllib.parse.urlsplit(received.path)
        signed = Authorization.parse(headers.get("authorization", ""))
        if signed is None:
            return "it is not signed"
        if (signed.access_key, signed.region) != (sdk["AWS_ACCESS_KEY_ID"], self.target.region):
            return f"it is signed by {signed.access_key} for {signed.region}"
        if headers.get("x-amz-security-token") != sdk.get("AWS_SESSION_TOKEN"):
            return "it carries a different token"
        is_right = signed.is_right(
            sdk["AWS_SECRET_ACCESS_KEY"],
            method=received.method,
            raw_path=url.path,
            query=url.query,
            headers=headers,
            body=received.body,
        )
        if not is_right:
            return "its signature is wrong"
        if "AWS_Lambda_of_the_app" in headers["user-agent"] or "x-amzn-trace-id" in headers:
            return "it shows what runs this process"
        return ""


@pytest.fixture(scope="module")
def places() -> Iterator[list[Place]]:
    """Start servers for 8 targets: two functions in each of two regions of each of two accounts."""
    with contextlib.ExitStack() as stack:
        yield [
            _start(stack, account, region, name)
            for account in ACCOUNTS
            for region in REGIONS
            for name in NAMES
        ]


def _start(stack: contextlib.ExitStack, account: str, region: str, name: str) -> Place:
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    configuration = {**CONFIGURATION, "Description": arn, "Name": arn, "FunctionVersion": "1"}
    servers = [
        stack.enter_context(Answers([answer]))
        for answer in (
            Answer(body=configuration),
            Answer(body=b""),
            Answer(206, body=arn.encode()),
        )
    ]
    temporary = {"_AWS_SESSION_TOKEN": f"token-of-{account}"} if account == ACCOUNTS[0] else {}
    made = target(
        _LAMBDA_FUNCTION_ARN=arn,
        _AWS_ACCESS_KEY_ID=f"AKIA{account}",
        _AWS_SECRET_ACCESS_KEY=f"secret-of-{account}",
        _AWS_ENDPOINT_URL=servers[0].url,
        _AWS_ENDPOINT_URL_S3=servers[1].url,
        **temporary,
    )
    return Place(made, *servers)


def read_configuration(place: Place, function: Function) -> bool:
    return function.configuration().description == place.target.function.identifier


def read_alias(place: Place, function: Function) -> bool:
    alias = function.alias("live")
    return alias is not None and alias.name == place.target.function.identifier


def invoke(place: Place, function: Function) -> bool:
    return place.target.function.identifier in function.invoke("1", b"{}", 10).payload


def delete_object(_place: Place, function: Function) -> bool:
    function.session.client("s3").delete_object(Bucket="deploys", Key="package.zip")
    return True


def fetch(place: Place, function: Function) -> bool:
    return function.fetch(f"{place.packages.url}/package", 0, len(place.content) - 1) == place.content


# The 20 calls of a thread; a client is made for each invocation and for each call of S3.
KINDS = 8 * [read_configuration] + 6 * [read_alias] + 4 * [fetch] + [invoke, delete_object]
FETCHES = CALLS * 4 // 20


@pytest.mark.usefixtures("apps_own")
def test_each_of_a_thousand_calls_is_made_with_its_own_targets_key_region_and_endpoint(
    places: list[Place],
) -> None:
    """50 threads start a session each at the same moment, then share them all; 8 targets, two accounts."""
    start = threading.Barrier(THREADS)
    connected: list[tuple[Place, Function]] = [None] * THREADS  # type: ignore[list-item]

    def run(thread: int) -> int:
        place = places[thread % len(places)]
        start.wait()
        connected[thread] = place, Function(Session(place.target), Impatient())
        start.wait()
        return sum(kind(*connected[(thread + call) % THREADS]) for call, kind in enumerate(KINDS))

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(run, range(THREADS))) == CALLS
    received = [(place, each) for place in places for each in (*place.lambda_.requests, *place.s3.requests)]
    assert Counter(place.wrong(each) for place, each in received) == {"": CALLS - FETCHES}
    fetched = [each for place in places for each in place.packages.requests]
    assert len(fetched) == FETCHES
    assert not [each for each in fetched if "authorization" in {name.lower() for name in each.headers}]


# --- the process's own variables -------------------------------------------------------------------


@pytest.mark.usefixtures("apps_own")
def test_without_a_setting_the_endpoints_are_the_regions_usual_ones() -> None:
    """No variable of the app makes them others, such as those for FIPS or of the old S3."""
    session = Session(target(_LAMBDA_FUNCTION_ARN="f", _AWS_DEFAULT_REGION="us-east-1"))
    endpoints = [session.client(service).meta.endpoint_url for service in ("lambda", "s3", "sts")]
    assert endpoints == [f"https://{service}.us-east-1.amazonaws.com" for service in ("lambda", "s3", "sts")]


@pytest.mark.usefixtures("apps_own")
def test_no_certificate_of_the_apps_is_trusted_and_the_settings_own_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AWS_CA_BUNDLE and REQUESTS_CA_BUNDLE are the function's; _AWS_CA_BUNDLE is the deploy's."""
    with Answers([Answer(206, body=b"x")], tls=True) as server:
        with monkeypatch.context() as context:
            context.setenv("AWS_CA_BUNDLE", str(server.ca_bundle))
            context.setenv("REQUESTS_CA_BUNDLE", str(server.ca_bundle))
            settings = {"_AWS_ENDPOINT_URL": server.url, "_AWS_MAX_ATTEMPTS": "1"}
            untrusting = Function(Session(target(**settings)), Impatient())
            for call in (untrusting.configuration, partial(untrusting.fetch, server.url, 0, 0)):
                with pytest.raises(DeployError):
                    call()
        assert server.requests == []
        trusting = Function(Session(target(**settings, _AWS_CA_BUNDLE=str(server.ca_bundle))), Impatient())
        assert trusting.fetch(server.url, 0, 0) == b"x"


# --- proxies ---------------------------------------------------------------------------------------

NOWHERE = {"_LAMBDA_FUNCTION_ARN": "f", "_AWS_DEFAULT_REGION": "xx-nowhere-1", "_AWS_MAX_ATTEMPTS": "1"}
LAMBDA = "lambda.xx-nowhere-1.amazonaws.com"
S3 = "deploys.s3.xx-nowhere-1.amazonaws.com"
PACKAGES = "packages.invalid"


def hosts_asked_of_the_proxy(**settings: str) -> set[str]:
    """Make calls that nobody answers, and return the hosts that a proxy was asked for."""
    with Answers([Answer(403)]) as proxy:
        function = Function(Session(target(**NOWHERE, _HTTPS_PROXY=proxy.url, **settings)), Impatient())
        calls = (
            function.configuration,
            partial(function.invoke, "1", b"{}", 10),
            partial(function.session.client("s3").delete_object, Bucket="deploys", Key="key"),
            partial(function.fetch, f"https://{PACKAGES}/package", 0, 1),
        )
        for call in calls:
            with pytest.raises((DeployError, BotoCoreError)):
                call()
        assert {each.method for each in proxy.requests} <= {"CONNECT"}
        return {each.path.removesuffix(":443") for each in proxy.requests}


@pytest.mark.usefixtures("apps_own")
@pytest.mark.parametrize(
    ("no_proxy", "expected"),
    [
        ("", {LAMBDA, S3, PACKAGES}),
        ("nowhere-1.amazonaws.com", {LAMBDA, S3, PACKAGES}),
        (LAMBDA, {S3, PACKAGES}),
        (".xx-nowhere-1.amazonaws.com", {PACKAGES}),
        ("AmazonAWS.com, invalid", set()),
        ("*", set()),
    ],
)
def test_every_call_goes_through_the_proxy_of_the_settings(no_proxy: str, expected: set[str]) -> None:
    """Except to the domains in _NO_PROXY, and whatever proxies the app has."""
    assert hosts_asked_of_the_proxy(_NO_PROXY=no_proxy) == expected


@pytest.mark.usefixtures("apps_own")
def test_what_is_not_encrypted_goes_through_no_proxy() -> None:
    """An emulator on loopback, such as LocalStack, is reached directly."""
    with Answers([Answer(body=CONFIGURATION)]) as server:
        here = target(_AWS_ENDPOINT_URL=server.url, _HTTPS_PROXY="http://127.0.0.1:9")
        assert Function(Session(here), Impatient()).configuration().code_sha256 == "x"
