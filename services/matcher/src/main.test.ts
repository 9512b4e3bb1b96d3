import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { expect, test } from "vitest";
import { withFolder } from "./testing/journal-folder.js";
import { connect, type MatcherProcess, spawnMatcher } from "./testing/matcher-process.js";
import { numberOf } from "./testing/orders.js";
import { submitCommand, submitted } from "./testing/wire-orders.js";

/** Runs a test with a folder and what starts matchers on it; none of them outlives the test. */
function withMatchers(
  run: (start: (env?: Record<string, string>) => MatcherProcess, folder: string) => Promise<void>,
) {
  return () =>
    withFolder(async (folder) => {
      const started: MatcherProcess[] = [];
      try {
        await run((env) => {
          const matcher = spawnMatcher(folder, env);
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

test(
  "a damaged journal is refused with exit code 65, naming file, offset and seq",
  withMatchers(async (start, folder) => {
    const first = start();
    const { client, channel } = await connect(first);
    for (let number = 1; number <= 5; number += 1) await submitted(client, number);
    channel.close();
    first.child.kill("SIGTERM");
    expect(await first.exit).toBe(0);
    const [name] = (await readdir(folder)).filter((each) => each.endsWith(".log"));
    const file = await open(join(folder, name), "r+");
    await file.write(Buffer.from([0xff]), 0, 1, 200);
    await file.close();
    const second = start();
    expect(await second.exit).toBe(65);
    expect(second.errors()).toMatch(
      new RegExp(`what was durable is damaged.*file ${name}, offset [0-9]+, seq [0-9]+`),
    );
  }),
);

test(
  "a second matcher on the same directory ends, the first goes on",
  withMatchers(async (start, folder) => {
    const first = start();
    const { client, channel } = await connect(first);
    const second = start();
    expect(await second.exit).toBe(1);
    expect(second.errors()).toContain(`${folder} is in use by process ${first.child.pid}`);
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
