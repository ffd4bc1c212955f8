"""The example job with a predicate that can't be compiled: it keeps a cache between rows. It keeps the same rows as the original."""

from pyspark.context import SparkContext

from awsglue.context import GlueContext

glue = GlueContext(SparkContext())
seen: dict[str, bool] = {}


def older_than_30(row):
    """Whether the age is a whole number above 30; each distinct text is looked at once."""
    age = row["age"]
    if not age:
        return False
    if age not in seen:
        try:
            seen[age] = int(age) > 30
        except ValueError:
            seen[age] = False
    return seen[age]


source = glue.create_dynamic_frame.from_catalog(database="source_db", table_name="source_table")
kept = source.filter(older_than_30).rename_field("name", "full_name")
glue.write_dynamic_frame.from_options(
    frame=kept, connection_type="s3", connection_options={"path": "s3://my-target-bucket/transformed-data/"}, format="parquet"
)
