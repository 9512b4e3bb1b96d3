// Holds what clients were told against what the exchange did: nothing lost, nothing doubled.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { OrderEnded } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { Order } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { OrderStatus, OrderType } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { legIdOf, orderIdOf } from "@bourse/shared/ids.js";
import type { Evidence } from "./evidence.js";
import type { Told, ToldDeposit } from "./load.js";

/** What the journals of all shards say about orders. */
interface Journaled {
  /** Seqs of the records that accepted an order. */
  readonly accepted: ReadonlyMap<string, bigint[]>;
  readonly ended: ReadonlyMap<string, OrderEnded[]>;
  /** Words on amends by their leg: true for one that was made. */
  readonly amends: ReadonlyMap<string, boolean[]>;
  /** Orders by user and client order id. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What does not agree when everything is settled; empty when all does. Reads everything through the public API too. */
export async function disagreements(
  exchange: { readonly evidence: Evidence },
  told: readonly Told[],
): Promise<string[]> {
  await exchange.evidence.untilSettled();
  return disagreementsNow(exchange, told);
}

/** The same, settled or not; what was told `before` is held against the journals alone. */
export async function disagreementsNow(
  { evidence }: { readonly evidence: Evidence },
  told: readonly Told[],
  before: readonly Told[] = [],
): Promise<string[]> {
  const journaled = await readJournals(evidence);
  const found: string[] = [];
  for (const [orderId, all] of journaled.accepted)
    if (all.length > 1) found.push(`${orderId}: accepted ${all.length} times`);
  for (const [orderId, all] of journaled.ended)
    if (all.length > 1) found.push(`${orderId}: ended ${all.length} times`);
  for (const [legId, all] of journaled.amends)
    if (all.length > 1) found.push(`${legId}: an amend decided ${all.length} times`);
  for (const [key, orderIds] of journaled.keys)
    if (orderIds.size > 1) found.push(`${key}: one client order id, orders ${[...orderIds].join(", ")}`);
  for (const each of [...before, ...told]) found.push(...wordBreaches(each, journaled));
  // A few at a time: each is two calls.
  for (let at = 0; at < told.length; at += 16) {
    const some = told.slice(at, at + 16).map((each) => readBreaches(each, journaled));
    found.push(...(await Promise.all(some)).flat());
  }
  return found;
}

/** Acknowledged deposits that the wallet has not exactly once. */
export async function missingDeposits(
  evidence: Evidence,
  deposits: readonly ToldDeposit[],
): Promise<string[]> {
  const rows = await evidence.query<{ request_id: string; user_id: string; asset: string; amount: string }>(
    `SELECT request_id, user_id::text, asset, amount::text FROM wallet.transfers
      WHERE kind = 'DEPOSIT' AND request_id = ANY($1)`,
    [deposits.map(({ requestId }) => requestId)],
  );
  return deposits.flatMap(({ requestId, userId, asset, amount }) => {
    const made = rows.filter((row) => row.request_id === requestId);
    const [one] = made;
    const isSame = one?.user_id === userId && one.asset === asset && Number(one.amount) === Number(amount);
    return made.length === 1 && isSame
      ? []
      : [`deposit ${requestId} was told, it is there ${made.length} times`];
  });
}

/** What a client was told against the journals. */
function wordBreaches(told: Told, { accepted, amends, ended }: Journaled): string[] {
  const { user, sent, order, refusal } = told;
  const orderId = orderIdOf(user.id, sent.clientOrderId);
  const found: string[] = [];
  const expect = (isTrue: boolean, text: string) => {
    if (!isTrue) found.push(`${orderId} (${sent.clientOrderId}): ${text}`);
  };
  // NOT_ACCEPTED: no order exists and none will.
  expect(order !== undefined || !accepted.has(orderId), `told ${refusal?.reason}, yet accepted`);
  if (order === undefined) return found;
  const end = ended.get(orderId)?.[0];
  expect(order.orderId === orderId, `told another id ${order.orderId}`);
  // A tombstone is the word on an order that nobody took in: who was told that it lives was told wrong.
  const wasToldNone = order.status === OrderStatus.REJECTED || order.status === OrderStatus.CANCELLED;
  const isThere = accepted.has(orderId) || end?.terms !== undefined;
  expect(isThere || (end?.isTombstone === true && wasToldNone), "acknowledged, yet in no journal");
  expect(!told.isCancelled || end?.status === OrderStatus.CANCELLED, "a cancel was told, none is journaled");
  for (const { requestId, isMade } of told.amends) {
    const [word = false] = amends.get(legIdOf(orderId, requestId)) ?? [];
    expect(word === isMade, `amend ${requestId} told ${isMade}, journaled ${word}`);
  }
  return found;
}

/** What is said of an order now, by every reader and to the same call again. */
async function readBreaches(told: Told, journaled: Journaled): Promise<string[]> {
  const { user, sent, order, refusal } = told;
  const orderId = orderIdOf(user.id, sent.clientOrderId);
  const found: string[] = [];
  const expect = (isTrue: boolean, text: string) => {
    if (!isTrue) found.push(`${orderId} (${sent.clientOrderId}): ${text}`);
  };
  if (order === undefined) {
    const again = await user.client.orders.placeOrder(sent).catch((error: unknown) => error);
    const isRefused = again instanceof DomainError && again.facts.outcome === "NOT_ACCEPTED";
    expect(isRefused, `told ${refusal?.reason}, and then something else`);
    return found;
  }
  const [now, again] = await Promise.all([
    user.client.orders.getOrder({ id: { case: "orderId", value: orderId } }),
    user.client.orders.placeOrder(sent),
  ]);
  expect(again.replayed, "the same call again placed an order");
  const end = journaled.ended.get(orderId)?.[0];
  for (const reader of [now.order, again.order]) {
    expect(reader?.orderId === orderId, `read under another id ${reader?.orderId}`);
    expect(reader?.symbol === sent.symbol && reader?.side === sent.side, "read with another symbol or side");
    expect(
      reader?.status === statusOf(end, reader),
      `read as ${OrderStatus[reader?.status ?? 0]}, journaled ${OrderStatus[end?.status ?? 0]}`,
    );
    expect(Number(reader?.filledQuantity) >= Number(order.filledQuantity), "filled less than was told");
  }
  expect(now.order?.filledQuantity === again.order?.filledQuantity, "two readers, two filled quantities");
  return found;
}

/** Status by the journal: the end if there is one, else waiting, or open with or without fills. */
function statusOf(ended: OrderEnded | undefined, reader: Order | undefined): OrderStatus {
  if (ended !== undefined) return ended.status;
  const isStop = reader?.type === OrderType.STOP || reader?.type === OrderType.STOP_LIMIT;
  if (isStop && !reader.triggered) return OrderStatus.PENDING;
  return reader?.filledQuantity === "0" ? OrderStatus.OPEN : OrderStatus.PARTIALLY_FILLED;
}

const NO_TERMS = { clientOrderId: "", orderId: "", userId: "" };

async function readJournals(evidence: Evidence): Promise<Journaled> {
  const accepted = new Map<string, bigint[]>();
  const ended = new Map<string, OrderEnded[]>();
  const amends = new Map<string, boolean[]>();
  const keys = new Map<string, Set<string>>();
  const add = <T>(map: Map<string, T[]>, key: string, value: T) =>
    map.set(key, [...(map.get(key) ?? []), value]);
  const records = [...(await evidence.records(0)), ...(await evidence.records(1))];
  for (const { seq, command, events } of records) {
    const submitted = command?.kind.case === "submit" ? command.kind.value.terms : undefined;
    for (const { kind } of events) {
      if (kind.case === "accepted") {
        const { clientOrderId, orderId, userId } = kind.value.terms ?? submitted ?? NO_TERMS;
        add(accepted, orderId, seq);
        const key = `${userId} ${clientOrderId}`;
        keys.set(key, (keys.get(key) ?? new Set()).add(orderId));
      }
      if (kind.case === "ended") add(ended, kind.value.orderId, kind.value);
      if (kind.case === "amended" || kind.case === "amendRefused")
        add(amends, kind.value.legId, kind.case === "amended");
    }
  }
  return { accepted, ended, amends, keys };
}
