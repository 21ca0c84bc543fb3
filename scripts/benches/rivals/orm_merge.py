"""Rows by the ORM: a `merge` for every station, EVSE and connector, a commit for every page."""

from __future__ import annotations

from time import perf_counter

from sqlalchemy import create_engine
from sqlmodel import Session, col, select

from emsp.stations.tables import Connector, Evse, Station

PAGE = 100


def merge_all(source: str, target: str, after: int, count: int) -> tuple[int, float]:
    """Merge so many stations of one database, those with ids after one, into another; how many, and the seconds."""
    with Session(_engine(source)) as session:
        stations = session.exec(
            select(Station).where(col(Station.id) > after).order_by(col(Station.id)).limit(count)
        ).all()
        ids = [station.id for station in stations]
        evses = session.exec(select(Evse).where(col(Evse.station_id).in_(ids))).all()
        plugs = session.exec(select(Connector).where(col(Connector.evse_id).in_([evse.id for evse in evses]))).all()
        rows = [[row.model_dump() for row in found] for found in (stations, evses, plugs)]
    evses_of: dict[int, list[Evse]] = {}
    plugs_of: dict[int, list[Connector]] = {}
    for row in rows[1]:
        evses_of.setdefault(row["station_id"], []).append(Evse(**row))
    for row in rows[2]:
        plugs_of.setdefault(row["evse_id"], []).append(Connector(**row))
    made = [Station(**row) for row in rows[0]]
    started = perf_counter()
    with Session(_engine(target)) as session:
        for number, station in enumerate(made, start=1):
            session.merge(station)
            for evse in evses_of.get(station.id or 0, []):
                session.merge(evse)
                for plug in plugs_of.get(evse.id or 0, []):
                    session.merge(plug)
            if number % PAGE == 0:
                session.commit()
        session.commit()
    return len(made), perf_counter() - started


def _engine(url: str):  # type: ignore[no-untyped-def]
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
