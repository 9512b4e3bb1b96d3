// Files of a journal that are missing, there twice, swapped, or of another journal: refused, nothing changed.
import { cp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { JournalRefused, listSegments, segmentName } from "../../io/segment.js";
import { contentOf, entries, type Read, reopen, textOf } from "../journal-folder.js";
import { check, type Progress } from "./report.js";
import { fastFolder, sampleText } from "./sample-journal.js";

const SEGMENT_BYTES = 4_096;
const RECORDS = 120;

type Harm = (folder: string, names: readonly string[]) => Promise<void>;

/** Each harm with the words that its refusal must have. */
const HARMS: Readonly<Record<string, { harm: Harm; refusal: RegExp }>> = {
  "the first file is missing": {
    harm: (folder, names) => rm(join(folder, names[0])),
    refusal: /begins with seq [0-9]+, expected was 1/,
  },
  "a file in the middle is missing": {
    harm: (folder, names) => rm(join(folder, names[2])),
    refusal: /begins with seq [0-9]+, expected was [0-9]+/,
  },
  "a file is there twice": {
    harm: async (folder, names) => {
      const free = segmentName(Number.parseInt(names[2], 10) - 1);
      await cp(join(folder, names[1]), join(folder, free));
    },
    refusal: /its name says otherwise|does not follow|what was durable is damaged/,
  },
  "a file stands in the place of another": {
    harm: (folder, names) => cp(join(folder, names[1]), join(folder, names[2])),
    refusal: /its name says otherwise/,
  },
  "two files are swapped": {
    harm: async (folder, names) => {
      await rename(join(folder, names[1]), join(folder, "aside"));
      await rename(join(folder, names[2]), join(folder, names[1]));
      await rename(join(folder, "aside"), join(folder, names[2]));
    },
    refusal: /its name says otherwise/,
  },
  "a file is of another journal": {
    harm: async (folder, names) => {
      const other = await fastFolder();
      await fill(other, 0);
      await cp(join(other, names[2]), join(folder, names[2]));
      await rm(other, { recursive: true });
    },
    refusal: /belongs to another journal/,
  },
  "the journal is of another shard": {
    harm: async (folder) => {
      await rm(folder, { recursive: true });
      await fill(folder, 1);
    },
    refusal: /belongs to shard 1, this is shard 0/,
  },
  "a file is longer than it says": {
    harm: async (folder, names) => {
      const bytes = await readFile(join(folder, names[2]));
      await writeFile(join(folder, names[2]), Buffer.concat([bytes, Buffer.alloc(8)]));
    },
    refusal: /the file has [0-9]+ bytes, its header says/,
  },
};

/** Runs every harm. Returns how many. */
export async function harmSegments(progress: Progress): Promise<number> {
  const names = Object.keys(HARMS);
  for (const [index, name] of names.entries()) {
    progress(name, index, names.length);
    const folder = await fastFolder();
    try {
      await fill(folder, 0);
      await HARMS[name].harm(folder, await listSegments(folder));
      const before = await contentOf(folder);
      const outcome = await open(folder);
      check(outcome instanceof JournalRefused, `${name}: not refused`);
      check(HARMS[name].refusal.test(outcome.message), `${name}: refused in other words: ${outcome.message}`);
      check(outcome.file !== "", `${name}: the refusal names no file`);
      const after = await contentOf(folder);
      check(JSON.stringify(after) === JSON.stringify(before), `${name}: a refusal changed the directory`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return names.length;
}

/** The last file missing looks like an end: nothing on one disk says otherwise, followers do. */
export async function loseLastSegment(): Promise<void> {
  const folder = await fastFolder();
  try {
    await fill(folder, 0);
    const names = await listSegments(folder);
    await rm(join(folder, names[names.length - 1]));
    const outcome = await open(folder);
    check(!(outcome instanceof JournalRefused), "the last file missing: refused");
    check(
      outcome.length === Number.parseInt(names[names.length - 1], 10) - 1,
      "the last file missing: not the prefix",
    );
    check(
      outcome.every(({ seq, text }, index) => seq === index + 1 && text === sampleText(seq)),
      "the last file missing: other records",
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(folder: string, shard: number): Promise<void> {
  const { journal } = await reopen(folder, { segmentBytes: SEGMENT_BYTES, shard });
  for (let seq = 1; seq <= RECORDS; seq += 3) {
    await journal.append(entries(seq, [sampleText(seq), sampleText(seq + 1), sampleText(seq + 2)]));
  }
  await journal.close();
  for (const name of await readdir(folder)) if (name === "clean-stop") await rm(join(folder, name));
}

async function open(folder: string): Promise<Read[] | JournalRefused> {
  try {
    const { journal, records } = await reopen(folder, { segmentBytes: SEGMENT_BYTES });
    await journal.close();
    return records.map(({ seq, text }) => ({ seq, text: textOf(Buffer.from(text)) }));
  } catch (error) {
    if (error instanceof JournalRefused) return error;
    throw error;
  }
}
