// One shard's journal, read once, held against everything that was said of the shard.
import type { Record as JournalRecord } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { Market } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import {
  type Cut,
  compareAcknowledged,
  compareBookAt,
  compareHistory,
  compareOpenOrders,
  compareReservations,
  compareSettled,
  findForgotten,
  type OnUnchecked,
  sortCuts,
} from "./cuts.js";
import type { JournalTool } from "./exchange.js";
import { ShardFold } from "./fold.js";
import { readJournal, type Verified, verifyJournal } from "./journal.js";
import { compareKeys } from "./keys.js";
import type { ShardView } from "./shard-view.js";
import type { CursorRow, HistoryOrderRow, ReservationRow, SettledTradeRow, Snapshot } from "./snapshot.js";

/** Money that nobody asks for may be held so long before it counts as forgotten. */
export const orphanMsMax = 60_000;
export const insideRecord = "the wallet's cursor stands inside a record";

/** What one shard's journal had to say about everything that was said of it. */
export interface ShardFindings {
  readonly shard: number;
  readonly fold: ShardFold;
  readonly verified: Verified;
  readonly view: ShardView;
  readonly settled: string[];
  readonly reserved: string[];
  readonly history: string[];
  readonly acknowledged: string[];
  readonly forgotten: string[];
  readonly books: string[];
  readonly openOrders: string[];
  readonly openOrdersAtState: string[];
  /** One client order id, one order, on the terms that were reserved for. */
  readonly keys: string[];
  /** Records about orders behind each cursor. */
  readonly behind: { readonly wallet: number; readonly history: number };
  readonly unchecked: Unchecked;
}

/** Things that could not be checked, by invariant and what they are. */
export type Unchecked = ReadonlyMap<string, Map<string, number>>;

/** The rows of one shard. */
interface ShardRows {
  readonly settledTrades: readonly SettledTradeRow[];
  readonly historyOrders: readonly HistoryOrderRow[];
  readonly reservations: ReadonlyMap<string, ReservationRow>;
}

/** Breaches found on the way through the journal. */
type Breaches = Pick<
  ShardFindings,
  "settled" | "reserved" | "history" | "books" | "openOrders" | "openOrdersAtState"
>;

/** Reads the journal once and stops at every seq at which something was said. */
export async function auditShard(
  journal: JournalTool,
  view: ShardView,
  snapshot: Snapshot,
): Promise<ShardFindings> {
  const { shard } = view;
  const isOurs = (row: { readonly shard: number | null }) => row.shard === shard;
  const rows: ShardRows = {
    settledTrades: snapshot.settledTrades.filter(isOurs),
    historyOrders: snapshot.historyOrders.filter(isOurs),
    reservations: new Map(snapshot.reservations.filter(isOurs).map((row) => [row.order_id, row])),
  };
  const fold = new ShardFold();
  const found: Breaches = {
    settled: [],
    reserved: [],
    history: [],
    books: [],
    openOrders: [],
    openOrdersAtState: [],
  };
  const unchecked = new Map<string, Map<string, number>>();
  const uncheckedOf: UncheckedOf = (invariant) => (what) => {
    const counts = unchecked.get(invariant) ?? new Map<string, number>();
    unchecked.set(invariant, counts.set(what, (counts.get(what) ?? 0) + 1));
  };
  const cuts = sortCuts([
    ...databaseCuts({ fold, rows, found, uncheckedOf }, snapshot, shard),
    ...viewCuts({ fold, found, uncheckedOf }, view),
  ]);
  const behind = { wallet: 0, history: 0 };
  const cursors = {
    wallet: cursorOf(snapshot.walletCursors, shard).seq,
    history: cursorOf(snapshot.historyCursors, shard).seq,
  };
  const onRecord = ({ events, seq }: JournalRecord) => {
    if (events.length === 0) return;
    if (seq > cursors.wallet) behind.wallet += 1;
    if (seq > cursors.history) behind.history += 1;
  };
  await foldJournal(journal, fold, { cuts, markets: view.markets, onRecord });
  return {
    shard,
    fold,
    view,
    verified: await verifyJournal(journal, view.state.seq),
    acknowledged: compareAcknowledged(fold, rows.historyOrders, uncheckedOf("I13")),
    forgotten: findForgotten(fold, rows.reservations, {
      ageMsMax: orphanMsMax,
      openOrders: view.openOrders,
    }),
    keys: compareKeys(fold, rows.reservations),
    behind,
    unchecked,
    ...found,
  };
}

type UncheckedOf = (invariant: string) => OnUnchecked;

/** What wallet and history say, each at its cursor. */
function databaseCuts(
  audit: { fold: ShardFold; rows: ShardRows; found: Breaches; uncheckedOf: UncheckedOf },
  snapshot: Snapshot,
  shard: number,
): Cut[] {
  const { fold, rows, found, uncheckedOf } = audit;
  const wallet = cursorOf(snapshot.walletCursors, shard);
  return [
    {
      seq: wallet.seq,
      compare: () => {
        if (wallet.operations !== fold.operations && wallet.seq > fold.missingThroughSeq) {
          found.reserved.push(insideRecord);
          return;
        }
        found.settled.push(...compareSettled(fold, rows.settledTrades, uncheckedOf("I6")));
        found.reserved.push(...compareReservations(fold, rows.reservations, uncheckedOf("I11")));
      },
    },
    {
      seq: cursorOf(snapshot.historyCursors, shard).seq,
      compare: () =>
        found.history.push(
          ...compareHistory(fold, rows.historyOrders, uncheckedOf("I15"), snapshot.keptHistory),
        ),
    },
  ];
}

/** What the shard and its market data say of themselves. */
function viewCuts(
  audit: { fold: ShardFold; found: Breaches; uncheckedOf: UncheckedOf },
  { shard, books, openOrders, state }: ShardView,
): Cut[] {
  const { fold, found, uncheckedOf } = audit;
  return [
    ...books.map(
      (at): Cut => ({
        seq: at.seq,
        compare: () => found.books.push(...compareBookAt(fold, at, uncheckedOf("I29"))),
      }),
    ),
    ...openOrders.map(
      (page): Cut => ({
        seq: page.seq,
        compare: () => found.openOrders.push(...compareOpenOrders(fold, page, uncheckedOf("I11"))),
      }),
    ),
    {
      seq: state.seq,
      compare: () => {
        // Without its beginning the journal does not say; the tool's replay does, from its snapshot.
        if (!fold.isWhole || BigInt(fold.openOrders) === state.openOrders) return;
        found.openOrdersAtState.push(
          `shard ${shard}, seq ${state.seq}: ${state.openOrders} open orders, the journal has ${fold.openOrders}`,
        );
      },
    },
  ];
}

async function foldJournal(
  journal: JournalTool,
  fold: ShardFold,
  {
    cuts,
    markets,
    onRecord,
  }: {
    cuts: readonly Cut[];
    markets: readonly Market[];
    onRecord: (record: JournalRecord) => void;
  },
): Promise<void> {
  let next = 0;
  const compareHere = () => {
    for (let cut = cuts[next]; cut !== undefined && cut.seq === fold.seq; cut = cuts[next]) {
      cut.compare(fold);
      next += 1;
    }
  };
  let isBegun = false;
  await readJournal(journal, (record) => {
    if (!isBegun) {
      isBegun = true;
      if (record.seq > 1n) fold.beginAfter(record.seq - 1n, markets);
      for (let cut = cuts[next]; cut !== undefined && cut.seq < fold.seq; cut = cuts[next]) {
        fold.contradictions.push(
          `something was said at seq ${cut.seq}, the journal begins after ${fold.seq}`,
        );
        next += 1;
      }
      compareHere();
    }
    fold.apply(record);
    onRecord(record);
    compareHere();
  });
  if (!isBegun) compareHere();
  // What was said of a seq that the journal does not reach: durable word without a durable record.
  for (const cut of cuts.slice(next)) {
    fold.contradictions.push(`something was said at seq ${cut.seq}, the journal ends at ${fold.seq}`);
  }
}

export function cursorOf(cursors: readonly CursorRow[], shard: number): { seq: bigint; operations: number } {
  const row = cursors.find((cursor) => cursor.shard === shard);
  return { seq: BigInt(row?.seq ?? 0), operations: row?.operations ?? 0 };
}
