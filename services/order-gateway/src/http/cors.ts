import { type HttpRequest, type HttpResponse, headerOf } from "@bourse/shared/http/node-http.js";
import { cors as connectHeaders } from "@connectrpc/connect";

const REQUEST_HEADERS = [
  ...connectHeaders.allowedHeaders,
  "Authorization",
  "Traceparent",
  "X-Timeout-Ms",
].join(", ");
const RESPONSE_HEADERS = [
  ...connectHeaders.exposedHeaders,
  "Ratelimit",
  "Retry-After",
  "Www-Authenticate",
].join(", ");
const METHODS = "GET, POST, PATCH, DELETE";

/**
 * Says which web origins may call: only those that are named, none by default. Returns true when the
 * request was a preflight and is answered.
 */
export function answerCors(
  origins: ReadonlySet<string>,
  request: HttpRequest,
  response: HttpResponse,
): boolean {
  const origin = headerOf(request, "origin");
  const isAllowed = origin !== undefined && origins.has(origin);
  if (origins.size > 0) response.setHeader("vary", "Origin");
  if (isAllowed) {
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-expose-headers", RESPONSE_HEADERS);
  }
  const isPreflight =
    request.method === "OPTIONS" && headerOf(request, "access-control-request-method") !== undefined;
  if (!isPreflight) return false;
  if (isAllowed) {
    response.setHeader("access-control-allow-methods", METHODS);
    response.setHeader("access-control-allow-headers", REQUEST_HEADERS);
    response.setHeader("access-control-max-age", "600");
  }
  response.writeHead(isAllowed ? 204 : 403);
  response.end();
  return true;
}
