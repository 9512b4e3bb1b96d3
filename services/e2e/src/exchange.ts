// A throw-away exchange of real processes for one test file, with its users and its surfaces.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, type MeshOptions, startMesh } from "@bourse/local/mesh.js";
import { type Evidence, openEvidence } from "@bourse/local/testing/evidence.js";
import { openUsers, type User, type UserOptions } from "@bourse/local/testing/users.js";
import { openSurfaces, type Surfaces } from "./surfaces/all.js";

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
  const users = await openUsers(mesh);
  const evidence = await openEvidence(mesh);
  return {
    mesh,
    surfaces,
    evidence,
    operator: users.operator,
    newUser: users.newUser,
    close: async () => {
      users.close();
      surfaces.close();
      await evidence.close();
      await mesh.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
