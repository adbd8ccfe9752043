"""Work a piece ahead: while one is used, the next one is being made."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TypeVar

__all__ = ["one_ahead"]

_T = TypeVar("_T")


async def one_ahead(source: AsyncGenerator[_T, None]) -> AsyncGenerator[_T, None]:
    """Give what *source* gives, in order; the one after it is made meanwhile.

    What goes wrong with a piece is raised when its turn comes. *source* is closed at the end.
    """
    async with aclosing(source):
        following = asyncio.ensure_future(anext(source))
        try:
            while True:
                try:
                    piece = await following
                except StopAsyncIteration:
                    return
                following = asyncio.ensure_future(anext(source))
                yield piece
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await following
