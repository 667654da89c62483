"""A hook of schemathesis: every `Idempotency-Key` is a new one, or all but the first request would be refused."""

from itertools import count

import schemathesis
from schemathesis.core.parameters import ParameterLocation

KEY = "Idempotency-Key"
numbers = count(1)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    headers = case.meta and case.meta.components.get(ParameterLocation.HEADER)
    # Where headers are the point of the case, one is missing or unsound: it stays so.
    if headers and headers.mode.is_positive and KEY in case.headers:
        case.headers[KEY] = f"fuzz-{next(numbers)}"
