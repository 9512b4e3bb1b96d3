// What trades must do to balances, to the atom: SEMANTICS §2, fees from what is received.
import { parseAtoms } from "@bourse/shared/units/atoms.js";
import { feeAtoms } from "@bourse/shared/units/market.js";

/** One half of a trade, as its owner sees it; decimals as text. */
export interface OwnTrade {
  readonly quantity: string;
  readonly price: string;
  readonly fee: string;
  readonly isMaker: boolean;
}

/** Fee rates of a market in parts per million. */
export interface Rates {
  readonly makerFeePpm: number;
  readonly takerFeePpm: number;
}

/** Rates of a market for users of a tier. */
export function ratesOf(market: Rates & { readonly feeTiers: readonly TierRates[] }, tier: string): Rates {
  return market.feeTiers.find((rates) => rates.tier === tier) ?? market;
}

interface TierRates extends Rates {
  readonly tier: string;
}

/** How the two balances of an owner must have changed, in atoms. */
export interface Change {
  readonly baseAtoms: bigint;
  readonly quoteAtoms: bigint;
}

const atomsPerUnit = 100_000_000n;

/**
 * What the trades of one order, oldest first, did to its owner. Throws when a fee is not the one that the
 * market's rates give: rounded up over all that the order received in the role.
 */
export function changeOf(isBuy: boolean, trades: readonly OwnTrade[], rates: Rates): Change {
  let [baseAtoms, quoteAtoms] = [0n, 0n];
  const received = { maker: 0n, taker: 0n };
  for (const { fee, isMaker, price, quantity } of trades) {
    const base = parseAtoms("quantity", quantity);
    const quote = (base * parseAtoms("price", price)) / atomsPerUnit;
    const role = isMaker ? "maker" : "taker";
    const gets = isBuy ? base : quote;
    const paid = feeAtoms(isMaker ? rates.makerFeePpm : rates.takerFeePpm, received[role], gets);
    received[role] += gets;
    if (paid !== parseAtoms("fee", fee))
      throw new Error(
        `the fee of ${quantity} at ${price} as ${role} is ${fee}, by the market's rate it is ${paid} atoms`,
      );
    baseAtoms += isBuy ? base - paid : -base;
    quoteAtoms += isBuy ? -quote : quote - paid;
  }
  return { baseAtoms, quoteAtoms };
}

/** A price for both orders: the wished one in an empty book, else what surely trades at once. */
export interface Prices {
  readonly sellTicks: number;
  readonly buyTicks: number;
}

/** Both at the wished price unless the book has orders in the way: then both take what stands there. */
export function pricesFor(
  wishedTicks: number,
  bestBidTicks: number | undefined,
  bestAskTicks: number | undefined,
): Prices {
  const isFree =
    (bestBidTicks === undefined || bestBidTicks < wishedTicks) &&
    (bestAskTicks === undefined || bestAskTicks > wishedTicks);
  if (isFree) return { sellTicks: wishedTicks, buyTicks: wishedTicks };
  if (bestBidTicks !== undefined && bestAskTicks !== undefined && bestAskTicks - bestBidTicks > 1) {
    const between = bestBidTicks + 1;
    return { sellTicks: between, buyTicks: between };
  }
  const sellTicks = bestBidTicks ?? (bestAskTicks ?? wishedTicks + 1) - 1;
  return { sellTicks, buyTicks: bestAskTicks ?? sellTicks };
}
