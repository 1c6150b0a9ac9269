"""Each patch that the rehearsal makes to moto: what moto says without it, and what with it.

A patch whose first half fails here is no longer needed. The patches of ECS are in test_patches_ecs.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearse import server
from rehearse.site import ROOT, clean_environment
from tests.cloud.local_aws import LocalAws

TLS_ONLY = json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::plain", "arn:aws:s3:::plain/*"],
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ],
})  # fmt: skip


def announced(aws: LocalAws, bucket: str, upload: Any) -> list[dict[str, Any]]:
    """What a versioned bucket tells its queue when `upload(s3)` is called: the records of all messages."""
    s3, sqs = aws.client("s3"), aws.client("sqs")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)
    upload(s3)
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [record for message in messages for record in json.loads(message["Body"]).get("Records", [])]
    return found


def told_of_a_put(aws: LocalAws) -> Any:
    """Whether an event has the object's version and a sequencer that grows."""
    records = announced(aws, "put", lambda s3: [s3.put_object(Bucket="put", Key="a", Body=b"x") for _ in range(2)])
    objects = [record["s3"]["object"] for record in records]
    versions = {item["VersionId"] for item in aws.client("s3").list_object_versions(Bucket="put")["Versions"]}
    sequencers = [item.get("sequencer") for item in objects]
    grows = None not in sequencers and len(set(sequencers)) == 2
    return {item.get("versionId") for item in objects} == versions, grows


def told_of_a_multipart_upload(aws: LocalAws) -> list[str]:
    """The names of the events."""

    def upload(s3: Any) -> None:
        names = {"Bucket": "parts", "Key": "a"}
        names["UploadId"] = s3.create_multipart_upload(**names)["UploadId"]
        tag = s3.upload_part(**names, PartNumber=1, Body=b"x")["ETag"]
        s3.complete_multipart_upload(**names, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})

    return sorted(record["eventName"] for record in announced(aws, "parts", upload))


def an_unknown_call(aws: LocalAws) -> int:
    """The HTTP status of a call that moto does not have; 500 is tried again for minutes."""
    with pytest.raises(ClientError) as caught:
        aws.client("stepfunctions").validate_state_machine_definition(definition="{}")
    return int(caught.value.response["ResponseMetadata"]["HTTPStatusCode"])


def put_into_a_bucket_that_wants_tls(aws: LocalAws) -> int:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_policy(Bucket="plain", Policy=TLS_ONLY)
    try:
        answer = s3.put_object(Bucket="plain", Key="a", Body=b"x")
    except ClientError as error:
        answer = error.response
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def cluster(aws: LocalAws) -> dict[str, Any]:
    """A cluster of Aurora Serverless v2, as the stack makes it, and as RDS shows it afterwards."""
    rds = aws.client("rds")
    if not rds.describe_db_clusters()["DBClusters"]:
        rds.create_db_cluster(
            DBClusterIdentifier="one", Engine="aurora-postgresql", MasterUsername="chief", ManageMasterUserPassword=True,
            ServerlessV2ScalingConfiguration={"MinCapacity": 0, "MaxCapacity": 8}, EnableHttpEndpoint=True,
            EngineLifecycleSupport="open-source-rds-extended-support-disabled",
        )  # fmt: skip
        rds.create_db_instance(
            DBInstanceIdentifier="one",
            DBClusterIdentifier="one",
            Engine="aurora-postgresql",
            DBInstanceClass="db.serverless",
        )
    return dict(rds.describe_db_clusters()["DBClusters"][0])


def lifecycle_support(aws: LocalAws) -> list[str | None]:
    cluster(aws)
    instance = aws.client("rds").describe_db_instances()["DBInstances"][0]
    return [found.get("EngineLifecycleSupport") for found in (cluster(aws), instance)]


def master_login(aws: LocalAws) -> tuple[str, bool]:
    """The user of the managed secret, and whether its password breaks an unquoted connection string."""
    arn = cluster(aws)["MasterUserSecret"]["SecretArn"]
    login = json.loads(aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    return login["username"], all(sign in login["password"] for sign in "@/:?#")


def rule_for_a_prefix_list(aws: LocalAws) -> list[str | None]:
    """The description of an egress rule whose destination is a prefix list."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    lists = [
        {"PrefixListId": ec2.describe_managed_prefix_lists()["PrefixLists"][0]["PrefixListId"], "Description": "S3"}
    ]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": lists}
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])
    named = [{"Name": "group-id", "Values": [group]}]
    rules = ec2.describe_security_group_rules(Filters=named)["SecurityGroupRules"]
    return [rule.get("Description") for rule in rules if "PrefixListId" in rule]


def redrive_policy(aws: LocalAws) -> str:
    """As Terraform writes it, and as SQS gives it back (without the ARN)."""
    sqs = aws.client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":2}}'
    url = sqs.create_queue(QueueName="with-dead", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    given = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    return str(given).replace(arn, "ARN")


@pytest.mark.parametrize(
    ("observe", "without", "with_patch"),
    [
        (told_of_a_put, (False, False), (True, True)),
        (
            told_of_a_multipart_upload,
            ["ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Put"],
            ["ObjectCreated:CompleteMultipartUpload"],
        ),
        (an_unknown_call, 500, 400),
        (put_into_a_bucket_that_wants_tls, 403, 200),
        (lambda aws: "ScalingConfigurationInfo" in cluster(aws), True, False),
        (lambda aws: cluster(aws).get("HttpEndpointEnabled"), False, True),
        (lifecycle_support, [None, None], ["open-source-rds-extended-support-disabled"] * 2),
        (master_login, ("admin", False), ("chief", True)),
        (rule_for_a_prefix_list, [None], ["S3"]),
        (
            redrive_policy,
            '{"deadLetterTargetArn": "ARN", "maxReceiveCount": 2}',
            '{"deadLetterTargetArn":"ARN","maxReceiveCount":2}',
        ),
    ],
    ids=[
        "events name version and sequencer", "a multipart upload is announced once", "an unknown call fails at once",
        "a bucket that wants TLS takes files", "no scaling configuration of Serverless v1", "the Data API stays on",
        "Extended Support stays refused", "the master secret is the stack's user", "a prefix list keeps its description",
        "a redrive policy reads as it was written",
    ],
)  # fmt: skip
def test_a_patch_changes_just_this(
    stock: LocalAws, patched: LocalAws, observe: Any, without: Any, with_patch: Any
) -> None:
    assert observe(stock) == without, "moto has changed: is the patch still needed?"
    assert observe(patched) == with_patch


def test_another_version_of_moto_is_refused() -> None:
    code = "from rehearse import server; server.MOTO = '0.0.0'; server.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "The rehearsal patches moto 0.0.0" in done.stderr
    assert server.MOTO.count(".") == 2
