// A seeded part of `npm run faults`: what the journal promises under harm, on real files and real processes.
import { expect, test } from "vitest";
import { cutEveryLength, flipEveryByte, loseEveryTail } from "./bytes.js";
import { failDisk } from "./disk-errors.js";
import { fillVolume } from "./full-volume.js";
import { killUnderLoad } from "./kills.js";
import { startAtOnce, stopUnderLoad } from "./pauses.js";
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

test("a write or a flush that fails ends the process; what was acknowledged is there after it", async () => {
  expect(await failDisk(quiet)).toBe(4);
}, 120_000);

test("a full volume: new orders are refused, cancels work, and it recovers when there is room", async () => {
  await fillVolume({ ballastMib: 50 }, quiet);
}, 120_000);

test("a process that is stopped keeps the directory, answers nothing, and goes on", async () => {
  await stopUnderLoad({ stops: 1, stopMs: 500 });
}, 60_000);

test("of several processes on one directory one serves", async () => {
  await startAtOnce(2);
}, 60_000);

test("nothing that was acknowledged is lost by kill -9 under load, twenty times", async () => {
  const { acknowledged, snapshotSeq } = await killUnderLoad({ kills: 20, seed: SEED }, quiet);
  expect(acknowledged).toBeGreaterThan(1_000);
  expect(snapshotSeq).toBeGreaterThan(500);
}, 180_000);
