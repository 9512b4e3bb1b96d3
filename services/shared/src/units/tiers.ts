// Tiers of users, as an access token names them.

/** All tiers, lowest first. A user without one is of the first. */
export const TIERS = ["basic", "plus", "pro", "unlimited"] as const;
export type Tier = (typeof TIERS)[number];

/** True for the name of a tier. */
export function isTier(name: unknown): name is Tier {
  return (TIERS as readonly unknown[]).includes(name);
}
