// Two wallet processes on one database, one of which is killed on the way: what callers send to both at once, and
// repeat until they have a final word, is done once and answered alike.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { isInfrastructureFailure } from "@bourse/shared/errors/from-wire.js";
import { AccountService, EntryDirection } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, openChannel, type ServiceClient } from "@bourse/shared/rpc/client.js";
import { afterEach, expect, test } from "vitest";
import { uuidOf } from "./testing/names.js";
import { openWalletDatabase, type WalletDatabase } from "./testing/wallet-database.js";
import { startProcess, untilReady } from "./testing/wallet-process.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Accounts = ServiceClient<typeof AccountService>;

async function startWallet(database: WalletDatabase) {
  const running = startProcess("main.ts", {
    BOURSE__WALLET__POSTGRES_URL: database.url,
    BOURSE__WALLET__GRPC_PORT: "0",
    BOURSE__WALLET__HTTP_PORT: "0",
    BOURSE__WALLET__ADMIN_PORT: "0",
  });
  closers.push(async () => {
    running.child.kill("SIGKILL");
    await running.exited;
  });
  const ports = await running.said("wallet started");
  await untilReady(ports.adminPort);
  const channel = openChannel(`127.0.0.1:${ports.grpcPort}`);
  closers.push(() => channel.close());
  return { ...running, accounts: createClient(AccountService, channel) };
}

/** The final word of a call: its answer, or the reason of its refusal. Asks the wallets in turn until one says it. */
async function finalWord(
  wallets: readonly Accounts[],
  first: number,
  call: (accounts: Accounts) => Promise<unknown>,
) {
  for (let turn = first; ; turn += 1) {
    try {
      return JSON.stringify(await call(wallets[turn % wallets.length] as Accounts), (_, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      );
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (!isInfrastructureFailure(error)) return error.reason;
    }
  }
}

/** What all who sent the same call to the wallets at once were told: one thing. */
async function toldAlike(wallets: readonly Accounts[], call: (accounts: Accounts) => Promise<unknown>) {
  const told = await Promise.all([0, 1, 2, 3].map((first) => finalWord(wallets, first, call)));
  expect(new Set(told).size).toBe(1);
  return told[0] ?? "";
}

const ROUNDS = 8;

test("account operations that race at two wallets, one of which dies, are done once and answered alike", async () => {
  const database = await openWalletDatabase();
  closers.push(() => database.drop());
  const running = [await startWallet(database), await startWallet(database)];
  const wallets = running.map(({ accounts }) => accounts);
  let left = ROUNDS;

  const play = async (round: number) => {
    const [userId, asset] = [uuidOf(`racer ${round}`), "BTC"];
    const request = (name: string, amount: string) => ({
      userId,
      asset,
      amount,
      requestId: `${name}-${round}`,
    });
    await toldAlike(wallets, (wallet) => wallet.deposit(request("deposit", "10")));
    await toldAlike(wallets, (wallet) =>
      wallet.adjustBalance({
        ...request("debit", "1"),
        direction: EntryDirection.DEBIT,
        reason: "a fee by hand",
      }),
    );
    const holds = await Promise.all(
      ["first", "second"].map((name) => toldAlike(wallets, (wallet) => wallet.withdraw(request(name, "5")))),
    );
    // 9 are there: one of the two fits.
    expect(holds.filter((told) => told === "INSUFFICIENT_FUNDS")).toHaveLength(1);
    const held = holds[0] === "INSUFFICIENT_FUNDS" ? "second" : "first";
    const key = { requestId: `${held}-${round}` };
    const [completed, cancelled] = await Promise.all([
      toldAlike(wallets, (wallet) => wallet.completeWithdrawal(key)),
      toldAlike(wallets, (wallet) => wallet.cancelWithdrawal(key)),
    ]);
    const isCompleted = cancelled === "WITHDRAWAL_COMPLETED";
    expect(completed === "WITHDRAWAL_CANCELLED").toBe(!isCompleted);
    expect(await database.balance(userId, asset)).toBe(isCompleted ? "400000000+0" : "900000000+0");
    left -= 1;
    if (left === ROUNDS / 2) running[1]?.child.kill("SIGKILL");
  };
  await Promise.all(Array.from({ length: ROUNDS }, (_, round) => play(round)));

  expect(left).toBe(0);
  expect((await running[1]?.exited)?.code).toBeNull();
  expect(await database.breaches()).toEqual({});
  const errors = running[0]?.log.filter(({ level }) => level === "error" || level === "fatal");
  expect(errors).toEqual([]);
}, 60_000);
