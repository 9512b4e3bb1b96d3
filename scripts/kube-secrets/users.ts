// Users that a release is tried with. Their ids never change, so that a second run finds their balances.
import type { TokenClaims } from "@bourse/local/keys.js";
import { namedUsers } from "../dev/users.js";

/** Who deposits. */
export const operator: TokenClaims = namedUsers.operator ?? trader("00000000c0de");

/** The two sides of the order that `helm test` settles. */
export const smokeUsers = { buyer: trader("00000005b001"), seller: trader("00000005b002") } as const;

/** Users of the load, as many as it has connections. */
export const loadUsers: readonly TokenClaims[] = Array.from({ length: 8 }, (_, index) =>
  trader(`0000000010a${index + 1}`),
);

function trader(lastDigits: string): TokenClaims {
  return { userId: `00000000-0000-4000-8000-${lastDigits}`, roles: ["trader"], tier: "unlimited" };
}
