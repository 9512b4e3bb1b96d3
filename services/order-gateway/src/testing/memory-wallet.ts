// A wallet in memory behind real gRPC, for tests that lose its answers. Funds are exact, rows never reopen.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import {
  AccountService,
  type Reservation,
  ReservationSchema,
  ReservationState,
  type ReserveRequest,
  type ReserveStreamRequest,
  type TaggedReserveResult,
  TaggedReserveResultSchema,
  WalletService,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { transferIdOf } from "@bourse/shared/ids.js";
import { implement } from "@bourse/shared/rpc/call.js";
import { type GrpcServer, serveGrpc } from "@bourse/shared/rpc/server.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { formatAtoms, parseAtoms } from "@bourse/shared/units/atoms.js";
import { create } from "@bufbuild/protobuf";

export interface MemoryWallet {
  readonly port: number;
  readonly reservations: ReadonlyMap<string, Reservation>;
  credit(userId: string, asset: string, amount: string): void;
  available(userId: string, asset: string): string;
  /** Ends a reservation the way the settler does. */
  closeOrder(orderId: string, status: OrderStatus, reason: EndReason): void;
  /** The next answers to reserves are lost, their effect is not: the stream breaks instead. */
  loseAnswers(count: number): void;
  /** Reserves are taken but not answered until `release` is called. */
  holdAnswers(): { release: () => void };
  close(): Promise<void>;
}

/** Starts the wallet; port 0 picks a free one. */
export async function startMemoryWallet(port = 0): Promise<MemoryWallet> {
  const funds = new Map<string, bigint>();
  const reservations = new Map<string, Reservation>();
  const fingerprints = new Map<string, string>();
  let lost = 0;
  let held: Promise<void> | undefined;
  const balance = (userId: string, asset: string) => funds.get(`${userId}:${asset}`) ?? 0n;
  const add = (userId: string, asset: string, atoms: bigint) =>
    funds.set(`${userId}:${asset}`, balance(userId, asset) + atoms);

  const reserve = (request: ReserveRequest): TaggedReserveResult["outcome"] => {
    const print = Buffer.from(request.fingerprint).toString("hex");
    const known = reservations.get(request.orderId);
    if (known !== undefined && fingerprints.get(request.orderId) !== print) {
      return failure("CLIENT_ORDER_ID_REUSED", known);
    }
    if (known?.state === ReservationState.REFUSED) return failure("INSUFFICIENT_FUNDS");
    if (known !== undefined) return ok(known, true);
    const atoms = parseAtoms("amount", request.amount);
    const isCovered = balance(request.userId, request.asset) >= atoms;
    const { orderId, userId, asset, amount, shard, terms } = request;
    const state = isCovered ? ReservationState.ACTIVE : ReservationState.REFUSED;
    const row = create(ReservationSchema, {
      orderId,
      userId,
      asset,
      amount,
      remaining: isCovered ? amount : "0",
      shard,
      terms,
      state,
    });
    reservations.set(orderId, row);
    fingerprints.set(orderId, print);
    if (!isCovered) return failure("INSUFFICIENT_FUNDS");
    add(userId, asset, -atoms);
    return ok(row, false);
  };

  async function* reserveStream(requests: AsyncIterable<ReserveStreamRequest>) {
    for await (const { reserves } of requests) {
      const results = reserves.map(({ tag, reserve: request }) => {
        if (request === undefined) throw new DomainError("INTERNAL");
        return create(TaggedReserveResultSchema, { tag, outcome: reserve(request) });
      });
      await held;
      if (lost > 0) {
        lost -= 1;
        throw new DomainError("TRANSPORT_FAILED");
      }
      yield { results };
    }
  }

  const services = [
    implement(WalletService, {
      reserveStream,
      async getReservation({ orderId }) {
        const reservation = reservations.get(orderId);
        if (reservation === undefined) throw new DomainError("RESERVATION_NOT_FOUND");
        return { reservation };
      },
    }),
    implement(AccountService, {
      async getBalances({ userId }) {
        const own = [...funds].filter(([key]) => key.startsWith(`${userId}:`));
        return {
          balances: own.map(([key, atoms]) => ({
            asset: key.slice(userId.length + 1),
            available: formatAtoms(atoms),
            reserved: "0",
          })),
        };
      },
      async deposit({ userId, asset, amount = "", requestId }) {
        add(userId, asset, parseAtoms("amount", amount));
        const available = formatAtoms(balance(userId, asset));
        return {
          balance: { asset, available, reserved: "0" },
          transactionId: transferIdOf("deposit", requestId),
        };
      },
    }),
  ];
  const grpc = await serve(services, port);
  return {
    port: grpc.port,
    reservations,
    credit: (userId, asset, amount) => void add(userId, asset, parseAtoms("amount", amount)),
    available: (userId, asset) => formatAtoms(balance(userId, asset)),
    closeOrder(orderId, finalStatus, finalReason) {
      const row = reservations.get(orderId) ?? create(ReservationSchema, { orderId });
      reservations.set(orderId, {
        ...row,
        state: ReservationState.CLOSED,
        remaining: "0",
        finalStatus,
        finalReason,
        endedSeq: 9n,
        orderEndedAtMs: 1_000n,
      });
    },
    loseAnswers: (count) => {
      lost = count;
    },
    holdAnswers() {
      let release = () => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return { release: () => release() };
    },
    close: () => grpc.close(200),
  };
}

/** A gRPC server without noise. */
export function serve(
  services: Parameters<typeof serveGrpc>[0]["services"],
  port: number,
): Promise<GrpcServer> {
  const log = createLogger({ service: "test", level: "fatal" });
  const metrics = createMetrics("test");
  return serveGrpc({ host: "127.0.0.1", port, services, log, metrics, isReady: () => true });
}

function ok(reservation: Reservation, replayed: boolean): TaggedReserveResult["outcome"] {
  return { case: "ok", value: { $typeName: "bourse.wallet.v1.ReserveResponse", reservation, replayed } };
}

function failure(reason: string, stored?: Reservation): TaggedReserveResult["outcome"] {
  const value = { $typeName: "bourse.wallet.v1.ReserveFailure" as const, reason, facts: {} };
  return { case: "failure", value: stored === undefined ? value : { ...value, stored } };
}
