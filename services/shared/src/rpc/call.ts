// What a handler knows about its call, on every surface alike.
import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { DomainError, withFacts } from "../errors/domain-error.js";

/** One call of one method, whatever carried it. */
export interface Call {
  readonly method: DescMethod;
  /** Aborts when the caller goes away, the deadline passes or the server ends. */
  readonly signal: AbortSignal;
  /** Wall-clock time at which the caller stops waiting, milliseconds since 1970 UTC; absent without one. */
  readonly deadlineMs?: number | undefined;
  /** Address of the caller, without port. */
  readonly peer: string;
  /** Mesh identity of the caller, from its certificate; undefined without mutual TLS. */
  readonly caller?: string | undefined;
  /** W3C trace context of the caller; "" without one. */
  readonly traceparent: string;
  /** Request header, lower-case name; several values are joined by ", ". */
  header(name: string): string | undefined;
  /** Sets a response header; only before the first message. */
  setHeader(name: string, value: string): void;
  /** What guards learned about the call, for example who calls. */
  readonly values: Map<symbol, unknown>;
}

/** Runs before every handler; refuses by throwing a DomainError. `request` is absent for streams of requests. */
export type Guard = (call: Call, request: unknown) => void | Promise<void>;

/** Guards as one: each in order, until one refuses. */
export function allOf(guards: readonly Guard[]): Guard {
  return async (call, request) => {
    for (const guard of guards) await guard(call, request);
  };
}

type Handler<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: Call) => Promise<MessageInitShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, call: Call) => AsyncIterable<MessageInitShape<O>>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageShape<I>>, call: Call) => AsyncIterable<MessageInitShape<O>>
        : never;

/**
 * A refusal before the handler ran: a call that changes something says that nothing was attempted, so
 * that its caller knows what is certain.
 */
export function refusedBefore(method: DescMethod, error: unknown): unknown {
  const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return error instanceof DomainError && !isRead ? withFacts(error, { outcome: "NOT_ATTEMPTED" }) : error;
}

/** Handlers of a service by method; what is absent answers UNIMPLEMENTED. */
export type Handlers<S extends DescService> = { readonly [K in keyof S["method"]]?: Handler<S["method"][K]> };

/** A handler without its types: what carriers work with. */
export type AnyHandler = (request: never, call: Call) => Promise<object> | AsyncIterable<object>;

/** A service and its handlers, ready to be carried by gRPC, Connect or REST. */
export interface ServiceEntry {
  readonly service: DescService;
  readonly handlers: Readonly<Record<string, AnyHandler | undefined>>;
}

/** Binds handlers to a service. */
export function implement<S extends DescService>(service: S, handlers: Handlers<S>): ServiceEntry {
  return { service, handlers: handlers as ServiceEntry["handlers"] };
}
