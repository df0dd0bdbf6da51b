"""What every table is made of: names, keys, UTC, JSON, enums and sealed columns.

Personal text is never stored plain. A model declares a binary column and a descriptor over it::

    phone_sealed: Mapped[bytes | None]
    phone = sealed("phone")

and reads and writes ``row.phone`` as a str. Sealing binds the ciphertext to its table, column and
row id, so that a value copied to another row does not open; the id is therefore set in the
constructor (:class:`UuidKey`), not at flush.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime
from enum import Enum as PyEnum
from typing import Annotated, Any, ClassVar, Generic, Protocol, Self, TypeVar, overload
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy import JSON, BigInteger, DateTime, Enum, Integer, MetaData, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

T = TypeVar("T")

Json = JSON().with_variant(JSONB(), "postgresql")
"""A JSON column: JSONB on PostgreSQL, text on SQLite."""

BigKey = Annotated[
    int, mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
]
"""``id: Mapped[BigKey]``: a counted 64-bit key (SQLite counts only INTEGER keys)."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in, an aware datetime in UTC out, on SQLite too (which drops the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone was about to be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_enum(kind: type[PyEnum], name: str | None = None) -> Enum:
    """An enum column: its values as text, held to the list by a CHECK.

    ``name`` is needed only where one table uses the same enum twice.
    """
    return Enum(
        kind,
        name=name or kind.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [str(member.value) for member in members],
        validate_strings=True,
    )


class Base(DeclarativeBase):
    """The declarative base; constraint names are fixed, since migrations call them by name."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


_tick_lock = threading.Lock()
_last_tick = 0


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562, 6.2 method 3); each is greater than the last of its process.

    Its time is the machine's own and means nothing to the product: it only keeps keys in order.
    """
    global _last_tick
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    tick = milliseconds << 12 | (rest << 12) // 1_000_000
    with _tick_lock:
        _last_tick = tick = max(tick, _last_tick + 1)
    head = (tick >> 12) << 80 | 0x7 << 76 | (tick & 0xFFF) << 64
    return UUID(int=head | 0b10 << 62 | secrets.randbits(62))


class UuidKey(Base):
    """A table whose ``id`` is a UUIDv7 set in the constructor, so that a new row can seal."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)

    def __init__(self, **values: Any) -> None:
        self.id = values.pop("id", None) or uuid7()
        super().__init__(**values)


class Cipher(Protocol):
    """What seals personal columns; the keyring adapter is one."""

    def seal(self, plain: bytes, aad: str) -> bytes:
        """Encrypt ``plain``, bound to ``aad`` (what and whose it is)."""
        ...

    def unseal(self, sealed: bytes, aad: str) -> bytes:
        """The reverse; raises when the bytes were changed or belong elsewhere."""
        ...

    def blind(self, text: str) -> bytes:
        """A keyed fingerprint (32 bytes) by which equal texts are found without being read."""
        ...

    def sign(self, text: str) -> bytes:
        """A keyed seal (32 bytes) over a line of the audit chain; never equal to a fingerprint."""
        ...


_cipher: Cipher | None = None


def install_cipher(cipher: Cipher | None) -> None:
    """Set the process's cipher; called once by the composition root."""
    global _cipher
    _cipher = cipher


def cipher() -> Cipher:
    """The installed cipher. Raises RuntimeError before :func:`install_cipher`."""
    if _cipher is None:
        raise RuntimeError("no cipher is installed: personal columns cannot be read or written")
    return _cipher


class Sealed(Generic[T]):
    """A descriptor that seals a value into ``<name>_sealed``; None stays None.

    A value read is a copy: to change a JSON value, assign the whole of it anew. On the class it is
    the descriptor itself, whose :meth:`seal` serves inserts made without an object.
    """

    def __init__(self, name: str, as_json: bool) -> None:
        self.column = f"{name}_sealed"
        self._as_json = as_json
        self._table = ""
        # An opened value stays with its row, which lives as long as its session.
        self._kept = f"{name}_opened"

    def __set_name__(self, owner: type, name: str) -> None:
        # A mixin has no table name; then the row's class is asked.
        self._table = getattr(owner, "__tablename__", "")

    def seal(self, row_id: UUID, value: T, table: str = "") -> bytes | None:
        """The bytes for the column of the row ``row_id``."""
        if value is None:
            return None
        plain = to_json(value) if self._as_json else str(value).encode()
        return cipher().seal(plain, self._aad(table or self._table, row_id))

    def open(self, row_id: UUID, sealed: bytes | None, table: str = "") -> T:
        """The value of column bytes; raises what the cipher raises."""
        if sealed is None:
            return None  # type: ignore[return-value]
        return self._value(cipher().unseal(sealed, self._aad(table or self._table, row_id)))

    def _value(self, plain: bytes) -> T:
        value: T = from_json(plain) if self._as_json else plain.decode()  # type: ignore[assignment]
        return value

    def _aad(self, table: str, row_id: UUID | None) -> str:
        if row_id is None:
            raise RuntimeError(f"{table}.{self.column}: a row must have its id before it seals")
        return f"{table}.{self.column}.{row_id}"

    @overload
    def __get__(self, row: None, owner: type) -> Self: ...
    @overload
    def __get__(self, row: Any, owner: type) -> T: ...
    def __get__(self, row: Any, owner: type) -> Self | T:
        if row is None:
            return self
        sealed = getattr(row, self.column)
        if sealed is None:
            return None  # type: ignore[return-value]
        kept: tuple[bytes, bytes] | None = vars(row).get(self._kept)
        if kept is None or kept[0] is not sealed:
            kept = sealed, cipher().unseal(sealed, self._aad(row.__tablename__, row.id))
            vars(row)[self._kept] = kept
        return self._value(kept[1])

    def __set__(self, row: Any, value: T) -> None:
        setattr(row, self.column, self.seal(row.id, value, row.__tablename__))


def sealed(name: str) -> Sealed[str | None]:
    """A sealed str over the column ``<name>_sealed``."""
    return Sealed(name, as_json=False)


def sealed_json(name: str) -> Sealed[Any]:
    """A sealed JSON value over the column ``<name>_sealed``."""
    return Sealed(name, as_json=True)
