import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { describe, expect, test } from "vitest";
import { flip } from "../testing/harm.js";
import {
  contentOf,
  copyOf,
  entries,
  framesEnd,
  type Read,
  reopen,
  textOf,
  withFolder,
  withJournal,
} from "../testing/journal-folder.js";
import { crc32c } from "./crc32c.js";
import { DirectoryLocked, lockDirectory } from "./directory-lock.js";
import { scanRecords } from "./journal-scan.js";
import { HEADER_BYTES, JournalRefused, listSegments } from "./segment.js";

const text = (seq: number) => `record ${seq} ${"x".repeat((seq * 37) % 300)}`;
const expected = (count: number): Read[] =>
  Array.from({ length: count }, (_, index) => ({ seq: index + 1, text: text(index + 1) }));

/** Writes records in batches of one to three; returns when the last batch is proven by an empty one. */
async function fill(folder: string, count: number, segmentBytes = 64 * 1024): Promise<Read[]> {
  const { journal } = await reopen(folder, { segmentBytes });
  for (let seq = 1, batch = 1; seq <= count; batch = (batch % 3) + 1) {
    const size = Math.min(batch, count - seq + 1);
    await journal.append(
      entries(
        seq,
        Array.from({ length: size }, (_, index) => text(seq + index)),
      ),
    );
    seq += size;
  }
  await journal.close();
  // A crash would not have said that all was in order.
  await rm(join(folder, "clean-stop"));
  return expected(count);
}

/** What opening a damaged journal gives: its records, or why it is refused. */
async function outcome(folder: string): Promise<Read[] | JournalRefused> {
  try {
    const { journal, records } = await reopen(folder);
    await journal.close();
    return records;
  } catch (error) {
    if (error instanceof JournalRefused) return error;
    throw error;
  }
}

test("the checksum is CRC32C, in one piece or in two", () => {
  const bytes = Buffer.from("123456789");
  expect(crc32c(bytes, 0, 9)).toBe(0xe3069283);
  expect(crc32c(bytes, 4, 9, crc32c(bytes, 0, 4))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32), 0, 32)).toBe(0x8a9136aa);
});

describe("in good order", () => {
  test("what was appended is read back after a clean stop and after a crash, over many files", () =>
    withFolder(async (folder) => {
      const records = await fill(folder, 200, 4_096);
      expect((await listSegments(folder)).length).toBeGreaterThan(5);
      await withJournal(folder, { segmentBytes: 4_096 }, async ({ journal, records: replayed }) => {
        expect(replayed).toEqual(records);
        await journal.append(entries(201, [text(201)]));
      });
      expect(await outcome(folder)).toEqual(expected(201));
    }));

  test("a reader starts anywhere and gets exactly what follows", () =>
    withFolder(async (folder) => {
      await fill(folder, 300, 32_768);
      await withJournal(folder, {}, async ({ journal }) => {
        for (const after of [0, 1, 99, 150, 298, 299, 300]) {
          const read: Read[] = [];
          for await (const { seq, payload } of journal.read(after)) read.push({ seq, text: textOf(payload) });
          expect(read).toEqual(expected(300).slice(after));
        }
      });
    }));

  test("a reader goes on behind the writer and sees nothing before it is durable", () =>
    withFolder(async (folder) => {
      const read: Read[] = [];
      await withJournal(folder, { segmentBytes: 8_192 }, async ({ journal }) => {
        const readOn = async () => {
          for await (const record of journal.read(read.length)) {
            read.push({ seq: record.seq, text: textOf(record.payload) });
          }
        };
        for (let seq = 1; seq <= 100; seq += 1) {
          const appended = journal.append(entries(seq, [text(seq)]));
          await readOn();
          expect(read.length).toBeLessThanOrEqual(seq);
          await appended;
        }
        await readOn();
      });
      expect(read).toEqual(expected(100));
    }));

  test("a record larger than a file gets a larger file", () =>
    withFolder(async (folder) => {
      const large = "y".repeat(100_000);
      const { journal } = await reopen(folder, { segmentBytes: 4_096 });
      await journal.append(entries(1, ["small", large, "after"]));
      await journal.close();
      await withJournal(folder, {}, async ({ records }) => {
        expect(records.map((record) => record.text)).toEqual(["small", large, "after"]);
      });
    }));

  test("checksums of appended records are those of a later scan", () =>
    withFolder(async (folder) => {
      const { journal } = await reopen(folder);
      const checksums = await journal.append(entries(1, ["a", "b", "c"]));
      await journal.close();
      const scanned: number[] = [];
      for await (const { checksum } of scanRecords(folder)) scanned.push(checksum);
      expect([...checksums]).toEqual(scanned);
    }));
});

describe("damage", () => {
  test("a flipped bit anywhere is refused, or is behind everything that was acknowledged", () =>
    withFolder(async (folder) => {
      const records = await fill(folder, 40);
      const [name] = await listSegments(folder);
      const end = await framesEnd(join(folder, name));
      const random = seededRandom(7);
      const copy = await copyOf(folder, "flip");
      let refused = 0;
      const samples = 120;
      for (let sample = 0; sample < samples; sample += 1) {
        const offset = Math.floor(random() * end);
        await writeFile(join(copy, name), await readFile(join(folder, name)));
        await rm(join(copy, "clean-stop"), { force: true });
        await flip(join(copy, name), offset, Math.floor(random() * 8));
        const result = await outcome(copy);
        if (result instanceof JournalRefused) refused += 1;
        else expect(result, `flip at ${offset}`).toEqual(records);
      }
      // Only what proves the very last batch may be cut: two empty batches at the end.
      expect(refused).toBeGreaterThan(samples * 0.9);
      await rm(copy, { recursive: true });
    }));

  test("a tail that was never durable is set aside and cut, wherever the crash came", () =>
    withFolder(async (folder) => {
      const { journal } = await reopen(folder);
      await journal.append(entries(1, [text(1), text(2)]));
      const [name] = await listSegments(folder);
      const durableEnd = await framesEnd(join(folder, name));
      await journal.append(entries(3, [text(3), text(4), text(5)]));
      const whole = await readFile(join(folder, name));
      await journal.close();
      // What of the last batch the disk had taken when the power went, in pieces of eight bytes.
      const random = seededRandom(11);
      for (let sample = 0; sample < 40; sample += 1) {
        const copy = await copyOf(folder, `torn-${sample}`);
        const torn = Buffer.from(whole);
        const end = durableEnd + 3 * 400;
        for (let at = durableEnd; at < end; at += 8) if (random() < 0.5) torn.fill(0, at, at + 8);
        await writeFile(join(copy, name), torn);
        await rm(join(copy, "clean-stop"));
        const result = await outcome(copy);
        if (result instanceof JournalRefused) throw result;
        expect(result.length).toBeGreaterThanOrEqual(2);
        expect(result).toEqual(expected(5).slice(0, result.length));
        await withJournal(copy, {}, async (after) => {
          expect(after.records).toEqual(result);
          await after.journal.append(entries(result.length + 1, ["new"], 2));
        });
        await rm(copy, { recursive: true });
      }
    }));

  test("what was cut is kept beside the journal and told", () =>
    withFolder(async (folder) => {
      await fill(folder, 3);
      const [name] = await listSegments(folder);
      const end = await framesEnd(join(folder, name));
      await writeFile(join(folder, "note"), "");
      const file = await open(join(folder, name), "r+");
      await file.write(Buffer.from("garbage!"), 0, 8, end);
      await file.close();
      await withJournal(folder, {}, async ({ journal, records }) => {
        expect(records).toEqual(expected(3));
        expect(journal.tornTail).toMatchObject({ file: name, seq: 4, bytes: 8 });
        const saved = journal.tornTail?.savedAs ?? "";
        expect(textOf(await readFile(join(folder, saved)))).toBe("garbage!");
      });
      await withJournal(folder, {}, async ({ journal }) => expect(journal.tornTail).toBeUndefined());
    }));

  test("damage in an earlier file is refused with file, offset and seq", () =>
    withFolder(async (folder) => {
      await fill(folder, 200, 4_096);
      const [first, second] = await listSegments(folder);
      const firstSeq = Number.parseInt(second, 10);
      await flip(join(folder, second), HEADER_BYTES + 30);
      const refused = await outcome(folder);
      expect(refused).toBeInstanceOf(JournalRefused);
      expect(refused).toMatchObject({ file: second, offset: HEADER_BYTES, seq: firstSeq });
      expect(String(refused)).toContain("what was durable is damaged");
      expect(first < second).toBe(true);
    }));

  test("a header that is damaged, cut, foreign or missing is refused", () =>
    withFolder(async (folder) => {
      await fill(folder, 200, 4_096);
      const names = await listSegments(folder);
      const refusedAfter = async (harm: (copy: string) => Promise<void>) => {
        const copy = await copyOf(folder, "header");
        await harm(copy);
        const result = await outcome(copy);
        await rm(copy, { recursive: true });
        return String(result);
      };
      expect(await refusedAfter((copy) => flip(join(copy, names[1]), 20))).toContain("the header is damaged");
      expect(await refusedAfter((copy) => flip(join(copy, names[0]), 0))).toContain("not one of a journal");
      expect(await refusedAfter((copy) => truncate(join(copy, names[2]), 2_000))).toContain(
        "its header says 4096",
      );
      expect(await refusedAfter((copy) => rm(join(copy, names[1])))).toContain("begins with seq");
      const last = names[names.length - 1];
      const foreign = async (copy: string) => {
        const other = `${copy}-other`;
        await mkdir(other);
        await fill(other, 200, 4_096);
        await writeFile(join(copy, last), await readFile(join(other, last)));
        await rm(other, { recursive: true });
      };
      expect(await refusedAfter(foreign)).toContain("belongs to another journal");
    }));

  test("the journal of another shard is refused", () =>
    withFolder(async (folder) => {
      await fill(folder, 3);
      await expect(reopen(folder, { shard: 1 })).rejects.toThrow("it belongs to shard 0, this is shard 1");
    }));

  test("a record of a type that is not known is refused, never skipped", () =>
    withFolder(async (folder) => {
      await fill(folder, 3);
      const [name] = await listSegments(folder);
      const bytes = await readFile(join(folder, name));
      // The first frame again as type 9, with a checksum that holds.
      bytes.writeUInt8(9, HEADER_BYTES + 20);
      const size = (bytes.readUInt32LE(HEADER_BYTES) + 7) & ~7;
      const chain = bytes.readUInt32LE(60);
      const checksum = crc32c(
        bytes,
        HEADER_BYTES + 8,
        HEADER_BYTES + size,
        crc32c(bytes, HEADER_BYTES, HEADER_BYTES + 4, chain),
      );
      bytes.writeUInt32LE(checksum, HEADER_BYTES + 4);
      await writeFile(join(folder, name), bytes);
      const before = await contentOf(folder);
      expect(String(await outcome(folder))).toMatch(
        /a frame is of type 9, which this version does not know .* Start the newer version again/,
      );
      expect(await contentOf(folder)).toEqual(before);
    }));
});

describe("failures", () => {
  test("a write that fails is told once, and neither it nor anything later is ever answered", () =>
    withFolder(async (folder) => {
      const failures: unknown[] = [];
      const { journal } = await reopen(folder, {
        segmentBytes: 4_096,
        onFailure: (error) => failures.push(error),
      });
      await journal.append(entries(1, ["one"]));
      // The next file cannot be made any more.
      await rm(folder, { recursive: true });
      const answered: string[] = [];
      void journal.append(entries(2, ["z".repeat(5_000)])).then(() => answered.push("second"));
      void journal.append(entries(3, ["three"])).then(() => answered.push("third"));
      await journal.close();
      expect(failures).toHaveLength(1);
      expect(answered).toEqual([]);
    }));

  test("a crash between making a file and naming it leaves nothing in the way", () =>
    withFolder(async (folder) => {
      const records = await fill(folder, 10, 4_096);
      await writeFile(join(folder, "spare.tmp"), Buffer.alloc(100, 1));
      await writeFile(join(folder, "fresh.tmp"), Buffer.alloc(100, 1));
      await withJournal(folder, { segmentBytes: 4_096 }, async ({ journal, records: replayed }) => {
        expect(replayed).toEqual(records);
        for (let seq = 11; seq < 60; seq += 1) await journal.append(entries(seq, [text(seq)]));
      });
      expect(await outcome(folder)).toEqual(expected(59));
    }));

  test("files are whole from the first byte on: zeros behind what is written", () =>
    withFolder(async (folder) => {
      await fill(folder, 3);
      const [name] = (await readdir(folder)).filter((each) => each.endsWith(".log"));
      expect((await stat(join(folder, name))).size).toBe(64 * 1024);
    }));
});

describe("the lock", () => {
  test("keeps a second process out until the first one closes", () =>
    withFolder(async (folder) => {
      const unlock = await lockDirectory(folder);
      await expect(lockDirectory(folder)).rejects.toThrow(DirectoryLocked);
      await expect(lockDirectory(folder)).rejects.toThrow(`in use by process ${process.pid}`);
      await unlock();
      await (await lockDirectory(folder))();
    }));

  test("dies with its process, also when that is killed without a word", () =>
    withFolder(async (folder) => {
      const module = new URL("./directory-lock.ts", import.meta.url).href;
      const script = `import(${JSON.stringify(module)}).then(async ({ lockDirectory }) => {
        await lockDirectory(${JSON.stringify(folder)});
        process.stdout.write("locked");
        setInterval(() => {}, 1000);
      });`;
      const child = spawn(process.execPath, ["--import", "tsx", "--conditions=source", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      await expect(lockDirectory(folder)).rejects.toThrow(`in use by process ${child.pid}`);
      child.kill("SIGKILL");
      await once(child, "exit");
      await (await lockDirectory(folder))();
    }));
});
