// Writes and flushes that fail: strace is attached to a running matcher and lets one system call fail. The process
// ends at once, nothing more is answered, and the next start has everything that was acknowledged.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { Ledger, sendLoad } from "./load.js";
import { acknowledged, isRunning, sleep, withMatchers } from "./processes.js";
import { check, type Progress } from "./report.js";

const FAULTS = ["write EIO", "write ENOSPC", "flush EIO", "flush ENOSPC"] as const;
const CALLS = { write: "pwrite64", flush: "fdatasync" } as const;

/** Lets each call fail with each error. */
export async function failDisk(progress: Progress): Promise<number> {
  requireStrace();
  for (const [index, fault] of FAULTS.entries()) {
    progress(`${fault} by strace`, index, FAULTS.length);
    const [call, error] = fault.split(" ") as [keyof typeof CALLS, string];
    await failOnce(CALLS[call], error);
  }
  return FAULTS.length;
}

function requireStrace(): void {
  const { status } = spawnSync("strace", ["-V"], { stdio: "ignore" });
  check(
    status === 0,
    "strace is not there: these faults are injected by attaching it (Debian, Ubuntu: apt-get install strace)",
  );
}

async function failOnce(call: string, error: string): Promise<void> {
  const ledger = new Ledger();
  await withMatchers(async ({ folder, start }) => {
    const connected = await start();
    const { pid } = connected.matcher.child;
    let isDone = false;
    const load = sendLoad(connected.client, ledger, {
      ...{ batch: 5, cancels: 0.3, random: seededRandom(9), inFlightMax: 100 },
      isDone: () => isDone,
    });
    await acknowledged(connected, ledger, 100);
    const files = (await readdir(folder)).filter((name) => name.endsWith(".log"));
    const path = join(folder, files[files.length - 1] ?? "");
    // The fifth call on the file of the journal, of whichever thread.
    const strace = spawn(
      "strace",
      [
        "-f",
        "-p",
        String(pid),
        "-P",
        path,
        "-e",
        `trace=${call}`,
        "-e",
        `inject=${call}:error=${error}:when=5`,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    strace.stderr.on("data", (bytes) => {
      said += String(bytes);
    });
    const straceEnd = once(strace, "exit");
    const code = await Promise.race([connected.matcher.exit, sleep(20_000).then(() => "still running")]);
    isDone = true;
    strace.kill("SIGKILL");
    await straceEnd;
    check(said.includes("INJECTED"), `strace could not let ${call} fail: ${said.slice(0, 300)}`);
    check(!isRunning(connected), `${call} failed with ${error}, and it is still running`);
    check(typeof code === "number" && code !== 0, `${call} failed with ${error}, and it ended with ${code}`);
    check((await load) instanceof Error, "the stream ended in good order");
    await ledger.hold((await start()).client);
  });
}
