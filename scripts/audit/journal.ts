// What the journal's tool says, as values.
import {
  type Record as JournalRecord,
  RecordSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { fromJsonString } from "@bufbuild/protobuf";
import type { JournalTool } from "./exchange.js";

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
export async function verifyJournal(journal: JournalTool, toSeq: bigint): Promise<Verified> {
  let text = "";
  await journal("verify", ["--to-seq", String(toSeq)], (line) => {
    text = line;
  });
  return JSON.parse(text) as Verified;
}

/** Hands over every durable record in order; throws with the tool's message when the journal is damaged. */
export function readJournal(journal: JournalTool, onRecord: (record: JournalRecord) => void): Promise<void> {
  return journal("dump", [], (line) => onRecord(fromJsonString(RecordSchema, line)));
}
