"""Manual judgment stages: questions of ours, answered here or in Spinnaker, whoever is first."""

import itertools
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from orchestrator.plugin import Answer, NotDone, Question, Step, StopRequested
from orchestrator_spinnaker.errors import GateAway, GateError
from orchestrator_spinnaker.executions import Execution, Stage, Status
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.patience import growing_pauses, patiently
from orchestrator_spinnaker.plain import plain
from orchestrator_spinnaker.settings import OnManualJudgment, SpinnakerSettings, seconds
from orchestrator_spinnaker.stages import Teller

JUDGMENT = "manualJudgment"
"""The type of such a stage."""
ANSWERED = "answered"
MOOT = "moot"
REFUSED = "refused"


class Judgments:
    """The judgments of one execution. `look` is told how it is; questions run in `tasks`."""

    def __init__(
        self,
        step: Step[SpinnakerSettings],
        gate: Gate,
        teller: Teller,
        execution: str,
        url: str,
        tasks: TaskGroup,
    ) -> None:
        self._step = step
        self._gate = gate
        self._teller = teller
        self._id = execution
        self._url = url
        self._tasks = tasks
        self._asking: dict[str, anyio.CancelScope] = {}
        self._begun: set[str] = set()
        self._over: set[str] = set()
        self._refused: set[str] = set()
        self._on_their_way = 0
        self._ended = False

    async def look(self, execution: Execution) -> None:
        """Ask what is open, and take back what is not any more."""
        for stage in judged(execution):
            key = _key(stage)
            if not is_open(stage):
                await self._close(stage, key)
            elif self._asks and key not in self._begun:
                self._begun.add(key)
                self._asking[key] = anyio.CancelScope()
                self._tasks.start_soon(self._ask, stage, key)

    def waits_for(self, execution: Execution) -> str | None:
        """Who must judge in Spinnaker, for here nobody is asked, or the answer was refused."""
        names = [
            f'"{stage.name}"'
            for stage in judged(execution)
            if is_open(stage) and (not self._asks or _key(stage) in self._refused)
        ]
        if not names:
            return None
        return f"judgment of stage {' and '.join(names)} in Spinnaker: {self._url}"

    def end(self) -> str | None:
        """Nothing is judged from here on. What a cancel has to wait for, if anything is.

        Orca may store a judgment over the cancel that it gets at that moment, and then never ends.
        """
        self._ended = True
        return "Gate to take the judgment" if self._on_their_way else None

    @property
    def _asks(self) -> bool:
        return self._step.config.on_manual_judgment is OnManualJudgment.APPROVAL

    async def _close(self, stage: Stage, key: str) -> None:
        """It was judged, or will not be."""
        if key in self._over:
            return
        self._over.add(key)
        if scope := self._asking.get(key):
            scope.cancel()
        elif self._asks and key not in self._begun:  # by a daemon before us, perhaps
            await self._step.withdraw(self._asked_last(key))
        if verdict := _verdict(stage):
            by = stage.judged_by or "somebody"
            line = f'stage "{stage.name}" was judged in Spinnaker by {by}: {verdict}'
            if isinstance(chosen := stage.context.get("judgmentInput"), str):
                line += f", {chosen}"
            self._teller.once(f"{key} judged", line)

    # --- asking ------------------------------------------------------------------------------

    async def _ask(self, stage: Stage, key: str) -> None:
        try:
            answer = await self._answer(stage, key)
            if answer is not None:
                judge = partial(self._judge, stage, key, answer)
                if await self._step.once(f"{key} answer", judge, recover=_look_first) == REFUSED:
                    self._refused.add(key)
        except StopRequested:
            return  # whoever follows the execution ends it

    async def _answer(self, stage: Stage, key: str) -> Answer | None:
        """People's answer, None where they were not asked to the end.

        Where there are inputs a yes has to choose, as in Spinnaker, or it is asked for again.
        """
        inputs = inputs_of(stage)
        with self._asking[key]:
            for time in itertools.count():
                question = self._question(stage, again=time > 0)
                answer = await self._step.ask(_asked(key, time), question)
                if not answer.approved or not inputs or chosen_input(inputs, answer.comment):
                    del self._asking[key]
                    return answer
                line = f'stage "{stage.name}" is not judged: {answer.by} chose none of its inputs'
                self._teller.once(_chose_none(key, time), line)
        return None

    def _question(self, stage: Stage, *, again: bool) -> Question:
        it = self._step.config.judgment
        return Question(
            question_text(stage, self._step, self._url, again=again),
            roles=it.roles,
            count=it.count,
            not_submitter=it.not_submitter,
            expires=seconds(it.expires),
        )

    def _asked_last(self, key: str) -> str:
        """Under which key people were asked last."""
        times = itertools.count()
        return _asked(
            key, next(time for time in times if not self._teller.knows(_chose_none(key, time)))
        )

    async def _judge(self, stage: Stage, key: str, answer: Answer) -> str:
        """Tell Gate, unless somebody told it meanwhile. What became of it."""
        verdict = "continue" if answer.approved else "stop"
        chosen = chosen_input(inputs_of(stage), answer.comment)
        pauses = growing_pauses()
        while True:
            now = await patiently(self._step, self._look, waits_out=GateError)
            if self._ended or now.canceled:
                return MOOT
            if not any(is_open(stage) and _key(stage) == key for stage in judged(now)):
                return MOOT
            self._teller.once(f"{key} judged", _told(stage, answer, verdict, chosen))
            try:
                await self._send(stage, verdict, chosen, self._who(answer))
            except GateAway as error:
                await self._step.waiting_for(f"Gate to take the judgment: {error}")
                await anyio.sleep(next(pauses))
            except GateError as error:
                self._step.warn(f'stage "{stage.name}" can\'t be judged from here: {error}')
                return REFUSED
            else:
                return ANSWERED

    async def _send(self, stage: Stage, verdict: str, chosen: str | None, who: str) -> None:
        self._on_their_way += 1
        try:
            await self._gate.judge(self._id, stage, verdict, chosen, who)
        finally:
            self._on_their_way -= 1

    def _who(self, answer: Answer) -> str:
        """Who has answered, for those who look at it in Spinnaker."""
        job = f"job {self._step.job.id}"
        if answer.expired:
            return f"nobody in time ({job})"
        return f"{answer.by} ({job})" + (f": {answer.comment}" if answer.comment else "")

    async def _look(self) -> Execution:
        return await self._gate.execution(self._id)


async def _look_first() -> NotDone:
    """What judges looks by itself whether that was done."""
    return NotDone()


def judged(execution: Execution) -> Sequence[Stage]:
    """Its manual judgment stages that have begun.

    Orca stores the time at which one has before it stores that it runs.
    """
    begun = [stage for stage in execution.stages if stage.start_time is not None]
    return [
        stage
        for stage in begun
        if stage.type == JUDGMENT and stage.status is not Status.NOT_STARTED
    ]


def is_open(stage: Stage) -> bool:
    """Whether somebody still has to judge; a pause makes no difference."""
    return not stage.status.complete and not _verdict(stage)


def inputs_of(stage: Stage) -> Sequence[str]:
    """Between which the judge may choose."""
    given = stage.context.get("judgmentInputs")
    values = [option.get("value") for option in given or () if isinstance(option, dict)]
    return [value for value in values if isinstance(value, str) and value]


def chosen_input(inputs: Sequence[str], comment: str) -> str | None:
    """The one that a comment is, or that stands before a colon in it; None if not just one.

    Those of several people are parted by `;`. Words in a sentence choose nothing: there is a `no`
    in `no objections`.
    """
    parts = [comment] if _called(inputs, comment) else comment.split(";")
    named = {one for part in parts if (one := _called(inputs, part) or _begun(inputs, part))}
    return named.pop() if len(named) == 1 else None


def _called(inputs: Sequence[str], text: str) -> str | None:
    """The input that a text is; its case counts where there are several."""
    name = text.strip()
    same = [choice for choice in inputs if choice.strip().casefold() == name.casefold()]
    return name if name in same else next(iter(same), None)


def _begun(inputs: Sequence[str], text: str) -> str | None:
    heads = [text[:at] for at, sign in enumerate(text) if sign == ":"]
    return next(filter(None, (_called(inputs, head) for head in reversed(heads))), None)


def question_text(stage: Stage, step: Step[Any], url: str, *, again: bool = False) -> str:
    """What people read. `again`: a yes that had to choose did not."""
    instructions = stage.context.get("instructions")
    said = plain(instructions) if isinstance(instructions, str) else ""
    lines = [f'Spinnaker asks for a judgment in stage "{stage.name}"', *said.splitlines()]
    if inputs := inputs_of(stage):
        how = f"orchestrator approve {step.job.id} {step.name} --comment {_shell(inputs[0])}"
        choose = "the comment chose none; choose one" if again else "choose one"
        lines.append(f"inputs: {', '.join(inputs)} ({choose}: {how})")
    return "\n".join([*lines, url])


def _shell(text: str) -> str:
    return text if re.fullmatch(r"[\w.-]+", text, re.ASCII) else f'"{text}"'


def _told(stage: Stage, answer: Answer, verdict: str, chosen: str | None) -> str:
    if answer.expired:
        return f'stage "{stage.name}": nobody judged it in time: {verdict}'
    line = f'stage "{stage.name}" is judged by {answer.by}: {verdict}'
    return line if chosen is None else f"{line}, {chosen}"


def _verdict(stage: Stage) -> str:
    verdict = stage.context.get("judgmentStatus")
    return verdict if isinstance(verdict, str) else ""


def _key(stage: Stage) -> str:
    """A stage that is started again is another question."""
    return f"judgment {stage.id} {stage.start_time}"


def _asked(key: str, time: int) -> str:
    """The key of a question; the first time it is that of the judgment."""
    return f"{key} again {time}" if time else key


def _chose_none(key: str, time: int) -> str:
    return f"{key} chose none {time}"
