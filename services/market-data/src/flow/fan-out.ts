// Views to subscribers. Depth is conflated: whoever is slow gets one diff of the newest quantities,
// or a fresh snapshot, never a queue. Trades and changes of a market's state are never dropped silently: a
// bounded queue, then closed.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { MarketStatus, MarketUpdate, MarketView } from "../core/shard-view.js";
import type { Trade } from "../core/trades.js";
import {
  type DepthGround,
  type DepthMessage,
  type DepthReader,
  nextDiff,
  openDepthReader,
} from "./depth-reader.js";
import { newSubscriber, type Subscriber, type SubscriberCount, Subscribers } from "./subscribers.js";

/** Quiet after which a depth subscriber gets a heartbeat. */
const HEARTBEAT_MS = 5_000;
/** Changes of a market's state that one subscriber may be behind. */
const STATUS_QUEUE_MAX = 256;

export interface FanOutOptions {
  readonly clock: Clock;
  readonly crc32: (text: string) => number;
  /** Trades that one subscriber may be behind. */
  readonly tradesQueueMax: number;
  /** Subscribers at once, all markets together. */
  readonly subscribersMax: number;
  /** Told how many subscribers there are, when that changes. */
  readonly onSubscribers: (count: number) => void;
}

interface DepthSubscriber extends Subscriber {
  /** When it was last given a message, monotonic. */
  sentMs: number;
}

/** Gets every item, in order. */
interface QueueSubscriber<T> extends Subscriber {
  queue: T[];
}

/** All subscriptions of this process. */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #ground: DepthGround;
  readonly #depth: Subscribers<DepthSubscriber>;
  readonly #trades: Subscribers<QueueSubscriber<Trade>>;
  readonly #statuses: Subscribers<QueueSubscriber<MarketStatus>>;

  constructor(options: FanOutOptions) {
    const count: SubscriberCount = { max: options.subscribersMax, onChange: options.onSubscribers, now: 0 };
    this.#options = options;
    this.#ground = { crc32: options.crc32, lastDiffs: new WeakMap() };
    this.#depth = new Subscribers(count);
    this.#trades = new Subscribers(count);
    this.#statuses = new Subscribers(count);
  }

  /** Tells subscribers what a batch changed; call it in the same turn in which the batch was applied. */
  publish(updates: readonly MarketUpdate[]): void {
    for (const { market, hasDepthChanged, trades, statuses } of updates) {
      if (hasDepthChanged) for (const { bell } of this.#depth.of(market)) bell.ring();
      if (trades.length > 0) {
        for (const subscriber of this.#trades.of(market))
          enqueue(subscriber, trades, this.#options.tradesQueueMax, placeOfTrade);
      }
      if (statuses.length > 0) {
        for (const subscriber of this.#statuses.of(market))
          enqueue(subscriber, statuses, STATUS_QUEUE_MAX, () => ({}));
      }
    }
  }

  /** First a snapshot, then diffs, heartbeats when quiet; a snapshot again after too long a lag. */
  async *depth(market: MarketView, levels: number, signal: AbortSignal): AsyncGenerator<DepthMessage, void> {
    const { clock } = this.#options;
    const subscriber = { ...newSubscriber(market), sentMs: clock.monotonicMs() };
    const leave = this.#depth.join(subscriber, signal);
    try {
      const { reader, snapshot } = openDepthReader(market, levels, this.#ground);
      yield snapshot;
      yield* followDepth(subscriber, reader, clock, signal);
    } finally {
      leave();
    }
  }

  /** Trades from now on; SLOW_CONSUMER with the first trade that was not sent when the queue is full. */
  async *trades(market: MarketView, signal: AbortSignal): AsyncGenerator<Trade, void> {
    const subscriber: QueueSubscriber<Trade> = { ...newSubscriber(market), queue: [] };
    const leave = this.#trades.join(subscriber, signal);
    try {
      yield* drain(subscriber, signal);
    } finally {
      leave();
    }
  }

  /** What the market accepts now, then every change; SLOW_CONSUMER when the queue is full. */
  async *statuses(market: MarketView, signal: AbortSignal): AsyncGenerator<MarketStatus, void> {
    const subscriber: QueueSubscriber<MarketStatus> = { ...newSubscriber(market), queue: [market.status] };
    const leave = this.#statuses.join(subscriber, signal);
    try {
      yield* drain(subscriber, signal);
    } finally {
      leave();
    }
  }

  /** Ends every subscription to these markets: their views are gone. */
  closeAll(markets: readonly MarketView[]): void {
    for (const market of markets) {
      close(this.#depth.of(market));
      close(this.#trades.of(market));
      close(this.#statuses.of(market));
    }
  }

  /** Ends the subscriptions to trades of these markets: some were missed. */
  closeTrades(markets: readonly MarketView[]): void {
    for (const market of markets) close(this.#trades.of(market));
  }

  /** Wakes subscribers for their heartbeats until the signal aborts. */
  async heartbeats(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const nowMs = clock.monotonicMs();
      // Whoever comes or is sent to while this sleeps is due later than it wakes.
      let dueMs = nowMs + HEARTBEAT_MS;
      for (const { sentMs, bell } of this.#depth.all()) {
        if (sentMs + HEARTBEAT_MS <= nowMs) bell.ring();
        else dueMs = Math.min(dueMs, sentMs + HEARTBEAT_MS);
      }
      await clock.sleep(dueMs - nowMs, signal);
    }
  }
}

async function* followDepth(
  subscriber: DepthSubscriber,
  reader: DepthReader,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<DepthMessage, void> {
  while (!signal.aborted) {
    if (subscriber.failure !== undefined) throw subscriber.failure;
    const message = nextDiff(reader) ?? heartbeatIfDue(subscriber, reader, clock);
    if (message === undefined) {
      await subscriber.bell.wait();
      continue;
    }
    subscriber.sentMs = clock.monotonicMs();
    yield message;
  }
}

function heartbeatIfDue(
  { sentMs }: DepthSubscriber,
  reader: DepthReader,
  clock: Clock,
): DepthMessage | undefined {
  if (clock.monotonicMs() - sentMs < HEARTBEAT_MS) return undefined;
  return { type: "heartbeat", lastUpdateId: reader.lastUpdateId };
}

function enqueue<T>(
  subscriber: QueueSubscriber<T>,
  items: readonly T[],
  queueMax: number,
  resumeAt: (next: T) => Record<string, string>,
): void {
  if (subscriber.failure !== undefined) return;
  subscriber.bell.ring();
  // Whoever has taken all before is not slow, however much one record brings.
  const isInStep = subscriber.queue.length === 0;
  if (isInStep || subscriber.queue.length + items.length <= queueMax) {
    for (const item of items) subscriber.queue.push(item);
    return;
  }
  const [next] = subscriber.queue;
  subscriber.failure = new DomainError("SLOW_CONSUMER", next === undefined ? {} : resumeAt(next));
  // What waits is told by the place to resume from; keeping it would only keep memory.
  subscriber.queue = [];
}

/** ListRecentTrades has it. */
function placeOfTrade({ seq, index }: Trade): Record<string, string> {
  return { resume_sequence: String(seq), resume_index: String(index) };
}

async function* drain<T>(subscriber: QueueSubscriber<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  while (!signal.aborted) {
    const item = subscriber.queue.shift();
    if (item !== undefined) yield item;
    else if (subscriber.failure !== undefined) throw subscriber.failure;
    else await subscriber.bell.wait();
  }
}

function close(subscribers: Iterable<Subscriber>): void {
  for (const subscriber of subscribers) {
    subscriber.failure ??= new DomainError("MARKET_DATA_UNAVAILABLE", { retry_after_ms: "1000" });
    subscriber.bell.ring();
  }
}
