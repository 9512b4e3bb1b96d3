import fc from "fast-check";
import type { ShardRecord, Side } from "../core/events.js";
import { marketRecord, type SimpleMatcher, simpleMatcher } from "./simple-matcher.js";

/** What a random session does next. */
type Step =
  | { readonly type: "place"; side: Side; priceTicks: number; quantityLots: number }
  | { readonly type: "cancel"; place: number }
  | { readonly type: "tick" };

/** Random sessions around one price, so that most orders meet others. */
export function session(stepsMax = 60): fc.Arbitrary<Step[]> {
  const place = fc.record({
    type: fc.constant("place" as const),
    side: fc.constantFrom<Side>("buy", "sell"),
    priceTicks: fc.integer({ min: 95, max: 105 }),
    quantityLots: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(Number.MAX_SAFE_INTEGER)),
  });
  const cancel = fc.record({ type: fc.constant("cancel" as const), place: fc.nat(50) });
  const tick = fc.constant({ type: "tick" as const });
  return fc.array(
    fc.oneof(
      { arbitrary: place, weight: 6 },
      { arbitrary: cancel, weight: 3 },
      { arbitrary: tick, weight: 1 },
    ),
    { maxLength: stepsMax },
  );
}

/** Plays steps; the records of each, the first of all being the market's. */
export function play(steps: readonly Step[]): { matcher: SimpleMatcher; records: ShardRecord[] } {
  const matcher = simpleMatcher();
  const records = [marketRecord(matcher), ...steps.map((step) => playStep(matcher, step))];
  return { matcher, records };
}

/** Plays one step. */
export function playStep(matcher: SimpleMatcher, step: Step): ShardRecord {
  switch (step.type) {
    case "place":
      return matcher.place(step);
    case "cancel":
      return matcher.cancel(step.place);
    case "tick":
      return matcher.tick();
  }
}
