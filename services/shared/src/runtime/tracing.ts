// OpenTelemetry, off unless a collector is named. The context travels in every command and event, as
// W3C `traceparent` text; a stream that bundles many of them has no span of its own.
import { context, propagation, type Span, SpanStatusCode, trace } from "@opentelemetry/api";

const tracer = trace.getTracer("bourse");

/** Starts exporting spans. Does nothing without an address. Returns what flushes and stops it. */
export async function startTracing(options: {
  service: string;
  otlpUrl?: string | undefined;
  sampleRatio: number;
}): Promise<() => Promise<void>> {
  if (options.otlpUrl === undefined) return async () => {};
  // Loaded only when it is wanted: the SDK costs every process tens of megabytes.
  const [{ NodeSDK, tracing }, { OTLPTraceExporter }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/exporter-trace-otlp-grpc"),
  ]);
  const { ParentBasedSampler, TraceIdRatioBasedSampler } = tracing;
  const sdk = new NodeSDK({
    serviceName: `bourse-${options.service}`,
    traceExporter: new OTLPTraceExporter({ url: options.otlpUrl }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    instrumentations: [],
  });
  sdk.start();
  return () => sdk.shutdown();
}

/** Runs `run` in a span that continues `traceparent` ("" starts a new trace). */
export async function withSpan<T>(
  name: string,
  traceparent: string,
  attributes: Readonly<Record<string, string | number>>,
  run: (span: Span) => Promise<T>,
): Promise<T> {
  const parent = propagation.extract(context.active(), traceparent === "" ? {} : { traceparent });
  return tracer.startActiveSpan(name, { attributes }, parent, async (span) => {
    try {
      return await run(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The active span as `traceparent` text; "" when tracing is off. */
export function currentTraceparent(): string {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent ?? "";
}
