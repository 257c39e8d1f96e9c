"""What the client raises: the service refused a request, or did not answer."""

from __future__ import annotations

from collections.abc import Iterable

from search_spaces.validation import FieldProblem


class ClientError(Exception):
    """The service refused a request, or did not answer, or what answers is no Segnas service.

    The message is one sentence, the service's own where there is an answer.

    Attributes:
        status: HTTP status of the answer; None without an answer.
        problems: Wrong fields of the request, by path.
        temporary: Whether the same request may succeed in a moment: the connection was lost, or the service is not
            ready.
        sent: Whether the service may have carried the request out.
        refused: Whether nobody accepts connections at the address.
        retry_after: Seconds after which the service asks to be asked again; None where it does not say.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        problems: Iterable[FieldProblem] = (),
        *,
        temporary: bool = False,
        sent: bool = False,
        refused: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problems = tuple(problems)
        self.temporary = temporary
        self.sent = sent
        self.refused = refused
        self.retry_after = retry_after
