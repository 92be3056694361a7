"""The one table of nasty names and values, used by every test of the config, and hypothesis's own.

The names of VALUES are plain, so that a test that fails says by name which value was harmed.
"""

import base64
import json
import re

from hypothesis import strategies as st

from deploy.config.formats import KEPT_BY_SHELL, LONGEST_STRING

_BASE64 = base64.b64encode(bytes(range(256)) * 5).decode("ascii")
_PEM_KEY = "\n".join(
    [
        "-----BEGIN RSA PRIVATE KEY-----",
        *(_BASE64[start : start + 64] for start in range(0, len(_BASE64), 64)),
        "-----END RSA PRIVATE KEY-----",
        "",
    ]
)
_GCP_CREDENTIAL = {
    "type": "service_account",
    "project_id": "demo-123456",
    "private_key_id": "0123456789abcdef0123456789abcdef01234567",
    "private_key": _PEM_KEY,
    "client_email": "demo@demo-123456.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}

VALUES = {
    "EMPTY": "",
    "BLANK": " ",
    "BLANKS": "   ",
    "BLANKS_AT_BOTH_ENDS": "  between blanks  ",
    "TAB": "\t",
    "TABS_EVERYWHERE": "\tbetween\ttabs\t",
    "FORM_FEED": "\f",
    "FORM_FEEDS_EVERYWHERE": "\fbetween\fform feeds\f",
    "VERTICAL_TAB": "\vbetween\v",
    "LINE_BREAK": "\n",
    "LINE_BREAKS": "one\ntwo\n\nfour",
    "LINE_BREAKS_AT_BOTH_ENDS": "\n\nbetween line breaks\n\n",
    "LINE_BREAKS_OF_WINDOWS": "one\r\ntwo\r\n",
    "CARRIAGE_RETURNS": "\rone\rtwo\r",
    "LINE_BREAKS_OF_UNICODE": "one\u0085two\u2028three\u2029",
    "INDENTED_LINES": "one\n  two\n\tthree\n# four\nFIVE=5",
    "BACKSLASH": "\\",
    "BACKSLASHES": "\\\\",
    "BACKSLASH_FIRST": "\\first",
    "BACKSLASH_LAST": "last\\",
    "BACKSLASH_BEFORE_LINE_BREAK": "continued\\\nhere",
    "BACKSLASHES_OF_WINDOWS": "C:\\new\\temp\\rest\\u0041\\f\\",
    "BACKSLASH_ESCAPES": "\\n\\t\\r\\f\\\\\\ \\=\\:\\#\\!\\'\\\"\\0\\x41\\u00e9",
    "SINGLE_QUOTE": "'",
    "SINGLE_QUOTES": "'it''s' 'quoted'",
    "DOUBLE_QUOTES": '"quoted"',
    "MIXED_QUOTES": "'\"`'\"'\"'`\"'",
    "TYPOGRAPHIC_QUOTES": "„quoted“ “quoted” ‘quoted’ «quoted» ´",  # noqa: RUF001
    "COMMAND_SUBSTITUTION": "$(touch evaluated) ${HOME} $HOME $$ $((1 + 1))",
    "BACKTICKS": "`touch evaluated`",
    "SHELL_INJECTION": "'; touch evaluated; '",
    "SHELL_CHARACTERS": "* ? [a-z] ~ & | ; < > ( ) { } ^ \\ !! !$",
    "PERCENT": "100% %PATH% %s %n %%",
    "EQUALS": "=a=b==",
    "COLON": ":a:b::",
    "HASH": "#not a comment",
    "EXCLAMATION_MARK": "!not a comment",
    "URL": "postgres://user:p%40ss=w0rd#1@db.example.com:5432/main?sslmode=require&x=1#top",
    "JSON": json.dumps({"key": ["a:b=c", "#1", {"nested": True}], "empty": None}),
    "PROPERTIES": "a=b\nc : d\n! e\n# f",
    "DOTENV": "export A='b'\nC=\"d\"\n",
    "PEM_KEY": _PEM_KEY,
    "GCP_CREDENTIAL": json.dumps(_GCP_CREDENTIAL, indent=2),
    "TWO_HUNDRED_KB_OF_BASE64": base64.b64encode(bytes(range(250)) * 600).decode("ascii"),
    "CONTROL_CHARACTERS": "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "ESCAPE_SEQUENCES": "\x1b[31mred\x1b[0m\x07",
    "LATIN_1": "Grüße, señor: ÀÿÆ\u00a0½",
    "CJK": "日本語 中文 한국어",
    "EMOJI": "🔑 👩‍👩‍👧 🇩🇪 ❤️",
    "BEYOND_THE_BMP": "\U00010000\U0001f511\U0010ffff",
    "COMBINING": "e\u0301 ≠ é",
    "RIGHT_TO_LEFT": "\u202eعربى\u202c",
    "BYTE_ORDER_MARK": "\ufeffbom\ufeff",
    "NOT_CHARACTERS": "\ufffe\uffff\ufffd",
    "NUMBER": "42",
    "NUMBER_WITH_ZEROS": "007",
    "NUMBER_OF_TWENTY_DIGITS": "12345678901234567890",
    "NUMBER_WITH_EXPONENT": "1e3",
    "NUMBER_IN_HEX": "0x10",
    "INFINITY": "-Infinity",
    "NOT_A_NUMBER": "NaN",
    "TRUE": "true",
    "FALSE": "false",
    "NULL": "null",
    "UNDEFINED": "undefined",
    "PROTO": "__proto__",
}

NAMES = (
    "",
    "x",
    "lower_case",
    "Mixed_Case_1",
    "constructor",
    "__proto__",
    "toString",
    "1ST",
    "007",
    "app.name",
    ".hidden",
    "app-name",
    "-rf",
    "app name",
    " blanks at both ends ",
    "tab\there",
    "\fform feed\f",
    "line\nbreak",
    "carriage\rreturn",
    "back\\slash\\",
    "a:b",
    ":",
    "#comment",
    "a#b",
    "!comment",
    "a!b",
    "[section]",
    "{}",
    "quote'",
    'double"quote',
    "$(touch evaluated)",
    "`touch evaluated`",
    "BASH_FUNC_f%%",
    "\uff1d",
    "a\ufe66b",
    "a\ua78ab",
    "größe",
    "e\u0301",
    "名前",
    "🔑",
    "\u00a0",
    "\u2028",
)

CONFIG = dict(sorted({**VALUES, **{name: f"the value of {name}" for name in NAMES}}.items()))

# What a shell and the kernel can take.
SHELL_CONFIG = {
    name: value
    for name, value in CONFIG.items()
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and len(value) < LONGEST_STRING
}

# As bytes of the environment. The second would be half of a surrogate pair.
INVALID_UTF_8 = {
    "LATIN_1_BYTE": b"caf\xe9",
    "SURROGATE": b"\xed\xa0\xbd",
    "OVERLONG": b"\xc0\xaf",
    "CUT_SHORT": b"\xe2\x82",
    "BEYOND_UNICODE": b"\xf4\x90\x80\x80",
}

# Characters that some format or reader treats in a way of its own come up as often as all others.
_characters = st.sampled_from(" \t\f\n\r\\=:#!'\"$`u0041nrtf{}[]%é\u2028🔑") | st.characters(
    exclude_categories=["Cs"], exclude_characters="\0"
)

values = st.text(_characters) | st.sampled_from(sorted(VALUES.values()))
names = st.text(_characters.filter(lambda character: character != "=")) | st.sampled_from(NAMES)
configs = st.dictionaries(names, values, max_size=20)
shell_configs = st.dictionaries(
    st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True).filter(
        lambda name: name not in KEPT_BY_SHELL
    ),
    st.text(_characters),
    max_size=50,
)
