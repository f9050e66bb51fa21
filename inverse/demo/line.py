"""The queue: one job at a time on the device, in the order they came."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from inverse.demo.jobs import Frame, Job
from inverse.demo.uploads import Refused


class Line:
    """Jobs waiting for one device, and the thread that does them.

    Args:
        limit: how many may wait besides the one at work.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self._jobs, self._lock = limit, [], Lock()
        self._worker = ThreadPoolExecutor(1, "restoring")

    def submit(self, job: Job) -> None:
        """Put a job at the end.

        Raises:
            Refused: when too many are waiting.
        """
        with self._lock:
            self._jobs: list[Job] = [other for other in self._jobs if not other.done]
            if len(self._jobs) > self.limit:
                raise Refused("too many restorations are waiting; try again in a minute")
            self._jobs.append(job)
        self._worker.submit(job.run)

    def ahead(self, job: Job) -> int:
        """How many jobs are to be done before this one."""
        with self._lock:
            before = self._jobs[: self._jobs.index(job)] if job in self._jobs else []
            return sum(not other.done for other in before)

    def follow(self, job: Job, patience: float = 0.5, pace: float = 0.1) -> Iterator[Frame]:
        """What there is to see of a job, whenever it changes, until it is done.

        A job whose follower goes away is stopped. `patience`: seconds after which it is told
        again that the job waits; `pace`: at least so many seconds from frame to frame.
        """
        version, done = -1, False
        try:
            while not done:
                before, version = version, job.wait(version, patience)
                done = job.done
                if version != before or job.waiting:
                    yield job.frame(self.ahead(job))
                time.sleep(0 if done else pace)
        finally:
            job.stop()

    def close(self) -> None:
        """Stop every job and end the thread."""
        with self._lock:
            for job in self._jobs:
                job.stop()
        self._worker.shutdown()
