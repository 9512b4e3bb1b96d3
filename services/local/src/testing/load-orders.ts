// The orders that the load places, and what it amends them to.
import type { PlaceOrderRequestSchema } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import {
  OrderType,
  type SelfTradePrevention,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { MessageInitShape } from "@bufbuild/protobuf";

/** An order as it was sent. */
export type Sent = MessageInitShape<typeof PlaceOrderRequestSchema> & { readonly clientOrderId: string };

/** What an amend asks for. */
export interface Change {
  readonly price?: string;
  readonly quantity?: string;
}

const MARKETS = [
  { symbol: "BTC/USDT", mid: 50_000, tick: 0.01, quantities: ["0.0001", "0.0007", "0.002"] },
  { symbol: "ETH/USDT", mid: 2_500, tick: 0.01, quantities: ["0.001", "0.013", "0.05"] },
  { symbol: "XRP/USDT", mid: 0.5, tick: 0.0001, quantities: ["10", "25.5", "100"] },
];

/** Another price near the market, another quantity, or both. */
export function changeOf(random: () => number, { symbol, side, type }: Sent): Change {
  const market = MARKETS.find((each) => each.symbol === symbol);
  if (market === undefined) throw new Error("no market");
  const quantity = market.quantities[Math.floor(random() * market.quantities.length)] ?? "1";
  const price = priceOf(random, market, side);
  if (type !== OrderType.LIMIT && type !== OrderType.STOP_LIMIT) return { quantity };
  const kind = random();
  return kind < 0.4 ? { quantity } : kind < 0.7 ? { price } : { price, quantity };
}

function priceOf(
  random: () => number,
  { mid, tick }: (typeof MARKETS)[number],
  side: Side | undefined,
): string {
  const ticksAway = Math.floor(random() * 40) - 10;
  return (mid + (side === Side.BUY ? -1 : 1) * ticksAway * tick).toFixed(tick === 0.01 ? 2 : 4);
}

/** The next order of a client. */
export function nextOrder(random: () => number, clientOrderId: string): Sent {
  const market = MARKETS[Math.floor(random() * MARKETS.length)] ?? MARKETS[0];
  if (market === undefined) throw new Error("no market");
  const quantity = market.quantities[Math.floor(random() * market.quantities.length)] ?? "1";
  const side = random() < 0.5 ? Side.BUY : Side.SELL;
  const selfTradePrevention: SelfTradePrevention = 1 + Math.floor(random() * 4);
  const common = { clientOrderId, symbol: market.symbol, side, quantity, selfTradePrevention };
  const kind = random();
  if (kind < 0.1) return { ...common, type: OrderType.MARKET };
  const price = priceOf(random, market, side);
  // A stop lies where the market has still to go: above it for a buyer.
  const stopPrice = priceOf(random, market, side === Side.BUY ? Side.SELL : Side.BUY);
  if (kind > 0.9) return { ...common, type: OrderType.STOP, stopPrice };
  if (kind > 0.8) return { ...common, type: OrderType.STOP_LIMIT, stopPrice, price };
  const timeInForce = kind < 0.2 ? TimeInForce.IOC : kind < 0.25 ? TimeInForce.FOK : TimeInForce.GTC;
  return { ...common, type: OrderType.LIMIT, price, timeInForce };
}
