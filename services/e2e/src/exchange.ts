// A throw-away exchange of real processes for one test file, with its users and its surfaces.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BourseClient, openBourse } from "@bourse/client/bourse-client.js";
import type { TokenClaims } from "@bourse/local/keys.js";
import { type Mesh, type MeshOptions, startMesh } from "@bourse/local/mesh.js";
import { type Evidence, openEvidence } from "./evidence.js";
import { openSurfaces, type Surfaces } from "./surfaces/all.js";

/** A user with a token; clients are closed with the exchange. */
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

/** A running exchange and what tests need of it. */
export interface Exchange {
  readonly mesh: Mesh;
  readonly surfaces: Surfaces;
  readonly evidence: Evidence;
  /** Creates markets and credits accounts. */
  readonly operator: User;
  newUser(options?: UserOptions): Promise<User>;
  close(): Promise<void>;
}

/**
 * Starts an exchange on free ports with state of its own and returns when it is ready. Durable only on
 * demand: what is never killed needs no fsync.
 */
export async function startExchange(options: Partial<MeshOptions> = {}): Promise<Exchange> {
  const home = await mkdtemp(join(tmpdir(), "bourse-e2e-"));
  const mesh = await startMesh({ home, ports: "free", isDurable: false, ...options });
  const { grpcAddress, httpUrl } = mesh.running;
  const surfaces = openSurfaces({ grpcAddress, httpUrl });
  const clients: BourseClient[] = [];

  const open = async (claims: Partial<Omit<TokenClaims, "userId">>): Promise<User> => {
    const id = randomUUID();
    const token = await mesh.token({ userId: id, roles: ["trader"], tier: "unlimited", ...claims });
    const client = openBourse({ address: grpcAddress, token });
    clients.push(client);
    return { id, token, client };
  };
  const operator = await open({ roles: ["operator"] });
  const evidence = await openEvidence(mesh);
  return {
    mesh,
    surfaces,
    evidence,
    operator,
    newUser: async ({ funds = {}, ...claims } = {}) => {
      const user = await open(claims);
      for (const [asset, amount] of Object.entries(funds)) {
        await operator.client.accounts.deposit({ userId: user.id, asset, amount, requestId: randomUUID() });
      }
      return user;
    },
    close: async () => {
      for (const client of clients) client.close();
      surfaces.close();
      await evidence.close();
      await mesh.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
