import asyncio

from setpoint.serve.grpc.gathering import MOST, PASSES, Gathering


async def passes(n):
    for _ in range(n):
        await asyncio.sleep(0)


def test_calls_that_come_within_some_passes_are_asked_together():
    async def scenario():
        asked, gathering = [], Gathering()
        for i in range(3):
            gathering.add(lambda i=i: asked.append(i))
            await passes(PASSES - 2)
            assert not asked
        await passes(4)
        assert asked == [0, 1, 2]

    asyncio.run(scenario())


def test_many_are_not_held_back_for_more():
    async def scenario():
        asked, gathering = [], Gathering()
        for i in range(MOST):
            gathering.add(lambda i=i: asked.append(i))
        await passes(2)
        assert len(asked) == MOST

    asyncio.run(scenario())
