"""Redaction: values are taken out of texts in whatever form they come."""

import json

import pytest

from deploy.config.redaction import without_cut_value, without_values

KEY = "-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG9w0B\nAQEFAASCAUAwggE8AgEAAkEA\n-----END KEY-----\n"
VARIABLES = {"PASSWORD": 'abc"SECRET', "GREETING": "Grüße-geheim", "KEY": KEY, "SHORT": "yes"}


@pytest.mark.parametrize("name", ["PASSWORD", "GREETING", "KEY"])
@pytest.mark.parametrize("form", [str, repr, json.dumps, lambda value: json.dumps(value, ensure_ascii=False)])
def test_a_value_is_taken_out_as_it_is_and_as_it_is_escaped(name: str, form: object) -> None:
    """A log holds it plain, a traceback as Python writes it, an answer as JSON does."""
    assert callable(form)
    text = without_values(f"before {form(VARIABLES[name])} after", VARIABLES)
    assert f"[{name}]" in text
    for part in ("SECRET", "geheim", "MIIBVg", "AQEFAA"):
        assert part not in text


def test_the_lines_of_a_long_value_are_taken_out_one_by_one() -> None:
    """A log that is indented or cut holds some of them."""
    text = "\n".join(f"  {line}" for line in KEY.splitlines()[1:])
    assert "MIIBVg" not in without_values(text, VARIABLES)
    assert "AQEFAA" not in without_values(text, VARIABLES)


def test_short_values_stay_for_the_text_to_be_read() -> None:
    """Without each `yes` and each `1` a log says nothing any more."""
    assert without_values("yes, it is", VARIABLES) == "yes, it is"


def test_passwords_in_urls_are_taken_out_whatever_the_variables_hold() -> None:
    """An endpoint or a proxy comes out in another form than it was set."""
    assert without_values("http://user:pass@host/", {}) == "http://[…]@host/"


def test_the_end_of_a_value_at_the_start_of_a_cut_text_is_taken_out() -> None:
    """AWS gives the last 4 KB of a log, wherever that cuts it."""
    assert without_cut_value('c"SECRET and more', VARIABLES) == "[PASSWORD] and more"
    assert without_cut_value("nothing of it", VARIABLES) == "nothing of it"
