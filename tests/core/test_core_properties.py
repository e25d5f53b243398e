"""Whatever people ask and the shell sees, in any order: the invariants hold after each command.

The invariants are those of `core_invariants`: the journal replays to the same world with the same
indexes, kinds and locks exclude each other, capacity holds, nothing that could happen is left.
"""

import contextlib

import hypothesis.strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from orchestrator.core.decide import settle, take
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.rejections import Rejection
from tests.core.core_choices import (
    CAPACITIES,
    VARIATIONS,
    Variation,
    next_observations,
    observations,
    repairs,
    requests,
    submissions,
)
from tests.core.core_invariants import state_of
from tests.core.core_setup import ROOT, accept
from tests.core.core_story import Story
from tests.proof_lines import PROPERTIES, CountProof
from tests.seed_budget import as_many, in_chunks

DATA = st.data()
STEPS = 40


class AnyHistory(RuleBasedStateMachine):
    """Commands in any order, with restarts, reboots, and commits that fail."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()

    @initialize(capacity=CAPACITIES, first=st.lists(submissions(), min_size=2, max_size=4))
    def begin(self, capacity: int, first: list[cmd.Submit]) -> None:
        self.story.when(accept(Variation(capacity).configuration()))
        for submission in first:
            self.story.when(submission)

    @rule(submission=submissions())
    def submit(self, submission: cmd.Submit) -> None:
        self.story.when(submission)

    @rule(data=DATA)
    def ask(self, data: st.DataObject) -> None:
        self.story.when(data.draw(requests(self.story.world, self.story.ended)))

    @rule(variation=VARIATIONS)
    def reload(self, variation: Variation) -> None:
        self.story.when(accept(variation.configuration(), ROOT))

    @rule(data=DATA)
    def repair(self, data: st.DataObject) -> None:
        self.story.when(data.draw(repairs(self.story.world, self.story.ended)))

    @rule(data=DATA)
    def observe(self, data: st.DataObject) -> None:
        self.story.when(data.draw(observations(self.story.world)))

    @rule(data=DATA, times=st.integers(1, 6))
    def go_on(self, data: st.DataObject, times: int) -> None:
        for _ in range(times):
            self.story.when(data.draw(next_observations(self.story.world)))

    @rule(data=DATA)
    def observe_at_once(self, data: st.DataObject) -> None:
        """Several in one transaction: each sees the events of those before it."""
        some = [data.draw(observations(self.story.world)) for _ in range(3)]
        self.story.when_all(*some, data.draw(submissions()))

    @rule(
        seconds=st.sampled_from([1, 20, 101, 301, 1001]),
        stepped=st.sampled_from([0, 0, 0, -7200, 7200]),
    )
    def wait(self, seconds: int, stepped: int) -> None:
        self.story.step_wall_clock(stepped).after(seconds)

    @rule(rebooted=st.booleans(), from_journal=st.booleans())
    def restart(self, rebooted: bool, from_journal: bool) -> None:
        self.story.restart(rebooted=rebooted, from_journal=from_journal)

    @rule(data=DATA)
    def commit_fails(self, data: st.DataObject) -> None:
        """What was decided and settled can't be written: everything is as before, and goes on."""
        story, world = self.story, self.story.world
        before = state_of(world)
        world.begin()
        for choice in (observations(world), requests(world, story.ended), submissions()):
            with contextlib.suppress(Rejection):
                take(world, data.draw(choice), story.now)
        settle(world, story.now)
        world.rollback()
        assert state_of(world) == before
        story.when(cmd.LookAtClock()).then_nothing()


@in_chunks("histories", 7)
def test_any_history(seeds: range, count_proof: CountProof) -> None:
    """Each chunk is a machine of another name: where Hypothesis draws by that, as it does in CI,
    they would all live through the same."""
    machine = type(f"AnyHistory{seeds[0]}", (AnyHistory,), {})
    run_state_machine_as_test(machine, settings=as_many(seeds, stateful_step_count=STEPS))
    count_proof(PROPERTIES, {"seeds": len(seeds), "of them histories": len(seeds)})
