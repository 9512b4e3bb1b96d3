// The smoke test's story, through the public API and with the clients' retries.
import { randomUUID } from "node:crypto";
import { type BourseClient, openBourse } from "@bourse/client/bourse-client.js";
import type { Market } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { OrderStatus, OrderType, Side, TradeRole } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { atomsOfNumeric, formatAtoms, parseAtoms } from "@bourse/shared/units/atoms.js";
import {
  formatPrice,
  formatQuantity,
  type Grid,
  gridOf,
  parsePriceTicks,
  parseQuantityLots,
} from "@bourse/shared/units/market.js";
import { subjectOf, tierOf } from "../load/token-subject.js";
import { changeOf, type OwnTrade, pricesFor, ratesOf } from "./expected.js";

export interface SmokeSettings {
  readonly address: string;
  readonly symbol: string;
  /** Price of both orders in a market without a trade; later the last trade's, since a band counts from it. */
  readonly price: string;
  readonly operatorToken: string;
  readonly buyerToken: string;
  readonly sellerToken: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

interface Party {
  readonly name: "buyer" | "seller";
  readonly isBuy: boolean;
  readonly userId: string;
  /** Tier of its token: decides its fees. */
  readonly tier: string;
  readonly client: BourseClient;
}

interface SmokeMarket {
  readonly listing: Market;
  readonly grid: Grid;
  readonly wishedTicks: number;
  readonly quantityLots: number;
}

const pollEveryMs = 200;
/** Others may take what the smoke test meant to take; then it tries again. */
const triesMax = 5;
const filledWithinMs = 10_000;

/** Runs once; throws with the reason when something is not as it must be. */
export async function runSmoke(settings: SmokeSettings): Promise<void> {
  const { address, operatorToken, signal } = settings;
  const operator = openBourse({ address, token: operatorToken, signal });
  const seller = openParty("seller", settings.sellerToken, settings);
  const buyer = openParty("buyer", settings.buyerToken, settings);
  try {
    const market = await readMarket(operator, settings);
    for (let attempt = 1; ; attempt += 1) {
      if (await tradeOnce({ settings, operator, market, seller, buyer })) return;
      if (attempt === triesMax)
        throw new Error(`no orders were filled in ${triesMax} tries: others were faster`);
    }
  } catch (error) {
    if (signal.aborted)
      throw new Error(`gave up after the time that is allowed: ${String(error)}`, { cause: error });
    throw error;
  } finally {
    for (const { client } of [seller, buyer]) client.close();
    operator.close();
  }
}

function openParty(name: Party["name"], token: string, { address, signal }: SmokeSettings): Party {
  const client = openBourse({ address, token, signal });
  return { name, isBuy: name === "buyer", userId: subjectOf(token), tier: tierOf(token), client };
}

async function readMarket(
  operator: BourseClient,
  { price, say, symbol }: SmokeSettings,
): Promise<SmokeMarket> {
  const { markets } = await operator.marketData.listMarkets({});
  const market = markets.find((each) => each.symbol === symbol);
  if (market === undefined) {
    const known = markets.map((each) => each.symbol).join(", ");
    throw new Error(`there is no market ${symbol}; there are: ${known || "none"}`);
  }
  const grid = gridOf(market);
  const least = market.minQuantity === "0" ? 1 : parseQuantityLots(grid, "minQuantity", market.minQuantity);
  const { trades } = await operator.marketData.listRecentTrades({ symbol, pageSize: 1 });
  const wishedTicks = parsePriceTicks(grid, "SMOKE_PRICE", trades[0]?.price ?? price);
  // Twice the least notional: the price may differ from the wished one.
  const lotAtoms = BigInt(wishedTicks) * grid.quoteAtomsPerTickLot;
  const forNotional = Number((2n * atomsOfNumeric(market.minNotional)) / lotAtoms + 1n);
  const quantityLots = Math.max(least, forNotional);
  say(`market ${symbol} on shard ${market.shard}: quantity ${formatQuantity(grid, quantityLots)}`);
  return { listing: market, grid, wishedTicks, quantityLots };
}

interface Trading {
  readonly settings: SmokeSettings;
  readonly operator: BourseClient;
  readonly market: SmokeMarket;
  readonly seller: Party;
  readonly buyer: Party;
}

/** Money in, sell, buy, look. False when others took what was meant for these two. */
async function tradeOnce({ settings, operator, market, seller, buyer }: Trading): Promise<boolean> {
  const { say, symbol } = settings;
  const { grid, quantityLots, wishedTicks } = market;
  const { asks, bids } = await operator.marketData.getOrderBook({ symbol, levels: 1 });
  const [bid, ask] = [bids[0]?.price, asks[0]?.price].map((price) =>
    price === undefined ? undefined : parsePriceTicks(grid, "price", price),
  );
  const { buyTicks, sellTicks } = pricesFor(wishedTicks, bid, ask);
  const quantity = formatQuantity(grid, quantityLots);
  const cost = formatAtoms(BigInt(buyTicks) * BigInt(quantityLots) * grid.quoteAtomsPerTickLot);
  await deposit(operator, seller, grid.baseAsset, quantity, say);
  await deposit(operator, buyer, grid.quoteAsset, cost, say);
  const before = { seller: await balancesOf(seller, grid), buyer: await balancesOf(buyer, grid) };

  const sell = await place(seller, settings, { price: formatPrice(grid, sellTicks), quantity });
  const buy = await place(buyer, settings, { price: formatPrice(grid, buyTicks), quantity });
  const areFilled = await Promise.all([
    untilFilled(seller, sell, settings),
    untilFilled(buyer, buy, settings),
  ]);
  if (!areFilled.every(Boolean)) {
    await Promise.all([cancelRest(seller, sell), cancelRest(buyer, buy)]);
    say("others took part of it; once more");
    return false;
  }
  await untilSettled(seller, sell, before.seller, market, settings);
  await untilSettled(buyer, buy, before.buyer, market, settings);
  return true;
}

async function deposit(
  operator: BourseClient,
  { name, userId }: Party,
  asset: string,
  amount: string,
  say: (line: string) => void,
): Promise<void> {
  await operator.accounts.deposit({ userId, asset, amount, requestId: `smoke-${randomUUID()}` });
  say(`${name} ${userId}: deposited ${amount} ${asset}`);
}

async function place(
  party: Party,
  { say, symbol }: SmokeSettings,
  order: { price: string; quantity: string },
): Promise<string> {
  const side = party.isBuy ? Side.BUY : Side.SELL;
  const clientOrderId = `smoke-${randomUUID()}`;
  const placed = await party.client.orders.placeOrder({
    ...order,
    clientOrderId,
    symbol,
    side,
    type: OrderType.LIMIT,
  });
  const { orderId = "", status = OrderStatus.UNSPECIFIED } = placed.order ?? {};
  say(`${party.name}: order ${orderId} for ${order.quantity} at ${order.price} is ${OrderStatus[status]}`);
  if (status === OrderStatus.REJECTED)
    throw new Error(`the ${party.name}'s order was rejected, reason ${placed.order?.reason}`);
  return orderId;
}

/** True once the order history shows the order as filled; false when it still is not after a while. */
async function untilFilled(
  party: Party,
  orderId: string,
  { clock, say, signal, symbol }: SmokeSettings,
): Promise<boolean> {
  const untilMs = clock.monotonicMs() + filledWithinMs;
  for (;;) {
    signal.throwIfAborted();
    const { orders } = await party.client.orders.listOrders({ symbol, pageSize: 20 });
    const status = orders.find((order) => order.orderId === orderId)?.status;
    if (status === OrderStatus.FILLED) {
      say(`${party.name}: order ${orderId} is FILLED in the history`);
      return true;
    }
    if (clock.monotonicMs() > untilMs) return false;
    await clock.sleep(pollEveryMs, signal);
  }
}

async function cancelRest({ client }: Party, orderId: string): Promise<void> {
  // Filled after all is fine too: the next try starts from what is there then.
  await client.orders.cancelOrder({ id: { case: "orderId", value: orderId } }).catch(() => undefined);
}

interface Balances {
  readonly baseAtoms: bigint;
  readonly quoteAtoms: bigint;
  readonly reservedAtoms: bigint;
}

async function balancesOf({ client }: Party, grid: Grid): Promise<Balances> {
  const { balances } = await client.accounts.getBalances({});
  const of = (asset: string) => balances.find((balance) => balance.asset === asset);
  const atoms = (text = "0") => parseAtoms("balance", text);
  const [base, quote] = [of(grid.baseAsset), of(grid.quoteAsset)];
  return {
    baseAtoms: atoms(base?.available),
    quoteAtoms: atoms(quote?.available),
    reservedAtoms: atoms(base?.reserved) + atoms(quote?.reserved),
  };
}

/** Waits until both balances are what the order's trades make of those before. */
async function untilSettled(
  party: Party,
  orderId: string,
  before: Balances,
  market: SmokeMarket,
  { clock, say, signal }: SmokeSettings,
): Promise<void> {
  const { grid } = market;
  const trades = await readTrades(party, orderId);
  const { baseAtoms, quoteAtoms } = changeOf(party.isBuy, trades, ratesOf(market.listing, party.tier));
  const expected = {
    ...before,
    baseAtoms: before.baseAtoms + baseAtoms,
    quoteAtoms: before.quoteAtoms + quoteAtoms,
  };
  for (;;) {
    const now = await balancesOf(party, grid);
    if (textOf(now, grid) === textOf(expected, grid)) {
      const fills = trades
        .map(({ fee, price, quantity }) => `${quantity} at ${price}, fee ${fee}`)
        .join("; ");
      return say(`${party.name}: ${fills}; now ${textOf(now, grid)}, right to the atom`);
    }
    if (signal.aborted)
      throw new Error(
        `the ${party.name} has ${textOf(now, grid)}, by its trades it must be ${textOf(expected, grid)}`,
      );
    await clock.sleep(pollEveryMs, signal);
  }
}

async function readTrades({ client }: Party, orderId: string): Promise<OwnTrade[]> {
  const { trades } = await client.orders.listTrades({ orderId, pageSize: 1_000 });
  return trades.reverse().map(({ fee, price, quantity, role }) => ({
    fee,
    price,
    quantity,
    isMaker: role === TradeRole.MAKER,
  }));
}

function textOf({ baseAtoms, quoteAtoms, reservedAtoms }: Balances, { baseAsset, quoteAsset }: Grid): string {
  const reserved = reservedAtoms === 0n ? "" : `, ${formatAtoms(reservedAtoms)} reserved`;
  return `${formatAtoms(baseAtoms)} ${baseAsset} and ${formatAtoms(quoteAtoms)} ${quoteAsset}${reserved}`;
}
