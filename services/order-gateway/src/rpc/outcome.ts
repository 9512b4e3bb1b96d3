import { DomainError, withFacts } from "@bourse/shared/errors/domain-error.js";
import { isInfrastructureFailure } from "@bourse/shared/errors/from-wire.js";

/**
 * Runs a call that changes something elsewhere and is idempotent by its key. When it got no answer it
 * may have been carried out (UNKNOWN, ask again); a refusal means that it was not (NOT_ATTEMPTED).
 */
export async function withOutcome<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw withFacts(error, { outcome: isInfrastructureFailure(error) ? "UNKNOWN" : "NOT_ATTEMPTED" });
  }
}
