"""`AdapterSuite`: every path of an adapter, under a real daemon with real processes."""

import abc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from orchestrator.plugin import Adapter
from orchestrator.testing.daemon_zygote import Zygote
from orchestrator.testing.suite_bench import PATIENCE, AdapterBench, open_adapter_bench
from orchestrator.testing.suite_crashes import CrashTests
from orchestrator.testing.suite_material import Material
from orchestrator.testing.suite_outcomes import OutcomeTests
from orchestrator.testing.suite_settings import SettingsTests
from orchestrator.testing.suite_stops import StopTests


class AdapterSuite(SettingsTests, OutcomeTests, StopTests, CrashTests, abc.ABC):
    """Subclass it in a test module under a name that begins with `Test`, and run pytest.

    `adapter` is the class under test, made without arguments. `patience` is in how many seconds
    each thing that a test waits for must come about.
    """

    adapter: ClassVar[type[Adapter[Any]]]
    patience: ClassVar[float] = PATIENCE

    @abc.abstractmethod
    def material(self, root: Path) -> Material:
        """New material for one test, in the empty directory `root`."""

    @pytest.fixture(scope="class")
    @classmethod
    def zygote(cls) -> Iterator[Zygote]:
        """What forks the daemons of all tests."""
        zygote = Zygote((cls.adapter.__module__,))
        yield zygote
        zygote.close()

    @pytest.fixture
    def bench(self, tmp_path: Path, zygote: Zygote) -> Iterator[AdapterBench]:
        """The adapter under a daemon of its own. Whatever a test leaves running is killed."""
        with open_adapter_bench(
            tmp_path, self.adapter, self.material, self.patience, zygote.launch
        ) as bench:
            yield bench
