"""The whole suite as somebody runs it who has just installed Debian; `make proof` runs this.

Not named `test_…`: a whole run must not contain another one.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tests import needs
from tests.proof_lines import ReportProof

BARE = Path(__file__).parents[2] / ".ci" / "bare"
HOUR = 3600


@needs.ROOT
@pytest.mark.timeout(HOUR)
def test_a_bare_machine(report_proof: ReportProof) -> None:
    done = subprocess.run(
        [str(BARE), "make", "test"], capture_output=True, text=True, timeout=HOUR, check=False
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    outcomes = re.findall(r"^=+ (\d+ passed.*) in [\d.]+s.*=+$", done.stdout, re.MULTILINE)
    assert outcomes, done.stdout[-2_000:]
    report_proof("bare-machine", outcomes[0])
