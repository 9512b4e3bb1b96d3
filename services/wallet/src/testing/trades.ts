// Trades between two reservations, without shard or of one, for tests.
import { parseAtoms } from "@bourse/shared/units/atoms.js";
import type { TradeOperation } from "../core/operation.js";
import type { SettleTradeCall } from "../flow/settle-trade.js";
import { BASE, fingerprintOf, QUOTE, reserveRequest, SYMBOL, uuidOf } from "./names.js";
import { reserveOne, type WalletDatabase } from "./wallet-database.js";

/** Two users whose orders hold 10 USDT and 1 BTC. */
export interface Pair {
  readonly buyerId: string;
  readonly sellerId: string;
  readonly buyOrderId: string;
  readonly sellOrderId: string;
}

/** Makes such a pair, without shard unless one is named; every name is a pair of its own. */
export async function reservedPair(wallet: WalletDatabase, name: string, shard?: number): Promise<Pair> {
  const [buyerId, sellerId] = [uuidOf(`${name} buyer`), uuidOf(`${name} seller`)];
  const [buyOrderId, sellOrderId] = [uuidOf(`${name} buy`), uuidOf(`${name} sell`)];
  await wallet.deposit(buyerId, QUOTE, "10");
  await wallet.deposit(sellerId, BASE, "1");
  const hold = (orderId: string, userId: string, asset: string, amount: string) =>
    reserveOne(
      wallet.database,
      reserveRequest({ orderId, userId, asset, amountAtoms: parseAtoms("amount", amount), shard }),
    );
  await hold(buyOrderId, buyerId, QUOTE, "10");
  await hold(sellOrderId, sellerId, BASE, "1");
  return { buyerId, sellerId, buyOrderId, sellOrderId };
}

/** 0.5 BTC for 4 USDT of a buyer who would have paid 5; the taker pays 0.2 %, the maker 0.1 %. */
export function tradeOfPair(pair: Pair, name: string): TradeOperation {
  return {
    type: "trade",
    tradeId: uuidOf(name),
    symbol: SYMBOL,
    baseAsset: BASE,
    quoteAsset: QUOTE,
    baseAtoms: 50_000_000n,
    quoteAtoms: 400_000_000n,
    buyerReservedAtoms: 500_000_000n,
    buyer: {
      orderId: pair.buyOrderId,
      userId: pair.buyerId,
      role: "TAKER",
      feeAtoms: 100_000n,
      feePpm: 2_000,
      receivedBeforeAtoms: 0n,
    },
    seller: {
      orderId: pair.sellOrderId,
      userId: pair.sellerId,
      role: "MAKER",
      feeAtoms: 400_000n,
      feePpm: 1_000,
      receivedBeforeAtoms: 0n,
    },
  };
}

/** The call of a trade; its content is known by `content`. */
export function callOf(trade: TradeOperation, content = trade.tradeId): SettleTradeCall {
  return { trade, fingerprintHex: fingerprintOf(content) };
}
