"""Keep of Spark's jars those that a load needs, and fix their order: python trim_jars.py SPARK_HOME.

Java expands `jars/*` in the order in which the directory happens to list them. An archive of loaded classes is valid
for one order only, so the jars move to `jars/lib`, and a single jar whose manifest names them sorted takes their place.
"""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

# By the beginning of the file name. What looks unused and is not: ivy (spark-submit), aircompressor (Parquet's LZ4),
# scala-reflect, icu4j.
UNUSED = (
    # Cluster managers other than local and standalone, and their clients.
    "kubernetes-", "spark-kubernetes", "vertx-", "volcano-", "zjsonpatch", "jjwt-", "spark-yarn", "curator-",
    "zookeeper",
    # Hive, its metastore and its file formats.
    "hive-", "spark-hive", "datanucleus-", "derby", "jdo-api", "javax.jdo", "HikariCP", "libthrift", "libfb303",
    "antlr-runtime", "ST4", "jpam", "super-csv", "opencsv", "commons-dbcp", "commons-pool", "javolution", "jta-",
    "transaction-api", "stax-api", "json-1", "orc-", "javax.servlet-api", "oro-",
    # Machine learning, graphs, streaming, shells and servers.
    "spark-mllib", "breeze", "spire", "cats-kernel", "algebra_", "arpack", "lapack", "blas-", "JTransforms",
    "JLargeArrays", "spark-graphx", "spark-streaming", "spark-pipelines", "spark-repl", "scala-compiler", "jline",
    "java-diff-utils",
    "spark-connect_", "rocksdbjni", "leveldbjni", "tink", "jaxb-", "istack-", "jakarta.xml.bind", "avro-ipc",
)  # fmt: skip
# Native libraries for machines that no image is built for.
FOREIGN = ("osx", "windows", "riscv64")


def main(spark_home: Path) -> None:
    """Delete, move and index the jars of `spark_home`."""
    jars = spark_home / "jars"
    shutil.rmtree(jars / "connect-repl", ignore_errors=True)  # a Scala shell
    (jars / "lib").mkdir()
    kept = []
    for jar in sorted(jars.glob("*.jar")):
        if jar.name.startswith(UNUSED) or any(system in jar.stem for system in FOREIGN):
            jar.unlink()
        else:
            jar.rename(jars / "lib" / jar.name)
            kept.append(jar.name)
    with zipfile.ZipFile(jars / "spark.jar", "w") as index:
        index.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF"), manifest(kept))
    print(f"{len(kept)} jars, {sum(f.stat().st_size for f in (jars / 'lib').iterdir()) / 1e6:.0f} MB")


def manifest(names: list[str]) -> str:
    """A manifest whose class path are `names`. Its lines have 72 bytes at most; a longer one goes on after a space."""
    text = "Class-Path: " + " ".join(f"lib/{name}" for name in names)
    lines = [text[:72], *(" " + text[start : start + 71] for start in range(72, len(text), 71))]
    return "\r\n".join(["Manifest-Version: 1.0", *lines, "", ""])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
