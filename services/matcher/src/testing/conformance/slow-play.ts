// A workload through the plain model: reports as text, by other code than what the core's are made with.
import { applySlow } from "../../core/slow-book.js";
import { createSlowShard, type SlowShard } from "../../core/slow-shard.js";
import type { MatcherEvent } from "../../core/types.js";
import { market, SYMBOL, terms } from "../orders.js";
import { CANCEL, type Message, messageAt, NEW, type Workload } from "./workload.js";

const SIDES = ["buy", "sell"] as const;

/** Canonical report lines of a workload, as the plain model decides it. */
export function slowReports(workload: Workload): string[] {
  const shard = createSlowShard();
  applySlow(shard, 0, { type: "addMarket", market: market() });
  const lines: string[] = [];
  // How often an id was used so far: the benchmark uses ids again, the exchange never does.
  const uses = new Map<bigint, number>();
  for (let index = 0; index < workload.count; index += 1) {
    const mine = reportsOf(shard, index, messageAt(workload, index), uses);
    // A stable sort by the kind, which is the first letter.
    lines.push(...mine.sort((a, b) => a.charCodeAt(0) - b.charCodeAt(0)));
  }
  return lines;
}

function reportsOf(shard: SlowShard, index: number, message: Message, uses: Map<bigint, number>): string[] {
  const { type, id, side, price, quantity } = message;
  if (type === NEW)
    return [`0,${index},${side},${id},${price},${quantity}`, ...place(shard, index, message, uses)];
  const rest = shard.orders.find(({ terms }) => terms.orderId === idOf(id, uses));
  if (rest === undefined) return [`${type === CANCEL ? 4 : 5},${index},${id}`];
  const { orderId, userId } = rest.terms;
  const sideNumber = SIDES.indexOf(rest.terms.side) as 0 | 1;
  applySlow(shard, 0, { type: "cancel", orderId, userId, operatorId: "" });
  if (type === CANCEL) return [`2,${index},${sideNumber},${id},${rest.price}`];
  const again: Message = { ...message, side: sideNumber, isIoc: false };
  return [`3,${index},${sideNumber},${id},${price},${quantity}`, ...place(shard, index, again, uses)];
}

function place(shard: SlowShard, index: number, message: Message, uses: Map<bigint, number>): string[] {
  const { id, side, price, quantity, isIoc } = message;
  uses.set(id, (uses.get(id) ?? 0) + 1);
  const made = terms(0, {
    orderId: idOf(id, uses),
    // One owner on each side: nobody meets himself.
    userId: SIDES[side],
    symbol: SYMBOL,
    side: SIDES[side],
    priceTicks: price,
    quantityLots: quantity,
    timeInForce: isIoc ? "IOC" : "GTC",
  });
  const outcome = applySlow(shard, 0, { type: "submit", terms: made, expiresAtMs: 0 });
  if (outcome.type !== "applied") throw new Error(`message ${index} was not applied`);
  const lines = outcome.events.flatMap((event) => tradeLine(index, event));
  const last = outcome.events.at(-1);
  if (last?.type === "ended" && last.status === "REJECTED")
    throw new Error(`message ${index}: ${last.reason}`);
  const isCut = last?.type === "ended" && last.reason === "IOC_REMAINDER";
  return isCut ? [...lines, `2,${index},${side},${id},${price}`] : lines;
}

function tradeLine(index: number, event: MatcherEvent): string[] {
  if (event.type !== "trade") return [];
  const [maker, taker] = [numberOf(event.maker.orderId), numberOf(event.taker.orderId)];
  return [`1,${index},${event.priceTicks},${event.quantityLots},${maker},${taker}`];
}

const idOf = (id: bigint, uses: Map<bigint, number>) => `${id}.${uses.get(id) ?? 0}`;
const numberOf = (orderId: string) => orderId.split(".")[0];
