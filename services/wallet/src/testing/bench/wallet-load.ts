// Loads a wallet and is asked line by line for runs, so that others can run in turn with it:
//   wallet-load.js POSTGRES_URL USERS [ADDRESS]
// Without address the wallet's flows run in this process; with one they run in the wallet there, on that database.
//   "reserve PAIRS WAITING [USERS [SHARDS]]" reserves both orders of new pairs, so many callers waiting
//   "settle"                                 settles the trades of all pairs that are reserved, as fast as it goes
//   "offered RATE"                           the same with so many due a second; latency counts from when one is due
//   "commits SECONDS"                        single-row commits on one connection, one after the other
//   "breaches"                               rows of the audit views: none when all money is where it belongs
import { percentilesOf, serveLines } from "@bourse/shared/testing/line-server.js";
import { usersOf } from "../names.js";
import { breachesOf } from "../wallet-database.js";
import { EPOCH, openBenchWallet, openWalletPool } from "./bench-wallet.js";
import { fund } from "./fund.js";
import { type Pair, pairsOf, tradeRecord } from "./orders.js";
import { openRemoteWallet } from "./remote-wallet.js";

const [url = "", userCount = "10000", address] = process.argv.slice(2);
const pool = await openWalletPool(url);
const wallet = address === undefined ? openBenchWallet(pool) : openRemoteWallet(address);
const users = usersOf(Number(userCount));
await fund(url, users);
/** Supplies of pairs, by the users and shards that they are between. */
const supplies = new Map<string, ReturnType<typeof pairsOf>>();
let reserved: Pair[] = [];

function nextPairs(count: number, among: number, shards: number): Pair[] {
  const name = `${among} ${shards}`;
  const supply = supplies.get(name) ?? pairsOf(among, users.slice(0, among), shards);
  supplies.set(name, supply);
  return Array.from({ length: count }, () => supply.next().value);
}

/** Runs and says how long it took, and the processor time of all threads. */
async function timed(run: () => Promise<void>): Promise<{ nanoseconds: number; cpuNanoseconds: number }> {
  globalThis.gc?.();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await run();
  const nanoseconds = (performance.now() - startedAt) * 1e6;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { nanoseconds, cpuNanoseconds: (user + system) * 1e3 };
}

/** Each caller sends its next reserve when it has its answer. */
async function reserveAll(pairs: readonly Pair[], waiting: number): Promise<void> {
  const requests = pairs.flatMap(({ buy, sell }) => [buy, sell]);
  let next = 0;
  const caller = async () => {
    while (next < requests.length) {
      const request = requests[next];
      next += 1;
      if (request === undefined) return;
      const type = await wallet.reserve(request);
      if (type !== "held") throw new Error(`a reserve of the bench was answered: ${type}`);
    }
  };
  await Promise.all(Array.from({ length: waiting }, caller));
}

/**
 * The trades of what is reserved for a shard, as records behind its cursor, and a queue to push them into.
 * `onSettled` hears how many of them are settled; `all` resolves when all are, and rejects when one cannot be.
 */
async function prepareTrades(shard: number, pairs: readonly Pair[], onSettled: (settled: number) => void) {
  let firstSeq = 0;
  let done = () => {};
  let fail = (_: unknown) => {};
  const all = new Promise<void>((resolve, reject) => {
    done = resolve;
    fail = reject;
  });
  const { queue, lastSeq } = await wallet.openQueue(shard, {
    onSettled(seq) {
      const settled = seq - firstSeq + 1;
      onSettled(settled);
      if (settled === pairs.length) done();
    },
    onFailed: fail,
  });
  firstSeq = lastSeq + 1;
  const records = pairs.map((pair, index) => tradeRecord(pair, firstSeq + index, EPOCH));
  return { queue, records, all };
}

/** The pairs that are reserved, by shard; none is reserved any more. */
function takeReserved(): Map<number, Pair[]> {
  const byShard = new Map<number, Pair[]>();
  for (const pair of reserved) {
    const shard = pair.buy.shard ?? 0;
    const pairs = byShard.get(shard) ?? [];
    pairs.push(pair);
    byShard.set(shard, pairs);
  }
  reserved = [];
  return byShard;
}

async function settleAll() {
  const trades = reserved.length;
  const prepared = await Promise.all(
    [...takeReserved()].map(([shard, pairs]) => prepareTrades(shard, pairs, () => {})),
  );
  const times = await timed(async () => {
    const settling = prepared.map(async ({ queue, records, all }) => {
      await queue.push(records);
      await all;
    });
    await Promise.all(settling);
  });
  for (const { queue } of prepared) await queue.close();
  return { trades, ...times };
}

async function settleOffered(rate: number) {
  const [[shard, pairs] = [0, []]] = [...takeReserved()];
  const latencies = new Float64Array(pairs.length);
  let startedAt = 0;
  let answered = 0;
  const { queue, records, all } = await prepareTrades(shard, pairs, (settled) => {
    const now = performance.now();
    for (; answered < settled; answered += 1)
      latencies[answered] = now - startedAt - (answered * 1_000) / rate;
  });
  const times = await timed(async () => {
    startedAt = performance.now();
    for (let next = 0; next < records.length; ) {
      const due = Math.min(records.length, Math.floor(((performance.now() - startedAt) * rate) / 1_000) + 1);
      if (due > next) await queue.push(records.slice(next, due));
      next = due;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await all;
  });
  await queue.close();
  return { trades: records.length, ...times, ...percentilesOf(latencies) };
}

async function commits(seconds: number) {
  const client = await pool.connect();
  try {
    await client.query("CREATE TABLE IF NOT EXISTS public.single_row (n bigint PRIMARY KEY, at timestamptz)");
    const { rows } = await client.query<{ n: number }>(
      "SELECT coalesce(max(n), 0) + 1 AS n FROM public.single_row",
    );
    const took: number[] = [];
    const startedAt = performance.now();
    for (let n = rows[0]?.n ?? 1; performance.now() - startedAt < seconds * 1_000; n += 1) {
      const sentAt = performance.now();
      await client.query({
        name: "single_row",
        text: "INSERT INTO public.single_row VALUES ($1, now())",
        values: [n],
      });
      took.push(performance.now() - sentAt);
    }
    const nanoseconds = (performance.now() - startedAt) * 1e6;
    return { commits: took.length, nanoseconds, ...percentilesOf(Float64Array.from(took)) };
  } finally {
    client.release();
  }
}

await serveLines({
  async reserve(count, waiting, among = userCount, shards = "1") {
    const pairs = nextPairs(Number(count), Number(among), Number(shards));
    const times = await timed(() => reserveAll(pairs, Number(waiting)));
    reserved.push(...pairs);
    return { reserves: 2 * pairs.length, ...times };
  },
  settle: settleAll,
  offered: (rate) => settleOffered(Number(rate)),
  commits: (seconds) => commits(Number(seconds)),
  breaches: () => breachesOf(pool),
});
await wallet.close();
await pool.end();
