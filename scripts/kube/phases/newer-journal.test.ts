import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newerJournalScript } from "./newer-journal.js";

test("the script writes the beginning of a journal of a later format", () => {
  const folder = mkdtempSync(join(tmpdir(), "newer-journal-"));
  try {
    execFileSync(process.execPath, ["-e", newerJournalScript(folder)]);
    expect(readdirSync(folder)).toEqual(["00000000000000000001.log"]);
    const bytes = readFileSync(join(folder, "00000000000000000001.log"));
    expect(bytes.toString("latin1", 0, 8)).toBe("BOURSEJL");
    expect(bytes.readUInt32LE(8)).toBe(1_000);
    expect(bytes).toHaveLength(64);
    // CRC32C of the first 60 bytes, by another implementation.
    expect(bytes.readUInt32LE(60)).toBe(0x24804976);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
