// A flow of order commands from a file, as the matcher's benches need it: rows of five little-endian 32-bit
// integers: op (0 limit, 1 cancel, 2 market, 3 limit IOC), side (0 buy, 1 sell), price, lots, id.
import { readFileSync } from "node:fs";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import { idText } from "../../core/ids.js";
import type { Market, OrderCommand } from "../../core/types.js";

export const OP = { LIMIT: 0, CANCEL: 1, MARKET: 2, IOC: 3 } as const;
/** Places of the fields in a row. */
export const FIELD = { OP: 0, SIDE: 1, PRICE: 2, LOTS: 3, ID: 4 } as const;
export const FIELDS = 5;

/** Buyers and sellers are different people, so that nothing is prevented and totals can be compared. */
export const USERS_PER_SIDE = 500;

/** The market that the flow plays on, every check of the matcher switched on. */
export const BENCH_MARKET: Market = {
  symbol: "BTC/USDT",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tickSize: "0.01",
  lotSize: "0.00001",
  minQuantity: "0.00001",
  maxQuantity: "0",
  minNotional: "0",
  shard: 0,
  protectionBps: 500,
  bandBps: 2_000,
  openOrdersMax: 1_000_000,
  makerFeePpm: 1_000,
  takerFeePpm: 2_000,
  state: "TRADING",
  sessionEndMinutes: 0,
  feeTiers: [],
};
/** One tick times one lot of it in atoms of the quote asset. */
const TICK_LOT_ATOMS = 10n;
const LOT_ATOMS = 1_000n;
/** What a market buy may cost at most, in ticks a lot: beyond any price of a flow, within the protection. */
const BUDGET_TICKS = 7_000_000;

export interface FlowRows {
  readonly count: number;
  readonly rows: Int32Array;
}

export function readRows(path: string): FlowRows {
  const bytes = readFileSync(path);
  const rows = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return { rows, count: rows.length / FIELDS };
}

/** Number of the user that an order of this side and id belongs to. */
export function userOf(side: number, id: number): number {
  return side * USERS_PER_SIDE + (id % USERS_PER_SIDE);
}

const words = new Int32Array(4);

/** The four words of an id: 128 bits that look like a UUID version 5. */
export function idWords(id: number, into: Uint32Array | Int32Array, at: number): void {
  into[at] = Math.imul(id + 1, 0x9e3779b1);
  into[at + 1] = (Math.imul(id + 7, 0x85ebca6b) & 0xffff0fff) | 0x5000;
  into[at + 2] = (Math.imul(id + 13, 0xc2b2ae35) & 0x3fffffff) | 0x80000000;
  into[at + 3] = Math.imul(id ^ 0x5bd1e995, 0x27d4eb2f);
}

/** The same as text, in one piece as it comes from the wire: text put together is taken apart by whoever reads it. */
export function uuidOf(id: number): string {
  idWords(id, words, 0);
  return idText(words, 0);
}

/** Id of a user, apart from those of orders. */
export function userIdOf(user: number): string {
  return uuidOf(0x40000000 + user);
}

/** What a market buy may spend. */
export function budgetOf(lots: number): number {
  return BUDGET_TICKS * lots;
}

/** Command `number` as the gateway would send it; behind its end the flow begins again with ids of their own. */
export function commandOf({ rows, count }: FlowRows, number: number, expiresAtMs: number): OrderCommand {
  const round = Math.floor(number / count);
  const at = (number - round * count) * FIELDS;
  const [op, side, priceTicks, quantityLots] = rows.subarray(at, at + FIELDS);
  const id = rows[at + FIELD.ID] + round * count;
  const orderId = uuidOf(id);
  const userId = userIdOf(userOf(side, id));
  if (op === OP.CANCEL) return { type: "cancel", orderId, userId, operatorId: "" };
  const isBuy = side === 0;
  const isMarket = op === OP.MARKET;
  const budgetTickLots = isMarket && isBuy ? budgetOf(quantityLots) : 0;
  const tickLots = isMarket ? budgetTickLots : priceTicks * quantityLots;
  return {
    type: "submit",
    expiresAtMs,
    terms: {
      orderId,
      userId,
      clientOrderId: `c-${id}`,
      symbol: BENCH_MARKET.symbol,
      side: isBuy ? "buy" : "sell",
      type: isMarket ? "MARKET" : "LIMIT",
      timeInForce: op === OP.LIMIT ? "GTC" : "IOC",
      priceTicks: isMarket ? 0 : priceTicks,
      stopPriceTicks: 0,
      quantityLots,
      budgetTickLots,
      byQuoteBudget: false,
      postOnly: false,
      selfTradePrevention: "CANCEL_TAKER",
      makerFeePpm: BENCH_MARKET.makerFeePpm,
      takerFeePpm: BENCH_MARKET.takerFeePpm,
      reservedAsset: isBuy ? BENCH_MARKET.quoteAsset : BENCH_MARKET.baseAsset,
      reservedAmount: formatAtoms(
        isBuy ? BigInt(tickLots) * TICK_LOT_ATOMS : BigInt(quantityLots) * LOT_ATOMS,
      ),
      quoteBudget: "",
    },
  };
}
