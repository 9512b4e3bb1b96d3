// The journal's tool, for operators and auditors. Reads only, also beside a live matcher.
//
//   verify <dir> [--to-seq N]            proves and replays, compares each snapshot; prints one JSON line
//   dump <dir> [--after N] [--limit N]   prints records as JSON, one a line
//   find <dir> <text>                    prints the records that hold an id: order, trade, user, client id
//
// Of a journal whose first files are gone they read what is still there.
//
// Exit codes: 0, 1 nothing found, 64 wrong use, those of a matcher that refuses the journal (65, 66, 70, 76), 1 otherwise.
import { stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import { RecordSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { fromBinary, toJsonString } from "@bufbuild/protobuf";
import { durableRecords, verifyJournal } from "./flow/read-journal.js";
import { refusalOf } from "./flow/refusal.js";
import { sha256 } from "./io/digest.js";
import { createRecordCodec } from "./record/record-codec.js";

const USAGE = `usage: journal verify <dir> [--to-seq N]
       journal dump <dir> [--after N] [--limit N]
       journal find <dir> <id>
`;

const COMMANDS: ReadonlySet<string> = new Set(["verify", "dump", "find"]);
/** EX_USAGE. */
const EXIT_USAGE = 64;

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(refusalOf(error)?.exitCode ?? 1);
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readArgs(args);
  const [command, directory, text] = positionals;
  if (values.help === true) return print(USAGE.trimEnd());
  if (directory === undefined) return refuseUse();
  if (command === undefined || !COMMANDS.has(command)) return refuseUse();
  if (!(await isFolder(directory))) throw new Error(`there is no folder ${directory}`);
  switch (command) {
    case "verify":
      return verify(directory, values["to-seq"]);
    case "dump":
      return dump(directory, {
        after: wholeOf(values.after, 0),
        limit: wholeOf(values.limit, Number.POSITIVE_INFINITY),
      });
    case "find":
      return text === undefined ? refuseUse() : find(directory, text);
    default:
      return refuseUse();
  }
}

async function verify(directory: string, toSeq: string | undefined): Promise<void> {
  const to = toSeq === undefined ? {} : { toSeq: wholeOf(toSeq, 0) };
  const summary = await verifyJournal(directory, { codecOf: createRecordCodec, hash: sha256, ...to });
  await print(JSON.stringify(summary));
}

async function dump(directory: string, { after, limit }: { after: number; limit: number }): Promise<void> {
  let printed = 0;
  for await (const { payload } of durableRecords(directory, after)) {
    if (printed === limit) return;
    await print(toJsonString(RecordSchema, fromBinary(RecordSchema, payload)));
    printed += 1;
  }
}

async function find(directory: string, text: string): Promise<void> {
  let found = 0;
  for await (const { payload } of durableRecords(directory, 0)) {
    if (Buffer.from(payload).includes(text)) {
      await print(toJsonString(RecordSchema, fromBinary(RecordSchema, payload)));
      found += 1;
    }
  }
  if (found > 0) return;
  process.stderr.write(`no record of ${directory} holds "${text}"\n`);
  process.exitCode = 1;
}

async function isFolder(path: string): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined);
  return entry?.isDirectory() === true;
}

function readArgs(args: readonly string[]) {
  const option = { type: "string" } as const;
  try {
    const help = { type: "boolean", short: "h" } as const;
    const options = { "to-seq": option, after: option, limit: option, help };
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch {
    return refuseUse();
  }
}

function wholeOf(text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : refuseUse();
}

function refuseUse(): never {
  process.stderr.write(USAGE);
  process.exit(EXIT_USAGE);
}

/** Waits for the reader of a pipe, so that a dump of gigabytes needs no memory. */
function print(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}
