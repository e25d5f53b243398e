"""The map of the code: layers, their rooms, and who imports whom, as a Mermaid diagram.

    python -m tools.map        # writes it into CONTRIBUTING.md, and prints it

The imports are read as `tests/test_layers.py` reads them, which holds the code to its layers. Left
out are the modules that put the parts together, and `testing`: they import from everywhere.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

from tests.test_layers import LAYERS, ROOMS, SHARED, imports_of, inside, room_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN = "<!-- written by `make map` -->"
END = "<!-- end of the map -->"
PACKAGES = (*LAYERS, "builtin")

Arrow = tuple[str, str]
"""Who imports, and whom."""


def diagram() -> str:
    """The whole map. An arrow goes from the importer to what it imports."""
    lines = ["```mermaid", "flowchart TD"]
    for package in PACKAGES:
        lines += _rooms(package) if package in ROOMS else [f'    {package}["{package}/"]']
    lines += [f"    {by} --> {of}" for by, of in _between_packages()]
    return "\n".join([*lines, "```"])


def _between_packages() -> list[Arrow]:
    arrows = {
        (package, found.of.split(".")[1])
        for package in PACKAGES
        for found in imports_of(f"orchestrator/{package}")
        if found.of.startswith("orchestrator.")
    }
    places = {package: place for place, package in enumerate(PACKAGES)}
    between = (arrow for arrow in arrows if arrow[0] != arrow[1])
    return sorted(between, key=lambda arrow: [places[package] for package in arrow])


def _rooms(layer: str) -> Iterator[str]:
    """A layer with its rooms, and two more boxes for the files that stand beside them."""
    files = {path.stem for path in (ROOT / "orchestrator" / layer).glob("[!_]*.py")}
    shared = _shared(layer)
    titles = {room: f"{room}/" for room in ROOMS[layer]}
    titles["shared"] = _listed(files & shared)
    titles["root"] = _listed(files - shared)

    def box_of(module: str) -> str:
        beside = "shared" if module.split(".")[2] in shared else "root"
        return f"{layer}_{room_of(module) or beside}"

    yield f'    subgraph {layer}["{layer}/"]'
    yield from (f'        {layer}_{box}["{title}"]' for box, title in titles.items() if title)
    arrows = {(box_of(found.by), box_of(found.of)) for found in inside(layer)}
    yield from (f"        {by} --> {of}" for by, of in sorted(arrows) if by != of)
    yield "    end"


def _shared(layer: str) -> frozenset[str]:
    """The files beside the rooms that rooms import, and those that these import."""
    shared = set(SHARED[layer])
    beside = [
        (found.by.split(".")[2], found.of.split(".")[2])
        for found in inside(layer)
        if not (room_of(found.by) or room_of(found.of))
    ]
    while more := {of for by, of in beside if by in shared} - shared:
        shared |= more
    return frozenset(shared)


def _listed(names: set[str]) -> str:
    return "<br>".join(f"{name}.py" for name in sorted(names))


def written(page: str) -> str:
    """The page with the map between its markers."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    assert begin and end, f"the page has {BEGIN} and {END}, a line each"
    return f"{head}{begin}\n{diagram()}\n{end}{tail}"


def main(page: Path = PAGE) -> None:
    """Write the map into the page, then print it."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader may go away, as `head` does
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
    print(diagram())


if __name__ == "__main__":
    main()
