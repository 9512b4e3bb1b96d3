// RELIABILITY 5.2 to 5.4 for what moves money by hand and for the ledger. Amounts are among the decimals.
import type { JsonObject } from "@bufbuild/protobuf";
import { adjustment, deposit, methods, type Row } from "./row.js";

const other = "6b0e8a51-93a4-4cf6-9d43-6d9f5e2a4a10";
const operator = { caller: "operator", code: "INVALID_ARGUMENT" } as const;
const scope = { code: "PERMISSION_DENIED", reason: "INSUFFICIENT_SCOPE", row: "85" } as const;
const ends = [methods.completeWithdrawal, methods.cancelWithdrawal];

/** Bad fields that calls of one kind have in common. */
function fields(
  kind: Pick<Row, "method"> & { readonly of: (changes: Record<string, unknown>) => JsonObject },
): Row[] {
  const { method, of } = kind;
  const what = (text: string) => `${method.name}: ${text}`;
  const row = (text: string, changes: Record<string, unknown>, reason: string, field: string): Row => {
    return { ...operator, row: "49", what: what(text), method, request: of(changes), reason, field };
  };
  return [
    row("no user", { userId: undefined }, "FIELD_REQUIRED", "user_id"),
    row("a user that is none", { userId: "alice" }, "INVALID_USER_ID", "user_id"),
    row(
      "an account of the house",
      { userId: "00000000-0000-0000-0000-000000000003" },
      "INVALID_USER_ID",
      "user_id",
    ),
    row("no asset", { asset: undefined }, "FIELD_REQUIRED", "asset"),
    row("an asset in small letters", { asset: "usdt" }, "INVALID_ASSET", "asset"),
    row("no amount", { amount: undefined }, "FIELD_REQUIRED", "amount"),
    row("no request id", { requestId: undefined }, "FIELD_REQUIRED", "request_id"),
    row("a request id with a blank", { requestId: "a b" }, "INVALID_REQUEST_ID", "request_id"),
    row("a request id of 65 characters", { requestId: "r".repeat(65) }, "INVALID_REQUEST_ID", "request_id"),
    {
      ...row("an asset that no market trades", { asset: "NOPE" }, "ASSET_NOT_FOUND", "asset"),
      code: "NOT_FOUND",
    },
  ];
}

/** Withdrawals, adjustments and pages of the ledger. */
export const accountRows: readonly Row[] = [
  ...fields({ method: methods.withdraw, of: deposit }),
  ...fields({ method: methods.adjustBalance, of: adjustment }),
  ...(
    [
      ["no direction", { direction: undefined }, "FIELD_REQUIRED", "direction"],
      ["a direction that is none", { direction: 9 }, "INVALID_ENUM", "direction"],
      ["no reason", { reason: undefined }, "FIELD_REQUIRED", "reason"],
      ["a reason of blanks", { reason: "   " }, "INVALID_FIELD", "reason"],
      ["a reason of 201 characters", { reason: "é".repeat(201) }, "INVALID_FIELD", "reason"],
      ["a reason of two lines", { reason: "a\nb" }, "INVALID_FIELD", "reason"],
    ] as const
  ).map(([what, changes, reason, field]): Row => {
    const request = adjustment(changes);
    return { ...operator, row: "49", what, method: methods.adjustBalance, request, reason, field };
  }),
  {
    ...operator,
    row: "44",
    what: "a debit of what is not there",
    method: methods.adjustBalance,
    request: adjustment({ direction: "ENTRY_DIRECTION_DEBIT" }),
    code: "FAILED_PRECONDITION",
    reason: "INSUFFICIENT_FUNDS",
  },
  {
    ...operator,
    row: "44",
    what: "a withdrawal of what is not there",
    method: methods.withdraw,
    request: deposit(),
    code: "FAILED_PRECONDITION",
    reason: "INSUFFICIENT_FUNDS",
  },
  ...[...ends, methods.getWithdrawal].map(
    (method): Row => ({
      ...operator,
      row: "63",
      what: `${method.name} of what nobody withdrew`,
      method,
      request: { requestId: "never" },
      code: "NOT_FOUND",
      reason: "WITHDRAWAL_NOT_FOUND",
    }),
  ),
  ...[...ends, methods.getWithdrawal].map(
    (method): Row => ({
      ...operator,
      row: "49",
      what: `${method.name} of a key with a blank`,
      method,
      request: { requestId: "a b" },
      reason: "INVALID_REQUEST_ID",
      field: "request_id",
    }),
  ),
  ...ends.map(
    (method): Row => ({ ...scope, what: `a trader: ${method.name}`, method, request: { requestId: "w" } }),
  ),
  {
    ...scope,
    what: "a trader reads a withdrawal",
    method: methods.getWithdrawal,
    request: { requestId: "w" },
  },
  { ...scope, what: "a trader adjusts", method: methods.adjustBalance, request: adjustment() },
  {
    ...scope,
    what: "an auditor adjusts",
    method: methods.adjustBalance,
    request: adjustment(),
    caller: "auditor",
  },
  {
    ...scope,
    what: "a trader reads another's ledger",
    method: methods.listLedgerEntries,
    request: { userId: other },
    field: "user_id",
  },
  ...(
    [
      ["55b", "a page size -1", { pageSize: -1 }, "INVALID_PAGE_SIZE", "page_size"],
      ["55b", "a page token that nobody made", { pageToken: "AAAA" }, "INVALID_PAGE_TOKEN", "page_token"],
      ["49", "an asset that is none", { asset: "b!" }, "INVALID_ASSET", "asset"],
      ["34", "a kind that is none", { kind: 9 }, "INVALID_ENUM", "kind"],
      ["57", "a user that is none", { userId: "x" }, "INVALID_USER_ID", "user_id"],
      [
        "56",
        "from after to",
        { fromTime: "2026-02-01T00:00:00Z", toTime: "2026-01-01T00:00:00Z" },
        "INVALID_TIME_RANGE",
        "from_time",
      ],
      ["56", "the year 9999", { toTime: "9999-12-31T23:59:59Z" }, "INVALID_TIME_RANGE", "to_time"],
    ] as const
  ).map(([row, what, request, reason, field]): Row => {
    const method = methods.listLedgerEntries;
    return {
      row,
      what: `ledger: ${what}`,
      method,
      request: { ...request },
      code: "INVALID_ARGUMENT",
      reason,
      field,
    };
  }),
];
