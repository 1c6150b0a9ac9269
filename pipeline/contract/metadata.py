"""What Spark calls the metadata of a file, as columns of ours (spark.apache.org, "File Metadata Column")."""

from __future__ import annotations

from dataclasses import dataclass

METADATA = {"file_name": "_metadata_file_name", "file_path": "_metadata_file_path", "file_size": "_metadata_file_size"}


@dataclass(frozen=True)
class FileFacts:
    """What `_metadata` answers: the source object's base name, its full uri and its size in bytes."""

    name: str
    path: str
    size: int
