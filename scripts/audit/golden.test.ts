// The golden journals of the matcher, folded: what every version wrote hangs together, and ends as it is known to.
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Record as JournalRecord } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MarketSchema, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ShardFold } from "./fold.js";
import { journalTool } from "./home-exchange.js";
import { readJournal } from "./journal.js";
import { repoRoot } from "./repo-root.js";

/** What lies beside a golden journal, as far as the fold can tell it. */
interface Expected {
  readonly seq: number;
  readonly openOrders: number;
  readonly open: readonly {
    readonly orderId: string;
    readonly status: keyof typeof OrderStatus;
    readonly remainingLots: number;
    readonly executedLots: number;
    readonly acceptedSeq: number;
  }[];
}

const golden = join(repoRoot(), "services", "matcher", "golden");
const journals = readdirSync(golden, { recursive: true, encoding: "utf8" }).filter((path) =>
  existsSync(join(golden, path, "expected.json")),
);

/**
 * A shard that has forgotten an id decides about it anew. In an exchange the wallet's rows see to it that nobody
 * asks; the flow of a golden journal has no wallet.
 */
function forget(fold: ShardFold, { command }: JournalRecord): void {
  if (command?.kind.case !== "forget") return;
  const { throughSeq } = command.kind.value;
  for (const [id, { endedSeq }] of fold.orders)
    if (endedSeq !== 0n && endedSeq <= throughSeq) fold.orders.delete(id);
  for (const [id, { orderId }] of fold.legs) if (!fold.orders.has(orderId)) fold.legs.delete(id);
}

test.each(journals)("golden journal %s", async (path) => {
  const folder = join(golden, path);
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Expected;
  const fold = new ShardFold();
  await readJournal(journalTool(folder), (record) => {
    fold.apply(record);
    forget(fold, record);
  });
  expect(fold.contradictions).toEqual([]);
  expect(fold).toMatchObject({ seq: BigInt(expected.seq), openOrders: expected.openOrders });
  for (const { orderId, status, ...order } of expected.open) {
    expect(fold.orders.get(orderId)).toMatchObject({
      status: OrderStatus[status],
      remainingLots: BigInt(order.remainingLots),
      executedLots: BigInt(order.executedLots),
      acceptedSeq: BigInt(order.acceptedSeq),
    });
  }
});

let headless = "";
beforeAll(() => {
  headless = mkdtempSync(join(tmpdir(), "bourse-audit-"));
});
afterAll(() => rmSync(headless, { recursive: true, force: true }));

test("a journal whose first file is gone is folded from its second on, and contradicts nothing", async () => {
  const folder = join(golden, "format-1", "rules-1");
  const [, second = ""] = readdirSync(folder)
    .filter((file) => file.endsWith(".log"))
    .sort();
  copyFileSync(join(folder, second), join(headless, second));
  const grid = { quoteAsset: "USDT", tickSize: "0.01", lotSize: "0.00001" };
  const markets = ["BTC", "ETH"].map((baseAsset) =>
    create(MarketSchema, { ...grid, baseAsset, symbol: `${baseAsset}/USDT` }),
  );
  const fold = new ShardFold();
  await readJournal(journalTool(headless), (record) => {
    if (fold.records === 0) fold.beginAfter(record.seq - 1n, markets);
    fold.apply(record);
  });
  expect(fold.contradictions).toEqual([]);
  expect(fold.isWhole).toBe(false);
  expect(fold.missingThroughSeq).toBe(BigInt(Number.parseInt(second, 10)) - 1n);
  expect(fold.records).toBeGreaterThan(10);
});
