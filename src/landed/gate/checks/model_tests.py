"""The data tests of the models that the release's numbers come from passed."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, listed


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    read = subject.models_read
    relevant = [
        test
        for test in subject.model_tests
        if test.model in read or not read.isdisjoint(test.feeds)
    ]
    failed = sorted(
        {f"{test.model}.{test.test}": test.failures for test in relevant if not test.passed}.items()
    )
    observed = f"{count(len(relevant), 'test')} of {listed(sorted(read))} passed"
    if failed:
        observed = "failed: " + ", ".join(
            f"`{name}`" + (f" ({count(rows, 'row')})" if rows else "") for name, rows in failed[:5]
        )
        observed += f" and {len(failed) - 5:,} more" if len(failed) > 5 else ""
    elif not relevant:
        observed = f"no test of {listed(sorted(read))} was run"
    return Fact(
        {"failed_model_tests": len(failed), "model_tests_run": len(relevant)},
        observed,
        "tests of every model the release reads, none failed",
        details={"failed": dict(failed), "run": len(relevant)},
    )


CHECK = Check("data", ("failed_model_tests", "model_tests_run"), _find)
