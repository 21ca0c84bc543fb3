// The stations as objects in memory, found by a grid: what a resolver has to do is to hand them out.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const CELL = 0.02;
const cells = new Map();
const key = (x, y) => x * 100000 + y;

export async function load(file) {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const station = JSON.parse(line);
    const { longitude, latitude } = station.coordinates;
    const cell = key(Math.floor((longitude + 180) / CELL), Math.floor((latitude + 90) / CELL));
    if (cells.has(cell)) cells.get(cell).push(station);
    else cells.set(cell, [station]);
  }
}

export function inBox({ west, south, east, north }, first) {
  const found = [];
  const lastX = Math.floor((east + 180) / CELL), lastY = Math.floor((north + 90) / CELL);
  for (let x = Math.floor((west + 180) / CELL); x <= lastX; x++)
    for (let y = Math.floor((south + 90) / CELL); y <= lastY; y++)
      for (const station of cells.get(key(x, y)) ?? []) {
        const { longitude, latitude } = station.coordinates;
        if (longitude >= west && longitude <= east && latitude >= south && latitude <= north) found.push(station);
      }
  const middleX = (west + east) / 2, middleY = (south + north) / 2;
  const narrow = Math.cos((middleY * Math.PI) / 180);
  const far = ({ coordinates: { longitude, latitude } }) =>
    ((longitude - middleX) * narrow) ** 2 + (latitude - middleY) ** 2;
  found.sort((a, b) => far(a) - far(b));
  return { nodes: found.slice(0, first), totalCount: found.length };
}

export const typeDefs = `
  type Query { stations(where: StationPlace!, first: Int): StationConnection! }
  input StationPlace { box: BoxInput }
  input BoxInput { west: Float!, south: Float!, east: Float!, north: Float! }
  type StationConnection { nodes: [Station!]!, totalCount: Int! }
  type Station {
    id: ID!, name: String, coordinates: Coordinates!, address: Address!, operator: Operator!,
    availability: Availability!, evses: [Evse!]!
  }
  type Coordinates { latitude: Float!, longitude: Float! }
  type Address { street: String, city: String, postalCode: String }
  type Operator { name: String! }
  type Availability { available: Int!, occupied: Int!, total: Int! }
  enum EvseStatus { AVAILABLE OCCUPIED RESERVED OUT_OF_SERVICE UNKNOWN }
  type Evse { id: ID!, evseId: String, status: EvseStatus!, connectors: [Connector!]! }
  enum ConnectorStandard { IEC_62196_T2 IEC_62196_T2_COMBO CHADEMO DOMESTIC_F }
  enum ConnectorFormat { SOCKET CABLE }
  enum PowerType { AC_1_PHASE AC_3_PHASE DC }
  type Connector {
    id: ID!, standard: ConnectorStandard!, format: ConnectorFormat!, powerType: PowerType!, maxPowerKw: Float
  }
`;
export const resolvers = { Query: { stations: (_, { where, first }) => inBox(where.box, first ?? 20) } };
