"""What the adapter suite needs for Spinnaker: pipelines of a real Orca, and a front that breaks."""

import time

from orchestrator.testing import Settings
from spinnaker_tests.spinnaker_bench import PATIENCE, Place
from tests.testbed.spinnaker.spinnaker_bed import COMPLETE, Execution
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault
from tests.testbed.spinnaker.spinnaker_pipelines import judgment, verdict, wait

HELD = "held"
"""The stage that resists a cancel."""


class SpinnakerMaterial(Place):
    """Executions of an application of its own."""

    by_hand: str | None = None
    """The execution that somebody else has started."""

    def succeeding(self) -> Settings:
        """People are asked in the middle of it."""
        source = {"stage": "second", "key": "answer"}
        return self.of(
            wait("first", 0),
            judgment("go on?"),
            verdict("second", outputs={"answer": 42}),
            outputs={"answer": source},
        )

    def stubborn(self) -> Settings:
        return self.of(verdict(HELD, hold=True, stubborn=1000))

    def blocked(self) -> Settings:
        """Somebody has started the same by hand."""
        settings = self.working()
        if self.by_hand is None:
            self.by_hand = self.gate.start_by_hand("it")
        return settings

    def lasting_cleanup(self) -> Settings:
        self.gate.faults.inject(Fault.HUNG, Call.SEARCH)
        return self.of(wait("short", 0))

    def dirty(self) -> Settings:
        """Its start gets stuck on its way, and may come to life at any time."""
        self.gate.faults.inject(Fault.HUNG, Call.TRIGGER)
        return self.of(wait("short", 0), request_timeout="1s", settle="1s")

    def relent(self) -> None:
        self.gate.faults.lift()
        for one in self.live():
            if one["stages"][0]["name"] == HELD:
                self.bed.release(one["id"], HELD)

    def tidy(self) -> None:
        """What was stuck arrives."""
        self.gate.faults.lift()
        end = time.monotonic() + PATIENCE
        while not self.executions():
            assert time.monotonic() < end, "what was stuck does not arrive"
            time.sleep(0.05)
        self.bed.wait_until_complete(self.only()["id"])

    def executions(self) -> list[Execution]:
        """Those that steps have started."""
        return [execution for execution in super().executions() if execution["id"] != self.by_hand]

    @property
    def asks(self) -> bool:
        return True

    def answer(self, job: int, question: str) -> bool:
        return True

    @property
    def outputs(self) -> dict[str, object]:
        return {"answer": 42, "status": "SUCCEEDED"}

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(f'stage "{name}" began' for name in ("first", "go on?", "second"))

    def stops(self, log: str) -> int:
        return len(self.gate.asked(Call.CANCEL))

    def close(self) -> None:
        """Leave nothing at work in an Orca that others use too."""
        self.relent()
        with self.gate.client() as client:
            for execution in super().executions():
                if execution["status"] not in COMPLETE:
                    client.put(f"/pipelines/{execution['id']}/cancel").raise_for_status()
