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
  WithdrawalState,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { transferIdOf } from "@bourse/shared/ids.js";
import { implement } from "@bourse/shared/rpc/call.js";
import { type GrpcServer, serveGrpc } from "@bourse/shared/rpc/server.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { formatAtoms, parseAtoms } from "@bourse/shared/units/atoms.js";
import { create } from "@bufbuild/protobuf";

/** Starts the wallet; port 0 picks a free one. */
export async function startMemoryWallet(port = 0): Promise<MemoryWallet> {
  const wallet = new MemoryWallet();
  await wallet.listen(port);
  return wallet;
}

export class MemoryWallet {
  readonly reservations = new Map<string, Reservation>();
  /** Reserve streams that were opened so far. */
  streamsOpened = 0;
  readonly #funds = new Map<string, bigint>();
  readonly #fingerprints = new Map<string, string>();
  #lost = 0;
  #held: Promise<void> | undefined;
  #heldReads: Promise<void> | undefined;
  #grpc: GrpcServer | undefined;

  get port(): number {
    return this.#grpc?.port ?? 0;
  }

  async listen(port: number): Promise<void> {
    this.#grpc = await serve([this.#walletService(), this.#accountService()], port);
  }

  credit(userId: string, asset: string, amount: string): void {
    this.#add(userId, asset, parseAtoms("amount", amount));
  }

  available(userId: string, asset: string): string {
    return formatAtoms(this.#funds.get(`${userId}:${asset}`) ?? 0n);
  }

  /** Ends a reservation the way the settler does. */
  closeOrder(orderId: string, finalStatus: OrderStatus, finalReason: EndReason): void {
    const row = this.reservations.get(orderId) ?? create(ReservationSchema, { orderId });
    const end = { finalStatus, finalReason, acceptedSeq: 9n, endedSeq: 9n, orderEndedAtMs: 1_000n };
    this.reservations.set(orderId, { ...row, ...end, state: ReservationState.CLOSED, remaining: "0" });
  }

  /** The next answers to reserves are lost, their effect is not: the stream breaks instead. */
  loseAnswers(count: number): void {
    this.#lost = count;
  }

  /** Reserves, and reads if so named, are taken but not answered until `release` is called. */
  holdAnswers({ reads = false } = {}): { release: () => void } {
    let release = () => {};
    this.#held = new Promise((resolve) => {
      release = resolve;
    });
    if (reads) this.#heldReads = this.#held;
    return { release: () => release() };
  }

  async close(): Promise<void> {
    await this.#grpc?.close(200);
  }

  #walletService() {
    return implement(WalletService, {
      reserveStream: (requests) => this.#reserveStream(requests),
      getReservation: async ({ orderId }) => {
        await this.#heldReads;
        const reservation = this.reservations.get(orderId);
        if (reservation === undefined) throw new DomainError("RESERVATION_NOT_FOUND");
        return { reservation };
      },
    });
  }

  #accountService() {
    const balanceOf = (userId: string, asset: string) => {
      return { asset, available: this.available(userId, asset), reserved: "0" };
    };
    const ended = (requestId: string, state: WithdrawalState) => {
      return { withdrawal: { requestId, state } };
    };
    return implement(AccountService, {
      getBalances: async ({ userId }) => {
        const keys = [...this.#funds.keys()].filter((key) => key.startsWith(`${userId}:`));
        return { balances: keys.map((key) => balanceOf(userId, key.slice(userId.length + 1))) };
      },
      deposit: async ({ userId, asset, amount = "", requestId }) => {
        this.credit(userId, asset, amount);
        return { balance: balanceOf(userId, asset), transactionId: transferIdOf("deposit", requestId) };
      },
      // What only passes through the edge says who and what it was asked for.
      listLedgerEntries: async ({ userId, asset, pageToken }) => {
        return { entries: [{ requestId: userId, asset }], nextPageToken: pageToken };
      },
      adjustBalance: async ({ userId, asset, requestId }) => {
        return { balance: balanceOf(userId, asset), transactionId: transferIdOf("adjust", requestId) };
      },
      withdraw: async ({ userId, asset, requestId }) => {
        return { balance: balanceOf(userId, asset), ...ended(requestId, WithdrawalState.HELD) };
      },
      completeWithdrawal: async ({ requestId }) => ended(requestId, WithdrawalState.COMPLETED),
      cancelWithdrawal: async ({ requestId }) => ended(requestId, WithdrawalState.CANCELLED),
      getWithdrawal: async ({ requestId }) => {
        throw new DomainError("WITHDRAWAL_NOT_FOUND", { request_id: requestId });
      },
    });
  }

  async *#reserveStream(requests: AsyncIterable<ReserveStreamRequest>) {
    this.streamsOpened += 1;
    for await (const { reserves } of requests) {
      const results = reserves.map(({ tag, reserve }) => {
        if (reserve === undefined) throw new DomainError("INTERNAL");
        return create(TaggedReserveResultSchema, { tag, outcome: this.#reserve(reserve) });
      });
      await this.#held;
      if (this.#lost > 0) {
        this.#lost -= 1;
        throw new DomainError("TRANSPORT_FAILED");
      }
      yield { results };
    }
  }

  #reserve(request: ReserveRequest): TaggedReserveResult["outcome"] {
    const { orderId, userId, asset, amount, shard, terms, legOfOrderId } = request;
    const print = Buffer.from(request.fingerprint).toString("hex");
    const known = this.reservations.get(orderId);
    const isOther = known !== undefined && this.#fingerprints.get(orderId) !== print;
    if (isOther) return failure("CLIENT_ORDER_ID_REUSED", known);
    if (known?.state === ReservationState.REFUSED) return failure("INSUFFICIENT_FUNDS");
    if (known !== undefined) return ok(known, true);
    const order = this.reservations.get(legOfOrderId);
    if (legOfOrderId !== "" && order?.state !== ReservationState.ACTIVE) return failure("ORDER_NOT_OPEN");
    const atoms = parseAtoms("amount", amount);
    const isCovered = parseAtoms("amount", this.available(userId, asset)) >= atoms;
    const state = isCovered ? ReservationState.ACTIVE : ReservationState.REFUSED;
    const remaining = isCovered ? amount : "0";
    const content = { orderId, userId, asset, amount, shard, terms, legOfOrderId };
    const row = create(ReservationSchema, { ...content, remaining, state });
    this.reservations.set(orderId, row);
    this.#fingerprints.set(orderId, print);
    if (!isCovered) return failure("INSUFFICIENT_FUNDS");
    this.#add(userId, asset, -atoms);
    return ok(row, false);
  }

  #add(userId: string, asset: string, atoms: bigint): void {
    const key = `${userId}:${asset}`;
    this.#funds.set(key, (this.#funds.get(key) ?? 0n) + atoms);
  }
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
