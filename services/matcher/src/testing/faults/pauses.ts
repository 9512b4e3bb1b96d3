// A matcher that is stopped and goes on, and two that want one directory.
import { rm, symlink } from "node:fs/promises";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { refusedMatcher } from "../matcher-process.js";
import { Ledger, sendLoad } from "./load.js";
import { acknowledged, isRunning, kill, sleep, until, withMatchers } from "./processes.js";
import { check } from "./report.js";

/** SIGSTOP under load: nothing is answered meanwhile, another one is kept out, and it goes on as if nothing were. */
export async function stopUnderLoad({ stops, stopMs }: { stops: number; stopMs: number }): Promise<void> {
  const ledger = new Ledger();
  await withMatchers(async ({ folder, start }) => {
    const connected = await start();
    let isDone = false;
    const load = sendLoad(connected.client, ledger, {
      ...{ batch: 10, cancels: 0.3, random: seededRandom(5), inFlightMax: 300 },
      isDone: () => isDone,
    });
    for (let stop = 0; stop < stops; stop += 1) {
      await acknowledged(connected, ledger, ledger.acknowledged + 100);
      connected.matcher.child.kill("SIGSTOP");
      await sleep(200);
      const during = ledger.acknowledged;
      const second = await refusedMatcher(folder);
      check(
        second.code === 1 && (second.lines.at(-1) ?? "").includes("is in use by process"),
        "not kept out",
      );
      await sleep(stopMs);
      check(ledger.acknowledged === during, "a stopped process answered");
      connected.matcher.child.kill("SIGCONT");
    }
    await acknowledged(connected, ledger, ledger.acknowledged + 100);
    isDone = true;
    check((await load) === undefined, "the stream broke");
    check(isRunning(connected), "it ended");
    await kill(connected);
    await ledger.hold((await start()).client);
  });
}

/** Several started at once on one directory, also by another name: exactly one serves. */
export async function startAtOnce(count: number): Promise<void> {
  await withMatchers(async ({ folder, spawn, start }) => {
    const alias = `${folder}-alias`;
    await symlink(folder, alias);
    try {
      const first = await start();
      const codes = await Promise.all(
        Array.from({ length: count }, (_, index) => refusedMatcher(index % 2 === 0 ? folder : alias)),
      );
      for (const { code, lines } of codes) {
        check(code === 1, `a second one ended with ${code}`);
        check(
          (lines.at(-1) ?? "").includes(`in use by process ${first.matcher.child.pid}`),
          "it does not say by whom",
        );
      }
      await kill(first);
      const racing = Array.from({ length: count }, () => spawn());
      const alive = () => racing.filter(({ child }) => child.exitCode === null).length;
      await until("all but one end", async () => alive() <= 1, 60_000);
      await sleep(500);
      check(alive() === 1, `${alive()} of ${count} serve one directory`);
    } finally {
      await rm(alias);
    }
  });
}
