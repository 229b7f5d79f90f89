"""The outcome of one check, and the loop that runs checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gath_bench.component_calls import component_call
from gath_bench.errors import Unavailable, describe_error

#: The name of the first check. The others need what a component declares, and are skipped if it is wrong.
DECLARATION = "declaration"


class Violation(AssertionError):
    """A component breaks its contract; the message is one clause that says how."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: the name of the check, such as ``"batch invariance"``.
        status: ``"ok"``, ``"failed"``, or ``"skipped"`` for a check that cannot be made here.
        message: why it failed or was skipped; for a check that passed, what was measured, or empty.
    """

    check: str
    status: Literal["ok", "failed", "skipped"]
    message: str = ""


class Check(NamedTuple):
    """A check: it returns what was measured (or None), and raises if the component breaks its contract."""

    name: str
    run: Callable[[], str | None]


def require(holds: object, clause: str) -> None:
    """Raise `Violation` unless a condition holds.

    >>> require(1 < 2, "the numbers are not in order")
    """
    if not holds:
        raise Violation(clause)


def run_checks(checks: Iterable[Check]) -> list[Finding]:
    """Run checks in order. After a wrong declaration, the others are skipped.

    ``Unavailable`` skips a check; any other exception is a failure, since the engine would record one.
    """
    findings: list[Finding] = []
    for check in checks:
        if findings and findings[0].check == DECLARATION and findings[0].status == "failed":
            findings.append(Finding(check.name, "skipped", "the declaration is wrong"))
            continue
        findings.append(_run(check))
    return findings


def _run(check: Check) -> Finding:
    try:
        with component_call():
            message = check.run()
    except Unavailable as reason:
        return Finding(check.name, "skipped", describe_error(reason))
    except Violation as violation:
        return Finding(check.name, "failed", str(violation))
    except Exception as error:
        return Finding(check.name, "failed", describe_error(error))
    return Finding(check.name, "ok", message or "")
