// A seeded part of `npm run faults`: what the journal promises under harm, on real files and real processes.
import { expect, test } from "vitest";
import { cutEveryLength, flipEveryByte, loseEveryTail } from "./bytes.js";
import { harmSegments, loseLastSegment } from "./segments.js";

const quiet = () => {};
const SEED = 20_261_121;

test("a byte flipped anywhere: an exact prefix, or a refusal that changes nothing", async () => {
  expect(await flipEveryByte({ oneIn: 10, seed: SEED }, quiet)).toBeGreaterThan(6_000);
}, 60_000);

test("zeros from any length on: an exact prefix, and what was cut is told", async () => {
  expect(await loseEveryTail({ oneIn: 50, seed: SEED }, quiet)).toBeGreaterThan(1_000);
}, 60_000);

test("a file cut at any length is refused and left as it is", async () => {
  expect(await cutEveryLength({ oneIn: 50, seed: SEED }, quiet)).toBeGreaterThan(1_000);
}, 60_000);

test("files that are missing, there twice, swapped or foreign are refused", async () => {
  expect(await harmSegments(quiet)).toBe(8);
  await loseLastSegment();
});
