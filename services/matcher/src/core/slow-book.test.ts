import fc from "fast-check";
import { expect, test } from "vitest";
import { flow, markets } from "../testing/flow.js";
import { apply, offer, shardOf } from "../testing/orders.js";
import { type Book, isUncrossed, type Levels, slotsOf } from "./book.js";
import { isOpenEntry } from "./known-orders.js";
import type { Shard } from "./shard.js";
import { applySlow, createSlowShard, type SlowShard } from "./slow-book.js";
import { stateBytes } from "./state-bytes.js";
import type { Market, MatcherEvent, OrderCommand } from "./types.js";

const RUNS = 400;

/** Runs the flow through both, comparing after every command; returns all events. */
function lockstep(properties: readonly Market[], commands: readonly OrderCommand[]): MatcherEvent[] {
  const shard = shardOf(...properties);
  const slow = createSlowShard(properties);
  const all: MatcherEvent[] = [];
  for (const command of commands) {
    const expected = applySlow(slow, { seq: shard.seq + 1, timeMs: shard.timeMs }, command);
    const events = offer(shard, command);
    expect(events).toEqual(expected);
    expect(restingOf(shard)).toEqual(restingOfSlow(slow, properties));
    all.push(...(events ?? []));
  }
  return all;
}

interface Rest {
  readonly orderId: string;
  readonly remaining: bigint;
}

/** Everything that rests, market by market, bids then asks, in priority. */
function restingOf(shard: Shard): Rest[] {
  const side = (book: Book, levels: Levels) =>
    [...slotsOf(book, levels)].map((slot) => ({
      orderId: book.slots.terms[slot]?.orderId ?? "",
      remaining: BigInt(book.slots.remainingLots[slot]),
    }));
  return shard.books.flatMap((book) => [...side(book, book.bids), ...side(book, book.asks)]);
}

function restingOfSlow(slow: SlowShard, properties: readonly Market[]): Rest[] {
  return properties.flatMap(({ symbol }) =>
    (["buy", "sell"] as const).flatMap((side) =>
      slow.resting
        .filter(({ terms }) => terms.symbol === symbol && terms.side === side)
        .sort((a, b) => (side === "buy" ? -1 : 1) * (a.terms.priceTicks - b.terms.priceTicks))
        .map(({ terms, remaining }) => ({ orderId: terms.orderId, remaining })),
    ),
  );
}

test("the core decides exactly as the plainest book does, after every command", () => {
  fc.assert(
    fc.property(markets, flow, (properties, commands) => void lockstep(properties, commands)),
    { numRuns: RUNS },
  );
});

test("lots are neither created nor lost, whatever the order flow", () => {
  fc.assert(
    fc.property(markets, flow, (properties, commands) => {
      const shard = shardOf(...properties);
      const events = commands.flatMap((command) => offer(shard, command) ?? []);
      const withQuantity = new Set<string>();
      let [accepted, used, ended] = [0n, 0n, 0n];
      for (const event of events) {
        if (event.type === "accepted") {
          accepted += BigInt(event.terms.quantityLots);
          if (!event.terms.byQuoteBudget) withQuantity.add(event.terms.orderId);
        }
        // A trade uses up lots of the maker, and of the taker unless a quote budget asked for none.
        if (event.type === "trade") {
          used += BigInt(event.quantityLots) * (withQuantity.has(event.taker.orderId) ? 2n : 1n);
        }
        if (event.type === "ended" && event.terms === undefined) ended += BigInt(event.remainingLots);
      }
      const resting = restingOf(shard).reduce((sum, { remaining }) => sum + remaining, 0n);
      expect(used + ended + resting).toBe(accepted);
    }),
    { numRuns: RUNS },
  );
});

test("the book is never crossed, users never trade with themselves, every order ends at most once", () => {
  fc.assert(
    fc.property(markets, flow, (properties, commands) => {
      const shard = shardOf(...properties);
      const ended = new Set<string>();
      for (const command of commands) {
        for (const event of offer(shard, command) ?? []) {
          if (event.type === "trade") expect(event.maker.userId).not.toBe(event.taker.userId);
          if (event.type !== "ended") continue;
          expect(ended.has(event.orderId)).toBe(false);
          ended.add(event.orderId);
        }
        expect(shard.books.every(isUncrossed)).toBe(true);
      }
      expect(shard.known.openCount).toBe(restingOf(shard).length);
      const entries = Array.from({ length: shard.known.count }, (_, entry) => entry);
      expect(entries.filter((entry) => isOpenEntry(shard.known, entry))).toHaveLength(shard.known.openCount);
    }),
    { numRuns: RUNS },
  );
});

test("the same commands give the same events and the same state, byte for byte", () => {
  fc.assert(
    fc.property(markets, flow, (properties, commands) => {
      const run = () => {
        const shard = shardOf(...properties);
        const events = commands.map((command) => offer(shard, command));
        return { events, bytes: Buffer.concat([...stateBytes(shard)]).toString("hex") };
      };
      expect(run()).toEqual(run());
    }),
    { numRuns: 50 },
  );
});

test("commands without effect leave the state's bytes as they were", () => {
  fc.assert(
    fc.property(markets, flow, (properties, commands) => {
      const shard = shardOf(...properties);
      for (const command of commands) offer(shard, command);
      const bytes = () => Buffer.concat([...stateBytes(shard)]).toString("hex");
      const before = bytes();
      for (const command of commands)
        if (command.type === "submit") expect(offer(shard, command)).toBeUndefined();
      expect(bytes()).toBe(before);
      apply(shard, { type: "tick" });
      expect(bytes()).not.toBe(before);
    }),
    { numRuns: 50 },
  );
});
