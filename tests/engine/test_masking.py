"""No form of a secret survives, however what holds it is cut into pieces."""

import base64
import json
import string
import subprocess
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.secrets.masking import HIDDEN, SHORTEST, MaskingStream, Masks
from tests.seed_budget import examples

SECRET = 'p4ss/w+rd?"&é~'
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SECRETS = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "+/=-_ ~\"'\\&%é\n"),
    min_size=SHORTEST,
    max_size=40,
).filter(lambda text: len(text.strip()) >= SHORTEST)


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(whole), *(place % (len(whole) + 1) for place in places)})
    return [whole[begin:end] for begin, end in pairwise(ends)]


def streamed(masks: Masks, pieces: list[bytes]) -> bytes:
    stream = MaskingStream(masks)
    return b"".join(map(stream.feed, pieces)) + stream.close()


def as_base64(text: str, before: int = 0) -> str:
    """The characters that only the secret decides, where `before` bytes stand before it."""
    raw = bytes(before) + text.encode()
    return base64.b64encode(raw).decode()[-(-before * 8 // 6) : len(raw) * 8 // 6]


FORMS = {
    "plain": SECRET,
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 of echo": base64.b64encode(f"{SECRET}\n".encode()).decode(),
    "base64 after 1 byte": as_base64(SECRET, 1),
    "base64 after 2 bytes": as_base64(SECRET, 2),
    "base64 for URLs": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "hex": SECRET.encode().hex(),
    "HEX": SECRET.encode().hex().upper(),
    "URL": quote(SECRET, safe=""),
    "URL path": quote(SECRET),
    "form": quote_plus(SECRET),
    "URL in small letters": quote(SECRET, safe="").lower(),
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON in UTF-8": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "JSON for HTML": json.dumps(SECRET)[1:-1].replace("&", "\\u0026"),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_hidden_in_place(form: str) -> None:
    masks = Masks.of([SECRET])
    size = len(FORMS[form].encode())
    line = f"<{FORMS[form]}> is it\n".encode()
    assert masks.hide(line) == b"<" + b"*" * size + b"> is it\n"
    assert masks.text(f"it is <{FORMS[form]}>") == f"it is <{HIDDEN}>"


@pytest.mark.parametrize("before", ["", "x", "xy", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "@host"])
def test_inside_of_other_base64(before: str, after: str) -> None:
    """Inside of other base64, at most the characters it shares are left."""
    whole = base64.b64encode(f"{before}{SECRET}{after}".encode())
    shown = Masks.of([SECRET]).hide(whole)
    sure = len(SECRET.encode()) * 8 // 6 - 1
    assert b"*" * sure in shown


def test_what_a_shell_shows_of_it_is_hidden() -> None:
    secret = "it's a 'secret'"
    script = 'set -x; : "$SECRET"'
    done = subprocess.run(
        ["sh", "-c", script], env={"SECRET": secret}, capture_output=True, text=True
    )
    assert "secret" in done.stderr
    assert "secret" not in Masks.of([secret]).text(done.stderr)


@examples("masked pieces")
@given(secret=SECRETS, before=ANY_TEXT, after=ANY_TEXT, places=st.lists(st.integers(0), max_size=9))
def test_any_pieces_give_the_whole(secret: str, before: str, after: str, places: list[int]) -> None:
    """Any pieces give what the whole gives, and nothing survives."""
    masks = Masks.of([secret])
    spelled = [
        secret,
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"a{secret}".encode()).decode(),
        base64.urlsafe_b64encode(f"ab{secret}c".encode()).decode(),
        secret.encode().hex(),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret),
    ]
    whole = f"{before}{' '.join(spelled)}{after}".encode()
    shown = masks.hide(whole)
    assert streamed(masks, cut(whole, places)) == shown
    assert len(shown) == len(whole)
    assert shown.count(b"\n") == whole.count(b"\n")
    lines = [line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORTEST]
    for text in [secret, *lines]:
        if "*" in text:
            continue
        raw = text.encode()
        for form in (text, raw.hex(), quote(text, safe=""), quote_plus(text), json.dumps(text)):
            assert form.encode() not in shown
        for before_it in range(3):
            assert as_base64(text, before_it).encode() not in shown


@examples("masked overlaps")
@given(
    secrets=st.lists(st.text("ab\n", min_size=4, max_size=9), max_size=4),
    whole=st.text("ab\nc", max_size=60).map(str.encode),
    places=st.lists(st.integers(0), max_size=20),
)
def test_overlapping_secrets_are_hidden(
    secrets: list[str], whole: bytes, places: list[int]
) -> None:
    """Secrets that overlap and repeat are hidden, wherever pieces end."""
    masks = Masks.of(secrets)
    assert streamed(masks, cut(whole, places)) == masks.hide(whole)


def test_a_secret_that_overlaps_itself_is_hidden() -> None:
    assert Masks.of(["abab"]).hide(b"cababab.") == b"c******."


def test_only_what_may_begin_secrets_waits() -> None:
    """Only what may be the beginning of a secret waits."""
    stream = MaskingStream(Masks.of(["hunter2"]))
    assert stream.feed(b"now hunt") == b"now "
    assert stream.feed(b"ing hun") == b"hunting "
    assert stream.feed(b"ter2!") == b"*******!"
    assert stream.close() == b""


def test_long_lines_are_secrets_too() -> None:
    """Each long line of a secret is one, and short ones are not."""
    masks = Masks.of(["-----BEGIN-----\n  abc\n  c2VjcmV0\n"])
    assert masks.text("c2VjcmV0 abc -----BEGIN-----") == "*** abc ***"
    assert masks.hide(b"-----BEGIN-----\n  abc\n  c2VjcmV0\n").count(b"\n") == 3


@pytest.mark.parametrize("tool", [["base64"], ["base64", "-w", "64"]])
def test_what_tools_wrap_is_hidden_line_by_line(tool: list[str]) -> None:
    secret = "".join(chr(ord("!") + 7 * place % 90) for place in range(150))
    made = subprocess.run(tool, input=secret.encode(), capture_output=True).stdout
    shown = Masks.of([secret]).hide(made)
    assert made.count(b"\n") > 1
    assert set(shown) == set(b"*\n")


def test_hidden_in_tables_and_lists() -> None:
    """Values of all kinds are hidden inside of tables and lists."""
    masks = Masks.of([{"a": "hunter2", "b": [12345678]}, None, True, 3])
    assert masks.value({"hunter2": ["x hunter2", 12345678, True, None]}) == {
        HIDDEN: [f"x {HIDDEN}", HIDDEN, True, None]
    }


def test_without_secrets_nothing_is_touched() -> None:
    masks = Masks.of(["abc", "", "  \n "])
    assert not masks
    assert masks.hide(b"abc") == b"abc"
    assert masks.open_end(b"abc") == 3
