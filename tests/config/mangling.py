"""Valid pipelines that use every key, what becomes of them by mistake, and how they are written."""

import copy
import json
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from orchestrator.config import ConfigurationInvalid, read
from orchestrator.config.mistake import Mistake
from orchestrator.config.paths import Host
from orchestrator.plugin.registry import Registry

Tree = dict[str, Any]
Path = tuple[str | int, ...]

SECTIONS = (
    "before",
    "steps",
    "on_success",
    "on_warning",
    "on_failure",
    "on_cancel",
    "finally",
)


def command(name: str, *arguments: str, **fields: Any) -> Tree:
    return {"name": name, "uses": "command", "with": {"run": ["x", *arguments]}, **fields}


MAIN: Tree = {
    "capacity": 3,
    "pass_env": ["A", "B_*"],
    "roles": {"viewer": ["*"], "approver": ["@release"]},
    "kinds": {"test": {"excludes": ["deploy"]}},
    "secrets": {"token": {"file": "/etc/token"}},
}
ENVIRONMENT: Tree = {
    "locks": ["vpc"],
    "vars": {"region": "eu", "net": {"cidr": "10.0.0.0/8"}},
    "env": {"PROFILE": "p-${environment.name}"},
    "approval": {"roles": ["approver"], "count": 2, "not_submitter": True, "expires": "4h"},
}
CLEANUP: Tree = {
    "kind": "cleanup",
    "params": {"v": {"required": True}},
    "steps": [command("wipe", "${params.v}", "${debt.job}", "${debt.conclusion}")],
}
PIPELINE: Tree = {
    "kind": "deploy",
    "description": "Every key",
    "environments": ["e"],
    "cleanup": {"pipeline": "clean", "params": {"v": "${params.v}"}},
    "stop": {"queued": "owner", "applying": "admins"},
    "timeout": "2h",
    "max_wait": "12h",
    "on_max_wait": "warn",
    "grace": "1m",
    "force_after": 60,
    "fail_running": "stop",
    "halt_running": "finish",
    "env": {"LEVEL": "${params.count}"},
    "source": {"path": "infra"},
    "params": {
        "v": {"pattern": "^v(a|b)+$", "required": True, "example": "va"},
        "count": {"type": "integer", "min": 1, "max": 10, "default": 3},
        "share": {"type": "number", "default": 0.5},
        "sure": {"type": "boolean", "default": True, "description": "Sure?"},
        "tier": {"type": "choice", "choices": ["dev", "prod"], "default": "dev"},
        "regions": {"type": "list", "choices": ["eu", "us"], "default": ["eu"]},
    },
    "approval": {"roles": ["approver", "admin"], "expires": 600},
    "before": [
        command("build", "${params.v}"),
        command(
            "test", "${matrix.on}", matrix={"on": ["a", "b c"], "size": [1, 2.5]}, max_parallel=2
        ),
        {
            "name": "plan",
            "uses": "ship",
            "with": {"action": "plan", "dir": "${params.v}", "vars": {"a": 1}},
            "outcomes": {"exit 0": "halt", "exit 2": "continue"},
        },
    ],
    "steps": [
        {
            "name": "apply",
            "uses": "ship",
            "with": {"action": "apply", "targets": ["${steps.plan.outputs.plan}"]},
            "timeout": "1h",
            "grace": "10m",
            "cleanup_timeout": "3m",
            "retry": {"attempts": 3, "backoff": "5s", "factor": 2, "max": "1m", "on": ["exit 75"]},
        },
        command(
            "canary",
            "${environment.vars.region}",
            needs=["apply"],
            stage="tests",
            env={"TOKEN": {"secret": "token"}, "CIDR": "${environment.vars.net.cidr}"},
            outcomes={
                "exit 3": {"then": "continue", "skip": ["late", "stage:slow"], "reason": "dull"},
                "exit 10-19": "warn",
                "signal SIGKILL": "fail",
                "timed_out": "warn",
            },
        ),
        command("soak", needs=["apply"], stage="tests", touches=False),
        command("late", needs=["stage:tests"], when="params.sure and params.count > 2"),
        command("load", needs=["canary"], stage="slow", when='params.tier == "prod"'),
    ],
    "on_success": [command("tell")],
    "on_warning": [command("mark")],
    "on_failure": [command("page", "${job.failed_step}")],
    "on_cancel": [command("undo", touches=True)],
    "finally": [command("report", "${job.conclusion}", "${steps.canary.outputs.score}")],
}


def written(tree: Tree) -> str:
    """The tree as TOML: plain keys, then tables, then lists of tables under their headers."""
    plain = [f"{_key(key)} = {_value(one)}\n" for key, one in tree.items() if not _below(one)]
    tables = [
        f"[{_key(key)}]\n" + "".join(f"{_key(k)} = {_value(v)}\n" for k, v in one.items())
        for key, one in tree.items()
        if _below(one) and isinstance(one, dict)
    ]
    lists = [
        f"[[{_key(key)}]]\n" + "".join(f"{_key(k)} = {_value(v)}\n" for k, v in item.items())
        for key, one in tree.items()
        if _below(one) and isinstance(one, list)
        for item in one
    ]
    return "".join([*plain, *tables, *lists])


def _below(value: Any) -> bool:
    """Whether it has a header, or several, of its own."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict)


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "a").isalnum() else _text(key)


def _text(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
        case _:
            return str(value)


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """Where something stands in a tree."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*here, key)
        if isinstance(inner, dict | list):
            yield from paths(inner, (*here, key))


def at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _deep(depth: int) -> Any:
    value: Any = 1
    for place in range(depth):
        value = {"a": value} if place % 2 else [value]
    return value


WRONG = st.one_of(
    st.sampled_from(["", "x", "5 parsecs", "exit 999", "${", "${params}", "${params.nobody}"]),
    st.sampled_from(["${steps.nobody.outputs.x}", "${steps.report.outputs.x}", "${matrix.q}"]),
    st.sampled_from(["${job.conclusion}", "${debt.job}", "$${x}", "((a+)+", "stage:", "stage:no"]),
    st.sampled_from(
        ["params.", "not", "1 <", 'a == "b', "(" * 500 + ")" * 500, "not " * 900 + "1"]
    ),
    st.sampled_from([True, False, 0, -1, 2**63 - 1, -(2**63), 10**40, 1e308, float("inf")]),
    st.sampled_from(["inf", "nan", "-0.0"]),
    st.sampled_from([[], {}, [[]], [{}], {"": ""}, {"secret": "nobody"}, {"then": "x"}]),
    st.sampled_from(["é", "\u2028", "\x00", "\u202e\x1b[31m", "\U0001f6a2" * 50, "a" * 5000]),
    st.integers(1, 400).map(_deep),
    st.text(max_size=8),
)
KEYS = st.sampled_from(["name", "uses", "with", "needs", "matrix", "when", "no", "é", "", "a.b"])


@st.composite
def mangled(draw: st.DrawFn, tree: Tree) -> Tree:
    """The tree after some mistakes."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 4))):
        where = list(paths(tree))
        if where:
            _mangle(draw, tree, draw(st.sampled_from(where)))
    return tree


def _mangle(draw: st.DrawFn, tree: Tree, path: Path) -> None:
    parent, key = at(tree, path[:-1]), path[-1]
    match draw(st.sampled_from(["drop", "wrong", "rename", "twice", "swap", "elsewhere"])):
        case "drop":
            del parent[key]
        case "rename" if isinstance(parent, dict):
            parent[draw(KEYS)] = parent.pop(key)
        case "twice" if isinstance(parent, list):
            parent.insert(draw(st.integers(0, len(parent))), copy.deepcopy(parent[int(key)]))
        case "swap":
            one, other = draw(st.sampled_from(SECTIONS)), draw(st.sampled_from(SECTIONS))
            tree[one], tree[other] = tree.get(other, []), tree.get(one, [])
        case "elsewhere":
            other_path = draw(st.sampled_from(list(paths(tree))))
            parent[key] = copy.deepcopy(at(tree, other_path))
        case _:
            parent[key] = copy.deepcopy(draw(WRONG))  # the next mistake may change it


@st.composite
def torn(draw: st.DrawFn, text: str) -> str:
    """The text, cut off or with a line gone, twice or in another place."""
    lines = text.splitlines(keepends=True)
    place = draw(st.integers(0, len(lines) - 1))
    match draw(st.sampled_from(["whole", "whole", "cut", "gone", "twice", "moved"])):
        case "cut":
            return text[: draw(st.integers(0, len(text)))]
        case "gone":
            del lines[place]
        case "twice":
            lines.insert(place, lines[place])
        case "moved":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(place))
        case _:
            pass
    return "".join(lines)


def mistakes_in(files: dict[str, str], registry: Registry, host: Host) -> tuple[Mistake, ...]:
    """All that is wrong, each at a line that exists and fit to be printed."""
    with tempfile.TemporaryDirectory() as place:
        for name, text in files.items():
            path = pathlib.Path(place) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            read(pathlib.Path(place), registry, host)
        except ConfigurationInvalid as invalid:
            assert invalid.mistakes
            for mistake in invalid.mistakes:
                assert 1 <= mistake.line <= max(1, len(files[mistake.file].split("\n")))
                assert str(mistake).startswith(f"{mistake.file}:{mistake.line}: ")
                assert str(mistake).isprintable()
            return invalid.mistakes
    return ()
