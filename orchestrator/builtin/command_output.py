"""The file in which a command leaves outputs, in the format that GitHub Actions knows.

name=value
name<<WORD
any number of lines
WORD
"""

import re

import msgspec

_NAME = re.compile(r"[A-Za-z0-9_-]+")
SUMMARY = "summary"
LONGEST_SUMMARY = 200
MOST_BYTES = 1 << 20
"""What is read of an output file; the outputs of a step are kept with its job."""


class OutputFile(msgspec.Struct, frozen=True):
    """What was read: outputs, and a sentence for each line that could not be."""

    outputs: dict[str, str]
    problems: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The first line of the output that is called so: what is shown beside the step."""
        first = self.outputs.get(SUMMARY, "").partition("\n")[0]
        return "".join(c for c in first if c.isprintable()).strip()[:LONGEST_SUMMARY]


def parse_outputs(text: str) -> OutputFile:
    """Read the content of an output file; later values replace earlier ones."""
    outputs: dict[str, str] = {}
    problems: list[str] = []
    lines = list(enumerate(text.split("\n"), start=1))
    while lines:
        number, line = lines.pop(0)
        if not line.strip():
            continue
        name, sign, rest = _split(line)
        if not sign or not _NAME.fullmatch(name):
            problems.append(
                f"line {number} of $ORCHESTRATOR_OUTPUT is not NAME=VALUE: {line[:80]!r}"
            )
            continue
        if sign == "=":
            outputs[name] = rest
            continue
        ends = [place for place, (_, inner) in enumerate(lines) if inner == rest]
        if not ends:
            problems.append(f"line {number} of $ORCHESTRATOR_OUTPUT: {name}<<{rest} never ends")
            break
        outputs[name] = "\n".join(inner for _, inner in lines[: ends[0]])
        del lines[: ends[0] + 1]
    return OutputFile(outputs, tuple(problems))


def _split(line: str) -> tuple[str, str, str]:
    """Name, `=` or `<<` (whichever comes first), and the rest."""
    simple, here = line.find("="), line.find("<<")
    if here != -1 and (simple == -1 or here < simple):
        return line[:here], "<<", line[here + 2 :]
    return line.partition("=")
