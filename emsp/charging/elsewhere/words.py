"""What the screen of a charge point may show when a card or a car was answered, in the driver's language."""

from __future__ import annotations

OTHERWISE = "NOT_ALLOWED"
SENTENCES: dict[str, dict[str, str]] = {
    "ALLOWED": {
        "en": "Welcome. The price is in your app.",
        "nl": "Welkom. De prijs staat in uw app.",
        "de": "Willkommen. Der Preis steht in Ihrer App.",
        "fr": "Bienvenue. Le prix est dans votre application.",
    },
    "TOKEN_BLOCKED": {
        "en": "This card is blocked. See your app.",
        "nl": "Deze pas is geblokkeerd. Zie uw app.",
        "de": "Diese Karte ist gesperrt. Siehe Ihre App.",
        "fr": "Cette carte est bloquée. Voir votre application.",
    },
    "TOKEN_UNUSED": {
        "en": "Add this card in the app first.",
        "nl": "Voeg deze pas eerst toe in de app.",
        "de": "Fügen Sie diese Karte zuerst in der App hinzu.",
        "fr": "Ajoutez d'abord cette carte dans l'application.",
    },
    "DRIVER_BLOCKED": {
        "en": "Your account may not charge. Ask your provider.",
        "nl": "U kunt met dit account niet laden. Vraag uw aanbieder.",
        "de": "Mit Ihrem Konto kann nicht geladen werden. Fragen Sie Ihren Anbieter.",
        "fr": "Votre compte ne permet pas de recharger. Contactez votre fournisseur.",
    },
    "FLEET_BLOCKED": {
        "en": "Your fleet may not charge at the moment.",
        "nl": "Uw wagenpark kan nu niet laden.",
        "de": "Ihre Flotte kann zurzeit nicht laden.",
        "fr": "Votre flotte ne peut pas recharger pour le moment.",
    },
    "FLEET_LIMIT": {
        "en": "This charge is beyond what your fleet allows.",
        "nl": "Dit valt buiten wat uw wagenpark toestaat.",
        "de": "Das überschreitet, was Ihre Flotte erlaubt.",
        "fr": "Cette recharge dépasse ce que votre flotte autorise.",
    },
    "PAYMENT_DUE": {
        "en": "An earlier charge is not paid. Pay it in the app.",
        "nl": "Een eerdere laadbeurt is niet betaald. Betaal die in de app.",
        "de": "Ein früherer Ladevorgang ist offen. Bezahlen Sie ihn in der App.",
        "fr": "Une recharge précédente n'est pas payée. Payez-la dans l'application.",
    },
    "BALANCE_TOO_LOW": {
        "en": "Your balance is too low. Top it up in the app.",
        "nl": "Uw saldo is te laag. Vul het aan in de app.",
        "de": "Ihr Guthaben reicht nicht. Laden Sie es in der App auf.",
        "fr": "Votre solde est trop bas. Rechargez-le dans l'application.",
    },
    "PAYMENT_METHOD_MISSING": {
        "en": "Add a payment card in the app first.",
        "nl": "Voeg eerst een betaalkaart toe in de app.",
        "de": "Fügen Sie zuerst eine Zahlungskarte in der App hinzu.",
        "fr": "Ajoutez d'abord une carte de paiement dans l'application.",
    },
    "TOO_MANY_OPEN_CHARGES": {
        "en": "You are charging elsewhere already.",
        "nl": "U laadt al ergens anders.",
        "de": "Sie laden bereits an einem anderen Ort.",
        "fr": "Vous rechargez déjà ailleurs.",
    },
    OTHERWISE: {
        "en": "You cannot charge here with this card.",
        "nl": "U kunt hier met deze pas niet laden.",
        "de": "Mit dieser Karte können Sie hier nicht laden.",
        "fr": "Vous ne pouvez pas recharger ici avec cette carte.",
    },
}


def sentence(code: str, language: str) -> str:
    """What is said for an answer or the code of a refusal; in English where the language is not spoken."""
    said = SENTENCES.get(code, SENTENCES[OTHERWISE])
    return said.get(language[:2].lower(), said["en"])


def language_of(language: str) -> str:
    """The language in which `sentence` answers."""
    spoken = language[:2].lower()
    return spoken if spoken in SENTENCES[OTHERWISE] else "en"
