"""How Log Analytics says no.

Source      https://learn.microsoft.com/azure/azure-monitor/logs/api/errors
"""

from starlette.responses import JSONResponse, Response

from sandbox.world import Json


class LogsError(Exception):
    """An answer other than success."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        inner: Json | None = None,
        *,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
        self.body: Json = {"error": {"message": message, "code": code}}
        if inner is not None:
            self.body["error"]["innererror"] = inner

    def response(self) -> Response:
        """The error as it goes over the wire."""
        challenge = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return JSONResponse(self.body, self.status, headers=self.headers | challenge)


def bad_argument(inner: Json) -> LogsError:
    """400 BadArgumentError around what exactly is wrong."""
    return LogsError(400, "BadArgumentError", "The request had some invalid properties", inner)


def syntax_error(message: str, line: int, column: int) -> LogsError:
    """400 for a query that doesn't parse."""
    return bad_argument(
        {
            "code": "SyntaxError",
            "message": "A recognition error occurred in the query.",
            "innererror": {
                "code": "SYN0002",
                "message": f"Query could not be parsed on line [{line},{column}]: {message}",
            },
        }
    )


def semantic_error(message: str) -> LogsError:
    """400 for a query that parses and means nothing here."""
    return bad_argument(
        {
            "code": "SemanticError",
            "message": "A semantic error occurred.",
            "innererror": {"code": "SEM0100", "message": message},
        }
    )


def invalid_body(message: str) -> LogsError:
    """400 for a body that isn't a query."""
    return bad_argument({"code": "InvalidJsonBody", "message": message})


def too_many_records(limit: int) -> Json:
    """What stands beside the rows of an answer that was cut short.

    https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format
    """
    return {
        "code": "PartialError",
        "message": "There were some errors when processing your query.",
        "details": [
            {
                "code": "EngineError",
                "message": "Something went wrong processing your query on the server.",
                "innererror": {
                    "code": "-2133196797",
                    "message": f"The results of this query exceed the set limit of {limit} records, "
                    "so not all records were returned (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003).",
                    "severity": 2,
                    "severityName": "Error",
                },
            }
        ],
    }
