// Connect, gRPC-Web and gRPC on the HTTP port: the protocols are connect's, the handlers ours.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { failureOf, toConnectError } from "@bourse/shared/errors/to-wire.js";
import { file_google_rpc_error_details } from "@bourse/shared/gen/google/rpc/error_details_pb.js";
import { errorHeaders } from "@bourse/shared/http/error-headers.js";
import type { Invoker } from "@bourse/shared/http/invoke.js";
import {
  closeUnlessRead,
  type HttpRequest,
  type HttpResponse,
  headerOf,
  MESSAGE_BYTES_MAX,
  targetOf,
} from "@bourse/shared/http/node-http.js";
import { type RequestListener, sendError } from "@bourse/shared/http/rest.js";
import { type Call, refusedBefore, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { createRegistry } from "@bufbuild/protobuf";
import {
  type ConnectError,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { bodyFormOf, checkedBody } from "./connect-input.js";

export interface ConnectOptions {
  readonly entries: readonly ServiceEntry[];
  readonly invoker: Invoker;
  readonly nowMs: () => number;
}

const TIMEOUT_HEADER = "connect-timeout-ms";
const ENCODING_HEADERS = ["content-encoding", "connect-content-encoding", "grpc-encoding"];

/** Makes the listener for all paths `/package.Service/Method`. */
export function connectListener(options: ConnectOptions): RequestListener {
  const handlers = new Map(routerOf(options).handlers.map((handler) => [handler.requestPath, handler]));
  return async (request, response) => {
    const handler = handlers.get(targetOf(request).path);
    try {
      await carry(handler, request, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else sendError(response, error);
    }
  };
}

async function carry(
  handler: UniversalHandler | undefined,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  if (handler === undefined) throw new DomainError("UNIMPLEMENTED");
  const isRead = request.method === "GET" && handler.allowedMethods.includes("GET");
  if (request.method !== "POST" && !isRead) {
    response.setHeader("allow", handler.allowedMethods.join(", "));
    throw new DomainError("METHOD_NOT_ALLOWED");
  }
  const universal = universalRequestFromNodeRequest(request, response as never, undefined, undefined);
  const posted = isRead ? asPost(universal) : universal;
  const contentType = posted.header.get("content-type") ?? "";
  const form = bodyFormOf(contentType);
  if (form === undefined || !handler.supportedContentType(contentType))
    throw refusedBefore(handler.method, new DomainError("UNSUPPORTED_MEDIA_TYPE"));
  const checked = bodyOf(posted, handler.method, () =>
    checkedBody(posted.body as AsyncIterable<Uint8Array>, handler.method, form),
  );
  const body = closingUnlessRead(checked, response);
  const contextValues = createContextValues().set(nodeRequest, request);
  await universalResponseToNodeResponse(await handler({ ...posted, body, contextValues }), response as never);
}

/** The request as it came: what connect passes on has lost the second of two headers. */
const nodeRequest = createContextKey<HttpRequest | undefined>(undefined);

/** The checked body; one that is compressed, or under no timeout, is refused in the protocol's own words. */
function bodyOf(
  request: UniversalServerRequest,
  method: DescMethod,
  checked: () => AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const encodings = ENCODING_HEADERS.map((name) => request.header.get(name) ?? "identity");
  for (const name of ENCODING_HEADERS) request.header.delete(name);
  // By the announced length connect would refuse too, without a reason.
  request.header.delete("content-length");
  if (!encodings.every((encoding) => encoding === "identity"))
    return refusedBody(method, new DomainError("UNSUPPORTED_ENCODING"));
  const timeoutMs = request.header.get(TIMEOUT_HEADER);
  if (timeoutMs === null || /^[0-9]{1,10}$/.test(timeoutMs)) return checked();
  request.header.delete(TIMEOUT_HEADER);
  return refusedBody(method, new DomainError("MALFORMED_REQUEST", { field: TIMEOUT_HEADER }));
}

/** The same bytes; whoever stops in the middle of them ends the connection with the answer. */
async function* closingUnlessRead(
  body: AsyncIterable<Uint8Array>,
  response: HttpResponse,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    closeUnlessRead(response);
  }
}

// biome-ignore lint/correctness/useYield: a body that fails before its first byte
async function* refusedBody(method: DescMethod, failure: DomainError): AsyncGenerator<Uint8Array> {
  throw toConnectError(refusedBefore(method, failure));
}

/** Connect GET as the POST that it stands for, so that both are read by the same code. */
function asPost(request: UniversalServerRequest): UniversalServerRequest {
  const { searchParams } = new URL(request.url);
  const message = searchParams.get("message") ?? "";
  const bytes = searchParams.get("base64") === "1" ? Buffer.from(message, "base64url") : Buffer.from(message);
  const header = new Headers(request.header);
  header.set("content-type", `application/${searchParams.get("encoding") ?? ""}`);
  const compression = searchParams.get("compression");
  if (compression !== null) header.set("content-encoding", compression);
  return { ...request, method: "POST", header, body: once(bytes) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function routerOf(options: ConnectOptions) {
  const registry = createRegistry(file_google_rpc_error_details);
  const router = createConnectRouter({
    readMaxBytes: MESSAGE_BYTES_MAX,
    acceptCompression: [],
    jsonOptions: { registry, alwaysEmitImplicit: true },
  });
  for (const { service } of options.entries) {
    const implementation = service.methods.map((method) => [
      method.localName,
      implementationOf(options, method),
    ]);
    router.service(service, Object.fromEntries(implementation));
  }
  return router;
}

function implementationOf({ invoker, nowMs }: ConnectOptions, method: DescMethod) {
  if (method.methodKind === "unary") {
    return async (request: Message, context: HandlerContext) => {
      try {
        return await invoker.unary(method, request, callOf(method, context, nowMs()));
      } catch (error) {
        throw wireError(error);
      }
    };
  }
  return async function* (input: Message | AsyncIterable<Message>, context: HandlerContext) {
    try {
      yield* invoker.stream(method, input, callOf(method, context, nowMs()));
    } catch (error) {
      throw wireError(error);
    }
  };
}

function callOf(method: DescMethod, context: HandlerContext, nowMs: number): Call {
  const timeoutMs = context.timeoutMs();
  const request = context.values.get(nodeRequest);
  return {
    method,
    signal: context.signal,
    deadlineMs: timeoutMs === undefined ? undefined : nowMs + timeoutMs,
    peer: request?.socket.remoteAddress ?? "",
    traceparent: context.requestHeader.get("traceparent") ?? "",
    header: (name) => (request === undefined ? undefined : headerOf(request, name)),
    setHeader: (name, value) => context.responseHeader.set(name, value),
    values: new Map(),
  };
}

function wireError(error: unknown): ConnectError {
  const wire = toConnectError(error);
  for (const [name, value] of Object.entries(errorHeaders(failureOf(error)))) wire.metadata.set(name, value);
  return wire;
}
