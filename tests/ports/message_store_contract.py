"""What every store does with messages."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from p2p.errors import Conflict
from p2p.ports.store import Direction, MessageState, Store
from p2p.wire.ids import AccountKey, MessageId, Tag
from tests.ports.store_rows import ALICE, BOB, everything, history, message, message_id, orders


class MessageContract:
    def test_comes_back_as_it_was(self, store: Store) -> None:
        row = message(1, direction=Direction.IN, state=MessageState.RECEIVED, text="Zażółć \0 🐟")
        with store.transaction():
            assert store.add_message(row)
        assert store.message(row.id, Direction.IN) == replace(row, order=1)
        assert store.message(row.id, Direction.OUT) is None
        assert store.message(message_id(2), Direction.IN) is None

    def test_a_known_id_and_direction_is_not_kept_again(self, store: Store) -> None:
        with store.transaction():
            assert store.add_message(message(1, text="first")) == 1
            assert not store.add_message(message(1, text="second", contact=BOB))
            assert not store.add_message(message(1, text="second", order=7))
            assert store.add_message(message(1, text="other way", direction=Direction.IN))
        assert [row.text for row in everything(store)] == ["first", "other way"]

    def test_orders_count_from_one(self, store: Store) -> None:
        with store.transaction():
            for number in (5, 3, 4):
                store.add_message(message(number))
        assert [(row.order, row.id) for row in everything(store)] == [
            (1, message_id(5)),
            (2, message_id(3)),
            (3, message_id(4)),
        ]

    def test_an_order_that_is_named_is_kept(self, store: Store) -> None:
        with store.transaction():
            assert store.add_message(message(1, order=10)) == 10
            assert store.add_message(message(2, order=4)) == 4
            assert store.add_message(message(3)) == 11
        assert orders(store) == [4, 10, 11]

    def test_an_order_that_is_taken_is_refused(self, store: Store) -> None:
        with store.transaction():
            store.add_message(message(1))
            with pytest.raises(Conflict):
                store.add_message(message(2, order=1))
            store.add_message(message(3))
        assert [row.id for row in everything(store)] == [message_id(1), message_id(3)]

    def test_an_order_is_never_given_twice(self, store: Store) -> None:
        with store.transaction():
            store.add_message(message(1))
            store.add_message(message(2, contact=BOB))
            store.delete_messages(BOB)
            store.add_message(message(3))
        assert orders(store) == [1, 3]

    def test_update(self, store: Store) -> None:
        with store.transaction():
            store.add_message(message(1))
            store.add_message(message(1, direction=Direction.IN))
            store.update_message(
                message_id(1), Direction.OUT, MessageState.CARRIED, 3, Tag(b"p" * 16)
            )
            store.update_message(
                message_id(9), Direction.OUT, MessageState.CARRIED, 3, Tag(b"p" * 16)
            )
        changed, other = everything(store)
        assert changed == replace(
            message(1),
            order=1,
            state=MessageState.CARRIED,
            carriers=3,
            proof_hash=Tag(b"p" * 16),
        )
        assert other == message(1, direction=Direction.IN, order=2)

    def test_starting(self, store: Store) -> None:
        ids = [bytes.fromhex(text) for text in ("ab" + "00" * 15, "ac" * 16, "a0" + "ff" * 15)]
        with store.transaction():
            for id_ in ids:
                store.add_message(replace(message(1), id=MessageId(id_)))

        def found(prefix: str, limit: int = 10) -> list[bytes]:
            return [row.id for row in store.messages_starting(prefix, limit)]

        assert found("a") == ids
        assert found("A") == ids
        assert found("") == ids
        assert found("a", 2) == ids[:2]
        assert found("a", 0) == []
        assert found("ab") == ids[:1]
        assert found("ac" * 16) == ids[1:2]
        assert found("ac" * 16 + "a") == []
        for other in ("b", "abc", "xyz", "a ", " ", "%", "ab\0"):
            assert found(other) == []

    def test_filters(self, store: Store) -> None:
        with store.transaction():
            store.add_message(message(1))
            store.add_message(message(2, contact=BOB, state=MessageState.CARRIED))
            store.add_message(message(3, direction=Direction.IN, state=MessageState.READ))
            store.add_message(message(4, contact=BOB, direction=Direction.IN))

        def found(
            direction: Direction | None = None,
            contact: AccountKey | None = None,
            states: tuple[MessageState, ...] = (),
            after_order: int = 0,
            limit: int = 10,
        ) -> list[int]:
            rows = store.messages(
                direction=direction,
                contact=contact,
                states=states,
                after_order=after_order,
                limit=limit,
            )
            return [row.order for row in rows]

        assert found() == [1, 2, 3, 4]
        assert found(direction=Direction.IN) == [3, 4]
        assert found(contact=BOB) == [2, 4]
        assert found(states=(MessageState.CARRIED, MessageState.READ)) == [2, 3]
        assert found(direction=Direction.OUT, contact=BOB, states=(MessageState.CARRIED,)) == [2]
        assert found(states=(MessageState.EXPIRED,)) == []
        assert found(after_order=2) == [3, 4]
        assert found(after_order=1, limit=2) == [2, 3]
        assert found(limit=0) == []

    def test_newest(self, store: Store) -> None:
        with store.transaction():
            for number in range(1, 7):
                contact = BOB if number % 2 else ALICE
                direction = Direction.IN if number > 3 else Direction.OUT
                store.add_message(message(number, contact=contact, direction=direction))

        def newest(
            direction: Direction | None = None, contact: AccountKey | None = None, limit: int = 2
        ) -> list[int]:
            found = store.newest_messages(direction=direction, contact=contact, limit=limit)
            return [row.order for row in found]

        assert newest() == [5, 6]
        assert newest(contact=BOB) == [3, 5]
        assert newest(direction=Direction.OUT) == [2, 3]
        assert newest(direction=Direction.IN, contact=BOB, limit=9) == [5]
        assert newest(limit=0) == []

    def test_history_is_oldest_first(self, store: Store) -> None:
        first, *later = entries = [
            history(kind, at_s=1_767_052_800.123456)
            for kind in ("queued", "carried by\n\u2028\x85\0", "arrived", "read")
        ]
        with store.transaction():
            assert store.add_message(message(1), first)
            assert not store.add_message(message(1), history("again"))
            store.add_message(message(1, direction=Direction.IN))
            for number, some in ((1, later[:2]), (1, []), (1, later[2:]), (2, later)):
                store.update_message(
                    message_id(number), Direction.OUT, MessageState.READ, 0, Tag(bytes(16)), *some
                )
        assert store.history(message_id(1), Direction.OUT) == entries
        assert store.history(message_id(1), Direction.IN) == []
        assert store.history(message_id(2), Direction.OUT) == []

    def test_delete_takes_one_contact_with_its_history(self, store: Store) -> None:
        with store.transaction():
            for number, contact in ((1, ALICE), (2, BOB), (3, ALICE)):
                store.add_message(message(number, contact=contact), history("queued"))
            store.delete_messages(ALICE)
            store.delete_messages(AccountKey(b"C" * 32))
        assert [row.id for row in everything(store)] == [message_id(2)]
        assert store.message(message_id(1), Direction.OUT) is None
        assert store.history(message_id(1), Direction.OUT) == []
        assert len(store.history(message_id(2), Direction.OUT)) == 1

    def test_a_contact_cannot_take_the_history_of_anothers_message_along(
        self, store: Store
    ) -> None:
        # The sender chooses a message's id: it may choose that of a message to somebody else.
        with store.transaction():
            store.add_message(message(1, contact=ALICE, direction=Direction.OUT), history("queued"))
            store.add_message(message(1, contact=BOB, direction=Direction.IN), history("received"))
            store.delete_messages(BOB)
        assert len(store.history(message_id(1), Direction.OUT)) == 1
        assert store.history(message_id(1), Direction.IN) == []
