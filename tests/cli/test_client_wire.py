"""The command line believes what the daemon answers: its types are written from the API's."""

from orchestrator.api import wire
from orchestrator.cli.client import wire as client
from tools import client_wire


def test_the_file_is_as_written() -> None:
    """Else: `make wire`."""
    assert client_wire.CLIENT.read_text() == client_wire.written()


def test_a_field_is_called_as_on_the_wire() -> None:
    assert "for" in client.AwaitedRule.__annotations__
    assert client.Job.__annotations__.keys() >= set(wire.JobSummary.__struct_fields__)
