"""What README.md promises is what there is."""

from pathlib import Path

from emsp import settings

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_that_the_table_of_settings_is_the_one_in_the_code() -> None:
    for name, default, sentence in settings.table():
        shown = f"`{default}`" if default else ""
        assert f"| `{name}` | {shown} | {sentence} |" in README


def test_that_every_script_it_names_exists() -> None:
    for script in ("demo", "test", "check", "schema", "lock"):
        assert f"scripts/{script}" in README
        assert (Path(__file__).parent.parent / "scripts" / script).exists()
