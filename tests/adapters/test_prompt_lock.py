"""The lock that costs no turn of the scheduler where it is free."""

from __future__ import annotations

import trio
import trio.testing

from p2p.adapters.prompt_lock import PromptLock


async def test_a_free_lock_is_had_at_once() -> None:
    lock = PromptLock()
    with trio.testing.assert_no_checkpoints():
        async with lock:
            pass
        async with lock:
            pass


async def test_those_who_wait_have_it_one_by_one_in_their_order() -> None:
    lock = PromptLock()
    inside: list[str] = []

    async def take(name: str) -> None:
        async with lock:
            inside.append(name)
            await trio.testing.wait_all_tasks_blocked()
            inside.append(name)

    async with trio.open_nursery() as nursery:
        for name in "abc":
            nursery.start_soon(take, name)
            await trio.testing.wait_all_tasks_blocked(0.01)
    assert "".join(inside) == "aabbcc"


async def test_who_gives_up_waiting_leaves_it_to_others() -> None:
    lock = PromptLock()
    inside: list[str] = []

    async def take(name: str, patience_s: float) -> None:
        with trio.move_on_after(patience_s):
            async with lock:
                inside.append(name)

    async with trio.open_nursery() as nursery, lock:
        nursery.start_soon(take, "hasty", 0.0)
        nursery.start_soon(take, "patient", 60.0)
        await trio.testing.wait_all_tasks_blocked(0.01)
    assert inside == ["patient"]
