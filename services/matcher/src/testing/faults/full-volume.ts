// A volume of 64 MiB that fills up: new orders are refused with a reason, cancels go on, and when there is room
// again everything does. Nothing ends, nothing is lost, also not by a kill and a start while it is full.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { cancelCommand, submitCommand } from "../wire-orders.js";
import { type Client, Ledger, sendLoad } from "./load.js";
import { isRunning, kill, until, withMatchers } from "./processes.js";
import { check, type Progress } from "./report.js";

const VOLUME_MIB = 64;
const MIB = 1024 * 1024;
const ENV = { BOURSE__MATCHER__SEGMENT_BYTES: String(4 * MIB) };

/** Fills the volume; `ballastMib` of it are filled at once, and are what comes back. */
export async function fillVolume({ ballastMib }: { ballastMib: number }, progress: Progress): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bourse-volume-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${VOLUME_MIB}m`, "tmpfs", folder]);
  check(
    mounted.status === 0,
    `a volume of ${VOLUME_MIB} MiB cannot be mounted here (it takes root): ${String(mounted.stderr).trim()}`,
  );
  try {
    const ballast = join(folder, "ballast");
    await writeFile(ballast, Buffer.alloc(ballastMib * MIB));
    await withMatchers((matchers) => runFull(matchers, ballast, progress), { folder: join(folder, "data") });
  } finally {
    spawnSync("umount", [folder]);
    await rm(folder, { recursive: true, force: true });
  }
}

async function runFull(
  { start }: Parameters<Parameters<typeof withMatchers>[0]>[0],
  ballast: string,
  progress: Progress,
): Promise<void> {
  const ledger = new Ledger();
  const isRefused = () => ledger.refusals.has("SHARD_READ_ONLY");
  let connected = await start(ENV);
  progress("filling a volume of 64 MiB", 0, 4);
  const load = await sendLoad(connected.client, ledger, {
    ...{ batch: 50, cancels: 0, random: seededRandom(3), inFlightMax: 1_000 },
    isDone: isRefused,
  });
  check(load === undefined && isRefused(), "the volume is full, and no order was refused");
  check([...ledger.refusals.keys()].join() === "SHARD_READ_ONLY", "refused for another reason");
  check(isRunning(connected), "it ended when the volume was full");
  progress("cancelling while it is full", 1, 4);
  await cancelSome(connected.client, ledger, 100);
  progress("kill and start while it is full", 2, 4);
  await kill(connected);
  connected = await start(ENV);
  await ledger.hold(connected.client);
  await cancelSome(connected.client, ledger, 100);
  await until("new orders are refused after the start", async () => {
    const outcome = await offer(connected.client, ledger);
    return outcome === "SHARD_READ_ONLY";
  });
  progress("room again", 3, 4);
  await rm(ballast);
  await until("new orders are taken again", async () => (await offer(connected.client, ledger)) === "order");
  ledger.refusals.clear();
  const before = ledger.acknowledged;
  await sendLoad(connected.client, ledger, {
    ...{ batch: 50, cancels: 0.3, random: seededRandom(4), inFlightMax: 1_000 },
    isDone: () => ledger.acknowledged > before + 5_000,
  });
  check(ledger.refusals.size === 0, `refused though there is room: ${[...ledger.refusals.keys()].join()}`);
  await kill(connected);
  await ledger.hold((await start(ENV)).client);
}

async function cancelSome(client: Client, ledger: Ledger, count: number): Promise<void> {
  const numbers = [...ledger.open].slice(0, count);
  const stream = client.commandStream();
  stream.write({ commands: numbers.map((number) => cancelCommand(number)) });
  for await (const { results } of stream) {
    for (const { outcome } of results) {
      check(outcome.case === "order", "a cancel was refused while the volume was full");
      const number = numbers.shift() ?? 0;
      ledger.open.delete(number);
      ledger.cancelled.add(number);
    }
    if (numbers.length === 0) break;
  }
}

/** Sends one new order; what came of it. */
async function offer(client: Client, ledger: Ledger): Promise<string> {
  const number = ledger.nextNumber();
  const stream = client.commandStream();
  stream.write({ commands: [submitCommand(number)] });
  for await (const { results } of stream) {
    const [{ outcome }] = results;
    const word = outcome.case === "failure" ? outcome.value.reason : (outcome.case ?? "");
    ledger.note({ number, isCancel: false }, word);
    return word;
  }
  return "";
}
