import { mkdir, open, readdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { expect, test } from "vitest";
import { flip } from "./testing/harm.js";
import { contentOf, upgradeLastFile, withFolder } from "./testing/journal-folder.js";
import {
  connect,
  type MatcherEnv,
  type MatcherProcess,
  refusedMatcher,
  spawnMatcher,
} from "./testing/matcher-process.js";
import { numberOf } from "./testing/orders.js";
import { submitCommand, submitted } from "./testing/wire-orders.js";

type Start = (env?: MatcherEnv, args?: readonly string[]) => MatcherProcess;

/** Runs a test with a folder and what starts matchers on it; none of them outlives the test. */
function withMatchers(run: (start: Start, folder: string) => Promise<void>) {
  return () =>
    withFolder(async (folder) => {
      const started: MatcherProcess[] = [];
      try {
        await run((env, args) => {
          const matcher = spawnMatcher(folder, env, args);
          started.push(matcher);
          return matcher;
        }, folder);
      } finally {
        for (const { child } of started) child.kill("SIGKILL");
        await Promise.all(started.map(({ exit }) => exit));
      }
    });
}

test(
  "every order that was acknowledged is there after kill -9 under load, three times over",
  withMatchers(async (start) => {
    const acknowledged = new Set<number>();
    let number = 0;
    for (let round = 0; round < 3; round += 1) {
      const matcher = start();
      const { client, channel } = await connect(matcher);
      const { orders, hasMore } = await client.listOpenOrders({});
      expect(hasMore).toBe(false);
      const open = new Set(orders.map((order) => numberOf(order.orderId)));
      expect([...acknowledged].filter((known) => !open.has(known))).toEqual([]);
      const stream = client.commandStream();
      const sent: number[] = [];
      const reading = (async () => {
        for await (const { results } of stream) {
          for (const { outcome } of results) {
            expect(outcome.case).toBe("order");
            acknowledged.add(sent.shift() ?? 0);
          }
          if (acknowledged.size >= (round + 1) * 100) matcher.child.kill("SIGKILL");
        }
        return "the stream ended in good order";
      })().catch((error: unknown) => error);
      while (matcher.child.exitCode === null && matcher.child.signalCode === null && sent.length < 300) {
        const commands = Array.from({ length: 10 }, () => {
          number += 1;
          sent.push(number);
          return submitCommand(number);
        });
        if (!stream.write({ commands })) await Promise.race([stream.drained(), matcher.exit]);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await reading).toBeInstanceOf(DomainError);
      expect(await matcher.exit).toBeNull();
      channel.close();
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(300);
  }),
  60_000,
);

/** Runs a matcher that decides some orders and ends in good order. */
async function ranOnce(start: () => MatcherProcess): Promise<void> {
  const matcher = start();
  const { client, channel } = await connect(matcher);
  for (let number = 1; number <= 5; number += 1) await submitted(client, number);
  channel.close();
  matcher.child.kill("SIGTERM");
  expect(await matcher.exit).toBe(0);
}

test(
  "a damaged journal is refused with exit code 65, naming file, offset and seq",
  withMatchers(async (start, folder) => {
    await ranOnce(start);
    const [name] = (await readdir(folder)).filter((each) => each.endsWith(".log"));
    const file = await open(join(folder, name), "r+");
    await file.write(Buffer.from([0xff]), 0, 1, 200);
    await file.close();
    const before = await contentOf(folder);
    const { code, lines } = await refusedMatcher(folder);
    expect(code).toBe(65);
    expect(lines.at(-1)).toMatch(
      new RegExp(
        `^the journal is refused: what was durable is damaged.*file ${name}, offset [0-9]+, seq [0-9]+`,
      ),
    );
    expect(await contentOf(folder)).toEqual(before);
  }),
);

test(
  "a journal of a newer format is refused with exit code 76 and left as it is",
  withMatchers(async (start, folder) => {
    await ranOnce(start);
    const name = await upgradeLastFile(folder, 2);
    const before = await contentOf(folder);
    const { code, lines } = await refusedMatcher(folder);
    expect(code).toBe(76);
    expect(lines.at(-1)).toBe(
      "the journal is refused: it is of format 2, this version reads up to 1 " +
        `(file ${name}, offset 0, seq 1). Nothing was changed. ` +
        "Start the newer version again, or restore a backup from before the upgrade.",
    );
    expect(await contentOf(folder)).toEqual(before);
    await upgradeLastFile(folder, 1);
    await ranOnce(start);
  }),
);

test(
  "whatever it refuses, the last line of its log tells a person why",
  withMatchers(async (start, folder) => {
    await ranOnce(start);
    const markets = (changes: object) => ({
      BOURSE__MARKETS: JSON.stringify([
        { symbol: "BTC/USDT", baseAsset: "BTC", quoteAsset: "USDT", shard: 0, ...changes },
      ]),
    });
    const lastLine = async (env: MatcherEnv) => {
      const { code, lines } = await refusedMatcher(folder, env);
      return `${code} ${lines.at(-1)?.trim()}`;
    };
    expect(await lastLine(markets({ tickSize: "0.1", lotSize: "0.00001" }))).toBe(
      "78 markets.0.tickSize: BTC/USDT has 0.01 for ever, not 0.1",
    );
    expect(await lastLine(markets({ tickSize: "0.01" }))).toBe("78 markets.0.lotSize: is required");
    // No fund pays for a rebate.
    const tiers = (makerFeePpm: number, takerFeePpm: number) => ({
      ...{ tickSize: "0.01", lotSize: "0.00001" },
      feeTiers: [{ tier: "pro", makerFeePpm, takerFeePpm }],
    });
    expect(await lastLine(markets(tiers(-1, 0)))).toMatch(/^78 markets\.0\.feeTiers\.0\.makerFeePpm: /);
    expect(await lastLine(markets(tiers(0, 1_000_000)))).toMatch(
      /^78 markets\.0\.feeTiers\.0\.takerFeePpm: /,
    );
    expect(await lastLine(markets({ ...tiers(0, 0), makerFeePpm: -1 }))).toMatch(
      /^78 markets\.0\.makerFeePpm: /,
    );
    expect(await lastLine({ BOURSE_CONFIG: join(folder, "nothing.yaml") })).toMatch(
      /^78 BOURSE_CONFIG: cannot read .*ENOENT/,
    );
    expect(await lastLine({ BOURSE__MATCHER__SHARD: "1" })).toMatch(
      /^66 the journal is refused: it belongs to shard 0, this is shard 1/,
    );
    const notADirectory = join(folder, (await readdir(folder))[0] ?? "");
    expect(await lastLine({ BOURSE__MATCHER__DATA_DIR: notADirectory })).toMatch(
      /^1 the data directory cannot be used: (EEXIST|ENOTDIR)/,
    );
  }),
  60_000,
);

test(
  "a second matcher on the same directory ends, the first goes on",
  withMatchers(async (start, folder) => {
    const first = start();
    const { client, channel } = await connect(first);
    const { code, lines } = await refusedMatcher(folder);
    expect(code).toBe(1);
    expect(lines.at(-1)).toContain(`${folder} is in use by process ${first.child.pid}`);
    expect((await submitted(client, 1)).order.status).toBe(OrderStatus.OPEN);
    channel.close();
  }),
);

test(
  "settings that cannot work end it with exit code 78, all mistakes at once",
  withMatchers(async (start) => {
    const markets = [
      {
        symbol: "BTC/USDT",
        baseAsset: "BTC",
        quoteAsset: "USDT",
        shard: 0,
        tickSize: "0.01",
        lotSize: "0.0000001",
      },
      {
        symbol: "ETH/USD",
        baseAsset: "ETH",
        quoteAsset: "USDT",
        shard: 0,
        tickSize: "0.01",
        lotSize: "0.01",
      },
    ];
    const matcher = start({ BOURSE__MARKETS: JSON.stringify(markets) });
    expect(await matcher.exit).toBe(78);
    expect(matcher.errors()).toContain("markets.0.lotSize");
    expect(matcher.errors()).toContain("markets.1.symbol");
    const other = start({ BOURSE__MATCHER__SHARD: "x", BOURSE__MATCHER__TICK_MS: "0" });
    expect(await other.exit).toBe(78);
    expect(other.errors()).toContain("matcher.shard");
    expect(other.errors()).toContain("matcher.tickMs");
  }),
);

test(
  "it is live at once, ready when its followers have reported, and drains on SIGTERM",
  withMatchers(async (start) => {
    const matcher = start({ BOURSE__MATCHER__FOLLOWERS: '["wallet"]' });
    const { client, channel, adminPort } = await connect(matcher);
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${adminPort}${path}`)).status;
    expect(await get("/health/live")).toBe(200);
    expect(await get("/health/ready")).toBe(503);
    await client.reportCursor({ follower: "wallet", epoch: 0n, seq: 0n });
    expect(await get("/health/ready")).toBe(200);
    const stream = client.commandStream();
    stream.write({ commands: [submitCommand(1)] });
    const results = stream[Symbol.asyncIterator]();
    expect((await results.next()).value.results).toHaveLength(1);
    matcher.child.kill("SIGTERM");
    await expect(results.next()).rejects.toMatchObject({ reason: "SHARD_UNAVAILABLE" });
    expect(await matcher.exit).toBe(0);
    channel.close();
  }),
);

const BTC = {
  symbol: "BTC/USDT",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  shard: 0,
  tickSize: "0.01",
  lotSize: "0.00001",
};
const ETH = { ...BTC, symbol: "ETH/USDT", baseAsset: "ETH" };

/** A volume that changes as the kubelet changes one: a new directory, and a symbolic link that is renamed over. */
async function mountedSettings(folder: string): Promise<{ path: string; swap(text: string): Promise<void> }> {
  const volume = join(folder, "etc");
  await mkdir(volume);
  await symlink(join("..data", "bourse.yaml"), join(volume, "bourse.yaml"));
  let versions = 0;
  return {
    path: join(volume, "bourse.yaml"),
    async swap(text) {
      versions += 1;
      const version = `..version-${versions}`;
      await mkdir(join(volume, version));
      await writeFile(join(volume, version, "bourse.yaml"), text);
      await symlink(version, join(volume, "..data_tmp"));
      await rename(join(volume, "..data_tmp"), join(volume, "..data"));
    },
  };
}

test(
  "a market that is added to a mounted settings file is made without a restart, and followers see it",
  withMatchers(async (start, folder) => {
    const settings = await mountedSettings(folder);
    const listing = (...markets: object[]) => JSON.stringify({ markets });
    await settings.swap(listing(BTC));
    const env = {
      BOURSE_CONFIG: settings.path,
      BOURSE__MARKETS: undefined,
      BOURSE__MATCHER__DATA_DIR: join(folder, "data"),
      BOURSE__MATCHER__SETTINGS_READ_EVERY_MS: "20",
    };
    const matcher = start(env);
    const { client, channel, adminPort } = await connect(matcher);
    const errors = async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return /^bourse_catalogue_errors.* ([01])$/m.exec(metrics)?.[1];
    };
    const watched = client.watchShard({})[Symbol.asyncIterator]();
    const heard: string[] = [];
    const hear = async (count: number) => {
      while (heard.length < count) {
        const { value } = await watched.next();
        heard.push(...value.markets.map(({ symbol }: { symbol: string }) => symbol));
      }
    };
    await hear(1);
    await settings.swap(listing(BTC, ETH, ETH));
    await expect.poll(errors).toBe("1");
    await settings.swap(listing(BTC, ETH));
    await hear(2);
    expect(heard).toEqual(["BTC/USDT", "ETH/USDT"]);
    await expect.poll(errors).toBe("0");
    for await (const { kind } of client.streamEvents({})) {
      expect(kind.case).toBe("header");
      if (kind.case === "header") expect(kind.value.markets.map(({ symbol }) => symbol)).toEqual(heard);
      break;
    }
    channel.close();
    // Journaled: it is there after a restart, whatever the file says.
    matcher.child.kill("SIGTERM");
    expect(await matcher.exit).toBe(0);
    await settings.swap(listing(BTC));
    const again = await connect(start(env));
    for await (const { markets } of again.client.watchShard({})) {
      expect(markets.map(({ symbol }) => symbol)).toEqual(["BTC/USDT", "ETH/USDT"]);
      break;
    }
    again.channel.close();
  }),
);

test(
  "data loss is accepted at the seq that the refusal names, written down, and the shard goes on behind it",
  withMatchers(async (start, folder) => {
    const env = { BOURSE__MATCHER__SEGMENT_BYTES: String(64 * 1024), BOURSE__MATCHER__TICK_MS: "600000" };
    const first = start(env);
    const { client, channel } = await connect(first);
    for (let number = 1; number <= 20; number += 1) await submitted(client, number);
    channel.close();
    first.child.kill("SIGTERM");
    expect(await first.exit).toBe(0);
    const [name] = (await readdir(folder)).filter((each) => each.endsWith(".log"));
    await flip(join(folder, name), 4_000);
    const { lines } = await refusedMatcher(folder, env);
    const seq = Number(/--accept-data-loss=([0-9]+)/.exec(lines.at(-1) ?? "")?.[1]);
    expect(seq).toBeGreaterThan(2);
    const wrong = await refusedMatcher(folder, env, [`--accept-data-loss=${seq + 1}`]);
    expect(wrong.code).toBe(65);
    const again = await connect(start(env, [`--accept-data-loss=${seq}`]));
    const { orders } = await again.client.listOpenOrders({});
    // All before the damage, and nothing of what came with it or after it.
    expect(Number(orders.at(-1)?.acceptedSeq)).toBe(seq - 1);
    expect(orders.map((order) => numberOf(order.orderId))).toEqual(orders.map((_, index) => index + 1));
    expect((await submitted(again.client, 100)).order.status).toBe(OrderStatus.OPEN);
    again.channel.close();
    const names = await readdir(folder);
    expect(names.filter((each) => each.startsWith("data-loss-"))).toHaveLength(1);
    expect(names.some((each) => each.startsWith(`${name}.lost-`))).toBe(true);
  }),
  60_000,
);

test(
  "a start after snapshots reads only what follows on the newest one",
  withMatchers(async (start, folder) => {
    const env = { BOURSE__MATCHER__SNAPSHOT_EVERY_RECORDS: "50" };
    const first = start(env);
    const { client, channel } = await connect(first);
    for (let number = 1; number <= 80; number += 1) await submitted(client, number);
    const snapshots = async () => (await readdir(folder)).filter((name) => /^snap-[0-9]+$/.test(name));
    await expect.poll(snapshots, { timeout: 20_000 }).toHaveLength(1);
    const before = await client.getShardState({});
    channel.close();
    first.child.kill("SIGKILL");
    await first.exit;
    const again = await connect(start(env));
    const { orders } = await again.client.listOpenOrders({});
    expect(orders).toHaveLength(80);
    expect((await again.client.getShardState({})).openOrders).toBe(before.openOrders);
    again.channel.close();
  }),
  60_000,
);
