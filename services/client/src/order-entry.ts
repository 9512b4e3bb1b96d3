// Many commands on one stream: a pipelined window, results in order, and a way back after a break.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { fromStatus, toDomainError } from "@bourse/shared/errors/from-wire.js";
import type {
  Order,
  OrderEntryRequestSchema,
  OrderEntryResponse,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { Duplex } from "@bourse/shared/rpc/client.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { isWorthRepeating, pauseBeforeRepeat, type RepeatOptions } from "./final-word.js";

/** One command as the stream carries it. Orders must have a client order id: it is what makes repeats safe, as an amend's request id does. */
export type EntryCommand = MessageInitShape<typeof OrderEntryRequestSchema>;

/** The final word on a command. */
export type EntryAnswer =
  | {
      readonly type: "placed" | "cancelled" | "amended";
      readonly order: Order;
      readonly replayed: boolean;
      readonly sequence: bigint;
    }
  | { readonly type: "refused"; readonly error: DomainError };

/** What became of a command. */
export interface EntryResult {
  /** The command as it was carried out: with another client order id if it was renewed. */
  readonly command: EntryCommand;
  readonly answer: EntryAnswer;
  /** How often it was sent. */
  readonly attempts: number;
  /** How often it was given a new client order id. */
  readonly renewals: number;
  /** From the first time it was sent to its final word. */
  readonly latencyMs: number;
}

export interface OrderEntryConfig extends RepeatOptions {
  /** Opens a new stream; the signal ends it. */
  readonly open: (signal: AbortSignal) => Duplex<EntryCommand, OrderEntryResponse>;
  readonly windowMax: number;
  /**
   * The command to send instead of one that was in doubt and then refused for good without having
   * been looked at (a tombstone); undefined accepts the refusal.
   */
  readonly renew?: ((command: EntryCommand) => EntryCommand | undefined) | undefined;
  readonly onReconnect?: ((error: DomainError) => void) | undefined;
}

interface Entry {
  make: () => EntryCommand;
  /** What was sent last. */
  command: EntryCommand;
  attempts: number;
  renewals: number;
  sentAtMs: number;
  readonly resolve: (result: EntryResult) => void;
  readonly reject: (error: DomainError) => void;
}

/** A stream whose oldest command stays unanswered for so long is given up and opened again. */
const answerMsMax = 30_000;

/**
 * Sends commands in order and gives each its final word, in order.
 *
 * States: open → broken → open … → closed. When the stream ends, or a command comes back without a
 * final word, everything unanswered is sent again on a new stream in the same order. What was sent
 * before is in doubt, so it goes one by one, each after the final word of the one before; only then
 * is the window open again. This keeps the order even when a doubtful command must be renewed.
 * It goes on trying until the signal aborts, and then rejects what is unanswered.
 */
export class OrderEntry {
  readonly #config: OrderEntryConfig;
  readonly #queue: Entry[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #running: Promise<void>;
  readonly #stop = new AbortController();
  #stream: Duplex<EntryCommand, OrderEntryResponse> | undefined;
  /** How many entries at the head of the queue were sent on the present stream. */
  #inFlight = 0;
  /** Results that came on the present stream. */
  #answered = 0n;
  #isBlocked = false;
  #isClosing = false;
  #windowMax: number;
  #failure: DomainError | undefined;

  constructor(config: OrderEntryConfig) {
    this.#config = config;
    this.#windowMax = config.windowMax;
    config.signal?.addEventListener("abort", () => this.#stop.abort(), { once: true });
    this.#running = this.#run();
  }

  /** Commands without a final word. */
  get unanswered(): number {
    return this.#queue.length;
  }

  /**
   * Queues a command; resolves with its final word. Rejects only when the entry is closed, its signal
   * aborts or the exchange refuses the stream itself (no permission, token expired). A function is
   * asked each time the command goes out: a cancel can so follow an order that was renewed.
   */
  send(command: EntryCommand | (() => EntryCommand)): Promise<EntryResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isClosing) return Promise.reject(new DomainError("CANCELLED"));
    const make = typeof command === "function" ? command : () => command;
    return new Promise((resolve, reject) => {
      this.#queue.push({ make, command: {}, attempts: 0, renewals: 0, sentAtMs: 0, resolve, reject });
      this.#pump();
    });
  }

  /** Resolves when at most `unansweredMax` commands are without a final word. */
  async untilUnanswered(unansweredMax: number): Promise<void> {
    while (this.#queue.length > unansweredMax && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the stream after the last final word. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#queue.length === 0) this.#finish();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let attempt = 1; !this.#isDone(); attempt += 1) {
      const attemptedFrom = this.#queue[0];
      try {
        await this.#runStream();
      } catch (cause) {
        const error = toDomainError(cause);
        if (!this.#stop.signal.aborted && !isWorthRepeating(error)) return this.#fail(error);
        if (this.#isDone()) break;
        if (error.reason === "TOO_MANY_IN_FLIGHT") this.#windowMax = Math.max(1, this.#windowMax >> 1);
        if (attemptedFrom !== this.#queue[0]) attempt = 1;
        this.#config.onReconnect?.(error);
        await pauseBeforeRepeat(error, attempt, { ...this.#config, signal: this.#stop.signal });
      }
    }
    this.#fail(new DomainError("CANCELLED"));
  }

  /** One stream from its start to its end; throws what ended it. */
  async #runStream(): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, ended.signal]);
    const stream = this.#config.open(signal);
    this.#stream = stream;
    this.#inFlight = 0;
    this.#answered = 0n;
    this.#isBlocked = false;
    const watch = this.#watch(signal, stream);
    try {
      this.#pump();
      for await (const response of stream) this.#take(response);
      if (!this.#isDone()) throw new DomainError("TRANSPORT_FAILED");
    } finally {
      this.#stream = undefined;
      stream.cancel();
      ended.abort();
      await watch;
    }
  }

  /** Gives up a stream that does not answer: a paused gateway looks open for ever. */
  async #watch(signal: AbortSignal, stream: Duplex<EntryCommand, OrderEntryResponse>): Promise<void> {
    const { clock } = this.#config;
    while (!signal.aborted) {
      await clock.sleep(1_000, signal);
      const oldest = this.#inFlight > 0 ? this.#queue[0] : undefined;
      if (oldest !== undefined && clock.monotonicMs() - oldest.sentAtMs > answerMsMax) {
        oldest.sentAtMs = clock.monotonicMs();
        stream.cancel();
      }
    }
  }

  /** Writes what the window allows. */
  #pump(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#isBlocked) return;
    while (this.#inFlight < this.#queue.length && this.#inFlight < this.#windowNow()) {
      const entry = this.#queue[this.#inFlight] as Entry;
      if (entry.attempts === 0) entry.sentAtMs = this.#config.clock.monotonicMs();
      entry.attempts += 1;
      this.#inFlight += 1;
      entry.command = entry.make();
      if (stream.write(entry.command)) continue;
      this.#isBlocked = true;
      void stream.drained().then(() => {
        if (this.#stream !== stream) return;
        this.#isBlocked = false;
        this.#pump();
      });
      return;
    }
  }

  /** One while the oldest command is in doubt, else the whole window. */
  #windowNow(): number {
    const oldest = this.#queue[0];
    if (oldest === undefined) return this.#windowMax;
    const wasSentBefore = this.#inFlight > 0 ? oldest.attempts > 1 : oldest.attempts > 0;
    return wasSentBefore ? 1 : this.#windowMax;
  }

  #take(response: OrderEntryResponse): void {
    const entry = this.#queue[0];
    const isExpected = entry !== undefined && this.#inFlight > 0 && response.index === this.#answered;
    // A result that belongs to no command in flight: nothing on this stream can be trusted.
    if (!isExpected) throw new DomainError("INTERNAL");
    this.#answered += 1n;
    const answer = answerOf(response);
    if (answer.type === "refused" && isWorthRepeating(answer.error)) throw answer.error;
    this.#inFlight -= 1;
    const renewed =
      isTombstone(answer) && entry.attempts > 1 ? this.#config.renew?.(entry.command) : undefined;
    if (renewed !== undefined) {
      entry.make = () => renewed;
      entry.renewals += 1;
      this.#pump();
      return;
    }
    this.#queue.shift();
    const latencyMs = this.#config.clock.monotonicMs() - entry.sentAtMs;
    const { command, attempts, renewals } = entry;
    entry.resolve({ command, answer, attempts, renewals, latencyMs });
    for (const wake of this.#waiting.splice(0)) wake();
    this.#pump();
    if (this.#isClosing && this.#queue.length === 0) this.#finish();
  }

  #isDone(): boolean {
    return this.#stop.signal.aborted || (this.#isClosing && this.#queue.length === 0);
  }

  /** Everything is answered: the stream ends, and with it the run. */
  #finish(): void {
    this.#stream?.end();
    this.#stop.abort();
  }

  #fail(error: DomainError): void {
    this.#failure = error;
    for (const { reject } of this.#queue.splice(0)) reject(error);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function answerOf({ result }: OrderEntryResponse): EntryAnswer {
  switch (result.case) {
    case "placed":
    case "cancelled":
    case "amended": {
      const { order, replayed, sequence } = result.value;
      if (order === undefined) return { type: "refused", error: new DomainError("INTERNAL") };
      return { type: result.case, order, replayed, sequence };
    }
    case "error":
      return { type: "refused", error: fromStatus(result.value) ?? new DomainError("INTERNAL") };
    case undefined:
      return { type: "refused", error: new DomainError("INTERNAL") };
  }
}

/** True for a refusal that says nothing about the order itself: nobody looked at the command in time. */
function isTombstone(answer: EntryAnswer): boolean {
  if (answer.type === "placed") {
    const { status, reason } = answer.order;
    return status === OrderStatus.REJECTED && reason === EndReason.NOT_SEQUENCED;
  }
  if (answer.type !== "refused") return false;
  const { reason, facts } = answer.error;
  return facts.outcome === "NOT_ACCEPTED" && reason === "SUBMIT_EXPIRED";
}
