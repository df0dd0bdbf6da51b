"""The two ways in which a commit wakes whoever works on its kind; both are a ``bot.ports.Courier``.

``Embedded`` wakes the loops of this process. ``Procrastinate`` leaves a job on PostgreSQL, and one of
the processes that listen there wakes its loop. The job is a wake-up and nothing more: what is due is
in the rows, and each loop looks by itself every second, so one that is lost costs that second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.engine import URL

if TYPE_CHECKING:
    import procrastinate

log = structlog.get_logger(__name__)

TASK = "look"
QUEUE_TABLE = "procrastinate_jobs"
SWEEP_SECONDS = 1.0
HEARTBEAT_SECONDS = 2.0
STALLED_SECONDS = 10.0
"""A process that gave no sign of life for so long does not hold its wake-ups any more."""

CONNECTIONS = 3
POOL_SECONDS = 3.0


class ServerGone(Exception):
    """The database server went away: this process ends, and whoever supervises it starts the next."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the database server went away ({why}); start again, nothing is lost")


class Embedded:
    """In this process alone."""

    def __init__(self) -> None:
        self._looking: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)

    def listen(self, kind: str, look: Callable[[], None]) -> None:
        self._looking[kind].append(look)

    def wake(self, kind: str) -> None:
        self.look(kind)

    def look(self, kind: str) -> None:
        """Wake the loops that work on this kind here."""
        for look in self._looking[kind]:
            look()

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()


class Procrastinate(Embedded):
    """Among all processes on one PostgreSQL server."""

    def __init__(self, url: URL) -> None:
        super().__init__()
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._owed: set[str] = set()
        self._told = asyncio.Event()

    def wake(self, kind: str) -> None:
        self._owed.add(kind)
        self._told.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Leave jobs for what was committed here, and take those of the kinds that are worked on here.

        Raises ServerGone.
        """
        import procrastinate
        from procrastinate.exceptions import ConnectorException

        connector = procrastinate.PsycopgConnector(
            conninfo=self._conninfo, min_size=1, max_size=CONNECTIONS, timeout=POOL_SECONDS
        )
        app = procrastinate.App(connector=connector)

        @app.task(name=TASK)
        async def look(kind: str) -> None:
            self.look(kind)

        def put(kind: str) -> Awaitable[object]:
            return look.configure(queue=kind, lock=kind, queueing_lock=kind).defer_async(kind=kind)

        try:
            async with app.open_async():
                work = [stop.wait(), self._leave(put), self._mend(app)]
                if self._looking:
                    work.append(
                        app.run_worker_async(
                            queues=list(self._looking),
                            delete_jobs="always",
                            fetch_job_polling_interval=SWEEP_SECONDS,
                            update_heartbeat_interval=HEARTBEAT_SECONDS,
                            stalled_worker_timeout=STALLED_SECONDS,
                            install_signal_handlers=False,
                        )
                    )
                tasks = [asyncio.create_task(each) for each in work]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        except ConnectorException as error:
            raise ServerGone(type(error).__name__) from error
        if not stop.is_set():
            failures = [type(e).__name__ for e in ended if isinstance(e, Exception)]
            raise ServerGone(", ".join(failures))

    async def _leave(self, put: Callable[[str], Awaitable[object]]) -> None:
        """One job a kind, however many commits there were since the last."""
        from procrastinate.exceptions import AlreadyEnqueued

        while True:
            await self._told.wait()
            self._told.clear()
            while self._owed:
                kind = self._owed.pop()
                with contextlib.suppress(AlreadyEnqueued):
                    await put(kind)

    async def _mend(self, app: procrastinate.App) -> None:
        """Take away the wake-ups of dead processes: nobody else's of their kind would be served."""
        from procrastinate.jobs import Status

        while True:
            await asyncio.sleep(STALLED_SECONDS / 2)
            stalled = await app.job_manager.get_stalled_jobs(
                task_name=TASK, seconds_since_heartbeat=STALLED_SECONDS
            )
            for job in stalled:
                log.warning("a wake-up of a dead process", kind=job.lock)
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
                self.wake(str(job.lock))
