"""Which handlers (`finally`, `on_success` and the like) a job calls, and which it does not."""

from collections.abc import Iterable

from orchestrator.core.language.model import Ending, Job, JobCancelling, Stop
from orchestrator.core.language.words import Section, StopCause
from orchestrator.core.steps.causes import stop_text
from orchestrator.core.steps.graph import Graph, NeverRun, not_run, skipped
from orchestrator.core.steps.verdict import Verdict

_CALLED_AFTER = {
    Section.ON_SUCCESS: "success",
    Section.ON_WARNING: "a success with warnings",
    Section.ON_FAILURE: "a failure",
    Section.ON_CANCEL: "a cancel",
}


def uncalled(job: Job, graph: Graph) -> NeverRun | None:
    """The pending handlers of the section that a job is in, or some of them, that it will not
    call."""
    section = graph.section
    if not section.is_handler or not graph.pending[section]:
        return None
    ending = _why_uncalled(job, graph, section)
    if ending is not None:
        return NeverRun(_names(graph, graph.pending[section]), ending)
    return None if job.run is not None else _without_environment(job, graph, section)


def _names(graph: Graph, places: Iterable[int]) -> tuple[str, ...]:
    return tuple(graph.plan.steps[place].name for place in places)


def _why_uncalled(job: Job, graph: Graph, section: Section) -> Ending | None:
    """The end of a section that is not called."""
    if not graph.begun:
        return not_run(f"nothing of the job had begun{_why_ended(job)}")
    forced = _forced_by(job)
    if forced is not None:
        return not_run(forced)
    found = graph.verdict(job)
    return None if found.calls(section) else skipped(_not_called(section, found))


def _not_called(section: Section, found: Verdict) -> str:
    warnings = " without warnings" if section is Section.ON_WARNING else ""
    ended = found.conclusion.value.replace("_", " ")
    return f"only called after {_CALLED_AFTER[section]}; this ended as {ended}{warnings}"


def _without_environment(job: Job, graph: Graph, section: Section) -> NeverRun | None:
    """A job that was never admitted holds no lock, so nothing of it may touch its environment."""
    pending = graph.pending[section]
    sure = [place for place, its in graph.plan.sure_handlers if its is section and place in pending]
    if not sure:
        return None
    return NeverRun(
        _names(graph, sure), not_run(f"it touches {job.environment}, which the job never held")
    )


def _forced_by(job: Job) -> str | None:
    """In which words the handlers that are left were forced away."""
    force = job.phase.force if isinstance(job.phase, JobCancelling) else None
    if force is None or not (force.fired and force.of_handlers):
        return None
    by = stop_text(Stop(cause=StopCause.CANCEL, at=force.at, by=force.by, reason=force.reason))
    return f"forced: {by}"


def _why_ended(job: Job) -> str:
    return f" ({stop_text(job.phase.stop)})" if isinstance(job.phase, JobCancelling) else ""
