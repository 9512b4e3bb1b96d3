// A wallet without a database: decisions of the core carried out in memory.
import { assert } from "@bourse/shared/assert.js";
import type { Operation } from "../core/operation.js";
import { type FullReservation, keyText } from "../core/reservation.js";
import { decideReserves, type ReserveRequest } from "../core/reserve.js";
import { decideSettlement, type SettlementDecision } from "../core/settle.js";

/** The wallet's tables in memory, so that a decision can be carried out without a database. */
export function memoryWallet(deposits: Record<string, bigint>) {
  const available = new Map(Object.entries(deposits));
  const reserved = new Map<string, bigint>();
  const rows = new Map<string, FullReservation>();
  const add = (column: Map<string, bigint>, key: string, atoms: bigint) => {
    column.set(key, (column.get(key) ?? 0n) + atoms);
    assert((column.get(key) ?? 0n) >= 0n, "no column of an account falls below zero");
  };
  return {
    available,
    reserved,
    rows,
    reserve(request: ReserveRequest): boolean {
      const { created, answers } = decideReserves({ available, stored: rows }, [request]);
      for (const row of created) {
        rows.set(row.orderId, row);
        add(available, keyText({ userId: row.userId, asset: row.asset ?? "" }), -row.remainingAtoms);
        add(reserved, keyText({ userId: row.userId, asset: row.asset ?? "" }), row.remainingAtoms);
      }
      return answers[0]?.type === "held";
    },
    settle(operations: readonly Operation[]): SettlementDecision {
      const decision = decideSettlement(0, rows, operations);
      for (const row of [...decision.changed, ...decision.tombstones]) {
        rows.set(row.orderId, { content: undefined, ...rows.get(row.orderId), ...row });
      }
      for (const delta of decision.deltas) {
        add(available, keyText(delta), delta.availableAtoms);
        add(reserved, keyText(delta), delta.reservedAtoms);
      }
      return decision;
    },
    total(asset: string): bigint {
      let sum = 0n;
      for (const column of [available, reserved]) {
        for (const [key, atoms] of column) if (key.endsWith(`/${asset}`)) sum += atoms;
      }
      return sum;
    },
  };
}
