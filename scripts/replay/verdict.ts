// Compares what an exchange did with what a reference says, and names the first differences.
import { formatScaled } from "./decimal.js";
import type { Book, Level, ReplayEvent, RestingOrder, Scale } from "./scale.js";

/** How many differences are shown; the rest is only counted. */
const shownMax = 10;

/** One comparison: how much of it is equal, and what is not. */
export interface Check {
  readonly name: string;
  /** What the reference holds. */
  readonly expected: number;
  /** What of it is equal. */
  readonly equal: number;
  /** Everything that differs, in words; at most ten, the rest is counted by `differencesTotal`. */
  readonly differences: readonly string[];
  readonly differencesTotal: number;
}

/** True when nothing differs. */
export function isPassed(check: Check): boolean {
  return check.differencesTotal === 0 && check.equal === check.expected;
}

/**
 * Events in full and in order. Events are compared command by command, so that one missing trade is
 * one difference and not a shift of everything after it; that the commands themselves come in order
 * is a check of its own.
 */
export function compareEvents(
  expected: readonly ReplayEvent[],
  actual: readonly ReplayEvent[],
  scale: Scale,
): Check {
  const differences = collect();
  let last: ReplayEvent | undefined;
  for (const event of actual) {
    if (last !== undefined && event.n < last.n) {
      differences.add(`${showEvent(event, scale)} happened after ${showEvent(last, scale)}`);
    }
    last = event;
  }
  const expectedByN = groupByN(expected);
  const actualByN = groupByN(actual);
  let equal = 0;
  for (const n of sortedKeys(expectedByN, actualByN)) {
    const wanted = (expectedByN.get(n) ?? []).map((event) => showEvent(event, scale));
    const found = (actualByN.get(n) ?? []).map((event) => showEvent(event, scale));
    if (wanted.length === found.length && wanted.every((text, index) => text === found[index])) {
      equal += wanted.length;
      continue;
    }
    differences.add(`command ${n}: expected ${showList(wanted)}, got ${showList(found)}`);
  }
  return { name: "events", expected: expected.length, equal, ...differences.result() };
}

/** One book against its reference: every level of both sides, in order. */
export function compareBook(afterN: number, expected: Book, actual: Book, scale: Scale): string[] {
  return (["bids", "asks"] as const).flatMap((side) => {
    const length = Math.max(expected[side].length, actual[side].length);
    for (let index = 0; index < length; index += 1) {
      const wanted = showLevel(expected[side][index], scale);
      const found = showLevel(actual[side][index], scale);
      if (wanted === found) continue;
      return [`after ${afterN}, ${side} level ${index + 1}: expected ${wanted}, got ${found}`];
    }
    return [];
  });
}

/** Books at checkpoints. A checkpoint that was never reached differs. */
export function compareDepth(
  expected: ReadonlyMap<number, Book>,
  actual: ReadonlyMap<number, Book>,
  scale: Scale,
): Check {
  const differences = collect();
  let equal = 0;
  for (const [afterN, book] of expected) {
    const found = actual.get(afterN);
    const texts =
      found === undefined ? [`after ${afterN}: not read`] : compareBook(afterN, book, found, scale);
    if (texts.length === 0) equal += 1;
    for (const text of texts) differences.add(text);
  }
  return { name: "depth checkpoints", expected: expected.size, equal, ...differences.result() };
}

/** Orders left at the end, each at its place in the queue of its level. */
export function compareResting(
  expected: readonly RestingOrder[],
  actual: readonly RestingOrder[],
  scale: Scale,
): Check {
  const differences = collect();
  const wanted = new Map(expected.map((order) => [placeOf(order), showResting(order, scale)]));
  const found = new Map(actual.map((order) => [placeOf(order), showResting(order, scale)]));
  let equal = 0;
  for (const [place, text] of wanted) {
    if (found.get(place) === text) equal += 1;
    else differences.add(`resting: expected ${text}, got ${found.get(place) ?? "nothing"}`);
  }
  for (const [place, text] of found) {
    if (!wanted.has(place)) differences.add(`resting: expected nothing, got ${text}`);
  }
  return { name: "resting orders", expected: expected.length, equal, ...differences.result() };
}

/** A check of facts that are either so or not; each text is a breach. */
export function checkFacts(name: string, total: number, breaches: readonly string[]): Check {
  const differences = collect();
  for (const breach of breaches) differences.add(breach);
  return { name, expected: total, equal: Math.max(0, total - breaches.length), ...differences.result() };
}

/** An event as the reference file writes it. */
export function showEvent(event: ReplayEvent, scale: Scale): string {
  const price = event.priceTicks === undefined ? "" : formatScaled(event.priceTicks, scale.priceDecimals);
  const quantity =
    event.quantityLots === undefined ? "" : formatScaled(event.quantityLots, scale.quantityDecimals);
  return `${event.n},${event.event},${event.makerId},${event.takerId},${price},${quantity}`;
}

function showLevel(level: Level | undefined, scale: Scale): string {
  if (level === undefined) return "nothing";
  const quantity = formatScaled(level.quantityLots, scale.quantityDecimals);
  return `${quantity} @ ${formatScaled(level.priceTicks, scale.priceDecimals)}`;
}

function showResting(order: RestingOrder, scale: Scale): string {
  const price = formatScaled(order.priceTicks, scale.priceDecimals);
  const left = formatScaled(order.leftLots, scale.quantityDecimals);
  return `${order.side} ${price} place ${order.position}: ${order.id} with ${left}`;
}

function placeOf(order: RestingOrder): string {
  return `${order.side} ${order.priceTicks} ${order.position}`;
}

function showList(texts: readonly string[]): string {
  if (texts.length === 0) return "nothing";
  const shown = texts.slice(0, 4).join(" | ");
  return texts.length > 4 ? `${shown} | and ${texts.length - 4} more` : shown;
}

function groupByN(events: readonly ReplayEvent[]): Map<number, ReplayEvent[]> {
  const groups = new Map<number, ReplayEvent[]>();
  for (const event of events) {
    const group = groups.get(event.n);
    if (group === undefined) groups.set(event.n, [event]);
    else group.push(event);
  }
  return groups;
}

function sortedKeys(a: ReadonlyMap<number, unknown>, b: ReadonlyMap<number, unknown>): number[] {
  return [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x - y);
}

function collect() {
  const differences: string[] = [];
  let differencesTotal = 0;
  return {
    add(text: string): void {
      differencesTotal += 1;
      if (differences.length < shownMax) differences.push(text);
    },
    result: () => ({ differences, differencesTotal }),
  };
}
