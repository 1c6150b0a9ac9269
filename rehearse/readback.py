"""What Terraform reads back, where moto forgets, invents or refuses it. Without these, plans are never empty."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from moto.core.responses import BaseResponse
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.rds.models import DBCluster, DBInstance, MasterUserSecret
from moto.sqs.models import Queue

_moto_call = BaseResponse.call_action
_moto_permitted = IAMPolicyStatement.is_action_permitted
_moto_rule = SecurityGroupRule.__init__
_moto_attributes = Queue.attributes


def install() -> None:
    """Patch moto."""
    BaseResponse.call_action = call_action
    IAMPolicyStatement.is_action_permitted = is_action_permitted
    install_rds()
    SecurityGroupRule.__init__ = remember_prefix_list
    SecurityGroupRule.description = property(description)
    Queue.attributes = property(attributes)


def call_action(self: Any) -> Any:
    """An unknown call ends as 500 in moto, which the provider tries again for ten minutes; 400 fails at once."""
    try:
        return _moto_call(self)
    except NotImplementedError as error:
        print("not implemented:", self.service_name, error, file=sys.stderr, flush=True)
        body = {"__type": "NotImplemented", "message": f"the local AWS does not have {self.service_name} {error}"}
        return 400, {"content-type": "application/x-amz-json-1.1"}, json.dumps(body)


def is_action_permitted(self: Any, *arguments: Any, **named: Any) -> Any:
    """moto reads "deny unless TLS" as deny: it takes a condition that does not hold for one that forbids."""
    if "aws:SecureTransport" in json.dumps(self._statement.get("Condition") or {}):
        return PermissionResult.NEUTRAL
    return _moto_permitted(self, *arguments, **named)


# ---- RDS


def install_rds() -> None:
    # A cluster of Serverless v2 has no scaling configuration of Serverless v1; moto shows an empty one.
    DBCluster.scaling_configuration_info = property(lambda self: self.scaling_configuration or None)
    # moto keeps the Data API's switch only for Serverless v1.
    DBCluster.enable_http_endpoint = property(
        lambda self: self._enable_http_endpoint, lambda self, value: setattr(self, "_enable_http_endpoint", bool(value))
    )
    # moto forgets what the stack asks for here.
    DBCluster.engine_lifecycle_support = "open-source-rds-extended-support-disabled"
    DBInstance.engine_lifecycle_support = "open-source-rds-extended-support-disabled"
    MasterUserSecret._generate_secret_string = generate_secret


def generate_secret(self: Any) -> str:
    """moto's is always admin and P@55w0rd!. This one has the signs that break an unquoted connection string."""
    password = hashlib.sha256(self.resource.arn.encode()).hexdigest()[:24] + "@/:?#"
    return json.dumps({"username": self.resource.master_username, "password": password})


# ---- VPC and SQS


def remember_prefix_list(self: Any, *arguments: Any, **named: Any) -> None:
    """moto loses the description of a rule for a prefix list."""
    _moto_rule(self, *arguments, **named)
    prefix_list = named.get("prefix_list_id") or (arguments[7] if len(arguments) > 7 else None) or {}
    self._prefix_list_description = prefix_list.get("Description")


def description(self: Any) -> str | None:
    own = self.ip_range.get("Description") or self.source_group.get("Description")
    return own or getattr(self, "_prefix_list_description", None)


def attributes(self: Any) -> Any:
    """SQS gives the redrive policy back without spaces, as Terraform writes it; moto puts spaces in."""
    values = _moto_attributes.fget(self)
    if values.get("RedrivePolicy"):
        values["RedrivePolicy"] = json.dumps(json.loads(values["RedrivePolicy"]), separators=(",", ":"))
    return values
