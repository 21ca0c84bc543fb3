"""What the apps of a run ask for, as GraphQL documents."""

PLACES = """
query ($after: String) {
  stations(where: {box: {west: -30, south: 30, east: 40, north: 72}}, filter: {availableNow: true, remoteStart: true},
           first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { evses { evseId status connectors { id maxPowerKw tariff { missingReason } } } }
  }
}"""
QUOTE = """
mutation ($input: QuoteChargeInput!) {
  quoteCharge(input: $input) { quote { id total { amount currency } } errors { code message } }
}"""
START = """
mutation ($input: StartChargingInput!) {
  startCharging(input: $input) { session { id state } errors { code message } }
}"""
STOP = """
mutation ($id: ID!) {
  stopCharging(sessionId: $id, input: {idempotencyKey: "stop"}) { session { id state } errors { code message } }
}"""
REDEEM = """
mutation ($code: String!) { redeemVoucher(input: {code: $code}) { credit { amount } errors { code message } } }"""
TOP_UP = """
mutation ($input: TopUpBalanceInput!) {
  topUpBalance(input: $input) { topUp { state clientSecret } errors { code message } }
}"""
PAY_DUE = """
mutation ($input: PayDueInput!) { payDue(input: $input) { status clientSecret errors { code message } } }"""
LOOK = """
query ($id: ID!) { chargingSession(id: $id) { id state stateReason energyWh receipt { total { amount currency } } } }"""
ME = "{ viewer { driver { id } } }"
CREATE_FLEET = """mutation { createFleet(input: {name: "Couriers"}) { fleet { id } errors { code message } } }"""
ADD_MEMBER = """
mutation ($fleetId: ID!, $email: String!) {
  addFleetMember(input: {fleetId: $fleetId, email: $email, role: DRIVER}) { errors { code message } }
}"""
