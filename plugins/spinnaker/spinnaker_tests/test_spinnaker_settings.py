"""Which settings are refused, and in what words."""

import msgspec
import pytest
from orchestrator_spinnaker.links import execution_url
from orchestrator_spinnaker.settings import SpinnakerSettings, seconds

from orchestrator.plugin import Secret

GIVEN = {"gate": "https://gate.example", "application": "shop", "pipeline": "Deploy"}
REFERENCE = "${environment.vars.conflicts}"
PASSWORD = {"username": "ada", "password": {"secret": "gate"}}


def settings(**table: object) -> SpinnakerSettings:
    """As a file gives them."""
    return msgspec.convert({**GIVEN, **table}, SpinnakerSettings)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"gate": "gate.example"}, "`gate` is no address, as in https://gate.example"),
        ({"gate": "ftp://gate.example"}, "`gate` is no address"),
        ({"gate": "https://a b"}, "`gate` is no address"),
        ({"gate": "https://gate.example:99999"}, "`gate` is no address"),
        ({"gate": "https://xn--\udcff"}, "`gate` is no address"),
        ({"gate": "https://"}, "`gate` is no address"),
        ({"gate": "https://gate.example:x"}, "`gate` is no address"),
        ({"gate": "https://[gate.example"}, "`gate` is no address"),
        ({"gate": "https://ada:hush@gate.example"}, "`gate`: credentials belong into `auth`"),
        ({"gate": "https://gate.example?x=1"}, "`gate`: an address without `?`"),
        ({"ui": "deck.example"}, "`ui` is no address"),
        ({"application": ""}, "`application` is empty"),
        ({"pipeline": ""}, "`pipeline` is empty"),
        ({"conflicts": ["Clean Up"]}, '`conflicts`: "Clean Up" is not "application/pipeline"'),
        ({"conflicts": ["shop/"]}, '"shop/" is not "application/pipeline"'),
        ({"poll": "10"}, '`poll`: "10" is no duration'),
        ({"poll": "0s"}, "`poll`: 0s is too short, 0.1s is the least"),
        ({"timeout": "0s"}, "`timeout`: 0s is too short"),
        ({"timeout": "soon"}, '`timeout`: "soon" is no duration'),
        ({"request_timeout": 0}, "`request_timeout`: 0 is too short"),
        ({"settle": "-1s"}, "`settle`:"),
        ({"judgment": {"expires": "0s"}}, "`expires`: 0s is too short"),
        ({"judgment": {"count": 0}}, "judgment.count"),
        ({"judgment": {"roles": []}}, "`roles` is empty"),
        ({"auth": {"basic": PASSWORD, "bearer": "x"}}, "basic and bearer: one of them is enough"),
        ({"auth": {"basic": {"username": "ada"}}}, "password"),
        ({"auth": {"certificate": {"key": "x"}}}, "cert"),
        ({"auth": {"token": "x"}}, "token"),
        (
            {"gate": "http://gate.example", "auth": {"certificate": {"cert": "a.pem"}}},
            "`auth.certificate`: only an https address asks for one",
        ),
        ({"outputs": {"image": {"stage": "Bake"}}}, "key"),
        ({"outputs": {"url": {"stage": "Bake", "key": "x"}}}, "`outputs.url`: it is the execut"),
        ({"on_manual_judgment": "ask"}, "on_manual_judgment"),
        ({"wait": True}, "wait"),
    ],
)
def test_refused(table: dict[str, object], text: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        settings(**table)
    assert text in str(refused.value)
    assert "hush" not in str(refused.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        settings(gate="gate", poll="soon", conflicts=["a", "b"])
    assert all(word in str(refused.value) for word in ("`gate`", "`poll`", '"a"', '"b"'))


@pytest.mark.parametrize(
    "table",
    [
        {"gate": "${environment.vars.gate}", "ui": "https://deck.${environment.name}.example"},
        {"poll": "${params.poll}", "timeout": "${params.minutes}m", "settle": 90},
        {"conflicts": ["${params.app}/Clean Up", "${params.other}", "shop/a/b"]},
        {"auth": {"certificate": {"cert": "a.pem"}, "ca": {"secret": "ca"}, "session": PASSWORD}},
        {"parameters": {"version": "1", "count": 2, "token": {"secret": "token"}}},
        {"poll": "0.5s", "request_timeout": 2.5},
    ],
)
def test_accepted(table: dict[str, object]) -> None:
    settings(**table)


def test_a_whole_list_may_be_a_reference() -> None:
    SpinnakerSettings(**GIVEN, conflicts=REFERENCE)  # type: ignore[arg-type]  # before it is resolved


def test_durations() -> None:
    assert [seconds(one) for one in ("1h30m", "0.5s", 7, "1d")] == [5400, 0.5, 7, 86400]


def test_a_password_is_not_shown() -> None:
    password = Secret.of("gate", "hush")
    shown = repr(settings(auth={"basic": {"username": "ada", "password": password}}))
    assert "hush" not in shown


def test_editors_get_a_schema() -> None:
    made = msgspec.json.schema(SpinnakerSettings)
    assert set(GIVEN) <= set(made["$defs"]["SpinnakerSettings"]["properties"])


@pytest.mark.parametrize(
    ("ui", "url"),
    [
        (None, "https://gate.example/pipelines/01J%2F"),
        (
            "https://deck.example/",
            "https://deck.example/#/applications/a%20b/executions/details/01J%2F",
        ),
    ],
)
def test_where_an_execution_is_seen(ui: str | None, url: str) -> None:
    assert execution_url(settings(ui=ui), "a b", "01J/") == url
