// The whole audit: snapshots first, then the journal up to wherever they were taken, then the verdicts.
import type { Pool } from "@bourse/shared/postgres/pool.js";
import { atomsOfNumeric, formatAtoms } from "@bourse/shared/units/atoms.js";
import { auditShard, cursorOf, insideRecord, orphanMsMax, type ShardFindings } from "./audit-shard.js";
import { findOfNoShard } from "./cuts.js";
import type { AuditedExchange } from "./exchange.js";
import type { Finding } from "./finding.js";
import { compareQuiet, restlessGauges } from "./quiet.js";
import { readShard } from "./shard-view.js";
import { openAuditPool, readCursors, readSnapshot, type Snapshot } from "./snapshot.js";
import { compareTold, type ToldWord } from "./told.js";

/** Snapshots are taken again while a cursor stands inside a record; a record of that many parts is rare. */
const snapshotsMax = 20;

export interface AuditOptions {
  /** Final words that clients were told. */
  readonly told?: readonly ToldWord[];
  /** Nobody calls, and followers had time: everything must be at rest (I38). */
  readonly isQuiet?: boolean;
}

/** Audits a running exchange; one finding per invariant, in their order. */
export async function audit(exchange: AuditedExchange, options: AuditOptions = {}): Promise<Finding[]> {
  const { auditorUrl, edgeAddress, shards } = exchange;
  const pool = openAuditPool(auditorUrl);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const snapshot = await readSnapshot(pool);
      const found: ShardFindings[] = [];
      for (const reached of shards) {
        const { shard, journal } = reached;
        const view = await readShard(reached, edgeAddress).catch((cause: unknown) => {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw new Error(`shard ${shard} or its market data does not answer: ${why}`, { cause });
        });
        found.push(await auditShard(journal, view, snapshot));
      }
      const isWhole = found.every(({ reserved }) => !reserved.includes(insideRecord));
      if (!isWhole && attempt < snapshotsMax) continue;
      const cursors = await cursorBreaches(pool, snapshot, found);
      return [
        ...findings(snapshot, found, cursors),
        toldFinding(snapshot, found, options.told ?? []),
        ...(options.isQuiet === true ? [await quietFinding(exchange, snapshot, found)] : []),
      ];
    }
  } finally {
    await pool.end();
  }
}

function toldFinding(
  snapshot: Snapshot,
  found: readonly ShardFindings[],
  told: readonly ToldWord[],
): Finding {
  const refused = snapshot.reservations.filter(({ state }) => state === "REFUSED").length;
  return {
    invariant: "I34",
    text: `no means no: ${refused} refused by the wallet, ${told.length} words told to clients`,
    breaches: compareTold(snapshot, found, told, Date.now()),
  };
}

/** Gauges are asked again while they are not zero: ticks of the shards pass through them. */
async function quietFinding(
  { readMetrics }: AuditedExchange,
  snapshot: Snapshot,
  found: readonly ShardFindings[],
): Promise<Finding> {
  let restless: string[] = [];
  for (let look = 1; look <= quietLooksMax && readMetrics !== undefined; look += 1) {
    restless = [...(await readMetrics())].flatMap(([name, text]) =>
      restlessGauges(text).map((line) => `${name}: ${line}`),
    );
    if (restless.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, quietLookEveryMs));
  }
  return {
    invariant: "I38",
    text: `at rest: ${found.reduce((sum, { fold }) => sum + fold.openOrders, 0)} open orders, nothing under way`,
    breaches: compareQuiet(snapshot, found, restless),
  };
}

const quietLooksMax = 20;
const quietLookEveryMs = 100;

/** I14: no follower is ahead of the journal, and none goes back. */
async function cursorBreaches(
  pool: Pool,
  snapshot: Snapshot,
  found: readonly ShardFindings[],
): Promise<string[]> {
  const later = await readCursors(pool);
  const breaches: string[] = [];
  for (const { shard, fold, view } of found) {
    const positions = [
      ["wallet", cursorOf(snapshot.walletCursors, shard).seq, cursorOf(later.walletCursors, shard).seq],
      ["history", cursorOf(snapshot.historyCursors, shard).seq, cursorOf(later.historyCursors, shard).seq],
    ] as const;
    for (const [name, before, after] of positions) {
      if (before > fold.seq)
        breaches.push(`shard ${shard}: ${name} is at ${before}, the journal ends at ${fold.seq}`);
      if (after < before) breaches.push(`shard ${shard}: ${name} went back from ${before} to ${after}`);
    }
    const said = [
      ...view.followers,
      ...view.books
        .filter(({ source }) => source !== "shard")
        .map(({ symbol, seq }) => [`market data of ${symbol}`, seq] as const),
    ];
    for (const [name, seq] of said) {
      if (seq > fold.seq)
        breaches.push(`shard ${shard}: ${name} is at ${seq}, the journal ends at ${fold.seq}`);
    }
  }
  return breaches;
}

function findings(
  snapshot: Snapshot,
  found: readonly ShardFindings[],
  cursors: readonly string[],
): Finding[] {
  return [...moneyFindings(snapshot, found), ...meshFindings(snapshot, found, cursors)].map((finding) => {
    const unchecked = found.flatMap((shard) => uncheckedText(finding.invariant, shard));
    return unchecked.length === 0 ? finding : { ...finding, unchecked: unchecked.join("; ") };
  });
}

/** What retention took from an invariant, in words. */
function uncheckedText(invariant: string, { shard, fold, unchecked }: ShardFindings): string[] {
  const counts = [...(unchecked.get(invariant) ?? [])].map(([what, count]) => `${count} ${what}`);
  if (counts.length === 0) return [];
  return [
    `shard ${shard}: ${counts.join(", ")}, the journal is retained from seq ${fold.missingThroughSeq + 1n}`,
  ];
}

function moneyFindings(snapshot: Snapshot, found: readonly ShardFindings[]): Finding[] {
  const { figures, reservations, settledTrades } = snapshot;
  const view = (name: string) => snapshot.views.get(name)?.breaches ?? [`${name} was not read`];
  const count = (state: string) => reservations.filter((row) => row.state === state).length;
  const states = `${count("ACTIVE")} active, ${count("CLOSED")} closed, ${count("REFUSED")} refused`;
  const difference = formatAtoms(atomsOfNumeric(figures.difference ?? "0"));
  return [
    {
      invariant: "I1",
      text: `conserved: ${figures.accounts} accounts, ${figures.assets} assets, difference ${difference}`,
      breaches: [
        ...view("wallet.audit_i1"),
        ...(difference === "0" ? [] : [`the accounts of all add up to ${difference}`]),
      ],
    },
    {
      invariant: "I2",
      text: `ledger balances: ${figures.transactions} transactions, ${figures.entries} entries`,
      breaches: view("wallet.audit_i2"),
    },
    {
      invariant: "I3",
      text: `nothing negative: ${figures.accounts} accounts, ${reservations.length} reservations`,
      breaches: view("wallet.audit_i3"),
    },
    {
      invariant: "I4",
      text: `reserved is what reservations hold: ${count("ACTIVE")} active`,
      breaches: view("wallet.audit_i4"),
    },
    {
      invariant: "I5",
      text: `ended reservations hold nothing, one per order: ${states}`,
      breaches: view("wallet.audit_i5"),
    },
    {
      invariant: "I6",
      text: `each trade settled once: ${settledTrades.length} settled, the journals' up to the cursors`,
      breaches: [...view("wallet.audit_i6"), ...found.flatMap(({ settled }) => settled)],
    },
    {
      invariant: "I7",
      text: `every reserved atom is accounted for: ${reservations.length} reservations`,
      breaches: view("wallet.audit_i7"),
    },
    {
      invariant: "I8",
      text: `fees are exact: ${figures.fees} trades with fees`,
      breaches: [...view("wallet.audit_i8"), ...view("orders.audit_fee_mismatches")],
    },
    {
      invariant: "I9",
      text: `transfers have their entries: ${figures.transfers} deposits, withdrawals and adjustments`,
      breaches: view("wallet.audit_i9"),
    },
    {
      invariant: "I10",
      text: "only the wallet's role writes its tables, nobody what is append-only",
      breaches: view("wallet.audit_i10"),
    },
  ];
}

function meshFindings(
  snapshot: Snapshot,
  found: readonly ShardFindings[],
  cursors: readonly string[],
): Finding[] {
  const view = (name: string) => snapshot.views.get(name)?.breaches ?? [`${name} was not read`];
  const sum = (of: (shard: ShardFindings) => number) => found.reduce((total, shard) => total + of(shard), 0);
  const all = (of: (shard: ShardFindings) => readonly string[]) => found.flatMap(of);
  const lags = found
    .map(({ shard, fold }) => {
      const wallet = fold.seq - cursorOf(snapshot.walletCursors, shard).seq;
      const history = fold.seq - cursorOf(snapshot.historyCursors, shard).seq;
      return `shard ${shard} ends at ${fold.seq}, wallet ${wallet} and history ${history} behind`;
    })
    .join("; ");
  const fills = snapshot.historyOrders.reduce((total, { trades }) => total + Number(trades), 0);
  return [
    {
      invariant: "I11",
      text: `reservations cover the orders: ${sum(({ view: { openOrders } }) => openOrders.flatMap(({ orders }) => orders).length)} open`,
      breaches: [...all(({ reserved }) => reserved), ...all(({ openOrders }) => openOrders)],
    },
    {
      invariant: "I12",
      text: `no orphan older than ${orphanMsMax / 1_000} s: ${snapshot.reservations.filter(({ state }) => state === "ACTIVE").length} active reservations`,
      breaches: [
        ...all(({ forgotten }) => forgotten),
        ...findOfNoShard(
          snapshot.reservations,
          found.map(({ shard }) => shard),
        ),
      ],
    },
    {
      invariant: "I13",
      text: `acknowledged is journaled: ${snapshot.historyOrders.length} orders, ${fills} fills`,
      breaches: [...all(({ acknowledged }) => acknowledged), ...view("orders.audit_trade_mismatches")],
    },
    {
      invariant: "I14",
      text: `cursors within the journals: ${lags}`,
      breaches: [...view("wallet.audit_i14"), ...cursors],
    },
    {
      invariant: "I15",
      text: `history is the fold of the journal: ${snapshot.historyOrders.length} orders`,
      breaches: [...all(({ history }) => history), ...view("orders.audit_order_mismatches")],
    },
    {
      invariant: "I16",
      text: `journals without gap, chains match: ${found.map(({ shard, fold }) => `shard ${shard} ${fold.records} records`).join(", ")}`,
      breaches: all(journalBreaches),
    },
    {
      invariant: "I17",
      text: `replay is the live state: ${found.map(({ view: { shard, state } }) => `shard ${shard} ${state.stateHash.slice(0, 12)} at epoch ${state.epoch}, seq ${state.seq}`).join(", ")}`,
      breaches: all(replayBreaches),
    },
    {
      invariant: "I29",
      text: `books are the shards' books: ${sum(({ view: { books } }) => books.length)} books, ${sum(({ view: { books } }) => books.reduce((total, { diffs }) => total + diffs, 0))} diffs`,
      breaches: all(({ books }) => books),
    },
    {
      invariant: "I33",
      text: `a client order id is one order: ${sum(({ fold }) => fold.orders.size)} orders, their terms as reserved for`,
      breaches: all(({ keys }) => keys),
    },
  ];
}

function journalBreaches({ shard, fold, view, verified }: ShardFindings): string[] {
  const chain =
    verified.chain === view.state.chain ? [] : [`chain ${verified.chain} instead of ${view.state.chain}`];
  return [...chain, ...fold.contradictions].map((text) => `shard ${shard}: ${text}`);
}

function replayBreaches({ shard, view, verified, openOrdersAtState }: ShardFindings): string[] {
  const { stateHash, seq, openOrders } = view.state;
  const breaches = [...openOrdersAtState];
  if (verified.stateHash !== stateHash)
    breaches.push(
      `shard ${shard}: replay gives ${verified.stateHash}, the live state at seq ${seq} is ${stateHash}`,
    );
  if (BigInt(verified.openOrders) !== openOrders)
    breaches.push(
      `shard ${shard}: replay has ${verified.openOrders} open orders at seq ${seq}, the shard ${openOrders}`,
    );
  return breaches;
}
