/**
 * Every expected failure. The key is the stable reason that clients switch on; `status` is the gRPC
 * status name and tells generic tooling (HTTP mapping, retries) how to treat it. Explained one by one
 * in proto/README.md. No imports, so that the core may use it.
 */
export const failures = {
  // What was sent cannot be read.
  MALFORMED_REQUEST: { status: "INVALID_ARGUMENT", text: "the request cannot be read" },
  UNKNOWN_FIELD: { status: "INVALID_ARGUMENT", text: "a field is not known" },
  INVALID_TYPE: { status: "INVALID_ARGUMENT", text: "a field has the wrong type" },
  INVALID_ENUM: { status: "INVALID_ARGUMENT", text: "a field has a value that does not exist" },
  INVALID_FIELD: { status: "INVALID_ARGUMENT", text: "a field is malformed" },
  FIELD_REQUIRED: { status: "INVALID_ARGUMENT", text: "a field is required" },
  MESSAGE_TOO_LARGE: { status: "RESOURCE_EXHAUSTED", text: "the message is too large" },
  UNSUPPORTED_MEDIA_TYPE: { status: "INVALID_ARGUMENT", text: "the content type is not supported" },
  UNSUPPORTED_ENCODING: { status: "UNIMPLEMENTED", text: "the content encoding is not supported" },
  METHOD_NOT_ALLOWED: { status: "UNIMPLEMENTED", text: "the method is not allowed here" },
  UNIMPLEMENTED: { status: "UNIMPLEMENTED", text: "there is no such call" },

  // Numbers.
  INVALID_DECIMAL: { status: "INVALID_ARGUMENT", text: "not a decimal number in plain notation" },
  TOO_MANY_DECIMALS: { status: "INVALID_ARGUMENT", text: "more than 8 decimals" },
  VALUE_TOO_LARGE: { status: "OUT_OF_RANGE", text: "the value is too large" },
  PRICE_NOT_POSITIVE: { status: "OUT_OF_RANGE", text: "the price must be above zero" },
  QUANTITY_NOT_POSITIVE: { status: "OUT_OF_RANGE", text: "the quantity must be above zero" },
  AMOUNT_NOT_POSITIVE: { status: "OUT_OF_RANGE", text: "the amount must be above zero" },
  PRICE_OFF_TICK: { status: "INVALID_ARGUMENT", text: "the price is not a multiple of the tick size" },
  QUANTITY_OFF_LOT: { status: "INVALID_ARGUMENT", text: "the quantity is not a multiple of the lot size" },
  QUANTITY_TOO_SMALL: { status: "OUT_OF_RANGE", text: "the quantity is below the market's minimum" },
  QUANTITY_TOO_LARGE: { status: "OUT_OF_RANGE", text: "the quantity is above the market's maximum" },
  NOTIONAL_TOO_SMALL: { status: "FAILED_PRECONDITION", text: "the notional is below the market's minimum" },
  NOTIONAL_TOO_LARGE: { status: "OUT_OF_RANGE", text: "price times quantity is too large" },

  // Fields of an order and their combinations.
  INVALID_SYMBOL: { status: "INVALID_ARGUMENT", text: "not a symbol" },
  INVALID_CLIENT_ORDER_ID: { status: "INVALID_ARGUMENT", text: "not a client order id" },
  INVALID_ORDER_ID: { status: "INVALID_ARGUMENT", text: "not an order id" },
  INVALID_USER_ID: { status: "INVALID_ARGUMENT", text: "not a user id" },
  INVALID_REQUEST_ID: { status: "INVALID_ARGUMENT", text: "not a request id" },
  INVALID_ASSET: { status: "INVALID_ARGUMENT", text: "not an asset code" },
  INVALID_LEVELS: { status: "INVALID_ARGUMENT", text: "not a number of levels" },
  INVALID_PAGE_SIZE: { status: "INVALID_ARGUMENT", text: "not a page size" },
  INVALID_PAGE_TOKEN: { status: "INVALID_ARGUMENT", text: "not a page token of this list" },
  INVALID_TIME_RANGE: { status: "INVALID_ARGUMENT", text: "not a time range" },
  INVALID_MARKET: { status: "INVALID_ARGUMENT", text: "the market cannot work" },
  INVALID_COMBINATION: { status: "INVALID_ARGUMENT", text: "these fields do not go together" },
  PRICE_REQUIRED: { status: "INVALID_ARGUMENT", text: "this order type needs a price" },
  PRICE_NOT_ALLOWED: { status: "INVALID_ARGUMENT", text: "this order type has no price" },
  QUANTITY_REQUIRED: { status: "INVALID_ARGUMENT", text: "this order needs a quantity" },
  STOP_PRICE_REQUIRED: { status: "INVALID_ARGUMENT", text: "this order type needs a stop price" },
  STOP_PRICE_NOT_ALLOWED: { status: "INVALID_ARGUMENT", text: "this order type has no stop price" },

  // The state of the exchange forbids it.
  SYMBOL_NOT_FOUND: { status: "NOT_FOUND", text: "there is no such market" },
  ASSET_NOT_FOUND: { status: "NOT_FOUND", text: "no market trades this asset" },
  ORDER_NOT_FOUND: { status: "NOT_FOUND", text: "there is no such order" },
  RESERVATION_NOT_FOUND: { status: "NOT_FOUND", text: "there is no such reservation" },
  WITHDRAWAL_NOT_FOUND: { status: "NOT_FOUND", text: "there is no such withdrawal" },
  SERVICE_NOT_FOUND: { status: "NOT_FOUND", text: "there is no such service here" },
  SYMBOL_HALTED: { status: "FAILED_PRECONDITION", text: "the market is halted" },
  SYMBOL_POST_ONLY: { status: "FAILED_PRECONDITION", text: "the market takes post-only orders only" },
  SYMBOL_CANCEL_ONLY: { status: "FAILED_PRECONDITION", text: "the market takes cancels only" },
  SYMBOL_DELISTED: { status: "FAILED_PRECONDITION", text: "the market is delisted" },
  POST_ONLY_WOULD_TAKE: { status: "FAILED_PRECONDITION", text: "the order would take at this price" },
  PRICE_OUT_OF_BAND: { status: "FAILED_PRECONDITION", text: "the price lies too far from the last trade" },
  LEG_TOO_SMALL: { status: "FAILED_PRECONDITION", text: "what was reserved for the amend is too little" },
  INSUFFICIENT_FUNDS: { status: "FAILED_PRECONDITION", text: "available balance is too low" },
  INSUFFICIENT_LIQUIDITY: { status: "FAILED_PRECONDITION", text: "the market has no price to start from" },
  ORDER_NOT_OPEN: { status: "FAILED_PRECONDITION", text: "the order is no longer open" },
  WITHDRAWAL_COMPLETED: { status: "FAILED_PRECONDITION", text: "the withdrawal is completed" },
  WITHDRAWAL_CANCELLED: { status: "FAILED_PRECONDITION", text: "the withdrawal is cancelled" },
  CLIENT_ORDER_ID_REUSED: { status: "ALREADY_EXISTS", text: "the client order id belongs to another order" },
  REQUEST_ID_REUSED: { status: "ALREADY_EXISTS", text: "the request id belongs to another request" },
  ORDER_ID_REUSED: { status: "ALREADY_EXISTS", text: "the order id was released with other content" },
  TRADE_ID_REUSED: { status: "ALREADY_EXISTS", text: "the trade id belongs to another trade" },
  MARKET_DIFFERS: { status: "ALREADY_EXISTS", text: "the market exists with other properties" },

  // Who is calling, and how often.
  UNAUTHENTICATED: { status: "UNAUTHENTICATED", text: "a bearer token is required" },
  INVALID_TOKEN: { status: "UNAUTHENTICATED", text: "the token is not valid" },
  TOKEN_EXPIRED: { status: "UNAUTHENTICATED", text: "the token has expired" },
  INSUFFICIENT_SCOPE: { status: "PERMISSION_DENIED", text: "the token does not allow this" },
  FORBIDDEN: { status: "PERMISSION_DENIED", text: "the caller may not make this call" },
  RATE_LIMITED: { status: "RESOURCE_EXHAUSTED", text: "too many requests" },
  TOO_MANY_IN_FLIGHT: { status: "RESOURCE_EXHAUSTED", text: "too many unanswered commands" },
  SLOW_CONSUMER: { status: "RESOURCE_EXHAUSTED", text: "the reader is too slow" },

  // Something is away. Metadata `outcome` says what is certain.
  WALLET_UNAVAILABLE: { status: "UNAVAILABLE", text: "the wallet does not answer, try again" },
  SHARD_UNAVAILABLE: { status: "UNAVAILABLE", text: "the matcher does not answer, try again" },
  SHARD_READ_ONLY: { status: "RESOURCE_EXHAUSTED", text: "the matcher takes no new orders now" },
  MARKET_DATA_UNAVAILABLE: { status: "UNAVAILABLE", text: "market data does not answer, try again" },
  HISTORY_UNAVAILABLE: { status: "UNAVAILABLE", text: "the order history does not answer, try again" },
  DRAINING: { status: "UNAVAILABLE", text: "this process is going down, try another" },
  OVERLOADED: { status: "UNAVAILABLE", text: "too much is waiting, try again" },
  OUTCOME_UNKNOWN: { status: "UNAVAILABLE", text: "the outcome is not known, repeat the same call" },
  TRANSPORT_FAILED: { status: "UNAVAILABLE", text: "the connection failed" },
  DEADLINE_EXCEEDED: { status: "DEADLINE_EXCEEDED", text: "the deadline passed" },
  CANCELLED: { status: "CANCELLED", text: "the caller went away" },
  INTERNAL: { status: "INTERNAL", text: "internal error" },

  // Inside the mesh.
  SUBMIT_EXPIRED: { status: "FAILED_PRECONDITION", text: "the command came too late" },
  POSITION_UNKNOWN: { status: "ABORTED", text: "the position is not in this journal" },
  SEQ_IN_FUTURE: { status: "OUT_OF_RANGE", text: "the position is behind the end of the journal" },
  SEQ_TOO_OLD: { status: "OUT_OF_RANGE", text: "the journal no longer goes back to the position" },
  SEQ_GAP: { status: "ABORTED", text: "the cursor stands elsewhere" },
  STALE_EPOCH: { status: "ABORTED", text: "a later epoch is stored" },
  OWNED_BY_SHARD: {
    status: "FAILED_PRECONDITION",
    text: "only the shard of the reservation may settle or end it",
  },
  RESERVATION_MISMATCH: {
    status: "FAILED_PRECONDITION",
    text: "the reservation is not what the caller takes it for",
  },
  SETTLEMENT_IMPOSSIBLE: { status: "FAILED_PRECONDITION", text: "the settlement cannot be applied" },
} as const;

/** Stable reason of a failure. */
export type FailureReason = keyof typeof failures;

/** gRPC status names that failures use. */
export type StatusName = (typeof failures)[FailureReason]["status"];

/**
 * A failure the caller can act on. `facts` are shown to clients, so they hold no secrets: `field`,
 * `outcome`, `order_id`, `client_order_id`, `status`, `retry_after_ms` and what else a reason names.
 */
export class DomainError extends Error {
  override name = "DomainError";
  readonly reason: FailureReason;
  readonly facts: Readonly<Record<string, string>>;

  constructor(reason: FailureReason, facts: Readonly<Record<string, string>> = {}, options?: ErrorOptions) {
    super(failures[reason].text, options);
    this.reason = reason;
    this.facts = facts;
  }
}

/** True for a reason of the table. */
export function isFailureReason(text: string): text is FailureReason {
  return Object.hasOwn(failures, text);
}

/** The same failure with more facts; facts that it already has stay. */
export function withFacts(error: DomainError, facts: Readonly<Record<string, string>>): DomainError {
  return new DomainError(error.reason, { ...facts, ...error.facts }, { cause: error.cause });
}
