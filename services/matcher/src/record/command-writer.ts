// Commands as bytes of bourse.matcher.v1.Command.
import type { OrderTerms } from "../core/types.js";
import type { RecordHead } from "../flow/log.js";
import { reasons, selfTradeModes, sides, statuses, timesInForce, types } from "../rpc/matcher-words.js";
import type { MessageWriter } from "./message-writer.js";
import { rareCommandBytes } from "./rare-bytes.js";

/** More than the fields of any one command take, but for those that are rare. */
const FIELDS_BYTES_MAX = 1_024;

/** Writes what a command's message holds. There is room for it before it begins. */
export class CommandWriter {
  readonly #to: MessageWriter;
  /** Bytes of the lengths of these messages, guessed: by what the last one took. */
  #submitBytes = 1;
  #termsBytes = 1;

  constructor(to: MessageWriter) {
    this.#to = to;
  }

  write({ command, traceparent }: RecordHead): void {
    const to = this.#to;
    switch (command.type) {
      case "submit": {
        const submit = to.open(1, this.#submitBytes);
        const terms = to.open(1, this.#termsBytes);
        writeTerms(to, command.terms);
        this.#termsBytes = to.close(terms, this.#termsBytes);
        to.whole(2, command.expiresAtMs);
        this.#submitBytes = to.close(submit, this.#submitBytes);
        break;
      }
      case "cancel": {
        const cancel = to.open(2, 1);
        to.text(1, command.orderId);
        to.text(2, command.userId);
        to.text(3, command.operatorId);
        to.close(cancel, 1);
        break;
      }
      case "resolve": {
        const resolve = to.open(3, 1);
        to.text(1, command.orderId);
        to.text(2, command.userId);
        to.text(3, command.symbol);
        to.whole(4, statuses[command.tombstoneStatus]);
        to.whole(5, reasons[command.tombstoneReason]);
        to.whole(6, command.expiresAtMs);
        to.flag(7, command.cancelIfOpen);
        to.close(resolve, 1);
        break;
      }
      case "amend": {
        const amend = to.open(7, 2);
        to.text(1, command.orderId);
        to.text(2, command.userId);
        to.text(3, command.legId);
        to.text(4, command.symbol);
        to.whole(5, command.priceTicks);
        to.whole(6, command.quantityLots);
        to.whole(7, command.legUnits);
        to.text(8, command.legAmount);
        to.whole(9, command.expiresAtMs);
        to.close(amend, 2);
        break;
      }
      case "tick":
        to.close(to.open(6, 1), 1);
        break;
      default: {
        const bytes = rareCommandBytes(command, traceparent);
        to.room(FIELDS_BYTES_MAX + bytes.length);
        to.raw(bytes, 0, bytes.length);
        return;
      }
    }
    to.text(15, traceparent);
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
  to.whole(18, terms.stopPriceTicks);
  to.whole(19, selfTradeModes[terms.selfTradePrevention]);
}
