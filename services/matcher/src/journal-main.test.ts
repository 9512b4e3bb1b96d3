import { execFile } from "node:child_process";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { makeSnapshot } from "./flow/make-snapshot.js";
import { sha256 } from "./io/digest.js";
import { openJournal } from "./io/journal.js";
import { createRecordCodec } from "./record/record-codec.js";
import { contentOf, optionsOf, upgradeLastFile, withFolder } from "./testing/journal-folder.js";
import { startMatcher } from "./testing/matcher.js";
import { orderId } from "./testing/orders.js";
import { writeShardJournal } from "./testing/shard-journal.js";
import { submitted } from "./testing/wire-orders.js";

const MAIN = fileURLToPath(new URL("./journal-main.ts", import.meta.url));

interface Ran {
  readonly code: number;
  readonly lines: readonly unknown[];
  readonly errors: string;
}

async function journal(...args: string[]): Promise<Ran> {
  const command = ["--import", "tsx", "--conditions=source", MAIN, ...args];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, command);
    const lines = stdout.split("\n").filter(Boolean);
    return { code: 0, lines: lines.map((line) => JSON.parse(line) as unknown), errors: "" };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, lines: [], errors: stderr };
  }
}

test("a journal is verified, dumped and searched beside its live matcher", () =>
  withFolder(async (folder) => {
    const matcher = await startMatcher(folder);
    try {
      await submitted(matcher.client, 1, { side: "sell" });
      await submitted(matcher.client, 2);
      const live = await matcher.client.getShardState({});
      const [verified, dumped, found] = await Promise.all([
        journal("verify", folder),
        journal("dump", folder, "--after", "2", "--limit", "1"),
        journal("find", folder, orderId(2)),
      ]);
      expect(verified.lines).toMatchObject([
        {
          shard: 0,
          records: 4,
          seq: 4,
          epoch: 1,
          stateHash: live.stateHash,
          chain: live.chain,
          openOrders: 0,
        },
      ]);
      expect(dumped.lines).toMatchObject([
        { seq: "3", command: { submit: { terms: { orderId: orderId(1) } } } },
      ]);
      expect(found.lines).toMatchObject([{ seq: "4" }]);
      const half = await journal("verify", folder, "--to-seq", "3");
      expect(half.lines).toMatchObject([{ seq: 3, openOrders: 1 }]);
      const [late, nobody] = await Promise.all([
        journal("verify", folder, "--to-seq", "5"),
        journal("find", folder, "nobody"),
      ]);
      expect(late).toMatchObject({ code: 1, errors: expect.stringContaining("proven up to seq 4") });
      expect(nobody).toEqual({ code: 1, lines: [], errors: `no record of ${folder} holds "nobody"\n` });
    } finally {
      await matcher.close();
    }
  }));

test("damage ends it with 65, wrong use with 64, no journal with 1", () =>
  withFolder(async (folder) => {
    const matcher = await startMatcher(folder);
    await submitted(matcher.client, 1);
    await matcher.close();
    const [name] = (await readdir(folder)).filter((each) => each.endsWith(".log"));
    const file = await open(join(folder, name), "r+");
    await file.write(Buffer.from([0xff]), 0, 1, 100);
    await file.close();
    const [damaged, wrong, none] = await Promise.all([
      journal("verify", folder),
      journal("verify"),
      journal("dump", join(folder, "nothing")),
    ]);
    expect(damaged).toMatchObject({
      code: 65,
      errors: expect.stringContaining("what was durable is damaged"),
    });
    expect(wrong).toMatchObject({ code: 64, errors: expect.stringContaining("usage: journal verify") });
    expect(none).toEqual({ code: 1, lines: [], errors: `there is no folder ${join(folder, "nothing")}\n` });
  }));

test("a journal of a newer format ends it with 76 and says which version is needed", () =>
  withFolder(async (folder) => {
    const matcher = await startMatcher(folder);
    await submitted(matcher.client, 1);
    await matcher.close();
    const name = await upgradeLastFile(folder, 3);
    const before = await contentOf(folder);
    const verified = await journal("verify", folder);
    expect(verified).toEqual({
      code: 76,
      lines: [],
      errors:
        "the journal is refused: it is of format 3, this version reads up to 1 " +
        `(file ${name}, offset 0, seq 1). Nothing was changed. ` +
        "Start the newer version again, or restore a backup from before the upgrade.\n",
    });
    expect(await contentOf(folder)).toEqual(before);
  }));

test("a journal whose first files are gone is verified from its oldest snapshot, and each later one is compared", () =>
  withFolder(async (folder) => {
    const segmentBytes = 32 * 1024;
    await writeShardJournal(folder, { commands: 600, segmentBytes });
    const all = await journal("verify", folder);
    const options = { directory: folder, shard: 0, codec: createRecordCodec(0), hash: sha256 };
    const first = await makeSnapshot({ ...options, durableSeq: 400 });
    const second = await makeSnapshot({ ...options, durableSeq: 600 });
    const live = await openJournal(optionsOf(folder, { segmentBytes }));
    for await (const _ of live.replay());
    await live.deleteBelow(first.seq, Date.now() + 60_000);
    const oldestSeq = live.oldestSeq();
    await live.close();
    expect(oldestSeq).toBeGreaterThan(1);
    const [whole] = all.lines as { seq: number; stateHash: string }[];
    const [verified, dumped, found] = await Promise.all([
      journal("verify", folder),
      journal("dump", folder, "--limit", "1"),
      journal("find", folder, orderId(590)),
    ]);
    expect(verified.lines).toEqual([
      { ...whole, records: whole.seq - first.seq, oldestSeq, snapshots: [first.seq, second.seq] },
    ]);
    expect(dumped.lines).toMatchObject([{ seq: String(oldestSeq) }]);
    expect(found.lines.length).toBeGreaterThan(0);
  }));
