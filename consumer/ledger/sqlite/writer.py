"""Carries out orders one after the other in a thread of its own, and commits many of them at once.

SQLite has one writer. A commit waits for the disk, so all orders that wait are in one commit. Each
order is in a savepoint: if it is refused, only its own changes are undone. A caller gets its answer
after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import apsw

from consumer.ledger.answers import LedgerUnavailable

T = TypeVar("T")
WriterStep = Callable[[apsw.Connection], T]
"""What an order does, within the transaction. It may raise, which undoes it."""
COMMIT_MAX_COUNT: Final = 64
"""The largest number of orders in one commit."""

ENDS_ALL: Final = (apsw.FullError, apsw.IOError, apsw.BusyError, apsw.NoMemError, apsw.CorruptError)
"""After these errors of one job, the whole commit is given up."""


class _Job:
    """A step that waits for its turn, and its outcome."""

    def __init__(self, step: WriterStep[Any], answer: asyncio.Future[Any]) -> None:
        self.step = step
        self.answer = answer
        self.result: object = None
        self.error: BaseException | None = None


class Writer:
    """The only thread that writes to a database.

    Args:
        connect: Opens the database. It is called in the thread.
    """

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._run: _Run | None = None

    async def open(self) -> None:
        """Start the thread, and open the database.

        Raises:
            LedgerUnavailable: The database cannot be opened.
        """
        run = _Run(asyncio.get_running_loop(), self._connect)
        await run.start()
        self._run = run

    async def do(self, step: WriterStep[T]) -> T:
        """Carry out a step, and commit it.

        Raises:
            LedgerUnavailable: The database did not take it.
            ConsumerError: The step raised this error, and has changed nothing.
        """
        if self._run is None:
            raise LedgerUnavailable("the ledger is not open")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._run.put(_Job(step, answer))
        try:
            return await answer
        except apsw.Error as error:
            raise LedgerUnavailable(f"the ledger's database: {error}") from error

    async def wait_lost(self) -> str:
        """Return the reason once the thread has ended although nobody has closed it."""
        if self._run is None:
            return "the ledger is not open"
        return await self._run.wait_lost()

    async def close(self) -> None:
        """Carry out what waits, and end the thread."""
        run, self._run = self._run, None
        if run is not None:
            await asyncio.to_thread(run.end)


class _Run:
    """One life of the thread, from one `open` to its `close`. It has a queue of its own."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connect: Callable[[], apsw.Connection]
    ) -> None:
        self._loop = loop
        self._connect = connect
        self._opened: asyncio.Future[None] = loop.create_future()
        self._lost: asyncio.Future[str] = loop.create_future()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._turn = threading.Lock()
        self._is_dead = False
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)

    async def start(self) -> None:
        """Start the thread, and wait until the database is open.

        Raises:
            LedgerUnavailable: It cannot be opened. The thread has ended.
        """
        self._thread.start()
        await self._opened

    async def wait_lost(self) -> str:
        """See `Writer.wait_lost`."""
        return await asyncio.shield(self._lost)

    def put(self, job: _Job) -> None:
        """Let a job wait for its turn.

        Raises:
            LedgerUnavailable: The thread has ended.
        """
        with self._turn:
            if self._is_dead:
                raise LedgerUnavailable("the ledger's writer has ended: open it again")
            self._jobs.put(job)

    def end(self) -> None:
        """Wait until the thread has carried out what waits, and has ended."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        why = "the ledger's writer has ended"
        try:
            connection = self._connect()
            self._loop.call_soon_threadsafe(_settle, self._opened, None, None)
            self._serve(connection)
            connection.close()
        except Exception as error:  # noqa: BLE001  # nobody may wait for a thread that is gone
            why = f"the ledger's database: {error}"
        finally:
            self._die(LedgerUnavailable(why))

    def _die(self, why: LedgerUnavailable) -> None:
        """Answer all who wait, now and from now on."""
        with self._turn:
            self._is_dead = True
        waiting = []
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job.error = why
                    waiting.append(job)
        with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits
            self._loop.call_soon_threadsafe(_settle, self._opened, None, why)
            self._loop.call_soon_threadsafe(_settle, self._lost, str(why), None)
            self._loop.call_soon_threadsafe(_answer, waiting)

    def _serve(self, connection: apsw.Connection) -> None:
        goes_on = True
        while goes_on:
            jobs, goes_on = self._next_jobs()
            try:
                if jobs:
                    _carry_out(connection, jobs)
            except BaseException as error:
                for job in jobs:
                    job.error = LedgerUnavailable(f"the ledger's database: {error}")
                raise
            finally:
                self._loop.call_soon_threadsafe(_answer, jobs)

    def _next_jobs(self) -> tuple[list[_Job], bool]:
        """Wait for a job, and return it with those behind it. False: there will be no more."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == COMMIT_MAX_COUNT:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False


def _carry_out(connection: apsw.Connection, jobs: list[_Job]) -> None:
    """Run all jobs in one transaction. If it cannot be committed, none of them was carried out."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            _try(connection, job)
        connection.execute("COMMIT")
    except apsw.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for job in jobs:
            job.error = LedgerUnavailable(f"the ledger's database did not commit: {error}")


def _try(connection: apsw.Connection, job: _Job) -> None:
    """Run a job. If it raises, undo what it changed.

    Raises:
        apsw.Error: The whole transaction is gone.
    """
    if job.answer.done():  # the caller has given up, so nobody would hear of it
        return
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.step(connection)
    except apsw.Error as error:
        if isinstance(error, ENDS_ALL) or not connection.in_transaction:
            raise
        job.error = error
    except Exception as error:  # noqa: BLE001  # a bug of ours costs one order, never the writer
        job.error = error
    if job.error is not None:
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _answer(jobs: list[_Job]) -> None:
    for job in jobs:
        _settle(job.answer, job.result, job.error)


def _settle(answer: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if answer.done():  # the caller has given up
        return
    if error is None:
        answer.set_result(result)
    elif isinstance(
        error, StopIteration
    ):  # a future refuses it, and the caller would wait for ever
        answer.set_exception(RuntimeError("a step of the ledger raised StopIteration"))
    else:
        answer.set_exception(error)
