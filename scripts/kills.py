"""Kill servers, workers, Redis and PostgreSQL a thousand times, and see that no job is lost or done twice.

The long form of tests/jobs/test_kills.py, with the same code: ``python scripts/kills.py --kills 1000``. Half an hour on
two cores. Exits with 1 where anything is not as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.jobs.killing import Siege  # noqa: E402
from tests.servers import Postgres, Redis, running  # noqa: E402


def main() -> int:
    """Run it, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000, help="how often something is killed")
    parser.add_argument("--jobs", type=int, default=1000, help="how many jobs there are at least")
    parser.add_argument("--alone", action="store_true", help="SQLite and no broker, in place of PostgreSQL and Redis")
    parser.add_argument("--workers", type=int, default=2, help="workers beside the server")
    parser.add_argument("--pace", type=float, default=0.05, help="seconds between two jobs that are accepted")
    parser.add_argument("--pause", type=float, nargs=2, default=(0.2, 1.5), help="shortest and longest, between kills")
    parser.add_argument("--seed", type=int, default=7, help="of chance")
    parser.add_argument("--seconds", type=float, default=7200.0, help="the whole may take")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="darkroom-kills-")))
        siege = Siege(
            folder,
            postgres=None if asked.alone else stack.enter_context(running(Postgres)),
            redis=None if asked.alone else stack.enter_context(running(Redis)),
            workers=asked.workers,
            pace=asked.pace,
            pause=tuple(asked.pause),
            seed=asked.seed,
        )
        figures = siege.run(kills=asked.kills, jobs=asked.jobs, seconds=asked.seconds)
    print(figures)
    for fault in figures.faults:
        print(fault)
    return 1 if figures.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
