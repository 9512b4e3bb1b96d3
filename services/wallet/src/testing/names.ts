// The market and the ids of random histories, and what a test's reserve asks for.
import { createHash } from "node:crypto";
import { OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { create, toBinary } from "@bufbuild/protobuf";
import type { ReserveRequest } from "../core/reserve.js";

export const BASE = "BTC";
export const QUOTE = "USDT";
export const SYMBOL = `${BASE}/${QUOTE}`;
export const LOT_ATOMS = 1_000n;
export const QUOTE_ATOMS_PER_TICK_LOT = 7n;
/** The market of a history: lots of 1,000 atoms, and 7 atoms of quote per tick and lot. */
export const MARKET = {
  symbol: SYMBOL,
  baseAsset: BASE,
  quoteAsset: QUOTE,
  tickSize: "0.007",
  lotSize: "0.00001",
};

/** A UUID that follows from a number or name. */
export function uuidOf(name: string | number): string {
  const hex = createHash("sha1").update(String(name)).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Content hash that follows from a name. */
export function fingerprintOf(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

/** Terms as far as the wallet looks into them: the market. */
export const TERMS = Uint8Array.from(
  toBinary(OrderTermsSchema, create(OrderTermsSchema, { symbol: SYMBOL })),
);

/** A reserve request that asks for little of USDT, with what the test names. */
export function reserveRequest(
  overrides: Partial<ReserveRequest> & { orderId: string; userId: string },
): ReserveRequest {
  return {
    legOf: undefined,
    asset: QUOTE,
    amountAtoms: 100n,
    fingerprintHex: fingerprintOf(overrides.orderId),
    shard: 0,
    terms: TERMS,
    ...overrides,
  };
}

/** Users of a history. */
export function usersOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => uuidOf(`user ${index}`));
}
