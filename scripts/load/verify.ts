// Reads every order of the run back through the public API and compares.
import { OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { OrderRecord } from "./record.js";
import type { Run } from "./run.js";
import type { LoadUser, LoadUsers } from "./users.js";
import { compareWords, type Listed, sumVerdicts, type Verdict } from "./verdict.js";

const pageSize = 1_000;
/** Clocks of shards and clients may differ; earlier orders of the users do no harm. */
const skewMs = 60_000;
/** How long the history may be behind. */
const historyMsMax = 60_000;
const againAfterMs = 1_000;

/** Compares every final word of a run with the listed orders; waits for a history that is behind. */
export async function verifyWords(options: {
  readonly users: LoadUsers;
  readonly run: Run;
  readonly clock: Clock;
}): Promise<Verdict> {
  const { users, run, clock } = options;
  const verdicts: Verdict[] = [];
  for (const user of users.all) {
    const records = run.records.filter(({ userId }) => userId === user.userId);
    if (records.length > 0) verdicts.push(await verifyUser(user, records, run.startedAtMs, clock));
  }
  return sumVerdicts(verdicts);
}

async function verifyUser(
  user: LoadUser,
  records: readonly OrderRecord[],
  startedAtMs: number,
  clock: Clock,
): Promise<Verdict> {
  const untilMs = clock.monotonicMs() + historyMsMax;
  for (;;) {
    const verdict = compareWords(records, await listOrders(user, startedAtMs - skewMs));
    if (verdict.lost === 0 || clock.monotonicMs() > untilMs) return verdict;
    await clock.sleep(againAfterMs);
  }
}

async function listOrders(user: LoadUser, fromMs: number): Promise<Listed[]> {
  const listed: Listed[] = [];
  const fromTime = timestampFromMs(Math.floor(fromMs));
  for (let pageToken = ""; ; ) {
    const page = await user.untilFinal((orders, call) =>
      orders.listOrders({ pageSize, pageToken, fromTime }, call),
    );
    for (const { clientOrderId, orderId, status } of page.orders)
      listed.push({ clientOrderId, orderId, isAccepted: status !== OrderStatus.REJECTED });
    if (page.nextPageToken === "") return listed;
    pageToken = page.nextPageToken;
  }
}
