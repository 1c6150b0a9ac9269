"""What Spark calls the metadata of a file, as columns of ours (spark.apache.org, "File Metadata Column")."""

from __future__ import annotations

METADATA = {"file_name": "_metadata_file_name", "file_path": "_metadata_file_path", "file_size": "_metadata_file_size"}
