// What is said about the settlement of a shard: how far it is, why it stands, what it concerns, what can be done.

/** What the settler says of a shard, at /settlement of its operations port. */
export interface WordOfSettler {
  readonly shard: number;
  /** "yes", or why not. */
  readonly follows: string;
  readonly lagRecords?: number;
  readonly backlogOperations: number;
  readonly isSetBack: boolean;
  readonly stopped?: {
    readonly atMs: number;
    readonly reason: string;
    readonly facts: Readonly<Record<string, string>>;
  };
}

/** A reservation that the blocking record names; amounts are decimal text. */
export interface RowOfHold {
  readonly order_id: string;
  readonly leg_of: string | null;
  readonly user_id: string;
  readonly shard: number | null;
  readonly state: string;
  readonly asset: string | null;
  readonly amount: string;
  readonly joined: string;
  readonly remaining: string;
  readonly sequenced: boolean;
  readonly restored: boolean;
  readonly refusal: string | null;
  readonly final_status: string | null;
  readonly final_reason: string | null;
  readonly created_at: string;
}

export interface AccountRow {
  readonly user_id: string;
  readonly asset: string;
  readonly available: string;
  readonly reserved: string;
}

/** All that is known of a shard's settlement. */
export interface ShardSettlement {
  readonly shard: number;
  /** Undefined when the settler does not answer. */
  readonly settler: WordOfSettler | undefined;
  /** The wallet's cursor; undefined when nothing was ever settled. */
  readonly cursor:
    | {
        readonly epoch: string;
        readonly seq: string;
        readonly operations: number;
        readonly stored_epoch: string;
        readonly ageSeconds: number;
      }
    | undefined;
  readonly journal: { readonly seq: string; readonly epoch: string } | { readonly away: string };
  /** The record at which it stands, as the journal's tool prints it. */
  readonly record?: readonly string[] | undefined;
  readonly holds: readonly RowOfHold[];
  readonly accounts: readonly AccountRow[];
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Every id in a text, once. */
export function idsIn(text: string): string[] {
  return [...new Set(text.match(UUID) ?? [])];
}

/** The shard's settlement for people. */
export function linesOf(shard: ShardSettlement): string[] {
  const { settler } = shard;
  return [
    headline(shard),
    `  cursor of the wallet: ${cursorText(shard.cursor)}`,
    `  journal of the shard: ${journalText(shard)}`,
    ...(settler === undefined
      ? ["  the settler does not answer: it is away, or its operations port is"]
      : []),
    ...(settler?.isSetBack === true ? ["  the wallet has lost commits; lost holds are made again"] : []),
    ...(settler?.stopped === undefined ? [] : stoppedLines(shard, settler.stopped)),
  ];
}

function headline({ shard, settler }: ShardSettlement): string {
  if (settler === undefined) return `shard ${shard}: unknown`;
  if (settler.stopped !== undefined) return `shard ${shard}: STOPPED`;
  if (settler.follows !== "yes") return `shard ${shard}: waits (${settler.follows})`;
  const lag = settler.lagRecords ?? 0;
  return `shard ${shard}: settles, ${lag} records and ${settler.backlogOperations} operations wait`;
}

function cursorText(cursor: ShardSettlement["cursor"]): string {
  if (cursor === undefined) return "at the beginning";
  const { seq, operations, epoch, stored_epoch, ageSeconds } = cursor;
  const part = operations === 0 ? "" : `, ${operations} operations of it`;
  return `record ${seq}${part}, epoch ${epoch} (highest stored ${stored_epoch}), moved ${ageSeconds.toFixed(0)} s ago`;
}

function journalText({ journal, cursor }: ShardSettlement): string {
  if ("away" in journal) return `out of reach (${journal.away})`;
  const lag = BigInt(journal.seq) - BigInt(cursor?.seq ?? 0);
  return `ends at record ${journal.seq}, epoch ${journal.epoch}: ${lag < 0n ? 0n : lag} records behind it`;
}

function stoppedLines(
  { record, holds, accounts }: ShardSettlement,
  stopped: NonNullable<WordOfSettler["stopped"]>,
): string[] {
  const { reason, facts, atMs } = stopped;
  return [
    `  stopped ${new Date(atMs).toISOString()}: ${reason}`,
    ...Object.entries(facts).map(([name, value]) => `    ${name}: ${value}`),
    ...listOf("  the record:", record ?? []),
    ...listOf("  reservations that it names:", holds.length === 0 ? ["none"] : holds.map(holdText)),
    ...listOf("  accounts of their owners:", accounts.map(accountText)),
    ...listOf("  what can be done:", adviceOf(reason, facts)),
  ];
}

function listOf(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [title, ...items.map((item) => `    ${item}`)];
}

function holdText(row: RowOfHold): string {
  const end =
    row.refusal ?? (row.final_status === null ? "" : `${row.final_status} ${row.final_reason ?? ""}`);
  const words = [
    row.order_id,
    row.leg_of === null ? "" : `leg of ${row.leg_of}`,
    `user ${row.user_id}`,
    row.shard === null ? "no shard" : `shard ${row.shard}`,
    row.state,
    end.trim(),
    `held ${row.amount} ${row.asset ?? ""}`.trim(),
    row.joined === "0.00000000" ? "" : `joined ${row.joined}`,
    `left ${row.remaining}`,
    row.sequenced ? "" : "no word of its shard",
    row.restored ? "made again" : "",
    `since ${row.created_at}`,
  ];
  return words.filter((word) => word !== "").join(", ");
}

function accountText({ user_id, asset, available, reserved }: AccountRow): string {
  return `${user_id} ${asset}: available ${available}, reserved ${reserved}`;
}

const RESTART = "Restart the settler: it begins at this record again, and nothing is done twice.";

/** What a person can do, by why it stands. */
export function adviceOf(reason: string, facts: Readonly<Record<string, string>>): string[] {
  if (reason === "SEQ_TOO_OLD")
    return [
      "The shard has deleted what is to be settled next: the database is older than what it keeps.",
      "Put back the archived files of its journal, or a later backup of the database.",
      RESTART,
    ];
  switch (facts.why) {
    case "funds are missing":
      return [
        "The wallet has lost commits, and among them money that these orders held: a deposit, or what was left when",
        "something else was reserved or withdrawn since.",
        "Repeat the deposits of the lost time with their request ids (one that is still there is not made twice), or",
        "credit the accounts named above by an adjustment with its reason.",
        RESTART,
      ];
    case "deposits, adjustments or withdrawals are missing":
      return [
        "The wallet has lost commits, and among them what is named above, which no journal tells of.",
        "Repeat each with its request id and content: it is made again, once.",
        "Where one must not come back, restart the wallets: they then no longer ask for it.",
        RESTART,
      ];
    case "the order has no reservation":
      return [
        "Nothing showed the settler that the wallet has lost commits. If its database was restored or failed over:",
        "name the shard in settler.setBackShards and restart the settler; it makes lost holds again from the journal.",
        "Take the shard out of the setting when it has caught up. If no commit was lost, an order reached its shard",
        "without a reserve: that is a fault, and the record above is its evidence.",
      ];
    case "the hold was refused since it was lost":
    case "the hold was made on other terms since it was lost":
      return [
        "The wallet has lost commits, and its owner asked for the same order again before settlement caught up.",
        "The journal's word holds and the row contradicts it: correct the row with whoever keeps the database, so",
        "that it holds what the record says.",
        RESTART,
      ];
    default:
      return [
        "The record and the wallet's rows contradict each other. Nothing behind it is settled, nothing is lost.",
        "Keep a copy of the journal and of the database, run npm run audit, and compare the rows with the record.",
        `After the repair: ${RESTART}`,
      ];
  }
}
