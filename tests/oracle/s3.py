"""Copies a folder of a bucket to disk or back, with boto3: s3.py get|put ENDPOINT BUCKET PATH FOLDER."""

import sys
from pathlib import Path

import boto3

what, endpoint, bucket, path, folder = sys.argv[1:]
client = boto3.client(
    "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="a-secret"
)
prefix = f"{path.rstrip('/')}/" if path else ""
if what == "get":
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            to = Path(folder) / found["Key"].removeprefix(prefix)
            to.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, found["Key"], str(to))
else:
    for file in sorted(Path(folder).rglob("*")):
        if file.is_file():
            client.upload_file(str(file), bucket, prefix + file.relative_to(folder).as_posix())
