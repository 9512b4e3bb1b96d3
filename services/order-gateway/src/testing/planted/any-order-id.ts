// Planted bug, rule 4: an order's id says nothing about what the client meant.
import { randomUUID } from "node:crypto";

/** Another id each time. */
export function orderIdOf(_userId: string, _clientOrderId: string): string {
  return randomUUID();
}
