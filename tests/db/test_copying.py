"""What COPY writes is what it was given, whatever signs are in it."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text

from emsp.db.copying import copied, copy, copy_texts
from emsp.db.engine import transaction

ODD = [
    "",
    "null",
    "NULL",
    "\\N",
    "\\.",
    '"',
    "\\",
    "\\n",
    "\\u0041",
    "\n",
    "\r\n",
    "\t",
    "\x01\b\f",
    "]\n[",
    "{a,b}",
    ",",
    "ä€😀",
    "WORD_1",
    "ÄÖ",
]
COLUMNS = {
    "id": "int",
    "word": "text",
    "yes": "bool",
    "place": "float8",
    "at": "timestamptz",
    "who": "uuid",
    "words": "text[]",
    "said": "jsonb",
}


async def test_what_is_copied_is_what_was_given(database: str) -> None:
    at, who = datetime(2026, 6, 1, 10, 0, 0, 5, UTC), UUID(int=7)
    usual = {"yes": True, "place": 4.9, "at": at, "who": who}
    odd = [
        {"id": position, "word": word, **usual, "words": [word, word, "BARE"], "said": {word: [word, 1.5, None]}}
        for position, word in enumerate(ODD)
    ]
    bare = {"id": 100, "word": None, **dict.fromkeys(usual), "words": [], "said": None}
    lacking = {**dict.fromkeys(COLUMNS), "id": 103}
    async with transaction() as db:
        await db.execute(text(f"CREATE TEMP TABLE copied ({', '.join(map(' '.join, COLUMNS.items()))})"))
        for some in ([*odd, bare], [], [{**bare, "id": 101, "word": "plain\nwords"}], [{**odd[0], "id": 102}, lacking]):
            await copy(db, "copied", list(COLUMNS), b"".join(copied(some, COLUMNS)))
        found = [dict(row) for row in (await db.execute(text("SELECT * FROM copied ORDER BY id"))).mappings()]
    assert found == [*odd, bare, {**bare, "id": 101, "word": "plain\nwords"}, {**odd[0], "id": 102}, lacking]


async def test_texts_are_copied_as_they_are(database: str) -> None:
    rows = [(str(position), word) for position, word in enumerate(ODD)]
    async with transaction() as db:
        await db.execute(text("CREATE TEMP TABLE texts (id int, word text)"))
        await copy_texts(db, "texts", ["id", "word"], rows)
        found = (await db.execute(text("SELECT id::text, word FROM texts ORDER BY texts.id"))).all()
    assert [tuple(row) for row in found] == rows
