// Views to subscribers. Depth is conflated: whoever is slow gets one diff of the newest quantities,
// or a fresh snapshot, never a queue. Trades are never dropped silently: a bounded queue, then closed.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { MarketUpdate, MarketView } from "../core/shard-view.js";
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

interface TradeSubscriber extends Subscriber {
  queue: Trade[];
}

/** All subscriptions of this process. */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #ground: DepthGround;
  readonly #depth: Subscribers<DepthSubscriber>;
  readonly #trades: Subscribers<TradeSubscriber>;

  constructor(options: FanOutOptions) {
    const count: SubscriberCount = { max: options.subscribersMax, onChange: options.onSubscribers, now: 0 };
    this.#options = options;
    this.#ground = { crc32: options.crc32, lastDiffs: new WeakMap() };
    this.#depth = new Subscribers(count);
    this.#trades = new Subscribers(count);
  }

  /** Tells subscribers what a batch changed; call it in the same turn in which the batch was applied. */
  publish(updates: readonly MarketUpdate[]): void {
    for (const { market, hasDepthChanged, trades } of updates) {
      if (hasDepthChanged) for (const { bell } of this.#depth.of(market)) bell.ring();
      if (trades.length === 0) continue;
      for (const subscriber of this.#trades.of(market))
        enqueue(subscriber, trades, this.#options.tradesQueueMax);
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
    const subscriber: TradeSubscriber = { ...newSubscriber(market), queue: [] };
    const leave = this.#trades.join(subscriber, signal);
    try {
      yield* drainTrades(subscriber, signal);
    } finally {
      leave();
    }
  }

  /** Ends every subscription to these markets: their views are gone. */
  closeAll(markets: readonly MarketView[]): void {
    for (const market of markets) {
      for (const subscriber of [...this.#depth.of(market), ...this.#trades.of(market)]) {
        subscriber.failure ??= new DomainError("MARKET_DATA_UNAVAILABLE", { retry_after_ms: "1000" });
        subscriber.bell.ring();
      }
    }
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

function enqueue(subscriber: TradeSubscriber, trades: readonly Trade[], queueMax: number): void {
  if (subscriber.failure !== undefined) return;
  subscriber.bell.ring();
  if (subscriber.queue.length + trades.length <= queueMax) {
    for (const trade of trades) subscriber.queue.push(trade);
    return;
  }
  const next = subscriber.queue[0] ?? trades[0];
  const resume = { resume_sequence: String(next?.seq), resume_index: String(next?.index) };
  subscriber.failure = new DomainError("SLOW_CONSUMER", resume);
  // What waits is told by the place to resume from; keeping it would only keep memory.
  subscriber.queue = [];
}

async function* drainTrades(subscriber: TradeSubscriber, signal: AbortSignal): AsyncGenerator<Trade, void> {
  while (!signal.aborted) {
    const trade = subscriber.queue.shift();
    if (trade !== undefined) yield trade;
    else if (subscriber.failure !== undefined) throw subscriber.failure;
    else await subscriber.bell.wait();
  }
}
