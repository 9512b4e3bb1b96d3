// What the exchange says afterwards, through the public lists of both users and their balances.
import type { BourseClient } from "@bourse/client/bourse-client.js";
import type { Order, Trade } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import {
  OrderStatus,
  OrderType,
  Side,
  TimeInForce,
  TradeRole,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { parseScaled } from "./decimal.js";
import type { Holding, ListedOrder, TradeHalf } from "./observed.js";
import { type Command, lotsOf, marketPrice, marketQuantity, type Scale, ticksOf } from "./scale.js";
import type { Stage } from "./stage.js";

const pageSize = 1_000;
/** How long the history may lag behind the last acknowledgement. */
const historyWithinMs = 120_000;
/** How often a position is asked for that moves without an event. */
const pollMs = 10;

/** Client order id of the order that marks the end of a run in the history. */
export const endMarkId = "replay:end";

/**
 * Waits until the history holds everything that was acknowledged: an order that cannot fill or rest
 * (all or nothing at one tick, for more than could be offered there) is placed last, and what the
 * history shows of it stands behind all that came before.
 */
export async function untilHistoryIsWhole(
  stage: Stage,
  scale: Scale,
  commands: readonly Command[],
): Promise<void> {
  let quantityLots = 1n;
  for (const command of commands) {
    const mayRestAtOneTick = command.op !== "CANCEL" && command.op !== "REDUCE" && command.priceTicks === 1n;
    if (mayRestAtOneTick) quantityLots += command.quantityLots;
  }
  await stage.buyer.client.orders.placeOrder({
    clientOrderId: endMarkId,
    symbol: stage.symbol,
    side: Side.BUY,
    type: OrderType.LIMIT,
    timeInForce: TimeInForce.FOK,
    price: marketPrice(scale, 1n),
    quantity: marketQuantity(scale, quantityLots),
  });
  const giveUpAtMs = systemClock.monotonicMs() + historyWithinMs;
  for (;;) {
    const { orders } = await stage.buyer.client.orders.listOrders({ pageSize: 1, symbol: stage.symbol });
    if (orders[0]?.clientOrderId === endMarkId) return;
    if (systemClock.monotonicMs() > giveUpAtMs) throw new Error("the order history does not catch up");
    await systemClock.sleep(pollMs);
  }
}

/** Every trade half that the two users see in the run's market. */
export async function readTradeHalves(stage: Stage, scale: Scale): Promise<TradeHalf[]> {
  const lists = await Promise.all(
    [stage.buyer.client, stage.seller.client].map((client) => allTrades(client, stage.symbol)),
  );
  return lists.flat().map((trade) => ({
    tradeId: trade.tradeId,
    clientOrderId: trade.clientOrderId,
    side: trade.side === Side.BUY ? "buy" : "sell",
    role: trade.role === TradeRole.MAKER ? "maker" : "taker",
    priceTicks: ticksOf(scale, trade.price),
    quantityLots: lotsOf(scale, trade.quantity),
    sequence: trade.sequence,
    index: trade.index,
  }));
}

/** Every order of the two users in the run's market, without the end mark. */
export async function readOrders(stage: Stage, scale: Scale): Promise<ListedOrder[]> {
  const lists = await Promise.all(
    [stage.buyer.client, stage.seller.client].map((client) => allOrders(client, stage.symbol)),
  );
  const orders = lists.flat().filter(({ clientOrderId }) => clientOrderId !== endMarkId);
  return orders.map((order) => ({
    clientOrderId: order.clientOrderId,
    side: order.side === Side.BUY ? "B" : "S",
    priceTicks: order.price === "" ? undefined : ticksOf(scale, order.price),
    quantityLots: lotsOf(scale, order.quantity),
    filledLots: lotsOf(scale, order.filledQuantity),
    status: statusOf(order),
    sequence: order.acceptedSequence,
  }));
}

async function allTrades(client: BourseClient, symbol: string): Promise<Trade[]> {
  const trades: Trade[] = [];
  for (let pageToken = ""; ; ) {
    const page = await client.orders.listTrades({ pageSize, pageToken, symbol });
    trades.push(...page.trades);
    if (page.nextPageToken === "") return trades;
    pageToken = page.nextPageToken;
  }
}

async function allOrders(client: BourseClient, symbol: string): Promise<Order[]> {
  const orders: Order[] = [];
  for (let pageToken = ""; ; ) {
    const page = await client.orders.listOrders({ pageSize, pageToken, symbol });
    orders.push(...page.orders);
    if (page.nextPageToken === "") return orders;
    pageToken = page.nextPageToken;
  }
}

function statusOf(order: Order): ListedOrder["status"] {
  switch (order.status) {
    case OrderStatus.OPEN:
    case OrderStatus.PARTIALLY_FILLED:
      return "open";
    case OrderStatus.FILLED:
      return "filled";
    case OrderStatus.CANCELLED:
      return "cancelled";
    case OrderStatus.EXPIRED:
      return "expired";
    default:
      return "other";
  }
}

/** What both users have of both assets now, in atoms. */
export async function readHoldings(stage: Stage): Promise<{ buyer: Holding; seller: Holding }> {
  const [buyer, seller] = await Promise.all(
    [stage.buyer, stage.seller].map(({ client }) => readHolding(stage, client)),
  );
  if (buyer === undefined || seller === undefined) throw new Error("two users have two balances");
  return { buyer, seller };
}

async function readHolding(stage: Stage, client: BourseClient): Promise<Holding> {
  const { balances } = await client.accounts.getBalances({});
  const atoms = (asset: string, column: "available" | "reserved") =>
    parseScaled(balances.find((balance) => balance.asset === asset)?.[column] ?? "0", 8);
  return {
    available: { base: atoms(stage.baseAsset, "available"), quote: atoms(stage.quoteAsset, "available") },
    reserved: { base: atoms(stage.baseAsset, "reserved"), quote: atoms(stage.quoteAsset, "reserved") },
  };
}

/** Reads balances until they satisfy, at most `withinMs`; returns the last and when it was read. */
export async function untilHoldings(
  stage: Stage,
  isSettled: (holdings: { buyer: Holding; seller: Holding }) => boolean,
  withinMs: number,
): Promise<{ holdings: { buyer: Holding; seller: Holding }; readAtMs: number }> {
  const giveUpAtMs = systemClock.monotonicMs() + withinMs;
  for (;;) {
    const holdings = await readHoldings(stage);
    const readAtMs = systemClock.monotonicMs();
    if (isSettled(holdings) || readAtMs > giveUpAtMs) return { holdings, readAtMs };
    await systemClock.sleep(pollMs);
  }
}
