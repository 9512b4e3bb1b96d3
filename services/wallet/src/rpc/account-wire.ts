// AccountService's messages: what is asked for in, read once with the reason of the field; answers out.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  type AdjustBalanceRequest,
  type BalanceSchema,
  type DepositRequest,
  EntryDirection,
  LedgerEntryKind,
  type LedgerEntrySchema,
  type ListLedgerEntriesRequest,
  type WithdrawalSchema,
  WithdrawalState,
  type WithdrawRequest,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { transferIdOf } from "@bourse/shared/ids.js";
import { readPageRequest, textOfTime } from "@bourse/shared/rpc/page-request.js";
import { formatPageToken, parsePageToken } from "@bourse/shared/rpc/page-token.js";
import { formatAtoms, parsePositiveAtoms } from "@bourse/shared/units/atoms.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { LedgerKind, LedgerPlace, LedgerQuery, LedgerRow } from "../core/ledger-page.js";
import type {
  AccountRequest,
  Adjustment,
  Balance,
  Deposit,
  Direction,
  RequestKind,
} from "../core/transfer.js";
import type { Withdrawal } from "../core/withdrawal.js";
import { readAsset, readCustomer, readUserId } from "./values.js";

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/;
const REASON_LENGTH_MAX = 200;
/** Not only blanks and what nobody sees, and no control characters. */
const REASON = /^[\p{Z}\p{Cf}]*[^\p{Z}\p{Cc}\p{Cf}]\P{Cc}*$/u;

/** Key of an operation. */
export function readRequestId(requestId: string): string {
  if (requestId === "") throw new DomainError("FIELD_REQUIRED", { field: "request_id" });
  if (!REQUEST_ID.test(requestId)) throw new DomainError("INVALID_REQUEST_ID", { field: "request_id" });
  return requestId;
}

export function readDeposit(request: DepositRequest): Deposit {
  return { kind: "DEPOSIT", ...readAccountRequest("DEPOSIT", request) };
}

export function readWithdrawal(request: WithdrawRequest): AccountRequest {
  return readAccountRequest("WITHDRAWAL", request);
}

export function readAdjustment(request: AdjustBalanceRequest): Adjustment {
  const asked = readAccountRequest("ADJUSTMENT", request);
  return {
    kind: "ADJUSTMENT",
    ...asked,
    direction: readDirection(request.direction),
    reason: readReason(request.reason),
  };
}

function readAccountRequest(
  kind: RequestKind,
  request: DepositRequest | WithdrawRequest | AdjustBalanceRequest,
): AccountRequest {
  const userId = readCustomer("user_id", request.userId);
  const asset = readAsset("asset", request.asset);
  const amountAtoms = parsePositiveAtoms("amount", request.amount ?? "");
  const requestId = readRequestId(request.requestId);
  return { requestId, transactionId: transferIdOf(kind, requestId), userId, asset, amountAtoms };
}

function readReason(reason: string): string {
  if (reason === "") throw new DomainError("FIELD_REQUIRED", { field: "reason" });
  if ([...reason].length > REASON_LENGTH_MAX || !REASON.test(reason))
    throw new DomainError("INVALID_FIELD", { field: "reason" });
  return reason;
}

function readDirection(direction: EntryDirection): Direction {
  if (direction === EntryDirection.CREDIT) return "CREDIT";
  if (direction === EntryDirection.DEBIT) return "DEBIT";
  if (direction === EntryDirection.UNSPECIFIED)
    throw new DomainError("FIELD_REQUIRED", { field: "direction" });
  throw new DomainError("INVALID_ENUM", { field: "direction" });
}

const KINDS: Readonly<Record<LedgerEntryKind, LedgerKind | undefined>> = {
  [LedgerEntryKind.UNSPECIFIED]: undefined,
  [LedgerEntryKind.TRADE]: "TRADE",
  [LedgerEntryKind.DEPOSIT]: "DEPOSIT",
  [LedgerEntryKind.WITHDRAWAL]: "WITHDRAWAL",
  [LedgerEntryKind.ADJUSTMENT]: "ADJUSTMENT",
};

/** Query of a request. Refuses bad filters, times and page tokens. */
export function readLedgerQuery(request: ListLedgerEntriesRequest): LedgerQuery {
  const { kind } = request;
  if (!(kind in KINDS)) throw new DomainError("INVALID_ENUM", { field: "kind" });
  const limits = readPageRequest(request);
  const userId = readUserId("user_id", request.userId);
  const asset = request.asset === "" ? undefined : readAsset("asset", request.asset);
  const cells = parsePageToken(listOf(request), request.pageToken, ["number", "number"]);
  const after = cells && { recordedAtUs: cells[0] as number, entryId: cells[1] as number };
  return { ...limits, userId, asset, kind: KINDS[kind], after };
}

/** Token of the page behind a place; "" for none. */
export function pageTokenOf(request: ListLedgerEntriesRequest, next: LedgerPlace | undefined): string {
  return next === undefined ? "" : formatPageToken(listOf(request), [next.recordedAtUs, next.entryId]);
}

/** The list that a token belongs to, by owner and filters; the page size may change from page to page. */
function listOf({ userId, asset, kind, fromTime, toTime }: ListLedgerEntriesRequest): string {
  return ["ledger", userId.toLowerCase(), asset, kind, textOfTime(fromTime), textOfTime(toTime)].join("|");
}

export function entryMessage(row: LedgerRow): MessageInitShape<typeof LedgerEntrySchema> {
  const { kind, transactionId } = row;
  return {
    entryId: BigInt(row.entryId),
    transactionId,
    kind: LedgerEntryKind[kind],
    asset: row.asset,
    direction: EntryDirection[row.direction],
    amount: formatAtoms(row.amountAtoms),
    tradeId: kind === "TRADE" ? transactionId : "",
    requestId: row.requestId ?? "",
    reason: row.reason ?? "",
    recordedTime: timestampFromMs(Math.floor(row.recordedAtUs / 1_000)),
  };
}

export function withdrawalMessage(withdrawal: Withdrawal): MessageInitShape<typeof WithdrawalSchema> {
  const { requestId, userId, asset, amountAtoms, state, createdAtMs, ended, transactionId } = withdrawal;
  return {
    requestId,
    userId,
    asset,
    amount: formatAtoms(amountAtoms),
    state: WithdrawalState[state],
    createdTime: timestampFromMs(createdAtMs),
    ...(ended !== undefined && { endedTime: timestampFromMs(ended.endedAtMs) }),
    ...(state === "COMPLETED" && { transactionId, ledgerEntryIds: idsMessage(ended?.entryIds) }),
  };
}

export function balanceMessage({
  asset,
  availableAtoms,
  reservedAtoms,
}: Balance): MessageInitShape<typeof BalanceSchema> {
  return { asset, available: formatAtoms(availableAtoms), reserved: formatAtoms(reservedAtoms) };
}

export function idsMessage(entryIds: readonly number[] = []): bigint[] {
  return entryIds.map(BigInt);
}
