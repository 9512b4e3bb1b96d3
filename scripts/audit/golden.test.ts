// The golden journals of the matcher, folded: what every version wrote hangs together, and ends as it is known to.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { expect, test } from "vitest";
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

test.each(journals)("golden journal %s", async (path) => {
  const folder = join(golden, path);
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Expected;
  const fold = new ShardFold();
  await readJournal(journalTool(folder), (record) => fold.apply(record));
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
