// Calls of services at two real wallets at once, of which one is killed in the middle.

import { formatAtoms } from "@bourse/shared/units/atoms.js";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "vitest";
import { dumpOf } from "./testing/dump.js";
import { type Pair, reservedPair, tradeOfPair } from "./testing/trades.js";
import { openWalletDatabase } from "./testing/wallet-database.js";
import { startProcess, untilReady, type WalletProcess } from "./testing/wallet-process.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const PAIRS = 12;
const DUPLICATES = 8;

async function startWallet(postgresUrl: string): Promise<{ process: WalletProcess; url: string }> {
  const process = startProcess("main.ts", {
    BOURSE__WALLET__POSTGRES_URL: postgresUrl,
    BOURSE__WALLET__GRPC_PORT: "0",
    BOURSE__WALLET__HTTP_PORT: "0",
    BOURSE__WALLET__ADMIN_PORT: "0",
  });
  closers.push(async () => {
    process.child.kill("SIGKILL");
    await process.exited;
  });
  const { adminPort, httpPort } = await process.said("wallet started");
  await untilReady(adminPort);
  return { process, url: `http://127.0.0.1:${httpPort}/api/v1/wallets` };
}

/** The call's answer; undefined when the wallet went away, so that nobody knows what became of it. */
async function post(url: string, name: string, body: object): Promise<JsonObject | undefined> {
  try {
    const response = await fetch(`${url}/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as JsonObject;
    expect([response.status, answer]).toEqual([200, expect.anything()]);
    return answer;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function bodyOf(pair: Pair, name: string) {
  const { buyer, seller, ...trade } = tradeOfPair(pair, name);
  return {
    trade: {
      tradeId: trade.tradeId,
      symbol: trade.symbol,
      baseAsset: trade.baseAsset,
      quoteAsset: trade.quoteAsset,
      baseAmount: formatAtoms(trade.baseAtoms),
      quoteAmount: formatAtoms(trade.quoteAtoms),
      buyerReservedAmount: formatAtoms(trade.buyerReservedAtoms),
      buyOrderId: buyer.orderId,
      sellOrderId: seller.orderId,
      buyerUserId: buyer.userId,
      sellerUserId: seller.userId,
      buyerFee: formatAtoms(buyer.feeAtoms),
      sellerFee: formatAtoms(seller.feeAtoms),
      buyerFeePpm: buyer.feePpm,
      sellerFeePpm: seller.feePpm,
      buyerRole: "TRADE_ROLE_TAKER",
      buyerReceivedBefore: "0",
      sellerReceivedBefore: "0",
    },
  };
}

test("duplicates at two wallets, one of them killed, settle and release once and get one answer", async () => {
  const database = await openWalletDatabase();
  closers.push(() => database.drop());
  const pairs: Pair[] = [];
  for (let index = 0; index < PAIRS; index += 1) pairs.push(await reservedPair(database, `pair ${index}`));
  const [doomed, stays] = await Promise.all([startWallet(database.url), startWallet(database.url)]);

  let answered = 0;
  const settled = pairs.map((pair, index) =>
    Promise.all(
      Array.from({ length: DUPLICATES }, async (_, duplicate) => {
        const { url } = duplicate % 2 === 0 ? doomed : stays;
        const answer = await post(url, "settle-trade", bodyOf(pair, `trade ${index}`));
        answered += 1;
        // In the middle of it: some are answered, some are not.
        if (answered === PAIRS) doomed.process.child.kill("SIGKILL");
        return answer;
      }),
    ),
  );
  const answers = await Promise.all(settled);
  expect(answers.flat().filter((answer) => answer === undefined).length).toBeGreaterThan(0);
  for (const [index, pair] of pairs.entries()) {
    const last = await post(stays.url, "settle-trade", bodyOf(pair, `trade ${index}`));
    expect(last?.replayed).toBe(true);
    for (const answer of answers[index] ?? [])
      if (answer !== undefined) expect(answer.entries).toEqual(last?.entries);
    const release = { orderId: pair.buyOrderId, userId: pair.buyerId, amount: "5" };
    const released = await Promise.all([1, 2, 3].map(() => post(stays.url, "release", release)));
    expect(released.map((answer) => answer?.released)).toEqual(["5", "5", "5"]);
    expect(released.filter((answer) => answer?.replayed === false)).toHaveLength(1);
  }
  const { settled_trades: trades, ledger_entries: entries } = await dumpOf(database.pool);
  expect(trades).toHaveLength(PAIRS);
  // Six of each trade, two of each deposit.
  expect(entries).toHaveLength(6 * PAIRS + 2 * 2 * PAIRS);
  expect(await database.breaches()).toEqual({});
  stays.process.child.kill("SIGTERM");
  expect(await stays.process.exited).toEqual({ code: 0, errors: "" });
}, 90_000);
