import { createLogger } from "@bourse/shared/runtime/log.js";
import { expect, test } from "vitest";
import { createFollowers } from "./followers.js";

function followersOf(learnedSeq = 0) {
  return createFollowers({
    names: ["wallet", "projector"],
    epochs: { at: () => 1 } as never,
    lagRecordsMax: 1_000,
    learnedSeq,
    log: createLogger({ service: "test", level: "silent" }),
    onRefused: () => {},
    onOpen: () => {},
  });
}
const at = (seq: number) => ({ epoch: 1, seq });

test("new orders wait while the wallet is behind what it had settled, and for it alone", () => {
  const followers = followersOf();
  expect([followers.report("wallet", at(100)), followers.report("projector", at(100))]).toEqual([0, 0]);
  // It reads its last record again.
  expect(followers.report("wallet", at(99))).toBe(100);
  expect(followers.laggard(100)).toBeUndefined();
  followers.report("projector", at(10));
  expect(followers.laggard(100)).toBeUndefined();

  expect(followers.report("wallet", at(40))).toBe(100);
  expect(followers.laggard(100)).toBe("wallet");
  expect(followers.report("wallet", at(98))).toBe(100);
  expect(followers.laggard(110)).toBe("wallet");
  followers.report("wallet", at(100));
  expect(followers.laggard(110)).toBeUndefined();
});

test("progress that was overtaken on its way says nothing of what the wallet has lost", () => {
  const followers = followersOf(50);
  // Before a position was read since the start, nothing is known that it could add to.
  expect(followers.report("wallet", at(50), true)).toBe(50);
  expect(followers.missing()).toContain("wallet");

  followers.report("wallet", at(50));
  expect(followers.report("wallet", at(100), true)).toBe(50);
  expect(followers.report("wallet", at(60), true)).toBe(100);
  expect(followers.positions().get("wallet")).toBe(100);
  expect(followers.laggard(100)).toBeUndefined();

  // One that was read lowers it, and progress leads out of there.
  followers.report("wallet", at(40));
  expect(followers.laggard(100)).toBe("wallet");
  followers.report("wallet", at(30), true);
  expect(followers.positions().get("wallet")).toBe(40);
  followers.report("wallet", at(99), true);
  expect(followers.laggard(100)).toBeUndefined();
});

test("a start knows what the journal noted of them", () => {
  const followers = followersOf(50);
  expect(followers.report("wallet", at(20))).toBe(50);
  expect(followers.laggard(60)).toBe("wallet");
});
