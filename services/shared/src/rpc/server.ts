// The gRPC server of every process: health, reflection, deadlines, error mapping, metrics, drain.
import { type EventEmitter, once } from "node:events";
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  Metadata,
  type MethodDefinition,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { DomainError } from "../errors/domain-error.js";
import { codeOf, failureOf, toGrpcError } from "../errors/to-wire.js";
import type { Logger } from "../runtime/log.js";
import type { Counter, Histogram, Metrics } from "../runtime/metrics.js";
import { type AnyHandler, type Call, type Guard, refusedBefore, type ServiceEntry } from "./call.js";
import { decode, encode, rawDefinition } from "./definition.js";
import { healthService } from "./health.js";
import { identityOf, type MeshTls, serverCredentials } from "./mesh-tls.js";
import { reflectionServices } from "./reflection.js";

export interface GrpcServerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly services: readonly ServiceEntry[];
  readonly log: Logger;
  readonly metrics: Metrics;
  /** What health answers. */
  readonly isReady: () => boolean;
  /** Run before every handler, in order; health and reflection are free of them. */
  readonly guards?: readonly Guard[];
  /** Mutual TLS: callers must show a certificate of the mesh. Plaintext without it. */
  readonly tls?: MeshTls | undefined;
  /** Age at which a connection is closed once its calls are done, so that clients find new replicas. */
  readonly connectionAgeMsMax?: number | undefined;
  /**
   * Calls at once of one connection; more wait there unseen, reads too. 100, but for a server whose callers
   * bring many subscriptions of others over one connection.
   */
  readonly concurrentStreamsMax?: number;
  /** Largest message that is read, bytes. */
  readonly messageBytesMax?: number;
}

export interface GrpcServer {
  readonly port: number;
  /**
   * Ends gracefully: takes no new connection, ends server streams with DRAINING and the input of
   * two-way streams, waits for calls in flight; after `timeoutMs` ends what is left.
   */
  close(timeoutMs?: number): Promise<void>;
}

interface Ground {
  readonly options: GrpcServerOptions;
  readonly drain: AbortController;
  readonly handled: Counter<"service" | "method" | "code">;
  readonly seconds: Histogram<"service" | "method">;
}

type AnyCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
const CONCURRENT_STREAMS_MAX = 100;
const HEADER_BYTES_MAX = 16 * 1024;
const DRAIN_MS = 10_000;

/** Starts a gRPC server that carries the services, health (v1) and reflection (v1, v1alpha). */
export async function serveGrpc(options: GrpcServerOptions): Promise<GrpcServer> {
  const { tls, connectionAgeMsMax, concurrentStreamsMax = CONCURRENT_STREAMS_MAX } = options;
  const drain = new AbortController();
  const server = new Server({
    // What is a little too large is read, so that it gets a precise error; grpc-js' own has no details.
    "grpc.max_receive_message_length": Math.min(MESSAGE_BYTES_MAX, 16 * bytesMaxOf(options)),
    "grpc.max_concurrent_streams": concurrentStreamsMax,
    "grpc.max_metadata_size": HEADER_BYTES_MAX,
    "grpc.enable_channelz": 0,
    ...(connectionAgeMsMax === undefined ? {} : { "grpc.max_connection_age_ms": connectionAgeMsMax }),
  });
  const ground: Ground = { options, drain, ...serverMetrics(options.metrics) };
  const health = healthService(options.services, options.isReady);
  const open = [health, ...reflectionServices([...options.services, health])];
  for (const entry of options.services) add(server, ground, entry, options.guards ?? []);
  for (const entry of open) add(server, ground, entry, []);
  const port = await bind(server, `${options.host}:${options.port}`, tls);
  return { port, close: (timeoutMs = DRAIN_MS) => shutDown(server, drain, timeoutMs) };
}

function serverMetrics(metrics: Metrics) {
  return {
    handled: metrics.counter("rpc_server_handled_total", "Calls answered.", ["service", "method", "code"]),
    seconds: metrics.histogram("rpc_server_handling_seconds", "Time to answer a unary call.", [
      "service",
      "method",
    ]),
  };
}

function bind(server: Server, address: string, tls: MeshTls | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, serverCredentials(tls), (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}

async function shutDown(server: Server, drain: AbortController, timeoutMs: number): Promise<void> {
  drain.abort(new DomainError("DRAINING"));
  const timer = setTimeout(() => server.forceShutdown(), timeoutMs);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(timer);
}

function add(server: Server, ground: Ground, entry: ServiceEntry, guards: readonly Guard[]): void {
  const definitions: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const handlers: Record<string, UntypedHandleCall> = {};
  for (const method of entry.service.methods) {
    definitions[method.localName] = rawDefinition(method);
    const handler = entry.handlers[method.localName] ?? unimplemented;
    handlers[method.localName] = carry(ground, method, handler, guards);
  }
  server.addService(definitions, handlers);
}

const unimplemented: AnyHandler = () => Promise.reject(new DomainError("UNIMPLEMENTED"));

function carry(
  ground: Ground,
  method: DescMethod,
  handler: AnyHandler,
  guards: readonly Guard[],
): UntypedHandleCall {
  const path = { service: method.parent.typeName, method: method.name };
  const finish = (error: unknown) => {
    if (error === undefined) return ground.handled.inc({ ...path, code: "OK" });
    const failure = failureOf(error);
    ground.handled.inc({ ...path, code: Code[codeOf(failure)] });
    if (failure.reason === "INTERNAL") ground.options.log.error({ err: error, ...path }, "call failed");
  };
  if (method.methodKind === "unary") {
    return ((wire: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      const stop = ground.seconds.startTimer(path);
      void answer(ground, method, handler, guards, wire)
        .then((bytes) => {
          finish(undefined);
          callback(null, bytes);
        })
        .catch((error: unknown) => {
          finish(error);
          callback(toGrpcError(error));
        })
        .finally(stop);
    }) as UntypedHandleCall;
  }
  return ((wire: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>) => {
    void pour(ground, method, handler, guards, wire)
      .then(() => {
        finish(undefined);
        wire.end();
      })
      .catch((error: unknown) => {
        finish(error);
        wire.emit("error", toGrpcError(error));
      });
  }) as UntypedHandleCall;
}

async function answer(
  ground: Ground,
  method: DescMethod,
  handler: AnyHandler,
  guards: readonly Guard[],
  wire: ServerUnaryCall<Buffer, Buffer>,
): Promise<Buffer> {
  const call = openCall(ground, method, wire);
  return unlessGone(call, async () => {
    const request = read(ground, method, wire.request);
    for (const guard of guards) await guard(call, request);
    const response = await (handler(request as never, call) as Promise<object>);
    return encode(method.output, response as never);
  });
}

async function pour(
  ground: Ground,
  method: DescMethod,
  handler: AnyHandler,
  guards: readonly Guard[],
  wire: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
): Promise<void> {
  const call = openCall(ground, method, wire);
  const isTwoWay = method.methodKind === "bidi_streaming";
  await unlessGone(call, async () => {
    const request = isTwoWay
      ? undefined
      : read(ground, method, (wire as ServerWritableStream<Buffer, Buffer>).request);
    for (const guard of guards) await guard(call, request);
    const input = isTwoWay ? requests(ground, method, wire as ServerDuplexStream<Buffer, Buffer>) : request;
    let written: Promise<void> | undefined;
    try {
      for await (const response of handler(input as never, call) as AsyncIterable<object>) {
        let hasRoom = true;
        written = new Promise((resolve) => {
          hasRoom = wire.write(encode(method.output, response as never), () => resolve());
        });
        if (!hasRoom) await once(wire, "drain", { signal: call.signal });
      }
    } catch (error) {
      // An error overtakes what is not flushed yet: the input's iterator sees it and ends the stream.
      await written;
      throw error;
    }
  });
  if (!isTwoWay && ground.drain.signal.aborted) throw new DomainError("DRAINING");
}

/** What fails because the caller went away (or the drain began) is no failure of ours. */
async function unlessGone<T>(call: Call, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (call.signal.aborted && !(error instanceof DomainError)) throw call.signal.reason;
    throw error;
  }
}

/** Requests of a two-way stream; ends when the caller ends it or the drain begins. */
async function* requests(
  ground: Ground,
  method: DescMethod,
  wire: ServerDuplexStream<Buffer, Buffer>,
): AsyncIterable<Message> {
  // A plain `for await` over a duplex destroys its write side when the input ends.
  const source = wire.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  const { signal } = ground.drain;
  let stop = () => {};
  const onDrain = () => stop();
  signal.addEventListener("abort", onDrain, { once: true });
  try {
    while (!signal.aborted) {
      // Not Promise.race: each race would leave a reaction on a promise that lives as long as the process.
      const next = await new Promise<IteratorResult<Buffer>>((resolve, reject) => {
        stop = () => resolve({ done: true, value: undefined });
        source.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield read(ground, method, next.value);
    }
  } finally {
    signal.removeEventListener("abort", onDrain);
  }
}

function bytesMaxOf({ messageBytesMax }: GrpcServerOptions): number {
  return messageBytesMax ?? MESSAGE_BYTES_MAX;
}

function read({ options }: Ground, method: DescMethod, bytes: Buffer): Message {
  if (bytes.length > bytesMaxOf(options)) {
    throw refusedBefore(method, new DomainError("MESSAGE_TOO_LARGE"));
  }
  try {
    return decode(method.input, bytes);
  } catch (cause) {
    throw refusedBefore(method, new DomainError("MALFORMED_REQUEST", {}, { cause }));
  }
}

function openCall(ground: Ground, method: DescMethod, wire: AnyCall): Call {
  const { tls } = ground.options;
  const gone = new AbortController();
  (wire as EventEmitter).on("cancelled", () => gone.abort(new DomainError("CANCELLED")));
  const isServerStream = method.methodKind === "server_streaming";
  const signal = isServerStream ? AbortSignal.any([gone.signal, ground.drain.signal]) : gone.signal;
  const deadline = wire.getDeadline();
  const deadlineMs = deadline instanceof Date ? deadline.getTime() : deadline;
  const header = (name: string) => {
    const values = wire.metadata.get(name).map(String);
    return values.length === 0 ? undefined : values.join(", ");
  };
  return {
    method,
    signal,
    deadlineMs: Number.isFinite(deadlineMs) ? deadlineMs : undefined,
    peer: withoutPort(wire.getPeer()),
    caller: tls === undefined ? undefined : identityOf(wire, tls.trustDomain),
    traceparent: header("traceparent") ?? "",
    header,
    setHeader(name, value) {
      const metadata = new Metadata();
      metadata.set(name, value);
      wire.sendMetadata(metadata);
    },
    values: new Map(),
  };
}

function withoutPort(peer: string): string {
  return peer.replace(/:[0-9]+$/, "");
}
