"""Reads a history in a bucket with Polars and DataFusion, and compares every value with the files on disk.

usage: readers_s3.py ENDPOINT BUCKET PATH DIR

PATH is the folder in the bucket whose history/ has the files of DIR/history."""

import sys
from pathlib import Path

import datafusion
import polars
from datafusion.object_store import AmazonS3
from polars.testing import assert_frame_equal

endpoint, bucket, path, folder = sys.argv[1:]
on_disk = sorted((Path(folder) / "history").glob("date=*/*.parquet"))
assert on_disk, f"{folder} has no history"
expected = polars.concat([polars.read_parquet(file) for file in on_disk], how="diagonal")
expected = expected.sort("ts", "cluster", "member")
assert len(expected) > 1000, f"only {len(expected)} rows"

options = {
    "aws_endpoint_url": endpoint,
    "aws_region": "us-east-1",
    "aws_access_key_id": "key",
    "aws_secret_access_key": "a-secret",
    "aws_allow_http": "true",
}
objects = [f"s3://{bucket}/{path}/{file.relative_to(folder).as_posix()}" for file in on_disk]
frames = [polars.scan_parquet(one, storage_options=options) for one in objects]
read = polars.concat(frames, how="diagonal").sort("ts", "cluster", "member").collect()
assert_frame_equal(read, expected)

store = AmazonS3(
    bucket_name=bucket,
    endpoint=endpoint,
    region="us-east-1",
    access_key_id="key",
    secret_access_key="a-secret",
    allow_http=True,
)
engine = datafusion.SessionContext()
engine.register_object_store("s3://", store, bucket)
engine.register_parquet("history", f"s3://{bucket}/{path}/history/")
names = ", ".join(f'"{name}"' for name in expected.columns)
rows = engine.sql(f'select {names} from history order by ts, "cluster", "member"').to_arrow_table()
assert_frame_equal(polars.from_arrow(rows).cast(dict(expected.schema)), expected)
print(f"{len(expected)} rows of {len(objects)} objects: Polars and DataFusion read the values on disk")
