import type { DomainError } from "../errors/domain-error.js";
import { allowanceOf, httpStatusOf } from "../errors/to-wire.js";

/**
 * Headers that HTTP wants beside a failure: WWW-Authenticate with 401, Retry-After with a delay, what is
 * left of a limit with its refusal.
 */
export function errorHeaders(failure: DomainError): Record<string, string> {
  const headers: Record<string, string> = {};
  if (httpStatusOf(failure) === 401) headers["www-authenticate"] = challengeOf(failure);
  const allowance = allowanceOf(failure);
  if (allowance !== undefined) headers.ratelimit = allowance;
  const retryAfterMs = failure.facts.retry_after_ms;
  if (retryAfterMs !== undefined)
    headers["retry-after"] = String(Math.max(1, Math.ceil(Number(retryAfterMs) / 1000)));
  return headers;
}

/** RFC 6750: a call without a token gets no error code, one with a bad token "invalid_token". */
function challengeOf({ reason, message }: DomainError): string {
  if (reason === "UNAUTHENTICATED") return 'Bearer realm="bourse"';
  return `Bearer realm="bourse", error="invalid_token", error_description="${message}"`;
}
