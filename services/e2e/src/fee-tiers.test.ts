// Fees by tier, from the token to the ledger: what each party pays, to the atom.
import { randomUUID } from "node:crypto";
import { type BourseClient, openBourse } from "@bourse/client/bourse-client.js";
import type { User } from "@bourse/local/testing/users.js";
import { OrderStatus, OrderType, Side, TradeRole } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { atomsOfNumeric, formatAtoms } from "@bourse/shared/units/atoms.js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Exchange, startExchange } from "./exchange.js";
import { runTool } from "./tool.js";

/** No rate divides what a lot brings: each fill leaves a part of an atom. */
const BASE = { makerFeePpm: 1_237, takerFeePpm: 2_503 };
const PRO = { tier: "pro", makerFeePpm: 331, takerFeePpm: 777 };
const FREE = { tier: "unlimited", makerFeePpm: 0, takerFeePpm: 0 };
const PIECES = ["0.001", "0.003", "0.007", "0.002", "0.013", "0.001"];

let exchange: Exchange;
const clients: BourseClient[] = [];
beforeAll(async () => {
  exchange = await startExchange();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await exchange?.close();
});

// Users and a market of their own for each test, so that no book is shared.
let symbol = "";
let baseAsset = "";
let markets = 0;
beforeEach(async () => {
  markets += 1;
  baseAsset = `F${markets}`;
  symbol = `${baseAsset}/USDT`;
  await exchange.operator.client.orders.createMarket({ market: marketOf([FREE, PRO]) });
});

function marketOf(feeTiers: (typeof PRO)[]) {
  const grid = { symbol, baseAsset, quoteAsset: "USDT", tickSize: "0.01", lotSize: "0.001" };
  return { ...grid, minQuantity: "0.001", shard: markets % 2, protectionBps: 500, ...BASE, feeTiers };
}

const newUser = (tier: "basic" | "pro" | "unlimited") =>
  exchange.newUser({ tier, funds: { [baseAsset]: "100", USDT: "100000" } });

/** A client of the same user whose token names another tier. */
async function withTier(user: User, tier: "basic" | "pro"): Promise<BourseClient> {
  const token = await exchange.mesh.token({ userId: user.id, roles: ["trader"], tier });
  const client = openBourse({ address: exchange.mesh.running.grpcAddress, token });
  clients.push(client);
  return client;
}

const limit = (side: Side, quantity: string, price = "33.33") => ({
  clientOrderId: randomUUID(),
  ...{ symbol, side, type: OrderType.LIMIT, price, quantity },
});

const atoms = (amount: string) => atomsOfNumeric(amount);
const feeOn = (ppm: number, received: bigint) => (received * BigInt(ppm) + 999_999n) / 1_000_000n;

/** What a user paid in one role and received in it, in atoms of what it received. */
async function paidBy(user: User, role: TradeRole): Promise<{ fee: bigint; received: bigint }> {
  await exchange.evidence.untilSettled();
  const { trades } = await user.client.orders.listTrades({ symbol });
  const some = trades.filter((trade) => trade.role === role);
  const received = some.map(({ side, price, quantity }) =>
    side === Side.BUY ? atoms(quantity) : (atoms(price) * atoms(quantity)) / 100_000_000n,
  );
  const sum = (amounts: bigint[]) => amounts.reduce((total, each) => total + each, 0n);
  return { fee: sum(some.map(({ fee }) => atoms(fee))), received: sum(received) };
}

/** What a user has of an asset, nothing held. */
async function availableTo(user: User, asset: string): Promise<bigint> {
  await exchange.evidence.untilSettled();
  const { balances } = await user.client.accounts.getBalances({});
  const balance = balances.find((each) => each.asset === asset);
  expect(balance?.reserved).toBe("0");
  return atoms(balance?.available ?? "0");
}

test("each party pays the rates of its tier, rounded up once however the order was filled", async () => {
  const [maker, taker] = [await newUser("pro"), await newUser("basic")];
  await maker.client.orders.placeOrder(limit(Side.SELL, "0.027"));
  for (const quantity of PIECES) await taker.client.orders.placeOrder(limit(Side.BUY, quantity));

  const made = await paidBy(maker, TradeRole.MAKER);
  expect(made.received).toBe(atoms("0.89991"));
  expect(made.fee).toBe(feeOn(PRO.makerFeePpm, made.received));
  // Each buy is an order of its own.
  const taken = await paidBy(taker, TradeRole.TAKER);
  const each = PIECES.map((quantity) => feeOn(BASE.takerFeePpm, atoms(quantity)));
  expect(taken.fee).toBe(each.reduce((total, fee) => total + fee));
  expect(await availableTo(maker, "USDT")).toBe(atoms("100000") + made.received - made.fee);
  expect(await availableTo(taker, baseAsset)).toBe(atoms("100.027") - taken.fee);
  expect(await availableTo(taker, "USDT")).toBe(atoms("100000") - made.received);
});

test("the taker's tier holds for one order over many makers, a tier without fees pays none", async () => {
  const [maker, taker] = [await newUser("unlimited"), await newUser("pro")];
  for (const quantity of PIECES) await maker.client.orders.placeOrder(limit(Side.BUY, quantity));
  await taker.client.orders.placeOrder(limit(Side.SELL, "0.027"));
  const taken = await paidBy(taker, TradeRole.TAKER);
  expect(taken.fee).toBe(feeOn(PRO.takerFeePpm, taken.received));
  expect((await paidBy(maker, TradeRole.MAKER)).fee).toBe(0n);
});

test("an order keeps the rates of its placement through a repeat and an amend of another tier", async () => {
  const [user, other] = [await newUser("pro"), await newUser("basic")];
  await other.client.orders.placeOrder(limit(Side.SELL, "0.027", "34"));
  const request = limit(Side.BUY, "0.027");
  const placed = await user.client.orders.placeOrder(request);
  const later = await withTier(user, "basic");
  const again = await later.orders.placeOrder(request);
  expect(again).toMatchObject({ replayed: true, order: { orderId: placed.order?.orderId } });

  // First as the maker of two pieces, then it goes for the offer.
  for (const quantity of ["0.001", "0.003"]) await other.client.orders.placeOrder(limit(Side.SELL, quantity));
  const id = { case: "orderId", value: placed.order?.orderId ?? "" } as const;
  const amended = await later.orders.amendOrder({ id, requestId: "up", price: "34" });
  expect(amended.order).toMatchObject({ status: OrderStatus.FILLED });
  const made = await paidBy(user, TradeRole.MAKER);
  expect(made).toEqual({ received: atoms("0.004"), fee: feeOn(PRO.makerFeePpm, atoms("0.004")) });
  const taken = await paidBy(user, TradeRole.TAKER);
  expect(taken).toEqual({ received: atoms("0.023"), fee: feeOn(PRO.takerFeePpm, atoms("0.023")) });
  // What the same user places now pays the rates of now.
  await other.client.orders.placeOrder(limit(Side.SELL, "0.01", "35"));
  await later.orders.placeOrder(limit(Side.BUY, "0.01", "35"));
  const after = await paidBy(user, TradeRole.TAKER);
  expect(after.fee - taken.fee).toBe(feeOn(BASE.takerFeePpm, atoms("0.01")));
});

test("whoever looks at a market sees its own rates and those of the tiers, lowest tier first", async () => {
  const user = await newUser("basic");
  const { markets: listed } = await user.client.marketData.listMarkets({});
  expect(listed.find((each) => each.symbol === symbol)).toMatchObject({ ...BASE, feeTiers: [PRO, FREE] });
});

test.each([
  ["makerFeePpm", -1, "maker_fee_ppm"],
  ["takerFeePpm", -1, "taker_fee_ppm"],
  ["makerFeePpm", 1_000_000, "maker_fee_ppm"],
  ["takerFeePpm", 1_000_000, "taker_fee_ppm"],
  ["tier", "vip", "tier"],
  ["tier", "unlimited", "tier"],
])("an operator's market with %s %s of a tier is refused, its field named", async (key, value, field) => {
  const { createMarket } = exchange.operator.client.orders;
  symbol = `X${baseAsset}/USDT`;
  baseAsset = `X${baseAsset}`;
  const tiers = [FREE, { ...PRO, [key]: value }];
  await expect(createMarket({ market: marketOf(tiers) })).rejects.toMatchObject({
    reason: "INVALID_MARKET",
    facts: { field: `market.fee_tiers[1].${field}` },
  });
  const { markets: listed } = await exchange.operator.client.marketData.listMarkets({});
  expect(listed.some((each) => each.symbol === symbol)).toBe(false);
});

test("the books balance: fees of the house are the fees of the trades, and the audit is clean", async () => {
  await exchange.evidence.untilSettled();
  const audit = await runTool("audit", [], { BOURSE_HOME: exchange.mesh.home });
  expect(audit.code, audit.output).toBe(0);
  const rows = await exchange.evidence.query<{ asset: string; fee: string }>(
    "SELECT fee_asset AS asset, sum(fee)::text AS fee FROM orders.trades GROUP BY 1 HAVING sum(fee) > 0",
  );
  const house = await exchange.evidence.query<{ asset: string; fee: string }>(
    `SELECT asset, available::text AS fee FROM wallet.accounts
      WHERE user_id = '00000000-0000-0000-0000-000000000001' AND available > 0`,
  );
  const sorted = (each: typeof rows) =>
    each.map(({ asset, fee }) => `${asset} ${formatAtoms(atoms(fee))}`).sort();
  expect(sorted(rows).length).toBeGreaterThan(2);
  expect(sorted(house)).toEqual(sorted(rows));
});
