"""Let the tests of the engine share their benches by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
