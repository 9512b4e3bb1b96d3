// What is certain after a call that changes something has failed.
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { DomainError, withFacts } from "../errors/domain-error.js";
import { isInfrastructureFailure } from "../errors/from-wire.js";
import type { AnyHandler, ServiceEntry } from "./call.js";

/**
 * Runs a call that changes something and is idempotent by its key. When it got no answer it may have been
 * carried out (UNKNOWN, ask again); a refusal means that it was not (NOT_ATTEMPTED). A failure that already says
 * its outcome keeps it.
 */
export async function withOutcome<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw withFacts(error, { outcome: isInfrastructureFailure(error) ? "UNKNOWN" : "NOT_ATTEMPTED" });
  }
}

/** The service, every failure of its unary calls that change something with an outcome. */
export function sayingOutcome({ service, handlers }: ServiceEntry): ServiceEntry {
  const saying = { ...handlers };
  for (const { localName, methodKind, idempotency } of service.methods) {
    const handler = handlers[localName];
    const isRead = idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    if (handler === undefined || isRead || methodKind !== "unary") continue;
    const said: AnyHandler = (request, call) => withOutcome(() => handler(request, call) as Promise<object>);
    saying[localName] = said;
  }
  return { service, handlers: saying };
}
