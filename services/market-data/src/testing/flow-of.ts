import type { Record } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { SelfTradePrevention } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import fc from "fast-check";
import type { Side } from "../core/events.js";
import { applyRecords, type MarketUpdate, type ShardView } from "../core/shard-view.js";
import { decodeRecords } from "../io/matcher-events.js";
import { marketRecord, type PlaceOrder, type SimpleMatcher, simpleMatcher } from "./simple-matcher.js";

/** What a random session does next. */
type Step =
  | ({ readonly type: "place" } & PlaceOrder)
  | { readonly type: "cancel"; place: number }
  | { readonly type: "amend"; place: number; priceTicks: number; openLots: number }
  | { readonly type: "cancel_all"; userId: string }
  | { readonly type: "tick" };

/** Random sessions of a few users around one price, so that most orders meet others, their own among them. */
export function session(stepsMax = 60): fc.Arbitrary<Step[]> {
  const userId = fc.constantFrom("ann", "bob", "eve");
  const priceTicks = fc.integer({ min: 95, max: 105 });
  const small = fc.integer({ min: 1, max: 9 });
  const place = fc.record({
    type: fc.constant("place" as const),
    side: fc.constantFrom<Side>("buy", "sell"),
    priceTicks,
    quantityLots: fc.oneof(small, fc.constant(Number.MAX_SAFE_INTEGER)),
    userId,
    mode: fc.constantFrom(
      SelfTradePrevention.CANCEL_TAKER,
      SelfTradePrevention.CANCEL_MAKER,
      SelfTradePrevention.CANCEL_BOTH,
      SelfTradePrevention.DECREMENT,
    ),
    stopTicks: fc.oneof({ arbitrary: fc.constant(0), weight: 5 }, { arbitrary: priceTicks, weight: 1 }),
  });
  const cancel = fc.record({ type: fc.constant("cancel" as const), place: fc.nat(50) });
  const openLots = fc.oneof(fc.nat(9), fc.constant(Number.MAX_SAFE_INTEGER));
  const amend = fc.record({ type: fc.constant("amend" as const), place: fc.nat(50), priceTicks, openLots });
  const cancelAll = fc.record({ type: fc.constant("cancel_all" as const), userId });
  const tick = fc.constant({ type: "tick" as const });
  return fc.array(
    fc.oneof(
      { arbitrary: place, weight: 12 },
      { arbitrary: cancel, weight: 4 },
      { arbitrary: amend, weight: 5 },
      { arbitrary: cancelAll, weight: 1 },
      { arbitrary: tick, weight: 1 },
    ),
    { maxLength: stepsMax },
  );
}

/** Plays steps; the records of each, the first of all being the market's. */
export function play(steps: readonly Step[]): { matcher: SimpleMatcher; records: Record[] } {
  const matcher = simpleMatcher();
  const records = [marketRecord(matcher), ...steps.map((step) => playStep(matcher, step))];
  return { matcher, records };
}

/** Plays one step. */
export function playStep(matcher: SimpleMatcher, step: Step): Record {
  switch (step.type) {
    case "place":
      return matcher.place(step);
    case "cancel":
      return matcher.cancel(step.place);
    case "amend":
      return matcher.amend(step.place, step);
    case "cancel_all":
      return matcher.cancelAll(step.userId);
    case "tick":
      return matcher.tick();
  }
}

/** Applies records as they come from the wire. */
export function applyWire(view: ShardView, ...records: readonly Record[]): MarketUpdate[] {
  return applyRecords(view, decodeRecords(records));
}
