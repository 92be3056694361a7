"""What a hook's function has in its environment on this machine."""

from deploy.aws.answers import Invocation
from deploy.local.codedeploy import BEFORE, Deployment
from deploy.local.function import LocalFunction
from deploy.local.hook import serve


def test_no_variable_leads_an_sdk_elsewhere() -> None:
    """Neither an endpoint of a service, nor a configuration file that names one, nor a proxy."""
    own = {
        "VERIFY_PAYLOAD": "{}",
        "AWS_ENDPOINT_URL": "http://192.0.2.1",
        "AWS_ENDPOINT_URL_S3": "http://192.0.2.1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_CONFIG_FILE": "/etc/aws",
        "https_proxy": "http://192.0.2.1",
    }
    function = LocalFunction("f", handler="index.handler", variables={"OF_THE_FUNCTION": "1"})
    with serve(function, Deployment("f", BEFORE), lambda *_: Invocation("", "", "")) as loopback:
        hook = loopback.function(function, "index.hook", own)
        here = {f"http://{server.host}" for server in (loopback.codedeploy, loopback.invoke_api)}
    found = dict(hook.variables)
    endpoints = {name: text for name, text in found.items() if "ENDPOINT_URL" in name}
    assert set(endpoints) == {
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_CODEDEPLOY",
        "AWS_ENDPOINT_URL_LAMBDA",
    }
    assert set(endpoints.values()) == here
    assert found["AWS_CONFIG_FILE"] == "/dev/null"
    assert (found["VERIFY_PAYLOAD"], hook.handler) == ("{}", "index.hook")
    assert not {"https_proxy", "OF_THE_FUNCTION"} & set(found)
