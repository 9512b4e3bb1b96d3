import { describe, expect, test } from "vitest";
import { adviceOf, idsIn, linesOf, type ShardSettlement } from "./report.js";

const ORDER = "a43a0afc-42b2-438a-8b57-18da47188f5d";
const USER = "0e029f36-5a91-49f0-87a6-e54076e645b4";
const going: ShardSettlement = {
  shard: 0,
  settler: { shard: 0, follows: "yes", lagRecords: 3, backlogOperations: 7, isSetBack: false },
  cursor: { epoch: "2", seq: "97", operations: 1, stored_epoch: "3", ageSeconds: 0.2 },
  journal: { seq: "100", epoch: "3" },
  holds: [],
  accounts: [],
};

describe("the settlement of a shard", () => {
  test("that goes on", () => {
    expect(linesOf(going)).toEqual([
      "shard 0: settles, 3 records and 7 operations wait",
      "  cursor of the wallet: record 97, 1 operations of it, epoch 2 (highest stored 3), moved 0 s ago",
      "  journal of the shard: ends at record 100, epoch 3: 3 records behind it",
    ]);
  });

  test("whose settler is away", () => {
    expect(linesOf({ ...going, settler: undefined, cursor: undefined })).toEqual([
      "shard 0: unknown",
      "  cursor of the wallet: at the beginning",
      "  journal of the shard: ends at record 100, epoch 3: 100 records behind it",
      "  the settler does not answer: it is away, or its operations port is",
    ]);
  });

  test("that stands says why, at which record, what it concerns and what can be done", () => {
    const facts = { why: "funds are missing", seq: "98", missing: `${USER} 3 ETH`, orders: ORDER };
    const stopped = { atMs: 0, reason: "SETTLEMENT_IMPOSSIBLE", facts };
    const text = linesOf({
      ...going,
      settler: { shard: 0, follows: "yes", backlogOperations: 0, isSetBack: true, stopped },
      record: ['{"seq":"98"}'],
      accounts: [{ user_id: USER, asset: "ETH", available: "0", reserved: "0" }],
    }).join("\n");
    expect(text).toContain("shard 0: STOPPED");
    expect(text).toContain("stopped 1970-01-01T00:00:00.000Z: SETTLEMENT_IMPOSSIBLE");
    expect(text).toContain(`missing: ${USER} 3 ETH`);
    expect(text).toContain('{"seq":"98"}');
    expect(text).toContain("reservations that it names:\n    none");
    expect(text).toContain(`${USER} ETH: available 0, reserved 0`);
    expect(text).toContain("Repeat the deposits");
  });

  test("has an advice for each cause", () => {
    const causes = [
      "funds are missing",
      "the order has no reservation",
      "the hold was refused since it was lost",
      "",
    ];
    const advices = causes.map((why) => adviceOf("SETTLEMENT_IMPOSSIBLE", { why }).join(" "));
    expect(new Set([...advices, adviceOf("SEQ_TOO_OLD", {}).join(" ")]).size).toBe(5);
  });
});

test("ids are found in any text, once", () => {
  expect(idsIn(`{"orderId":"${ORDER}","userId":"${USER}"} ${ORDER}`)).toEqual([ORDER, USER]);
});
