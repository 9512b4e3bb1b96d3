// More of it under load: gateways, a market, a shard.
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { mustHold } from "../figures.js";
import { firstAcknowledgedMs } from "../outages.js";
import { during, type Session } from "../session.js";
import { until } from "../until.js";
import { marketsOf, newMarket, shardsOf } from "../values.js";

const firstOrderSecondsMax = 120;

/** Gateways from one to three and back to one. */
export async function scaleGateways(session: Session): Promise<void> {
  const { release } = session;
  for (const replicas of [3, 1]) {
    await during(session, { name: `gateways to ${replicas}` }, async () => {
      await release.upgrade({ orderGateway: { replicas } });
      await release.untilReady(60);
    });
  }
}

/** A market by values alone: nothing restarts, and it trades. */
export async function addMarket(session: Session): Promise<void> {
  const { figures, release } = session;
  const symbol = unusedSymbol(session, ["SOL/USDT", "LTC/USDT", "DOT/USDT"]);
  const before = (await release.pods()).map(({ uid }) => uid);
  await during(session, { name: `market ${symbol} added` }, async () => {
    session.newMarkets.push({ symbol, askedAtMs: systemClock.wallMs() });
    await release.upgrade({ markets: [...marketsOf(release.values), newMarket(symbol, 0)] });
    await untilTraded(session, symbol);
  });
  const after = await release.pods();
  const fresh = after.filter(({ uid }) => !before.includes(uid)).length;
  figures.push(mustHold(`pods restarted by adding ${symbol}`, `${fresh}`, "0", fresh === 0));
}

/** One shard more, with a market of its own. */
export async function addShard(session: Session): Promise<void> {
  const { release } = session;
  const symbol = unusedSymbol(session, ["ADA/USDT", "AVAX/USDT", "NEAR/USDT"]);
  const shard = shardsOf(release.values);
  await during(session, { name: `shard ${shard} added` }, async () => {
    session.newMarkets.push({ symbol, askedAtMs: systemClock.wallMs() });
    await release.upgrade(
      { matcher: { shards: shard + 1 }, markets: [...marketsOf(release.values), newMarket(symbol, shard)] },
      { timeoutSeconds: 300 },
    );
    await release.untilReady(60);
    await untilTraded(session, symbol);
  });
}

function unusedSymbol({ release }: Session, symbols: readonly string[]): string {
  const used = new Set(marketsOf(release.values).map(({ symbol }) => symbol));
  const found = symbols.find((symbol) => !used.has(symbol));
  if (found === undefined) throw new Error(`every one of ${symbols.join(", ")} is a market already`);
  return found;
}

/** Waits until the load has an order acknowledged there; it looks for new markets every two seconds. */
async function untilTraded({ load, newMarkets, say }: Session, symbol: string): Promise<void> {
  const atMs = await until(async () => firstAcknowledgedMs(await load.records(), symbol), {
    seconds: firstOrderSecondsMax,
    everyMs: 1_000,
    orElse: () => `no order of ${symbol} was acknowledged within ${firstOrderSecondsMax} s`,
  });
  const askedAtMs = newMarkets.find((market) => market.symbol === symbol)?.askedAtMs ?? atMs;
  say(
    `first order of ${symbol} acknowledged ${((atMs - askedAtMs) / 1_000).toFixed(1)} s after helm was asked`,
  );
}
