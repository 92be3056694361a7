"""The pipeline as a CloudFormation template: source, checks, test account, approval, production. Pure.

The step runs in each account on its own, and only in this one without a role that the pipeline assumes there.

https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-create-cross-account.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.infrastructure.iam import allow, document, trust
from deploy.infrastructure.pipeline_parts import (
    CHECKS,
    OBJECTS,
    Values,
    arn_of,
    function_arn,
    projects,
    role,
    role_arn,
    store,
)
from deploy.target.stage import EXTERNAL_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy.target.stage import Stage

TEMPLATE = "2010-09-09"  # version of the templates' language
SOURCE = "Source"  # its artifact
STEP = "fleet-step"  # what the step's function is called, unless a parameter says otherwise


def pipeline_template(stages: Sequence[Stage]) -> Values:
    """Return the template of the pipeline's account; raise InputError for stages in several regions."""
    if len({stage.region for stage in stages}) > 1:
        regions = " and ".join(f"{stage.name} in {stage.region}" for stage in stages)
        raise InputError(f"All stages of a pipeline have to be in its region: {regions}.")
    return {
        "AWSTemplateFormatVersion": TEMPLATE,
        "Description": "A pipeline that makes a fleet file true: tests, test account, approval, production",
        "Parameters": _parameters(stages),
        "Conditions": {
            f"{stage.name}IsElsewhere": {
                "Fn::Not": [{"Fn::Equals": [{"Ref": f"{stage.name}Account"}, {"Ref": "AWS::AccountId"}]}]
            }
            for stage in stages
        },
        "Resources": {
            **store(stages),
            **projects(),
            "PipelineRole": role("codepipeline", _pipeline_statements(stages)),
            "Pipeline": _pipeline(stages),
        },
        "Outputs": {
            "PipelineName": _output("The pipeline", {"Ref": "Pipeline"}),
            "PipelineRoleArn": _output("Who assumes the role in each account", arn_of("PipelineRole")),
            "ArtifactBucket": _output("Where the artifacts are", {"Ref": "Artifacts"}),
            "ArtifactKeyArn": _output("The key that encrypts them", arn_of("Key")),
        },
    }


def role_template() -> Values:
    """Return the template of the role that the pipeline assumes in another account to start the step."""
    text = {"Type": "String"}
    key = [{"Ref": "ArtifactKeyArn"}]
    objects = [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${ArtifactBucket}/*"}]
    statements = [
        allow("StartStep", ["lambda:InvokeFunction"], [function_arn("Function")]),
        allow("FindStep", ["lambda:ListFunctions"], ["*"]),
        allow("ReadArtifact", ["s3:GetObject", "s3:GetObjectVersion"], objects),
        allow("DecryptArtifact", ["kms:Decrypt", "kms:DescribeKey"], key),
    ]
    properties = {
        "RoleName": {"Fn::Sub": "${Function}-pipeline"},
        "AssumeRolePolicyDocument": trust({"AWS": {"Ref": "PipelineRoleArn"}}),
        "Policies": [{"PolicyName": "start-step", "PolicyDocument": document(statements)}],
    }
    return {
        "AWSTemplateFormatVersion": TEMPLATE,
        "Description": "The role that a pipeline in another account assumes here to start the step",
        "Parameters": {
            "Function": {**text, "Default": STEP, "Description": "The name of the step's function"},
            "PipelineRoleArn": {**text, "Description": "An output of the pipeline's stack"},
            "ArtifactBucket": {**text, "Description": "An output of the pipeline's stack"},
            "ArtifactKeyArn": {**text, "Description": "An output of the pipeline's stack"},
        },
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}},
    }


def _parameters(stages: Sequence[Stage]) -> Values:
    text = {"Type": "String"}
    parameters: Values = {
        "ConnectionArn": {
            **text,
            "Description": "The connection to the repository's host (AWS CodeConnections)",
        },
        "Repository": {**text, "AllowedPattern": ".+/.+", "Description": "OWNER/NAME"},
        "Branch": {**text, "Default": "main"},
    }
    for check, file in CHECKS.items():
        described = {"Description": f"The file in the repository that says what {check} runs"}
        parameters[f"{check}Buildspec"] = {**text, "Default": file, **described}
    for stage in stages:
        parameters[f"{stage.name}Account"] = {**text, "AllowedPattern": "[0-9]{12}"}
        parameters[f"{stage.name}Function"] = {
            **text,
            "Default": STEP,
            "Description": "The step's function there",
        }
        if stage.has_external_id:
            described = {"Description": "What the role in the account below asks for"}
            parameters[stage.external_id] = {
                **text,
                "NoEcho": True,
                "AllowedPattern": "[A-Za-z0-9_+=,.@:/-]+",
                **described,
            }
    return parameters


# --- the pipeline -----------------------------------------------------------------------------------


def _pipeline(stages: Sequence[Stage]) -> Values:
    first, *others = stages
    groups = [
        _group("Source", [_source()]),
        _group("Check", [_check(check) for check in CHECKS]),
        _group(first.name, [_step(first)]),
    ]
    before = first
    for stage in others:
        groups += [_group(f"Approve{stage.name}", [_approval(before)]), _group(stage.name, [_step(stage)])]
        before = stage
    key = {"Id": arn_of("Key"), "Type": "KMS"}
    properties = {
        "PipelineType": "V2",
        "ExecutionMode": "SUPERSEDED",
        "RoleArn": arn_of("PipelineRole"),
        "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Artifacts"}, "EncryptionKey": key},
        "Stages": groups,
    }
    # The bucket can be read in the other accounts before anything is put there.
    return {"Type": "AWS::CodePipeline::Pipeline", "DependsOn": "ArtifactsPolicy", "Properties": properties}


def _group(name: str, actions: Sequence[Values]) -> Values:
    return {"Name": name, "Actions": list(actions)}


def _action(name: str, category: str, provider: str, configuration: Mapping[str, object]) -> Values:
    kind = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Name": name, "ActionTypeId": kind, "Configuration": dict(configuration), "RunOrder": 1}


def _source() -> Values:
    configuration = {
        "ConnectionArn": {"Ref": "ConnectionArn"},
        "FullRepositoryId": {"Ref": "Repository"},
        "BranchName": {"Ref": "Branch"},
        "OutputArtifactFormat": "CODE_ZIP",  # the step reads no full clone
    }
    action = _action("Source", "Source", "CodeStarSourceConnection", configuration)
    return {**action, "Namespace": "Source", "OutputArtifacts": [{"Name": SOURCE}]}


def _check(check: str) -> Values:
    action = _action(check, "Test", "CodeBuild", {"ProjectName": {"Ref": check}})
    return {**action, "InputArtifacts": [{"Name": SOURCE}]}


def user_parameters(stage: Stage) -> object:
    """Return what the step is asked; the external ID comes from a parameter, so the template lacks it.

    The pipeline has it in clear text: who may call codepipeline:GetPipeline reads it.
    """
    if not stage.has_external_id:
        return stage.text
    with_id = json.dumps({EXTERNAL_ID: f"${{{stage.external_id}}}"})
    return {"Fn::Sub": f"{stage.text[:-1]}, {with_id[1:]}"}


def _step(stage: Stage) -> Values:
    configuration = {
        "FunctionName": {"Ref": f"{stage.name}Function"},
        "UserParameters": user_parameters(stage),
    }
    return {
        **_action(stage.name, "Invoke", "Lambda", configuration),
        "Namespace": stage.name,
        "InputArtifacts": [{"Name": SOURCE}],
        "RoleArn": {"Fn::If": [f"{stage.name}IsElsewhere", role_arn(stage), {"Ref": "AWS::NoValue"}]},
    }


def _approval(before: Stage) -> Values:
    done = ", ".join(f"#{{{before.name}.{name}}} {name}" for name in ("promoted", "moved", "unchanged"))
    shown = f"Commit #{{Source.CommitId}}. {before.name}: {done}"
    return _action("Approve", "Approval", "Manual", {"CustomData": shown})


def _pipeline_statements(stages: Sequence[Stage]) -> list[Values]:
    use = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
    key = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    bucket = ["s3:GetBucketLocation", "s3:GetBucketVersioning"]
    objects = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    return [
        allow("ReadRepository", use, [{"Ref": "ConnectionArn"}]),
        allow("FindArtifacts", bucket, [arn_of("Artifacts")]),
        allow("KeepArtifacts", objects, [OBJECTS]),
        allow("EncryptArtifacts", key, [arn_of("Key")]),
        allow(
            "Check", ["codebuild:BatchGetBuilds", "codebuild:StartBuild"], [arn_of(each) for each in CHECKS]
        ),
        allow(
            "StartStep", ["lambda:InvokeFunction"], [function_arn(f"{each.name}Function") for each in stages]
        ),
        allow("FindStep", ["lambda:ListFunctions"], ["*"]),
        allow("StartStepElsewhere", ["sts:AssumeRole"], [role_arn(stage) for stage in stages]),
    ]


def _output(what: str, value: Values) -> Values:
    return {"Description": what, "Value": value}
