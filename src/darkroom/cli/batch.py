"""Many pictures through the worker processes: what is done is skipped, and one bad file does not stop the rest."""

from __future__ import annotations

import json
import os
import queue
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.cli.inputs import Item
from darkroom.cli.main import describe
from darkroom.cli.progress import Display, summary
from darkroom.cli.record import Record, digest_of_work
from darkroom.codecs import format_of
from darkroom.errors import DarkroomError, InputNotFound, LimitExceeded, OutputError
from darkroom.processing import attachment_path, write

if TYPE_CHECKING:
    from darkroom.image import Format
    from darkroom.jobs.worker import Job, Outcome, WorkerPool
    from darkroom.processing import Request


@dataclass(slots=True)
class Tally:
    """How a batch went."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    error: DarkroomError | None = None
    """The last error."""

    def exit_code(self, *, single: bool) -> int:
        """0 when all is done; for a single picture the error's own exit code, for several 1."""
        if self.error is None:
            return 0
        return self.error.exit_code if single else 1

    def __str__(self) -> str:
        parts = [f"{self.done} done"]
        parts += [f"{self.skipped} done already"] if self.skipped else []
        parts += [f"{self.failed} failed"] if self.failed else []
        return ", ".join(parts)


class Batch:
    """Sends items through a pool and puts the results in their places.

    ``template`` is the request with everything but its source; ``steps`` has every operation told and not only every
    picture.
    """

    def __init__(
        self,
        pool: WorkerPool,
        template: Request,
        display: Display,
        *,
        workers: int,
        overwrite: bool,
        as_json: bool,
        steps: bool,
    ) -> None:
        self._pool = pool
        self._template = template
        self._display = display
        self._workers = workers
        self._overwrite = overwrite
        self._as_json = as_json
        self._steps = steps
        self._work = digest_of_work(template, pool.settings)
        self._records: dict[Path, Record] = {}
        self._taken: dict[str, str] = {}
        self.tally = Tally()

    def run(self, items: Iterable[Item]) -> None:
        """Work on every item; errors about single pictures are told and counted, not raised."""
        waiting = iter(items)
        finished: queue.SimpleQueue[tuple[Item, os.stat_result | None, Job]] = queue.SimpleQueue()
        under_way: set[Job] = set()
        exhausted = False
        try:
            while True:
                # A few more than there are workers: each has its next one ready, and few results lie in memory.
                while not exhausted and len(under_way) < 2 * self._workers:
                    item = next(waiting, None)
                    if item is None:
                        exhausted = True
                    elif (started := self._start(item)) is not None:
                        state, job = started
                        under_way.add(job)
                        job.future.add_done_callback(lambda _, done=(item, state, job): finished.put(done))
                if not under_way:
                    break
                item, state, job = finished.get()
                under_way.discard(job)
                self._display.finish(item.source.label)
                self._finish(item, state, job)
        except BaseException:
            for job in under_way:
                job.cancel()
            raise
        for record in self._records.values():
            record.tidy()

    def _start(self, item: Item) -> tuple[os.stat_result | None, Job] | None:
        """Hand an item to the pool; None where it is done already or cannot be done."""
        label = item.source.label
        try:
            state = item.source.path.stat() if item.source.path is not None else None
            made = self._made_already(item)
            if made is not None:
                self.tally.skipped += 1
                if self._as_json:
                    self._print_json({"input": label, "output": str(made), "status": "skipped"}, to_stdout=True)
                return None
            if item.target is not None and not item.open_suffix:
                self._refuse_taken(item, item.target)
            request = self._request(item)
        except OSError as error:
            self._failed(item, InputNotFound(f"{label} cannot be read: {error.strerror}.", cure="Check the file."))
            return None
        except DarkroomError as error:
            self._failed(item, error)
            return None
        job = self._pool.submit(
            request, on_progress=lambda fraction, doing: self._display.advance(label, fraction, doing)
        )
        return state, job

    def _request(self, item: Item) -> Request:
        encoding = self._template.encoding
        if item.target is not None and not item.open_suffix:
            encoding = replace(encoding, format=format_of(item.target))
        if item.source.path is not None:
            return replace(self._template, source=item.source.path, encoding=encoding)
        most = self._pool.settings.limits.input_bytes
        data = sys.stdin.buffer.read(most + 1)
        if len(data) > most:
            raise LimitExceeded(
                f"Standard input is longer than {most} bytes.", cure="Raise limits.input_bytes if you trust it."
            )
        return replace(self._template, source=data, name="standard input", encoding=encoding)

    def _record(self, item: Item) -> Record | None:
        if item.folder is None or item.source.path is None:
            return None
        if item.folder not in self._records:
            self._records[item.folder] = Record(item.folder)
        return self._records[item.folder]

    def _made_already(self, item: Item) -> Path | None:
        record = self._record(item)
        if record is None or self._overwrite or item.source.path is None:
            return None
        return record.made(item.source.path, self._work)

    def _refuse_taken(self, item: Item, target: Path) -> None:
        """Raises OutputError rather than replace the input, another input's result, or a file from elsewhere."""
        label = item.source.label
        key = os.path.realpath(target)
        other = self._taken.setdefault(key, label)
        if other != label:
            raise OutputError(
                f"{target} has just been made from {other}.",
                cure="Name the results apart with a pattern: -o 'FOLDER/{stem}-{index}.{ext}'.",
            )
        if self._overwrite or not target.exists():
            return
        if target.is_dir():
            raise OutputError(f"{target} is a folder.", cure="Give a file name, or end the folder's name in a slash.")
        if item.source.path is not None and os.path.samefile(item.source.path, target):
            raise OutputError(
                f"{target} is the input itself.", cure="Give another name, or --overwrite if you mean to replace it."
            )
        record = self._record(item)
        if record is not None and item.source.path is not None and not record.is_own(item.source.path, target):
            raise OutputError(
                f"{target} is there already and was not made from {label} by Darkroom.",
                cure="Choose another folder, or --overwrite if it may be replaced.",
            )

    def _finish(self, item: Item, state: os.stat_result | None, job: Job) -> None:
        try:
            outcome = job.result()
            target = self._put(item, state, outcome)
        except DarkroomError as error:
            self._failed(item, error)
            return
        self.tally.done += 1
        where = "standard output" if target is None else str(target)
        if self._as_json:
            self._print_json(
                {
                    "input": item.source.label,
                    "output": where,
                    "status": "done",
                    "report": outcome.report.model_dump(mode="json"),
                },
                to_stdout=target is not None,
            )
        else:
            for line in summary(item.source.label, where, outcome.report, steps=self._steps):
                self._display.say(line)

    def _put(self, item: Item, state: os.stat_result | None, outcome: Outcome) -> Path | None:
        """Put the result in its place; gives the path, None for standard output."""
        assert outcome.data is not None
        assert outcome.report.output is not None
        made: Any = outcome.report.output.format
        made_format: Format = made
        target = item.path(made_format)
        if target is None:
            sys.stdout.buffer.write(outcome.data)
            sys.stdout.buffer.flush()
            if outcome.attachments:
                self._display.say(f"not written: {', '.join(outcome.attachments)}; give -o FILE or FOLDER to have them")
            return None
        if item.open_suffix:
            self._refuse_taken(item, target)
        for attachment in outcome.report.attachments:
            beside = attachment_path(target, attachment)
            # A result that is made anew has its own pictures beside it; without one they are somebody else's.
            if beside.exists() and not self._overwrite and not target.exists():
                raise OutputError(
                    f"{beside} is there already.", cure="Choose another folder, or --overwrite if it may be replaced."
                )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {target.parent} cannot be made: {error.strerror}.", cure="Choose another place."
            ) from error
        record = self._record(item)
        if record is not None and state is not None and item.source.path is not None:
            record.add(item.source.path, state, target, len(outcome.data), self._work)
        write(target, outcome.data, outcome.report, outcome.attachments)
        return target

    def _failed(self, item: Item, error: DarkroomError) -> None:
        self.tally.failed += 1
        self.tally.error = error
        label = item.source.label
        if self._as_json:
            self._print_json(
                {"input": label, "status": "failed", "error": error.to_dict()}, to_stdout=item.target is not None
            )
        named = Path(label).name in error.message
        self._display.alert(describe(error, None if named else label))

    def _print_json(self, content: dict[str, Any], *, to_stdout: bool) -> None:
        print(json.dumps(content), file=sys.stdout if to_stdout else sys.stderr, flush=True)
