import fc from "fast-check";
import { expect, test } from "vitest";
import type { Command, ReplayEvent } from "./scale.js";
import { applyCommand, depthOf, emptyBook, restingOf } from "./slow-book.js";

const place = (
  n: number,
  side: "B" | "S",
  quantity: number,
  price?: number,
  type: "LIMIT" | "IOC" | "MARKET" = "LIMIT",
): Command => ({
  op: "NEW",
  n,
  id: String(n),
  side,
  type,
  priceTicks: price === undefined ? undefined : BigInt(price),
  quantityLots: BigInt(quantity),
});
const cancel = (n: number, id: number): Command => ({ op: "CANCEL", n, id: String(id) });

function run(commands: readonly Command[]): { events: string[]; resting: string[] } {
  const book = emptyBook();
  const events = commands.flatMap((command) => applyCommand(book, command)).map(show);
  const resting = restingOf(book).map(
    ({ side, priceTicks, position, id, leftLots }) => `${side} ${priceTicks}#${position} ${id}:${leftLots}`,
  );
  return { events, resting };
}

function show({ n, event, makerId, takerId, priceTicks, quantityLots }: ReplayEvent): string {
  return `${n} ${event} ${makerId}/${takerId} ${quantityLots ?? "-"}@${priceTicks ?? "-"}`;
}

test("a taker takes the best price first and the oldest first, at the makers' prices", () => {
  const { events, resting } = run([
    place(1, "S", 5, 102),
    place(2, "S", 1, 101),
    place(3, "S", 2, 101),
    place(4, "B", 7, 102),
  ]);
  expect(events).toEqual(["4 TRADE 2/4 1@101", "4 TRADE 3/4 2@101", "4 TRADE 1/4 4@102"]);
  expect(resting).toEqual(["S 102#0 1:1"]);
});

test("the rest of a limit rests, the rest of IOC and MARKET expires", () => {
  const { events, resting } = run([
    place(1, "B", 3, 100),
    place(2, "S", 5, 100, "IOC"),
    place(3, "S", 4, undefined, "MARKET"),
    place(4, "S", 2, 99),
  ]);
  expect(events).toEqual(["2 TRADE 1/2 3@100", "2 EXPIRED /2 2@-", "3 EXPIRED /3 4@-"]);
  expect(resting).toEqual(["S 99#0 4:2"]);
});

test("a cancel takes out the remainder, and what does not rest is not found", () => {
  const { events, resting } = run([
    place(1, "B", 5, 100),
    place(2, "B", 5, 100),
    place(3, "S", 2, 100),
    cancel(4, 1),
    cancel(5, 1),
    cancel(6, 9),
  ]);
  expect(events).toEqual([
    "3 TRADE 1/3 2@100",
    "4 CANCELLED 1/ 3@-",
    "5 NOT_FOUND 1/ -@-",
    "6 NOT_FOUND 9/ -@-",
  ]);
  expect(resting).toEqual(["B 100#0 2:5"]);
});

test("a reduction keeps the place in the queue", () => {
  const { resting } = run([
    place(1, "B", 5, 100),
    place(2, "B", 5, 100),
    { op: "REDUCE", n: 3, id: "1", quantityLots: 4n },
  ]);
  expect(resting).toEqual(["B 100#0 1:1", "B 100#1 2:5"]);
});

test("lots are neither created nor lost and the book never crosses, whatever the flow", () => {
  const command = fc.tuple(
    fc.boolean(),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 95, max: 105 }),
    fc.nat(9),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (choices) => {
      const book = emptyBook();
      let inLots = 0n;
      let outLots = 0n;
      choices.forEach(([isBuy, quantity, price, kind], index) => {
        const n = index + 1;
        const next = kind < 3 ? cancel(n, kind * 7 + 1) : place(n, isBuy ? "B" : "S", quantity, price);
        if (next.op === "NEW") inLots += next.quantityLots;
        for (const { event, quantityLots = 0n } of applyCommand(book, next)) {
          outLots += event === "TRADE" ? 2n * quantityLots : quantityLots;
        }
        const { bids, asks } = depthOf(book, 1);
        if (bids[0] !== undefined && asks[0] !== undefined) {
          expect(bids[0].priceTicks).toBeLessThan(asks[0].priceTicks);
        }
      });
      const restingLots = restingOf(book).reduce((sum, { leftLots }) => sum + leftLots, 0n);
      expect(outLots + restingLots).toBe(inLots);
    }),
  );
});
