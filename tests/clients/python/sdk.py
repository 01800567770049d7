# SPDX-License-Identifier: Apache-2.0
"""What the tests with boto3 share: clients, and how an error looks."""
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from common import check


def client(secret, endpoint="ENDPOINT", attempts=1, region="us-west-2"):
    return boto3.client("eks", endpoint_url=os.environ[endpoint], region_name=region,
                        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], aws_secret_access_key=secret,
                        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}))


def refusal(call):
    try:
        call()
    except ClientError as error:
        return error.response
    return {"Error": {"Code": "none", "Message": ""}}


def raises(what, wanted, call, words=""):
    """The exception is the very class that the service's model names."""
    try:
        call()
        check(what, False, "nothing was raised")
    except Exception as error:  # pylint: disable=broad-except
        check(what, type(error) is wanted and words in str(error), repr(error))
