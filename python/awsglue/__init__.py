"""The Glue library for job scripts: its public interface over the public PySpark API.

Where it stands: scripts import it; it runs the same on the embedded engine and on real Spark.
"""

from awsglue.dynamicframe import DynamicFrame

__all__ = ["DynamicFrame"]
