// Deposits and balances through the public API.
import { openBourse } from "@bourse/client/bourse-client.js";
import { makeToken } from "@bourse/local/keys.js";
import { type Grant, namedUsers } from "./users.js";

/** Makes the deposits that were not made before; the request id decides. */
export async function grant(home: string, address: string, grants: readonly Grant[]): Promise<void> {
  const operator = namedUsers.operator;
  if (operator === undefined || grants.length === 0) return;
  const client = openBourse({ address, token: await makeToken(home, operator) });
  try {
    await Promise.all(grants.map((deposit) => client.accounts.deposit(deposit)));
  } finally {
    client.close();
  }
}

/** Balances of the bearer, one text per asset: "2 BTC", with what is reserved when something is. */
export async function balancesOf(address: string, token: string): Promise<string[]> {
  const client = openBourse({ address, token });
  try {
    const { balances } = await client.accounts.getBalances({});
    return balances.map(({ asset, available, reserved }) =>
      reserved === "0" ? `${available} ${asset}` : `${available} ${asset} (+ ${reserved} reserved)`,
    );
  } finally {
    client.close();
  }
}
