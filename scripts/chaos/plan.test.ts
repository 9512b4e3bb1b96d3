import { expect, test } from "vitest";
import { type Fault, HOPS, planRound, TARGETS } from "./plan.js";

const rounds = Array.from({ length: 400 }, (_unused, round) => planRound(42, round));
const all: Fault[] = rounds.flat();

test("the same seed and round draw the same faults, others do not", () => {
  expect(planRound(42, 7)).toEqual(planRound(42, 7));
  expect(planRound(42, 7)).not.toEqual(planRound(42, 8));
  expect(planRound(42, 7)).not.toEqual(planRound(43, 7));
});

test("every process is killed and paused, and every way is broken", () => {
  const struck = (kind: string) =>
    new Set(all.flatMap((fault) => (fault.kind === kind && "target" in fault ? [fault.target] : [])));
  expect(struck("kill")).toEqual(new Set(TARGETS));
  expect(struck("pause")).toEqual(new Set(TARGETS));
  expect(struck("restart")).toEqual(new Set(["postgres"]));
  expect(new Set(all.flatMap((fault) => ("hop" in fault ? [fault.hop] : [])))).toEqual(new Set(HOPS));
});

test("thirty minutes of rounds of twenty seconds kill two hundred times and pause a hundred times", () => {
  const some = rounds.slice(0, 90).flat();
  expect(some.filter(({ kind }) => kind === "kill").length).toBeGreaterThan(200);
  expect(some.filter(({ kind }) => kind === "pause").length).toBeGreaterThan(100);
});

test("in a round a process suffers one fault and a way has one state", () => {
  for (const faults of rounds) {
    const targets = faults.flatMap((fault) => ("target" in fault ? [fault.target] : []));
    expect(new Set(targets).size).toBe(targets.length);
    const ways = faults.flatMap((fault) =>
      "hop" in fault && !["repeat", "hold", "past"].includes(fault.kind) ? [fault.hop] : [],
    );
    expect(new Set(ways).size).toBe(ways.length);
  }
});
