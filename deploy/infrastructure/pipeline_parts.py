"""Parts of the pipeline's template: its bucket, its checks, and what all parts have in common. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.infrastructure.iam import allow, document, trust_service

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy.target.stage import Stage

IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
CHECKS = {"Tests": "buildspec.yml", "SecurityScan": "buildspec-scan.yml"}  # side by side
DAYS = 90  # artifacts are kept
OBJECTS = {"Fn::Sub": "${Artifacts.Arn}/*"}

Values = dict[str, Any]


def store(stages: Sequence[Stage]) -> Values:
    """Return the bucket of the artifacts and its key; the steps' accounts may read there, and decrypt."""
    accounts = [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{{stage.name}Account}}:root"} for stage in stages
    ]
    only_roles = {"Condition": {"ArnEquals": {"aws:PrincipalArn": [role_arn(stage) for stage in stages]}}}
    readers = {"Effect": "Allow", "Principal": {"AWS": accounts}, **only_roles}
    owner = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    administer = {"Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"}
    decrypt = {**readers, "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*"}
    key = {
        "Description": "Encrypts the artifacts of the pipeline",
        "EnableKeyRotation": True,
        "KeyPolicy": document([administer, decrypt]),
    }
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn_of("Key")}
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    expiry = {
        "Status": "Enabled",
        "ExpirationInDays": DAYS,
        "NoncurrentVersionExpiration": {"NoncurrentDays": DAYS},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    bucket = {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": True}
            ]
        },
        "PublicAccessBlockConfiguration": dict.fromkeys(closed, True),
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {"Rules": [expiry]},
    }
    insecure = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn_of("Artifacts"), OBJECTS],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    read = {**readers, "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": OBJECTS}
    access = {"Bucket": {"Ref": "Artifacts"}, "PolicyDocument": document([insecure, read])}
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        "Key": {"Type": "AWS::KMS::Key", **kept, "Properties": key},
        "Artifacts": {"Type": "AWS::S3::Bucket", **kept, "Properties": bucket},
        "ArtifactsPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": access},
    }


def projects() -> Values:
    """Return the projects of the checks, and their role."""
    logs = {
        "Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/codebuild/*"
    }
    statements = [
        allow("Log", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
        allow("ReadSource", ["s3:GetObject", "s3:GetObjectVersion"], [OBJECTS]),
        allow("DecryptSource", ["kms:Decrypt"], [arn_of("Key")]),
    ]
    environment = {"Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": IMAGE}
    projects: Values = {"CheckRole": role("codebuild", statements)}
    for check in CHECKS:
        properties = {
            "Artifacts": {"Type": "CODEPIPELINE"},
            "Source": {"Type": "CODEPIPELINE", "BuildSpec": {"Ref": f"{check}Buildspec"}},
            "Environment": environment,
            "EncryptionKey": arn_of("Key"),
            "ServiceRole": arn_of("CheckRole"),
            "TimeoutInMinutes": 30,
        }
        projects[check] = {"Type": "AWS::CodeBuild::Project", "Properties": properties}
    return projects


def role_arn(stage: Stage) -> Values:
    """Return the ARN of the role that the pipeline assumes in a stage's account."""
    place = f"arn:${{AWS::Partition}}:iam::${{{stage.name}Account}}:role/${{{stage.name}Function}}-pipeline"
    return {"Fn::Sub": place}


def function_arn(parameter: str) -> Values:
    """Return the ARN of the function in this account that a parameter names."""
    place = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
    return {"Fn::Sub": f"{place}${{{parameter}}}"}


def arn_of(resource: str) -> Values:
    """Return the ARN of a resource."""
    return {"Fn::GetAtt": [resource, "Arn"]}


def role(service: str, statements: Iterable[Values]) -> Values:
    """Return a role for a service of AWS."""
    policies = [{"PolicyName": service, "PolicyDocument": document(statements)}]
    properties = {"AssumeRolePolicyDocument": trust_service(service), "Policies": policies}
    return {"Type": "AWS::IAM::Role", "Properties": properties}
