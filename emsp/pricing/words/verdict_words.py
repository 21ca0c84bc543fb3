"""The check of an operator's record in sentences for the driver, in English, German, French and Dutch."""

from __future__ import annotations

from decimal import Decimal

from emsp.pricing.check.verdicts import Check, Reason, Verdict, What
from emsp.pricing.words.speech import Speech, speech_of

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "AGREES": "What the operator asks is what its prices come to for what was measured.",
        "WITHIN_TOLERANCE": "What the operator asks is what its prices come to, but for a rounding.",
        "DIFFERS": "What the operator asks is not what its prices come to. You pay by the price you were shown.",
        "CLAIMED": "The operator asks for more than its prices come to. You do not pay the difference: "
        "we claim it from the operator.",
        "NOT_CHECKABLE": "What the operator asks could not be computed again.",
        "ENERGY": "Energy",
        "TIME": "Charging time",
        "PARKING_TIME": "Parking time",
        "FIXED": "Flat fee",
        "RESERVATION": "Reservation",
        "TOTAL": "Total before tax",
        "TOTAL_GROSS": "Total with tax",
        "same": "{what}: {asked}, as computed.",
        "other": "{what}: the operator asks for {asked}, its prices come to {computed}.",
        "unasked": "{what}: its prices come to {computed}; the operator does not say what it asks for this.",
        "unknown": "{what}: the operator asks for {asked}, which could not be computed again.",
        "NO_TARIFF_PUBLISHED": "The operator publishes no prices for this place.",
        "ANOTHER_CURRENCY": "It is in another currency than the prices.",
        "NOT_COMPUTABLE": "Its prices hold something that cannot be computed.",
        "TAX_UNKNOWN": "Its prices do not tell the tax that is in them.",
        "ROUNDED_LINES": "Parts of it were rounded before they were added up.",
        "ROUNDED_VOLUMES": "It was computed with more exact quantities than the operator tells.",
        "ANOTHER_SPLIT": "The total agrees; it is only split otherwise.",
        "ANOTHER_TAX": "Before tax it agrees, the tax does not.",
        "TARIFF_CHANGED": "It follows other prices than those published when the charge began.",
        "TAX_IN_NET": "It holds the tax twice.",
        "STEP_SIZES": "Quantities were rounded in another way.",
        "TIME_ZONE": "Times of day were taken in another time zone.",
        "EVERY_FLAT": "More than one flat fee was counted.",
        "ELEMENT_ORDER": "Another price was taken than the first that applies.",
        "UNITS": "Units were mixed up.",
        "DUPLICATE": "This charge is in another record already.",
        "CREDITED": "The operator took its record back and asks for nothing any more.",
    },
    "de": {
        "AGREES": "Der Betreiber verlangt, was seine Preise für das Gemessene ergeben.",
        "WITHIN_TOLERANCE": "Der Betreiber verlangt bis auf eine Rundung, was seine Preise ergeben.",
        "DIFFERS": "Der Betreiber verlangt etwas anderes, als seine Preise ergeben. "
        "Sie zahlen nach dem Preis, der Ihnen gezeigt wurde.",
        "CLAIMED": "Der Betreiber verlangt mehr, als seine Preise ergeben. Sie zahlen die Differenz nicht: "
        "Wir fordern sie vom Betreiber zurück.",
        "NOT_CHECKABLE": "Was der Betreiber verlangt, konnte nicht nachgerechnet werden.",
        "ENERGY": "Energie",
        "TIME": "Ladezeit",
        "PARKING_TIME": "Standzeit",
        "FIXED": "Pauschale",
        "RESERVATION": "Reservierung",
        "TOTAL": "Summe vor Steuern",
        "TOTAL_GROSS": "Summe mit Steuern",
        "same": "{what}: {asked}, wie nachgerechnet.",
        "other": "{what}: Der Betreiber verlangt {asked}, seine Preise ergeben {computed}.",
        "unasked": "{what}: Seine Preise ergeben {computed}; der Betreiber sagt nicht, was er dafür verlangt.",
        "unknown": "{what}: Der Betreiber verlangt {asked}, was nicht nachgerechnet werden konnte.",
        "NO_TARIFF_PUBLISHED": "Der Betreiber veröffentlicht für diesen Ort keine Preise.",
        "ANOTHER_CURRENCY": "Es ist eine andere Währung als die der Preise.",
        "NOT_COMPUTABLE": "Seine Preise enthalten etwas, das sich nicht berechnen lässt.",
        "TAX_UNKNOWN": "Seine Preise sagen nicht, welche Steuer sie enthalten.",
        "ROUNDED_LINES": "Teile davon wurden gerundet, bevor sie addiert wurden.",
        "ROUNDED_VOLUMES": "Es wurde mit genaueren Mengen gerechnet, als der Betreiber angibt.",
        "ANOTHER_SPLIT": "Die Summe stimmt; sie ist nur anders aufgeteilt.",
        "ANOTHER_TAX": "Vor Steuern stimmt es, die Steuer nicht.",
        "TARIFF_CHANGED": "Es folgt anderen Preisen als denen, die zu Beginn veröffentlicht waren.",
        "TAX_IN_NET": "Die Steuer ist doppelt enthalten.",
        "STEP_SIZES": "Mengen wurden anders gerundet.",
        "TIME_ZONE": "Uhrzeiten wurden in einer anderen Zeitzone genommen.",
        "EVERY_FLAT": "Mehr als eine Pauschale wurde gezählt.",
        "ELEMENT_ORDER": "Ein anderer als der erste zutreffende Preis wurde genommen.",
        "UNITS": "Einheiten wurden verwechselt.",
        "DUPLICATE": "Dieser Ladevorgang wurde schon einmal abgerechnet.",
        "CREDITED": "Der Betreiber hat seine Abrechnung zurückgenommen und verlangt nichts mehr.",
    },
    "fr": {
        "AGREES": "L’opérateur demande ce que donnent ses prix pour ce qui a été mesuré.",
        "WITHIN_TOLERANCE": "L’opérateur demande, à un arrondi près, ce que donnent ses prix.",
        "DIFFERS": "L’opérateur demande autre chose que ce que donnent ses prix. "
        "Vous payez selon le prix qui vous a été montré.",
        "CLAIMED": "L’opérateur demande plus que ce que donnent ses prix. Vous ne payez pas la différence : "
        "nous la réclamons à l’opérateur.",
        "NOT_CHECKABLE": "Ce que demande l’opérateur n’a pas pu être recalculé.",
        "ENERGY": "Énergie",
        "TIME": "Temps de recharge",
        "PARKING_TIME": "Temps de stationnement",
        "FIXED": "Forfait",
        "RESERVATION": "Réservation",
        "TOTAL": "Total hors taxes",
        "TOTAL_GROSS": "Total taxes comprises",
        "same": "{what} : {asked}, comme recalculé.",
        "other": "{what} : l’opérateur demande {asked}, ses prix donnent {computed}.",
        "unasked": "{what} : ses prix donnent {computed} ; l’opérateur ne dit pas ce qu’il demande.",
        "unknown": "{what} : l’opérateur demande {asked}, ce qui n’a pas pu être recalculé.",
        "NO_TARIFF_PUBLISHED": "L’opérateur ne publie pas de prix pour ce lieu.",
        "ANOTHER_CURRENCY": "La devise n’est pas celle des prix.",
        "NOT_COMPUTABLE": "Ses prix contiennent quelque chose qui ne peut pas être calculé.",
        "TAX_UNKNOWN": "Ses prix ne disent pas quelle taxe ils contiennent.",
        "ROUNDED_LINES": "Des parties ont été arrondies avant d’être additionnées.",
        "ROUNDED_VOLUMES": "Les quantités du calcul étaient plus précises que celles indiquées.",
        "ANOTHER_SPLIT": "Le total est juste ; seule la répartition diffère.",
        "ANOTHER_TAX": "Hors taxes, c’est juste ; la taxe ne l’est pas.",
        "TARIFF_CHANGED": "Les prix ne sont pas ceux qui étaient publiés au début.",
        "TAX_IN_NET": "La taxe est comptée deux fois.",
        "STEP_SIZES": "Les quantités ont été arrondies autrement.",
        "TIME_ZONE": "Les heures ont été prises dans un autre fuseau horaire.",
        "EVERY_FLAT": "Plus d’un forfait a été compté.",
        "ELEMENT_ORDER": "Un autre prix que le premier qui s’applique a été pris.",
        "UNITS": "Des unités ont été confondues.",
        "DUPLICATE": "Cette recharge a déjà été facturée.",
        "CREDITED": "L’opérateur a retiré son décompte et ne demande plus rien.",
    },
    "nl": {
        "AGREES": "De exploitant vraagt wat zijn prijzen opleveren voor wat er is gemeten.",
        "WITHIN_TOLERANCE": "De exploitant vraagt, op een afronding na, wat zijn prijzen opleveren.",
        "DIFFERS": "De exploitant vraagt iets anders dan zijn prijzen opleveren. "
        "U betaalt volgens de prijs die u is getoond.",
        "CLAIMED": "De exploitant vraagt meer dan zijn prijzen opleveren. U betaalt het verschil niet: "
        "wij vorderen het terug van de exploitant.",
        "NOT_CHECKABLE": "Wat de exploitant vraagt, kon niet worden nagerekend.",
        "ENERGY": "Energie",
        "TIME": "Laadtijd",
        "PARKING_TIME": "Parkeertijd",
        "FIXED": "Vast bedrag",
        "RESERVATION": "Reservering",
        "TOTAL": "Totaal zonder btw",
        "TOTAL_GROSS": "Totaal met btw",
        "same": "{what}: {asked}, zoals nagerekend.",
        "other": "{what}: de exploitant vraagt {asked}, zijn prijzen leveren {computed} op.",
        "unasked": "{what}: zijn prijzen leveren {computed} op; de exploitant zegt niet wat hij hiervoor vraagt.",
        "unknown": "{what}: de exploitant vraagt {asked}, wat niet kon worden nagerekend.",
        "NO_TARIFF_PUBLISHED": "De exploitant publiceert geen prijzen voor deze plek.",
        "ANOTHER_CURRENCY": "De valuta is een andere dan die van de prijzen.",
        "NOT_COMPUTABLE": "Zijn prijzen bevatten iets dat niet te berekenen is.",
        "TAX_UNKNOWN": "Zijn prijzen zeggen niet welke btw erin zit.",
        "ROUNDED_LINES": "Delen ervan zijn afgerond voordat ze werden opgeteld.",
        "ROUNDED_VOLUMES": "Er is met nauwkeuriger hoeveelheden gerekend dan de exploitant meldt.",
        "ANOTHER_SPLIT": "Het totaal klopt; het is alleen anders verdeeld.",
        "ANOTHER_TAX": "Zonder btw klopt het, de btw klopt niet.",
        "TARIFF_CHANGED": "Het volgt andere prijzen dan die bij het begin waren gepubliceerd.",
        "TAX_IN_NET": "De btw zit er dubbel in.",
        "STEP_SIZES": "Hoeveelheden zijn anders afgerond.",
        "TIME_ZONE": "Tijdstippen zijn in een andere tijdzone genomen.",
        "EVERY_FLAT": "Er is meer dan één vast bedrag geteld.",
        "ELEMENT_ORDER": "Er is een andere prijs genomen dan de eerste die geldt.",
        "UNITS": "Eenheden zijn verwisseld.",
        "DUPLICATE": "Deze laadbeurt staat al in een andere opgave.",
        "CREDITED": "De exploitant heeft zijn opgave ingetrokken en vraagt niets meer.",
    },
}


def verdict_text(verdict: Verdict, reason: Reason | None, language: str, *, claimed: bool) -> str:
    """What came of the check as a whole, and why."""
    words = _words(language)
    if reason is Reason.CREDITED:
        return words[reason]
    first = words["CLAIMED"] if claimed else words[verdict]
    return f"{first} {words[reason]}" if reason in words else first


def check_text(check: Check, language: str, currency: str) -> str:
    """One figure of both sides; the amounts with tax where it is these that differ."""
    words, speech = _words(language), speech_of(language, currency)
    gross = check.reason is Reason.ANOTHER_TAX or (check.computed.net is None and check.computed.gross is not None)
    asked, computed = (one.gross if gross else one.net for one in (check.asked, check.computed))
    what = words["TOTAL_GROSS" if gross and check.what is What.TOTAL else check.what]
    phrase = "same" if check.verdict is Verdict.AGREES else "other"
    if asked is None or computed is None:
        phrase = "unasked" if asked is None else "unknown"
    text = words[phrase].format(what=what, asked=_price(asked, speech), computed=_price(computed, speech))
    return f"{text} {words[check.reason]}" if check.reason in words else text


def _price(amount: Decimal | None, speech: Speech) -> str:
    return speech.per_session(amount)


def _words(language: str) -> dict[str, str]:
    return WORDS.get(language.partition("-")[0].lower(), WORDS["en"])
