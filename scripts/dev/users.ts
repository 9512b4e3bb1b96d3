// The people of the demo, by name. Their ids never change, so that tokens and balances fit together
// across restarts.
import { allBotUsers } from "@bourse/bots/users.js";
import type { TokenClaims } from "@bourse/local/keys.js";

/** Who a token can be made for by name. */
export const namedUsers: Readonly<Record<string, TokenClaims>> = {
  alice: { userId: "00000000-0000-4000-8000-00000000a11c", roles: ["trader"], tier: "pro" },
  bob: { userId: "00000000-0000-4000-8000-000000000b0b", roles: ["trader"], tier: "pro" },
  operator: { userId: "00000000-0000-4000-8000-00000000c0de", roles: ["operator"], tier: "unlimited" },
};

/** Whose token the bots use: it acts for the bots' own users. */
export const botDesk: TokenClaims = {
  userId: "00000000-0000-4000-8000-0000000000b0",
  roles: ["trader"],
  permissions: ["act_for"],
  tier: "unlimited",
  ttlSeconds: 365 * 86_400,
};

/** A deposit that stands at the beginning; its request id makes it happen once for ever. */
export interface Grant {
  readonly userId: string;
  readonly asset: string;
  readonly amount: string;
  readonly requestId: string;
}

const demoAmounts = { USDT: "100000", BTC: "2", ETH: "30", XRP: "100000" };
// Enough for years at the demo's pace.
const botAmounts = { USDT: "50000000000", BTC: "1000000", ETH: "10000000", XRP: "50000000000" };

/** What alice and bob own at the beginning. */
export function demoGrants(): Grant[] {
  return ["alice", "bob"].flatMap((name) => grantsOf(namedUsers[name]?.userId ?? "", demoAmounts));
}

/** What the bots own at the beginning. */
export function botGrants(): Grant[] {
  return allBotUsers.flatMap((userId) => grantsOf(userId, botAmounts));
}

function grantsOf(userId: string, amounts: Readonly<Record<string, string>>): Grant[] {
  return Object.entries(amounts).map(([asset, amount]) => ({
    userId,
    asset,
    amount,
    requestId: `first-${userId.slice(-4)}-${asset}`,
  }));
}
