"""Every kind of credentials is taken, and a wrong one is told in words that name the setting."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from orchestrator_spinnaker import check, conflicts
from orchestrator_spinnaker.access import open_gate
from orchestrator_spinnaker.errors import NotLetIn, NotTaken

from orchestrator.plugin import Secret
from spinnaker_tests.spinnaker_bench import Place, SpinnakerBench
from spinnaker_tests.spinnaker_steps import (
    PIPELINE,
    Steps,
    basic,
    errors,
    open_steps,
    patience,
    warnings,
)
from tests.testbed.spinnaker.spinnaker_bed import Bed
from tests.testbed.spinnaker.spinnaker_gate import Call, Fault, Gate
from tests.testbed.spinnaker.spinnaker_pipelines import pipeline, verdict
from tests.testbed.spinnaker.spinnaker_users import ADA, BOB, EVE, GRACE, Authority, User

pytestmark = pytest.mark.spinnaker


@pytest.fixture(autouse=True)
def configured(gate: Gate) -> None:
    gate.configure(pipeline(PIPELINE, verdict("test")))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "certificates")
    made.make()
    return made


@pytest.fixture
def tls_steps(tmp_path: Path, spinnaker: Bed, authority: Authority) -> Iterator[Steps]:
    """Before a front that speaks TLS."""
    with Gate(spinnaker, authority) as gate:
        gate.configure(pipeline(PIPELINE, verdict("test")))
        with open_steps(tmp_path / "steps", gate) as steps:
            yield steps


def secret(value: str) -> Secret:
    return Secret.of("gate", value)


def session(user: User = ADA, password: str | None = None) -> dict[str, Any]:
    given = secret(user.password if password is None else password)
    return {"session": {"username": user.name, "password": given}}


def plain_session() -> dict[str, Any]:
    """The same, as a file may give it."""
    return {"session": {"username": ADA.name, "password": ADA.password}}


@pytest.mark.parametrize(
    "auth",
    [
        basic(),
        {"basic": {"username": secret(ADA.name), "password": ADA.password}},
        {"bearer": secret(ADA.token)},
        {"bearer": secret(f"{ADA.token}\n")},
        session(),
    ],
    ids=["basic", "basic, a secret name", "bearer", "bearer, a line", "session"],
)
async def test_right_credentials_are_let_in(steps: Steps, auth: dict[str, Any]) -> None:
    assert await check.problems(steps.step(auth=auth)) == ()
    assert {one.user for one in steps.gate.asked(Call.CONFIG)} == {ADA.name}


WRONG = "wrong-and-secret"


@pytest.mark.parametrize(
    ("auth", "setting", "text"),
    [
        ({}, "auth", "asks for a login (302 to /login): this step has no `auth`"),
        (basic(password=WRONG), "auth.basic", "name or the password of `auth.basic` is wrong"),
        (basic(GRACE.name, GRACE.password), "auth.basic", "asks for a login (302 to /login)"),
        ({"bearer": secret(WRONG)}, "auth.bearer", "`auth.bearer` is wrong, or has expired"),
        ({"bearer": secret(f"{WRONG} \n x")}, "auth.bearer", "`auth.bearer` is no token"),
        ({"bearer": secret("")}, "auth.bearer", "`auth.bearer` is no token"),
        (session(password=WRONG), "auth.session", "or the password of `auth.session` is wrong"),
        (basic(EVE.name, EVE.password), "auth.basic", "required authorization: READ"),
    ],
    ids=[
        "no auth",
        "basic, a wrong password",
        "basic, nobody we know",
        "bearer, a wrong token",
        "bearer, two lines",
        "bearer, no token",
        "session, a wrong password",
        "basic, who may not look",
    ],
)
async def test_wrong_credentials(
    steps: Steps, auth: dict[str, Any], setting: str, text: str
) -> None:
    found = errors(await check.problems(steps.step(auth=auth)))
    assert [one for one, _ in found] == [setting]
    assert text in found[0][1]
    assert WRONG not in found[0][1]


async def test_who_may_only_look_may_check(steps: Steps) -> None:
    assert await check.problems(steps.step(auth=basic(BOB.name, BOB.password))) == ()


# --- sessions -------------------------------------------------------------------------------


async def test_a_session_is_opened_once(steps: Steps) -> None:
    async with open_gate(steps.step(auth=session())) as gate:
        for _ in range(3):
            await gate.pipeline(steps.gate.application, PIPELINE)
    assert len(steps.gate.asked(Call.LOGIN)) == 1


async def test_a_session_that_is_over_is_opened_again(steps: Steps) -> None:
    async with open_gate(steps.step(auth=session())) as gate:
        await gate.pipeline(steps.gate.application, PIPELINE)
        steps.gate.expire_sessions()
        id = await gate.trigger(steps.gate.application, PIPELINE, {}, "once")
        assert (await gate.execution(id)).trigger.user == ADA.name
    assert len(steps.gate.asked(Call.LOGIN)) == 2
    assert [one.user for one in steps.gate.asked(Call.TRIGGER)] == [None, ADA.name]


async def test_a_refused_session_is_reopened_once(steps: Steps) -> None:
    """A session that is not taken is opened again only once."""
    async with open_gate(steps.step(auth=session())) as gate:
        with (
            steps.gate.fault(Fault.LOGIN, Call.CONFIG),
            pytest.raises(NotLetIn, match="does not take the session"),
        ):
            await gate.pipeline(steps.gate.application, PIPELINE)
    assert len(steps.gate.asked(Call.LOGIN)) == 2
    assert len(steps.gate.asked(Call.CONFIG)) == 2


@pytest.mark.parametrize("fault", [Fault.GATE_503, Fault.CUT_AFTER, Fault.HUNG])
async def test_a_login_that_fails_has_started_nothing(steps: Steps, fault: Fault) -> None:
    async with open_gate(steps.step(auth=session(), request_timeout=patience(fault))) as gate:
        with steps.gate.fault(fault, Call.LOGIN), pytest.raises(NotTaken):
            await gate.trigger(steps.gate.application, PIPELINE, {}, "never")
        assert steps.gate.asked(Call.TRIGGER) == []
        await gate.pipeline(steps.gate.application, PIPELINE)


def test_a_session_may_end_midway(place: Place, bench: SpinnakerBench) -> None:
    """A session that ends in the middle is no matter."""
    job = bench.begin(place.of(verdict("long", hold=True), auth=plain_session()))
    id = bench.until_running()
    bench.until_followed(job)
    place.gate.expire_sessions()
    place.bed.release(id, "long")
    assert bench.finished(job)["conclusion"] == "success"
    logins = place.gate.asked(Call.LOGIN)
    assert len(logins) >= 2
    assert place.runs() == 1


# --- certificates ---------------------------------------------------------------------------


def pem(file: Path) -> tuple[str, str]:
    """Certificates and key of a PEM file that holds both."""
    text = file.read_text()
    begin = text.index("-----BEGIN CERTIFICATE")
    return text[begin:], text[:begin]


async def test_a_ca_of_ones_own(tls_steps: Steps, authority: Authority) -> None:
    link = tls_steps.work / "ca.pem"
    link.write_bytes(authority.ca.read_bytes())
    text = authority.ca.read_text()
    (tls_steps.work / "bundle.pem").write_text(f"# Főtanúsítvány\n{text}")
    for ca in (str(authority.ca), "ca.pem", "bundle.pem", secret(text), secret(f"Tú\n{text}")):
        auth = {**basic(), "ca": ca}
        assert await check.problems(tls_steps.step(auth=auth)) == ()


async def test_a_certificate_proves_who_we_are(tls_steps: Steps, authority: Authority) -> None:
    whole = authority.certificate(ADA)
    cert, key = pem(whole)
    (tls_steps.work / "ada.crt").write_text(cert)
    (tls_steps.work / "ada.key").write_text(key)
    for certificate in (
        {"cert": str(whole)},
        {"cert": "ada.crt", "key": "ada.key"},
        {"cert": secret(whole.read_text())},
        {"cert": secret(cert), "key": secret(key)},
        {"cert": "ada.crt", "key": secret(key)},
    ):
        auth = {"certificate": certificate, "ca": str(authority.ca)}
        assert await check.problems(tls_steps.step(auth=auth)) == ()
    assert {one.user for one in tls_steps.gate.asked(Call.CONFIG)} == {ADA.name}
    assert "PRIVATE KEY" not in "".join(
        file.read_text() for file in tls_steps.bench.state_dir.rglob("*") if file.suffix == ".json"
    )


async def test_certificates_that_are_not_taken(tls_steps: Steps, authority: Authority) -> None:
    ada, grace = authority.certificate(ADA), authority.certificate(GRACE)
    foreign = authority.certificate(ADA, foreign=True)
    cert, key = pem(ada)
    for certificate, setting, text in (
        ({"cert": str(foreign)}, "auth.certificate", "does not know the authority of our client"),
        ({"cert": str(grace)}, "auth.certificate", "knows nobody by the certificate"),
        ({"cert": "gone.pem"}, "auth.certificate.cert", "gone.pem: no such file"),
        ({"cert": secret(cert), "key": "gone.key"}, "auth.certificate.key", "gone.key: no such"),
        ({"cert": secret(cert)}, "auth.certificate", "secret gate: a certificate and its key in"),
        (
            {"cert": secret(cert), "key": secret(pem(grace)[1])},
            "auth.certificate",
            "the key is that of another certificate",
        ),
    ):
        auth = {"certificate": certificate, "ca": str(authority.ca)}
        found = errors(await check.problems(tls_steps.step(auth=auth)))
        assert [one for one, _ in found] == [setting], found
        assert text in found[0][1]
        assert key.split("\n")[1] not in found[0][1]


async def test_a_certificate_that_is_wanted_and_not_given(tmp_path: Path, spinnaker: Bed) -> None:
    authority = Authority(tmp_path / "certificates", insists=True)
    with Gate(spinnaker, authority) as gate, open_steps(tmp_path / "steps", gate) as steps:
        gate.configure(pipeline(PIPELINE, verdict("test")))
        step = steps.step(auth={**basic(), "ca": str(authority.ca)})
        (found,) = errors(await check.problems(step))
        assert found[0] == "auth.certificate"
        assert "Gate wants a client certificate" in found[1]
        with pytest.raises(NotLetIn, match="wants a client certificate"):
            await conflicts.acquire(step)
        whole = str(authority.certificate(ADA))
        auth = {"certificate": {"cert": whole}, "ca": str(authority.ca)}
        assert await check.problems(steps.step(auth=auth)) == ()


async def test_a_server_that_we_do_not_trust(tls_steps: Steps, authority: Authority) -> None:
    for ca, setting, text in (
        (None, "auth.ca", "the certificate of Gate at"),
        ("gone.pem", "auth.ca", "/gone.pem: no such file or directory; it is looked for where"),
        ("/no/gone.pem", "auth.ca", "`auth.ca`: /no/gone.pem: no such file or directory"),
        (secret("nothing"), "auth.ca", "the secret gate holds no certificate in PEM form"),
        (secret(""), "auth.ca", "the secret gate holds no certificate in PEM form"),
    ):
        auth = basic() if ca is None else {**basic(), "ca": ca}
        found = errors(await check.problems(tls_steps.step(auth=auth)))
        assert [one for one, _ in found] == [setting], found
        assert text in found[0][1]
    assert tls_steps.gate.requests == [], "credentials were sent to somebody unknown"


# --- addresses ------------------------------------------------------------------------------


async def test_http_to_another_host_is_warned_of(steps: Steps) -> None:
    steps.bench.env["NO_PROXY"] = "*"
    assert warnings(await check.problems(steps.step())) == []
    step = steps.step(gate="http://gate.invalid:1")
    problems = await check.problems(step)
    assert warnings(problems) == [
        ("gate", "http shows what `auth.basic` holds to everybody on the way: let it be https")
    ]
    assert errors(problems) == [
        (
            "gate",
            "Gate at http://gate.invalid:1 can't be reached: there is no host of this name",
        )
    ]


async def test_a_gate_that_is_not_there(steps: Steps) -> None:
    steps.gate.down()
    (found,) = errors(await check.problems(steps.step()))
    assert found == ("gate", f"Gate at {steps.gate.url} can't be reached: connection refused")


async def test_tls_where_there_is_none(steps: Steps) -> None:
    address = steps.gate.url.replace("http:", "https:")
    (found,) = errors(await check.problems(steps.step(gate=address)))
    assert "it does not speak TLS" in found[1]


async def test_only_the_proxy_of_the_step_counts(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy of the step is used, and the daemon's is not."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert await check.problems(steps.step()) == ()
    steps.bench.env["http_proxy"] = steps.gate.url
    step = steps.step(gate="http://gate.invalid:7001")
    assert errors(await check.problems(step)) == [], "the front, as a proxy, was asked"
    steps.bench.env["http_proxy"] = "socks5://ada:hush@127.0.0.1:1"
    ((setting, text),) = errors(await check.problems(step))
    assert (setting, text) == (
        "gate",
        "HTTP_PROXY of this step names a socks5 proxy; only http and https ones are used",
    )


async def test_who_asks(steps: Steps) -> None:
    async with open_gate(steps.step()) as gate:
        assert gate._client.headers["User-Agent"].startswith("orchestrator-spinnaker/")
