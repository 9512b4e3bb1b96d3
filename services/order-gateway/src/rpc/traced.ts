import type { ServiceEntry } from "@bourse/shared/rpc/call.js";
import { withSpan } from "@bourse/shared/runtime/tracing.js";

/** The same service with a span around each unary call; streams pass their caller's context on as it is. */
export function traced({ service, handlers }: ServiceEntry): ServiceEntry {
  const wrapped: Record<string, ServiceEntry["handlers"][string]> = { ...handlers };
  for (const method of service.methods) {
    const handler = handlers[method.localName];
    if (method.methodKind !== "unary" || handler === undefined) continue;
    const name = `${service.typeName}/${method.name}`;
    wrapped[method.localName] = (request, call) =>
      withSpan(name, call.traceparent, {}, async () => handler(request, call) as Promise<object>);
  }
  return { service, handlers: wrapped };
}
