// What must happen, beside faults, for a broken rule to show: a settlement that the database refuses, and a
// settler of an earlier epoch that is still there.
import { type Evidence, until } from "@bourse/local/testing/evidence.js";
import { toDomainError } from "@bourse/shared/errors/from-wire.js";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, openChannel, type ServiceClient } from "@bourse/shared/rpc/client.js";
import type { ChaosExchange } from "../chaos/exchange.js";

/** How long the settler has to stop at what it cannot settle. */
const STOPS_MS_MAX = 3_000;
const HAPPENS_MS_MAX = 20_000;

/**
 * Lets the database refuse every trade until one was refused and the settler had time to stop; then trades are
 * taken again and the settler starts anew. Where nothing is skipped nothing is missing afterwards.
 */
export async function refuseTrades({ evidence, mesh, supervisor }: ChaosExchange): Promise<void> {
  await evidence.query("CREATE SCHEMA planted");
  // A sequence counts also in a transaction that is rolled back.
  await evidence.query("CREATE SEQUENCE planted.refused");
  await evidence.query(`
    CREATE FUNCTION planted.refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      PERFORM nextval('planted.refused');
      RAISE EXCEPTION 'planted' USING ERRCODE = 'check_violation';
    END $$`);
  await evidence.query(
    "CREATE TRIGGER planted BEFORE INSERT ON wallet.settled_trades FOR EACH ROW EXECUTE FUNCTION planted.refuse()",
  );
  try {
    await until(async () => {
      const [row] = await evidence.query<{ is_called: boolean }>("SELECT is_called FROM planted.refused");
      return row?.is_called === true;
    }, HAPPENS_MS_MAX);
    // Where it is skipped nobody stops.
    const admin = mesh.ports("settler").admin;
    await until(() => hasStopped(admin), STOPS_MS_MAX).catch(() => undefined);
  } finally {
    await evidence.query("DROP TRIGGER planted ON wallet.settled_trades");
    await evidence.query("DROP SCHEMA planted CASCADE");
  }
  await mesh.kill("settler");
  supervisor.start("settler");
}

async function hasStopped(adminPort: number): Promise<boolean> {
  const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  return /^bourse_settlement_stopped\{.*\} 1$/m.test(metrics);
}

const SHARD = 0;
/** The shard's own settler may have had a settlement under way when it was paused. */
const ZOMBIE_MS = 4_000;

/**
 * Settles, as a settler would that still reads from the shard's former process: with the former epoch, the end of
 * an order that is open. The shard's own settler is paused meanwhile, so that the cursor stands still.
 */
export async function settleAsZombie({ evidence, mesh }: ChaosExchange): Promise<void> {
  const walletChannel = openChannel(`127.0.0.1:${mesh.ports("wallet").grpc}`);
  const matcherChannel = openChannel(`127.0.0.1:${mesh.ports(`matcher-${SHARD}`).grpc}`);
  const settler = mesh.pid("settler");
  // 0 would be this program's own process group.
  if (settler === 0) throw new Error("the settler does not run");
  try {
    const matcher = createClient(MatcherService, matcherChannel);
    const { epoch: former } = await matcher.getShardState({}, { timeoutMs: 5_000 });
    await until(async () => (await storedEpoch(evidence)) > former, HAPPENS_MS_MAX);
    await until(async () => (await orderToEnd(evidence)) !== undefined, HAPPENS_MS_MAX);
    process.kill(settler, "SIGSTOP");
    const wallet = createClient(WalletService, walletChannel);
    // Where epochs are compared it is refused each time.
    await until(async () => endAs(former, wallet, await orderToEnd(evidence)), ZOMBIE_MS).catch(isRefused);
  } finally {
    process.kill(settler, "SIGCONT");
    walletChannel.close();
    matcherChannel.close();
  }
}

/** Lets only the end of the attempts pass. */
function isRefused(error: unknown): void {
  if (!(error instanceof Error) || !error.message.startsWith("not true after")) throw error;
}

interface Open {
  readonly order_id: string;
  readonly user_id: string;
}

async function storedEpoch(evidence: Evidence): Promise<bigint> {
  const [row] = await evidence.query<{ epoch: string }>(
    "SELECT stored_epoch::text AS epoch FROM wallet.shard_cursors WHERE shard = $1",
    [SHARD],
  );
  return BigInt(row?.epoch ?? 0);
}

/** An order that holds money and has traded nothing. */
async function orderToEnd(evidence: Evidence): Promise<Open | undefined> {
  const rows = await evidence.query<Open>(
    `SELECT order_id::text, user_id::text FROM wallet.reservations
      WHERE shard = $1 AND state = 'ACTIVE' AND sequenced AND spent = 0 AND leg_of IS NULL LIMIT 1`,
    [SHARD],
  );
  return rows[0];
}

/** True when the wallet took it. */
async function endAs(
  epoch: bigint,
  wallet: ServiceClient<typeof WalletService>,
  order: Open | undefined,
): Promise<boolean> {
  const { cursor } = await wallet.getCursor({ shard: SHARD }, { timeoutMs: 5_000 });
  if (cursor === undefined || order === undefined) return false;
  const seq = cursor.seq + 1n;
  const value = {
    orderId: order.order_id,
    userId: order.user_id,
    status: OrderStatus.CANCELLED,
    reason: EndReason.USER,
    executedTickLots: "0",
    acceptedSeq: 1n,
  };
  try {
    await wallet.settle({
      shard: SHARD,
      epoch,
      after: cursor,
      through: { epoch: cursor.epoch, seq, operations: 1 },
      operations: [{ seq, index: 0, timeMs: BigInt(Date.now()), kind: { case: "release", value } }],
    });
    return true;
  } catch (error) {
    const { reason } = toDomainError(error);
    if (reason === "SEQ_GAP" || reason === "STALE_EPOCH") return false;
    throw error;
  }
}
