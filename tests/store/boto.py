"""The official client, asked by tests: boto.py ENDPOINT ACCESS SECRET [CA].

Runs in the Python of tests/peers/moto.  One line of JSON in, one out, until
its input ends: {"do": "head_object", "args": {...}}.
"""
import hashlib
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def read_and_hash(s3, args):
    r = s3.get_object(**args, ChecksumMode="ENABLED")
    h, n = hashlib.sha256(), 0
    for chunk in r.pop("Body").iter_chunks(1 << 20):
        h.update(chunk)
        n += len(chunk)
    return {**r, "sha256": h.hexdigest(), "length": n}


def main():
    endpoint, access, secret = sys.argv[1:4]
    s3 = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id=access, aws_secret_access_key=secret,
        verify=sys.argv[4] if len(sys.argv) > 4 else True,
        config=Config(s3={"addressing_style": "path"},
                      retries={"total_max_attempts": 3}))
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            if ask["do"] == "hash":
                r = read_and_hash(s3, ask["args"])
            else:
                r = getattr(s3, ask["do"])(**ask["args"])
        except ClientError as e:
            r = {"error": e.response["Error"]["Code"]}
        r.pop("ResponseMetadata", None)
        print(json.dumps(r, default=str), flush=True)


main()
