"""The journal as server-sent events."""

from http import HTTPStatus
from typing import Annotated

from litestar import get
from litestar.params import FromQuery, HeaderParameter, QueryParameter

from orchestrator.api.event_stream import EventStream
from orchestrator.api.given import GivenCaller, GivenEngine
from orchestrator.api.problems import refusal
from orchestrator.api.reading import demand_viewer
from orchestrator.api.streaming import EVENT_STREAM, Pushed
from orchestrator.engine.engine import Engine


@get("/v1/events", summary="Read the journal", media_type=EVENT_STREAM)
async def read_events(
    engine: GivenEngine,
    caller: GivenCaller,
    since: Annotated[int | None, QueryParameter(ge=0)] = None,
    follow: FromQuery[bool] = False,
    last_event_id: Annotated[int | None, HeaderParameter(name="Last-Event-ID", ge=0)] = None,
) -> Pushed:
    """Every line after the one that `since` (or `Last-Event-ID`) names; from the first without.

    410 where lines after it were removed by retention. With `follow` the stream goes on.
    """
    async with engine.reading() as world:
        demand_viewer(world, caller, "reading the journal")
    after = since if last_event_id is None else last_event_id
    stream = EventStream(engine, caller, await _checked(engine, after))
    return Pushed(stream.follow if follow else stream.to_the_end, EVENT_STREAM)


async def _checked(engine: Engine, after: int | None) -> int:
    first = await engine.store.first_event_id()
    if after is None:
        return first - 1
    if after < first - 1:
        raise refusal(
            HTTPStatus.GONE,
            "events-pruned",
            f"events after {after} were removed by retention; the oldest that is left is {first}: "
            "read without since",
        )
    newest = await engine.store.last_event_id()
    if after > newest:
        raise refusal(
            HTTPStatus.GONE,
            "unknown-event",
            f"there is no event {after} in this journal, whose newest is {newest}: "
            "read without since",
        )
    return after


handlers = [read_events]
