"""A cluster that behaves as a test tells it, for tests of what the service does about it."""

from __future__ import annotations

from workers.cluster.jobs import ClusterUnreachable, JobEnd, JobState, job_id


class ToldCluster:
    """A cluster whose jobs are in the state that a test puts them in."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobState] = {}
        self.ends: dict[str, JobEnd] = {}
        self.submitted: list[str] = []
        self.stopped: list[str] = []
        self.printed = "first line\nMemoryError: no more\n"
        self.there = True
        self.token: str | None = "the-token-of-the-ray-cluster"
        self.why = "no answer"
        self.accepts = True

    def submit(self, search_id: str, attempt: int, name: str) -> str:
        self._answer()
        job = job_id(search_id, attempt)
        self.submitted.append(job)
        if not self.accepts:
            raise ClusterUnreachable("the Ray cluster did not take the job: disk full")
        self.jobs.setdefault(job, JobState.running)
        return job

    def state(self, job: str, /) -> JobState:
        self._answer()
        return self.jobs.get(job, JobState.lost)

    def ending(self, job: str, /) -> JobEnd:
        self._answer()
        return self.ends.get(job, JobEnd(1, "Job entrypoint command failed with exit code 1"))

    def stop(self, job: str, /) -> None:
        self._answer()
        self.stopped.append(job)

    def logs(self, job: str, /) -> str:
        self._answer()
        return self.printed if job in self.jobs else ""

    def dashboard_token(self) -> str | None:
        self._answer()
        return self.token

    def unreachable(self) -> str | None:
        return None if self.there else self.why

    def fail(self, job: str, exit_code: int | None = 1, message: str = "") -> None:
        """The job is over, and this is how."""
        self.jobs[job] = JobState.failed
        self.ends[job] = JobEnd(exit_code, message)

    def begin_anew(self) -> None:
        """Another cluster at the same address, which knows none of the jobs."""
        self.jobs.clear()

    def problems(self) -> dict[str, str]:
        return {} if self.there else {"ray": "no answer"}

    def _answer(self) -> None:
        if not self.there:
            raise ClusterUnreachable("no answer")


class Watch:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
