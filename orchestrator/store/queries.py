"""The named statements of `queries.sql`, read once."""

import importlib.resources
import re

import msgspec

_BLOCK = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


class Queries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every statement by its name. The file and this class must name the same ones."""

    last_event_id: str
    pruned_event: str
    next_job: str
    insert_line: str
    insert_definition: str
    insert_configuration: str
    set_configuration: str
    set_drain: str
    spend_numbers: str
    put_environment: str
    delete_environment: str
    put_job: str
    put_label: str
    open_jobs: str
    environments: str
    state: str
    definition: str
    configuration: str
    job: str
    job_by_key: str
    last_finished: str
    mean_duration: str
    events_after: str
    jobs_before: str
    open_jobs_before: str
    jobs_with_environment: str
    jobs_with_pipeline: str
    jobs_with_kind: str
    jobs_with_phase: str
    jobs_with_conclusion: str
    jobs_with_uid: str
    jobs_with_label: str
    jobs_newest_first: str


def parse_queries(text: str) -> Queries:
    """The blocks of a file of named statements. Raises msgspec.ValidationError for a wrong name."""
    blocks = {name: " ".join(_COMMENT.sub("", body).split()) for name, body in _BLOCK.findall(text)}
    return msgspec.convert(blocks, Queries)


QUERIES = parse_queries(
    importlib.resources.files("orchestrator.store").joinpath("queries.sql").read_text("utf-8")
)
