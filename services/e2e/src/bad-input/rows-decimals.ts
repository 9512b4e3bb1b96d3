// RELIABILITY 5.1: decimals, each in every field that holds one.
import type { JsonObject } from "@bufbuild/protobuf";
import { adjustment, type Caller, deposit, limit, market, methods, type Row } from "./row.js";

interface DecimalField {
  readonly field: string;
  readonly method: Row["method"];
  readonly caller: Caller;
  /** Reason for zero. */
  readonly whenZero: string;
  readonly request: (value: unknown) => JsonObject;
}

const fields: readonly DecimalField[] = [
  {
    field: "price",
    method: methods.placeOrder,
    caller: "trader",
    whenZero: "PRICE_NOT_POSITIVE",
    request: (price) => limit({ price }),
  },
  {
    field: "quantity",
    method: methods.placeOrder,
    caller: "trader",
    whenZero: "QUANTITY_NOT_POSITIVE",
    request: (quantity) => limit({ quantity }),
  },
  {
    field: "quote_budget",
    method: methods.placeOrder,
    caller: "trader",
    whenZero: "AMOUNT_NOT_POSITIVE",
    request: (quoteBudget) => market({ quantity: undefined, quoteBudget }),
  },
  {
    field: "stop_price",
    method: methods.placeOrder,
    caller: "trader",
    whenZero: "PRICE_NOT_POSITIVE",
    request: (stopPrice) => limit({ type: "ORDER_TYPE_STOP_LIMIT", stopPrice }),
  },
  {
    field: "amount",
    method: methods.deposit,
    caller: "operator",
    whenZero: "AMOUNT_NOT_POSITIVE",
    request: (amount) => deposit({ amount }),
  },
  {
    field: "amount",
    method: methods.withdraw,
    caller: "operator",
    whenZero: "AMOUNT_NOT_POSITIVE",
    request: (amount) => deposit({ amount }),
  },
  {
    field: "amount",
    method: methods.adjustBalance,
    caller: "operator",
    whenZero: "AMOUNT_NOT_POSITIVE",
    request: (amount) => adjustment({ amount }),
  },
];

interface Values {
  readonly row: string;
  readonly values: readonly string[];
  readonly code?: string;
  readonly reason: string | "whenZero";
}

const values: readonly Values[] = [
  { row: "1", values: ["1e3", "1E-2"], reason: "INVALID_DECIMAL" },
  { row: "2", values: ["NaN"], reason: "INVALID_DECIMAL" },
  { row: "3", values: ["Infinity", "-Infinity"], reason: "INVALID_DECIMAL" },
  { row: "4", values: [" 1", "1 ", "1\n", "\t1", "1\u00a0"], reason: "INVALID_DECIMAL" },
  { row: "5", values: ["+1"], reason: "INVALID_DECIMAL" },
  { row: "6", values: ["-1"], reason: "INVALID_DECIMAL" },
  { row: "7", values: ["-0", "-0.0"], reason: "INVALID_DECIMAL" },
  { row: "8", values: ["0", "0.0", "0.00000000"], code: "OUT_OF_RANGE", reason: "whenZero" },
  { row: "9", values: [""], reason: "FIELD_REQUIRED" },
  { row: "10", values: ["1.000000001"], reason: "TOO_MANY_DECIMALS" },
  { row: "11", values: ["1.000000000"], reason: "TOO_MANY_DECIMALS" },
  { row: "12", values: ["1000000000000"], code: "OUT_OF_RANGE", reason: "VALUE_TOO_LARGE" },
  { row: "13", values: ["9".repeat(10_000)], reason: "INVALID_DECIMAL" },
  { row: "14", values: ["01", "00.1"], reason: "INVALID_DECIMAL" },
  { row: "15", values: [".5", "5."], reason: "INVALID_DECIMAL" },
  { row: "16", values: ["1,5", "1_000", "1 000"], reason: "INVALID_DECIMAL" },
  { row: "17", values: ["0x10", "0b1", "1n"], reason: "INVALID_DECIMAL" },
  { row: "18", values: ["\uff11", "\u0661", "\u00b2"], reason: "INVALID_DECIMAL" },
  { row: "19", values: ["1\u0000", "1\u200b2"], reason: "INVALID_DECIMAL" },
  { row: "21", values: ["9007199254740993"], code: "OUT_OF_RANGE", reason: "VALUE_TOO_LARGE" },
];

/** Values that are no JSON string, as they stand in a body; `1e400` is more than a JSON reader can hold. */
const otherTypes = ["1.1", "1e400", "true", "{}", "[]"];

/** Every value in every field. */
export const decimalRows: readonly Row[] = fields.flatMap((at): Row[] => {
  const common = { method: at.method, caller: at.caller, field: at.field };
  const where = `${at.field} of ${at.method.name}`;
  const texts = values.flatMap(({ row, values: each, code = "INVALID_ARGUMENT", reason }) =>
    each.map((value): Row => {
      const shown = value.length > 40 ? `${value.length} digits` : JSON.stringify(value);
      const expected = reason === "whenZero" ? at.whenZero : reason;
      return {
        ...common,
        row,
        what: `${shown} as ${where}`,
        request: at.request(value),
        code,
        reason: expected,
      };
    }),
  );
  const types = otherTypes.map((text): Row => {
    const request = at.request("@");
    const raw = Buffer.from(JSON.stringify(request).replace('"@"', text));
    const what = `${text} as ${where}`;
    return {
      ...common,
      row: "20",
      what,
      on: "json",
      request,
      raw,
      code: "INVALID_ARGUMENT",
      reason: "INVALID_TYPE",
    };
  });
  return [...texts, ...types];
});

const place = { method: methods.placeOrder, caller: "trader" as const };

/** What depends on the market's grid and limits. */
export const gridRows: readonly Row[] = [
  {
    ...place,
    row: "22",
    what: "price times quantity above 2^53 - 1",
    request: limit({ price: "99999999.99", quantity: "10" }),
    code: "OUT_OF_RANGE",
    reason: "NOTIONAL_TOO_LARGE",
  },
  {
    ...place,
    row: "22",
    what: "a budget above 2^53 - 1 ticks times lots",
    request: market({ quantity: undefined, quoteBudget: "999999999999" }),
    code: "OUT_OF_RANGE",
    reason: "NOTIONAL_TOO_LARGE",
  },
  {
    ...place,
    row: "23",
    what: "a price off the tick",
    request: limit({ price: "100.001" }),
    code: "INVALID_ARGUMENT",
    reason: "PRICE_OFF_TICK",
    field: "price",
  },
  {
    ...place,
    row: "24",
    what: "a quantity off the lot",
    request: limit({ quantity: "0.000105" }),
    code: "INVALID_ARGUMENT",
    reason: "QUANTITY_OFF_LOT",
    field: "quantity",
  },
  {
    ...place,
    row: "25",
    what: "a quantity below the minimum",
    request: limit({ quantity: "0.00009" }),
    code: "OUT_OF_RANGE",
    reason: "QUANTITY_TOO_SMALL",
    field: "quantity",
  },
  {
    ...place,
    row: "26",
    what: "a quantity above the maximum",
    request: limit({ symbol: "CAP/USDT", quantity: "11" }),
    code: "OUT_OF_RANGE",
    reason: "QUANTITY_TOO_LARGE",
    field: "quantity",
  },
  {
    ...place,
    row: "27",
    what: "a notional below the minimum",
    request: limit({ symbol: "CAP/USDT", price: "9", quantity: "1" }),
    code: "FAILED_PRECONDITION",
    reason: "NOTIONAL_TOO_SMALL",
  },
];
