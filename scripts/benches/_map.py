"""The map query of an app: the stations on its screen with all that their pins and cards show."""

from __future__ import annotations

from typing import Any

from _questions import Row

FIELDS = """
  totalCount
  nodes {
    id name coordinates { latitude longitude } address { street city postalCode } operator { name }
    availability { available occupied total }
    evses { id evseId status connectors { id standard format powerType maxPowerKw } }
  }
"""
MAP = f"query Map($box: BoxInput!) {{ stations(where: {{ box: $box }}, first: 100) {{ {FIELDS} }} }}"
POSTGRAPHILE = """
query Map($west: Float!, $south: Float!, $east: Float!, $north: Float!) {
  stations: stationsInBox(west: $west, south: $south, east: $east, north: $north, first: 100) {
    totalCount
    nodes {
      rowId name latitude longitude street city postalCode operator: operatorByOperatorId { name }
      evses: evsesByStationId(orderBy: POSITION_ASC) { nodes {
        rowId printedId status
        connectors: connectorsByEvseId(orderBy: POSITION_ASC) {
          nodes { rowId standard format powerType maxPowerW }
        }
      } }
    }
  }
}
"""
SIDES = ("west", "south", "east", "north")


def asked(box: Row) -> dict[str, Any]:
    """The request's body."""
    return {"query": MAP, "variables": {"box": dict(zip(SIDES, box, strict=True))}}


def asked_postgraphile(box: Row) -> dict[str, Any]:
    """The same of PostGraphile, whose names come from the tables."""
    return {"query": POSTGRAPHILE, "variables": dict(zip(SIDES, box, strict=True))}


def told(answer: Any) -> Any:
    """What all servers must agree on, in one shape. Raises ValueError for an answer with errors."""
    if answer.get("errors"):
        raise ValueError(str(answer["errors"])[:500])
    stations = answer["data"]["stations"]
    return stations["totalCount"], sorted(_station(node) for node in stations["nodes"])


def _station(node: dict[str, Any]) -> tuple[Any, ...]:
    place, address = node.get("coordinates", node), node.get("address", node)
    evses = node["evses"]["nodes"] if isinstance(node["evses"], dict) else node["evses"]
    return (
        node["name"],
        round(place["latitude"], 6),
        round(place["longitude"], 6),
        (address["street"], address["city"], address["postalCode"], node["operator"]["name"]),
        tuple(_evse(evse) for evse in evses),
    )


def _evse(evse: dict[str, Any]) -> tuple[Any, ...]:
    plugs = evse["connectors"]["nodes"] if isinstance(evse["connectors"], dict) else evse["connectors"]
    return (
        evse["evseId"] if "evseId" in evse else evse["printedId"],
        tuple((plug["standard"], plug["format"], plug["powerType"], _power_w(plug)) for plug in plugs),
    )


def _power_w(plug: dict[str, Any]) -> int | None:
    kilowatts, watts = plug.get("maxPowerKw"), plug.get("maxPowerW")
    return round(kilowatts * 1000) if kilowatts is not None else watts
