// The whole exchange as its supervisor sees it, with real processes.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BourseClient, openBourse } from "@bourse/client/bourse-client.js";
import { OrderStatus, OrderType, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isPortTaken } from "./free-port.js";
import { pathsOf } from "./home.js";
import { makeToken } from "./keys.js";
import { type Mesh, startMesh } from "./mesh.js";
import { identityOf, isAlive, type ProcessIdentity } from "./process-identity.js";
import { type RunningExchange, readRunning } from "./running.js";

const userId = "00000000-0000-4000-8000-00000000a11c";
let home: string;
let mesh: Mesh | undefined;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "bourse-exchange-"));
});
afterEach(async () => {
  await mesh?.stop();
  mesh = undefined;
  await rm(home, { recursive: true, force: true });
});

async function connect({ grpcAddress }: RunningExchange, role: "trader" | "operator"): Promise<BourseClient> {
  return openBourse({
    address: grpcAddress,
    token: await makeToken(home, { userId, roles: [role], tier: "pro" }),
  });
}

test("a child that is killed ends the whole exchange, with its name and last words", {
  timeout: 90_000,
}, async () => {
  mesh = await startMesh({ home, ports: "free", isDurable: false });
  expect([...mesh.readyAfterMs.keys()]).toHaveLength(8);
  const processes = identitiesOf(await readRunning(home));
  const postgresPid = mesh.pid("postgres");
  process.kill(mesh.pid("projector"), "SIGKILL");
  const failure = await mesh.failed;
  expect(failure.message).toMatch(/^projector ended \(SIGKILL\):\n(.*\n)+ {2}log: .*projector\.log$/);
  await mesh.stop();
  expect(processes.filter(isAlive)).toEqual([]);
  expect(identityOf(postgresPid)).toBeUndefined();
  await expect(readRunning(home)).rejects.toThrow("no exchange runs on");
});

test("after kill -9 of the supervisor nothing stays, and the next start has all that was acknowledged", {
  timeout: 120_000,
}, async () => {
  const script = fileURLToPath(new URL("./testing/hold-mesh.ts", import.meta.url));
  const supervisor = spawn(process.execPath, ["--import", "tsx", "--conditions=source", script, home], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(supervisor.stdout, "data");
  const before = await readRunning(home);
  const postgres = identityOf(
    Number((await readFile(join(pathsOf(home).postgres, "postmaster.pid"), "utf8")).split("\n")[0]),
  );
  const operator = await connect(before, "operator");
  await operator.accounts.deposit({ userId, asset: "USDT", amount: "1000", requestId: "test-1" });
  const trader = await connect(before, "trader");
  await trader.orders.placeOrder({
    clientOrderId: "kept",
    ...{ symbol: "BTC/USDT", side: Side.BUY, type: OrderType.LIMIT, price: "100", quantity: "1.5" },
  });
  operator.close();
  trader.close();

  supervisor.kill("SIGKILL");
  const left = [...identitiesOf(before), ...(postgres === undefined ? [] : [postgres])];
  expect(left).toHaveLength(8);
  // The next start does not wait for the test to see them gone: it waits itself.
  mesh = await startMesh({ home, ports: "free", isDurable: false });
  expect(left.filter(isAlive)).toEqual([]);

  const again = await connect(mesh.running, "trader");
  const { balances } = await again.accounts.getBalances({});
  expect(balances).toMatchObject([{ asset: "USDT", available: "850", reserved: "150" }]);
  const { order } = await again.orders.getOrder({ id: { case: "clientOrderId", value: "kept" } });
  expect(order).toMatchObject({ status: OrderStatus.OPEN, quantity: "1.5", filledQuantity: "0" });
  again.close();
  expect(await auditAsDocumented(mesh)).toEqual({ user: "bourse_auditor", breached: [] });
  const { httpUrl } = mesh.running;
  await mesh.stop();
  expect(await isPortTaken(Number(new URL(httpUrl).port))).toBe(false);
});

/** Does what the wallet's README tells an auditor: the address of its command, the statement below it. */
async function auditAsDocumented({ postgresUrl }: Mesh): Promise<{ user: string; breached: string[] }> {
  const readme = await readFile(new URL("../../wallet/README.md", import.meta.url), "utf8");
  const address = /^ {4}psql (".*")$/m.exec(readme)?.[1];
  const statement = /```sql\n([^`]+)```/.exec(readme)?.[1] ?? "";
  // The home of the command is .bourse in the folder of the project.
  const folder = await mkdtemp(join(tmpdir(), "bourse-project-"));
  await symlink(home, join(folder, ".bourse"));
  const shell = await promisify(execFile)("sh", ["-c", `printf %s ${address}`], { cwd: folder });
  await rm(folder, { recursive: true });
  expect(shell.stdout).toContain("@127.0.0.1:15432/");
  const client = new pg.Client({
    connectionString: shell.stdout.replace(":15432/", `:${new URL(postgresUrl).port}/`),
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ invariant: string; breaches: string }>(statement);
    expect(rows.length).toBeGreaterThan(10);
    const who = await client.query<{ user: string }>("SELECT current_user AS user");
    const breached = rows.filter(({ breaches }) => Number(breaches) > 0).map(({ invariant }) => invariant);
    return { user: who.rows[0]?.user ?? "", breached };
  } finally {
    await client.end();
  }
}

function identitiesOf({ processes }: RunningExchange): ProcessIdentity[] {
  return processes.flatMap(({ identity }) => (identity === undefined ? [] : [identity]));
}
