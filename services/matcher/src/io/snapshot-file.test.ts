import { appendFile, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { expect, test } from "vitest";
import { withFolder } from "../testing/journal-folder.js";
import { sha256 } from "./digest.js";
import {
  listSnapshots,
  readSnapshot,
  readSnapshots,
  type SnapshotFacts,
  snapshotName,
  writeSnapshot,
} from "./snapshot-file.js";

const NONCE = "00112233445566778899aabbccddeeff";

function factsOf(seq: number): SnapshotFacts {
  const epochs = [
    { epoch: 0, seq: 0 },
    { epoch: 3, seq: 1 },
  ];
  return { shard: 0, seq, epoch: 3, checksum: 0xdeadbeef, nonce: NONCE, epochs };
}

/** Pieces of many sizes, more than a block in all. */
function pieces(): Uint8Array[] {
  const random = seededRandom(3);
  return Array.from({ length: 300 }, (_, index) => Buffer.alloc(Math.floor(random() * 9_000), index));
}

test("a snapshot is read back as it was written, whatever the pieces", () =>
  withFolder(async (folder) => {
    const { stateHash, bytes } = await writeSnapshot(folder, factsOf(42), pieces());
    expect(await readdir(folder)).toEqual([snapshotName(42)]);
    const read = await readSnapshot(join(folder, snapshotName(42)));
    if (typeof read === "string") throw new Error(read);
    expect(read).toMatchObject(factsOf(42));
    expect(stateHash).toBe(sha256(pieces()));
    expect(read.stateHash).toBe(stateHash);
    expect(sha256([read.state])).toBe(stateHash);
    expect((await readFile(join(folder, snapshotName(42)))).length).toBe(bytes);
  }));

test("an empty state is a state", () =>
  withFolder(async (folder) => {
    await writeSnapshot(folder, factsOf(1), []);
    expect(await readSnapshot(join(folder, snapshotName(1)))).toMatchObject({ stateHash: sha256([]) });
  }));

test("a flip, a cut or more bytes anywhere: no snapshot, and why", () =>
  withFolder(async (folder) => {
    await writeSnapshot(folder, factsOf(7), [Buffer.alloc(600, 7)]);
    const path = join(folder, snapshotName(7));
    const whole = await readFile(path);
    for (let offset = 0; offset < whole.length; offset += 1) {
      const harmed = Buffer.from(whole);
      harmed[offset] ^= 1 << (offset & 7);
      await writeFile(path, harmed);
      expect(typeof (await readSnapshot(path)), `flip at ${offset}`).toBe("string");
    }
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(path, whole);
      await truncate(path, length);
      expect(typeof (await readSnapshot(path)), `cut at ${length}`).toBe("string");
    }
    await writeFile(path, whole);
    await appendFile(path, "x");
    expect(await readSnapshot(path)).toBe("it does not end where it should");
  }));

test("the newest comes first; one of another shard or under another name says so", () =>
  withFolder(async (folder) => {
    await writeSnapshot(folder, factsOf(10), []);
    await writeSnapshot(folder, { ...factsOf(20), shard: 1 }, []);
    await writeFile(join(folder, snapshotName(30)), await readFile(join(folder, snapshotName(10))));
    await writeFile(join(folder, "snap.tmp"), "half");
    expect(await listSnapshots(folder)).toEqual([30, 20, 10]);
    const read: string[] = [];
    for await (const { seq, problem } of readSnapshots(folder, { shard: 0 })) read.push(`${seq} ${problem}`);
    expect(read).toEqual(["30 it is of seq 10, its name says otherwise", "20 it belongs to shard 1", "10 "]);
  }));
