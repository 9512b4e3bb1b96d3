// The hold that a record was decided on, as the record tells of it: what a gateway reserved before it asked the shard.
import { createHash } from "node:crypto";
import {
  type AmendCommand,
  AmendCommandSchema,
  type OrderTerms,
  OrderTermsSchema,
  type Record as ShardRecord,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  OrderType,
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { parseAtoms } from "@bourse/shared/units/atoms.js";
import { canonicalChange, canonicalTerms } from "@bourse/shared/units/canonical.js";
import type { Grid } from "@bourse/shared/units/market.js";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Hold } from "../core/restore.js";

/** The hold of a record's order, or of the leg of its amend; undefined when it was decided on none. */
export function holdOf(record: ShardRecord, grids: ReadonlyMap<string, Grid>): Hold | undefined {
  const terms = decidedTerms(record);
  if (terms !== undefined) return holdOfOrder(Number(record.seq), terms, grids.get(terms.symbol));
  const command = record.command?.kind;
  if (command?.case !== "amend" || command.value.legAmount === "") return undefined;
  const { legId, symbol } = command.value;
  const isDecided = record.events.some(
    ({ kind }) => (kind.case === "amended" || kind.case === "amendRefused") && kind.value.legId === legId,
  );
  return isDecided ? holdOfLeg(Number(record.seq), command.value, grids.get(symbol)) : undefined;
}

/** Terms of the order that a record accepts or refuses; undefined when it does neither. */
function decidedTerms({ command, events }: ShardRecord): OrderTerms | undefined {
  const submitted = command?.kind.case === "submit" ? command.kind.value.terms : undefined;
  for (const { kind } of events) {
    if (kind.case === "accepted") return submitted ?? kind.value.terms;
    // A tombstone is of an order that the shard never saw.
    if (kind.case === "ended" && !kind.value.isTombstone && kind.value.orderId === submitted?.orderId)
      return submitted;
  }
  return undefined;
}

function holdOfOrder(seq: number, terms: OrderTerms, grid: Grid | undefined): Hold | undefined {
  if (grid === undefined || terms.reservedAmount === "") return undefined;
  const mode = terms.selfTradePrevention;
  const canonical = canonicalTerms(
    {
      symbol: terms.symbol,
      side: Side[terms.side],
      type: OrderType[terms.type],
      timeInForce: TimeInForce[terms.timeInForce],
      priceTicks: Number(terms.priceTicks),
      stopPriceTicks: Number(terms.stopPriceTicks),
      quantityLots: Number(terms.quantityLots),
      byQuoteBudget: terms.byQuoteBudget,
      quoteBudget: terms.quoteBudget,
      postOnly: terms.postOnly,
      selfTradePrevention:
        mode === SelfTradePrevention.UNSPECIFIED ? "CANCEL_TAKER" : SelfTradePrevention[mode],
    },
    grid,
  );
  return {
    seq,
    orderId: terms.orderId,
    legOf: undefined,
    userId: terms.userId,
    asset: terms.reservedAsset,
    amountAtoms: parseAtoms("reserved_amount", terms.reservedAmount),
    fingerprintHex: fingerprintOf(canonical),
    terms: toBinary(OrderTermsSchema, terms),
  };
}

function holdOfLeg(seq: number, amend: AmendCommand, grid: Grid | undefined): Hold | undefined {
  if (grid === undefined) return undefined;
  const { orderId, userId, legId, legAmount } = amend;
  const change = { priceTicks: Number(amend.priceTicks), quantityLots: Number(amend.quantityLots) };
  return {
    seq,
    orderId: legId,
    legOf: orderId,
    userId,
    asset: undefined,
    amountAtoms: parseAtoms("leg_amount", legAmount),
    fingerprintHex: fingerprintOf(canonicalChange(orderId, change, grid)),
    // As its gateway stored it: before it knew until when the shard may decide.
    terms: toBinary(AmendCommandSchema, create(AmendCommandSchema, { ...amend, expiresAtMs: 0n })),
  };
}

function fingerprintOf(canonical: string): string {
  return createHash("sha256").update(canonical).digest("hex");
}
