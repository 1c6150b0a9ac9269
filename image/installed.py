"""The Python packages of this environment as requirements; for `make sbom`, which feeds it to the image's Python."""

from importlib.metadata import distributions

for name, version in sorted({(found.name, found.version) for found in distributions()}):
    print(f"{name}=={version}")
