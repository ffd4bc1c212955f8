"""Job: a script's begin and end.

Where it stands: Job.init tells the GlueContext the run's arguments; Job.commit ends the run's bookmark, once there are bookmarks.
Invariant: with bookmarks disabled, which is the default, both only keep the job's name and state.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Job"]


class Job:
    """job = Job(glueContext); job.init(name, args); …; job.commit()"""

    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context
        self._name: str | None = None
        self._args: dict[str, Any] = {}

    @classmethod
    def continuation_options(cls) -> list[str]:
        """The legacy name of the bookmark option."""
        return ["continuation-option"]

    @classmethod
    def job_bookmark_options(cls) -> list[str]:
        """The bookmark option."""
        return ["job-bookmark-option"]

    @classmethod
    def job_bookmark_range_options(cls) -> list[str]:
        """The options of a bookmark's range."""
        return ["job-bookmark-from", "job-bookmark-to"]

    @classmethod
    def id_params(cls) -> list[str]:
        """The names of the run's ids."""
        return ["JOB_NAME", "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION"]

    @classmethod
    def encryption_type_options(cls) -> list[str]:
        """The option of the job's encryption."""
        return ["encryption-type"]

    @classmethod
    def data_lineage_options(cls) -> list[str]:
        """The option of data lineage."""
        return ["enable-data-lineage"]

    def init(self, job_name: str, args: dict[str, Any] = {}) -> None:
        """Begin: the job's name and its resolved arguments.

        With job-bookmark-enable (or pause with a range) the run goes on until a source with a transformation_ctx is read, which raises:
        bookmarks are not implemented yet, and reading everything would be silently wrong.
        """
        self._name, self._args = job_name, dict(args)
        option = str(self._args.get("job_bookmark_option") or self._args.get("job-bookmark-option") or "job-bookmark-disable")
        if option == "job-bookmark-pause":
            option = "job-bookmark-enable"
        tell = getattr(self._glue_context, "_bookmark_mode", None)
        if tell is not None:
            tell(option, self._args.get("TempDir"))

    def isInitialized(self) -> bool:
        """True after init."""
        return self._name is not None

    def commit(self) -> None:
        """End: nothing to save with bookmarks disabled."""
        if self._name is None:
            raise RuntimeError("Job.commit before Job.init: call job.init(name, args) first")
