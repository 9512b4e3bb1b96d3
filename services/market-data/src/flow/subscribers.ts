import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { MarketView } from "../core/shard-view.js";
import { type Bell, createBell } from "./bell.js";

/** Someone who waits for news of one market. */
export interface Subscriber {
  readonly market: MarketView;
  readonly bell: Bell;
  /** Set once: the subscription ends with it. */
  failure: DomainError | undefined;
}

/** How many subscribers there may be and are, all kinds together. */
export interface SubscriberCount {
  readonly max: number;
  readonly onChange: (now: number) => void;
  now: number;
}

/** Subscribers of one kind by market. */
export class Subscribers<S extends Subscriber> {
  readonly #byMarket = new Map<MarketView, Set<S>>();
  readonly #count: SubscriberCount;

  constructor(count: SubscriberCount) {
    this.#count = count;
  }

  /** Adds one until the function that this returns is called. OVERLOADED when there are too many. */
  join(subscriber: S, signal: AbortSignal): () => void {
    if (this.#count.now >= this.#count.max) throw new DomainError("OVERLOADED", { retry_after_ms: "1000" });
    const { market, bell } = subscriber;
    const members = this.#byMarket.get(market) ?? new Set();
    this.#byMarket.set(market, members.add(subscriber));
    this.#add(1);
    signal.addEventListener("abort", bell.ring, { once: true });
    return () => {
      signal.removeEventListener("abort", bell.ring);
      members.delete(subscriber);
      if (members.size === 0 && this.#byMarket.get(market) === members) this.#byMarket.delete(market);
      this.#add(-1);
    };
  }

  of(market: MarketView): Iterable<S> {
    return this.#byMarket.get(market) ?? [];
  }

  *all(): Iterable<S> {
    for (const members of this.#byMarket.values()) yield* members;
  }

  #add(change: 1 | -1): void {
    this.#count.now += change;
    this.#count.onChange(this.#count.now);
  }
}

/** A subscription's state before its first message. */
export function newSubscriber(market: MarketView): Subscriber {
  return { market, bell: createBell(), failure: undefined };
}
