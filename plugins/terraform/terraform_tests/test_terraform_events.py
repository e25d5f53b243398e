"""Reading `-json`: the lines are terraform 1.11.4's, shortened."""

import pytest
from orchestrator_terraform.events import Changes, Event, Tally, parse, shown, tally


def line(type: str, message: str = "", rest: str = "") -> bytes:
    extra = f",{rest}" if rest else ""
    return f'{{"@level":"info","@message":"{message}","type":"{type}"{extra}}}\n'.encode()


VERSION = line("version", "Terraform 1.11.4", '"terraform":"1.11.4","ui":"1.2"')
WAITING = line("state_lock_acquire", "Acquiring state lock. This may take a few moments...")
PLANNED = line("planned_change", "terraform_data.a: Plan to create", '"change":{"action":"create"}')
REPLACED = line("planned_change", "b: Plan to replace", '"change":{"action":"replace"}')
HOOK = '"hook":{"resource":{"addr":"terraform_data.a","resource_key":null},"action":"create"'
STARTED = line("apply_start", "terraform_data.a: Creating...", HOOK + "}")
COMPLETE = line(
    "apply_complete",
    "terraform_data.a: Creation complete after 0s [id=84cd]",
    HOOK + ',"id_key":"id","id_value":"84cd","elapsed_seconds":0}',
)
INTERRUPT = line(
    "log",
    r"\nInterrupt received.\nPlease wait for Terraform to exit or data loss may occur.\n"
    r"Gracefully shutting down...\n",
)
SUMMARY = line(
    "change_summary",
    "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.",
    '"changes":{"add":1,"change":0,"import":0,"remove":0,"operation":"apply"}',
)
ERROR = (
    b'{"@level":"error","@message":"Error: local-exec provisioner error","type":"diagnostic",'
    b'"diagnostic":{"severity":"error","summary":"local-exec provisioner error",'
    b'"detail":"Error running command \'exit 3\': exit status 3. Output: ",'
    b'"address":"terraform_data.b[0]","range":{"filename":"main.tf","start":{"line":6}}}}\n'
)


def test_a_whole_apply_is_counted() -> None:
    counted = tally([VERSION, PLANNED, REPLACED, STARTED, COMPLETE, SUMMARY])
    assert (counted.done, counted.planned) == (1, 3)
    assert counted.summary == Changes(add=1, operation="apply")
    assert counted.summary.summary == "+1 ~0 -0"
    assert counted.ended
    assert not counted.interrupted


def test_what_was_created_is_remembered_with_its_id() -> None:
    assert tally([STARTED]).created == {"terraform_data.a": None}
    assert tally([STARTED, COMPLETE]).created == {"terraform_data.a": "84cd"}


def test_imports_are_named_where_there_are_some() -> None:
    assert Changes(change=2, imported=1).summary == "+0 ~2 -0 import 1"


@pytest.mark.parametrize(
    ("lines", "holds"),
    [
        ([VERSION, WAITING], False),
        ([VERSION, WAITING, INTERRUPT, ERROR], False),
        ([VERSION, PLANNED], True),
        ([VERSION, WAITING, PLANNED], True),
    ],
    ids=["waits", "interrupted while it waits", "plans", "plans after a wait"],
)
def test_what_proves_the_lock(lines: list[bytes], holds: bool) -> None:
    """What comes before the lock does not prove that it is held."""
    assert tally(lines).holds_lock is holds


@pytest.mark.parametrize(
    ("last", "ended"),
    [(COMPLETE, False), (SUMMARY, True), (ERROR, True)],
    ids=["one is complete", "summary", "error"],
)
def test_a_summary_and_an_error_are_the_end(last: bytes, ended: bool) -> None:
    assert tally([PLANNED, last]).ended is ended


def test_terraform_says_that_it_was_interrupted() -> None:
    assert tally([VERSION, INTERRUPT]).interrupted


def test_the_reason_is_the_first_error() -> None:
    """The reason is the first error and how many more."""
    first = "local-exec provisioner error: Error running command 'exit 3': exit status 3. Output:"
    assert tally([ERROR]).reason == first
    assert tally([ERROR, ERROR]).reason == first + " (and 1 more)"


def test_an_error_is_shown_with_its_place() -> None:
    assert shown(parse(ERROR)).splitlines() == [
        "Error: local-exec provisioner error",
        "  on main.tf line 6",
        "  with terraform_data.b[0]",
        "",
        "  Error running command 'exit 3': exit status 3. Output:",
    ]


@pytest.mark.parametrize(
    "quiet",
    [VERSION, PLANNED, line("outputs", "Outputs: 3")],
    ids=["version", "plan", "outputs"],
)
def test_what_is_told_elsewhere_is_not_shown(quiet: bytes) -> None:
    assert shown(parse(quiet)) == ""


def test_nothing_acts_on_a_terminal() -> None:
    """What a terminal would act on is not shown."""
    hostile = line(
        "provision_progress", r"a (local-exec): \u001b[31mred\u001b]0;title\u0007 \u009bx"
    )
    assert shown(parse(hostile)) == "a (local-exec): red x"


@pytest.mark.parametrize("text", [b"not json\n", b"[1]\n", b'{"no":"type"}\n', b"\xff\n"])
def test_other_lines_are_shown_as_they_are(text: bytes) -> None:
    """Other lines are shown as they are, and count nothing."""
    event = parse(text)
    assert isinstance(event, str)
    counted = Tally()
    counted.add(event)
    assert not counted.holds_lock


def test_an_unknown_event_is_shown() -> None:
    event = parse(line("ephemeral_op_start", "ephemeral.x: Opening..."))
    assert isinstance(event, Event)
    assert shown(event) == "ephemeral.x: Opening..."
