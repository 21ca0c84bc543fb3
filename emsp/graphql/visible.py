"""Which stations an app of a brand gets to see by their ids: those that a search of that brand may find.

What the brand's network leaves out looks like what is not there. Sessions, receipts, quotes and reservations show
where they were all the same.
"""

from emsp.brands.network import Network, Place, read_network, refusal
from emsp.graphql.stations import Row
from emsp.graphql.viewer import Info
from emsp.pricing.retail.countries import alpha_2


async def sees_station(info: Info, station: Row) -> bool:
    """Whether it is on the asker's map: where the brand limits the power, one of its connectors must be within that."""
    network = read_network(info.context.asker.brand.network_policy)
    if not station.shown or not _within(network, station, None):
        return False
    if network.max_power_w is None:
        return True
    loaders = info.context.loaders
    evses = await loaders.evses_of_stations.load(station.id or 0) or []
    plugs = await loaders.connectors_of_evses.load_many([evse.id or 0 for evse in evses])
    return any(_within(network, station, plug.max_power_w) for some in plugs for plug in some or [])


def _within(network: Network, station: Row, power_w: int | None) -> bool:
    place = Place(
        party=f"{station.country_code}*{station.party_id}",
        country=alpha_2(station.country or station.country_code),
        power_w=power_w,
    )
    return refusal(network, place) is None
