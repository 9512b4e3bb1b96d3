// Who trades: one connection pool per token, and a client of the operator for deposits and market data.
import { type BourseClient, openBourse } from "@bourse/client/bourse-client.js";
import { untilFinal } from "@bourse/client/final-word.js";
import type { DomainError } from "@bourse/shared/errors/domain-error.js";
import { OrderGatewayService } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import {
  type CallOptions,
  createClient,
  openChannel,
  type ServiceClient,
} from "@bourse/shared/rpc/client.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { subjectOf } from "./token-subject.js";

type Orders = ServiceClient<typeof OrderGatewayService>;

export interface LoadUser {
  readonly userId: string;
  /** Makes a call until its final word, as the client library does; told of each failure before that. */
  readonly untilFinal: <T>(
    run: (orders: Orders, call: CallOptions) => Promise<T>,
    onRepeat?: (error: DomainError) => void,
  ) => Promise<T>;
  close(): void;
}

export interface LoadUsers {
  readonly all: readonly LoadUser[];
  readonly operator: BourseClient;
}

interface UserSettings {
  readonly address: string;
  readonly operatorToken: string;
  readonly tokens: readonly string[];
}

/** What one attempt may take; the default of the client library. */
const attemptMsMax = 10_000;

/** Opens the clients; the signal ends every call that is still open. */
export function openUsers({ address, operatorToken, tokens }: UserSettings, signal: AbortSignal): LoadUsers {
  const all = tokens.map((token) => openUser(address, token, signal));
  return { all, operator: openBourse({ address, token: operatorToken, signal }) };
}

function openUser(address: string, token: string, signal: AbortSignal): LoadUser {
  const channel = openChannel(address);
  const orders = createClient(OrderGatewayService, channel);
  const call = { signal, timeoutMs: attemptMsMax, headers: { authorization: `Bearer ${token}` } };
  return {
    userId: subjectOf(token),
    untilFinal: (run, onRepeat) =>
      untilFinal(() => run(orders, call), { clock: systemClock, random: Math.random, signal, onRepeat }),
    close: () => channel.close(),
  };
}

/** Plenty of each asset, so that no order is ever refused for lack of it. */
const depositUnits = "1000000000";

/** Gives every user plenty of an asset, once for ever: the request id decides. */
export async function fund(users: LoadUsers, asset: string): Promise<void> {
  await Promise.all(
    users.all.map(({ userId }) =>
      users.operator.accounts.deposit({
        userId,
        asset,
        amount: depositUnits,
        requestId: `load-${userId}-${asset}`,
      }),
    ),
  );
}
