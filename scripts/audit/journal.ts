// A shard's journal through the matcher's own tool, in a process of its own: read-only, also while the
// shard runs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  type Record as JournalRecord,
  RecordSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { fromJsonString } from "@bufbuild/protobuf";
import { repoRoot } from "./repo-root.js";

/** What `journal verify` says about a journal, or the part of it up to a seq. */
export interface Verified {
  readonly records: number;
  readonly seq: number;
  readonly epoch: number;
  readonly stateHash: string;
  readonly chain: string;
  readonly openOrders: number;
}

/** Replays a journal up to a seq; throws with the tool's message when it does not verify. */
export async function verifyJournal(folder: string, toSeq: bigint): Promise<Verified> {
  let text = "";
  await runTool(["verify", folder, "--to-seq", String(toSeq)], (line) => {
    text = line;
  });
  return JSON.parse(text) as Verified;
}

/** Hands over every durable record in order; throws with the tool's message when the journal is damaged. */
export function readJournal(folder: string, onRecord: (record: JournalRecord) => void): Promise<void> {
  return runTool(["dump", folder], (line) => onRecord(fromJsonString(RecordSchema, line)));
}

async function runTool(args: readonly string[], onLine: (line: string) => void): Promise<void> {
  const child = spawn(process.execPath, [...toolArgs(), ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  try {
    for await (const line of createInterface({ input: child.stdout })) if (line !== "") onLine(line);
  } finally {
    child.kill();
  }
  const [code] = await closed;
  if (code !== 0) throw new Error(`journal ${args[0]}: ${complaint.trim() || `exit ${code}`}`);
}

/** The compiled tool, or its source where nothing was compiled. */
function toolArgs(): string[] {
  const matcher = join(repoRoot(), "services", "matcher");
  const compiled = join(matcher, "dist", "journal-main.js");
  if (existsSync(compiled)) return [compiled];
  return ["--conditions=source", "--import", "tsx", join(matcher, "src", "journal-main.ts")];
}
