"""Whether the daemon lives, and whether it serves. Open to everybody who may connect."""

from litestar import MediaType, get


@get("/healthz", media_type=MediaType.TEXT, summary="Say that the daemon lives")
async def healthz() -> str:
    """`ok` whenever requests are answered at all."""
    return "ok\n"


@get("/readyz", media_type=MediaType.TEXT, summary="Say whether the daemon serves")
async def readyz() -> str:
    """`ok`: the state was recovered before the socket was opened."""
    return "ok\n"


handlers = [healthz, readyz]
