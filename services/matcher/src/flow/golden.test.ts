// Journals of every version of format and rules, kept for good: each replays byte for byte to the state that it
// has always led to.
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openCountOf } from "../core/shard.js";
import { stateBytes } from "../core/state-bytes.js";
import { openOrdersAfter } from "../core/view.js";
import { sha256 } from "../io/digest.js";
import { openJournal } from "../io/journal.js";
import { createRecordCodec } from "../record/record-codec.js";
import { optionsOf, withFolder } from "../testing/journal-folder.js";
import { recover } from "./recover.js";

const GOLDEN = fileURLToPath(new URL("../../golden/", import.meta.url));

interface Expected {
  readonly seq: number;
  readonly epoch: number;
  readonly timeMs: number;
  readonly chain: string;
  readonly openOrders: number;
  readonly open: readonly object[];
  /** SHA-256 of the state's bytes; changes only with their form, never with what they say. */
  readonly stateHash: string;
}

for (const format of await readdir(GOLDEN)) {
  for (const rules of await readdir(join(GOLDEN, format))) {
    test(`${format}, ${rules}: replays byte for byte to the state that it always led to`, () =>
      withFolder(async (folder) => {
        await cp(join(GOLDEN, format, rules), folder, { recursive: true });
        const expected = JSON.parse(await readFile(join(folder, "expected.json"), "utf8")) as Expected;
        const journal = await openJournal(optionsOf(folder));
        try {
          const { shard, checksum } = await recover(journal, 0, createRecordCodec(0));
          const { orders } = openOrdersAfter(shard, 0, 10_000);
          const open = orders.map((order) => {
            const { orderId, status, remainingLots, executedLots, executedTickLots, acceptedSeq } = order;
            return { orderId, status, remainingLots, executedLots, executedTickLots, acceptedSeq };
          });
          expect({
            seq: shard.seq,
            epoch: shard.epoch,
            timeMs: shard.timeMs,
            chain: checksum.toString(16).padStart(8, "0"),
            openOrders: openCountOf(shard),
            open,
            stateHash: sha256(stateBytes(shard)),
          }).toEqual(expected);
        } finally {
          await journal.close();
        }
      }));
  }
}
