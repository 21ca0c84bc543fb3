"""The GraphQL documents of the demo: what an app sends, in the order in which it sends it."""

REQUEST_CODE = """
mutation ($email: String!) {
  requestSignInCode(input: {email: $email}) { errors { code message } }
}"""

SIGN_IN = """
mutation ($email: String!, $code: String!) {
  signIn(input: {email: $email, code: $code}) { accessToken errors { code message } }
}"""

ADD_CARD = """
mutation {
  addPaymentMethod(input: {cardToken: "pm_card_visa"}) {
    paymentMethod { id brandName last4 expiresAt }
    errors { code message }
  }
}"""

FIND = """
query ($latitude: Float!, $longitude: Float!) {
  stations(
    where: {near: {latitude: $latitude, longitude: $longitude}}
    filter: {availableNow: true, remoteStart: true}
    first: 50
  ) {
    totalCount
    nodes {
      id name distanceM
      address { street city }
      operator { name }
      availability { available total asOf freshness }
      evses {
        evseId label status
        connectors { id standard maxPowerKw tariff { summary missingReason } }
      }
    }
  }
}"""

QUOTE = """
mutation ($connectorId: ID!, $energyWh: Int!) {
  quoteCharge(input: {connectorId: $connectorId, energyWh: $energyWh}) {
    quote {
      id guaranteed validUntil missingReason assumptions evidence
      total { amount currency } worstCase { amount currency } worstCaseUntil
      lines { text amount { amount currency } tax { amount currency } }
    }
    errors { code message }
  }
}"""

START = """
mutation ($input: StartChargingInput!) {
  startCharging(input: $input) {
    session { id state stateReason }
    errors { code message }
  }
}"""

WATCH = """
subscription ($id: ID!) {
  chargingSessionChanged(id: $id) {
    id state stateReason energyWh powerW
    costSoFar { amount currency }
    hold { amount { amount currency } captured { amount currency } released { amount currency } releasesAt }
  }
}"""

STOP = """
mutation ($id: ID!, $key: String!) {
  stopCharging(sessionId: $id, input: {idempotencyKey: $key}) {
    session { id state }
    errors { code message }
  }
}"""

RECEIPT = """
query ($id: ID!) {
  chargingSession(id: $id) {
    energyWh startedAt endedAt
    quote { energyWh total { amount currency } worstCase { amount currency } }
    timeline { at source text }
    receipt {
      number issuedAt pdfUrl
      lines { text amount { amount currency } tax { amount currency } }
      net { amount currency }
      taxes { percent tax { amount currency } }
      total { amount currency }
      paid { amount currency }
      verification { result text checks { text } }
    }
  }
}"""

POINTS = """
query { viewer { loyalty { pointsBalance } } }"""

CREATE_FLEET = """
mutation {
  createFleet(input: {name: "Rainy Day Couriers"}) { fleet { id name } errors { code message } }
}"""

ADD_MEMBER = """
mutation ($fleetId: ID!, $email: String!) {
  addFleetMember(input: {fleetId: $fleetId, email: $email, role: DRIVER}) { errors { code message } }
}"""

MY_FLEETS = """
query { viewer { fleets { id name } } }"""

FLEET_BILL = """
query ($id: ID!, $month: String!) {
  node(id: $id) {
    ... on Fleet {
      name
      bill(month: $month) {
        month csvUrl
        lines {
          totalCount
          nodes { driver { email } stationName operatorName energyWh total { amount currency } }
        }
        driverTotals { driver { email } charges energyWh total { amount currency } }
        taxes { percent net { amount currency } tax { amount currency } }
        net { amount currency }
        total { amount currency }
      }
    }
  }
}"""
