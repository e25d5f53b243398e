"""No file of the repository names the places where it was written."""

import re
import subprocess

from tests import needs
from tests.docs.pages import ROOT

PLACES = re.compile(
    "|".join(  # each in two parts, or this file would name them
        (
            r"(?<![\w.}-])/wo" "rk/",
            r"(?<![\w-])sha" "red/(design|testbed)",
            r"/ro" "ot/",
            r"\.py" "env",
            r"/tmp/br" "ief",
        )
    )
)


@needs.CHECKOUT
def test_no_file_names_a_place_of_ours() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            found += [f"{name}: {hit[0]}" for hit in PLACES.finditer(text)]
    assert found == []
