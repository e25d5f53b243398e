"""What must not be shown of one attempt. It may grow while the attempt works."""

import json
from collections.abc import Iterable, Iterator

from orchestrator.core.language.model import Job, StepRef
from orchestrator.engine.masking import Masks
from orchestrator.engine.paths import Paths


class Hidden:
    """The secrets that an attempt may come to know, and what hides them."""

    def __init__(self, values: Iterable[object] = ()) -> None:
        self._values = list(values)
        self.masks = Masks.of(self._values)

    def add(self, value: object) -> None:
        """Hide this from now on, too."""
        self._values.append(value)
        self.masks = Masks.of(self._values)


def sensitive_values(paths: Paths, job: Job) -> Iterator[object]:
    """The outputs of a job's attempts that are only for its later steps."""
    for step in job.steps:
        for attempt in range(1, step.attempt + 1):
            is_last = attempt == step.attempt
            if is_last and not step.sensitive:
                continue
            file = paths.sensitive_outputs(StepRef(job=job.id, step=step.name, attempt=attempt))
            if is_last or file.exists():
                yield from json.loads(file.read_text(encoding="utf-8")).values()
