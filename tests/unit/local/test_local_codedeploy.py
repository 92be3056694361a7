"""CodeDeploy on loopback, as an SDK sees it."""

import http.client
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from deploy.local.codedeploy import AFTER, CodeDeploy, Deployment

if TYPE_CHECKING:
    from collections.abc import Callable

DEPLOYMENT = Deployment("my-function", AFTER, "live")


@pytest.fixture
def served() -> Iterator[CodeDeploy]:
    """Serve a deployment."""
    with CodeDeploy(DEPLOYMENT) as server:
        yield server


def client(served: CodeDeploy, service: Any = "codedeploy") -> Any:
    """Return an SDK's client of what is served."""
    return boto3.client(
        service,
        endpoint_url=f"http://{served.host}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_a_hook_finds_what_shifts(served: CodeDeploy) -> None:
    """By the target, and by the AppSpec."""
    codedeploy = client(served)
    ids = {"deploymentId": json.loads(DEPLOYMENT.hook_event())["DeploymentId"]}
    (target,) = codedeploy.list_deployment_targets(**ids)["targetIds"]
    found = codedeploy.get_deployment_target(**ids, targetId=target)["deploymentTarget"]
    assert found["deploymentTargetType"] == "LambdaTarget"
    info = found["lambdaTarget"]["lambdaFunctionInfo"]
    assert (info["functionName"], info["functionAlias"]) == ("my-function", "live")
    assert (info["currentVersion"], info["targetVersion"]) == ("1", "2")
    events = {each["lifecycleEventName"]: each["status"] for each in found["lambdaTarget"]["lifecycleEvents"]}
    assert events[AFTER] == "InProgress"
    deployment = codedeploy.get_deployment(**ids)["deploymentInfo"]
    (resource,) = json.loads(deployment["revision"]["appSpecContent"]["content"])["Resources"]
    assert resource["my-function"]["Properties"]["TargetVersion"] == "2"
    assert served.refused == []


def test_a_status_is_taken_once(served: CodeDeploy) -> None:
    """Of this execution, and only one that CodeDeploy takes of a hook."""
    report = client(served).put_lifecycle_event_hook_execution_status
    ids = {"deploymentId": DEPLOYMENT.id, "lifecycleEventHookExecutionId": DEPLOYMENT.execution_id}
    for given, code in (
        ({**ids, "status": "Pending"}, "InvalidLifecycleEventHookExecutionStatusException"),
        (
            {**ids, "lifecycleEventHookExecutionId": "x", "status": "Failed"},
            "InvalidLifecycleEventHookExecutionIdException",
        ),
        ({**ids, "deploymentId": "x", "status": "Failed"}, "DeploymentDoesNotExistException"),
    ):
        assert refusal(lambda given=given: report(**given)) == code  # type: ignore[misc]
    assert served.status == ""
    report(**ids, status="Failed")
    again = refusal(lambda: report(**ids, status="Succeeded"))
    assert again == "LifecycleEventAlreadyCompletedException"
    assert served.status == "Failed"
    assert len(served.refused) == 4


def test_no_other_service_is_reached(served: CodeDeploy) -> None:
    """Each call that an SDK would send to AWS ends here, and is named."""
    assert refusal(client(served).list_applications) == "AccessDeniedException"
    for service, name in (("sts", "get_caller_identity"), ("s3", "list_buckets"), ("ssm", "get_inventory")):
        refusal(getattr(client(served, service), name))
    assert served.refused == [
        "codedeploy:ListApplications (AccessDeniedException)",
        "a call of sts",
        "a call of s3",
        "a call of ssm",
    ]
    connection = http.client.HTTPConnection(served.host)
    headers = {"X-Amz-Target": "CodeDeploy_20141006.GetDeployment"}
    connection.request("POST", "/", "no JSON", headers)
    assert connection.getresponse().status == 400


def refusal(call: "Callable[[], object]") -> str:
    """Return the code by which a call is refused."""
    with pytest.raises(ClientError) as raised:
        call()
    return raised.value.response["Error"]["Code"]
