"""The part of the adapter suite about settings: they are judged without running anything."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from orchestrator import config
from orchestrator.testing.suite_bench import AdapterBench
from orchestrator.testing.suite_daemon import plugins_of
from orchestrator.testing.suite_material import Settings

JUDGED_BY_A_PLUGIN = "plugin "
"""How the mistakes begin that are not the user's but the plugin's own."""


class SettingsTests:
    """Settings are refused or accepted, and never make the adapter raise."""

    lacks: ClassVar[frozenset[str]] = frozenset()
    """Steps that the material is known to have none of; whoever runs the suite may let every other
    skip fail."""

    def test_the_material_lacks_what_is_said(self, bench: AdapterBench) -> None:
        """A step that it has is tested, whatever `lacks` says."""
        has = {name for name in self.lacks if getattr(bench.material, name)() is not None}
        assert not has, f"lacks = {set(self.lacks)}, and the material has {has}"

    def test_settings_are_accepted(self, bench: AdapterBench) -> None:
        """What the material gives is valid."""
        for settings in all_settings(bench):
            assert mistakes(bench, settings) == [], settings

    def test_unknown_settings_are_refused(self, bench: AdapterBench) -> None:
        """A key that the adapter does not know is a mistake that names it."""
        found = mistakes(bench, {**bench.material.succeeding(), "no_such_setting": 1})
        assert any("no_such_setting" in text for text in found), (
            "config_type must forbid unknown fields (forbid_unknown_fields=True)"
        )

    def test_traits_can_be_told_from_unresolved_references(self, bench: AdapterBench) -> None:
        """`traits` sees settings as the file has them; a reference may stand for any text."""
        written_out = bench.material.written_out
        for settings in all_settings(bench):
            fixed = {key: value for key, value in settings.items() if key in written_out}
            for referring in with_references(settings):
                found = mistakes(bench, {**referring, **fixed})
                broken = [text for text in found if JUDGED_BY_A_PLUGIN in text]
                assert not broken, f"with = {referring}: {broken}"

    def test_settings_that_must_be_written_out(self, bench: AdapterBench) -> None:
        """A reference where `traits` must know the value is a mistake in the configuration."""
        for setting in bench.material.written_out:
            referring = {**bench.material.succeeding(), setting: "${params.text}"}
            assert mistakes(bench, referring), f"a reference is taken for {setting}"


def all_settings(bench: AdapterBench) -> list[Settings]:
    """Every step that the material has."""
    material = bench.material
    given = (
        material.succeeding(),
        material.failing(),
        material.working(),
        material.stubborn(),
        material.blocked(),
        material.lasting_cleanup(),
        material.dirty(),
    )
    return [settings for settings in given if settings is not None]


def mistakes(bench: AdapterBench, settings: Settings) -> list[str]:
    """What `orchestrator check` says of a pipeline with these settings."""
    bench.configure(settings)
    try:
        config.read(bench.process.directory, plugins_of(bench.adapter))
    except config.ConfigurationInvalid as invalid:
        return [str(mistake) for mistake in invalid.mistakes]
    return []


def with_references(value: Any) -> Iterator[Any]:
    """The value with one text after another replaced by a reference."""
    match value:
        case str():
            yield "${params.text}"
        case dict():
            for key, inner in value.items():
                yield from ({**value, key: changed} for changed in with_references(inner))
        case list() | tuple():
            for place, inner in enumerate(value):
                for changed in with_references(inner):
                    yield [*value[:place], changed, *value[place + 1 :]]
        case _:
            return


def given_or_skip(settings: Settings | None, name: str) -> Settings:
    """Settings that the material may not have."""
    if settings is None:
        pytest.skip(f"this adapter's material has no `{name}`")
    return settings
