// How many operations settlement makes of a record: where a cursor behind it stands.
import type { Record as JournalRecord } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { SelfTradePrevention } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";

/**
 * A mark for each accepted order, each trade, each end, each amend and each refused one, and one adjustment for
 * each order that prevention left with less; no mark and no such adjustment of orders that end in the record.
 */
export function operationsOf(record: JournalRecord): number {
  const ended = new Set(
    record.events.flatMap(({ kind }) => (kind.case === "ended" ? [kind.value.orderId] : [])),
  );
  const lessened = new Set(record.events.flatMap(lessenedBy).filter((orderId) => !ended.has(orderId)));
  return (
    lessened.size +
    record.events.filter(({ kind }) => {
      if (kind.case === "accepted") return !ended.has(acceptedIdOf(record, kind.value.terms?.orderId));
      return ["trade", "ended", "amended", "amendRefused"].includes(kind.case ?? "");
    }).length
  );
}

/** Orders that an event leaves with less without a trade. */
function lessenedBy({ kind }: JournalRecord["events"][number]): string[] {
  if (kind.case !== "selfTradePrevented" || kind.value.mode !== SelfTradePrevention.DECREMENT) return [];
  return [kind.value.takerOrderId, kind.value.makerOrderId];
}

/** Records since rules 2 name an accepted order in their command alone. */
function acceptedIdOf({ command }: JournalRecord, named: string | undefined): string {
  if (named !== undefined) return named;
  return command?.kind.case === "submit" ? (command.kind.value.terms?.orderId ?? "") : "";
}
