"""What schemathesis has to be told of the API."""

import schemathesis


@schemathesis.serializer("application/wasm")
def component(context, value):
    """A component is sent as the bytes that were made up for it."""
    return value if isinstance(value, bytes) else str(value).encode()
