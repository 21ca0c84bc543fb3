"""`emsp tokens`: cards and contracts brought in one by one and by file, listed, blocked and handed out."""

import asyncio
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from emsp.cli.tokens import cli
from tests.charging.conftest import Place

HEADER = "uid,contract_id,visual_number,driver\n"


async def emsp(*arguments: object, status: int = 0) -> str:
    """What the command says."""
    told = await asyncio.to_thread(CliRunner().invoke, cli, [str(argument) for argument in arguments])
    assert told.exit_code == status, told.output
    return told.output


async def asked(*arguments: object) -> list[dict[str, Any]]:
    return list(json.loads(await emsp(*arguments, "--json")))


async def test_that_a_card_is_brought_in_handed_out_and_blocked(place: Place) -> None:
    [card] = await asked("add", "04A2B3C4", "--visual-number", "1234 5678")
    assert (card["uid"], card["visual_number"], card["driver_id"]) == ("04A2B3C4", "12345678", None)
    assert card["contract_id"].startswith("NLEMPC")
    assert len(card["contract_id"]) == 15

    [assigned] = await asked("assign", "04-A2-B3-C4", "--driver", "ada@example.com")
    assert assigned["driver_id"] == str(place.driver.id)
    [blocked] = await asked("block", card["contract_id"])
    assert blocked["blocked_at"] is not None
    [free] = await asked("unblock", card["id"])
    assert free["blocked_at"] is None
    [gone] = await asked("block", card["id"], "--for-good")
    assert (gone["driver_id"], gone["blocked_at"] is None) == (None, False)
    await asked("unblock", card["id"])
    await asked("assign", card["id"], "--driver", "ada@example.com")
    [listed] = await asked("list", "--driver", "Ada@example.com")
    assert (listed["uid"], listed["driver"]) == ("04A2B3C4", "ada@example.com")
    [taken] = await asked("assign", "04A2B3C4")
    assert taken["driver_id"] is None
    assert "there is no card or contract 'nothing'" in await emsp("block", "nothing", status=1)


async def test_that_a_contract_in_a_car_has_the_uid_of_its_contract(place: Place) -> None:
    [contract] = await asked("add", "--kind", "emaid", "--contract", "nl-emp-c00000009", "--driver", "ada@example.com")
    assert (contract["kind"], contract["uid"]) == ("EMAID", contract["contract_id"])


async def test_that_a_fleet_pays_for_its_own_drivers_only(place: Place) -> None:
    wish = ("add", "04A2B3C4", "--driver", "ada@example.com", "--fleet", "11111111-1111-1111-1111-111111111111")
    assert "fleet: must be a fleet that the driver is in" in await emsp(*wish, status=1)
    assert await asked("list") == []


async def test_that_a_file_is_brought_in_whole_or_not_at_all(place: Place, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(HEADER + "04A2B3C4,,1001,ada@example.com\n04A2B3C5,NLEMPC00000002,1002,\n")
    bad.write_text(HEADER + "04A2B3C6,,1003,\nmine,,1004,\n04A2B3C4,,1005,\n04A2B3C7,,1001,nobody\n")
    assert await asked("import", good) == [{"imported": 2}]
    told = await emsp("import", bad, status=1)
    assert "nothing was brought in" in told
    assert "line 3: uid: must be 8 to 20 hexadecimal digits" in told
    assert "line 4: uid: 04A2B3C4 is there already" in told
    assert "line 5: email: must be an e-mail address" in told
    assert "line 2" not in told
    assert sorted(row["uid"] for row in await asked("list")) == ["04A2B3C4", "04A2B3C5"]


async def test_that_a_file_without_the_right_header_is_refused(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "cards.csv"
    file.write_text("number\n1\n")
    assert "the header must be of uid" in await emsp("import", file, status=2)
    await emsp("import", tmp_path / "none.csv", status=2)
