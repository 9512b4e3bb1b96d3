// Records of the journal as bytes, and back: bourse.matcher.v1.Record, written field by field.
//
// A start encodes every record again to compare it with what is stored, so this decides how long a shard is away.
// The generated code makes an object with all its defaults for each message on the way, the events' included,
// which replay decides anew: with it a record takes 2.7 times as long to decide again (measured on 100,000). The
// bytes are the same (record-bytes.test.ts compares them): fields in the order of their numbers, nothing for a
// zero, lengths as short as they can be.
import { MarketSchema } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { tradeIdOf } from "@bourse/shared/ids.js";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type {
  Command,
  JournalRecord,
  Market,
  MatcherEvent,
  OrderEnded,
  OrderTerms,
  TradeExecuted,
  TradeParty,
} from "../core/types.js";
import { marketStates, reasons, sides, statuses, timesInForce, types } from "./matcher-words.js";
import { MessageWriter } from "./message-writer.js";

/** Place and time of a record, and the bytes of its command. The events are not looked at. */
export interface RecordParts {
  readonly seq: number;
  readonly epoch: number;
  readonly timeMs: number;
  readonly command: Uint8Array | undefined;
}

/** Takes a record apart. Throws when its bytes are no message. */
export function readRecord(payload: Uint8Array): RecordParts {
  const reader = new BinaryReader(payload);
  let [seq, epoch, timeMs] = [0, 0, 0];
  let command: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag();
    if (no === 1 && wireType === WireType.Varint) seq = Number(reader.int64());
    else if (no === 2 && wireType === WireType.Varint) epoch = Number(reader.int64());
    else if (no === 3 && wireType === WireType.Varint) timeMs = Number(reader.int64());
    else if (no === 4 && wireType === WireType.LengthDelimited) command = reader.bytes();
    else reader.skip(wireType, no);
  }
  return { seq, epoch, timeMs, command };
}

/** Writes a shard's records. */
export interface RecordEncoder {
  encode(record: JournalRecord): Uint8Array;
  /** Whether a record has these bytes: as comparing them with `encode`, without making a copy. */
  encodesAs(record: JournalRecord, payload: Uint8Array): boolean;
}

/** Makes the encoder of a shard's records. */
export function createRecordEncoder(shard: number): RecordEncoder {
  const to = new MessageWriter();
  const write = (record: JournalRecord) => {
    to.whole(1, record.seq);
    to.whole(2, record.epoch);
    to.whole(3, record.timeMs);
    to.message(4, () => {
      writeCommand(to, record.command);
      to.text(15, record.traceparent);
    });
    for (const event of record.events) to.message(5, () => writeEvent(to, event, { shard, seq: record.seq }));
  };
  return {
    encode(record) {
      write(record);
      return to.take();
    },
    encodesAs(record, payload) {
      write(record);
      return to.equals(payload);
    },
  };
}

function writeCommand(to: MessageWriter, command: Command): void {
  switch (command.type) {
    case "submit":
      return to.message(1, () => {
        // They stand in the first event again.
        to.same(1, command.terms, () => writeTerms(to, command.terms));
        to.whole(2, command.expiresAtMs);
      });
    case "cancel":
      return to.message(2, () => {
        to.text(1, command.orderId);
        to.text(2, command.userId);
      });
    case "resolve":
      return to.message(3, () => {
        to.text(1, command.orderId);
        to.text(2, command.userId);
        to.text(3, command.symbol);
        to.whole(4, statuses[command.tombstoneStatus]);
        to.whole(5, reasons[command.tombstoneReason]);
        to.whole(6, command.expiresAtMs);
        to.flag(7, command.cancelIfOpen);
      });
    case "addMarket":
      return to.message(4, () => writeMarket(to, command.market));
    case "startEpoch":
      return to.message(5, () => to.whole(1, command.epoch));
    case "tick":
      return to.message(6, () => {});
  }
}

function writeEvent(to: MessageWriter, event: MatcherEvent, at: { shard: number; seq: number }): void {
  switch (event.type) {
    case "accepted":
      return to.message(1, () => to.same(1, event.terms, () => writeTerms(to, event.terms)));
    case "rested":
      return to.message(2, () => {
        to.text(1, event.orderId);
        to.text(2, event.symbol);
        to.whole(3, sides[event.side]);
        to.whole(4, event.priceTicks);
        to.whole(5, event.remainingLots);
      });
    case "trade":
      return to.message(3, () => writeTrade(to, event, tradeIdOf(at.shard, at.seq, event.index)));
    case "selfTradePrevented":
      return to.message(4, () => {
        to.text(1, event.symbol);
        to.text(2, event.takerOrderId);
        to.text(3, event.makerOrderId);
        to.whole(4, event.priceTicks);
        to.whole(5, event.quantityLots);
      });
    case "ended":
      return to.message(5, () => writeEnded(to, event));
    case "marketAdded":
      return to.message(6, () => writeMarket(to, event.market));
  }
}

function writeTerms(to: MessageWriter, terms: OrderTerms): void {
  to.text(1, terms.orderId);
  to.text(2, terms.userId);
  to.text(3, terms.clientOrderId);
  to.text(4, terms.symbol);
  to.whole(5, sides[terms.side]);
  to.whole(6, types[terms.type]);
  to.whole(7, timesInForce[terms.timeInForce]);
  to.whole(8, terms.priceTicks);
  to.whole(9, terms.quantityLots);
  to.whole(10, terms.budgetTickLots);
  to.flag(11, terms.byQuoteBudget);
  to.flag(12, terms.postOnly);
  to.whole(13, terms.makerFeePpm);
  to.whole(14, terms.takerFeePpm);
  to.text(15, terms.reservedAsset);
  to.text(16, terms.reservedAmount);
  to.text(17, terms.quoteBudget);
}

function writeTrade(to: MessageWriter, trade: TradeExecuted, tradeId: string): void {
  to.text(1, tradeId);
  to.text(2, trade.symbol);
  to.whole(3, trade.priceTicks);
  to.whole(4, trade.quantityLots);
  to.whole(5, sides[trade.takerSide]);
  to.message(6, () => writeParty(to, trade.maker));
  to.message(7, () => writeParty(to, trade.taker));
  to.whole(8, trade.buyerLimitTicks);
  to.whole(9, trade.index);
}

function writeParty(to: MessageWriter, party: TradeParty): void {
  to.text(1, party.orderId);
  to.text(2, party.userId);
  to.text(3, party.clientOrderId);
  to.whole(4, party.feePpm);
  to.text(5, party.receivedBefore);
  to.whole(6, party.createdAtMs);
  to.whole(7, party.remainingLots);
}

function writeEnded(to: MessageWriter, ended: OrderEnded): void {
  const { resting, terms } = ended;
  to.text(1, ended.orderId);
  to.text(2, ended.userId);
  to.text(3, ended.symbol);
  to.whole(4, statuses[ended.status]);
  to.whole(5, reasons[ended.reason]);
  to.whole(6, ended.executedLots);
  to.text(7, ended.executedTickLots);
  to.flag(8, resting !== undefined);
  to.whole(9, resting === undefined ? 0 : sides[resting.side]);
  to.whole(10, resting?.priceTicks ?? 0);
  to.whole(11, ended.remainingLots);
  to.whole(12, ended.createdAtMs);
  if (terms !== undefined) to.same(13, terms, () => writeTerms(to, terms));
  to.flag(14, ended.isTombstone);
  to.whole(15, ended.acceptedSeq);
}

/** A market is made once: the generated code is fast enough. */
function writeMarket(to: MessageWriter, market: Market): void {
  const message = create(MarketSchema, { ...market, state: marketStates[market.state] });
  to.bytes(1, toBinary(MarketSchema, message));
}
