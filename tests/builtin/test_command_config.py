"""The settings of a `command` step: what is refused, and in which words."""

import msgspec
import pytest

from orchestrator.builtin.command_config import CommandConfig, signal_number


def read(**settings: object) -> CommandConfig:
    """As the configuration gives them."""
    return msgspec.convert(settings, CommandConfig)


def test_run_is_argv() -> None:
    config = read(run=["./smoke.sh", "-x", 3, True, 1.5, "$(touch x)"])
    assert config.argv("smoke") == ["./smoke.sh", "-x", "3", "true", "1.5", "$(touch x)"]


def test_script_is_one_argument() -> None:
    config = read(script="-x\necho $HOME ${HOME} $$")
    assert config.argv("smoke") == ["sh", "-eu", "-c", "--", "-x\necho $HOME ${HOME} $$", "smoke"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "either `run` or `script`"),
        ({"run": ["a"], "script": "a"}, "either `run` or `script`"),
        ({"run": []}, "`run` is empty"),
        ({"run": ["a"], "cancel": []}, "`cancel` is empty"),
        ({"run": ["a"], "cleanup": []}, "`cleanup` is empty"),
        ({"run": [["a"]]}, r"\$.run\[0\]"),
        ({"run": ["a"], "shell": True}, "unknown field `shell`"),
        ({"script": " \n"}, "`script` is empty"),
        ({"script": "x" * 131072}, "longer than 128 KiB"),
        ({"script": 'a "${params.web-version}"'}, r"ORCHESTRATOR_PARAM_WEB_VERSION"),
        ({"script": "a ${params.version"}, "ORCHESTRATOR_PARAM_VERSION"),
        ({"script": "a $${params.version}"}, "ORCHESTRATOR_PARAM_VERSION"),
        ({"script": "${environment.vars.x}"}, "by the step's `env`"),
        ({"script": "${steps.plan.outputs.x}"}, "by the step's `env`"),
        ({"script": "${job.id}"}, "by the step's `env`"),
        ({"run": ["a"], "cwd": "/srv"}, "neither absolute"),
        ({"run": ["a"], "cwd": "a/../.."}, "neither absolute"),
        ({"run": ["a"], "stop_signal": "SIGFOO"}, "'SIGFOO' is no signal"),
        ({"run": ["a"], "stop_signal": "KILL"}, "asks for nothing"),
    ],
)
def test_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        read(**settings)


def test_every_mistake_at_once() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        read(script="${params.a} ${params.b}", cwd="/", stop_signal="FOO", cancel=[])
    for word in ("${params.a}", "${params.b}", "`cwd`", "'FOO'", "`cancel`"):
        assert word in str(caught.value)


def test_references_elsewhere_are_resolved_later() -> None:
    config = read(run=["${params.command}"], cwd="${params.dir}", stop_signal="${params.signal}")
    assert config.argv("smoke") == ["${params.command}"]


@pytest.mark.parametrize(("name", "number"), [("SIGTERM", 15), ("INT", 2), ("SIGUSR1", 10)])
def test_signal_number(name: str, number: int) -> None:
    assert signal_number(name) == number
