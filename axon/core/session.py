"""Run one engine session within its limits, and let nothing of it be lost or left over."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from axon.engines import Engine, EngineEvent, SessionRequest, SessionResult
from axon.errors import EngineFault

POLL_SECONDS = 0.1
GRACE_SECONDS = 3.0  # between asking a session to end and ending it


def run_session(
    engine: Engine,
    request: SessionRequest,
    *,
    saw: Callable[[EngineEvent], None],
    ended: Callable[[], bool],
    tend: Callable[[], None] = lambda: None,
) -> SessionResult:
    """Drive the session until it ends, its time is up, or `ended()` turns true.

    `saw` gets every event as it happens; `tend` is called some ten times a second, in the same
    thread. What they raise ends the session and is raised here. A session cut short keeps its
    engine session id, so that it can be resumed.
    """

    def stop() -> bool:
        tend()
        return ended()

    return asyncio.run(_drive(engine, request, saw, stop))


async def _drive(
    engine: Engine,
    request: SessionRequest,
    saw: Callable[[EngineEvent], None],
    ended: Callable[[], bool],
) -> SessionResult:
    known = SessionResult(
        fault=EngineFault.CRASHED,
        message="the engine gave no result",
        engine_session=request.resume,
    )

    async def consume() -> SessionResult:
        nonlocal known
        async with aclosing(engine.run(request)) as items:  # type: ignore[type-var]
            async for item in items:
                if isinstance(item, SessionResult):
                    return item
                if item.kind == "init" and item.data.get("session_id"):
                    known = replace(known, engine_session=str(item.data["session_id"]))
                saw(item)
        return known

    session = asyncio.create_task(consume())
    watch = asyncio.create_task(_watch(session, engine, ended))
    try:
        async with asyncio.timeout(request.max_seconds):
            return await session
    except TimeoutError:
        minutes = (request.max_seconds or 0) / 60
        return replace(
            known, fault=EngineFault.TURNS, message=f"passed its limit of {minutes:g} minutes"
        )
    except asyncio.CancelledError:
        if watch.done():
            watch.result()  # which raises what `ended` raised
        return replace(known, message="stopped")
    finally:
        watch.cancel()


async def _watch(
    session: asyncio.Task[SessionResult], engine: Engine, ended: Callable[[], bool]
) -> None:
    try:
        while not ended():
            await asyncio.sleep(POLL_SECONDS)
        engine.interrupt()
        await asyncio.sleep(GRACE_SECONDS)
    finally:  # also when `ended` cannot say
        session.cancel()
