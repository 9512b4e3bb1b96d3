// Two projectors at once, as a rollout has them: they race for every batch of a shard, one ends on the way.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { implement } from "@bourse/shared/rpc/call.js";
import { freshDatabase } from "@bourse/shared/testing/postgres.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterEach, expect, test, vi } from "vitest";
import { projectedSeq } from "./io/history-cursor.js";
import { expectHistoryOf } from "./testing/expect-history.js";
import { fakeMatcher } from "./testing/fake-matcher.js";
import { serve } from "./testing/memory-wallet.js";
import { playSession } from "./testing/shard-session.js";
import { tinyShard } from "./testing/tiny-shard.js";

const migrations = new URL("../migrations/", import.meta.url);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A projector as it runs; `log` gathers what it says. */
function startProjector(env: Readonly<Record<string, string>>) {
  const main = fileURLToPath(new URL("projector-main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=source", "--import=tsx", main], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH ?? "", BOURSE__PROJECTOR__ADMIN_PORT: "0", ...env },
  });
  const log: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => log.push(JSON.parse(line)));
  const exited = once(child, "exit").then(([code]) => code as number | null);
  closers.push(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  return { child, log, exited };
}

test("projectors that race for one shard write its history once, and losing a race is no alarm", async () => {
  const database = await freshDatabase({ directory: migrations, schema: "orders" });
  closers.push(() => database.drop());
  const shard = tinyShard();
  playSession(shard, { seed: 31, length: 3_000 });
  // Small batches and cut streams, so that both are at work all the time.
  const matcher = fakeMatcher(shard, { epoch: 9, random: seededRandom(32), cutShare: 0.02, batchMax: 5 });
  const server = await serve(
    [
      implement(MatcherService, {
        streamEvents: (request, { signal }) => matcher.streamEvents(request, { signal }),
        reportCursor: async () => ({ isOpen: true }),
      }),
    ],
    0,
  );
  closers.push(() => server.close(200));
  const env = {
    BOURSE__PROJECTOR__POSTGRES_URL: database.url,
    BOURSE__PROJECTOR__BATCH_RECORDS_MAX: "5",
    BOURSE__SHARDS: JSON.stringify([{ shard: 0, address: `127.0.0.1:${server.port}` }]),
  };
  const projectors = [startProjector(env), startProjector(env)];
  const projectedAtLeast = (seq: number) =>
    vi.waitFor(async () => expect(await projectedSeq(database.pool, 0)).toBeGreaterThanOrEqual(seq), {
      timeout: 30_000,
      interval: 10,
    });
  await projectedAtLeast(shard.records.length / 2);
  projectors[0]?.child.kill("SIGTERM");
  expect(await projectors[0]?.exited).toBe(0);
  projectors.push(startProjector(env));
  await projectedAtLeast(shard.records.length);

  await expectHistoryOf(database.pool, shard);
  const said = projectors.flatMap(({ log }) => log);
  expect(said.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
}, 120_000);
