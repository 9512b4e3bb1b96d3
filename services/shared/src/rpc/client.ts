// gRPC channels and typed clients from the descriptors. Errors come as DomainErrors.
import { once } from "node:events";
import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import {
  Client,
  type ClientDuplexStream,
  connectivityState,
  Metadata as GrpcMetadata,
  type Metadata,
} from "@grpc/grpc-js";
import { DomainError } from "../errors/domain-error.js";
import { toDomainError } from "../errors/from-wire.js";
import { currentTraceparent } from "../runtime/tracing.js";
import { limitConnects } from "./connect-limit.js";
import { decode, encode, pathOf } from "./definition.js";
import { channelCredentials, type MeshTls } from "./mesh-tls.js";

/** Largest message that is taken, bytes: one record of a shard may hold twenty thousand trades. */
const MESSAGE_BYTES_MAX = 20 * 1024 * 1024;
/** How often a call that waits for a connection has the name looked up again. */
const LOOK_AGAIN_MS = 250;

/** What all kinds of calls have in common. */
interface EndingCall {
  cancel(): void;
  on(event: "status", listener: () => void): unknown;
}

/** One connection pool to one target; share it. */
export type Channel = Client;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Gives up after this long. */
  readonly timeoutMs?: number | undefined;
  /** Gives up at this wall-clock time, milliseconds since 1970 UTC: a caller's deadline, passed on. */
  readonly deadlineMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Waits for the connection, as long as the deadline allows, instead of failing while there is none. */
  readonly waitForReady?: boolean | undefined;
}

/** A two-way stream. Writing never blocks: `write` says whether to wait for `drained` first. */
export interface Duplex<I, O> extends AsyncIterable<O> {
  /** Sends a message; false when more should wait for `drained`. */
  write(message: I): boolean;
  /** Resolves when the buffer is empty again or the stream has ended. */
  drained(): Promise<void>;
  /** No more messages from here. */
  end(): void;
  cancel(): void;
}

type Stub<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? (options?: CallOptions) => Duplex<MessageInitShape<I>, MessageShape<O>>
        : never;

/** Typed client of a service. */
export type ServiceClient<S extends DescService> = {
  readonly [K in keyof S["method"]]: Stub<S["method"][K]>;
};

const SERVICE_CONFIG = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

export interface ChannelOptions {
  /** Mutual TLS; plaintext without it. */
  readonly tls?: MeshTls | undefined;
  /** Name that the server's certificate must carry, where it is not the host of the address. */
  readonly serverName?: string | undefined;
  /**
   * Of the open world, where an answer may take long. Without it every connection of this process is limited
   * (connect-limit.ts), which is for processes of the mesh and not for a program that uses the client library.
   */
  readonly isRemote?: boolean | undefined;
}

/** Opens a channel: round robin over all addresses of the target, keepalive, reconnects within a third of a second. */
export function openChannel(
  address: string,
  { tls, serverName, isRemote = false }: ChannelOptions = {},
): Channel {
  if (!isRemote) limitConnects();
  return new Client(address, channelCredentials(tls), {
    "grpc.service_config": SERVICE_CONFIG,
    "grpc.service_config_disable_resolution": 1,
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    // A pod that restarts has a new address: the default would look for it only every 30 s.
    "grpc.dns_min_time_between_resolutions_ms": 500,
    ...(serverName === undefined ? {} : { "grpc.ssl_target_name_override": serverName }),
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 100,
    // Whoever follows a shard is awaited by it: a second of backoff would be a second of outage.
    "grpc.max_reconnect_backoff_ms": 250,
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.enable_channelz": 0,
    // A subchannel pool of its own, so that a closed channel leaves nothing to a later one.
    "grpc.use_local_subchannel_pool": 1,
  });
}

/** Waits for a connection, at most this long. Rejects with TRANSPORT_FAILED: then nothing was sent. */
export function connected(channel: Channel, timeoutMs: number): Promise<void> {
  const stop = lookAgain(channel);
  return new Promise((resolve, reject) => {
    channel.waitForReady(Date.now() + timeoutMs, (error) => {
      stop();
      if (error === undefined) resolve();
      else reject(new DomainError("TRANSPORT_FAILED", { problem: "no connection" }));
    });
  });
}

/** Client of a service over a channel. */
export function createClient<S extends DescService>(service: S, channel: Channel): ServiceClient<S> {
  const stubs = service.methods.map((method) => [method.localName, stubOf(channel, method)]);
  return Object.fromEntries(stubs) as ServiceClient<S>;
}

function stubOf(channel: Channel, method: DescMethod) {
  switch (method.methodKind) {
    case "unary":
      return (request: object, options: CallOptions = {}) => unary(channel, method, request, options);
    case "server_streaming":
      return (request: object, options: CallOptions = {}) => serverStream(channel, method, request, options);
    case "bidi_streaming":
      return (options: CallOptions = {}) => duplex(channel, method, options);
    case "client_streaming":
      return () => {
        throw new Error(`${method.name}: client streams are not in use`);
      };
  }
}

function unary(
  channel: Channel,
  method: DescMethod,
  request: object,
  options: CallOptions,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = channel.makeUnaryRequest(
      pathOf(method),
      (message: object) => encode(method.input, message as never),
      (bytes: Buffer) => decode(method.output, bytes),
      request,
      metadataOf(options),
      deadlineOf(options),
      (error, response) => {
        if (error === null) resolve(response);
        else reject(toDomainError(error));
      },
    );
    attend(channel, call, options);
  });
}

async function* serverStream(channel: Channel, method: DescMethod, request: object, options: CallOptions) {
  const call = channel.makeServerStreamRequest(
    pathOf(method),
    (message: object) => encode(method.input, message as never),
    (bytes: Buffer) => decode(method.output, bytes),
    request,
    metadataOf(options),
    deadlineOf(options),
  );
  attend(channel, call, options);
  try {
    yield* call as AsyncIterable<object>;
  } catch (error) {
    throw toDomainError(error);
  } finally {
    call.cancel();
  }
}

function duplex(channel: Channel, method: DescMethod, options: CallOptions): Duplex<object, object> {
  const call: ClientDuplexStream<object, object> = channel.makeBidiStreamRequest(
    pathOf(method),
    (message: object) => encode(method.input, message as never),
    (bytes: Buffer) => decode(method.output, bytes),
    metadataOf(options),
    deadlineOf(options),
  );
  attend(channel, call, options);
  // The iterator tells of an error only while somebody reads; without a listener it would end the process.
  const end: { error?: Error } = {};
  call.on("error", (error) => {
    end.error = error;
  });
  return {
    write: (message) => call.write(message),
    async drained() {
      if (!call.writableNeedDrain) return;
      // The one that does not happen must let go of the call: a long stream is drained many times.
      const either = new AbortController();
      const { signal } = either;
      await Promise.race([once(call, "drain", { signal }), once(call, "status", { signal })]).catch(() => {});
      either.abort();
    },
    end: () => call.end(),
    cancel: () => call.cancel(),
    async *[Symbol.asyncIterator]() {
      try {
        yield* call.iterator({ destroyOnReturn: false }) as AsyncIterable<object>;
        if (end.error !== undefined) throw end.error;
      } catch (error) {
        throw toDomainError(error);
      }
    },
  };
}

/** Does for a call that was begun what its options ask for as long as it lasts. */
function attend(channel: Channel, call: EndingCall, { signal, waitForReady }: CallOptions): void {
  cancelWith(call, signal);
  if (waitForReady === true) call.on("status", lookAgain(channel));
}

/**
 * Makes a channel look for addresses again and again until there is a connection, or the returned function is
 * called. A name that is not found (a pod that restarts has none for a moment) is looked up again by the next
 * call or question, but not by a call that waits for its connection: it would wait for ever.
 */
function lookAgain(channel: Channel): () => void {
  const state = channel.getChannel();
  const look = () => {
    if (state.getConnectivityState(true) === connectivityState.READY) clearInterval(timer);
  };
  const timer = setInterval(look, LOOK_AGAIN_MS);
  return () => clearInterval(timer);
}

function metadataOf(options: CallOptions): Metadata {
  const metadata = new GrpcMetadata({ waitForReady: options.waitForReady === true });
  for (const [name, value] of Object.entries(options.headers ?? {})) metadata.set(name, value);
  const traceparent = currentTraceparent();
  if (traceparent !== "" && metadata.get("traceparent").length === 0)
    metadata.set("traceparent", traceparent);
  return metadata;
}

function deadlineOf(options: CallOptions): { deadline?: number } {
  const fromTimeout =
    options.timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + options.timeoutMs;
  const deadline = Math.min(fromTimeout, options.deadlineMs ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(deadline) ? { deadline } : {};
}

function cancelWith(call: EndingCall, signal?: AbortSignal) {
  if (signal === undefined) return;
  const cancel = () => call.cancel();
  if (signal.aborted) return cancel();
  signal.addEventListener("abort", cancel, { once: true });
  call.on("status", () => signal.removeEventListener("abort", cancel));
}
