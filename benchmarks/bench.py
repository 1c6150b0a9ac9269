"""`make bench`: landfall beside `psql \\copy`, each case with its own baseline on the same server, in turn, medians.

    make bench BENCH_DATA=DIR [BENCH_OPTIONS="--group all --tidy"]

makes the environment, the data, the server and the environments of the peers in DIR, as far as they are not there,
measures, and renders docs/performance.md and docs/performance.svg. By hand:

    python benchmarks/bench.py --data DIR [--group core] [--runs 3] [--only WORD] [--scale 1] [--tidy]
    python benchmarks/report.py

Groups: core (what has a bar, and other formats), sizes (SF0.1 to SF5), streams (1, 2, 4), peers (other programs; needs
port 5432 of localhost, Java and libpostgresql-jdbc-java for Spark: LANDFALL_JDBC_JAR), all. Each case is written to
--output as soon as it was measured and replaces what that file says of it; one that fails is written as failed, and
the next one begins. A subject that takes longer than --patience seconds is not repeated.

Every ratio is of medians of runs that alternate, so that a machine whose speed drifts does not favour one side.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cases
import rivals
from measure import CommandError, Cost
from server import Server

HERE = Path(__file__).parent
GROUPS = ("core", "sizes", "streams", "peers")
PACKAGES = ("pyspark", "pysail", "pyarrow", "psycopg2-binary")


def measure(ground: cases.Ground, case: cases.Case, runs: int, patience: float) -> dict[str, Any]:
    """Pairs of runs, subject and rival in turn, until there are enough, one fails, or the subject is a long one."""
    ours: list[Cost] = []
    theirs: list[Cost] = []
    note = error = ""
    for _ in range(max(runs, case.runs)):
        try:
            cost, note = ground.run(case.subject)
            baseline, _ = ground.run(case.rival)
        except (CommandError, OSError, RuntimeError) as failure:
            error = str(failure)
        except subprocess.CalledProcessError as failure:
            error = f"psql: {str(failure.stderr).strip()[-500:]}"
        if error:
            break
        ours.append(cost)
        theirs.append(baseline)
        if cost.wall > patience:
            break
    return {
        "group": case.group,
        "name": case.name,
        "settings": case.settings,
        "command": shlex.join(case.subject.command),
        "baseline": shlex.join(case.rival.command)[:2000],
        "runs": [asdict(cost) for cost in ours],
        "baseline_runs": [asdict(cost) for cost in theirs],
        "note": note,
        "error": error,
        "at": time.strftime("%Y-%m-%d %H:%M:%S"),
        "landfall": described(),
    }


def chosen(ground: cases.Ground, options: argparse.Namespace) -> Iterator[cases.Case]:
    """The cases of the groups asked for; a group whose data or server cannot be made ready is told and passed over."""
    for group in GROUPS if "all" in options.group else options.group:
        try:
            yield from grouped(ground, group, options)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            print(f"{group}: failed: {error}", file=sys.stderr, flush=True)


def grouped(ground: cases.Ground, group: str, options: argparse.Namespace) -> Iterator[cases.Case]:
    """The cases of one group. Before the peers, the server learns to listen on localhost."""
    if group == "core":
        yield from cases.core(ground, options.scale)
    elif group == "sizes":
        yield from cases.sizes(ground, options.sizes, options.tidy)
    elif group == "streams":
        yield from cases.streams(ground, options.scale)
    else:
        ground.server.listen()
        yield from rivals.peers(ground, options.scale)


def described() -> str:
    """The commit that is measured; -dirty: with changes of the program itself that are not committed."""
    command = ["git", "describe", "--tags", "--always"]
    commit = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False).stdout.strip()
    changed = ["git", "diff", "--quiet", "HEAD", "--", "pipeline"]
    return commit + ("-dirty" if subprocess.run(changed, cwd=HERE.parent, check=False).returncode else "")


def surroundings(server: Server) -> dict[str, Any]:
    """Machine and versions."""
    memory = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    java = subprocess.run("java -version 2>&1 | head -1", shell=True, capture_output=True, text=True, check=False)
    return {
        "machine": {
            "cores": len(models),
            "cpu": models[0].partition(": ")[2],
            "memory": memory,
            "system": f"{platform.system()} {platform.release()}",
        },
        "versions": {
            "landfall": described(),
            "PostgreSQL": server.version(),
            "Python": platform.python_version(),
            "Java": java.stdout.strip(),
            **{package: version(package) for package in PACKAGES},
            **rivals.versions(),
        },
    }


def keep(options: argparse.Namespace, around: dict[str, Any], result: dict[str, Any]) -> None:
    """Write the result in place of an older one of the same case."""
    output: Path = options.output
    known = json.loads(output.read_text()) if output.exists() else {"cases": []}
    same = (result["group"], result["name"])
    others = [case for case in known["cases"] if (case["group"], case["name"]) != same]
    commands = sorted({*known.get("commands", []), shlex.join(["python", "benchmarks/bench.py", *sys.argv[1:]])})
    text = json.dumps({**around, "commands": commands, "cases": [*others, result]}, indent=1)
    output.write_text(nowhere(text, options) + "\n")


def nowhere(text: str, options: argparse.Namespace) -> str:
    """The text without the places of this machine."""
    places = {
        str(options.data.resolve()): "DIR",
        str(options.data): "DIR",
        f" --output {options.output}": "",
        f"{Path(sys.executable).parent}/": "",
        f"{HERE.parent}/": "",
        f"{sysconfig.get_path('purelib')}/": "",
    }
    for place, word in places.items():
        text = text.replace(place, word)
    return text


def line(result: dict[str, Any]) -> str:
    """What a case cost, for whoever watches."""
    pairs = [f"{ours['wall']:.2f}/{theirs['wall']:.2f}" for ours, theirs in _pairs(result)]
    memory = max((run["memory"] for run in result["runs"]), default=0)
    failed = f" failed: {result['error'][:300]}" if result["error"] else ""
    return f"{result['group']}: {result['name']}: {' '.join(pairs)} s, {memory / 1e6:.0f} MB{failed}"


def _pairs(result: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    yield from zip(result["runs"], result["baseline_runs"], strict=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="where data and the server live; 20 GB for scale 1")
    parser.add_argument("--group", action="append", choices=[*GROUPS, "all"], help="default: core; may be repeated")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 0.5, 1, 2, 5])
    parser.add_argument("--tidy", action="store_true", help="remove what sizes made of more than scale 1 after its use")
    parser.add_argument("--timeout", type=float, default=900, help="seconds after which a run has failed")
    parser.add_argument("--patience", type=float, default=120, help="what takes longer is run once only")
    parser.add_argument("--output", type=Path, default=HERE / "results.json", help="raw runs as JSON")
    options = parser.parse_args()
    options.group = options.group or ["core"]
    return options


def main() -> None:
    """Run the cases; write each one down as it ends."""
    options = arguments()
    options.data.mkdir(parents=True, exist_ok=True)
    server = Server(options.data / "server")
    try:
        around = surroundings(server)
        ground = cases.Ground(server, options.data, options.timeout)
        for case in chosen(ground, options):
            if options.only in case.name:
                result = measure(ground, case, options.runs, options.patience)
                keep(options, around, result)
                print(line(result), flush=True)
        ground.clean()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
