// Pairs of orders that meet: what the gateways reserve for them and what their shard then decides. Every trade has
// two orders of its own, so nothing of a batch falls together but what belongs to the accounts.
import { seededRandom } from "@bourse/shared/testing/random.js";
import { feeAtoms } from "@bourse/shared/units/market.js";
import type { SettleRecord } from "../../core/next-batch.js";
import type { PartyOfTrade } from "../../core/operation.js";
import type { Role } from "../../core/reservation.js";
import type { ReserveRequest } from "../../core/reserve.js";
import { BASE, fingerprintOf, LOT_ATOMS, QUOTE, QUOTE_ATOMS_PER_TICK_LOT, SYMBOL, uuidOf } from "../names.js";

/** A buy and a sell that trade whole with each other, the buyer often below its limit. */
export interface Pair {
  readonly buy: ReserveRequest;
  readonly sell: ReserveRequest;
  readonly lots: number;
  readonly priceTicks: number;
  readonly isBuyerTaker: boolean;
}

const MAKER_PPM = 1_000;
const TAKER_PPM = 2_000;
/** What a gateway stores with an order, in bytes, about. */
const TERMS_BYTES = 90;

/** An endless supply of pairs between random users, shard by shard in turn; every id is new. */
export function* pairsOf(seed: number, users: readonly string[], shards: number): Generator<Pair, never> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let number = 0; ; number += 1) {
    const buyer = below(users.length);
    const seller = (buyer + 1 + below(users.length - 1)) % users.length;
    const lots = 1 + below(50);
    const priceTicks = 95 + below(10);
    const limitTicks = priceTicks + below(3);
    const order = (side: string, index: number) => ({
      ...commonOf(`${seed} ${shards} ${side} ${number}`),
      shard: number % shards,
      userId: users[index] ?? "",
    });
    yield {
      buy: { ...order("buy", buyer), asset: QUOTE, amountAtoms: quoteAtoms(limitTicks, lots) },
      sell: { ...order("sell", seller), asset: BASE, amountAtoms: BigInt(lots) * LOT_ATOMS },
      lots,
      priceTicks,
      isBuyerTaker: below(2) === 0,
    };
  }
}

function commonOf(name: string) {
  return {
    orderId: uuidOf(name),
    legOf: undefined,
    fingerprintHex: fingerprintOf(name),
    terms: new Uint8Array(TERMS_BYTES).fill(7),
  };
}

function quoteAtoms(ticks: number, lots: number): bigint {
  return BigInt(ticks) * BigInt(lots) * QUOTE_ATOMS_PER_TICK_LOT;
}

/** The record of the trade of a pair whose orders hold. */
export function tradeRecord(pair: Pair, seq: number, epoch: number): SettleRecord {
  const { buy, sell, lots, priceTicks, isBuyerTaker } = pair;
  const base = BigInt(lots) * LOT_ATOMS;
  const quote = quoteAtoms(priceTicks, lots);
  const effect = {
    type: "trade" as const,
    tradeId: uuidOf(`trade ${buy.orderId}`),
    symbol: SYMBOL,
    baseAsset: BASE,
    quoteAsset: QUOTE,
    baseAtoms: base,
    quoteAtoms: quote,
    buyerReservedAtoms: buy.amountAtoms,
    buyer: partyOf(buy, isBuyerTaker ? "TAKER" : "MAKER", base),
    seller: partyOf(sell, isBuyerTaker ? "MAKER" : "TAKER", quote),
  };
  return { epoch, seq, operations: [{ seq, index: 0, timeMs: 1_000 + seq, effect }] };
}

function partyOf({ orderId, userId }: ReserveRequest, role: Role, receivedAtoms: bigint): PartyOfTrade {
  const feePpm = role === "MAKER" ? MAKER_PPM : TAKER_PPM;
  return {
    orderId,
    userId,
    role,
    feePpm,
    feeAtoms: feeAtoms(feePpm, 0n, receivedAtoms),
    receivedBeforeAtoms: 0n,
  };
}
