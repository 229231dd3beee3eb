"""The KQL that `duckdb-kql` refuses and evidence needs, in words that it knows.

Faithful    `ingestion_time()`: the moment at which a row could be queried first; `column_ifexists` with a literal name
Left out    both under computed names; a table whose rows have no moment of arrival
Source      https://learn.microsoft.com/kusto/query/ingestion-time-function
            https://learn.microsoft.com/kusto/query/column-ifexists-function
"""

import re

from sandbox.loganalytics.tables import ARRIVAL, SCHEMAS

_QUIET = (
    r"""(?P<quiet>//[^\n]*|@?"(?:[^"\\\n]|\\.)*"|@?'(?:[^'\\\n]|\\.)*')"""  # comments and strings
)
_CALL = re.compile(
    _QUIET
    + r"""|(?P<arrived>\bingestion_time\s*\(\s*\))"""
    + r"""|\bcolumn_ifexists\s*\(\s*(?:"(?P<double>\w+)"|'(?P<single>\w+)')\s*,"""
    + r"""\s*(?P<other>"[^"]*"|'[^']*'|[\w.]+)\s*\)"""
)
_WORD = re.compile(_QUIET + r"|(?P<word>\w+)")


def rewritten(query: str) -> str:
    """The query with those calls replaced."""
    known = {column for table in mentioned(query) for column in SCHEMAS[table]}

    def replace(match: re.Match[str]) -> str:
        if match["quiet"] is not None:
            return match[0]
        if match["arrived"] is not None:
            return ARRIVAL
        name = match["double"] or match["single"]
        return f"['{name}']" if name in known else match["other"]

    return _CALL.sub(replace, query)


def mentioned(query: str) -> list[str]:
    """The tables that a query names outside of its comments and strings, each once."""
    words = (match["word"] for match in _WORD.finditer(query) if match["word"])
    return list(dict.fromkeys(word for word in words if word in SCHEMAS))
