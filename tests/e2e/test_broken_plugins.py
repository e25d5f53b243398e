"""Plugins that fail wherever they can: each is named, and the daemon goes on."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.e2e_bench import Installation, one_step, until

pytestmark = pytest.mark.slow

PLUGIN = """
from orchestrator.plugin import Adapter, Cleanliness, Result, hookimpl
import anyio, msgspec

class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fails: str = ""
    kind: str = "RuntimeError"

KINDS = {"RuntimeError": RuntimeError, "SystemExit": SystemExit}

def fail(step, phase):
    if step.config.fails == phase:
        raise KINDS[step.config.kind](f"no luck in {phase}")

class Throwaway(Adapter):
    name = "throwaway"
    config_type = Config

    def traits(self, config):
        if config.fails == "traits":
            raise RuntimeError("no luck in traits")
        return super().traits(config)

    async def acquire(self, step):
        fail(step, "acquire")

    async def apply(self, step):
        fail(step, "apply")
        if step.config.fails == "cancel":
            await step.run("sleep", ["sleep", "1000"])
        return Result(exit=0)

    async def cancel(self, step):
        fail(step, "cancel")

    async def cleanup(self, step):
        fail(step, "cleanup")
        await step.sweep()
        return Cleanliness()

@hookimpl
def orchestrator_adapters():
    return [Throwaway()]
"""
HOOK_FAILS = PLUGIN.replace("return [Throwaway()]", "raise RuntimeError('no luck in the hook')")
DENIES = (
    PLUGIN
    + """
@hookimpl
def orchestrator_authorize(user, action, target):
    if action == "cancel":
        raise RuntimeError("no luck in authorize")
    return None
"""
)


def install(root: Path, content: str) -> dict[str, str]:
    """Put a plugin where Python finds it; the environment for that."""
    info = root / "plugins" / "throwaway-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: throwaway\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[orchestrator]\nthrowaway = throwaway\n")
    (root / "plugins" / "throwaway.py").write_text(content)
    return {"PYTHONPATH": str(root / "plugins")}


@pytest.fixture
def broken(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """A daemon with the plugin, and pipelines of our own and of its."""
    content = getattr(request, "param", PLUGIN)
    with Installation(tmp_path, env=install(tmp_path, content)) as installation:
        pipelines = {"pipelines/good.toml": one_step("print('well')")}
        if content is PLUGIN or content is DENIES:
            for phase in ("acquire", "apply", "cancel", "cleanup"):
                pipelines[f"pipelines/{phase}.toml"] = uses(f'fails = "{phase}"')
            pipelines["pipelines/exits.toml"] = uses('fails = "apply", kind = "SystemExit"')
        installation.write(
            {"environments/staging.toml": "", "environments/other.toml": "", **pipelines}
        )
        installation.start()
        yield installation


def uses(settings: str) -> str:
    """A pipeline of one step of the plugin's."""
    step = f'[[steps]]\nname = "work"\nuses = "throwaway"\nwith = {{ {settings} }}\n'
    return f'kind = "deploy"\nforce_after = 0\n{step}'


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("raise RuntimeError('no luck at import')", "no luck at import"),
        ("import sys; sys.exit('no luck: exit')", "no luck: exit"),
        ("this is no python", "SyntaxError"),
        (HOOK_FAILS, "no luck in the hook"),
        (f'{PLUGIN}\norchestrator_api = "9.0"\n', "written for version 9.0 of the plugin API"),
    ],
    indirect=["broken"],
    ids=["import", "exit", "syntax", "hook", "version"],
)
def test_a_plugin_that_cannot_be_loaded_is_named(broken: Installation, text: str) -> None:
    assert "throwaway" in broken.log_tail()
    found = {plugin["name"]: plugin for plugin in broken.json("plugins")["plugins"]}
    assert text in found["throwaway"]["problem"], found
    path = broken.env["PYTHONPATH"]
    checked = broken.run("check", "--config", str(broken.directory), PYTHONPATH=path)
    assert (checked.returncode, text in checked.stdout) == (2, True), checked
    assert "a plugin is not loaded: orchestrator plugins" in broken.says("status")
    assert broken.run("submit", "good", "staging", "--wait").returncode == 0


def test_strict_insists_on_plugins_too(tmp_path: Path) -> None:
    """One that is refused would deny nobody anything."""
    refused = f'{DENIES}\norchestrator_api = "9.0"\n'
    with Installation(tmp_path, env=install(tmp_path, refused)) as installation:
        installation.write({"environments/staging.toml": ""})
        words = ("serve", "--strict", "--config", str(installation.directory))
        ended = installation.run(*words, PYTHONPATH=installation.env["PYTHONPATH"])
    assert ended.returncode == 2
    assert "plugin throwaway: was written for version 9.0" in ended.stderr, ended.stderr


def test_an_interrupted_import_names_its_plugin(tmp_path: Path) -> None:
    with Installation(tmp_path, env=install(tmp_path, "raise KeyboardInterrupt")) as installation:
        installation.write({"environments/staging.toml": ""})
        words = ("check", "--config", str(installation.directory))
        ended = installation.run(*words, PYTHONPATH=installation.env["PYTHONPATH"])
    assert ended.returncode == -signal.SIGINT
    assert "interrupted while plugin throwaway was loaded" in ended.stderr, ended.stderr


@pytest.mark.parametrize("phase", ["acquire", "apply"])
def test_a_phase_that_raises_fails_its_step(broken: Installation, phase: str) -> None:
    assert broken.run("submit", phase, "staging", "--wait").returncode == 1
    [step] = broken.job(1)["steps"]
    assert (
        step["reason"]
        == f"plugin error: {phase} of throwaway raised RuntimeError: no luck in {phase}"
    )
    assert "Traceback" in broken.says("log", "1")
    assert broken.run("submit", "good", "staging", "--wait").returncode == 0


def test_an_exit_in_a_plugin_fails_its_step(broken: Installation) -> None:
    assert broken.run("submit", "exits", "staging", "--wait").returncode == 1
    assert broken.run("submit", "good", "staging", "--wait").returncode == 0


def test_a_cleanup_that_raises_closes_its_environment_only(broken: Installation) -> None:
    assert broken.run("submit", "cleanup", "staging", "--wait").returncode == 7
    assert "no luck in cleanup" in broken.json("environment", "staging")["quarantine"]["found"]
    assert broken.run("submit", "good", "other", "--wait").returncode == 0


def test_a_cancel_that_raises(broken: Installation) -> None:
    """A cancel that raises is told, and force still works."""
    job = broken.submit("cancel", "staging")
    broken.at_work(job)
    broken.says("cancel", str(job))
    until("it is told", lambda: "no luck in cancel" in broken.says("log", str(job)))
    broken.says("cancel", str(job), "--force", "--wait")
    assert broken.run("wait", str(job)).returncode == 4


@pytest.mark.parametrize("broken", [DENIES], indirect=True, ids=["authorize"])
def test_an_authorize_hook_that_raises_denies(broken: Installation) -> None:
    job = broken.submit("cancel", "staging")
    broken.at_work(job)
    assert broken.run("cancel", str(job)).returncode == 3
    assert "orchestrator_authorize" in broken.log_tail()


def test_traits_that_raise_are_a_mistake(broken: Installation) -> None:
    """Traits that raise are a mistake of the configuration."""
    broken.write({"pipelines/traits.toml": uses('fails = "traits"')})
    refused = broken.run("reload")
    assert refused.returncode == 2
    assert "no luck in traits" in refused.stderr
