// The REST facade: /api/v1 derived from the contracts, JSON in and out, the same handlers behind it.
import { once } from "node:events";
import {
  createRegistry,
  type DescMethod,
  type DescService,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import { DomainError } from "../errors/domain-error.js";
import { failureOf, httpStatusOf, toStatus } from "../errors/to-wire.js";
import { file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { type Call, refusedBefore } from "../rpc/call.js";
import { errorHeaders } from "./error-headers.js";
import type { Invoker } from "./invoke.js";
import {
  closeUnlessRead,
  goneSignal,
  type HttpRequest,
  type HttpResponse,
  headerOf,
  readBody,
  targetOf,
} from "./node-http.js";
import { jsonOfRequest } from "./rest-input.js";
import { matchRoute, type Route, routesOf } from "./rest-routes.js";
import { readJson } from "./strict-json.js";
import { messageOfJson } from "./strict-message.js";

export interface RestOptions {
  readonly services: readonly DescService[];
  readonly invoker: Invoker;
  readonly nowMs: () => number;
  /** Mesh identity of the caller by its certificate; absent on ports without mutual TLS. */
  readonly callerOf?: (request: HttpRequest) => string | undefined;
}

export type RequestListener = (request: HttpRequest, response: HttpResponse) => Promise<void>;

const registry = createRegistry(file_google_rpc_error_details);
const TIMEOUT_HEADER = "x-timeout-ms";

/** Makes the listener for all paths under /api/. */
export function restListener(options: RestOptions): RequestListener {
  const routes = routesOf(options.services);
  return async (request, response) => {
    try {
      await answer(options, routes, request, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else sendError(response, error);
    }
  };
}

/** The failure as REST answers it: HTTP status, headers, and a bare google.rpc.Status. */
export function sendError(response: HttpResponse, error: unknown): void {
  const failure = failureOf(error);
  if (failure.reason === "MESSAGE_TOO_LARGE") closeUnlessRead(response);
  sendJson(response, httpStatusOf(failure), statusJson(failure), errorHeaders(failure));
}

async function answer(
  options: RestOptions,
  routes: readonly Route[],
  request: HttpRequest,
  response: HttpResponse,
) {
  const { path, query } = targetOf(request);
  const match = matchRoute(routes, request.method ?? "", path);
  if (match.type === "none") throw new DomainError("UNIMPLEMENTED");
  if (match.type === "wrong_verb") {
    response.setHeader("allow", match.allow.join(", "));
    throw new DomainError("METHOD_NOT_ALLOWED");
  }
  const { route, values } = match;
  const message = await readMessage(request, route, { query, values });
  const call = callOf(options, route.method, request, response);
  if (route.method.methodKind === "unary") {
    const result = await options.invoker.unary(route.method, message, call);
    sendJson(
      response,
      200,
      toJson(route.method.output, result as never, { registry, alwaysEmitImplicit: true }),
    );
    return;
  }
  await pour(response, route.method, options.invoker.stream(route.method, message, call));
}

async function readMessage(
  request: HttpRequest,
  route: Route,
  parts: { query: string; values: readonly string[] },
) {
  try {
    const body = route.hasBody ? await readJsonBody(request) : await withoutBody(request);
    return messageOfJson(route.method.input, jsonOfRequest(route, { ...parts, body }));
  } catch (error) {
    throw refusedBefore(route.method, error);
  }
}

/** What a caller says in a body that no route reads would be ignored: a cancel of one side would end both. */
async function withoutBody(request: HttpRequest): Promise<undefined> {
  const { length } = await readBody(request);
  if (length === 0) return undefined;
  const problem = "this call has no body: its fields stand in the path and the query";
  throw new DomainError("MALFORMED_REQUEST", { problem });
}

async function readJsonBody(request: HttpRequest): Promise<JsonValue> {
  const type = headerOf(request, "content-type");
  // Who sends nothing has no type for it, and says all that it has to say in the path.
  if (type === undefined && (await readBody(request)).length === 0) return {};
  if (type === undefined || !/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type))
    throw new DomainError("UNSUPPORTED_MEDIA_TYPE");
  const encoding = headerOf(request, "content-encoding") ?? "identity";
  if (encoding !== "identity") throw new DomainError("UNSUPPORTED_ENCODING");
  return readJson(await readBody(request));
}

/** A server stream as one JSON object a line: `{"result": …}`, and `{"error": …}` when it fails. */
async function pour(
  response: HttpResponse,
  method: DescMethod,
  messages: AsyncIterable<Message>,
): Promise<void> {
  const gone = goneSignal(response);
  try {
    for await (const message of messages) {
      if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-ndjson" });
      const result = toJson(method.output, message as never, { registry, alwaysEmitImplicit: true });
      const hasRoom = (response as NodeJS.WritableStream).write(`${JSON.stringify({ result })}\n`);
      if (!hasRoom) await once(response, "drain", { signal: gone });
    }
  } catch (error) {
    if (!response.headersSent) throw error;
    (response as NodeJS.WritableStream).write(`${JSON.stringify({ error: statusJson(failureOf(error)) })}\n`);
  }
  if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.end();
}

function callOf(
  options: RestOptions,
  method: DescMethod,
  request: HttpRequest,
  response: HttpResponse,
): Call {
  return {
    method,
    signal: goneSignal(response),
    deadlineMs: deadlineOf(method, headerOf(request, TIMEOUT_HEADER), options.nowMs()),
    peer: request.socket.remoteAddress ?? "",
    caller: options.callerOf?.(request),
    traceparent: headerOf(request, "traceparent") ?? "",
    header: (name) => headerOf(request, name),
    setHeader: (name, value) => void response.setHeader(name, value),
    values: new Map(),
  };
}

function deadlineOf(method: DescMethod, timeoutMs: string | undefined, nowMs: number): number | undefined {
  if (timeoutMs === undefined) return undefined;
  if (!/^[0-9]{1,10}$/.test(timeoutMs)) {
    throw refusedBefore(method, new DomainError("MALFORMED_REQUEST", { field: TIMEOUT_HEADER }));
  }
  return nowMs + Number(timeoutMs);
}

function statusJson(failure: DomainError): JsonValue {
  return toJson(StatusSchema, toStatus(failure), { registry, alwaysEmitImplicit: true });
}

function sendJson(
  response: HttpResponse,
  status: number,
  json: JsonValue,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify(json);
  response.writeHead(status, {
    ...headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}
