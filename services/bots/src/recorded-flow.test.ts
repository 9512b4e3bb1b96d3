import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { gridOf } from "@bourse/shared/units/market.js";
import { expect, test } from "vitest";
import { RecordedBook } from "./recorded-book.js";
import { readRecording } from "./recording.js";

const grid = gridOf({
  symbol: "BTC/USDT",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tickSize: "0.01",
  lotSize: "0.00001",
});

test("the book of a recording is its snapshot with the differences applied", () => {
  const book = new RecordedBook(grid);
  book.load(
    [
      ["100.00000000", "1.00000000"],
      ["99.50000000", "2.00000000"],
    ],
    [["100.01000000", "0.50000000"]],
  );
  book.apply({
    b: [
      ["100.00000000", "0.00000000"],
      ["99.99000000", "0.00009000"],
    ],
    a: [["100.02", "3"]],
  });
  expect(book.best(20, 10)).toEqual({
    bids: new Map([[9_950, 200_000]]),
    asks: new Map([
      [10_001, 50_000],
      [10_002, 300_000],
    ]),
  });
  expect([...book.best(1, 0).bids]).toEqual([[9_999, 9]]);
});

test("what does not lie on the market's grid is left out", () => {
  const book = new RecordedBook(grid);
  book.load(
    [
      ["100.005", "1"],
      ["100", "0.000001"],
    ],
    [],
  );
  expect(book.best(20, 0)).toEqual({ bids: new Map(), asks: new Map() });
});

test("a recording is read line by line: snapshot, differences, trades by the taker's side", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bourse-recording-"));
  const file = join(folder, "btcusdt.jsonl.gz");
  const lines = [
    `1 {"stream":"s","data":{"e":"depthUpdate","E":10,"u":5,"b":[["1","2"]],"a":[]}}`,
    `2 {"stream":"s","data":{"u":6,"b":"1","B":"2"}}`,
    `3 {"lastUpdateId":4,"bids":[["1","1"]],"asks":[]}`,
    `4 {"stream":"s","data":{"e":"trade","E":12,"T":11,"p":"1.5","q":"2","m":true}}`,
  ];
  await writeFile(file, gzipSync(`${lines.join("\n")}\n`));
  const messages = [];
  for await (const message of readRecording(file)) messages.push(message);
  expect(messages).toMatchObject([
    { type: "diff", atMs: 10, lastUpdateId: 5, levels: { b: [["1", "2"]] } },
    { type: "snapshot", lastUpdateId: 4, bids: [["1", "1"]] },
    { type: "trade", atMs: 11, price: "1.5", quantity: "2", isBuy: false },
  ]);
  await rm(folder, { recursive: true });
});
