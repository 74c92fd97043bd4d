"""Sends a span and log records with OpenTelemetry's exporter and prints the trace, as JSON."""

from __future__ import annotations

import json
import logging
import os
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def total(carts: dict[str, int], user: str) -> int:
    """Fails for a user without a cart."""
    return carts[user]


def main() -> None:
    """Sends and prints."""
    dsn = urlsplit(os.environ["SENTRY_DSN"])
    base = f"{dsn.scheme}://{dsn.hostname}:{dsn.port}/api{dsn.path}/integration/otlp/v1"
    to = {
        "headers": {"x-sentry-auth": f"sentry sentry_key={dsn.username}"},
        "compression": Compression.Gzip,
    }
    resource = Resource.create(
        {
            "service.name": "shop",
            "service.version": "1.2.3",
            "deployment.environment.name": "staging",
        }
    )
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{base}/traces", **to))
    )
    loggers = LoggerProvider(resource=resource)
    loggers.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{base}/logs", **to))
    )
    log = logging.getLogger("shop.cart")
    log.addHandler(LoggingHandler(logger_provider=loggers))
    log.setLevel(logging.INFO)

    with tracers.get_tracer("shop").start_as_current_span("GET /cart") as span:
        span.set_attribute("items", 3)
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        log.info("looking for %s", "user-42")
        try:
            total({}, "user-42")
        except KeyError as error:
            span.record_exception(error)
            log.exception("no cart")
    tracers.shutdown()
    loggers.shutdown()
    print(json.dumps({"trace_id": trace_id}))


if __name__ == "__main__":
    main()
