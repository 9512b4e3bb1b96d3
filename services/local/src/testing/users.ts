// Users of a throw-away exchange: tokens, clients, and what the operator deposits for them.
import { randomUUID } from "node:crypto";
import { type BourseClient, type BourseClientOptions, openBourse } from "@bourse/client/bourse-client.js";
import type { TokenClaims } from "../keys.js";
import type { Mesh } from "../mesh.js";

/** A user with a token. */
export interface User {
  readonly id: string;
  readonly token: string;
  readonly client: BourseClient;
}

/** What a new user is given. */
export interface UserOptions extends Partial<Omit<TokenClaims, "userId">> {
  /** Asset to amount, decimal text. */
  readonly funds?: Readonly<Record<string, string>>;
}

/** Users of one exchange. */
export interface Users {
  /** Creates markets and credits accounts. */
  readonly operator: User;
  newUser(options?: UserOptions): Promise<User>;
  /** Closes the clients of all. */
  close(): void;
}

/** Opens users of a running exchange, whose clients reach it at its own address or another. */
export async function openUsers(
  mesh: Pick<Mesh, "running" | "token">,
  options: Partial<Omit<BourseClientOptions, "token">> = {},
): Promise<Users> {
  const clients: BourseClient[] = [];
  const open = async (claims: Partial<Omit<TokenClaims, "userId">>): Promise<User> => {
    const id = randomUUID();
    const token = await mesh.token({ userId: id, roles: ["trader"], tier: "unlimited", ...claims });
    const client = openBourse({ address: mesh.running.grpcAddress, ...options, token });
    clients.push(client);
    return { id, token, client };
  };
  const operator = await open({ roles: ["operator"] });
  return {
    operator,
    newUser: async ({ funds = {}, ...claims } = {}) => {
      const user = await open(claims);
      for (const [asset, amount] of Object.entries(funds))
        await operator.client.accounts.deposit({ userId: user.id, asset, amount, requestId: randomUUID() });
      return user;
    },
    close: () => {
      for (const client of clients) client.close();
    },
  };
}
