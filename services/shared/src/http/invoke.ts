// The handlers as the HTTP surfaces call them: the same guards, metrics and drain as on the gRPC port.

import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { DomainError } from "../errors/domain-error.js";
import { codeOf, failureOf } from "../errors/to-wire.js";
import type { AnyHandler, Call, Guard, ServiceEntry } from "../rpc/call.js";
import type { Logger } from "../runtime/log.js";
import type { Counter, Metrics } from "../runtime/metrics.js";

/** Calls a handler for a carrier. Rejects with what the handler or a guard threw. */
export interface Invoker {
  unary(method: DescMethod, request: Message, call: Call): Promise<Message>;
  /** `input` is one message, or all of them for a two-way stream. */
  stream(method: DescMethod, input: Message | AsyncIterable<Message>, call: Call): AsyncIterable<Message>;
}

export interface InvokerOptions {
  readonly entries: readonly ServiceEntry[];
  readonly guard: Guard;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Aborts when the drain begins: streams end with DRAINING. */
  readonly drain: AbortSignal;
}

/** Makes the invoker over the services of a port. */
export function createInvoker(options: InvokerOptions): Invoker {
  const ground = { ...options, handled: handledCounter(options.metrics) };
  const handlers = new Map<DescMethod, AnyHandler>();
  for (const { service, handlers: byName } of options.entries) {
    for (const method of service.methods) {
      const handler = byName[method.localName];
      if (handler !== undefined) handlers.set(method, handler);
    }
  }
  const handlerOf = (method: DescMethod): AnyHandler => {
    const handler = handlers.get(method);
    if (handler === undefined) throw new DomainError("UNIMPLEMENTED");
    return handler;
  };
  return {
    unary: (method, request, call) =>
      counted(ground, method, async () => {
        await options.guard(call, request);
        const response = await (handlerOf(method)(request as never, call) as Promise<object>);
        return create(method.output, response as never);
      }),
    async *stream(method, input, call) {
      const isTwoWay = method.methodKind === "bidi_streaming";
      const signal = isTwoWay ? call.signal : AbortSignal.any([call.signal, options.drain]);
      const until = { ...call, signal };
      try {
        await options.guard(until, isTwoWay ? undefined : input);
        const requests = isTwoWay ? untilAborted(input as AsyncIterable<Message>, options.drain) : input;
        const responses = handlerOf(method)(requests as never, until) as AsyncIterable<object>;
        for await (const response of responses) yield create(method.output, response as never);
        if (!isTwoWay && options.drain.aborted) throw new DomainError("DRAINING");
        finish(ground, method, undefined);
      } catch (error) {
        const isDrain = options.drain.aborted && !call.signal.aborted && !isTwoWay;
        const failure = isDrain ? new DomainError("DRAINING", {}, { cause: error }) : error;
        finish(ground, method, failure);
        throw failure;
      }
    },
  };
}

type Handled = Counter<"service" | "method" | "code">;

interface Ground extends InvokerOptions {
  readonly handled: Handled;
}

/** The counter of the gRPC server: a call counts the same on every port. */
function handledCounter(metrics: Metrics): Handled {
  const name = "rpc_server_handled_total";
  const existing = metrics.registry.getSingleMetric(name) as Handled | undefined;
  return existing ?? metrics.counter(name, "Calls answered.", ["service", "method", "code"]);
}

async function counted<T>(ground: Ground, method: DescMethod, run: () => Promise<T>): Promise<T> {
  try {
    const result = await run();
    finish(ground, method, undefined);
    return result;
  } catch (error) {
    finish(ground, method, error);
    throw error;
  }
}

function finish({ handled, log }: Ground, method: DescMethod, error: unknown): void {
  const path = { service: method.parent.typeName, method: method.name };
  if (error === undefined) return handled.inc({ ...path, code: "OK" });
  const failure = failureOf(error);
  handled.inc({ ...path, code: Code[codeOf(failure)] });
  if (failure.reason === "INTERNAL") log.error({ err: error, ...path }, "call failed");
}

/** The input until the signal aborts; what was read by then is still carried out. */
async function* untilAborted<T>(input: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const source = input[Symbol.asyncIterator]();
  let stop = () => {};
  const onAbort = () => stop();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    while (!signal.aborted) {
      // Not Promise.race: each race would leave a reaction on a promise that lives as long as the process.
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        stop = () => resolve({ done: true, value: undefined });
        source.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
