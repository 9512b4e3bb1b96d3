// The exchange of a chaos run: real processes, a proxy on every way, users, and a look behind the doors.
import { type Mesh, startMesh } from "@bourse/local/mesh.js";
import { type Evidence, openEvidence } from "@bourse/local/testing/evidence.js";
import { LOAD_FUNDS, noteRepeat } from "@bourse/local/testing/load.js";
import { openUsers, type User, type Users } from "@bourse/local/testing/users.js";
import { TARGETS } from "./plan.js";
import { Supervisor } from "./supervisor.js";
import { openWays, type Ways } from "./ways.js";

export interface ChaosExchange {
  readonly mesh: Mesh;
  readonly ways: Ways;
  readonly supervisor: Supervisor;
  readonly evidence: Evidence;
  readonly users: readonly User[];
  readonly operator: User;
  close(): Promise<void>;
}

/**
 * Settings of a run, where they differ from those of every day. A round lasts seconds, so what waits for the end
 * of a fault waits shorter: breakers open for 1 s instead of 30, an orphan is asked about at 3 s instead of 10,
 * statements and settlements are given up after 4 s. What is decided is the same.
 */
const SETTINGS = {
  BOURSE__ORDER_GATEWAY__BREAKER_OPEN_MS: "1000",
  BOURSE__SETTLER__BREAKER_OPEN_MS: "1000",
  BOURSE__SETTLER__SETTLE_TIMEOUT_MS: "4000",
  BOURSE__SETTLER__SWEEP_EVERY_MS: "500",
  BOURSE__SETTLER__ORPHAN_AGE_MS: "3000",
  BOURSE__WALLET__STATEMENT_TIMEOUT_MS: "4000",
  BOURSE__WALLET__PING_EVERY_MS: "1000",
  BOURSE__PROJECTOR__STATEMENT_TIMEOUT_MS: "4000",
  // Deletes of the journal's beginning and snapshots are part of what is broken.
  BOURSE__MATCHER__SNAPSHOT_EVERY_RECORDS: "2000",
} as const;

/** How long one attempt of a client's call may take. */
const CALL_MS = 3_000;
const USERS = 6;
/** Too poor for most orders, so that refusals are among the final words. */
const POOR_FUNDS = { USDT: "20", BTC: "0.001", XRP: "30" };

/** Starts an exchange on a home; the signal gives up the start. */
export async function startChaosExchange(options: {
  readonly home: string;
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
}): Promise<ChaosExchange> {
  const ways = await openWays();
  const supervisor = new Supervisor();
  let mesh: Mesh | undefined;
  let users: Users | undefined;
  try {
    mesh = await startMesh({
      home: options.home,
      signal: options.signal,
      ports: "free",
      env: { ...SETTINGS, ...options.env },
      ...(options.envOf === undefined ? {} : { envOf: options.envOf }),
      reach: ways.reach,
      onEnded: supervisor.onEnded,
    });
    supervisor.watch(mesh);
    const edge = mesh.ports("order-gateway").grpc ?? 0;
    const address = `127.0.0.1:${ways.reach("client", "order-gateway", edge)}`;
    users = await openUsers(mesh, {
      address,
      signal: options.signal,
      timeoutMs: CALL_MS,
      onRepeat: noteRepeat,
    });
    const traders: User[] = [];
    for (let n = 0; n < USERS; n += 1) traders.push(await users.newUser({ funds: LOAD_FUNDS }));
    traders.push(await users.newUser({ funds: POOR_FUNDS }));
    const evidence = await openEvidence(mesh);
    const parts = { mesh, ways, supervisor, evidence, users };
    return { ...parts, users: traders, operator: users.operator, close: () => close(parts) };
  } catch (error) {
    supervisor.stop();
    users?.close();
    await mesh?.stop();
    await ways.close();
    throw error;
  }
}

async function close(parts: {
  readonly mesh: Mesh;
  readonly ways: Ways;
  readonly supervisor: Supervisor;
  readonly evidence: Evidence;
  readonly users: Users;
}): Promise<void> {
  const { evidence, mesh, supervisor, users, ways } = parts;
  supervisor.stop();
  users.close();
  await evidence.close();
  await mesh.stop();
  // What was just being started has outlived that.
  await supervisor.allStarted().catch(() => undefined);
  for (const name of TARGETS) if (mesh.pid(name) !== 0) await mesh.kill(name);
  await ways.close();
}
