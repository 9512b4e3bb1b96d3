// The wallet in this process, asked line by line for runs of load, so that others can run in turn with it:
//   wallet-load.js POSTGRES_URL USERS
//   "reserve PAIRS WAITING [USERS]" reserves both orders of so many new pairs, so many callers waiting
//   "settle"                        settles the trades of all pairs that are reserved, as fast as it goes
//   "offered RATE"                  the same with so many due a second; latency counts from when one is due
//   "commits SECONDS"               single-row commits on one connection, one after the other
//   "breaches"                      rows of the audit views: none when all money is where it belongs
import { percentilesOf, serveLines } from "@bourse/shared/testing/line-server.js";
import { usersOf } from "../names.js";
import { breachesOf } from "../wallet-database.js";
import { EPOCH, openBenchWallet } from "./bench-wallet.js";
import { fund } from "./fund.js";
import { type Pair, pairsOf, tradeRecord } from "./orders.js";

const [url = "", userCount = "10000"] = process.argv.slice(2);
const wallet = await openBenchWallet(url);
const users = usersOf(Number(userCount));
await fund(url, users);
/** Supplies of pairs by the number of users that they are between. */
const supplies = new Map<number, ReturnType<typeof pairsOf>>();
let reserved: Pair[] = [];

function nextPairs(count: number, among: number): Pair[] {
  const supply = supplies.get(among) ?? pairsOf(among, users.slice(0, among));
  supplies.set(among, supply);
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
      const { type } = await wallet.reserve(request);
      if (type !== "held") throw new Error(`a reserve of the bench was answered: ${type}`);
    }
  };
  await Promise.all(Array.from({ length: waiting }, caller));
}

/**
 * The trades of what is reserved, as records behind the cursor, and a queue to push them into. `onSettled` hears
 * how many of them are settled; `all` resolves when all are, and rejects when one cannot be.
 */
async function prepareTrades(onSettled: (settled: number) => void) {
  const count = reserved.length;
  let firstSeq = 0;
  let done = () => {};
  let fail = (_: unknown) => {};
  const all = new Promise<void>((resolve, reject) => {
    done = resolve;
    fail = reject;
  });
  const { queue, lastSeq } = await wallet.openQueue({
    onSettled(seq) {
      const settled = seq - firstSeq + 1;
      onSettled(settled);
      if (settled === count) done();
    },
    onFailed: fail,
  });
  firstSeq = lastSeq + 1;
  const records = reserved.map((pair, index) => tradeRecord(pair, firstSeq + index, EPOCH));
  reserved = [];
  return { queue, records, all };
}

async function settleAll() {
  const { queue, records, all } = await prepareTrades(() => {});
  const times = await timed(async () => {
    await queue.push(records);
    await all;
  });
  await queue.close();
  return { trades: records.length, ...times };
}

async function settleOffered(rate: number) {
  const latencies = new Float64Array(reserved.length);
  let startedAt = 0;
  let answered = 0;
  const { queue, records, all } = await prepareTrades((settled) => {
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
  const client = await wallet.database.pool.connect();
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
  async reserve(count, waiting, among = userCount) {
    const pairs = nextPairs(Number(count), Number(among));
    const times = await timed(() => reserveAll(pairs, Number(waiting)));
    reserved.push(...pairs);
    return { reserves: 2 * pairs.length, ...times };
  },
  settle: settleAll,
  offered: (rate) => settleOffered(Number(rate)),
  commits: (seconds) => commits(Number(seconds)),
  breaches: () => breachesOf(wallet.database.pool),
});
await wallet.close();
